"""Checked lines: `1c291ca3 ["CallBegan",{…}]`. A checksum, one mark, JSON, a newline.

A line that was torn, overwritten or rotted does not fit its checksum, and says so; its neighbours are not harmed.
The checksum (CRC-32, hex) is over the mark and the JSON.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import msgspec

PLAIN = b" "
"""The usual mark. What other marks mean is for the kind of file to say."""

_CHUNK = 1 << 20
_SECTOR = 4096
_MARK = 8
_BODY = 9


def seal(body: bytes, mark: bytes = PLAIN) -> bytes:
    """The whole line for `body`, which holds no newline."""
    marked = mark + body
    return b"%08x%b\n" % (crc32(marked), marked)


def unseal(line: bytes) -> tuple[bytes, bytes] | None:
    """Mark and body of a line that is whole, newline included; None for any other bytes."""
    if len(line) <= _BODY or line[-1:] != b"\n":
        return None
    marked = line[_MARK:-1]
    if b"%08x" % crc32(marked) != line[:_MARK]:
        return None
    return marked[:1], marked[1:]


def lines_of(descriptor: int, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of each line from `start` on, newline included; the last may have none.

    What the disk cannot read (a bad sector) comes as zeros, which fit no checksum.
    """
    offset, rest, position = start, b"", start
    while chunk := _read(descriptor, position):
        position += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        for body in whole:
            yield offset, body + b"\n"
            offset += len(body) + 1
    if rest:
        yield offset, rest


def readable(descriptor: int, start: int) -> bool:
    """The disk gives what lies from `start` on; else zeros have stood for some of it."""
    try:
        while chunk := os.pread(descriptor, _CHUNK, start):
            start += len(chunk)
    except OSError:
        return False
    return True


def _read(descriptor: int, position: int) -> bytes:
    try:
        return os.pread(descriptor, _CHUNK, position)
    except OSError:
        pass
    left = os.fstat(descriptor).st_size - position
    size = min(_SECTOR - position % _SECTOR, left)
    try:
        return os.pread(descriptor, size, position)
    except OSError:
        return bytes(size)


def write_all(descriptor: int, data: bytes | bytearray) -> None:
    """Write every byte, however small the portions the system takes.

    Raises:
        OSError: it did not take all; some bytes may have been written.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def as_json(thing: Any) -> bytes:
    """JSON of plain data or of a dataclass, on one line. Letters that cannot be written become `?`.

    Raises:
        TypeError: there is something in it that JSON has no form for.
    """
    try:
        return _encoder.encode(thing)
    except UnicodeEncodeError:
        return _encoder.encode(_printable(msgspec.to_builtins(thing)))


def _printable(thing: Any) -> Any:
    match thing:
        case str():
            return thing.encode("utf-8", "replace").decode()
        case dict():
            return {_printable(key): _printable(value) for key, value in thing.items()}
        case list() | tuple():
            return [_printable(item) for item in thing]
        case _:
            return thing


_encoder = msgspec.json.Encoder()
