"""Things to be done later, in order of their time; those of one kind can be called off together."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Agenda:
    """Nothing runs by itself: `next` says when the first action is due, `take` hands it out."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, str, Callable[[], None]]] = []
        self._count = 0

    def put(self, at: float, kind: str, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, kind, action))

    def call_off(self, kind: str) -> None:
        self._heap = [entry for entry in self._heap if entry[2] != kind]
        heapq.heapify(self._heap)

    def clear(self) -> None:
        self._heap.clear()

    def next(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def take(self) -> Callable[[], None]:
        """Out with the first action; it may put in others."""
        return heapq.heappop(self._heap)[3]
