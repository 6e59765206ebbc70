"""Where each document lies in a TinyDB file, read from its lines.

Each line is a small TinyDB picture with what has changed: `{"calls":{"17":{…}}}` puts a document in the place of an
older one, `{"calls":{"17":null}}` removes it, `{"calls":{}}` makes a table, `{"calls":null}` drops one. A line marked `+`
happens together with the line after it, or not at all.

Documents stay in the file: a table in memory is numbers and places, so a month of calls takes a few megabytes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec

from appliance.store.lines import PLAIN, lines_of, seal, unseal
from appliance.store.trouble import StoreTrouble, plain_words

WITH_NEXT = b"+"
GONE = b"null"


class Change(NamedTuple):
    """One document as it shall be from now on; None for one that is gone. Without a number, the same for a table."""

    table: str
    number: int | None
    document: bytes | None


class Place(NamedTuple):
    """Where the JSON of a document lies."""

    offset: int
    length: int


class Listener(Protocol):
    """Follows one table's documents, to keep an index. Called in order, with the storage's lock held."""

    def cleared(self) -> None:
        """All that was said is void; everything there is follows."""

    def put(self, table: str, number: int, document: bytes) -> None:
        """This is the document's JSON now."""

    def gone(self, table: str, number: int) -> None:
        """The document is not there any more."""


class Descriptor:
    """An open file that closes itself when the last picture of it is gone."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.number)


@dataclass(slots=True)
class Reading:
    """What reading some lines has shown."""

    end: int
    """Offset after the last whole change."""
    torn: int = 0
    """Bytes after that."""
    damaged: int = 0
    """Lines before it that are not whole."""
    foreign: int = 0
    """Lines that are whole, and not understood: a newer version's."""
    changes: int = 0


class Picture:
    """All tables of one file, with the file. What it hands out stays readable when the file is replaced."""

    def __init__(self, file: Descriptor, listener: Listener | None = None) -> None:
        self._file = file
        self.listener = listener
        self.tables: dict[str, dict[int, Place]] = {}

    def table(self, name: str) -> dict[int, Place]:
        """The documents of a table, oldest first; empty when there is no such table."""
        return self.tables.get(name, {})

    def raw(self, place: Place) -> bytes:
        """The JSON of a document.

        Raises:
            StoreTrouble: the disk does not read it.
        """
        try:
            return os.pread(self._file.number, place.length, place.offset)
        except OSError as error:
            raise StoreTrouble(f"A record cannot be read: {plain_words(error)}.") from error

    def read(self, start: int) -> Reading:
        """Take what the file says from `start` on."""
        reading = Reading(start)
        group: list[tuple[Change, Place]] = []
        bad = 0
        end = start
        for offset, line in lines_of(self._file.number, start):
            end = offset + len(line)
            content = unseal(line)
            if content is None:
                bad += 1
                continue
            mark, body = content
            try:
                group += _changes(body, end)
            except (msgspec.DecodeError, ValueError):
                reading.foreign += 1
            reading.damaged, bad = reading.damaged + bad, 0
            if mark == PLAIN:
                self.take(group)
                reading.changes += len(group)
                reading.end = end
                group.clear()
        reading.torn = end - reading.end
        return reading

    def take(self, changes: Iterable[tuple[Change, Place]]) -> None:
        """What these lines, just read or just written, have changed."""
        for change, place in changes:
            match change:
                case Change(table, None, None):
                    for number in self.tables.pop(table, {}):
                        self._gone(table, number)
                case Change(table, None, _):
                    self.tables.setdefault(table, {})
                case Change(table, int() as number, None):
                    if self.tables.setdefault(table, {}).pop(number, None):
                        self._gone(table, number)
                case Change(table, int() as number, bytes() as document):
                    self.tables.setdefault(table, {})[number] = place
                    if self.listener:
                        self.listener.put(table, number, document)

    def live(self) -> int:
        """About how many bytes of lines the documents need that are there now."""
        return sum(
            len(table) + 24 + sum(place.length + 24 for place in documents.values())
            for table, documents in self.tables.items()
        )

    def _gone(self, table: str, number: int) -> None:
        if self.listener:
            self.listener.gone(table, number)


def line_of(change: Change, mark: bytes) -> bytes:
    """The line that says it."""
    table = msgspec.json.encode(change.table)
    document = GONE if change.document is None else change.document
    if change.number is None:
        return seal(b"{%b:%b}" % (table, document or b"{}"), mark)
    return seal(b'{%b:{"%d":%b}}' % (table, change.number, document), mark)


def lines_for(changes: list[Change], offset: int) -> tuple[bytes, list[tuple[Change, Place]]]:
    """The lines for a change of several documents, and where each will lie when they are written at `offset`."""
    lines: list[bytes] = []
    placed: list[tuple[Change, Place]] = []
    for left, change in zip(range(len(changes) - 1, -1, -1), changes, strict=True):
        lines.append(line_of(change, WITH_NEXT if left else PLAIN))
        offset += len(lines[-1])
        placed.append((change, _place(change, offset)))
    return b"".join(lines), placed


def _place(change: Change, end: int) -> Place:
    """Where the document is in a line that ends at `end`: right before `}}` and the newline."""
    length = len(change.document or b"")
    return Place(end - 3 - length, length)


def _changes(body: bytes, end: int) -> list[tuple[Change, Place]]:
    """What a line says.

    Raises:
        ValueError: it is not such a line.
    """
    tables: dict[str, dict[str, msgspec.Raw] | None] = _delta.decode(body)
    found: list[tuple[Change, Place]] = []
    for table, documents in tables.items():
        if not documents:
            change = Change(table, None, None if documents is None else b"")
            found.append((change, Place(0, 0)))
            continue
        for number, raw in documents.items():
            document = bytes(raw)
            change = Change(table, int(number), None if document == GONE else document)
            found.append((change, _place(change, end)))
    if len(found) != 1:
        raise ValueError("a line has one document")
    return found


_delta: msgspec.json.Decoder[Any] = msgspec.json.Decoder(dict[str, dict[str, msgspec.Raw] | None])
