"""The far end of a virtual line from the command line; the line is the real program."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.lines.virtual.modem import State
from appliance.supervisor.cli import main
from appliance.supervisor.paths import close_run, open_data, open_run
from appliance.supervisor.virtual_line import changes

ROOT = Path(__file__).parents[2]
IDLE = State(
    plugged=True, registered=True, call="none", outgoing=False, number="", keys="", sound=False, calls=0, starts=1,
    counters={},
)  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    places = open_run(open_data(tmp_path))
    lines = places.run / "lines"
    command = [sys.executable, "-m", "appliance.lines.virtual", "--name", "gsm1", "--dir", str(lines)]
    control = lines / "gsm1.sock"
    with subprocess.Popen([*command, "--control", str(control)], cwd=ROOT) as line:
        until = time.monotonic() + 10
        while not control.exists() and time.monotonic() < until:
            time.sleep(0.02)
        yield tmp_path
        line.terminate()
    close_run(places)


def order(data: Path, *words: str) -> int:
    return main(["virtual-line", "--data", str(data), *words])


def test_one_order_from_a_script(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert order(data, "state") == 0
    assert "call: none" in capsys.readouterr().out
    assert order(data, "key", "1") == 1
    assert capsys.readouterr().out.startswith("  no: ")
    for words in (("signal", "much"), ("ring", "abc"), ("tone",)):
        assert order(data, *words) == 1
        assert capsys.readouterr().out == "  no: a number was expected; `help` shows how\n"
    assert order(data, "--line", "gsm1", "story") == 0


def test_orders_from_the_keyboard_until_it_is_gone(data: Path) -> None:
    typed = "help\n\nring withheld\nsignal 12\nno such order\n"
    done = subprocess.run(
        [sys.executable, "-m", "appliance.supervisor.cli", "virtual-line", "--data", str(data)],
        input=typed, capture_output=True, text=True, timeout=20, check=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.startswith("You are the far end of gsm1.")
    assert done.stdout.count("somebody calls") == 2
    assert "  ok\n" in done.stdout
    assert "  no: there is no order 'no'" in done.stdout


def test_no_box_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert order(tmp_path, "state") == 2
    assert capsys.readouterr().err == (
        f"No box with a virtual line runs on {tmp_path}. Start one in another terminal: ./qendra run\n"
    )
    assert order(tmp_path, "--line", "gsm9", "state") == 2
    assert "No box with a virtual line gsm9 runs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (replace(IDLE, call="ringing"), ["it rings at the box"]),
        (replace(IDLE, call="active", number="+355690000001"), ["the box has answered"]),
        (replace(IDLE, call="dialling", outgoing=True, number="0690000001"), ["the box calls 0690000001"]),
        (replace(IDLE, call="active", outgoing=True, number="0690000001", keys="3"), ["0690000001 has answered", "the box has pressed 3"]),
        (IDLE, []),
    ],
)  # fmt: skip
def test_what_the_box_does_is_said(now: State, words: list[str]) -> None:
    assert changes(IDLE, now) == words


def test_a_call_that_is_over_is_said() -> None:
    assert changes(replace(IDLE, call="active"), IDLE) == ["the call is over"]
    assert changes(None, replace(IDLE, registered=False)) == ["the modem is not on its network yet"]
    assert changes(replace(IDLE, registered=False), IDLE) == ["the modem is on its network"]
