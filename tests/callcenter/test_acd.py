"""The queues by themselves, where the stories of the switchboard do not reach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.callcenter.acd import CallCenter, Offer, StateChanged, TooLong, Withdraw
from appliance.callcenter.settings import QueueSettings
from appliance.calls.events import OperatorWish
from appliance.calls.facts import OperatorState
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Extension

A, B = Extension("101"), Extension("102")
ONE, TWO, THREE = CallId("one"), CallId("two"), CallId("three")
SALES = QueueSettings("sales", "Sales", (A, B))
SERVICE = QueueSettings("service", "Service", (B,))


def at(second: float) -> Moment:
    return Moment(second, 1e9 + second)


@pytest.fixture
def center() -> CallCenter:
    center = CallCenter()
    center.configure((SALES, SERVICE), (A, B), at(0))
    for extension in (A, B):
        center.reachable(extension, reachable=True, now=at(0))
    return center


def offers(moves: list[object]) -> list[Offer]:
    return [move for move in moves if isinstance(move, Offer)]


def test_an_operator_of_two_queues_takes_the_caller_who_waits_longest(center: CallCenter) -> None:
    center.wish(A, OperatorWish.PAUSED, "", at(1))
    center.wish(B, OperatorWish.PAUSED, "", at(1))
    center.join(ONE, "service", at(2), at(2))
    center.join(TWO, "sales", at(3), at(3))
    assert offers([*center.wish(B, OperatorWish.READY, "", at(4))]) == [Offer(ONE, B)]


def test_places_in_the_line(center: CallCenter) -> None:
    for extension in (A, B):
        center.wish(extension, OperatorWish.LOGGED_OUT, "", at(1))
    for second, call in enumerate((ONE, TWO, THREE)):
        center.join(call, "sales", at(second), at(second))
    assert [center.position(call) for call in (ONE, TWO, THREE, CallId("nobody"))] == [1, 2, 3, 0]
    center.leave(ONE, at(5))
    assert [center.position(call) for call in (TWO, THREE)] == [1, 2]


def test_who_comes_back_has_their_old_place(center: CallCenter) -> None:
    for extension in (A, B):
        center.wish(extension, OperatorWish.LOGGED_OUT, "", at(1))
    center.join(TWO, "sales", at(5), at(5))
    center.join(ONE, "sales", at(2), at(6))
    assert center.position(ONE) == 1


def test_a_caller_who_leaves_stops_the_ringing_and_the_operator_keeps_the_turn(center: CallCenter) -> None:
    assert offers([*center.join(ONE, "sales", at(10), at(10))]) == [Offer(ONE, A)]
    assert Withdraw(ONE, A) in center.leave(ONE, at(12))
    assert offers([*center.join(TWO, "sales", at(13), at(13))]) == [Offer(TWO, A)]


def test_a_telephone_that_is_busy_gets_another_chance_soon(center: CallCenter) -> None:
    center.join(ONE, "sales", at(0), at(0))
    assert offers([*center.missed(ONE, A, "busy", at(1))]) == [Offer(ONE, B)]
    center.answered(ONE, B, at(2))
    assert StateChanged(A, OperatorState.READY, "") in center.tick(at(21))


def test_an_answer_for_an_offer_that_is_over_changes_nothing(center: CallCenter) -> None:
    center.join(ONE, "sales", at(0), at(0))
    center.tick(at(15))
    assert center.missed(ONE, A, "refused", at(16)) == []


def test_the_longest_wait_ends_the_ringing_too() -> None:
    center = CallCenter()
    center.configure((replace(SALES, longest_wait_seconds=10, ring_seconds=60),), (A,), at(0))
    center.reachable(A, reachable=True, now=at(0))
    center.join(ONE, "sales", at(0), at(0))
    moves = center.tick(at(10))
    assert moves[:2] == [Withdraw(ONE, A), TooLong(ONE, "sales")]
    assert center.operators[A].state is OperatorState.READY


def test_a_person_and_a_queue_that_are_removed_while_in_use(center: CallCenter) -> None:
    center.join(ONE, "sales", at(0), at(0))
    center.answered(ONE, A, at(1))
    center.join(TWO, "service", at(2), at(2))
    center.configure((SALES,), (B,), at(3))
    assert center.operators[A].state is OperatorState.TALKING
    center.answered(TWO, B, at(4))
    center.talk_ended(A, ONE, at(5))
    assert center.operators[A].state is OperatorState.LOGGED_OUT
    center.configure((SALES,), (B,), at(6))
    assert A not in center.operators
    assert center.tick(at(1000)) is not None


def test_wrap_up_ends_early_when_they_say_so(center: CallCenter) -> None:
    center.join(ONE, "sales", at(0), at(0))
    center.answered(ONE, A, at(1))
    center.talk_ended(A, ONE, at(60))
    assert center.operators[A].state is OperatorState.WRAP_UP
    center.wish(A, OperatorWish.READY, "", at(61))
    assert center.operators[A].state is OperatorState.READY


def test_a_pause_asked_for_while_talking_begins_after_the_talk(center: CallCenter) -> None:
    center.join(ONE, "sales", at(0), at(0))
    center.answered(ONE, A, at(1))
    center.wish(A, OperatorWish.PAUSED, "lunch", at(2))
    assert center.operators[A].state is OperatorState.TALKING
    center.talk_ended(A, ONE, at(60))
    assert (center.operators[A].state, center.operators[A].reason) == (OperatorState.PAUSED, "lunch")
