"""A SIP client over any of the five transports, on real sockets: what is sent goes out as it is, answers come whole."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from pathlib import Path
from typing import Protocol

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from appliance.edge.flows import Transport, host_port
from appliance.edge.framing import Framer
from appliance.edge.tls import client_context
from tests.edge.house import answer, proof
from tests.edge.running import LOOPBACK, Running

TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls", "ws", "wss")
VIA = {"udp": "UDP", "tcp": "TCP", "tls": "TLS", "ws": "WS", "wss": "WSS"}


class Wire(Protocol):
    """One connection, or one UDP socket."""

    def send(self, data: bytes) -> None: ...
    def hear(self, seconds: float) -> bytes: ...
    def close(self) -> None: ...


class Datagrams:
    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((host, port))

    def send(self, data: bytes) -> None:
        self.socket.send(data)

    def hear(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self.socket], [], [], seconds)
        return self.socket.recv(65_535) if ready else b""

    def close(self) -> None:
        self.socket.close()


class Bytes:
    """A stream, plain or within TLS."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        plain = socket.create_connection((host, port), 10)
        self.socket = context.wrap_socket(plain) if context else plain
        self._framer = Framer()
        self._whole: list[bytes] = []

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # it has hung up on us: that is heard
            self.socket.sendall(data)

    def hear(self, seconds: float) -> bytes:
        end = time.monotonic() + seconds
        while not self._whole:
            self.socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                data = self.socket.recv(65_536)
            except OSError:  # nothing in time, or no connection any more
                return b""
            if not data:
                return b""
            self._whole += [each for each in self._framer.feed(data) if isinstance(each, bytes)]
        return self._whole.pop(0)

    def close(self) -> None:
        self.socket.close()


class Frames:
    """A WebSocket, plain or within TLS, as a well-kept library speaks it."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        uri = f"{'wss' if context else 'ws'}://{host_port(host, port)}/"
        self._open = contextlib.ExitStack()
        self._socket = self._open.enter_context(
            connect(uri, ssl=context, subprotocols=[Subprotocol("sip")], proxy=None)
        )

    def send(self, data: bytes) -> None:
        try:
            self._socket.send(data.decode())
        except UnicodeDecodeError:
            self._socket.send(data)

    def hear(self, seconds: float) -> bytes:
        try:
            heard = self._socket.recv(seconds)
        except (TimeoutError, ConnectionClosed):
            return b""
        return heard.encode() if isinstance(heard, str) else heard

    def close(self) -> None:
        with contextlib.suppress(ConnectionClosed):  # the box may have been quicker
            self._open.close()


class Caller:
    """A telephone of an extension at a running edge."""

    def __init__(self, edge: Running, transport: Transport, extension: str = "101", host: str = LOOPBACK) -> None:
        self.transport, self.extension = transport, extension
        self._edge, self._host = edge, host
        self.host = host_port(host, 0).removesuffix(":0")
        """As it stands in a SIP address."""
        self._number = 0
        self.wire = self._opened()

    def _opened(self) -> Wire:
        encrypted = self.transport in {"tls", "wss"}
        port = self._edge.tls if encrypted else self._edge.sip
        if self.transport == "udp":
            return Datagrams(self._host, port)
        context = trusting(self._edge.state) if encrypted else None
        return (Frames if self.transport in {"ws", "wss"} else Bytes)(self._host, port, context)

    def message(self, method: str, uri: str = "", more: str = "", to: str = "", body: str = "") -> bytes:
        self._number += 1
        me = f"<sip:{self.extension}@{self.host}>"
        contact = f"<sip:{self.extension}@qvdaqdovq.invalid;transport=ws>"  # RFC 7118: a browser has no address
        return (
            f"{method} {uri or f'sip:{self.host}'} SIP/2.0\r\n"
            f"Via: SIP/2.0/{VIA[self.transport]} qvdaqdovq.invalid;branch=z9hG4bK{id(self)}{self._number};rport\r\n"
            f"From: {me};tag=1\r\nTo: {to or me}\r\nCall-ID: {id(self)}\r\nCSeq: {self._number} {method}\r\n"
            f"Max-Forwards: 70\r\nContact: {contact}\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def ask(self, data: bytes, seconds: float = 10.0) -> int:
        """Send it; the status of the answer that came next, 0 for none."""
        self.wire.send(data)
        return self.status(seconds)

    def status(self, seconds: float = 10.0) -> int:
        heard = self.wire.hear(seconds)
        return int(heard[8:11]) if heard else 0

    def proved(self, method: str, uri: str = "", more: str = "", to: str = "", body: str = "") -> None:
        """Send a request once more, with the proof that was asked for; what becomes of it is still to be heard."""
        self.wire.send(self.message(method, uri, more, to, body))
        asked = answer(self.wire.hear(10.0))
        words = proof(
            asked, method.encode(), (uri or f"sip:{self.host}").encode(), self.extension, f"pw{self.extension}"
        )
        self.wire.send(self.message(method, uri, f"{more}{words.decode()}\r\n", to, body))

    def sign_on(self) -> None:
        self.proved("REGISTER", more="Expires: 600\r\n")
        assert self.status() == 200

    def again(self) -> None:
        """Hang up, connect anew and sign on."""
        self.wire.close()
        self.wire = self._opened()
        self.sign_on()

    def close(self) -> None:
        self.wire.close()


def trusting(state: Path) -> ssl.SSLContext:
    """A client's context that trusts the box's own authority."""
    end = time.monotonic() + 20
    while not (state / "server.pem").exists() and time.monotonic() < end:
        time.sleep(0.05)
    return client_context(state / "authority.pem")
