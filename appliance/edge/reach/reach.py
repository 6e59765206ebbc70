"""Finds out whether telephones outside the firm's network can reach us, and keeps at hand where they find us."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from appliance.calls.edge import Outside, Reach, Reached
from appliance.edge.directory import Directory
from appliance.edge.flows import Flow, Knock, LookUp, Output, Tell, is_local, is_outside, packed
from appliance.edge.message import Request
from appliance.edge.pings import options
from appliance.edge.reach.verdict import Findings, weigh
from appliance.edge.signs import Ports, Public, Signs

EVERY = 3600.0
"""Seconds between two looks nobody asked for."""
KNOCKS = 3
SPACING = 1.0
"""Knocks of one look, in case one is lost, and seconds between them and after the last."""
FRESH = 24 * 3600.0
"""Seconds for which somebody who was heard from outside proves that the way is open."""
AGAIN = 60.0
"""Seconds between two looks because somebody was heard."""
_WHO = "outside"
_ANYWHERE = "192.0.2.1"
"""An address of nobody (RFC 5737): on the way to it, our own address is the one the router forwards to."""


@dataclass(slots=True)
class _Look:
    """One look at the way in."""

    number: int
    knocks: int = 0
    arrived: bool = False


@dataclass(slots=True)
class ReachCheck:
    """Every method answers what is to be done about what has just happened."""

    signs: Signs
    directory: Directory
    sound_ports: str
    """`10000-10999`, for what the owner is told."""
    calendar: Callable[[float], float]
    seen_at: Callable[[], Iterable[str]]
    """Our addresses as providers see them."""
    telephones: Callable[[], Iterable[str]]
    """Where telephones are registered from."""
    routers: Callable[[], frozenset[str]] = frozenset
    """Those of our own network, as they are now."""
    outside: Outside = field(default_factory=Outside)
    told: Reached = field(default_factory=lambda: Reached(Reach.NOT_WANTED, ""))
    _look: _Look | None = None
    _looks: int = 0
    _due: float | None = None
    _knocked: bool = False
    _heard_at: float | None = None
    _learnt: str = ""

    def accept(self, outside: Outside, now: float) -> list[Output]:
        """How we are called from outside, from now on."""
        if outside == self.outside and self._looks:
            return []
        if outside != self.outside:
            self._knocked = False
        self.outside = outside
        name = outside.name
        self.directory.want(_WHO, [LookUp(name, "A")] if name and not packed(name) else [])
        self._learn()
        return self.check(now)

    def restore(self, outside: Outside) -> None:
        """What the desk said in an earlier life: telephones outside are told the right address from the first message on."""
        self.outside = outside
        self._learn()
        if outside.name:
            self.told = Reached(Reach.UNKNOWN, "")

    def check(self, now: float) -> list[Output]:
        """Look now."""
        self._looks += 1
        self._look = _Look(self._looks)
        self._due = now
        return self.tick(now)

    def found(self, now: float) -> list[Output]:
        """The DNS has said something new."""
        before = self.signs.public.host
        self._learn()
        if self.signs.public.host != before:
            self._knocked = False
            return self.check(now)
        return self._tell(now) if self._look is None else []

    def heard(self, source: Flow, now: float) -> list[Output]:
        """Somebody who is no provider has sent something. From outside, that shows that the way is open."""
        if not self._is_outsider(source.host):
            return []
        before, self._heard_at = self._heard_at, now
        if (before is None or now - before > AGAIN) and self._look is None and self.told.reach is not Reach.GOOD:
            told = self.told
            outputs = self._tell(now)
            return outputs if (self.told.reach, self.told.words) != (told.reach, told.words) else []
        return []

    def registered(self, now: float) -> list[Output]:
        """Telephones have come or gone: one from outside, though nobody is expected, is a matter for the owner."""
        if self.outside.name or self._look is not None:
            return []
        told = self.told
        outputs = self._tell(now)
        return outputs if self.told.words != told.words else []

    def is_knock(self, request: Request) -> bool:
        """Is it ours, come back to us through the router?"""
        look = self._look
        if request.method != b"OPTIONS" or look is None:
            return False
        if request.call_id.partition(b"@")[0] != self._mark(look.number):
            return False
        look.arrived = True
        return True

    def next_deadline(self) -> float | None:
        """When `tick` has something to do."""
        return self._due

    def tick(self, now: float) -> list[Output]:
        """Knock, or judge what came of it."""
        if self._due is None or self._due > now:
            return []
        look = self._look or _Look(self._looks)
        if self._look is None:
            return self.check(now)
        address = self.signs.public.host
        if address and look.knocks < KNOCKS and not look.arrived:
            look.knocks += 1
            self._due = now + SPACING
            return [Knock(Flow("udp", address, self.signs.public.ports.plain), self._knock(look))]
        self._look = None
        self._due = now + EVERY if self.outside.name else None
        self._knocked = look.arrived
        return self._tell(now)

    def _is_outsider(self, host: str) -> bool:
        return is_outside(host) and not self.signs.is_provider(host)

    def _knock(self, look: _Look) -> bytes:
        here = self.signs.public.host.encode()
        mark = self._mark(look.number)
        via = b"Via: SIP/2.0/UDP %b;branch=%b;rport" % (here, mark)
        return options(via, b"sip:" + here, here, mark, look.knocks)

    def _mark(self, number: int) -> bytes:
        return self.signs.tokens.tag(b"knock", b"%d" % number, 0)

    def _addresses(self) -> tuple[str, ...] | None:
        """Where the name leads, as far as is known."""
        name = self.outside.name
        if packed(name):
            return (name,)
        known = self.directory.known(LookUp(name, "A")) if name else ()
        return None if known is None else tuple(each for each in known if isinstance(each, str))

    def _learn(self) -> None:
        """From now on telephones outside find us there; the last good address is kept."""
        addresses = self._addresses()
        before = self.signs.public.host if addresses == () and self.outside.name == self._learnt else ""
        address = addresses[0] if addresses else before
        ports = Ports(self.outside.sip_port or self.signs.ports.plain, self.outside.tls_port or self.signs.ports.tls)
        self._learnt = self.outside.name
        self.signs.public = Public(address if is_outside(address) else "", ports, self.routers())

    def _tell(self, now: float) -> list[Output]:
        heard = None if self._heard_at is None or now - self._heard_at > FRESH else now - self._heard_at
        strangers = filter(self._is_outsider, self.telephones())
        addresses = self._addresses()
        reach, words = weigh(
            Findings(
                name=self.outside.name,
                addresses=addresses,
                silent=self.directory.silent(_WHO),
                port=self.signs.public.ports.plain,
                own_port=self.signs.ports.plain,
                sound_ports=self.sound_ports,
                box=self.signs.own(Flow("udp", _ANYWHERE, 9)),
                seen_at=tuple(sorted({each for each in self.seen_at() if packed(each) and not is_local(each)})),
                knocked=self._knocked,
                heard_ago=heard,
                stranded=next(iter(strangers), ""),
            )
        )
        self.told = Reached(reach, words, (addresses or ("",))[0], self.calendar(now))
        return [Tell(self.told)]
