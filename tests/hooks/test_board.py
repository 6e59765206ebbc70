"""Commands move pins, pins become events, and a box without pins is a box."""

from __future__ import annotations

import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

from appliance.calls.commands import Buzz, ShowEncrypted, ShowLamp
from appliance.calls.names import Extension
from firmware_hooks.board import BoardFault, LampSettings, NullPanel, Panel, open_panel
from firmware_hooks.hook import HookEvent, HookLifted, HookReplaced, HookSettings
from firmware_hooks.pins import GpioPanel

HOUSE = Path(__file__).parents[2]
ANNA, BESA = Extension("101"), Extension("102")
WIRED = LampSettings(lamps=((ANNA, 17), (BESA, "BOARD13")), buzzer=22, factory="mock")


def soon(true: Callable[[], bool]) -> bool:
    """Whether it becomes true within two seconds; the panel has a thread of its own."""
    deadline = time.monotonic() + 2.0
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


class Bench:
    """A panel over mock pins, and what it reported."""

    def __init__(self, settings: LampSettings, pin_class: type[MockPin] = MockPWMPin) -> None:
        self.pins = MockFactory(pin_class=pin_class)
        self.events: queue.Queue[HookEvent] = queue.Queue()
        self.panel = GpioPanel(settings, self.pins, self.events.put)

    def level(self, pin: int) -> float:
        return float(self.pins.pin(pin).state)

    def shows(self, pin: int, level: float) -> bool:
        return self.level(pin) == level

    def history(self, pin: int) -> list[float]:
        return [state.state for state in self.pins.pin(pin).states]


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(WIRED)
    yield bench
    bench.panel.close()


def test_lamps_and_buzzer_are_dark_at_the_start(bench: Bench) -> None:
    assert [bench.level(pin) for pin in (17, 27, 22)] == [0, 0, 0]
    assert bench.panel.state() == {ANNA: "off", BESA: "off", "buzzer": "off"}


def test_a_lamp_follows_the_calls(bench: Bench) -> None:
    for pattern, level in (("busy", 1), ("off", 0), ("busy", 1)):
        bench.panel.handle(ShowLamp(ANNA, pattern))
        assert bench.panel.state()[ANNA] == pattern
        assert soon(partial(bench.shows, 17, level))
    assert bench.level(27) == 0, "the other lamp stays dark"


def test_a_pin_may_be_named_as_on_the_header(bench: Bench) -> None:
    bench.panel.handle(ShowLamp(BESA, "busy"))
    assert soon(lambda: bench.level(27) == 1)


def test_a_ringing_lamp_blinks(bench: Bench) -> None:
    bench.panel.handle(ShowLamp(ANNA, "ringing"))
    assert soon(lambda: len(bench.history(17)) >= 5)
    assert bench.history(17)[:5] == [0, 1, 0, 1, 0]
    bench.panel.handle(ShowLamp(ANNA, "off"))
    assert soon(lambda: bench.level(17) == 0)
    count = len(bench.history(17))
    time.sleep(0.45)
    assert len(bench.history(17)) == count, "and stops"


def test_wrap_up_is_dimmed(bench: Bench) -> None:
    bench.panel.handle(ShowLamp(ANNA, "wrap_up"))
    assert soon(lambda: len([level for level in bench.history(17) if 0.1 < level < 0.9]) >= 3)


def test_a_lamp_on_pins_that_cannot_dim_is_lit_or_dark() -> None:
    bench = Bench(LampSettings(lamps=((ANNA, 17),), factory="mock"), pin_class=MockPin)
    bench.panel.handle(ShowLamp(ANNA, "wrap_up"))
    assert soon(lambda: bench.history(17)[-2:] == [1, 0])
    bench.panel.close()


def test_the_encryption_lamp_is_lit_while_the_whole_call_is_encrypted() -> None:
    bench = Bench(LampSettings(lamps=((ANNA, 17),), encrypted=((ANNA, 24),), factory="mock"))
    assert bench.panel.state() == {ANNA: "off", "encrypted 101": "off"}
    bench.panel.handle(ShowEncrypted(ANNA, on=True))
    assert soon(partial(bench.shows, 24, 1))
    assert bench.level(17) == 0, "that lamp follows the calls"
    bench.panel.handle(ShowEncrypted(ANNA, on=False))
    assert soon(partial(bench.shows, 24, 0))
    bench.panel.close()


