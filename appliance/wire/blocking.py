"""The serving end of a seam for a process without an event loop (the engine): one reader thread, sending from any."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.wire.codec import LIMIT, BadMessage, Seam
from appliance.wire.peer import listening_socket

log = logging.getLogger("qendra.wire")


class BlockingServer:
    """Serves one client at a time; a newer client replaces the older, which can only be a dead desk's."""

    KEPT = 10_000
    """Messages kept for a client that is away; older ones fall out, and the count of them is logged."""
    STALLED = 0.1
    """Seconds a client that does not read may hold up `send`, once: then it is cut off, and comes back or not."""

    def __init__(
        self,
        seam: Seam,
        path: Path,
        clock: Callable[[], float],
        heard: Callable[[Any], None],
        greeting: Callable[[], object],
    ) -> None:
        """`heard` runs on the reader thread. `greeting` makes the first message of each connection, on that thread too."""
        self._seam = seam
        self._clock = clock
        self._heard = heard
        self._greeting = greeting
        self._listener = listening_socket(path)
        self._lock = threading.Lock()
        self._client: socket.socket | None = None
        self._kept: deque[bytes] = deque(maxlen=self.KEPT)
        self._fallen_out = 0
        threading.Thread(target=self._serve, name=f"seam-{seam.name}", daemon=True).start()

    def send(self, message: object) -> None:
        """Send one message now, or keep it until somebody listens."""
        line = self._seam.encode(message, self._clock())
        with self._lock:
            if self._client is None or not self._write(self._client, line):
                self._fallen_out += len(self._kept) == self.KEPT
                self._kept.append(line)

    def close(self) -> None:
        """Stop listening; a client notices."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            if self._client is not None:
                with contextlib.suppress(OSError):
                    self._client.shutdown(socket.SHUT_RDWR)
                self._client = None

    def _write(self, client: socket.socket, line: bytes) -> bool:
        try:
            client.sendall(line)
        except OSError:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            self._client = None
            return False
        return True

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._listen, args=(client,), name=f"seam-{self._seam.name}-peer", daemon=True
            ).start()

    def _listen(self, client: socket.socket) -> None:
        patience = struct.pack("ll", int(self.STALLED), int(self.STALLED % 1 * 1_000_000))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        with client, client.makefile("rb") as lines:
            try:
                client.sendall(self._seam.encode(self._seam.hello, self._clock()))
                self._seam.greet(self._seam.decode(lines.readline(LIMIT))[0])
                self._welcome(client)
                while line := lines.readline(LIMIT):
                    self._heard(self._seam.decode(line)[0])
            except BadMessage as error:
                log.error("%s", error)
            except OSError:
                pass
            finally:
                with self._lock:
                    if self._client is client:
                        self._client = None

    def _welcome(self, client: socket.socket) -> None:
        greeting = self._seam.encode(self._greeting(), self._clock())
        with self._lock:
            if self._client is not None:
                with contextlib.suppress(OSError):
                    self._client.shutdown(socket.SHUT_RDWR)
            self._client = client
            if self._fallen_out:
                log.warning("%s: %d messages fell out while nobody listened", self._seam.name, self._fallen_out)
                self._fallen_out = 0
            if not self._write(client, greeting):
                return
            while self._kept and self._write(client, self._kept[0]):
                self._kept.popleft()
