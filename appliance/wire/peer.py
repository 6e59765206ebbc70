"""Both ends of a seam for asyncio processes (edge, desk). The engine, which has no event loop, uses `blocking`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from appliance.wire.codec import LIMIT, BadMessage, Seam

log = logging.getLogger("qendra.wire")

Heard = Callable[[Any, float], None]
"""Called with each message and the monotonic second it happened at."""


class Peer:
    """One live connection. Sending never waits: a peer that does not read is cut off before it fills our memory."""

    BEHIND = 4 << 20
    """Bytes a peer may be behind before it is cut off; it comes back and takes stock."""

    def __init__(self, seam: Seam, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._seam = seam
        self._reader = reader
        self._writer = writer

    def send(self, message: object, at: float) -> None:
        """Queue one message. Lost without a word when the connection is going down: stock-taking repairs that."""
        if self._writer.is_closing():
            return
        self._writer.write(self._seam.encode(message, at))
        if self._writer.transport.get_write_buffer_size() > self.BEHIND:
            log.warning("%s: the other side does not read; cutting the connection", self._seam.name)
            self._writer.transport.abort()

    def close(self) -> None:
        """Hang up; `listen` returns soon after."""
        self._writer.close()

    async def listen(self, heard: Heard) -> None:
        """Deliver what arrives until the connection ends.

        Raises:
            BadMessage: the peer does not speak this seam.
        """
        try:
            self._seam.greet(self._seam.decode(await self._reader.readline())[0])
            while line := await self._reader.readline():
                heard(*self._seam.decode(line))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except ValueError as error:
            if isinstance(error, BadMessage):
                raise
            raise BadMessage(f"seam {self._seam.name}: a line over {LIMIT} bytes") from error
        finally:
            self._writer.close()


async def connect(seam: Seam, path: Path, at: float) -> Peer:
    """Open the seam as its client.

    Raises:
        OSError: nobody listens there (yet).
    """
    reader, writer = await asyncio.open_unix_connection(str(path), limit=LIMIT)
    peer = Peer(seam, reader, writer)
    peer.send(seam.hello, at)
    return peer


async def serve(
    seam: Seam, path: Path, clock: Callable[[], float], met: Callable[[Peer], Awaitable[None]]
) -> asyncio.Server:
    """Listen at `path` (0600); `met` is awaited with each client and should run its `listen`."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(seam, reader, writer)
        peer.send(seam.hello, clock())
        try:
            await met(peer)
        except BadMessage as error:
            log.error("%s", error)
        finally:
            peer.close()

    return await asyncio.start_unix_server(meet, sock=listening_socket(path), limit=LIMIT)


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
