"""A telephone behind a router of its own reaches the box behind another, by the public name."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.journeys.behind_nat_story import HOME
from tests.journeys.box import HOUSE


@pytest.mark.skipif(not all(map(shutil.which, ("nft", "baresip"))), reason="nftables or baresip is not installed")
def test_an_operator_at_home() -> None:
    """In networks that the test makes; the name server stands on the street."""
    folder = Path(tempfile.mkdtemp(prefix="qn-"))  # short: sockets live in it
    try:
        (folder / "resolv.conf").write_text(f"nameserver {HOME}\n", encoding="ascii")
        script = 'mount --bind "$1" /etc/resolv.conf && exec "$2" -m tests.journeys.behind_nat_story "$3"'
        words = ["sh", "-c", script, "sh", folder / "resolv.conf", sys.executable, folder]
        ended = subprocess.run(
            ["unshare", "--net", "--mount", *map(str, words)],
            cwd=HOUSE, capture_output=True, text=True, timeout=150, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
    finally:
        shutil.rmtree(folder, ignore_errors=True)
