"""The ways to the outside: how each line is, which legs are on it, and which one a call out takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from appliance.calls.events import LineChanged, LineState
from appliance.calls.moment import Moment
from appliance.calls.names import LegId, LineId
from appliance.switchboard.settings import LineOptions


@dataclass(slots=True)
class Line:
    """A line as last heard of."""

    state: LineState
    words: str
    signal: int | None
    since: Moment


class Lines:
    """All lines of the firm. A leg is on its line from its first moment until it has ended."""

    def __init__(self) -> None:
        self.heard: dict[LineId, Line] = {}
        """Those that have told how they are."""
        self._options: dict[LineId, LineOptions] = {}
        self._legs: dict[LineId, set[LegId]] = {}
        self._line: dict[LegId, LineId] = {}

    def configure(self, lines: Iterable[LineOptions]) -> None:
        """Take over changed settings, in the order in which calls out choose. A provider that is gone is forgotten; a
        modem is there as long as it says so.
        """
        before, self._options = self._options, {line.name: line for line in lines}
        for name in before.keys() - self._options.keys():
            if before[name].provider is not None:
                self.heard.pop(name, None)

    def options(self, name: LineId) -> LineOptions | None:
        """What the owner has set up for it; None when there is no such line (any more)."""
        return self._options.get(name)

    def changed(self, event: LineChanged, now: Moment) -> bool:
        """It has told how it is; whether it came up or went down by that."""
        before = self.heard.get(event.line)
        same = before is not None and before.state is event.state
        since = before.since if before is not None and same else now
        self.heard[event.line] = Line(event.state, event.words, event.signal, since)
        return not same

    # ---- who is on it

    def take(self, name: LineId, leg: LegId) -> None:
        """This leg is on the line from now on."""
        self._legs.setdefault(name, set()).add(leg)
        self._line[leg] = name

    def leave(self, leg: LegId) -> None:
        """The leg has ended; no harm when it was on no line."""
        name = self._line.pop(leg, None)
        if name is not None:
            self._legs[name].discard(leg)

    def carries(self, leg: LegId) -> bool:
        """This leg is on a line."""
        return leg in self._line

    def calls(self, name: LineId) -> int:
        """How many go on over it."""
        return len(self._legs.get(name, ()))

    def room(self, name: LineId) -> int:
        """How many it takes at once, in and out together. A modem has one call, whatever is written."""
        options = self._options.get(name)
        return options.calls_at_once if options is not None and options.provider is not None else 1

    def full(self, name: LineId) -> bool:
        """No further call goes over it now."""
        return self.calls(name) >= self.room(name)

    def is_modem(self, name: LineId) -> bool:
        """Its calls live in a modem, with their sound in the engine; else all of them lives in the engine."""
        options = self._options.get(name)
        return options is not None and options.provider is None

    def on_modem(self, leg: LegId) -> bool:
        """This leg outlives the engine: a modem has it."""
        name = self._line.get(leg)
        return name is not None and self.is_modem(name)

    # ---- which one a call out takes

    def ways_out(self, *, emergency: bool) -> Iterator[LineId]:
        """Lines for a call out, the best first: those that live and have room, in the order of the settings.

        For an emergency then all others: what says that it is not well may still carry it, and a provider's room is only
        what the owner allows.
        """
        free = [name for name in self._options if not self.full(name)]
        yield from (name for name in free if self._lives(name))
        if emergency:
            yield from (name for name in free if not self._lives(name))
            yield from (name for name in self._options if self.full(name) and not self.is_modem(name))

    def _lives(self, name: LineId) -> bool:
        line = self.heard.get(name)
        return line is not None and line.state is LineState.UP
