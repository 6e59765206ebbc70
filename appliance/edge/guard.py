"""Who is heard at all: rates, bans and scanners. A telephone with the right password never notices any of it.

Only a wrong password sent with a nonce that we gave to that very address counts toward a ban, so nobody can have
somebody else banned by forging an address. Inside the firm's own network, and where a telephone is registered, not the
address is silenced but the one extension tried from it: the other telephones behind it did nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from appliance.edge.flows import is_local

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
    failures: int = 10
    window: float = 600.0
    """So many wrong passwords within so many seconds are a ban."""
    ban: float = 3600.0
    """Seconds."""
    connections: int = 512
    """TCP connections in all."""
    connections_local: int = 128
    connections_foreign: int = 16
    """TCP connections of one address."""
    message_seconds: float = 10.0
    """Seconds a message may take to arrive over TCP."""
    quiet_seconds: float = 30.0
    """Seconds a TCP connection nobody has registered over may say nothing."""


class Guard:
    """Remembers addresses that misbehave, in tables of bounded size."""

    MOST = 4096

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buckets: dict[str, tuple[float, float]] = {}
        self._failures: dict[tuple[str, bytes], list[float]] = {}
        self._bans: dict[tuple[str, bytes], float] = {}

    def banned(self, host: str, now: float, user: bytes = b"") -> bool:
        """Is the address (or this user at it) in its ban?"""
        if not self._bans:
            return False
        until = self._bans.get((host, user))
        if until is None:
            return False
        if until <= now:
            del self._bans[host, user]
            return False
        return True

    def admit(self, host: str, now: float) -> bool:
        """Take one from the address's bucket; False when it is empty."""
        level = self._level(host, now)
        if level < 1.0:
            return False
        self._set_level(host, level - 1.0, now)
        return True

    def exhausted(self, host: str, now: float) -> bool:
        """Is the address's bucket empty? Takes nothing."""
        return host in self._buckets and self._level(host, now) < 1.0

    def proved(self, host: str, now: float) -> None:
        """A proof held: give back what it and its challenge took."""
        self._set_level(host, self._level(host, now) + 2.0, now)

    def failed(self, host: str, user: bytes, now: float, *, shared: bool) -> bool:
        """A genuine failure. `shared`: a telephone is registered at this address.

        Returns:
            Whether this one was the last straw.
        """
        where = (host, user if shared or is_local(host) else b"")
        recent = [when for when in self._failures.get(where, []) if when > now - self._limits.window]
        recent.append(now)
        self._failures.pop(where, None)
        if len(recent) < self._limits.failures:
            self._bounded(self._failures)[where] = recent
            return False
        self._bounded(self._bans)[where] = now + self._limits.ban
        return True

    def scans(self, agent: bytes) -> bool:
        """Does this User-Agent belong to a tool that looks for victims?"""
        agent = agent.lower()
        return any(name in agent for name in SCANNERS)

    def _level(self, host: str, now: float) -> float:
        local = is_local(host)
        burst = self._limits.local_burst if local else self._limits.foreign_burst
        level, when = self._buckets.get(host, (burst, now))
        return min(burst, level + (now - when) * (self._limits.local_rate if local else self._limits.foreign_rate))

    def _set_level(self, host: str, level: float, now: float) -> None:
        self._bounded(self._buckets)[host] = (level, now)

    def _bounded(self, table: dict[Key, Value]) -> dict[Key, Value]:
        """The table, with room for one more: the oldest entry goes first."""
        if len(table) >= self.MOST:
            del table[next(iter(table))]
        return table
