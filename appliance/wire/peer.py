"""Both ends of a seam for asyncio processes (edge, desk). The engine, which has no event loop, uses `blocking`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from appliance.wire.codec import LIMIT, BadMessage, Seam

log = logging.getLogger("qendra.wire")

Heard = Callable[[Any, float], None]
"""Called with each message and the monotonic second it happened at."""


class Peer(asyncio.Protocol):
    """One live connection. Sending never waits: a peer that does not read is cut off before it fills our memory."""

    BEHIND = 4 << 20
    """Bytes a peer may be behind before it is cut off; it comes back and takes stock."""

    _transport: asyncio.Transport

    def __init__(self, seam: Seam, met: Callable[[Peer], None] = lambda _: None) -> None:
        """`met` is called when there is a connection."""
        self._seam = seam
        self._met = met
        self._heard: Heard | None = None
        self._greeted = False
        self._broken = False
        self._rest = b""
        """What has come and was not delivered yet."""
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send(self, message: object, at: float) -> None:
        """Queue one message. Lost without a word when the connection is going down: stock-taking repairs that."""
        if self._transport.is_closing():
            return
        self._transport.write(self._seam.encode(message, at))
        if self._transport.get_write_buffer_size() > self.BEHIND:
            log.warning("%s: the other side does not read; cutting the connection", self._seam.name)
            self._transport.abort()

    def close(self) -> None:
        """Hang up; `listen` returns soon after."""
        self._transport.close()

    async def listen(self, heard: Heard) -> None:
        """Deliver what arrives until the connection ends.

        Raises:
            BadMessage: the peer does not speak this seam.
        """
        self._heard = heard
        self._transport.resume_reading()
        self._take(b"")
        try:
            await self._over
        finally:
            self._transport.close()
        if not (self._greeted or self._broken):
            raise BadMessage(f"seam {self._seam.name}: the peer left without a word")

    # What asyncio calls. A message is delivered in the very turn of the loop in which it came: one task to wake, and
    # one turn, less for each than with asyncio's streams.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._met(self)

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        if self._heard is not None:
            self._take(data)
            return
        self._rest += data
        if len(self._rest) > LIMIT:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended. Half a line is what a peer that died leaves behind."""
        self._broken = exc is not None
        self._end(None)

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        try:
            for line in lines:
                self._deliver(line)
            if len(self._rest) > LIMIT:
                raise BadMessage(f"seam {self._seam.name}: a line over {LIMIT} bytes")
        except Exception as error:  # noqa: BLE001  whoever listens gets it
            self._end(error)
            self._transport.abort()

    def _deliver(self, line: bytes) -> None:
        if len(line) > LIMIT:
            raise BadMessage(f"seam {self._seam.name}: a line over {LIMIT} bytes")
        message, at = self._seam.decode(line)
        if not self._greeted:
            self._seam.greet(message)
            self._greeted = True
        elif self._heard is not None:
            self._heard(message, at)

    def _end(self, error: Exception | None) -> None:
        """Let `listen` return, or raise this, unless it has done so already."""
        if self._over.done():
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)


async def connect(seam: Seam, path: Path, at: float) -> Peer:
    """Open the seam as its client.

    Raises:
        OSError: nobody listens there (yet).
    """
    _, peer = await asyncio.get_running_loop().create_unix_connection(lambda: Peer(seam), str(path))
    peer.send(seam.hello, at)
    return peer


async def serve(
    seam: Seam, path: Path, clock: Callable[[], float], met: Callable[[Peer], Awaitable[None]]
) -> asyncio.Server:
    """Listen at `path` (0600); `met` is awaited with each client and should run its `listen`."""
    meetings: set[asyncio.Task[None]] = set()

    async def meet(peer: Peer) -> None:
        peer.send(seam.hello, clock())
        try:
            await met(peer)
        except BadMessage as error:
            log.error("%s", error)
        finally:
            peer.close()

    def begin(peer: Peer) -> None:
        meeting = asyncio.get_running_loop().create_task(meet(peer))
        meetings.add(meeting)
        meeting.add_done_callback(meetings.discard)

    return await asyncio.get_running_loop().create_unix_server(lambda: Peer(seam, begin), sock=listening_socket(path))


def listening_socket(path: Path) -> socket.socket:
    """A bound Unix socket only its owner may use; a socket left behind by a dead process is replaced.

    Raises:
        OSError: somebody alive listens there already, or the folder cannot be written.
    """
    if path.exists():
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
            try:
                probe.connect(str(path))
            except (ConnectionRefusedError, FileNotFoundError):
                path.unlink(missing_ok=True)
            else:
                raise OSError(f"{path} is in use by another process")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(16)
    except OSError:
        listener.close()
        raise
    return listener
