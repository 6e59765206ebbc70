"""Which lamp does what, and when it changes."""

from __future__ import annotations

import pytest

from appliance.calls.commands import Buzz, ShowEncrypted, ShowLamp
from appliance.calls.names import Extension
from firmware_hooks.lamps import BUZZER, Lamps, encryption_lamp
from firmware_hooks.patterns import PATTERNS

ANNA, BESA = Extension("101"), Extension("102")


def test_a_lamp_follows_its_operator() -> None:
    lamps = Lamps([ANNA, BESA])
    assert lamps.handle(ShowLamp(ANNA, "busy"), 10.0) == {ANNA: 1}
    assert lamps.next_deadline() is None
    assert lamps.handle(ShowLamp(ANNA, "off"), 11.0) == {ANNA: 0}
    assert lamps.state() == {ANNA: "off", BESA: "off"}


def test_the_lamp_of_encryption_is_another_one() -> None:
    lamps = Lamps([ANNA, encryption_lamp(ANNA)])
    assert lamps.handle(ShowEncrypted(ANNA, on=True), 10.0) == {"encrypted 101": 1}
    assert lamps.handle(ShowEncrypted(BESA, on=True), 10.0) == {}, "it is not wired"
    assert lamps.handle(ShowEncrypted(ANNA, on=False), 11.0) == {"encrypted 101": 0}
    assert lamps.state()[ANNA] == "off"


def test_a_ringing_lamp_blinks_in_step_with_the_clock() -> None:
    lamps = Lamps([ANNA])
    at, levels = [50.1], [*lamps.handle(ShowLamp(ANNA, "ringing"), 50.1).values()]
    for _ in range(10):
        deadline = lamps.next_deadline()
        assert deadline is not None
        assert lamps.tick(deadline - 0.01) == {}
        at.append(deadline)
        levels += lamps.tick(deadline).values()
    assert levels == [1, 0] * 5 + [1]
    assert at == pytest.approx([50.1 + 0.2 * step for step in range(11)])


def test_a_late_tick_shows_what_is_due_now_and_not_what_was_missed() -> None:
    lamps = Lamps([ANNA])
    lamps.handle(ShowLamp(ANNA, "ringing"), 0.0)
    assert lamps.tick(10.05) == {ANNA: 1}
    assert lamps.tick(10.25) == {ANNA: 0}


def test_the_same_pattern_again_does_not_begin_anew() -> None:
    lamps = Lamps([ANNA])
    lamps.handle(ShowLamp(ANNA, "ringing"), 0.0)
    deadline = lamps.next_deadline()
    assert lamps.handle(ShowLamp(ANNA, "ringing"), 0.1) == {}
    assert lamps.next_deadline() == deadline


def test_a_still_lamp_forgets_its_blinking() -> None:
    lamps = Lamps([ANNA])
    lamps.handle(ShowLamp(ANNA, "ringing"), 0.0)
    lamps.handle(ShowLamp(ANNA, "busy"), 0.1)
    assert lamps.next_deadline() is None
    assert lamps.tick(100.0) == {}


def test_lamps_blink_each_in_its_own_time() -> None:
    lamps = Lamps([ANNA, BESA])
    lamps.handle(ShowLamp(ANNA, "ringing"), 0.0)
    lamps.handle(ShowLamp(BESA, "ringing"), 0.1)
    assert lamps.tick(0.25) == {ANNA: 0}
    assert lamps.tick(0.35) == {BESA: 0}


def test_the_buzzer_calls_while_somebody_waits() -> None:
    lamps = Lamps([BUZZER])
    assert lamps.handle(Buzz(on=True), 0.0) == {BUZZER: 1}
    assert lamps.state() == {BUZZER: "buzzing"}
    assert lamps.tick(0.26) == {BUZZER: 0}
    assert lamps.handle(Buzz(on=False), 1.0) == {BUZZER: 0}
    assert lamps.next_deadline() is None


def test_operators_without_a_lamp_are_known_but_make_no_work() -> None:
    lamps = Lamps([ANNA])
    assert lamps.handle(ShowLamp(BESA, "ringing"), 0.0) == {}
    assert lamps.handle(Buzz(on=True), 0.0) == {}
    assert lamps.next_deadline() is None
    assert lamps.state() == {ANNA: "off", BESA: "ringing", BUZZER: "buzzing"}


def test_a_pattern_nobody_knows_is_shown_as_a_fault() -> None:
    lamps = Lamps([ANNA])
    lamps.handle(ShowLamp(ANNA, "disco"), 0.0)
    assert lamps.state() == {ANNA: "fault"}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_year_of_blinking_never_stands_still_nor_hurries(pattern: str) -> None:
    """The clock is a float and a year is long: each deadline is later than the one before by at least a step."""
    lamps = Lamps([ANNA])
    now = 31_536_000.123456
    lamps.handle(ShowLamp(ANNA, pattern), now)
    for _ in range(500):
        deadline = lamps.next_deadline()
        if deadline is None:
            assert len(PATTERNS[pattern]) == 1
            return
        assert deadline - now > 0.09
        now = deadline
        lamps.tick(now)
