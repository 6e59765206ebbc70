"""UDP sockets for asyncio, thin: the outside ones, and the one that is connected to the engine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

from appliance.edge.flows import Flow
from appliance.edge.message import LARGEST
from appliance.edge.sieve import Sieve, lost_at, put_in, take_out
from appliance.edge.signs import LOOPBACK

_BATCH = 64
"""Datagrams read at a stretch before others have their turn; one at a time costs a third more."""
_ROOM = 1 << 20
"""Bytes of buffer we ask the kernel for: a whole office that registers at once after a power cut."""


class Datagrams:
    """A socket telephones talk to; one for each kind of address."""

    def __init__(self, bind: str, port: int, heard: Callable[[bytes, Flow], None], done: Callable[[], None]) -> None:
        """Bind, and hear from now on; `done` is called after each stretch.

        Raises:
            OSError: the address is not ours, or taken.
        """
        self._socket = _udp_socket(socket.AF_INET6 if ":" in bind else socket.AF_INET)
        if ":" in bind:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            self._socket.bind((bind, port))
        except OSError:
            self._socket.close()
            raise
        self._heard = heard
        self._done = done
        self._sifted = False
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def send(self, data: bytes, flow: Flow) -> None:
        """Send, or lose it as networks do: a full buffer, a telephone without a way to it."""
        with contextlib.suppress(OSError):
            self._socket.sendto(data, (flow.host, flow.port))

    def close(self) -> None:
        """Hear no more."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def sift(self, sieve: Sieve | None) -> None:
        """Let in what falls through this sieve; None: all."""
        if sieve is None and not self._sifted:
            return
        with contextlib.suppress(OSError):  # a kernel without: we hear and refuse all
            take_out(self._socket) if sieve is None else put_in(self._socket, sieve)
        self._sifted = sieve is not None

    def lost(self) -> int:
        """Datagrams lost since the beginning, because we were too busy to hear them."""
        return lost_at(self._socket)

    def _readable(self) -> None:
        heard, receive = self._heard, self._socket.recvfrom
        with contextlib.suppress(OSError):
            for _ in range(_BATCH):
                data, address = receive(LARGEST)
                # A link-local address needs its interface named with it, which no SIP message can.
                if "%" not in address[0]:
                    heard(data, Flow("udp", address[0], address[1]))
        self._done()


class Inside:
    """The socket to the engine. Being connected, it takes nothing from anybody else, and tells when nobody is there."""

    def __init__(
        self, port: int, engine_port: int, heard: Callable[[bytes], None], lost: Callable[[bytes], None],
        done: Callable[[], None],
    ) -> None:  # fmt: skip
        """`lost` gets back what could not be delivered.

        Raises:
            OSError: the port is taken.
        """
        self._socket = _udp_socket(socket.AF_INET)
        try:
            self._socket.bind((LOOPBACK, port))
            self._socket.connect((LOOPBACK, engine_port))
        except OSError:
            self._socket.close()
            raise
        self._heard = heard
        self._lost = lost
        self._done = done
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def send(self, data: bytes) -> None:
        """Send to the engine. On loopback its absence is known before the call returns."""
        try:
            self._socket.send(data)
        except ConnectionRefusedError:
            # Of an earlier datagram; this one was not sent.
            with contextlib.suppress(OSError):
                self._socket.send(data)
        except OSError:
            return
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._lost(data)

    def close(self) -> None:
        """Hear no more."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        heard, receive = self._heard, self._socket.recv
        with contextlib.suppress(OSError):
            for _ in range(_BATCH):
                heard(receive(LARGEST))
        self._done()


def _udp_socket(family: socket.AddressFamily) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    return made


def knock(data: bytes, flow: Flow) -> None:
    """Send one datagram from a port nobody knows, as somebody who is new here would."""
    with _udp_socket(socket.AF_INET6 if ":" in flow.host else socket.AF_INET) as street, contextlib.suppress(OSError):
        street.sendto(data, (flow.host, flow.port))


def address_toward(host: str) -> str:
    """Our own address on the way to `host`, as the routing table has it; nothing is sent."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))
        except OSError:
            return "::1" if ":" in host else LOOPBACK
        return str(probe.getsockname()[0])


def routers(table: Path = Path("/proc/net/route")) -> frozenset[str]:
    """The routers that lead out of our network (IPv4), as the kernel has them."""
    try:
        rows = [line.split() for line in table.read_text(encoding="ascii").splitlines()[1:]]
        gateways = {row[2] for row in rows if row[1] == "00000000" and row[2] != "00000000"}
        return frozenset(socket.inet_ntoa(bytes.fromhex(gateway)[::-1]) for gateway in gateways)
    except (OSError, ValueError, IndexError):
        return frozenset()
