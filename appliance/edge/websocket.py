"""SIP in a WebSocket (RFC 7118), our side: bytes in, whole SIP messages out, without sockets.

The frames and the handshake are the library's (`websockets`, its part without I/O); the rules of SIP in them are here:
the subprotocol `sip`, one message in each WebSocket message, and nothing longer than on any other way.
"""

from __future__ import annotations

import logging

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from appliance.edge.message import LARGEST, LONGEST_HEAD, Garbled

_log = logging.getLogger("qendra.edge.websocket")
_log.setLevel(logging.WARNING)  # the library's sentence for each connection is nothing to keep

_NO_WEBSOCKET = "HTTP that asks for no WebSocket with SIP in it"


class WebSocket:
    """One connection, from the GET on."""

    def __init__(self) -> None:
        self._protocol = ServerProtocol(subprotocols=[Subprotocol("sip")], max_size=LARGEST, logger=_log)
        self._head = bytearray()
        """Of the HTTP request, until it is whole: nothing may follow it before our answer, and the library relies on that."""
        self._parts = bytearray()
        self._unfinished = True
        self.ended = False
        """Nothing more will be said: close the connection when all has been sent."""

    @property
    def ready(self) -> bool:
        """The handshake is done: messages can be sent."""
        return self._protocol.state is State.OPEN

    @property
    def midway(self) -> bool:
        """Is the handshake, or a message, under way and not yet whole?"""
        return self._unfinished

    def receive(self, data: bytes) -> list[bytes | Garbled]:
        """The messages that have become whole with these bytes. After a Garbled comes nothing more."""
        if self.ended:
            return []
        if self._protocol.state is not State.CONNECTING:
            return self._heard(data)
        self._head += data
        head, end, rest = bytes(self._head).partition(b"\r\n\r\n")
        if not end and len(head) < LONGEST_HEAD:
            return []
        if not end:
            self.ended = True
            return self._heard(head) or [Garbled(_NO_WEBSOCKET)]
        found = self._heard(head + end)
        return found + self._heard(rest) if rest and self.ready else found

    def _heard(self, data: bytes) -> list[bytes | Garbled]:
        self._protocol.receive_data(data)
        events = self._protocol.events_received()
        found: list[bytes | Garbled] = []
        for event in events:
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
            elif isinstance(event, Frame):
                found += self._framed(event)
        self._unfinished = not (events and self.ready) or bool(self._parts)
        if self._protocol.handshake_exc is not None:
            found.append(Garbled(_NO_WEBSOCKET))
        elif self._protocol.parser_exc is not None:
            found.append(Garbled("a WebSocket frame that is none, or too long"))
        return found

    def send(self, message: bytes) -> None:
        """Send a SIP message: as text if it is, which is what browsers like best."""
        if not self.ready:
            return
        try:
            message.decode()
        except UnicodeDecodeError:
            self._protocol.send_binary(message)
        else:
            self._protocol.send_text(message)

    def keep_alive(self) -> None:
        """Let the other side show that it is there, and what lies between that somebody is."""
        if self.ready:
            self._protocol.send_ping(b"")

    def close(self) -> None:
        """Say good-bye."""
        if self.ready:
            self._protocol.send_close(1001)

    def data_to_send(self) -> bytes:
        """What is to be written now."""
        writes = self._protocol.data_to_send()
        self.ended = self.ended or b"" in writes
        return b"".join(writes)

    def _framed(self, frame: Frame) -> list[bytes]:
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return []
        self._parts += frame.data
        if not frame.fin:
            return []
        message = bytes(self._parts)
        self._parts.clear()
        if message.strip(b"\r\n"):
            return [message]
        if message == b"\r\n\r\n":  # RFC 5626 section 4.4.1, which some send here as well
            self.send(b"\r\n")
        return []
