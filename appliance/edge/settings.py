"""How this edge is placed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from appliance.edge.guard import Limits


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the edge listens, and where it keeps its things."""

    run: Path
    """Folder of the seam sockets."""
    state: Path
    """Folder of secret, bindings and accounts."""
    bind: tuple[str, ...] = ("127.0.0.1",)
    """The LAN addresses, IPv4 and IPv6; `0.0.0.0` and `::` for all."""
    sip_port: int = 5060
    """UDP, TCP and WebSocket."""
    tls_port: int = 5061
    """TLS and WebSocket within TLS."""
    engine_port: int = 5070
    """Where the engine listens on loopback."""
    inside_port: int = 5071
    """Our own port on loopback, connected to the engine's."""
    authorities: Path | None = None
    """Whom to trust with providers' certificates besides those the system trusts (a PEM file)."""
    name_servers: tuple[str, ...] = ()
    """`192.0.2.1:53`: whom to ask for providers' names, instead of those the system asks."""
    sound_ports: str = "10000-10999"
    """Those of the engine, as the owner is told them who has to forward them."""
    limits: Limits = field(default_factory=Limits)
