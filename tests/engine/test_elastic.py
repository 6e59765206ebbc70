"""Two clocks that differ, in simulated time."""

from __future__ import annotations

import random
from array import array

import pytest

from appliance.engine.elastic import Elastic, quiet, softer

FRAME = 320


def loud(number: int) -> bytes:
    """A frame one can recognise."""
    return array("h", [4000 + number % 20000] * 160).tobytes()


def hush(number: int) -> bytes:
    return array("h", [number % 100] * 160).tobytes()


def number_of(frame: bytes) -> int:
    return array("h", frame)[0]


class Line:
    """A source and a taker, each with a clock of its own, in simulated time."""

    def __init__(self, ppm: float, burst: int = 1, jitter: float = 0.0, pause_every: int = 25) -> None:
        self.elastic = Elastic(FRAME)
        self.period = 0.02 * (1 - ppm / 1e6)
        self.burst = burst
        self.jitter = jitter
        self.pause_every = pause_every
        self.put_count = 0
        self.delays: list[float] = []
        self._dice = random.Random(5)

    def run(self, seconds: float) -> None:
        put_at = take_at = 0.0
        ready = 0.0
        born: dict[int, float] = {}
        while take_at < seconds:
            if ready <= take_at:
                for _ in range(self.burst):
                    self.put_count += 1
                    speaks = self.put_count // self.pause_every % 2
                    frame = loud(self.put_count) if speaks else hush(self.put_count)
                    born[number_of(frame)] = ready
                    self.elastic.put(frame)
                put_at += self.period * self.burst
                ready = put_at + self._dice.random() * self.jitter
            else:
                number = number_of(self.elastic.take())
                if number in born:
                    self.delays.append(take_at - born[number])
                take_at += 0.02


@pytest.mark.parametrize("ppm", [-200, -50, 50, 200])
def test_clocks_that_drift_cost_one_slip_for_each_frame_of_drift(ppm: int) -> None:
    line = Line(ppm)
    line.run(3600)
    drift = 3600 / 0.02 * abs(ppm) / 1e6
    assert drift * 0.8 - 3 <= line.elastic.slips <= drift * 1.2 + 3
    assert max(line.delays) < 0.1


def test_equal_clocks_never_slip() -> None:
    line = Line(0, jitter=0.015)
    line.run(600)
    assert line.elastic.slips <= 2
    assert max(line.delays) < 0.08


@pytest.mark.parametrize(("burst", "most"), [(2, 0.12), (5, 0.22)])
def test_a_modem_that_sends_in_bursts_gets_room_for_them(burst: int, most: float) -> None:
    line = Line(100, burst=burst)
    line.run(600)
    assert line.elastic.slips <= 600 / 0.02 * 100 / 1e6 + 2 * burst + 3
    assert max(line.delays[2000:]) < most


def test_slips_fall_into_the_pauses() -> None:
    """With pauses to choose, no word loses a frame."""
    line = Line(200, pause_every=40)
    spoken: list[int] = []
    take = line.elastic.take

    def listening() -> bytes:
        frame = take()
        if not quiet(frame):
            spoken.append(number_of(frame) - 4000)
        return frame

    line.elastic.take = listening  # type: ignore[method-assign]
    line.run(300)
    sent = [number for number in range(1, line.put_count + 1) if number // 40 % 2]
    lost = len(set(sent[: len(spoken)]) - set(spoken))
    assert line.elastic.slips >= 2
    assert lost <= 1


def test_a_late_frame_is_covered_by_the_last_one_softer_then_silence() -> None:
    elastic = Elastic(FRAME)
    for number in (1, 2):
        elastic.put(loud(number))
    elastic.take()
    elastic.take()
    assert elastic.take() == softer(loud(2))
    assert elastic.take() == bytes(FRAME)
    assert elastic.slips == 2


def test_a_source_that_stops_is_no_slip_and_may_come_back() -> None:
    elastic = Elastic(FRAME)
    for number in range(2):
        elastic.put(loud(number))
    for _ in range(500):
        elastic.take()
    assert elastic.slips == 0
    assert elastic.take() == bytes(FRAME)
    elastic.put(loud(7))
    assert elastic.take() == bytes(FRAME)
    elastic.put(loud(8))
    assert elastic.take() == loud(7)


def test_a_taker_that_stops_finds_fresh_sound() -> None:
    elastic = Elastic(FRAME)
    for number in range(3):
        elastic.put(loud(number))
        elastic.take()
    for number in range(1000):
        elastic.put(loud(number))
    assert len(elastic) == Elastic.ENOUGH
    for number in range(1000, 1200):
        assert elastic.take() == loud(number - Elastic.ENOUGH)
        elastic.put(loud(number))
    assert elastic.slips <= 1  # when the taker stopped; none while it was away, none since


def test_any_order_of_puts_and_takes_keeps_the_buffer_small_and_the_frames_whole() -> None:
    dice = random.Random(11)
    for _ in range(50):
        elastic = Elastic(FRAME)
        for step in range(400):
            if dice.random() < dice.random():
                elastic.put(dice.choice((loud, hush))(step))
            else:
                assert len(elastic.take()) == FRAME
            assert len(elastic) <= Elastic.MOST + 1
        assert elastic.slips >= 0
