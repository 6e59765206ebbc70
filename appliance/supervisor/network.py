"""Addresses and ports of this machine: which to listen at, who has one already, who listens where.

Read from the kernel (/proc/net, one ioctl); nothing is sent.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

LOOPBACK = "127.0.0.1"
ANY = "0.0.0.0"  # noqa: S104  a name for it; nobody listens there unless the owner says so
SIOCGIFADDR = 0x8915
IF_INET6 = Path("/proc/net/if_inet6")
PASSING = 0x01 | 0x08 | 0x20 | 0x40
"""Flags of addresses that do not stay: temporary, found twice, deprecated, not yet checked (linux/if_addr.h)."""


def lan_address() -> str:
    """This machine's address in the local network, or the loopback address when it has none.

    The one that reaches beyond the network is preferred; an address of the public internet is never chosen.
    """
    for address in (_toward_outside(), *_of_interfaces()):
        if address and _is_private(address):
            return address
    return LOOPBACK


def lan_ipv6() -> Iterator[str]:
    """This machine's own IPv6 addresses in the local network (RFC 4193).

    Global addresses are reached from the whole internet unless a router forbids it, so they are the owner's to choose.
    """
    for row in IF_INET6.read_text(encoding="ascii").splitlines() if IF_INET6.exists() else ():
        address, _, _, _, flags, *_ = row.split()
        if address[:2] in {"fc", "fd"} and not int(flags, 16) & PASSING:
            yield socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address))


def in_url(address: str) -> str:
    """As it stands in a web address."""
    return f"[{address}]" if ":" in address else address


def _toward_outside() -> str:
    """The source address of the default route. Connecting a datagram socket sends nothing."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # RFC 5737: nobody's address
        return str(probe.getsockname()[0])
    return ""


def _of_interfaces() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                answer = fcntl.ioctl(probe, SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                yield socket.inet_ntoa(answer[20:24])


def _is_private(address: str) -> bool:
    """RFC 1918, and the addresses machines give themselves where nobody does (RFC 3927)."""
    first, second, *_ = (int(part) for part in address.split("."))
    return (
        first == 10
        or (first, second) == (192, 168)
        or (first == 172 and 16 <= second <= 31)
        or (first, second) == (169, 254)
    )


@dataclass(frozen=True, slots=True)
class Port:
    """A port the box wants to listen at."""

    kind: Literal["udp", "tcp"]
    address: str
    number: int
    purpose: str
    option: str
    """Of the command line, to choose another."""


def why_not(port: Port) -> str:
    """Why nobody can listen there now, and what to do about it; empty when the port is free."""
    try:
        _try(port)
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                return (
                    f"Port {port.number} ({port.kind.upper()}, for {port.purpose}) is taken by {_holder(port)}. "
                    f"Stop that program, or choose another port with {port.option}."
                )
            case errno.EACCES | errno.EPERM:
                return f"Port {port.number} is for root only. Choose one from 1024 up with {port.option}."
            case errno.EADDRNOTAVAIL:
                return f"{port.address} is not an address of this machine. Choose one of its own with --bind."
        return f"Port {port.number} ({port.kind.upper()}) cannot be opened at {port.address}: {error.strerror}."
    return ""


def _try(port: Port) -> None:
    kind = socket.SOCK_STREAM if port.kind == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET6 if ":" in port.address else socket.AF_INET, kind) as probe:
        if ":" in port.address:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if port.kind == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((port.address, port.number))
        if port.kind == "tcp":
            probe.listen(1)


def free_loopback_ports(count: int, outside: range) -> list[int]:
    """UDP ports of the loopback address that nobody has now, none of them in `outside`."""
    with contextlib.ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            probe.bind((LOOPBACK, 0))
            number = probe.getsockname()[1]
            if number not in outside:
                found.append(number)
        return found


def _holder(port: Port) -> str:
    """The program that listens there, as far as we may look."""
    for pid in holders(port.kind, port.number):
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
            return f"{name} (process {pid})"
    return "another program"


def holders(kind: str, number: int) -> Iterator[int]:
    """Processes that listen at this port. Those of other users are seen by root only."""
    wanted = {f"socket:[{row.inode}]" for row in _inet_rows(kind) if row.listens and row.port == number}
    if not wanted:
        return
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):
                handles = (process / "fd").iterdir()
                if any(_link(handle) in wanted for handle in handles):
                    yield int(process.name)


def _link(handle: Path) -> str:
    with contextlib.suppress(OSError):
        return str(handle.readlink())
    return ""


@dataclass(frozen=True, slots=True)
class _Row:
    port: int
    inode: str
    listens: bool


def _inet_rows(kind: str) -> Iterator[_Row]:
    """Rows of /proc/net/udp and kin: local address, port, state and inode are columns 1, 1, 3 and 9 (proc(5))."""
    for family in ("", "6"):
        for columns in _table(f"/proc/net/{kind}{family}"):
            yield _Row(int(columns[1].rpartition(":")[2], 16), columns[9], kind == "udp" or columns[3] == "0A")


def _table(path: str) -> Iterable[list[str]]:
    with contextlib.suppress(OSError):
        return [line.split() for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines()[1:]]
    return ()


ACCEPTS = 0x10000
CONNECTED = "03"


def signs_of_life() -> set[str]:
    """What listens on this machine now: `udp 5060`, `tcp 8080`, `unix PATH`; and `client PATH` where one is connected.

    Looking is not connecting: a server does not notice.
    """
    found = {f"{kind} {row.port}" for kind in ("udp", "tcp") for row in _inet_rows(kind) if row.listens}
    for columns in _table("/proc/net/unix"):
        if len(columns) == 8:
            if int(columns[3], 16) & ACCEPTS:
                found.add(f"unix {columns[7]}")
            elif columns[5] == CONNECTED:
                found.add(f"client {columns[7]}")
    return found


def main(arguments: list[str]) -> int:
    """`--write FILE`: put this machine's address where systemd's units look for it."""
    match arguments:
        case ["--write", path]:
            here, also = lan_address(), " ".join(f"--bind {address}" for address in lan_ipv6())
            words = {"QENDRA_BIND": here, "QENDRA_ALSO": also, "QENDRA_SOUND": ANY if also else here}
            Path(path).write_text("".join(f"{key}={value}\n" for key, value in words.items()), encoding="ascii")
            return 0
    print("usage: python -m appliance.supervisor.network --write FILE", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
