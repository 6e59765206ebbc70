"""Real processes, forked, killed, started again and ended. Each test takes about a second."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from appliance.supervisor.paths import existing_run, lock_owner, open_data
from appliance.supervisor.processes import BackOff, ended_how


class SmallBox:
    """A box of small parts as a process of its own, and what it says."""

    def __init__(self, data: Path, *parts: str) -> None:
        self.data = data
        self.said: list[str] = []
        self._half = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.supervisor.small_box", str(data), *parts], stdout=subprocess.PIPE, bufsize=0
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()

    def hear(self, words: str, seconds: float = 10.0) -> str:
        """Wait until it says a line with these words; returns the line."""
        until = time.monotonic() + seconds
        for line in self._lines(until):
            self.said.append(line)
            if words in line:
                return line
        pytest.fail(f"never said {words!r}, only {self.said}")

    def _lines(self, until: float) -> Iterator[str]:
        assert self.process.stdout
        while time.monotonic() < until:
            if not select.select([self.process.stdout], [], [], 0.1)[0]:
                continue
            piece = os.read(self.process.stdout.fileno(), 4096).decode()
            if not piece:
                return
            *lines, self._half = (self._half + piece).split("\n")
            yield from lines

    def parts(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(existing_run(self.data).box.read_text(encoding="utf-8"))
        assert told["pid"] == self.process.pid
        return dict(told["parts"])

    def pid(self, name: str) -> int:
        return int(self.parts()[name]["pid"])

    def log(self, name: str) -> str:
        return (self.data / "log" / f"{name}.log").read_text(encoding="utf-8")

    def stop(self) -> float:
        """Ask it to end; returns the seconds it took."""
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(10) == 0
        return time.monotonic() - began


def gone(pid: int, seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text(encoding="ascii"):
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_the_first_restart_is_at_once_and_then_ever_later() -> None:
    back_off = BackOff()
    pauses = []
    now = 1000.0
    for _ in range(11):
        back_off.started(now)
        pauses.append(back_off.ended(now + 1))
        now += 1 + pauses[-1]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
    assert back_off.in_a_row == 11


def test_a_minute_of_good_life_makes_the_next_restart_quick_again() -> None:
    back_off = BackOff()
    for _ in range(5):
        back_off.started(0.0)
        back_off.ended(59.9)
    back_off.started(100.0)
    assert back_off.well_from == 160.0
    assert back_off.ended(160.0) == 0.1
    assert back_off.in_a_row == 1


def test_how_a_process_ended_in_words() -> None:
    assert ended_how(signal.SIGKILL) == "killed by signal 9"
    assert ended_how(3 << 8) == "it ended with an error, status 3"
    assert ended_how(0) == "it ended by itself"


def test_parts_start_together_and_end_in_their_order(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "first=listen", "second=listen", "third=listen") as box:
        box.hear("ready")
        pids = [box.pid(name) for name in ("first", "second", "third")]
        run = existing_run(tmp_path).run
        took = box.stop()
        assert took < 3
        box.hear("stopped")
        assert all(gone(pid) for pid in pids)
        assert not [left for left in run.rglob("*") if not left.is_dir()]
        assert box.said == ["ready", "stopped"]


def test_a_later_part_ends_after_an_earlier_one(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "first=listen", "second=stubborn", "third=listen") as box:
        box.hear("ready")
        run = existing_run(tmp_path).run
        wait_for(run / "second.sock")
        ends: dict[str, float] = {}
        box.process.terminate()
        while box.process.poll() is None:
            for name in ("first", "third"):
                if name not in ends and (run / f"{name}.ended").exists():
                    ends[name] = time.monotonic()
            time.sleep(0.01)
        assert ends["third"] - ends["first"] > 0.9, "the third is told a second after the stubborn second"
        box.hear("the second did not end by itself and was killed.")


def wait_for(path: Path) -> None:
    until = time.monotonic() + 5
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_killed_part_is_back_soon_and_its_death_is_said_once(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "engine=listen", "desk=listen") as box:
        box.hear("ready")
        desk, engine = box.pid("desk"), box.pid("engine")
        killed = time.monotonic()
        os.kill(engine, signal.SIGKILL)
        assert box.hear("engine") == (
            "the engine stopped unexpectedly (killed by signal 9); starting it again in 0.1 s."
        )
        box.hear("the engine is back")
        assert time.monotonic() - killed < 2
        engine_now = box.parts()["engine"]
        assert (engine_now["starts"], engine_now["answers"]) == (2, True)
        assert box.pid("engine") != engine
        assert box.pid("desk") == desk
        os.kill(box.pid("engine"), signal.SIGKILL)
        box.hear("starting it again in 0.2 s")
        box.hear("the engine is back")
        box.stop()
        assert sum("stopped unexpectedly" in line for line in box.said) == 2


def test_a_part_that_fails_leaves_its_reason_in_its_log_and_the_others_alone(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "desk=listen", "web=fail") as box:
        log = tmp_path / "log" / "web.log"
        assert box.hear("web") == (
            f"the web stopped unexpectedly (it ended with an error, status 1); starting it again in 0.1 s. Its log: {log}"
        )
        assert "RuntimeError: the sky is falling" in box.log("web")
        assert "Become" not in box.log("web")
        assert box.parts()["desk"]["starts"] == 1
        box.stop()


def test_a_part_that_never_works_is_told_twice_and_tried_on(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "web=abort-silent", "desk=listen") as box:
        box.hear("the web stopped unexpectedly (killed by signal 6); starting it again in 0.1 s.")
        box.hear(f"the web keeps stopping (killed by signal 6); I go on trying, ever less often. Its log: {tmp_path}")
        until = time.monotonic() + 5
        while box.parts()["web"]["starts"] < 5:
            assert time.monotonic() < until
            time.sleep(0.05)
        box.stop()
        box.hear("stopped")
        assert len(box.said) == 3


def test_a_part_that_works_a_little_each_time_is_told_three_times_more(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "engine=listen") as box:
        for pause in ("0.1", "0.2", "0.4"):
            box.hear("the engine is back" if pause != "0.1" else "ready")
            os.kill(box.pid("engine"), signal.SIGKILL)
            box.hear(f"starting it again in {pause} s")
        box.hear("the engine is back")
        os.kill(box.pid("engine"), signal.SIGKILL)
        box.hear("the engine keeps stopping (killed by signal 9)")
        box.stop()


def test_a_part_that_kept_stopping_and_lives_is_told_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOD_LIFE", "0.8")
    with SmallBox(tmp_path, "engine=listen") as box:
        for heard in ("ready", "is back", "is back", "is back"):
            box.hear(heard)
            os.kill(box.pid("engine"), signal.SIGKILL)
        box.hear("the engine keeps stopping")
        box.hear("the engine works again.")
        box.stop()


def test_an_abort_in_a_library_is_a_death_like_any_other(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "engine=abort") as box:
        box.hear("the engine stopped unexpectedly (killed by signal 6); starting it again in 0.1 s.")
        box.stop()


def test_children_end_when_their_parent_is_killed_and_the_next_run_waits_for_them(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "edge=listen", "desk=listen") as box:
        box.hear("ready")
        pids = [box.pid("edge"), box.pid("desk")]
        box.process.kill()
        box.process.wait()
        with SmallBox(tmp_path, "edge=listen", "desk=listen") as after:
            after.hear("ready")
            assert all(gone(pid) for pid in pids)
            after.stop()


def test_a_hurried_person_does_not_wait(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "first=stubborn", "second=stubborn") as box:
        run = existing_run(tmp_path).run
        wait_for(run / "first.sock")
        wait_for(run / "second.sock")
        began = time.monotonic()
        box.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        box.process.send_signal(signal.SIGINT)
        box.process.wait(5)
        assert time.monotonic() - began < 1
        box.hear("the second did not end by itself and was killed.")


def test_an_order_to_stop_that_comes_twice_at_once_is_one_order(tmp_path: Path) -> None:
    """As `timeout` gives it: to the process, and again to its group."""
    with SmallBox(tmp_path, "slow=stubborn") as box:
        wait_for(existing_run(tmp_path).run / "slow.sock")
        box.process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
        box.process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            box.process.wait(0.4)
        box.process.send_signal(signal.SIGTERM)
        assert box.process.wait(0.5) == 0


def test_a_part_that_never_answers_keeps_the_box_from_being_ready(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "desk=listen", "web=silent") as box:
        with pytest.raises(pytest.fail.Exception):
            box.hear("ready", 0.7)
        box.stop()


def test_a_log_has_lines_with_time_room_and_words_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    with SmallBox(tmp_path, "desk=listen") as box:
        box.hear("ready")
        box.stop()
        *_, line = box.log("desk").splitlines()
        moment, level, room, words = line.split(" ", 3)
        assert (level, room, words[:9]) == ("INFO", "qendra.test:", "listening")
        assert moment.endswith("Z")
        assert "small_part.py', 'listen', " in words, "as `python -m` would have started it"
        assert (tmp_path / "log" / "desk.log").stat().st_mode & 0o777 == 0o600


def test_the_folder_is_known_to_be_in_use_while_a_box_runs(tmp_path: Path) -> None:
    assert lock_owner(open_data(tmp_path)) is None
    with SmallBox(tmp_path, "desk=listen") as box:
        box.hear("ready")
        assert lock_owner(open_data(tmp_path)) == box.process.pid
        with SmallBox(tmp_path, "desk=listen") as second:
            assert second.process.wait(5) == 1
        box.stop()
    assert lock_owner(open_data(tmp_path)) is None
