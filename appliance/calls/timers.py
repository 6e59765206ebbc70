"""Many named deadlines, and the next of them. Every room that waits for something keeps one of these."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


class Timers(Generic[KeyT]):
    """Deadlines on the monotonic clock, one per key; setting a key again moves it.

    Cancelled entries stay in the heap until their time or until they outnumber the living, so every operation is
    O(log n) and memory stays in proportion to what is pending.
    """

    def __init__(self) -> None:
        self._at: dict[KeyT, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, KeyT]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._at)

    def __contains__(self, key: KeyT) -> bool:
        return key in self._at

    def set(self, key: KeyT, at: float) -> None:
        """Wake `key` at the monotonic second `at`."""
        self._count += 1
        self._at[key] = (at, self._count)
        heapq.heappush(self._heap, (at, self._count, key))
        if len(self._heap) > 64 and len(self._heap) > 4 * len(self._at):
            self._heap = [(when, count, name) for name, (when, count) in self._at.items()]
            heapq.heapify(self._heap)

    def cancel(self, key: KeyT) -> None:
        """Forget `key`; no harm when it is not set."""
        self._at.pop(key, None)

    def next(self) -> float | None:
        """The earliest deadline, or None when nothing is pending."""
        while self._heap:
            at, count, key = self._heap[0]
            if self._at.get(key) == (at, count):
                return at
            heapq.heappop(self._heap)
        return None

    def due(self, now: float) -> list[KeyT]:
        """Take out and return the keys whose time has come, earliest first."""
        ready: list[KeyT] = []
        while (at := self.next()) is not None and at <= now:
            _, _, key = heapq.heappop(self._heap)
            del self._at[key]
            ready.append(key)
        return ready
