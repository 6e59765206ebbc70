"""Cutting a byte stream into messages (RFC 3261 section 18.3, RFC 5626 section 4.4.1)."""

from __future__ import annotations

import re

from appliance.edge.message import LARGEST, LONGEST_HEAD, Garbled, Request, parse

_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:(?:[ \t]|\r\n[ \t])*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


class Ping:
    """The other side asks whether we are there; a line end is the answer."""


class Framer:
    """One direction of one connection. After a Garbled nothing more comes out: where the next message begins is lost."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._needed = 0
        self._broken = False

    @property
    def midway(self) -> bool:
        """Is a message under way, not yet whole?"""
        return bool(self._buffer.strip(b"\r\n"))

    def feed(self, data: bytes) -> list[bytes | Ping | Garbled]:
        """What has become whole with these bytes."""
        found: list[bytes | Ping | Garbled] = []
        if self._broken:
            return found
        self._buffer += data
        while (piece := self._next()) is not None:
            found.append(piece)
            if isinstance(piece, Garbled):
                self._broken = True
                self._buffer.clear()
                break
        return found

    def _next(self) -> bytes | Ping | Garbled | None:
        if self._buffer.startswith((b"\r", b"\n")):
            return self._line_ends()
        if not self._needed:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return Garbled("a head without end") if len(self._buffer) > LONGEST_HEAD else None
            length = _length(bytes(self._buffer[: end + 4]))
            if isinstance(length, Garbled):
                return length
            self._needed = end + 4 + length
        if len(self._buffer) < self._needed:
            return None
        message = bytes(self._buffer[: self._needed])
        del self._buffer[: self._needed]
        self._needed = 0
        return message

    def _line_ends(self) -> Ping | bytes | Garbled | None:
        """Line ends between messages: two are a ping, one is nothing."""
        if self._buffer.startswith(b"\r\n\r\n"):
            del self._buffer[:4]
            return Ping()
        if b"\r\n\r\n".startswith(self._buffer):
            return None
        del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))]
        return self._next()


def _length(head: bytes) -> int | Garbled:
    """How long the body is, by the one Content-Length that a stream needs."""
    said = [value.strip() for value in _LENGTH.findall(head)]
    if len(said) == 1 and said[0].isdigit() and len(said[0]) < 9:
        length = int(said[0])
        if length + len(head) <= LARGEST:
            return length
    message = parse(head)
    if isinstance(message, Garbled):
        return Garbled("no Content-Length to go by", message.status, message.request)
    return Garbled("no Content-Length to go by", 400, message if isinstance(message, Request) else None)
