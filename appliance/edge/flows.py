"""Ways to a telephone, and what the edge wants done: the words between its deciding parts and its sockets."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from appliance.calls.edge import Bans, Reached, Refused, Registered, TrunkIs

Transport = Literal["udp", "tcp", "tls", "ws", "wss"]


class Flow(NamedTuple):
    """The far end of a way to a telephone or a provider (RFC 5626): a UDP address, or the peer of one connection."""

    transport: Transport
    host: str
    """An IP address, as the socket names it."""
    port: int

    def __str__(self) -> str:
        return f"{self.transport} {host_port(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes to a telephone."""

    flow: Flow
    data: bytes


@dataclass(frozen=True, slots=True)
class Open:
    """Open a connection to a provider, unless there is one. `Proxy.connected` or `Proxy.disconnected` tells how it went."""

    flow: Flow
    server_name: str
    """Whom its certificate has to name, on TLS (RFC 5922)."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the DNS, and wait for nothing: `Proxy.found` hears the answer, whenever it comes."""

    name: str
    kind: Literal["A", "AAAA", "SRV", "NAPTR"]


class Srv(NamedTuple):
    """Where a service is (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class Naptr(NamedTuple):
    """Which services a domain has (RFC 3403)."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


Record = str | Srv | Naptr
"""What the DNS knows: an IP address (A, AAAA), or what the other kinds say. Names are in lower case, without a last dot."""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a look-up."""

    records: tuple[Record, ...] | None
    """() when there is no such thing; None when nobody answered, or said they could not."""
    ttl: float = 0.0
    """Seconds for which the answer holds."""


@dataclass(frozen=True, slots=True)
class Knock:
    """Send these bytes to our own public address, from another port than telephones know: do they come in?"""

    flow: Flow
    data: bytes


@dataclass(frozen=True, slots=True)
class ToEngine:
    """Send these bytes to the engine."""

    data: bytes


Message = Registered | Refused | Bans | TrunkIs | Reached


@dataclass(frozen=True, slots=True)
class Tell:
    """Say this to the desk."""

    message: Message


Output = Send | Open | LookUp | Knock | ToEngine | Tell


def host_port(host: str, port: int) -> str:
    """`192.0.2.7:5060`, `[2001:db8::7]:5060`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@lru_cache(maxsize=4096)
def packed(host: str) -> bytes:
    """The 4 or 16 bytes of an IP address; empty when it is none."""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except OSError:
        return b""


def unpacked(address: bytes) -> str:
    """The text of 4 or 16 bytes of an IP address."""
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def is_loopback(host: str) -> bool:
    """Is this address the box itself?"""
    return host.startswith("127.") or host == "::1"


@lru_cache(maxsize=4096)
def is_local(host: str) -> bool:
    """Is this address one of the firm's own: loopback, private (RFC 1918, RFC 4193) or link-local?"""
    address = packed(host)
    if len(address) == 4:
        first, second = address[0], address[1]
        return (
            first in {10, 127}
            or (first == 172 and 16 <= second <= 31)
            or (first == 192 and second == 168)
            or (first == 169 and second == 254)
        )
    if len(address) == 16:
        return (
            address == packed("::1") or address[0] & 0xFE == 0xFC or (address[0] == 0xFE and address[1] & 0xC0 == 0x80)
        )
    return False


@lru_cache(maxsize=4096)
def origin(host: str) -> str:
    """Whom an address stands for when something is counted against it: itself, or, for IPv6 from outside, its whole
    /64, since whoever has one address of that has all of them.
    """
    address = packed(host)
    if len(address) != 16 or is_local(host):
        return host
    return f"{unpacked(address[:8] + bytes(8))}/64"


def is_shared(host: str) -> bool:
    """Is it one that an internet provider uses between its customers and its own router (RFC 6598), or a private network
    laid over the internet?
    """
    address = packed(host)
    return len(address) == 4 and address[0] == 100 and 64 <= address[1] <= 127


def is_outside(host: str) -> bool:
    """Does it take a router that turns addresses to come from there? With IPv6 there is none between us and anybody."""
    return len(packed(host)) == 4 and not is_local(host) and not is_shared(host)
