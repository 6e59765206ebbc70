"""Token buckets: so many at once, so many per second after that."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rate:
    """How much is too much."""

    per_second: float
    burst: float


@dataclass(slots=True)
class Buckets:
    """One bucket per key, in a table of bounded size: the one begun first makes room."""

    most: int
    _levels: dict[Hashable, tuple[float, float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._levels)

    def empty(self, key: Hashable, rate: Rate, now: float) -> bool:
        """Is nothing left in it? Takes nothing."""
        return key in self._levels and self._level(key, rate, now) < 1.0

    def take(self, key: Hashable, rate: Rate, now: float) -> bool:
        """Take one; False when it is empty."""
        level = self._level(key, rate, now)
        if level < 1.0:
            return False
        self._set(key, level - 1.0, now)
        return True

    def give(self, key: Hashable, rate: Rate, back: float, now: float) -> None:
        """Put some back."""
        self._set(key, self._level(key, rate, now) + back, now)

    def _level(self, key: Hashable, rate: Rate, now: float) -> float:
        found = self._levels.get(key)
        if found is None:
            return rate.burst
        return min(rate.burst, found[0] + (now - found[1]) * rate.per_second)

    def _set(self, key: Hashable, level: float, now: float) -> None:
        if key not in self._levels and len(self._levels) >= self.most:
            del self._levels[next(iter(self._levels))]
        self._levels[key] = (level, now)
