"""A provider beyond a router that turns addresses and ports, in networks that the test makes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.running import HOUSE


@pytest.mark.skipif(shutil.which("nft") is None, reason="nftables is not installed")
def test_a_provider_beyond_a_router(tmp_path: Path) -> None:
    words = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.edge.trunks.router_story", str(tmp_path)]
    ended = subprocess.run(words, cwd=HOUSE, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