def test_the_buzzer_sounds_while_somebody_waits(bench: Bench) -> None:
    bench.panel.handle(Buzz(on=True))
    assert soon(lambda: bench.level(22) == 1)
    bench.panel.handle(Buzz(on=False))
    assert soon(lambda: bench.level(22) == 0)


def test_commands_never_wait_for_a_slow_pin(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    set_state = MockPWMPin._set_state

    def slowly(pin: MockPWMPin, value: float) -> None:
        time.sleep(0.3)
        set_state(pin, value)

    monkeypatch.setattr(MockPWMPin, "_set_state", slowly)
    began = time.monotonic()
    for number in range(200):
        bench.panel.handle(ShowLamp(ANNA, "busy" if number % 2 else "off"))
    assert time.monotonic() - began < 0.2
    assert soon(lambda: bench.level(17) == 1)


def test_a_pin_that_fails_is_said_once_and_spares_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_state = MockPWMPin._set_state

    def fail_on_17(pin: MockPWMPin, value: float) -> None:
        if pin is bench.pins.pin(17):
            raise OSError("the wire is cut")
        set_state(pin, value)

    monkeypatch.setattr(MockPWMPin, "_set_state", fail_on_17)
    for pattern in ("busy", "off", "ringing"):
        bench.panel.handle(ShowLamp(ANNA, pattern))
        bench.panel.handle(ShowLamp(BESA, "busy" if pattern == "ringing" else pattern))
        time.sleep(0.02)
    assert soon(lambda: bench.level(27) == 1)
    assert soon(lambda: len(caplog.messages) == 1)
    assert caplog.messages == ["The lamp of 101 does not work any more: the wire is cut"]
    monkeypatch.undo()


def test_closing_leaves_everything_dark_and_the_pins_free() -> None:
    bench = Bench(WIRED)
    bench.panel.handle(ShowLamp(ANNA, "ringing"))
    assert soon(lambda: bench.level(17) == 1)
    pin = bench.pins.pin(17)
    bench.panel.close()
    assert pin.function == "input"
    assert not [thread for thread in threading.enumerate() if thread.name == "gpio"]


# ---- the hook switch

HOOK = LampSettings(hook=HookSettings(ANNA, pin=5), factory="mock")


def test_the_hook_is_told_at_the_start_and_at_every_change() -> None:
    bench = Bench(HOOK)
    pin = bench.pins.pin(5)
    assert bench.events.get(timeout=2) == HookLifted(ANNA), "the pull-up is high and nothing closes the switch"
    pin.drive_low()
    assert bench.events.get(timeout=2) == HookReplaced(ANNA)
    for _ in range(10):
        pin.drive_high()
        pin.drive_low()
    pin.drive_high()
    assert bench.events.get(timeout=2) == HookLifted(ANNA)
    time.sleep(0.1)
    assert bench.events.empty(), "a bouncing contact counts once"
    bench.panel.close()


def test_who_cannot_be_told_does_not_stop_the_panel(caplog: pytest.LogCaptureFixture) -> None:
    pins = MockFactory(pin_class=MockPWMPin)

    def refuse(_: HookEvent) -> None:
        raise RuntimeError("the desk is gone")

    panel = GpioPanel(LampSettings(lamps=((ANNA, 17),), hook=HookSettings(ANNA, pin=5)), pins, refuse)
    assert soon(lambda: any("Nobody could be told: HookLifted" in message for message in caplog.messages))
    panel.handle(ShowLamp(ANNA, "busy"))
    assert soon(lambda: pins.pin(17).state == 1)
    panel.close()


def test_the_hook_is_not_a_lamp() -> None:
    bench = Bench(HOOK)
    assert bench.panel.state() == {}
    bench.panel.close()


# ---- wrong wiring


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (LampSettings(lamps=((ANNA, 99),)), "Pin 99, wired to the lamp of 101, does not exist on this board."),
        (LampSettings(buzzer="BOARD1"), "Pin BOARD1, wired to the buzzer, does not exist on this board."),
        (
            LampSettings(lamps=((ANNA, 17), (BESA, "GPIO17"))),
            "Pin GPIO17 is wired to the lamp of 101 and to the lamp of 102.",
        ),
        (LampSettings(lamps=((ANNA, 17),), buzzer=17), "Pin 17 is wired to the lamp of 101 and to the buzzer."),
        (
            LampSettings(lamps=((ANNA, 17),), encrypted=((ANNA, 17),)),
            "Pin 17 is wired to the lamp of 101 and to the encryption lamp of 101.",
        ),
        (LampSettings(lamps=((ANNA, 17), (ANNA, 18))), "101 has two lamps; wire one pin, and both lamps to it."),
        (
            LampSettings(lamps=((ANNA, 5),), hook=HookSettings(BESA, pin=5)),
            "Pin 5 is wired to the lamp of 101 and to the hook switch of 102.",
        ),
    ],
)
def test_wrong_wiring_names_the_pin_and_what_is_wired_to_it(settings: LampSettings, said: str) -> None:
    pins = MockFactory(pin_class=MockPWMPin)
    with pytest.raises(BoardFault) as fault:
        GpioPanel(settings, pins, lambda _: None)
    assert str(fault.value) == said
    gpiozero.LED(17, pin_factory=pins).close()  # nothing is held any more


