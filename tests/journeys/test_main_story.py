"""The main job: a caller rings the line, chooses in the menu, waits, talks with an operator, and it is all on record."""

from __future__ import annotations

import time
from functools import partial

import pytest

from appliance.calls.record import CallRecord, Result
from tests.journeys.box import Box, story
from tests.journeys.far_end import FarEnd
from tests.journeys.hearing import RATE, is_tone, likeness, loudness, read_wav, share, sounds_like_speech
from tests.journeys.house import CALLER_HZ, House, site
from tests.journeys.live import Watcher
from tests.journeys.processes import wait_for

CALLER = "+355690000001"
MENU = ["place_reached hours office", "place_reached menu main open"]


LINE = """
[lines.gsm1]
kind = "virtual"
enters = "hours office"
"""
LAMPS = """
[lamps]
factory = "mock"
buzzer = 18
operators = { 101 = 17, 102 = 27 }
"""


def times_grow(record: CallRecord) -> bool:
    """Every step has its time, one after the other."""
    times = [step.after for step in record.steps]
    return times == sorted(times) and times[-1] > 0


def answered_on_the_second_ring(outside: FarEnd) -> None:
    """Ring, and hear somebody speak; the network rings every three seconds."""
    began = time.monotonic()
    outside.ring(CALLER)
    outside.is_answered()
    assert 3.0 < time.monotonic() - began < 5.5
    wait_for("the caller hears somebody speak", lambda: sounds_like_speech(outside.heard(1.5)))


def test_a_caller_is_helped(house: House) -> None:
    """Greeting, key, queue; the first operator does not answer, the second does; they talk; all is on record."""
    box = house.box(site("101 102", ring_seconds=3.0, wrap_up_seconds=1.5, lines=LINE, more=LAMPS)).start()
    office = house.watch(box)
    ana = house.phone(box, "101")
    office.operator("101", "ready")
    besim = house.phone(box, "102")
    office.operator("102", "ready")
    outside = house.outside(box)
    office.line("gsm1", "up")

    answered_on_the_second_ring(outside)
    outside.press("1")

    ringing = ana.rings()  # the longest idle
    assert CALLER in ringing["peeruri"]
    assert office.call("offered").operators == ("101",)
    assert office.operator("101", "ringing").lamp == "ringing"
    ana.is_over()  # nobody there
    office.operator("101", "set aside")
    besim.rings(1.0)
    besim.answer()
    besim.talks()
    assert ana.saw("CALL_INCOMING") == 1

    outside.sing(CALLER_HZ)
    besim.hears(CALLER_HZ)
    outside.hears(besim.hz)
    assert office.call("talking").recording
    assert office.operator("102", "talking").lamp == "busy"
    besim.hears_cleanly(CALLER_HZ)
    outside.hears_cleanly(besim.hz)

    outside.hang_up()
    besim.is_over()
    office.operator("102", "wrap-up")
    office.operator("102", "ready")
    record = box.record(lambda call: call.caller == CALLER)
    assert story(record) == [
        f"call_began {CALLER} gsm1",
        "call_answered",
        *MENU,
        "key_taken 1 menu main",
        "place_reached queue office Talk to us",
        "queue_joined office",
        "operator_offered 101",
        "operator_missed 101 no answer",
        "operator_offered 102",
        "queue_left office answered",
        "talk_began 102 office",
        "recording_began",
        "call_ended caller NO CARRIER",
        "recording_kept",
    ]
    assert times_grow(record)
    assert (record.result, record.operators, record.ended_by) == (Result.ANSWERED, ("102",), "caller")
    assert 3.0 <= record.waited < 5.0
    assert record.recorded == pytest.approx(record.talked, abs=0.5)
    both_voices(box, record, CALLER_HZ, besim.hz)
    assert box.open_tasks() == []
    office.quiet()
    box.stop()


