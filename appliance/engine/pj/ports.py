"""Where the engine is on the network, and which of our addresses somebody else can reach."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
_ANYWHERE = {"0.0.0.0", "::"}  # noqa: S104 (compared with, not bound to)


@dataclass(frozen=True)
class Ports:
    """Where the engine is on the network."""

    engine: int
    """UDP port for SIP with the edge, on loopback."""
    edge: int
    """The edge's inside port, on loopback."""
    first_rtp: int
    last_rtp: int
    bind: str
    """The address telephones send their sound to; 0.0.0.0: whichever of ours is on their side."""

    @property
    def bound(self) -> str:
        """The one address of ours that sound may use; empty: any."""
        return "" if self.bind in _ANYWHERE else self.bind


def our_address_toward(other: str) -> str:
    """The address of ours that `other`, an IP address, can reach; loopback's when there is no way there."""
    family, instead = (socket.AF_INET6, "::1") if ":" in other else (socket.AF_INET, LOOPBACK)
    with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect((other, 9))  # sends nothing: a datagram socket only looks up the route
            return str(probe.getsockname()[0])
        except OSError:
            return instead
