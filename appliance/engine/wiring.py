"""Who is meant to hear whom, whatever happens to the pieces meanwhile.

A telephone that goes on hold, or comes back, loses its place on the bridge and gets another; the wish outlives it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

EndT = TypeVar("EndT", bound=Hashable)

Act = Callable[[EndT, EndT], None]


class Wiring(Generic[EndT]):
    """The wanted connections, source to sink."""

    def __init__(self, connect: Act[EndT], disconnect: Act[EndT]) -> None:
        self._connect = connect
        self._disconnect = disconnect
        self._sinks: dict[EndT, dict[EndT, None]] = {}
        self._sources: dict[EndT, dict[EndT, None]] = {}

    def want(self, source: EndT, sink: EndT) -> None:
        """Let `sink` hear `source`, now and after either came back."""
        self._sinks.setdefault(source, {})[sink] = None
        self._sources.setdefault(sink, {})[source] = None
        self._connect(source, sink)

    def unwant(self, source: EndT, sink: EndT) -> None:
        """The reverse; no harm when it was not wanted."""
        if sink not in self._sinks.get(source, ()):
            return
        self._remove(self._sinks, source, sink)
        self._remove(self._sources, sink, source)
        self._disconnect(source, sink)

    def renew(self, end: EndT) -> None:
        """`end` has a new place on the bridge: connect it as it was."""
        for sink in self._sinks.get(end, ()):
            self._connect(end, sink)
        for source in self._sources.get(end, ()):
            self._connect(source, end)

    def forget(self, end: EndT) -> None:
        """`end` takes no more part in anything."""
        for sink in tuple(self._sinks.get(end, ())):
            self.unwant(end, sink)
        for source in tuple(self._sources.get(end, ())):
            self.unwant(source, end)

    def __len__(self) -> int:
        return sum(map(len, self._sinks.values()))

    @staticmethod
    def _remove(table: dict[EndT, dict[EndT, None]], one: EndT, other: EndT) -> None:
        del table[one][other]
        if not table[one]:
            del table[one]
