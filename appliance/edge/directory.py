"""What is known of names outside: kept fresh as long as somebody wants it, and kept on when the DNS falls silent.

Nobody who takes a call along waits for any of this; they use what is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from appliance.edge.flows import Found, LookUp, Record

SHORTEST = 30.0
LONGEST = 3600.0
"""Seconds an answer is used before it is asked for again, whatever its own time to live."""
FIRST_WAIT = 5.0
LONGEST_WAIT = 60.0
"""Seconds until a look-up nobody answered is tried again: doubling from the first to the longest."""
MOST = 256
"""Names remembered; ones that nobody wants any more go first."""


@dataclass(slots=True)
class _Entry:
    records: tuple[Record, ...] | None = None
    due: float = 0.0
    asking: bool = False
    failures: int = 0
    wanted_by: set[str] = field(default_factory=set)


class Directory:
    """Answers by name and kind."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._entries: dict[LookUp, _Entry] = {}
        self.revision = 0
        """Grows with every answer that is worth keeping on disk."""

    def want(self, who: str, names: Iterable[LookUp]) -> None:
        """Keep these fresh for `who`, and nothing else for them any more."""
        wanted = dict.fromkeys(names)
        for asked, entry in self._entries.items():
            if asked not in wanted:
                entry.wanted_by.discard(who)
        for asked in wanted:
            self._entries.setdefault(asked, _Entry()).wanted_by.add(who)
        for asked in [each for each, entry in self._entries.items() if not entry.wanted_by][
            : len(self._entries) - MOST
        ]:
            del self._entries[asked]

    def known(self, asked: LookUp) -> tuple[Record, ...] | None:
        """The last good answer, however old; () when there is no such thing, or nobody says so; None before that."""
        entry = self._entries.get(asked)
        if entry is None or (entry.records is None and not entry.failures):
            return None
        return entry.records or ()

    def silent(self, who: str) -> bool:
        """Did nobody answer, of late, about what `who` wants?"""
        wanted = [entry for entry in self._entries.values() if who in entry.wanted_by]
        answered = any(entry.records is not None and not entry.failures for entry in wanted)
        return any(entry.failures for entry in wanted) and not answered

    def found(self, asked: LookUp, found: Found, now: float) -> bool:
        """An answer came, or nobody gave one. Tells whether that changes what is known."""
        entry = self._entries.get(asked)
        if entry is None:
            return False
        before = self.known(asked)
        entry.asking = False
        if found.records is None:
            wait = min(FIRST_WAIT * 2.0**entry.failures, LONGEST_WAIT)
            entry.failures = min(entry.failures + 1, 10)
            entry.due = now + wait * self._dice.uniform(0.75, 1.25)
        else:
            if set(entry.records or ()) != set(found.records) or entry.records is None:
                entry.records = found.records
                self.revision += 1
            entry.failures = 0
            entry.due = now + min(max(found.ttl, SHORTEST), LONGEST)
        return self.known(asked) != before

    def next_deadline(self) -> float | None:
        """When the next look-up is due."""
        waiting = [entry.due for entry in self._entries.values() if entry.wanted_by and not entry.asking]
        return min(waiting, default=None)

    def tick(self, now: float) -> list[LookUp]:
        """What is to be asked now; `found` must hear of each."""
        asked = [
            each for each, entry in self._entries.items() if entry.wanted_by and not entry.asking and entry.due <= now
        ]
        for each in asked:
            self._entries[each].asking = True
        return asked

    def kept(self) -> list[tuple[LookUp, tuple[Record, ...]]]:
        """The answers, for the disk; also that there is no such thing, which is asked before what there is."""
        return [(each, entry.records) for each, entry in self._entries.items() if entry.records is not None]

    def restore(self, kept: Iterable[tuple[LookUp, tuple[Record, ...]]]) -> None:
        """What an earlier life had found out: good until something better is heard."""
        for asked, records in kept:
            self._entries.setdefault(asked, _Entry(records=records))
