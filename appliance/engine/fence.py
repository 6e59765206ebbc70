"""A fence in the kernel around the engine's SIP port: only the edge's datagrams, and our own wake-up calls, get in."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

_SO_ATTACH_FILTER = 26
_LOAD_HALF_ABSOLUTE = 0x28
_JUMP_IF_EQUAL = 0x15
_RETURN = 0x06
_WHOLE = 0xFFFF
_SOURCE_PORT_AT = 0
"""A filter on a UDP socket sees the datagram from its UDP header on."""


def admit_only(address: str, port: int, sources: tuple[int, ...]) -> None:
    """Drop whatever comes to this process's UDP socket at `address`:`port` from other source ports.

    The socket is the SIP library's, which has no way of its own to be choosy. On loopback a source port belongs to one
    process as long as that lives.

    Raises:
        OSError: there is no such socket here.
    """
    program = list(_instructions(sources))
    code = ctypes.create_string_buffer(b"".join(program))
    filter_of = struct.pack("HxxxxxxP" if struct.calcsize("P") == 8 else "HxxP", len(program), ctypes.addressof(code))
    with contextlib.closing(_socket_at(address, port)) as fenced:
        fenced.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_of)


def _instructions(sources: tuple[int, ...]) -> Iterator[bytes]:
    """The classic packet filter: is the source port one of these? (op, if true, if false, value)."""
    yield struct.pack("HBBI", _LOAD_HALF_ABSOLUTE, 0, 0, _SOURCE_PORT_AT)
    for position, source in enumerate(sources):
        to_admission = len(sources) - position
        yield struct.pack("HBBI", _JUMP_IF_EQUAL, to_admission, 0, source)
    yield struct.pack("HBBI", _RETURN, 0, 0, 0)
    yield struct.pack("HBBI", _RETURN, 0, 0, _WHOLE)


def _socket_at(address: str, port: int) -> socket.socket:
    """A second handle on the socket; the caller closes it, which leaves the first alone."""
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the folder's own handle is gone by now
            if not str(entry.readlink()).startswith("socket:"):
                continue
            found = socket.socket(fileno=os.dup(int(entry.name)))
            if found.type == socket.SOCK_DGRAM and found.getsockname() == (address, port):
                return found
            found.close()
    raise OSError(f"no UDP socket of ours at {address}:{port}")
