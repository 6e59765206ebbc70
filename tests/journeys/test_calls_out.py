"""Calls out through the line: answered, busy, not answered; who may not, and what a lost caller's task learns of it."""

from __future__ import annotations

from appliance.calls.record import Result
from tests.journeys.box import story
from tests.journeys.hearing import is_tone, sounds_like_speech
from tests.journeys.house import CALLER_HZ, House, site
from tests.journeys.processes import wait_for

NUMBER = "+355690000002"


def test_calls_out(house: House) -> None:
    box = house.box(site("101 102")).start()
    office = house.watch(box)
    ana = house.phone(box, "101")
    besim = house.phone(box, "102", transport="tcp")
    outside = house.outside(box)
    office.line("gsm1", "up")

    outside.will("answers", 1.0)
    ana.dial(NUMBER)
    assert outside.is_called() == NUMBER
    ana.expect("CALL_RINGING")
    besim.dial(NUMBER)  # the one line is taken
    assert besim.is_over().startswith("480")
    ana.talks()
    outside.is_answered()
    outside.sing(CALLER_HZ)
    ana.hears(CALLER_HZ)
    outside.hears(ana.hz)
    ana.hears_cleanly(CALLER_HZ)
    ana.press("5")  # to the menu of whoever was called
    wait_for("the key arrives", lambda: outside.state.keys == "5")
    outside.hang_up()
    ana.is_over()
    record = box.record(lambda call: call.result is Result.ANSWERED)
    assert (record.caller, record.line, record.ended_by) == ("101", "gsm1", "called")
    assert story(record)[0] == f"call_began 101 {NUMBER}"
    left, right = box.recording(record)
    assert is_tone(left[-8000:-2400], ana.hz)
    assert is_tone(right[-8000:-2400], CALLER_HZ)
    assert box.record(lambda call: call.caller == "102").cause_detail == "no line is free"

    outside.will("busy")
    besim.dial(NUMBER)
    assert besim.is_over(15.0).startswith("486")
    outside.will("unreachable")
    besim.dial("0690000003")
    assert besim.is_over(15.0).startswith("480")
    outside.will("silent")
    besim.dial("0690000004")
    outside.is_called()
    besim.expect("CALL_RINGING")
    besim.hang_up()  # nobody answers, they give up
    outside.is_over()

    besim.dial("00393331234567")  # not over this telephone: it says so in words
    besim.talks()
    wait_for("the refusal is heard", lambda: sounds_like_speech(besim.heard(1.0)))
    besim.is_over(20.0)
    office.quiet()
    assert "call_forbidden 00393331234567 102 may not call abroad" in story(box.records()[0])
    causes = [(call.dialled, call.cause) for call in box.records() if call.caller == "102"]
    assert causes == [
        ("00393331234567", "refused"),
        ("0690000004", "cancelled"),
        ("0690000003", "unreachable"),
        (NUMBER, "busy"),
        (NUMBER, "unreachable"),
    ]
    box.stop()
