"""Who is heard at all: rates, bans and scanners. A telephone with the right password never notices any of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from appliance.edge.bans import Bans, Rules
from appliance.edge.flows import is_local, origin

Key = TypeVar("Key")
Value = TypeVar("Value")

SCANNERS = (
    b"friendly-scanner", b"sipvicious", b"sip-scan", b"sipsak", b"sundayddr", b"iwar", b"sipcli", b"vaxsipuseragent",
    b"pplsip", b"sivus", b"gulp", b"nmap", b"smap", b"friendly-request",
)  # fmt: skip
"""What tools of people looking for open telephone systems call themselves."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is too much."""

    local_rate: float = 200.0
    local_burst: float = 2000.0
    """Requests without proof per second, and at once, from one address of the firm's own network. A proof that holds
    gives back what its request and the challenge before it took."""
    foreign_rate: float = 5.0
    foreign_burst: float = 50.0
    """The same for an address outside."""
    bans: Rules = field(default_factory=Rules)
    connections: int = 512
    """Connections (TCP, TLS, WebSocket) in all."""
    connections_local: int = 128
    connections_foreign: int = 16
    """Connections of one address."""
    message_seconds: float = 10.0
    """Seconds a message, or a handshake, may take to arrive over a connection."""
    quiet_seconds: float = 30.0
    """Seconds a connection may last over which nobody has proved who they are."""


class Guard:
    """Remembers addresses that misbehave, in tables of bounded size."""

    MOST = 4096

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buckets: dict[str, tuple[float, float]] = {}
        self.bans = Bans(limits.bans)

    def admit(self, host: str, now: float) -> bool:
        """Take one from the address's bucket; False when it is empty."""
        level = self._level(host, now)
        if level < 1.0:
            return False
        self._set_level(host, level - 1.0, now)
        return True

    def exhausted(self, host: str, now: float) -> bool:
        """Is the address's bucket empty? Takes nothing."""
        return origin(host) in self._buckets and self._level(host, now) < 1.0

    def proved(self, host: str, user: bytes, now: float) -> None:
        """A proof held: give back what it and its challenge took, and forget what failed before it."""
        self.bans.proved(host, user)
        self._set_level(host, self._level(host, now) + 2.0, now)

    def scans(self, agent: bytes) -> bool:
        """Does this User-Agent belong to a tool that looks for victims?"""
        agent = agent.lower()
        return any(name in agent for name in SCANNERS)

    def _level(self, host: str, now: float) -> float:
        local = is_local(host)
        burst = self._limits.local_burst if local else self._limits.foreign_burst
        level, when = self._buckets.get(origin(host), (burst, now))
        return min(burst, level + (now - when) * (self._limits.local_rate if local else self._limits.foreign_rate))

    def _set_level(self, host: str, level: float, now: float) -> None:
        self._bounded(self._buckets)[origin(host)] = (level, now)

    def _bounded(self, table: dict[Key, Value]) -> dict[Key, Value]:
        """The table, with room for one more: the oldest entry goes first."""
        if len(table) >= self.MOST:
            del table[next(iter(table))]
        return table