def both_voices(box: Box, record: CallRecord, caller: float, operator: float) -> None:
    """The recording has the caller left and the operator right, and nobody on the other's side."""
    assert record.recording_fault == ""
    left, right = box.recording(record)
    assert len(left) / 8000 == pytest.approx(record.recorded, abs=0.1)
    heard = left[-16000:-2400]
    assert is_tone(heard, caller)
    assert share(heard, operator) < 0.01
    heard = right[-16000:-2400]
    assert is_tone(heard, operator)
    assert share(heard, caller) < 0.01


def test_a_caller_who_hangs_up_waiting_is_not_forgotten(house: House) -> None:
    """It becomes one open task; a second lost call of the same number joins it; a talk with them closes it."""
    box = house.box(site("101")).start()
    office = house.watch(box)
    outside = house.outside(box)
    office.line("gsm1", "up")
    for _ in range(2):
        outside.ring(CALLER)
        outside.is_answered()
        outside.hears_something()
        outside.press("1")
        office.call("waiting")
        outside.hang_up()
        office.quiet()
    live = office.until("one task", lambda live: len(live.tasks) == 1 and live.tasks[0].lost_calls == 2)
    assert (live.tasks[0].number, live.tasks[0].queue) == (CALLER, "office")
    (task,) = box.open_tasks()
    assert len(task.calls) == 2
    assert {call.result for call in box.records()} == {Result.MISSED}

    ana = house.phone(box, "101")
    office.operator("101", "ready")
    outside.ring(CALLER)
    outside.is_answered()
    outside.hears_something()
    outside.press("1")
    ana.rings()
    ana.answer()
    ana.talks()
    ana.hang_up()
    outside.is_over()
    office.until("the task is done", lambda live: not live.tasks)
    assert box.open_tasks() == []
    record = box.record(lambda call: call.result is Result.ANSWERED)
    assert record.ended_by == "called"
    box.stop()


def words_of(office: Watcher, outside: FarEnd, text: str, language: str) -> bool:
    """Has the caller heard these words, in the box's voice of that language? Most of their pieces, on a busy machine."""
    (spoken,) = read_wav(office.spoken(text, language))
    size = round(0.4 * RATE)
    pieces = [spoken[start : start + size] for start in range(0, len(spoken) - size, size)]
    loud = [piece for piece in pieces if loudness(piece) > 0.05]
    heard = outside.heard(25.0)
    found = sum(likeness(heard, piece) > 0.8 for piece in loud)
    return found >= max(2, 0.6 * len(loud))


def test_keys_are_heard_in_the_sound(house: House) -> None:
    """A modem without a detector: the keys are in the sound, in Albanian, on the second menu they are repeated."""
    lines = f"""
[lines.gsm2]
kind = "sim7600"
at = "{house.folder}/gsm2-at"
sound = "{house.folder}/gsm2-sound"
keys = "sound"
language = "sq"
answer_after_rings = 1
enters = "hours office"
"""
    outside = house.modem("gsm2", "--keys", "sound", "--ppm", "80", "--burst", "2")
    box = house.box(site("101", lines=lines)).start()
    office = house.watch(box)
    ana = house.phone(box, "101")
    office.operator("101", "ready")
    office.line("gsm2", "up")
    outside.ring("")  # number withheld
    outside.is_answered()
    says = partial(words_of, office, outside)
    wait_for("the menu is in Albanian", lambda: says("Mirë dita. Për të folur me ne, shtypni 1.", "sq"))
    assert not says("Good day. To speak with us, press 1.", "en")
    outside.press("2")
    office.until("they hear the hours", lambda live: any(call.place == "say times" for call in live.calls))
    office.until("and the menu again", lambda live: any(call.place == "menu main" for call in live.calls), 20.0)
    outside.press("1")
    ana.rings()
    ana.answer()
    outside.sing(CALLER_HZ)
    ana.hears(CALLER_HZ)
    outside.hears(ana.hz)
    ana.hears_cleanly(CALLER_HZ)
    ana.hang_up()
    outside.is_over()
    record = box.record(lambda call: call.line == "gsm2")
    assert record.language == "sq"
    assert record.caller == ""
    assert [step.who for step in record.steps if step.what == "key_taken"] == ["2", "1"]
    both_voices(box, record, CALLER_HZ, ana.hz)
    box.stop()
