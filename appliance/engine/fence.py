"""Fences in the kernel around the library's sockets, which has no way of its own to be choosy.

The SIP port takes the edge's datagrams and our own wake-up calls. A call's sound ports take what comes from where the
other party is: the library lets sound follow whoever sends some, so a stranger could hear and speak in its place.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

_SO_ATTACH_FILTER = 26
_SO_MEMINFO, _DROPPED, _NUMBERS = 55, 8, 9
"""What a socket tells of itself is nine numbers; one of them is how many datagrams it let fall."""
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30
_AND = 0x54
_JUMP_IF_EQUAL = 0x15
_RETURN = 0x06
_WHOLE = 0xFFFF
_SOURCE_PORT_AT = 0
"""A filter on a UDP socket sees the datagram from its UDP header on..."""
_NETWORK_HEADER = 0xFFF00000
"""...and from here on what stands before it: the IP header."""
_LOCAL = [
    ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1")
]  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)

Address = IPv4Address | IPv6Address
Step = tuple[int, int, int, int]
"""One instruction of the classic packet filter: what to do, how many to skip if true, if false, and a value."""


def admit_only(address: str, port: int, sources: tuple[int, ...]) -> None:
    """Drop whatever comes to this process's UDP socket at `address`:`port` from other source ports.

    On loopback a source port belongs to one process as long as that lives.

    Raises:
        OSError: there is no such socket here.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for handle in _handles(family, {port}):
        _attach(handle, list(_ports_admitted(sources)))
        return
    raise OSError(f"no UDP socket of ours at {address}:{port}")


def sources_of_sound(source: str, named: Iterable[str]) -> frozenset[Address]:
    """From where a party's sound may come: from where its SIP comes, and from the addresses its SDP names.

    A telephone behind a distant router names its address in a network there. The same address is somebody else's in
    ours, so a local one counts only when the SIP comes from a local one as well, and one of this box's own only when
    that does. Until it is known where the SIP comes from, what is named counts.
    """
    where = _address(source)
    mentioned = [address for each in named if (address := _address(each)) is not None]
    return frozenset(
        address for address in [*([where] if where else []), *mentioned] if where is None or _is_as_near(where, address)
    )


def _is_as_near(where: Address, address: Address) -> bool:
    if address.is_loopback:
        return where.is_loopback
    return not _is_local(address) or _is_local(where)


def _is_local(address: Address) -> bool:
    return any(address in network for network in _LOCAL)


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if found.version == 6 and found.ipv4_mapped:
        return found.ipv4_mapped
    return None if found.is_unspecified else found


class SoundFence:
    """Around the two sockets, RTP and RTCP, of one call's sound."""

    def __init__(self) -> None:
        self._family = socket.AF_INET
        self._handles: tuple[int, ...] = ()
        self._ports: frozenset[int] = frozenset()
        self._admitted: frozenset[Address] = frozenset()

    def stand(self, port: int, *, ip6: bool) -> None:
        """Its sound is at this port and the next: from now on only what is admitted comes in there."""
        self._family = socket.AF_INET6 if ip6 else socket.AF_INET
        ports = frozenset({port, port + 1})
        if ports == self._ports and self._still_ours():
            return
        self._ports, self._handles = ports, tuple(_handles(self._family, ports))
        for handle in self._handles:
            self._close(handle)
            _emptied(handle)

    def admit(self, sources: frozenset[Address]) -> None:
        """From these addresses and no others."""
        if sources != self._admitted:
            self._admitted = sources
            if self._still_ours():
                for handle in self._handles:
                    self._close(handle)

    @property
    def turned_away(self) -> int:
        """How many datagrams were dropped here so far."""
        return sum(map(_dropped, self._handles)) if self._still_ours() else 0

    def _still_ours(self) -> bool:
        """A handle may be another socket's by now."""
        return bool(self._handles) and all(
            _bound(each) in {(self._family, port) for port in self._ports} for each in self._handles
        )

    def _close(self, handle: int) -> None:
        _attach(handle, list(_sources_admitted(self._admitted, ip6=self._family == socket.AF_INET6)))


def _ports_admitted(sources: tuple[int, ...]) -> Iterator[Step]:
    yield _LOAD_HALF, 0, 0, _SOURCE_PORT_AT
    for position, source in enumerate(sources):
        yield _JUMP_IF_EQUAL, len(sources) - position, 0, source
    yield _RETURN, 0, 0, 0
    yield _RETURN, 0, 0, _WHOLE


def _sources_admitted(sources: Iterable[Address], *, ip6: bool) -> Iterator[Step]:
    """Compares the source address, word by word; an IPv6 socket may get IPv4 as well, which is not what we asked for."""
    yield _LOAD_BYTE, 0, 0, _NETWORK_HEADER
    yield _AND, 0, 0, 0xF0
    yield _JUMP_IF_EQUAL, 1, 0, 0x60 if ip6 else 0x40
    yield _RETURN, 0, 0, 0
    at = _NETWORK_HEADER + (8 if ip6 else 12)
    for source in sources:
        if (source.version == 6) != ip6:
            continue
        words = struct.unpack(f"!{len(source.packed) // 4}I", source.packed)
        for position, word in enumerate(words):
            left = len(words) - position - 1
            yield _LOAD_WORD, 0, 0, at + 4 * position
            yield _JUMP_IF_EQUAL, 0, 2 * left + 1, word
        yield _RETURN, 0, 0, _WHOLE
    yield _RETURN, 0, 0, 0


def _attach(handle: int, program: list[Step]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    option = struct.pack("HxxxxxxP" if struct.calcsize("P") == 8 else "HxxP", len(program), ctypes.addressof(code))
    if _libc.setsockopt(handle, socket.SOL_SOCKET, _SO_ATTACH_FILTER, option, len(option)):
        raise OSError(ctypes.get_errno(), f"no fence: {os.strerror(ctypes.get_errno())}")


def _dropped(handle: int) -> int:
    numbers = (ctypes.c_uint32 * _NUMBERS)()
    size = ctypes.c_uint32(ctypes.sizeof(numbers))
    _libc.getsockopt(handle, socket.SOL_SOCKET, _SO_MEMINFO, ctypes.byref(numbers), ctypes.byref(size))
    return int(numbers[_DROPPED])


def _emptied(handle: int) -> None:
    """What came before the fence stood is not read."""
    buffer = ctypes.create_string_buffer(1)
    while _libc.recv(handle, buffer, 1, socket.MSG_DONTWAIT) >= 0:
        pass


def _handles(family: int, ports: set[int] | frozenset[int]) -> Iterator[int]:
    """Our UDP sockets at these ports, as the system numbers them."""
    wanted = {(family, port) for port in ports}
    for entry in Path("/proc/self/fd").iterdir():
        handle = int(entry.name)
        if _bound(handle) in wanted and _is_udp(handle):
            yield handle


def _bound(handle: int) -> tuple[int, int] | None:
    """Family and port of a socket; None when it is none."""
    name = ctypes.create_string_buffer(28)
    size = ctypes.c_uint32(len(name))
    if _libc.getsockname(handle, name, ctypes.byref(size)) or size.value < 4:
        return None
    return struct.unpack("H", name.raw[:2])[0], struct.unpack("!H", name.raw[2:4])[0]


def _is_udp(handle: int) -> bool:
    kind = ctypes.c_int()
    size = ctypes.c_uint32(ctypes.sizeof(kind))
    _libc.getsockopt(handle, socket.SOL_SOCKET, socket.SO_TYPE, ctypes.byref(kind), ctypes.byref(size))
    return kind.value == socket.SOCK_DGRAM
