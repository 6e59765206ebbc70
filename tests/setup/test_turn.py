"""Two set-ups in one place: the second waits for the first, and is not held up by a dead one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from appliance.setup.turn import turn

HOLDER = """
import sys
from pathlib import Path
from appliance.setup.turn import turn
with turn(Path(sys.argv[1]), lambda who: print("waiting for", who, flush=True)):
    print("mine", flush=True)
    sys.stdin.readline()
"""


def holder(lock: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_the_second_waits_and_is_told_for_whom(tmp_path: Path) -> None:
    lock = tmp_path / "deep" / "lock"
    with holder(lock) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "mine\n"
        with holder(lock) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == f"waiting for process {first.pid}\n"
            first.communicate("\n")
            assert second.stdout.readline() == "mine\n"
            second.communicate("\n")


def test_a_dead_holder_holds_nothing(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.kill()
        first.wait()
    with turn(tmp_path / "lock", lambda who: pytest.fail(f"waited for {who}")):
        pass
