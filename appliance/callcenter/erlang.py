"""Erlang's formulas: how many operators it takes, when nobody gives up waiting.

Source: A. K. Erlang's waiting-time formula (Erlang C), as in ITU-D "Teletraffic Engineering Handbook", chapter 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp


@dataclass(frozen=True, slots=True)
class Load:
    """Calls as a steady stream."""

    calls_per_hour: float
    seconds_per_call: float
    """Talk and wrap-up together, on average."""

    @property
    def erlangs(self) -> float:
        """Operators who would be busy on average if there were always enough."""
        return self.calls_per_hour * self.seconds_per_call / 3600


def waiting_probability(operators: int, erlangs: float) -> float:
    """The share of callers who have to wait at all; 1 when the operators cannot keep up."""
    if operators <= erlangs:
        return 1.0
    blocked = 1.0
    for busy in range(1, operators + 1):
        blocked = erlangs * blocked / (busy + erlangs * blocked)
    return blocked / (1 - erlangs / operators * (1 - blocked))


def service_level(operators: int, load: Load, seconds: float) -> float:
    """The share of callers answered within `seconds`."""
    if operators <= load.erlangs:
        return 0.0
    waiting = waiting_probability(operators, load.erlangs)
    return 1 - waiting * exp(-(operators - load.erlangs) * seconds / load.seconds_per_call)


def average_speed_of_answer(operators: int, load: Load) -> float:
    """Seconds a caller waits on average, those included who do not wait."""
    if operators <= load.erlangs:
        return float("inf")
    return waiting_probability(operators, load.erlangs) * load.seconds_per_call / (operators - load.erlangs)


def operators_needed(load: Load, target: float, seconds: float) -> int:
    """The fewest operators that answer the share `target` of callers within `seconds`."""
    operators = int(load.erlangs) + 1
    while service_level(operators, load, seconds) < target:
        operators += 1
    return operators
