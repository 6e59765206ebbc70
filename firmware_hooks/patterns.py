"""What a lamp does to say something, as data. Times are whole milliseconds: sums of fractions never quite meet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One brightness for a while."""

    level: float
    """0.0 dark to 1.0 bright; a lamp that cannot be dimmed is lit from 0.5 on."""
    milliseconds: int


Pattern = tuple[Step, ...]
"""Steps that repeat; a single one stays."""


def _pulse(milliseconds: int, steps: int) -> Pattern:
    """Swells and fades once in this time, as a sleeping lamp does."""
    return tuple(
        Step(round(0.5 - 0.5 * math.cos(2 * math.pi * (step + 0.5) / steps), 3), milliseconds // steps)
        for step in range(steps)
    )


PATTERNS: Mapping[str, Pattern] = {
    "off": (Step(0, 1000),),
    "ringing": (Step(1, 200), Step(0, 200)),
    "busy": (Step(1, 1000),),
    "wrap_up": _pulse(2000, 20),
    "paused": (Step(1, 100), Step(0, 1900)),
    "fault": (Step(1, 150), Step(0, 150), Step(1, 150), Step(0, 750)),
    "encrypted": (Step(1, 1000),),
    "buzzing": (Step(1, 250), Step(0, 1750)),
}
"""By name; a lamp asked for a pattern that is not here shows `fault`."""


def level_at(pattern: Pattern, elapsed: int) -> tuple[float, int | None]:
    """The brightness `elapsed` milliseconds after the pattern began, and in how many it changes; None: never."""
    if len(pattern) == 1:
        return pattern[0].level, None
    within = elapsed % sum(step.milliseconds for step in pattern)
    for step in pattern:
        if within < step.milliseconds:
            return step.level, step.milliseconds - within
        within -= step.milliseconds
    raise AssertionError("the remainder is less than the sum")
