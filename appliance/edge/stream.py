"""One connection without its socket: TLS taken off and put on, and whatever is spoken in it cut into SIP messages.

What is spoken shows in the first bytes: HTTP's GET begins a WebSocket, all else is SIP as a stream. So one port is
enough for both, and a second one for both within TLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from appliance.edge.flows import Transport
from appliance.edge.framing import Framer, Ping
from appliance.edge.message import Garbled
from appliance.edge.tls import Tls, TlsFailed

_GET = b"GET "


@dataclass(frozen=True, slots=True)
class Began:
    """It is known what is spoken, and the other side is ready to hear."""

    transport: Transport


@dataclass(frozen=True, slots=True)
class Failed:
    """It came to nothing."""

    words: str
    """Plain; the far end is their subject."""


class Talk(Protocol):
    """A way to put SIP messages into a stream of bytes."""

    @property
    def ready(self) -> bool: ...
    @property
    def midway(self) -> bool: ...
    @property
    def ended(self) -> bool: ...
    def receive(self, data: bytes) -> list[bytes | Garbled]: ...
    def send(self, message: bytes) -> None: ...
    def keep_alive(self) -> None: ...
    def close(self) -> None: ...
    def data_to_send(self) -> bytes: ...


class Plain:
    """SIP as a stream (RFC 3261 section 18.3)."""

    ready = True
    ended = False

    def __init__(self) -> None:
        self._framer = Framer()
        self._out = bytearray()

    @property
    def midway(self) -> bool:
        return self._framer.midway

    def receive(self, data: bytes) -> list[bytes | Garbled]:
        """What has become whole; pings are answered."""
        found: list[bytes | Garbled] = []
        for piece in self._framer.feed(data):
            if isinstance(piece, Ping):
                self.send(b"\r\n")
            else:
                found.append(piece)
        return found

    def send(self, message: bytes) -> None:
        self._out += message

    def keep_alive(self) -> None:
        """The kernel does it."""

    def close(self) -> None:
        """Nothing is said."""

    def data_to_send(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        return out


class Stream:
    """Bytes of one connection in and out. After `ended` nothing is heard; close it once all has been sent."""

    def __init__(self, tls: Tls | None = None, *, ours: bool = False) -> None:
        """`ours`: we opened it, so it is known what will be spoken."""
        self._tls = tls
        self._talk: Talk | None = Plain() if ours else None
        self._ours = ours
        self._began = False
        self._first = b""
        self.ended = False

    @property
    def midway(self) -> bool:
        """Is something under way that has to be whole in a while: a handshake, a message?"""
        if self._talk is None or (self._tls is not None and not self._tls.ready):
            return self._tls is not None or bool(self._first)
        return self._talk.midway

    @property
    def likely(self) -> Transport:
        """What it is, as far as can be told before anything was understood."""
        return "tcp" if self._tls is None else "tls"

    def begin(self) -> list[Began]:
        """The connection is up. One of ours that needs no handshake is ready by that."""
        return self._ready() if self._ours and self._tls is None else []

    def receive(self, data: bytes) -> list[bytes | Garbled | Began | Failed]:
        """What these bytes brought, in order."""
        found: list[bytes | Garbled | Began | Failed] = []
        if self.ended:
            return found
        if self._tls is not None:
            try:
                data = self._tls.receive(data)
            except TlsFailed as failed:
                self.ended = True
                return [Failed(str(failed))]
            self.ended = self._tls.ended
            if self._ours and self._tls.ready:
                found += self._ready()
        if self._talk is None:
            self._first += data
            self._talk = _recognised(self._first)
            data = self._first
        if self._talk is not None and data:
            heard = self._talk.receive(data)
            found += self._ready()
            found += heard if self._began else [Failed("asked by HTTP for something else") for _ in heard]
            self.ended = self.ended or any(isinstance(each, Garbled) for each in heard)
        return found

    def send(self, message: bytes) -> None:
        """Send one SIP message, once it began; also a last one before the end."""
        if self._talk is not None:
            self._talk.send(message)

    def keep_alive(self) -> None:
        """Let the other side show that it is there."""
        if self._talk is not None and self._began:
            self._talk.keep_alive()

    def close(self) -> None:
        """Say good-bye, in whatever is spoken; the connection is over when that has been sent."""
        if self._talk is not None:
            self._talk.close()
        self.ended = True

    def data_to_send(self) -> bytes:
        """What is to be written to the socket now."""
        out = b""
        if self._talk is not None:
            out = self._talk.data_to_send()
            self.ended = self.ended or self._talk.ended
        if self._tls is None:
            return out
        if out:
            self._tls.send(out)
        if self.ended:
            self._tls.close()
        return self._tls.data_to_send()

    def _ready(self) -> list[Began]:
        if self._began or self._talk is None or not self._talk.ready:
            return []
        self._began = True
        if isinstance(self._talk, Plain):
            return [Began(self.likely)]
        return [Began("ws" if self._tls is None else "wss")]


def _recognised(first: bytes) -> Talk | None:
    """What begins so; None while it may still be either."""
    if first.startswith(_GET):
        # A tenth of the edge's start, for what few firms have.
        from appliance.edge.websocket import WebSocket  # noqa: PLC0415

        return WebSocket()
    return None if _GET.startswith(first) else Plain()