def test_a_pin_somebody_else_holds_is_named() -> None:
    pins = MockFactory(pin_class=MockPWMPin)
    other = gpiozero.LED(17, pin_factory=pins)
    with pytest.raises(BoardFault, match="Pin 17, wired to the lamp of 101, is in use already"):
        GpioPanel(LampSettings(lamps=((ANNA, 17),)), pins, lambda _: None)
    other.close()


# ---- machines without pins


@pytest.mark.parametrize("factory", ["auto", "none"])
def test_without_pins_there_is_one_plain_line_and_a_panel_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], factory: str
) -> None:
    settings = LampSettings(lamps=((ANNA, 17),), factory="auto" if factory == "auto" else "none")
    with caplog.at_level(logging.INFO):
        panel = open_panel(settings, tmp_path, devices=tmp_path)
    assert isinstance(panel, NullPanel)
    assert len(caplog.messages) == 1
    assert capfd.readouterr() == ("", "")
    assert panel.state() == {ANNA: "off"}
    shown(panel)


def test_pins_that_cannot_be_used_are_one_plain_line_too(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine with a GPIO chip that is no Raspberry Pi, whichever pin libraries it has."""
    (tmp_path / "gpiochip0").touch()
    monkeypatch.setenv("LG_WD", "of somebody else")
    here = Path.cwd()
    panel = open_panel(LampSettings(lamps=((ANNA, 17),)), tmp_path, devices=tmp_path)
    assert isinstance(panel, NullPanel)
    (line,) = caplog.messages
    assert line.startswith("Lamps, buzzer and hook switch are off: the GPIO pins cannot be used (lgpio: ")
    assert capfd.readouterr() == ("", "")
    assert Path.cwd() == here, "lgpio moves the process to its folder; we move it back"
    assert os.environ["LG_WD"] == str(tmp_path)
    shown(panel)


def test_a_box_with_nothing_wired_looks_for_no_pins(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        panel = open_panel(LampSettings(), tmp_path)
    assert caplog.messages == ["No lamps are used on this box; the page shows them."]
    shown(panel)


def test_a_box_with_nothing_wired_does_not_even_load_gpiozero() -> None:
    look = "import sys; from firmware_hooks.board import *; open_panel(LampSettings(), Path()); print('gpiozero' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, cwd=HOUSE)
    assert said.stdout == "False\n"


def test_mock_pins_are_part_of_the_product(tmp_path: Path) -> None:
    panel = open_panel(WIRED, tmp_path)
    assert isinstance(panel, GpioPanel)
    shown(panel)


def shown(panel: Panel) -> None:
    """Every panel knows what its lamps show, wired or not."""
    panel.handle(ShowLamp(ANNA, "ringing"))
    panel.handle(ShowLamp(Extension("109"), "busy"))
    panel.handle(Buzz(on=True))
    assert panel.state().items() >= {ANNA: "ringing", "109": "busy", "buzzer": "buzzing"}.items()
    panel.close()
