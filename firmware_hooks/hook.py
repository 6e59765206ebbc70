"""The hook switch of a headset on the box. No I/O, and time is an argument.

A switch bounces for some milliseconds and a plug that is moved crackles; gpiozero's own debouncing differs from one pin
library to the next, so it stays off and this decides: a state counts when it has stood for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.calls.names import Extension

Pin = int | str
"""A BCM number (17), or a name gpiozero knows: `GPIO17`, `BOARD11`, `J8:11`."""


@dataclass(frozen=True, slots=True)
class HookSettings:
    """How the switch is wired and read."""

    extension: Extension
    """Whose headset it is."""
    pin: Pin
    lifted: Literal["high", "low"] = "high"
    """The level of the pin while lifted. A switch to ground that opens when lifted: high, by the pull-up."""
    settle_seconds: float = 0.04
    stuck_seconds: float = 4 * 3600.0
    """Lifted for so long, the switch is more likely broken than in use."""


@dataclass(frozen=True, slots=True)
class HookLifted:
    """The headset was taken up."""

    extension: Extension


@dataclass(frozen=True, slots=True)
class HookReplaced:
    """The headset was laid down."""

    extension: Extension


@dataclass(frozen=True, slots=True)
class HookStuck:
    """The hook has been lifted for suspiciously long: for a person to look at, not to act on. Said once."""

    extension: Extension
    seconds: float


HookEvent = HookLifted | HookReplaced | HookStuck


class HookSwitch:
    """From levels of a pin to what the operator did. The first event tells how the hook stands at the start."""

    def __init__(self, settings: HookSettings, now: float, *, high: bool) -> None:
        """`high` is the level read at the start: no edge will tell it."""
        self._settings = settings
        self._high = high
        self._since = now
        self._lifted: bool | None = None
        self._settles_at: float | None = now + settings.settle_seconds
        self._stuck_at: float | None = None

    @property
    def lifted(self) -> bool | None:
        """As last reported; None before the first time."""
        return self._lifted

    def level(self, now: float, *, high: bool) -> list[HookEvent]:
        """The pin changed at `now`."""
        events = self.tick(now)
        if high != self._high:
            self._high, self._since = high, now
            self._settles_at = now + self._settings.settle_seconds
        return events

    def next_deadline(self) -> float | None:
        """When `tick` is wanted."""
        return min((at for at in (self._settles_at, self._stuck_at) if at is not None), default=None)

    def tick(self, now: float) -> list[HookEvent]:
        """What has stood long enough to count."""
        events: list[HookEvent] = []
        if self._settles_at is not None and now >= self._settles_at:
            self._settles_at = None
            events += self._settled()
        if self._stuck_at is not None and now >= self._stuck_at:
            self._stuck_at = None
            events.append(HookStuck(self._settings.extension, now - self._since))
        return events

    def _settled(self) -> list[HookEvent]:
        lifted = self._high == (self._settings.lifted == "high")
        if lifted == self._lifted:
            return []
        self._lifted = lifted
        self._stuck_at = self._since + self._settings.stuck_seconds if lifted else None
        return [HookLifted(self._settings.extension) if lifted else HookReplaced(self._settings.extension)]
