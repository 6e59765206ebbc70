"""Days in the office, played through the very queue code that runs: how many operators to seat, and is the code right."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from random import Random

from appliance.callcenter.acd import CallCenter, Move, Offer
from appliance.callcenter.erlang import Load
from appliance.callcenter.settings import QueueSettings
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Extension

NOBODY = Extension("")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What callers and operators lived through."""

    waits: tuple[float, ...]
    """Seconds until answered, per caller, in the order of answers."""
    occupancy: float
    """Share of the operators' time spent talking."""

    def service_level(self, seconds: float) -> float:
        """The share of callers answered within `seconds`."""
        return sum(wait <= seconds for wait in self.waits) / len(self.waits)

    @property
    def average_speed_of_answer(self) -> float:
        """Seconds a caller waited on average."""
        return sum(self.waits) / len(self.waits)


def simulate(operators: int, load: Load, calls: int, dice: Random, pickup_seconds: float = 0.0) -> Outcome:
    """Let `calls` callers come at random (Poisson) and talk for a random time (exponential); nobody gives up.

    `pickup_seconds` is what an operator takes to lift the receiver; it counts as waiting.
    """
    return _Office(operators, load, dice, pickup_seconds).run(calls)


class _Office:
    def __init__(self, operators: int, load: Load, dice: Random, pickup_seconds: float) -> None:
        members = tuple(Extension(str(101 + n)) for n in range(operators))
        queue = QueueSettings("office", "Office", members, wrap_up_seconds=0.0, longest_wait_seconds=float("inf"))
        self._center = CallCenter()
        self._load, self._dice, self._pickup = load, dice, pickup_seconds
        self._agenda: list[tuple[float, int, str, CallId, Extension]] = []
        self._entries = 0
        self._joined: dict[CallId, float] = {}
        self._waits: list[float] = []
        self._talked = 0.0
        self._center.configure((queue,), members, Moment(0.0, 0.0))
        for member in members:
            self._center.reachable(member, reachable=True, now=Moment(0.0, 0.0))

    def run(self, calls: int) -> Outcome:
        at = 0.0
        for number in range(calls):
            at += self._dice.expovariate(self._load.calls_per_hour / 3600)
            self._plan(at, "join", CallId(str(number)))
        while self._agenda:
            at, _, what, call, extension = heapq.heappop(self._agenda)
            self._live(Moment(at, at), what, call, extension)
        return Outcome(tuple(self._waits), self._talked / (at * len(self._center.operators)))

    def _plan(self, at: float, what: str, call: CallId, extension: Extension = NOBODY) -> None:
        self._entries += 1
        heapq.heappush(self._agenda, (at, self._entries, what, call, extension))

    def _live(self, now: Moment, what: str, call: CallId, extension: Extension) -> None:
        match what:
            case "join":
                self._joined[call] = now.mono
                self._follow(self._center.join(call, "office", now, now), now)
            case "answer":
                self._waits.append(now.mono - self._joined.pop(call))
                talk = self._dice.expovariate(1 / self._load.seconds_per_call)
                self._talked += talk
                self._plan(now.mono + talk, "part", call, extension)
                self._follow(self._center.answered(call, extension, now), now)
            case "part":
                self._follow(self._center.talk_ended(extension, call, now), now)

    def _follow(self, moves: list[Move], now: Moment) -> None:
        for move in moves:
            if isinstance(move, Offer):
                self._plan(now.mono + self._pickup, "answer", move.call, move.extension)
