"""Who is heard at all: rates, bans and scanners. A telephone with the right password never notices any of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache

from appliance.edge.bans import Bans, Rules
from appliance.edge.buckets import Buckets, Rate
from appliance.edge.flows import Flow, is_local, origin
from appliance.edge.tokens import Tokens

SCANNERS = re.compile(
    rb"friendly-scanner|sipvicious|sip-scan|sipsak|sundayddr|iwar|sipcli|vaxsipuseragent|pplsip|sivus|gulp|nmap|smap|"
    rb"friendly-request",
    re.IGNORECASE,
)
"""What tools of people looking for open telephone systems call themselves."""
_NONCES = re.compile(rb'nonce="([A-Za-z0-9_-]{20})"')
_PLACES = re.compile(rb"[:.]([0-9a-f]{42}|[0-9a-f]{66})[@;,\s]")
MOST_PROVED = 64
HEAD = 4096
MOST_MARKS = 8
"""Bytes in which a mark is looked for, and how many that look like one are tried."""


NAME = 100
"""Bytes in which such a tool says its name."""


@lru_cache(maxsize=512)
def _is_scanner(agent: bytes) -> bool:
    return SCANNERS.search(agent) is not None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is too much."""

    local: Rate = Rate(per_second=200.0, burst=2000.0)
    """Requests without a proof from one address of the firm's own network. A proof that holds gives back what its request
    and the challenge before it took."""
    foreign: Rate = Rate(per_second=5.0, burst=50.0)
    """The same for an address outside."""
    phone: Rate = Rate(per_second=50.0, burst=500.0)
    """The same for one registered telephone; it does not share with others at its address."""
    proved: Rate = Rate(per_second=50.0, burst=500.0)
    """Requests with a proof by one extension: even a telephone may go mad, or belong to a thief."""
    strangers_local: Rate = Rate(per_second=500.0, burst=3000.0)
    strangers: Rate = Rate(per_second=50.0, burst=500.0)
    """Messages that are read in all, from addresses inside and outside where nobody of ours lives and that bear no mark
    of ours: a forged sender costs nothing, so what each of them may do says little about all."""
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

    def __init__(
        self, limits: Limits, tokens: Tokens, registered: Callable[[Flow], bool], at_home: Callable[[str], bool]
    ) -> None:
        """`registered`: is there a telephone at this flow? `at_home`: does anybody of ours live at this address?"""
        self._limits = limits
        self._tokens = tokens
        self._registered = registered
        self._at_home = at_home
        self._buckets = Buckets(self.MOST)
        self._pools = Buckets(2)
        self._proved: dict[str, float] = {}
        self.bans = Bans(limits.bans)

    def exhausted(self, source: Flow, now: float) -> bool:
        """Is it a stranger who has asked too much?"""
        key, rate = self._bucket(source)
        return self._buckets.empty(key, rate, now) and not self._at_home(source.host)

    def hears(self, data: bytes, source: Flow, now: float) -> bool:
        """Is this message, of somebody not exhausted, worth reading? Decided without reading it, so that most of a flood
        costs next to nothing.

        What is heard in any flood: registered telephones, and whatever bears a mark that we gave to that very address (a
        nonce, a way of a call), which a forger of senders has never seen.
        """
        if self._at_home(source.host):
            key, rate = self._bucket(source)
            return not self._buckets.empty(key, rate, now) or self._vouched(data, source.host)
        return self._pools.take(*self._pool(source.host), now) or self._vouched(data, source.host)

    def admit(self, source: Flow, now: float) -> bool:
        """Take one from the bucket of who sent this; False when it is empty."""
        key, rate = self._bucket(source)
        return self._buckets.take(key, rate, now)

    def proved(self, source: Flow, user: bytes, now: float) -> None:
        """A proof held: give back what it and its challenge took, and forget what failed before it."""
        self.bans.proved(source.host, user)
        key, rate = self._bucket(source)
        self._buckets.give(key, rate, 2.0, now)
        if not self._at_home(source.host):
            self._proved.pop(source.host, None)
            if len(self._proved) >= MOST_PROVED:
                del self._proved[next(iter(self._proved))]
            self._proved[source.host] = now
            pool, rate = self._pool(source.host)
            self._pools.give(pool, rate, 1.0, now)

    def proved_lately(self, now: float) -> list[str]:
        """Addresses where somebody called within the last hour who is not registered there."""
        return [host for host, when in self._proved.items() if when > now - 3600.0]

    def busy(self, user: bytes, now: float) -> bool:
        """Does this extension, which has proved itself, ask more than any telephone would?"""
        return not self._buckets.take(user, self._limits.proved, now)

    def scans(self, agent: bytes) -> bool:
        """Does this User-Agent belong to a tool that looks for victims?"""
        return _is_scanner(agent[:NAME])

    def _bucket(self, source: Flow) -> tuple[Hashable, Rate]:
        if self._registered(source):
            return source, self._limits.phone
        return origin(source.host), self._limits.local if is_local(source.host) else self._limits.foreign

    def _pool(self, host: str) -> tuple[Hashable, Rate]:
        return ("inside", self._limits.strangers_local) if is_local(host) else ("outside", self._limits.strangers)

    def _vouched(self, data: bytes, host: str) -> bool:
        """Does it bear a mark of ours that this address was given?"""
        head = data[:HEAD]
        marks = _NONCES.findall(head) if b'nonce="' in head else []
        if b";lr" in head or head.startswith(b"SIP/2.0 "):
            marks += _PLACES.findall(head)
        return any(self._tokens.given_to(mark, host) for mark in marks[:MOST_MARKS])
