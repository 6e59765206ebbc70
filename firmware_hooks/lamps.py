"""Who has a lamp, and what it does now. No I/O, and time is an argument."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.calls.commands import Buzz, ShowEncrypted, ShowLamp
from appliance.calls.timers import Timers
from firmware_hooks.patterns import PATTERNS, level_at

BUZZER = "buzzer"
"""Stands among the lamps; their names are extensions, so it is nobody's."""


def encryption_lamp(extension: str) -> str:
    """The name, among the lamps, of the one that is lit while this operator's whole call is encrypted."""
    return f"encrypted {extension}"


Panelled = ShowLamp | ShowEncrypted | Buzz
"""What a panel can show."""

Levels = dict[str, float]
"""Lamps to set, each with its brightness."""


class Lamps:
    """Knows what every lamp shows, wired or not, so that a page can draw them on a box that has none."""

    def __init__(self, wired: Iterable[str]) -> None:
        """`wired` are the lamps (and perhaps the buzzer) that somebody will set; only those give work."""
        self._wired = frozenset(wired)
        self._shown: dict[str, str] = dict.fromkeys(sorted(self._wired), "off")
        self._began: dict[str, float] = {}
        self._steps: Timers[str] = Timers()

    def handle(self, command: Panelled, now: float) -> Levels:
        """Begin a pattern. The one that is shown already goes on undisturbed."""
        match command:
            case ShowLamp(extension=lamp, pattern=pattern):
                return self._show(lamp, pattern if pattern in PATTERNS else "fault", now)
            case ShowEncrypted(extension=extension, on=on):
                return self._show(encryption_lamp(extension), "encrypted" if on else "off", now)
            case Buzz(on=on):
                return self._show(BUZZER, "buzzing" if on else "off", now)

    def next_deadline(self) -> float | None:
        """When a lamp changes next; None while all stand still."""
        return self._steps.next()

    def tick(self, now: float) -> Levels:
        """The lamps whose time has come."""
        return {lamp: self._step(lamp, now) for lamp in self._steps.due(now)}

    def state(self) -> dict[str, str]:
        """Each lamp with the name of its pattern."""
        return dict(self._shown)

    def _show(self, lamp: str, pattern: str, now: float) -> Levels:
        if self._shown.get(lamp) == pattern:
            return {}
        self._shown[lamp] = pattern
        self._began[lamp] = now
        return {lamp: self._step(lamp, now)} if lamp in self._wired else {}

    def _step(self, lamp: str, now: float) -> float:
        elapsed = round(1000 * (now - self._began[lamp]))
        level, lasts = level_at(PATTERNS[self._shown[lamp]], elapsed)
        if lasts is None:
            self._steps.cancel(lamp)
        else:
            self._steps.set(lamp, self._began[lamp] + (elapsed + lasts) / 1000)
        return level
