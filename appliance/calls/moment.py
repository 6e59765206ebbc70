"""When something happened, on both clocks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=False)
class Moment:
    """One instant: `mono` for lengths and deadlines, `utc` for records and opening hours.

    A small board may boot with a wrong date and jump when the network tells it better, so lengths are never
    taken from `utc` while `mono` can say.
    """

    mono: float
    """Seconds on the machine's monotonic clock, shared by all processes since the last boot."""
    utc: float
    """Seconds since 1970-01-01 00:00 UTC, as the machine believed at that instant."""

    def since(self, earlier: Moment) -> float:
        """Seconds from `earlier` to here, never negative.

        After a reboot the monotonic clock starts anew; then the calendar has to do.
        """
        if self.mono >= earlier.mono:
            return self.mono - earlier.mono
        return max(0.0, self.utc - earlier.utc)

    def after(self, seconds: float) -> Moment:
        """The instant `seconds` later (or earlier, when negative) on both clocks."""
        return Moment(self.mono + seconds, self.utc + seconds)
