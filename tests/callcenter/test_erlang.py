"""The formulas against figures worked out elsewhere, and the queue code against the formulas."""

from __future__ import annotations

from random import Random

import pytest

from appliance.callcenter.erlang import (
    Load,
    average_speed_of_answer,
    operators_needed,
    service_level,
    waiting_probability,
)
from appliance.callcenter.simulation import simulate

# operators, most calls per hour at 180 s and 80 % in 20 s, occupancy in per cent, average speed of answer in seconds
TABLE = [
    (2, 15, 38, 29.5),
    (3, 29, 48, 25.5),
    (5, 60, 60, 21.3),
    (8, 111, 69, 19.2),
    (10, 145, 72, 17.1),
    (15, 235, 78, 15.7),
    (20, 327, 82, 14.7),
]


@pytest.mark.parametrize(("operators", "calls", "occupancy", "speed"), TABLE)
def test_the_table_of_eighty_in_twenty(operators: int, calls: int, occupancy: int, speed: float) -> None:
    most = Load(calls, 180)
    assert service_level(operators, most, 20) >= 0.80 > service_level(operators, Load(calls + 1, 180), 20)
    assert round(100 * most.erlangs / operators) == occupancy
    assert average_speed_of_answer(operators, most) == pytest.approx(speed, abs=0.05)


@pytest.mark.parametrize(("load", "needed", "level"), [(Load(100, 180), 8, 0.8801), (Load(200, 240), 17, 0.8104)])
def test_how_many_operators(load: Load, needed: int, level: float) -> None:
    assert operators_needed(load, 0.80, 20) == needed
    assert service_level(needed, load, 20) == pytest.approx(level, abs=0.00005)


def test_too_few_operators_never_catch_up() -> None:
    load = Load(100, 180)
    assert waiting_probability(5, load.erlangs) == 1.0
    assert service_level(5, load, 20) == 0.0
    assert average_speed_of_answer(5, load) == float("inf")


@pytest.mark.parametrize(("operators", "calls"), [(5, 60), (8, 100), (17, 250)])
def test_ten_thousand_calls_through_the_real_queue_agree_with_erlang(operators: int, calls: int) -> None:
    load = Load(calls, 180)
    outcome = simulate(operators, load, 10_000, Random(7))
    assert len(outcome.waits) == 10_000
    assert outcome.service_level(20) == pytest.approx(service_level(operators, load, 20), abs=0.025)
    assert outcome.occupancy == pytest.approx(load.erlangs / operators, abs=0.02)


def test_lifting_the_receiver_takes_time_that_callers_wait() -> None:
    load = Load(60, 180)
    quick = simulate(6, load, 3_000, Random(3))
    slow = simulate(6, load, 3_000, Random(3), pickup_seconds=5.0)
    assert slow.average_speed_of_answer > quick.average_speed_of_answer + 5.0
