"""One file of the journal: its name, its head, and what can be read of it whatever has happened to it.

A file is named by its day and begins with a head, the facts that recreate what was open when it was begun:

    ^ ["JournalBegan",{…}]      ^ a fact still open …      ^ ["HeadEnds",{"facts":1}]      then fact after fact

Lines of the head bear the mark `^`. So a head is complete when its end is there, or anything that came after it.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from appliance.calls.moment import Moment
from appliance.store.lines import PLAIN, as_json, lines_of, readable, seal, unseal

HEAD = b"^"
FORMAT = 1
"""Grows when an older version could no longer make sense of a file."""


@dataclass(frozen=True, slots=True)
class JournalBegan:
    """The first line of every file."""

    at: Moment
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class HeadEnds:
    """The last line of the head, with the number of facts in it."""

    facts: int


class UnknownWord(ValueError):
    """The line is whole, but this version cannot read it; says what it is."""


class Words:
    """How facts become lines and lines become facts; one per kind of journal."""

    def __init__(self, words: tuple[type[Any], ...]) -> None:
        """`words` are the dataclasses that may be written. Their names are what the file says, so they must differ."""
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            word.__name__: msgspec.json.Decoder(word) for word in (JournalBegan, HeadEnds, *words)
        }
        if len(self._decoders) != len(words) + 2:
            raise ValueError("two kinds of fact have one name")

    def line(self, fact: object, mark: bytes = PLAIN) -> bytes:
        """The line for one fact."""
        return seal(as_json((type(fact).__name__, fact)), mark)

    def head(self, facts: Iterable[object], at: Moment) -> bytes:
        """All lines of a file's head."""
        carried = [self.line(fact, HEAD) for fact in facts]
        return b"".join([self.line(JournalBegan(at), HEAD), *carried, self.line(HeadEnds(len(carried)), HEAD)])

    def fact(self, body: bytes) -> Any:
        """What a line's body says.

        Raises:
            UnknownWord: this version has no such word, or knows it with other fields.
        """
        try:
            name, fields = _envelope.decode(body)
            decoder = self._decoders.get(name)
            if decoder is None:
                raise UnknownWord(f"{name} is not known to this version")
            return decoder.decode(fields)
        except msgspec.DecodeError as error:
            raise UnknownWord(f"not understood by this version ({error})") from error


_envelope = msgspec.json.Decoder(tuple[str, msgspec.Raw])


@dataclass(order=True, frozen=True, slots=True)
class JournalName:
    """`2026-11-21.journal`, and `2026-11-21-2.journal` for the second of that day. Later files compare greater."""

    day: str
    number: int = 1

    @property
    def text(self) -> str:
        """The file's name."""
        return f"{self.day}.journal" if self.number == 1 else f"{self.day}-{self.number}.journal"

    def next(self, now: Moment) -> JournalName:
        """The name of the file after this one; it compares greater even when the calendar was set back."""
        day = day_of(now)
        return JournalName(day) if day > self.day else JournalName(self.day, self.number + 1)

    @classmethod
    def read(cls, text: str) -> JournalName | None:
        """The name as a name, if it is a journal's."""
        match = _NAME.fullmatch(text)
        return cls(match["day"], int(match["number"] or 1)) if match else None


_NAME = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(-(?P<number>[1-9]\d{0,8}))?\.journal")


def day_of(now: Moment) -> str:
    """The day in UTC, as files are named."""
    return datetime.fromtimestamp(now.utc, UTC).date().isoformat()


def journals(folder: Path) -> list[JournalName]:
    """All journals of a folder, oldest first; none when the folder is not there."""
    try:
        found = [JournalName.read(path.name) for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(name for name in found if name)


@dataclass(slots=True)
class Reading:
    """What one file holds."""

    name: str
    head: list[Any] = field(default_factory=list)
    facts: list[Any] = field(default_factory=list)
    good: int = 0
    """Its length up to the last whole line."""
    torn: int = 0
    """Bytes after that, which hold no whole line and are not needed."""
    hidden: int = 0
    """Bytes after that, which the disk does not read: they are left where they are."""
    complete: bool = False
    """The head is, so that nothing older is needed."""
    notes: list[str] = field(default_factory=list)
    """What was damaged or not understood, in plain words."""


def read_journal(path: Path, words: Words) -> Reading:
    """Read all that can be read.

    Raises:
        OSError: the file cannot be opened, or so little of it can be read that nobody knows what it says.
    """
    reading = Reading(path.name)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        for number, line in _whole_lines(descriptor, reading):
            _take(number, *line, reading, words)
        if reading.torn and not readable(descriptor, reading.good):
            _hide(reading)
    finally:
        os.close(descriptor)
    return reading


def _hide(reading: Reading) -> None:
    if not reading.complete:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    reading.hidden, reading.torn = reading.torn, 0
    reading.notes.append(
        f"{reading.name}: the disk does not read its last {reading.hidden} bytes; they were left alone"
    )


def _whole_lines(descriptor: int, reading: Reading) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
    bad: list[int] = []
    end = 0
    for number, (offset, line) in enumerate(lines_of(descriptor), 1):
        end = offset + len(line)
        content = unseal(line)
        if content is None:
            bad.append(number)
            continue
        if bad:
            reading.notes.append(f"{reading.name}: {_which(bad)} damaged and left out")
            bad.clear()
        reading.good = end
        yield number, content
    reading.torn = end - reading.good


def _take(number: int, mark: bytes, body: bytes, reading: Reading, words: Words) -> None:
    try:
        fact = words.fact(body)
    except UnknownWord as error:
        reading.complete |= mark == PLAIN
        reading.notes.append(f"{reading.name}: line {number}: {error}; it stays in the file and is not used")
        return
    match fact:
        case JournalBegan():
            if fact.format > FORMAT:
                reading.notes.append(f"{reading.name}: written by a newer version (format {fact.format})")
        case HeadEnds():
            reading.complete = True
            if fact.facts > len(reading.head):
                reading.notes.append(f"{reading.name}: {fact.facts - len(reading.head)} facts of its head are missing")
        case _ if mark == PLAIN:
            reading.complete = True
            reading.facts.append(fact)
        case _:
            reading.head.append(fact)


def _which(lines: list[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]} is"
    return f"{len(lines)} lines from line {lines[0]} on are"
