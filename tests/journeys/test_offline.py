"""No name look-up stands in the way of a call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.journeys.box import HOUSE
from tests.journeys.offline_story import SILENT


def test_the_internet_is_gone(tmp_path: Path) -> None:
    """In a network namespace with loopback alone, and with a name server that is silent."""
    (tmp_path / "resolv.conf").write_text(f"nameserver {SILENT}\noptions timeout:3 attempts:1\n", encoding="ascii")
    script = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && exec "$2" -m tests.journeys.offline_story "$3"'
    words = ["sh", "-c", script, "sh", tmp_path / "resolv.conf", sys.executable, tmp_path]
    ended = subprocess.run(
        ["unshare", "--net", "--mount", *map(str, words)],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
