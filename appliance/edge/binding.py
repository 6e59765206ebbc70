"""One registered telephone, and what a REGISTER asks for one (RFC 3261 section 10.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from appliance.edge import grammar
from appliance.edge.flows import Flow, is_local
from appliance.edge.message import Request

LONGEST = 3600
SHORTEST = 30
"""Seconds a registration may last."""
LATE = 32.0
"""Seconds a REGISTER may wander about the network (64 times T1); an older CSeq after that is a telephone that began
anew."""
STALE = 30.0
"""Seconds that what is kept of a registration may be behind: a refresh alone is not written to a memory card at once."""
GRACE = 30.0
"""Seconds a telephone on a connection has to come back after its connection ended (or we did) before it counts as gone."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One telephone of an extension."""

    device: str
    extension: bytes
    contact: bytes
    """The URI exactly as the telephone wrote it."""
    flow: Flow
    """Where the REGISTER came from."""
    target: Flow
    """Where its requests go: `flow`, or the Contact's port when the telephone is not behind a router."""
    call_id: bytes
    number: int
    """Of the last REGISTER's CSeq."""
    updated: float
    expires: float
    """Monotonic seconds."""
    instance: bytes = b""
    agent: str = ""
    lost_at: float | None = None
    """When its connection ended, if it has; the telephone calls back by itself."""

    @property
    def place(self) -> tuple[object, ...]:
        """All that a mere refresh leaves as it is; some telephones begin a new Call-ID with each."""
        return self.contact, self.flow, self.target, self.instance, self.agent, self.lost_at

    @property
    def request_uri(self) -> bytes:
        """The Contact as a Request-URI: without headers, which may not stand in one (section 19.1.1)."""
        uri = grammar.sip_uri(self.contact)
        return self.contact.removesuffix(uri.headers) if uri and uri.headers else self.contact

    @property
    def behind_router(self) -> bool:
        """A UDP telephone that names another address than the one it is seen at, or is not in the firm's network: some
        find out their public address, or have a router that writes it in, and are behind it all the same.
        """
        if self.flow.transport != "udp":
            return False
        uri = grammar.sip_uri(self.contact)
        return uri is None or uri.host != self.flow.host.encode() or not is_local(self.flow.host)


@dataclass(frozen=True, slots=True)
class Wish:
    """One Contact of a REGISTER."""

    uri: bytes
    instance: bytes
    seconds: int


class Denied(Exception):
    """This REGISTER cannot be done; carries the answer."""

    def __init__(self, status: int, reason: bytes, *more: bytes) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.more = list(more)


def lost(binding: Binding, now: float) -> Binding:
    """The binding of a telephone whose connection has just ended: it may come back, and lapses soon if it does not."""
    return replace(binding, lost_at=now, expires=min(binding.expires, now + GRACE))


def wishes_of(request: Request) -> list[Wish]:
    """What each Contact of the REGISTER asks for.

    Raises:
        Denied: one of them cannot be had.
    """
    default = seconds_of(request.first(b"expires"), LONGEST)
    return [_wish(value, default) for value in request.all(b"contact")]


def _wish(value: bytes, default: int) -> Wish:
    contact = grammar.address(value)
    uri = grammar.sip_uri(contact.uri) if contact else None
    if contact is None or uri is None:
        raise Denied(400, b"Bad Contact")
    expires = grammar.param(contact.params, b"expires")
    seconds = default if expires is None else seconds_of(expires, default)
    if 0 < seconds < SHORTEST:
        raise Denied(423, b"Interval Too Brief", b"Min-Expires: %d" % SHORTEST)
    return Wish(contact.uri, grammar.param(contact.params, b"+sip.instance") or b"", min(seconds, LONGEST))


def seconds_of(value: bytes, default: int) -> int:
    """Seconds as written; a number that is none counts as not written (section 10.2.1.1)."""
    if not value.isdigit():
        return default
    return int(value) if len(value) < 10 else LONGEST


def is_repeat(old: Binding, request: Request, now: float) -> bool:
    """Is it a repeat of, or older than, what we have done already?

    Raises:
        Denied: older (section 10.3, step 7).
    """
    if old.call_id != request.call_id or request.number > old.number:
        return False
    if request.number == old.number:
        return True
    if now - old.updated < LATE:
        raise Denied(500, b"Registration Out Of Order")
    return False


def began_anew(old: Binding, wish: Wish, request: Request, source: Flow) -> bool:
    """Is it the telephone we know, started again at another port of its address?

    Without this the old port would be rung as a telephone of its own until its registration lapses. Behind a router
    many telephones share an address, and those with an instance id say themselves which they are.
    """
    uri = grammar.sip_uri(wish.uri)
    return (
        not (wish.instance or old.instance or old.behind_router)
        and source.transport == old.flow.transport == "udp"
        and source.host == old.flow.host
        and uri is not None
        and uri.host == source.host.encode()
        and agent_of(request) == old.agent != ""
    )


def agent_of(request: Request) -> str:
    """What the telephone calls itself."""
    return grammar.printable(request.first(b"user-agent"), 60)


def target_of(contact: bytes, source: Flow) -> Flow:
    """Where to send: back where it came from, but in the firm's network to the Contact's own port if it names the address
    it is seen at. A telephone outside may name its router's address and a port that is open to others only.
    """
    uri = grammar.sip_uri(contact)
    if source.transport != "udp" or uri is None or uri.host != source.host.encode() or not is_local(source.host):
        return source
    wanted = grammar.param(uri.params, b"transport") or b"udp"
    return Flow("udp", source.host, uri.port or 5060) if wanted.lower() == b"udp" else source
