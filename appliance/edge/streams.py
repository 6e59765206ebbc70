"""Connections for asyncio, thin: those that telephones open and those we open to providers, over TCP and TLS.

Each thing a connection may keep from others has its limit. What is spoken over one is `stream`'s affair.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Protocol, cast

from appliance.calls.edge import Refusal
from appliance.edge.flows import Flow, is_local, origin
from appliance.edge.guard import Limits
from appliance.edge.message import Garbled
from appliance.edge.stream import Began, Failed, Stream
from appliance.edge.tls import Tls

CONNECT_SECONDS = 5.0
"""For a provider to take a connection; its TLS has `Limits.message_seconds` more."""
KEEP_ALIVE = 25.0
"""Seconds between two pings of a WebSocket; proxies on the way drop those that are silent for a minute."""
_BEHIND = 256 * 1024
"""Bytes a telephone may leave unread before its connection is cut."""
_SWEEP = 1.0


class Told(Protocol):
    """Who hears what happens to connections."""

    def objection(self, source: Flow) -> tuple[Refusal, str] | None:
        """Why this stranger is not to be let in at all, if so."""

    def began(self, flow: Flow) -> None:
        """A connection can be used."""

    def heard(self, piece: bytes | Garbled, flow: Flow) -> bool:
        """A message came. Answers whether the connection has become one to keep."""

    def ended(self, flow: Flow, why: str) -> None:
        """A connection that began is over, or one that we were to open never came to be; `why` is for people."""

    def turned_away(self, source: Flow, refusal: Refusal, words: str) -> None:
        """Somebody's connection came to nothing."""


class Connections:
    """Every connection there is."""

    def __init__(self, limits: Limits, clock: Callable[[], float], told: Told) -> None:
        self.limits = limits
        self.clock = clock
        self.told = told
        self._all: dict[Connection, None] = {}
        self._open: dict[Flow, Connection] = {}
        self._opening: dict[Flow, asyncio.Task[None]] = {}
        self._hosts: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self._sweeping: asyncio.TimerHandle | None = None

    async def listen(self, bind: str, port: int) -> None:
        """Take connections from now on.

        Raises:
            OSError: the address is not ours, or taken.
        """
        server = await self._bound(bind, port, Stream)
        await server.start_serving()

    async def hold(self, bind: str, port: int, context: Callable[[], ssl.SSLContext]) -> asyncio.Server:
        """Have the port for connections within TLS; they are taken once the server is told to start serving.

        Args:
            bind: address.
            port: TCP port.
            context: asked anew for each connection.

        Raises:
            OSError: the address is not ours, or taken.
        """
        return await self._bound(bind, port, lambda: Stream(Tls(context())))

    def open(self, flow: Flow, server_name: str, context: Callable[[], ssl.SSLContext]) -> None:
        """Connect to a provider, unless we are connected there; `began` or `ended` will tell."""
        if flow not in self._open and flow not in self._opening:
            task = asyncio.get_running_loop().create_task(self._reach(flow, server_name, context))
            self._opening[flow] = task

    def send(self, data: bytes, flow: Flow) -> None:
        """Send over the connection at that flow; lost when that has ended."""
        connection = self._open.get(flow)
        if connection is not None:
            connection.send(data)

    def here(self, flow: Flow) -> str:
        """Our own address on the connection at that flow; empty when there is none."""
        connection = self._open.get(flow)
        return "" if connection is None else connection.here

    def close(self) -> None:
        """End all."""
        for server in self._servers:
            server.close()
        for task in self._opening.values():
            task.cancel()
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in list(self._all):
            connection.close()
            connection.cut()

    def arrived(self, connection: Connection, source: Flow) -> bool:
        """A new connection; False when it may not stay."""
        self._all[connection] = None
        if not connection.ours:
            self._hosts[origin(source.host)] += 1
            if not self._may_stay(source):
                return False
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP, self._sweep)
        return True

    def began(self, connection: Connection, flow: Flow) -> bool:
        """A connection can be used; False when there is another one to that very place."""
        if flow in self._open:
            return False
        self._opening.pop(flow, None)
        connection.flow = flow
        self._open[flow] = connection
        self.told.began(flow)
        return True

    def left(self, connection: Connection, source: Flow, why: str) -> None:
        """A connection has ended."""
        del self._all[connection]
        if not connection.ours:
            self._hosts[origin(source.host)] -= 1
            if not self._hosts[origin(source.host)]:
                del self._hosts[origin(source.host)]
        if connection.flow is not None:
            del self._open[connection.flow]
            self.told.ended(connection.flow, why)
        elif connection.ours:
            self._not_reached(source, why or "hung up")
        elif why:
            self.told.turned_away(source, Refusal.GARBLED, why)

    async def _bound(self, bind: str, port: int, stream: Callable[[], Stream]) -> asyncio.Server:
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self, stream()), bind, port, backlog=128, reuse_address=True, start_serving=False
        )
        self._servers.append(server)
        return server

    def _may_stay(self, source: Flow) -> bool:
        objection = self.told.objection(source)
        most = self.limits.connections_local if is_local(source.host) else self.limits.connections_foreign
        if objection is None and self._hosts[origin(source.host)] > most:
            objection = Refusal.FLOOD, "too many connections"
        if objection is not None:
            self.told.turned_away(source, *objection)
        elif self._hosts.total() > self.limits.connections:
            self._make_room()
        return objection is None

    def _make_room(self) -> None:
        """Whoever has been here longest without a proof makes place for one who may have it."""
        for connection in self._all:
            if not connection.kept and not connection.leaving:
                self.told.turned_away(connection.source, Refusal.FLOOD, "too many connections")
                connection.cut()
                return

    async def _reach(self, flow: Flow, server_name: str, context: Callable[[], ssl.SSLContext]) -> None:
        loop = asyncio.get_running_loop()

        def leaving() -> Connection:
            tls = Tls(context(), server_name) if flow.transport == "tls" else None
            return Connection(self, Stream(tls, ours=True), ours=True)

        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.create_connection(leaving, flow.host, flow.port)
        except TimeoutError:
            self._not_reached(flow, "does not answer")
        except ValueError:
            self._not_reached(flow, "has a name that no certificate could carry")
        except OSError as error:
            refuses = error.errno == errno.ECONNREFUSED
            self._not_reached(flow, "takes no connections" if refuses else "cannot be reached from here")

    def _not_reached(self, flow: Flow, why: str) -> None:
        self._opening.pop(flow, None)
        self.told.ended(flow, why)

    def _sweep(self) -> None:
        """Cut those that are too slow, or say nothing."""
        now = self.clock()
        for connection in list(self._all):
            connection.look_after(now)
        self._sweeping = asyncio.get_running_loop().call_later(_SWEEP, self._sweep) if self._all else None


