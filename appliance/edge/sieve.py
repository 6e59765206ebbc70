"""A sieve in the kernel before our UDP ports: in a flood most of the strangers' datagrams fall through it unread.

Refusing a datagram costs us little, but what waits in the socket's buffer behind a flood is lost when the machine has
other things to do. So while strangers flood us, telephones and providers we know come in as ever, those in a ban not at
all, and of all others as many as we can well refuse, picked by dice, since a forged sender tells nothing. Needs no
privilege (socket(7), SO_ATTACH_FILTER).
"""

from __future__ import annotations

import ctypes
import ipaddress
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

FLOOD = 1000.0
ENOUGH = 400.0
"""Strangers' datagrams a second from which on the sieve is put in, and how many of them it then lets through. A whole
office that registers after a power cut stays below the first."""
EVERY = 1.0
"""Seconds between two looks at how many came."""
MOST, MOST_SILENCED = 256, 64
"""Networks known to the sieve; older kernels give a program 20 kB."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_SO_MEMINFO, _DROPS = 55, 8
_LOAD, _AND, _JUMP_IF_EQUAL, _JUMP_IF_GREATER, _RETURN = 0x20, 0x54, 0x15, 0x25, 0x06
_NETWORK_HEADER = 0x1_0000_0000 - 0x10_0000
_DICE = 0x1_0000_0000 - 0x1000 + 56
_SENDER_AT = {4: 12, 6: 8}
_WHOLE = 0x4_0000


@dataclass(frozen=True, slots=True)
class Sieve:
    """What falls through."""

    share: float
    """Of the strangers' datagrams, 0 to 1, this part is let in."""
    known: tuple[str, ...]
    """Addresses and networks that are let in whole."""
    silenced: tuple[str, ...] = ()
    """Those that are not let in at all."""


class Strangers:
    """How many strangers come, and which part of them is let in."""

    def __init__(self) -> None:
        self._heard = 0
        self._since = 0.0
        self._lost = 0
        self.share = 1.0

    def came(self) -> None:
        """A stranger's datagram was heard."""
        self._heard += 1

    def turn(self, lost: int, now: float) -> float:
        """The share for the time to come.

        Args:
            lost: datagrams lost since the beginning because the socket's buffer was full.
            now: monotonic seconds.
        """
        passed = max(now - self._since, EVERY / 2)
        # What was lost was so in the same proportions, and a buffer overflows for strangers only.
        came = (self._heard / self.share + (max(0, lost - self._lost) if self._heard else 0)) / passed
        self._heard, self._since, self._lost = 0, now, lost
        self.share = min(1.0, ENOUGH / came) if came > FLOOD else 1.0
        return self.share


def put_in(port: socket.socket, sieve: Sieve) -> None:
    """Put the sieve in the place of the one before.

    Raises:
        OSError: this kernel has none.
    """
    program = b"".join(_program(sieve, 6 if port.family == socket.AF_INET6 else 4))
    code = ctypes.create_string_buffer(program)
    layout = "HxxxxxxP" if struct.calcsize("P") == 8 else "HxxP"
    port.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack(layout, len(program) // 8, ctypes.addressof(code))
    )


def take_out(port: socket.socket) -> None:
    """All come in again.

    Raises:
        OSError: there was no sieve.
    """
    port.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


def lost_at(port: socket.socket) -> int:
    """Datagrams lost at this port because its buffer was full."""
    try:
        told = port.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 64)
    except OSError:
        return 0
    return int(struct.unpack_from("I", told, 4 * _DROPS)[0]) if len(told) > 4 * _DROPS else 0


def _program(sieve: Sieve, version: int) -> Iterator[bytes]:
    """A classic packet filter: (what, steps on if true, steps on if false, value) for each instruction."""
    for network in _networks(sieve.silenced, version)[-MOST_SILENCED:]:
        yield from _from(network, 0)
    for network in _known(sieve.known, version):
        yield from _from(network, _WHOLE)
    yield _step(_LOAD, _DICE)
    yield _step(_JUMP_IF_GREATER, min(0xFFFF_FFFF, int(sieve.share * 0x1_0000_0000)), if_true=1)
    yield _step(_RETURN, _WHOLE)
    yield _step(_RETURN, 0)


def _networks(texts: tuple[str, ...], version: int) -> list[Network]:
    return [each for each in map(_network, texts) if each is not None and each.version == version]


def _known(texts: tuple[str, ...], version: int) -> list[Network]:
    """When they are too many, their neighbours come in with them; when they are too many still, some do not."""
    known = _networks(texts, version)
    if len(known) > MOST:
        wide = 24 if version == 4 else 64
        known = list(
            dict.fromkeys(each if each.prefixlen <= wide else each.supernet(new_prefix=wide) for each in known)
        )
    return known[-MOST:]


def _from(network: Network, verdict: int) -> list[bytes]:
    """Who sends from this network gets this verdict; others go on to the next."""
    steps = [_step(_RETURN, verdict)]
    words = [
        (
            int.from_bytes(network.network_address.packed[at : at + 4]),
            int.from_bytes(network.netmask.packed[at : at + 4]),
            at,
        )
        for at in range(0, len(network.netmask.packed), 4)
    ]
    for value, mask, at in reversed(words):
        if mask:
            steps.insert(0, _step(_JUMP_IF_EQUAL, value, if_false=len(steps)))
            if mask != 0xFFFF_FFFF:
                steps.insert(0, _step(_AND, mask))
            steps.insert(0, _step(_LOAD, _NETWORK_HEADER + _SENDER_AT[network.version] + at))
    return steps


def _step(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


@lru_cache(maxsize=2048)
def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
