"""Networks of our own: rooms with a cable between them, and routers that turn addresses as those in offices and homes do.

Only for a process that has been given a network and mounts of its own (`unshare --net --mount`): nothing of this is seen
outside it, and nothing is left of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


def run(command: str, words: str = "") -> None:
    """A command of the administrator."""
    done = subprocess.run(command.split(), input=words, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


class Network:
    """A network beside ours, by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        run(f"ip netns add {name}")
        run(f"ip -n {name} link set lo up")

    @property
    def command(self) -> tuple[str, ...]:
        """What stands before a program that is to run there."""
        return ("ip", "netns", "exec", self.name)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets this thread makes meanwhile are there, and stay there."""
        ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        theirs = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            _enter(theirs)
            yield
        finally:
            _enter(ours)
            os.close(theirs)
            os.close(ours)

    def turns_addresses(self, street: str, arriving: str = "", leaving: str = "") -> None:
        """From now on it is a router: whoever goes out to `street` goes as the router itself, from any port it likes; only
        answers come in, and what rules for packets that are `arriving` forward. Rules for those `leaving` may follow.
        """
        run(f"ip netns exec {self.name} sysctl -qw net.ipv4.ip_forward=1")
        run(
            f"ip netns exec {self.name} nft -f -",
            f"""
table ip turned {{
 chain arriving {{
  type nat hook prerouting priority dstnat
  {arriving}
 }}
 chain leaving {{
  type nat hook postrouting priority srcnat
  oifname "{street}" masquerade random
  {leaving}
 }}
}}
table ip passed {{
 chain through {{
  type filter hook forward priority filter; policy drop
  ct state established,related accept
  ct status dnat accept
  iifname != "{street}" accept
 }}
}}
""",
        )


def begin() -> None:
    """Before the first network: names of networks are ours alone."""
    Path("/run/netns").mkdir(exist_ok=True)
    run("mount -t tmpfs none /run/netns")
    run("ip link set lo up")


def cable(one: Network | None, address: str, plug: str, other: Network, other_address: str, other_plug: str) -> None:
    """Join two networks; None is the one we are in. Addresses are written `192.0.2.1/24`."""
    run(f"ip link add {plug} type veth peer name {other_plug} netns {other.name}")
    if one is not None:
        run(f"ip link set {plug} netns {one.name}")
    for network, where, name in ((one, address, plug), (other, other_address, other_plug)):
        there = f"ip -n {network.name}" if network else "ip"
        run(f"{there} addr add {where} dev {name}")
        run(f"{there} link set {name} up")


def leave_by(network: Network | None, router: str) -> None:
    """Everything else goes to this router."""
    run(f"ip {f'-n {network.name} ' if network else ''}route add default via {router}")


def _enter(network: int) -> None:
    """Go over to another network, with this thread alone (setns(2); Python has it from 3.12 on)."""
    if _libc.setns(network, 0):
        raise OSError(ctypes.get_errno(), "setns")
