"""From a bouncing contact to what the operator did."""

from __future__ import annotations

import random

import pytest

from appliance.calls.names import Extension
from firmware_hooks.hook import HookEvent, HookLifted, HookReplaced, HookSettings, HookStuck, HookSwitch

ANNA = Extension("101")
LIFTED, REPLACED = HookLifted(ANNA), HookReplaced(ANNA)
SETTINGS = HookSettings(ANNA, pin=5)


def on_hook(settings: HookSettings = SETTINGS) -> HookSwitch:
    """A switch that has stood on the hook for a while."""
    switch = HookSwitch(settings, 0.0, high=settings.lifted == "low")
    assert switch.tick(1.0) == [REPLACED]
    return switch


def play(switch: HookSwitch, edges: list[tuple[float, bool]], until: float) -> list[tuple[float, HookEvent]]:
    """Drive the switch as its thread does: edges as they come, ticks when they are wanted."""
    told: list[tuple[float, HookEvent]] = []
    for at, high in [*edges, (until, None)]:
        while (deadline := switch.next_deadline()) is not None and deadline <= at:
            told += [(deadline, event) for event in switch.tick(deadline)]
        if high is not None:
            told += [(at, event) for event in switch.level(at, high=high)]
    return told


@pytest.mark.parametrize(("high", "event"), [(True, LIFTED), (False, REPLACED)])
def test_the_state_at_the_start_is_told_without_an_edge(high: bool, event: HookEvent) -> None:
    switch = HookSwitch(SETTINGS, 100.0, high=high)
    assert switch.lifted is None
    assert play(switch, [], 101.0) == [(100.04, event)]
    assert switch.lifted == high


@pytest.mark.parametrize(("high", "event"), [(True, REPLACED), (False, LIFTED)])
def test_a_switch_may_be_wired_the_other_way(high: bool, event: HookEvent) -> None:
    switch = HookSwitch(HookSettings(ANNA, pin=5, lifted="low"), 0.0, high=high)
    assert play(switch, [], 1.0) == [(0.04, event)]


def test_lifting_and_replacing() -> None:
    assert play(on_hook(), [(2.0, True), (7.0, False)], 10.0) == [(2.04, LIFTED), (7.04, REPLACED)]


def test_a_bouncing_contact_counts_once() -> None:
    bounces = [(2.0 + 0.002 * n, n % 2 == 0) for n in range(9)]
    ((at, event),) = play(on_hook(), bounces, 10.0)
    assert at == pytest.approx(2.016 + 0.04)
    assert event == LIFTED


def test_a_crackle_is_nothing() -> None:
    assert play(on_hook(), [(2.0, True), (2.03, False), (3.0, True), (3.001, False)], 10.0) == []


def test_edges_that_are_told_late_count_from_when_they_happened() -> None:
    """The thread slept: both edges come at once, and the first had stood for 3 s."""
    switch = on_hook()
    assert switch.level(2.0, high=True) == []
    assert switch.level(5.0, high=False) == [LIFTED]
    assert switch.tick(9.0) == [REPLACED]


def test_the_same_level_again_does_not_begin_anew() -> None:
    switch = on_hook()
    switch.level(2.0, high=True)
    switch.level(2.03, high=True)
    assert switch.tick(2.041) == [LIFTED]


def test_a_stuck_hook_is_said_once() -> None:
    settings = HookSettings(ANNA, pin=5, stuck_seconds=600)
    told = play(on_hook(settings), [(10.0, True), (5000.0, False), (5010.0, True)], 5020.0)
    assert told == [
        (10.04, LIFTED),
        (610.0, HookStuck(ANNA, 600.0)),
        (5000.04, REPLACED),
        (5010.04, LIFTED),
    ]


def test_a_hook_replaced_in_time_is_not_stuck() -> None:
    settings = HookSettings(ANNA, pin=5, stuck_seconds=600)
    assert play(on_hook(settings), [(10.0, True), (500.0, False)], 5000.0) == [(10.04, LIFTED), (500.04, REPLACED)]


@pytest.mark.parametrize("seed", range(50))
def test_events_alternate_whatever_the_contact_does(seed: int) -> None:
    dice = random.Random(seed)
    switch, at, edges = on_hook(), 2.0, []
    for _ in range(400):
        at += dice.choice((0.0005, 0.005, 0.03, 0.05, 2.0))
        edges.append((at, dice.random() < 0.5))
    told = [event for _, event in play(switch, edges, at + 1)]
    assert told, "something stood long enough"
    assert told == [LIFTED, REPLACED] * (len(told) // 2) + [LIFTED] * (len(told) % 2)
    assert switch.lifted == edges[-1][1]