class Connection(asyncio.Protocol):
    """One connection: its socket's end."""

    def __init__(self, connections: Connections, stream: Stream, *, ours: bool = False) -> None:
        self.ours = ours
        """We opened it."""
        self.flow: Flow | None = None
        """Where it leads, once it can be used."""
        self.here = ""
        self._connections = connections
        self._stream = stream
        self.source = Flow("tcp", "", 0)
        self._born = self._since = self._pinged = connections.clock()
        self.kept = ours
        """Somebody has proved who they are over it, or it is ours."""
        self._why = ""
        self._hearing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop's word for: somebody is there."""
        self._transport = cast("asyncio.Transport", transport)
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if peer and here:
            self.source, self.here = Flow(self._stream.likely, peer[0], peer[1]), here[0]
        # Without a peer it is gone already. A link-local address needs its interface named, which no SIP message can.
        if not self._connections.arrived(self, self.source) or not peer or "%" in peer[0]:
            self._transport.abort()
            return
        _keep_alive(transport.get_extra_info("socket"))
        for began in self._stream.begin():
            self._begin(began)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it ended is told by what was said
        """The loop's word for: it has ended."""
        if self.source.transport == "tls" and self.flow is None and not self._why:
            self._why = "hung up before it had said anything"
        self._connections.left(self, self.source, self._why)

    def data_received(self, data: bytes) -> None:
        """The loop's word for: it said something."""
        fresh = not self._stream.midway
        self._hearing = True
        for piece in self._stream.receive(data):
            fresh = True
            match piece:
                case Began():
                    self._begin(piece)
                case Failed(words):
                    self._why = words
                case _ if self.flow is not None:
                    self.kept = self._connections.told.heard(piece, self.flow) or self.kept
                case _:
                    break
        self._hearing = False
        if fresh:
            self._since = self._connections.clock()
        self._flush()

    @property
    def leaving(self) -> bool:
        """Is it over, and only not yet said so?"""
        return self._transport.is_closing()

    def send(self, data: bytes) -> None:
        """Send; a telephone that does not read is cut off."""
        if not self._transport.is_closing():
            self._stream.send(data)
            if not self._hearing:  # else all answers go together, and the end, if it has come, behind them
                self._flush()

    def look_after(self, now: float) -> None:
        """Cut it if it has been sending one message for too long, or has been here too long without a proof."""
        limits = self._connections.limits
        if self._stream.midway and now - self._since > limits.message_seconds:
            self._why = "does not answer" if self.ours else "took too long to say something"
            self.cut()
        elif not self.kept and now - self._born > limits.quiet_seconds:
            self._why = "" if self.flow else "connected and said nothing"
            self.cut()
        elif now - self._pinged > KEEP_ALIVE:
            self._pinged = now
            self._stream.keep_alive()
            self._flush()

    def close(self) -> None:
        """Say good-bye."""
        self._stream.close()
        self._flush()

    def cut(self) -> None:
        """End it now."""
        self._transport.abort()

    def _begin(self, began: Began) -> None:
        if not self._connections.began(self, self.source._replace(transport=began.transport)):
            self.cut()

    def _flush(self) -> None:
        out = self._stream.data_to_send()
        if self._transport.is_closing():
            return
        if out:
            self._transport.write(out)
        if self._stream.ended:
            self._transport.close()
        elif self._transport.get_write_buffer_size() > _BEHIND:
            self._transport.abort()


def _keep_alive(peer: socket.socket) -> None:
    """Let the kernel notice soon that a telephone has lost its power: a minute and a quarter when nothing is sent to
    it, half a minute after something was. By itself it would go on trying for a quarter of an hour.
    """
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
