"""TCP for asyncio, thin: connections that telephones open, with a limit to each thing they may keep from others."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from typing import cast

from appliance.edge.flows import Flow, is_local
from appliance.edge.framing import Framer, Ping
from appliance.edge.guard import Limits
from appliance.edge.message import Garbled

_BEHIND = 256 * 1024
"""Bytes a telephone may leave unread before its connection is cut."""
_SWEEP = 1.0


class Connections:
    """Every connection there is, by its flow."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float],
        heard: Callable[[bytes | Garbled, Flow], bool],
        opened: Callable[[Flow], None],
        closed: Callable[[Flow], None],
        turned_away: Callable[[Flow], None],
    ) -> None:
        """`heard` answers whether the connection has become one to keep."""
        self.limits = limits
        self.clock = clock
        self.heard = heard
        self._opened = opened
        self._closed = closed
        self._turned_away = turned_away
        self._open: dict[Flow, Connection] = {}
        self._hosts: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._sweeping: asyncio.TimerHandle | None = None

    async def listen(self, bind: str, port: int) -> None:
        """Take connections from now on.

        Raises:
            OSError: the address is not ours, or taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), bind, port, backlog=128, reuse_address=True)

    def send(self, data: bytes, flow: Flow) -> None:
        """Send over the telephone's own connection; lost when that has ended."""
        connection = self._open.get(flow)
        if connection is not None:
            connection.send(data)

    def close(self) -> None:
        """End all."""
        if self._server is not None:
            self._server.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in list(self._open.values()):
            connection.cut()

    def arrived(self, connection: Connection, flow: Flow) -> bool:
        """A new connection; False when there are too many."""
        most = self.limits.connections_local if is_local(flow.host) else self.limits.connections_foreign
        if len(self._open) >= self.limits.connections or self._hosts[flow.host] >= most:
            self._turned_away(flow)
            return False
        self._open[flow] = connection
        self._hosts[flow.host] += 1
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP, self._sweep)
        self._opened(flow)
        return True

    def left(self, flow: Flow) -> None:
        """A connection has ended."""
        del self._open[flow]
        self._hosts[flow.host] -= 1
        if not self._hosts[flow.host]:
            del self._hosts[flow.host]
        self._closed(flow)

    def _sweep(self) -> None:
        """Cut those that are too slow, or say nothing."""
        now = self.clock()
        for connection in list(self._open.values()):
            if connection.overdue(now):
                connection.cut()
        self._sweeping = asyncio.get_running_loop().call_later(_SWEEP, self._sweep) if self._open else None


class Connection(asyncio.Protocol):
    """One telephone's stream."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._framer = Framer()
        self._flow: Flow | None = None
        self._since = connections.clock()
        self._kept = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop's word for: somebody is there."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        flow = Flow("tcp", peer[0], peer[1]) if peer else None
        if flow is None or not self._connections.arrived(self, flow):
            self._transport.abort()
            return
        self._flow = flow
        _keep_alive(transport.get_extra_info("socket"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it ended changes nothing
        """The loop's word for: it has ended."""
        if self._flow is not None:
            self._connections.left(self._flow)
            self._flow = None

    def data_received(self, data: bytes) -> None:
        """The loop's word for: it said something."""
        before = self._framer.midway
        for piece in self._framer.feed(data):
            if self._flow is None:
                return
            before = False
            if isinstance(piece, Ping):
                self.send(b"\r\n")
                continue
            self._kept = self._connections.heard(piece, self._flow) or self._kept
            if isinstance(piece, Garbled):
                self._transport.close()
        if not before:
            self._since = self._connections.clock()

    def send(self, data: bytes) -> None:
        """Send; a telephone that does not read is cut off."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _BEHIND:
            self._transport.abort()

    def overdue(self, now: float) -> bool:
        """Has it been sending one message for too long, or nothing since it came?"""
        waited = now - self._since
        limits = self._connections.limits
        return (
            waited > limits.message_seconds if self._framer.midway else not self._kept and waited > limits.quiet_seconds
        )

    def cut(self) -> None:
        """End it now."""
        self._transport.abort()


def _keep_alive(peer: socket.socket) -> None:
    """Let the kernel notice within two minutes that a telephone has lost its power."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
