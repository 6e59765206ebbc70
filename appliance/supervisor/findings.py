"""What `doctor` finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a thing is."""

    GOOD = "good"
    ODD = "odd"
    """Worth knowing; the box runs."""
    BAD = "bad"
    """The box does not run, or not as the site file wants it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    words: str


def worst(findings: Iterable[Finding]) -> State:
    """The worst of all."""
    order = (State.GOOD, State.ODD, State.BAD)
    return max((finding.state for finding in findings), key=order.index, default=State.GOOD)
