"""Is there really sound on a modem's port? A call can be up and its sound dead, and byte counts alone do not prove it."""

from __future__ import annotations


class SoundWatch:
    """Looks at what comes from one port and says each trouble once, when it begins. Time is an argument."""

    DEAD = 2.0
    """Seconds without a byte."""
    WINDOW = 5.0
    """Seconds over which the rate is measured."""
    TOLERANCE = 0.03
    """A clock is never this wrong: the modem speaks at another rate than we think."""
    BLANK = 10.0
    """Seconds of nothing but zeros: a quiet line hisses, a dead one does not."""

    def __init__(self, rate: int, now: float) -> None:
        self._rate = rate
        self._heard_at = now
        self._sounded_at = now
        self._window_from: float | None = None
        self._window_bytes = 0
        self._said: set[str] = set()

    def received(self, count: int, now: float, *, blank: bool) -> list[str]:
        """`count` bytes came, all zero if `blank`; returns what is wrong now and was not before."""
        if now - self._heard_at >= self.DEAD:
            self._window_from = None
        self._said.discard("dead")
        self._heard_at = now
        if not blank:
            self._sounded_at = now
            self._said.discard("blank")
        return self._measured(count, now) + self._blank_for(now)

    def tick(self, now: float) -> list[str]:
        """Time has passed; returns what is wrong now and was not before."""
        if now - self._heard_at < self.DEAD:
            return []
        return self._say("dead", f"no sound from the modem for {self.DEAD:.0f} s")

    def _measured(self, count: int, now: float) -> list[str]:
        """The rate from one delivery to a later one, so that the size of a delivery does not matter."""
        if self._window_from is None:
            self._window_from, self._window_bytes = now, 0
            return []
        self._window_bytes += count
        seconds = now - self._window_from
        if seconds < self.WINDOW:
            return []
        rate = self._window_bytes / 2 / seconds
        self._window_from, self._window_bytes = now, 0
        if abs(rate / self._rate - 1) <= self.TOLERANCE:
            self._said.discard("rate")
            return []
        return self._say("rate", f"the modem sends {rate:.0f} samples a second instead of {self._rate}")

    def _blank_for(self, now: float) -> list[str]:
        if now - self._sounded_at < self.BLANK:
            return []
        return self._say("blank", f"the modem has sent nothing but zeros for {self.BLANK:.0f} s")

    def _say(self, trouble: str, words: str) -> list[str]:
        if trouble in self._said:
            return []
        self._said.add(trouble)
        return [words]
