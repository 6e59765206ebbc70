"""Moments, timers, and the record as the fold of its facts."""

from __future__ import annotations

from random import Random

import pytest

from appliance.calls import facts
from appliance.calls.facts import EndedBy, Role
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Direction, Extension, LegId, LineId
from appliance.calls.record import Result, fold
from appliance.calls.timers import Timers

CALL, LEG, PHONE = CallId("c-1"), LegId("in-1"), LegId("d-1")
ANA = Extension("101")


def at(second: float) -> Moment:
    return Moment(50 + second, 1e9 + second)


def test_lengths_come_from_the_clock_that_cannot_jump() -> None:
    before, after = Moment(10.0, 1e9), Moment(70.0, 2e9)
    assert after.since(before) == 60.0


def test_after_a_reboot_the_calendar_has_to_do() -> None:
    assert Moment(5.0, 1e9 + 90).since(Moment(5000.0, 1e9)) == 90.0
    assert Moment(5.0, 1e9 - 90).since(Moment(5000.0, 1e9)) == 0.0


def test_timers_keep_the_latest_time_of_each_name() -> None:
    timers: Timers[str] = Timers()
    timers.set("a", 5.0)
    timers.set("b", 3.0)
    timers.set("a", 1.0)
    timers.set("c", 2.0)
    timers.cancel("c")
    timers.cancel("never set")
    assert timers.next() == 1.0
    assert timers.due(0.5) == []
    assert timers.due(4.0) == ["a", "b"]
    assert timers.next() is None


def test_timers_forget_what_was_moved_a_thousand_times() -> None:
    dice, timers, truth = Random(1), Timers[int](), dict[int, float]()
    for _ in range(5_000):
        name, when = dice.randrange(10), dice.random()
        timers.set(name, when)
        truth[name] = when
    assert len(timers) == 10
    assert len(timers._heap) < 200
    assert timers.due(1.0) == sorted(truth, key=lambda name: truth[name])


BEGAN = facts.CallBegan(at(0), CALL, LEG, Direction.IN, "+355672000001", line=LineId("gsm1"))
ENDED = facts.CallEnded(at(60), CALL, EndedBy.CALLER, Cause.NORMAL)


@pytest.mark.parametrize(
    ("story", "result"),
    [
        ((), Result.MISSED),
        ((facts.CallAnswered(at(2), CALL), facts.PlaceReached(at(2), CALL, "menu main")), Result.MISSED),
        (
            (facts.PlaceReached(at(2), CALL, "menu main"), facts.PlaceReached(at(9), CALL, "say closed")),
            Result.INFORMED,
        ),
        (
            (facts.PlaceReached(at(2), CALL, "say hello"), facts.QueueJoined(at(9), CALL, "office")),
            Result.MISSED,
        ),
        ((facts.TalkBegan(at(9), CALL, LEG, PHONE, ANA),), Result.ANSWERED),
    ],
)
def test_what_became_of_a_call_from_outside(story: tuple[facts.CallFact, ...], result: Result) -> None:
    assert fold((BEGAN, *story, ENDED)).result is result


@pytest.mark.parametrize(
    ("direction", "story", "result"),
    [
        (Direction.OUT, (), Result.NOT_REACHED),
        (Direction.INTERNAL, (facts.PlaceReached(at(1), CALL, "menu main"),), Result.INFORMED),
        (
            Direction.INTERNAL,
            (facts.PlaceReached(at(1), CALL, "queue a"), facts.QueueJoined(at(1), CALL, "a")),
            Result.NOT_REACHED,
        ),
        (Direction.OUT, (facts.TalkBegan(at(9), CALL, LEG, PHONE, ANA),), Result.ANSWERED),
    ],
)
def test_what_became_of_our_own_calls(direction: Direction, story: tuple[facts.CallFact, ...], result: Result) -> None:
    began = facts.CallBegan(at(0), CALL, LEG, direction, "101", "102")
    assert fold((began, *story, ENDED)).result is result


def test_two_talks_and_two_waits_add_up() -> None:
    record = fold(
        (
            BEGAN,
            facts.QueueJoined(at(5), CALL, "sales"),
            facts.LegJoined(at(6), CALL, PHONE, Role.OPERATOR, ANA),
            facts.QueueLeft(at(10), CALL, "sales", "answered"),
            facts.TalkBegan(at(10), CALL, LEG, PHONE, ANA, "sales"),
            facts.TalkBegan(at(30), CALL, LEG, LegId("d-2"), Extension("102")),
            ENDED,
        )
    )
    assert (record.waited, record.talked, record.operators) == (5.0, 50.0, ("101", "102"))
    assert record.answered_after == 10.0


def test_a_call_is_counted_once() -> None:
    once = fold((BEGAN, ENDED))
    twice = fold((BEGAN, ENDED, facts.CallEnded(at(99), CALL, EndedBy.BOX, Cause.FAULT)))
    assert once == twice


def test_the_recording_may_close_after_the_call() -> None:
    record = fold(
        (BEGAN, facts.RecordingBegan(at(5), CALL, "2026/11/21/c-1"), ENDED, facts.RecordingKept(at(61), CALL, 55.0))
    )
    assert (record.recording, record.recorded) == ("2026/11/21/c-1", 55.0)


@pytest.mark.parametrize("story", [(), (ENDED,), (BEGAN, BEGAN)])
def test_what_is_not_a_call(story: tuple[facts.CallFact, ...]) -> None:
    with pytest.raises(ValueError, match=r"no call|cannot begin|began twice"):
        fold(story)
