"""One provider: its servers, our registration there, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from appliance.calls.edge import Trunk, TrunkIs
from appliance.calls.names import Transport
from appliance.edge import grammar
from appliance.edge.directory import Directory
from appliance.edge.flows import Flow, Output, host_port, packed
from appliance.edge.message import Response
from appliance.edge.pings import options
from appliance.edge.signs import Signs
from appliance.edge.trunks import words as words_of
from appliance.edge.trunks.exchanges import PATIENCE, Exchanges
from appliance.edge.trunks.location import Server, host_and_port, locate
from appliance.edge.trunks.registration import Registration, Step, escaped
from appliance.edge.trunks.servers import Health, Servers
from appliance.edge.trunks.sources import Sources, sources_of
from appliance.edge.trunks.ways import Ways

SETTLING = 30.0
"""Seconds between two registrations whose only reason is that a router shows us under another address."""
RECONNECT = 2.0
"""Seconds, at most, until we register again after a connection has ended; all customers of a provider do."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What all providers share."""

    signs: Signs
    ways: Ways
    directory: Directory
    dice: Random
    salt: bytes


class Provider:
    """Every method that may lead to messages answers them."""

    def __init__(self, trunk: Trunk, tools: Tools, mark: str = "") -> None:
        """`mark`: stands in our Contact, where the user alone would not tell this provider's calls from another's."""
        self.trunk = trunk
        self.servers = Servers(tools.dice)
        self.sources = Sources()
        self.leaving = False
        self._tools = tools
        self.mark = mark
        self._exchanges = Exchanges()
        self._serial = 0
        self._call_id = b"%016x" % tools.dice.getrandbits(64)
        self._registration = Registration(trunk, self._call_id, tools.dice) if trunk.registers else None
        self._asked_contact = b""
        self._seen_at: tuple[str, int] | None = None
        self._moved = -SETTLING
        self._ping_at = 0.0
        self._settled = False

    @property
    def routes(self) -> list[bytes]:
        """The way through the provider's network that our calls shall take."""
        return self._registration.routes if self._registration else []

    @property
    def seen(self) -> str:
        """Our own address as it is seen there, if that is another than we know of; else empty."""
        return self._seen_at[0] if self._seen_at else ""

    @property
    def gone(self) -> bool:
        """It has been left, and nothing is awaited any more."""
        return self.leaving and self._exchanges.next_deadline() is None

    def replaces(self, old: Provider) -> bool:
        """Would signing the other off sign this one off too?"""
        return (self.trunk.domain, self.trunk.user, self.mark) == (old.trunk.domain, old.trunk.user, old.mark)

    def locate(self, now: float) -> list[Output]:
        """The DNS has said something new, or we begin: which servers are there?"""
        directory = self._tools.directory
        located = locate(self.trunk, directory.known, self._tools.salt)
        self.sources, more = sources_of(self.trunk, located.servers, directory.known)
        directory.want(self._owner, [*located.wanted, *more])
        self._settled = located.settled
        self.servers.put(located.servers)
        registration = self._registration
        if registration and registration.at and self.servers.get(registration.at.flow) is None:
            registration.forget(now)
        return self.tick(now)

    def call_server(self, without: set[Flow]) -> Server | None:
        """Where a call goes: the server we are registered at, else the best that lives and has not been tried.

        With none alive, the one that is tried again the soonest: nobody sends a call to a line that says it is down but
        for an emergency, and that is worth a try.
        """
        registered = self._registration.at if self._registration else None
        health = self.servers.get(registered.flow) if registered else None
        if registered and health and not health.down and registered.flow not in without:
            return registered
        return self.servers.best(without) or (None if without else self.servers.soonest())

    def next_deadline(self) -> float | None:
        """When `tick` has something to do."""
        deadlines = [self._exchanges.next_deadline()]
        if not self.leaving:
            deadlines.append(self.servers.next_deadline())
            if self.servers.best():
                deadlines.append(self._ping_at if self._pings else None)
                if self._registration and self._can_register:
                    deadlines.append(self._registration.due)
            if self._registration and self._registration.at:
                deadlines.append(self._registration.until)
        return min((each for each in deadlines if each is not None), default=None)

    def tick(self, now: float) -> list[Output]:
        """Repeat, give up, ping, refresh: whatever is due."""
        out: list[Output] = []
        again, over = self._exchanges.due(now)
        for exchange in again:
            out += self._tools.ways.send(exchange.server, exchange.data, now)
        for exchange in over:
            flow = exchange.server.flow
            if exchange.method == b"REGISTER" or self._judged_by_pings(flow):
                self.failed(flow, words_of.silent(flow), now)
        if self.leaving:
            return out
        for health in self.servers.revived(now):
            out += self._try_again(health, now)
        registration = self._registration
        if registration and registration.at and registration.until <= now:
            registration.forget(now)
        return out + self._register(now) + self._ping(now)

    def answered(self, response: Response, now: float) -> list[Output]:
        """An answer to a request of our own."""
        exchange = self._exchanges.answered(response.via.branch, finally_=response.status >= 200)
        if exchange is None or response.status < 200:
            return []
        self.lives(exchange.server.flow, now)
        out = self._learn(response, exchange.server, now)
        if exchange.method == b"REGISTER":
            return out + self._register_answered(response, exchange.server, now)
        health = self.servers.get(exchange.server.flow)
        if health is not None:
            health.answers_pings = True
        self._ping_at = max(self._ping_at, self._next_ping(now))
        return out + self._register(now)

    def lives(self, flow: Flow, now: float) -> None:
        """Something came from that server."""
        if self.servers.answered(flow) and self._registration and not self._registration.at:
            self._registration.forget(now)

    def failed(self, flow: Flow, trouble: str, now: float, *, refuses: bool = False, wait: float = 0.0) -> None:
        """That server is of no use now, in plain words; the next best is used meanwhile."""
        self.servers.failed(flow, trouble, now, refuses=refuses, wait=wait)
        registration = self._registration
        if registration and not self.leaving and (registration.at is None or registration.at.flow == flow):
            registration.forget(now)

    def declines(self, flow: Flow, status: int, now: float, wait: float) -> None:
        """That server wants no call now. What we are registered for stands."""
        self.servers.failed(flow, words_of.refusing(flow, status), now, refuses=True, wait=wait)

    def disconnected(self, flow: Flow, now: float, why: str) -> None:
        """The connection to a server has ended, or could not be opened."""
        health = self.servers.get(flow)
        registration = self._registration
        if health is None:
            return
        if self._exchanges.lost(health.server) or why:
            self.failed(flow, words_of.unconnected(flow, why), now)
        elif registration and registration.at and registration.at.flow == flow:
            registration.forget(now + RECONNECT * self._tools.dice.random())

    def leave(self, now: float) -> list[Output]:
        """The provider is not used any more: sign off, as far as that can be done."""
        self.leaving = True
        self._exchanges.drop(b"REGISTER")
        self._exchanges.drop(b"OPTIONS")
        self._tools.directory.want(self._owner, [])
        registration = self._registration
        return self._send_register(registration.at, now) if registration and registration.at else []

    # ---- what is said of it

    def status(self) -> TrunkIs:
        """How it is, for the desk."""
        registration = self._registration
        server = (registration.at if registration else None) or self.servers.best()
        if server is None:
            unheard = self._tools.directory.silent(self._owner)
            words = self.servers.trouble() or words_of.search(self.trunk, unheard=unheard, settled=self._settled)
            return TrunkIs(self.trunk.name, False, words)
        if registration:
            up, words = words_of.registering(registration, self.servers, server)
        else:
            up, words = words_of.reachable(self.servers, server, pings=self._pings)
        return TrunkIs(
            self.trunk.name, up, words,
            here=self._here(server)[0],
            contact=self._contact(server).decode("latin-1"),
            transport=Transport(server.flow.transport),
        )  # fmt: skip

    # ---- inside

    @property
    def _owner(self) -> str:
        return f"trunk {self.trunk.name}"

    @property
    def _pings(self) -> bool:
        return self.trunk.ping_seconds > 0

    @property
    def _can_register(self) -> bool:
        """Not while the DNS may still name a better server, nor twice at a time."""
        return self._settled and not self.leaving and not self._exchanges.asks(b"REGISTER")

    def _register(self, now: float) -> list[Output]:
        registration, server = self._registration, self.servers.best()
        if self._can_register and registration and registration.due <= now and server:
            return self._send_register(server, now)
        return []

    def _send_register(self, server: Server, now: float) -> list[Output]:
        assert self._registration is not None
        self._asked_contact = self._contact(server)
        via, branch = self._via(server, b"register")
        data = self._registration.request(via, self._asked_contact, leave=self.leaving)
        self._exchanges.begin(branch, b"REGISTER", server, data, now)
        return self._tools.ways.send(server, data, now)

    def _register_answered(self, response: Response, server: Server, now: float) -> list[Output]:
        registration = self._registration
        assert registration is not None
        step = registration.answered(response, server, self._asked_contact, now)
        if step is Step.AGAIN:
            return self._send_register(server, now)
        if step is Step.TROUBLE and not self.leaving:
            words = words_of.refusing(server.flow, response.status)
            self.failed(server.flow, words, now, refuses=True, wait=retry_after(response))
        elif step is Step.DONE:
            self.servers.served(server.flow)
        return [] if self.leaving else self._register(now)

    def _try_again(self, health: Health, now: float) -> list[Output]:
        """A server that was left alone: ask it first, where we may; else the next call or REGISTER finds out."""
        if health.refuses or not self._pings or not self._judged_by_pings(health.server.flow):
            health.down, health.refuses, health.trouble = False, False, ""
            return []
        if self._exchanges.asks(b"OPTIONS", health.server):
            health.again = now + 1.0
            return []
        health.again = now + PATIENCE + 1.0
        return self._send_ping(health.server, now)

    def _judged_by_pings(self, flow: Flow) -> bool:
        """Does silence to OPTIONS mean that it is dead? Where we register, that tells by itself."""
        health = self.servers.get(flow)
        return self._registration is None or (health is not None and health.answers_pings)

    def _ping(self, now: float) -> list[Output]:
        server = (self._registration.at if self._registration else None) or self.servers.best()
        if not self._pings or server is None or self._ping_at > now:
            return []
        self._ping_at = self._next_ping(now)
        return [] if self._exchanges.asks(b"OPTIONS", server) else self._send_ping(server, now)

    def _next_ping(self, now: float) -> float:
        return now + self.trunk.ping_seconds * self._tools.dice.uniform(0.9, 1.1)

    def _send_ping(self, server: Server, now: float) -> list[Output]:
        via, branch = self._via(server, b"ping")
        uri = b"sip:" + self.trunk.domain.encode()
        data = options(via, uri, self._tools.signs.outside(server.flow), branch[-8:] + self._call_id, self._serial)
        self._exchanges.begin(branch, b"OPTIONS", server, data, now)
        return self._tools.ways.send(server, data, now)

    def _via(self, server: Server, purpose: bytes) -> tuple[bytes, bytes]:
        """Our Via line, which asks where we are seen (RFC 3581), and its branch."""
        self._serial += 1
        transaction = b"%b %b %d" % (purpose, self._call_id, self._serial)
        line = self._tools.signs.via_outside(server.flow, transaction, "")
        return line + b";rport", line.rpartition(b"branch=")[2]

    def _here(self, server: Server) -> tuple[str, int]:
        """Our address and port as that server sees them."""
        if self._seen_at is not None:
            return self._seen_at
        host, port = host_and_port(self._tools.signs.outside(server.flow).decode())
        return host, port

    def _contact(self, server: Server) -> bytes:
        user = escaped(self.trunk.user).decode()
        where = host_port(*self._here(server))
        transport = "" if server.flow.transport == "udp" else f";transport={server.flow.transport}"
        mark = f";line={self.mark}" if self.mark else ""
        return f"sip:{user}{'@' if user else ''}{where}{transport}{mark}".encode()

    def _learn(self, response: Response, server: Server, now: float) -> list[Output]:
        """The answer says from where our request seemed to come: that is where the provider finds us."""
        via = response.via
        host = (grammar.param(via.params, b"received") or b"").decode("latin-1")
        port = grammar.param(via.params, b"rport") or b""
        own_host, own_port = host_and_port(self._tools.signs.outside(server.flow).decode())
        if not host and not port:
            return []
        host = host.strip("[]") if packed(host.strip("[]")) else own_host
        seen_port = int(port) if port.isdigit() and 0 < int(port[:6]) < 65536 else own_port
        # Over a connection of ours, its port is nobody's to call, unless a router stands between.
        seen = (host, own_port if server.flow.transport != "udp" and host == own_host else seen_port)
        self._seen_at = seen if seen != (own_host, own_port) else None
        registration = self._registration
        stale = registration and registration.at and registration.contact != self._contact(server)
        if registration and stale and now - self._moved >= SETTLING:
            self._moved = now
            registration.due = now
            return self._register(now)
        return []


def retry_after(response: Response) -> float:
    """Seconds the server wants to be left alone; 0 when it does not say."""
    said = response.first(b"retry-after").split(b"(")[0].split(b";")[0].strip()
    return float(said) if said.isdigit() and len(said) < 6 else 0.0
