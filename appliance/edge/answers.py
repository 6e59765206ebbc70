"""Our own answers to requests from outside, and the telling of every no.

A challenge is no refusal, nor are "not so often" and "not now": they ask for the same once more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from appliance.calls.edge import Refusal
from appliance.edge import grammar
from appliance.edge.binding import Denied
from appliance.edge.flows import Flow, Output, Send, is_local
from appliance.edge.guard import Guard
from appliance.edge.message import Garbled, Request
from appliance.edge.signs import Signs

ALLOW = b"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, SUBSCRIBE, INFO, UPDATE, PRACK, REFER, NOTIFY"

LOUDEST = 2.0
"""Bytes of a no per byte of what was asked, over UDP to an address outside where nobody of ours lives. No telephone asks
in so few words that it would not be answered; who wants to have us flood somebody else does."""
LONGEST_URI = 1024
"""Bytes of a Request-URI; no number and no name is as long."""
LONGEST_PASSED = 6144
"""Bytes of a head that the engine gets: one of 8,362 was not answered by pjsip 2.17, one of 7,362 was."""
_REASONS = {414: b"Request-URI Too Long", 505: b"Version Not Supported", 513: b"Message Too Large"}
_COME_AGAIN = {423, 480}
_KINDS = {
    400: Refusal.GARBLED,
    403: Refusal.NOT_ALLOWED,
    481: Refusal.NO_SUCH_CALL,
    500: Refusal.GARBLED,
}
"""What a Denied is told as; those not in here are NOT_SUPPORTED."""

Refuse = Callable[[Refusal, Flow, str, float], None]


class No(NamedTuple):
    """A refusal: what the desk is told, and what who asked is answered."""

    refusal: Refusal
    detail: str
    """Plain words."""
    status: int
    reason: bytes
    more: tuple[bytes, ...] = ()
    """Header lines."""


TOO_LARGE = No(Refusal.NOT_SUPPORTED, "a head that is too long", 513, _REASONS[513])
TOO_MANY_HOPS = No(Refusal.NOT_SUPPORTED, "has been passed on too often", 483, b"Too Many Hops")


def unserved(request: Request) -> No | None:
    """What to say to a request no proof would help (section 16.3); None when there is nothing wrong with it."""
    if len(request.uri) > LONGEST_URI:
        return No(Refusal.NOT_SUPPORTED, "a number that is too long", 414, _REASONS[414])
    if too_large(request):
        return TOO_LARGE
    if grammar.sip_uri(request.uri) is None:
        return No(Refusal.NOT_SUPPORTED, "an address that is not one of SIP", 416, b"Unsupported URI Scheme")
    if request.max_forwards == 0:
        return TOO_MANY_HOPS
    required = request.values(b"proxy-require")
    return unknown_extension(required) if required else None


def too_large(request: Request) -> bool:
    """Would the engine not take it?"""
    return request.size - len(request.body) > LONGEST_PASSED


def unknown_extension(required: list[bytes]) -> No:
    """They insist on something of SIP that is not ours."""
    asked = b", ".join(required)
    detail = f"insists on {grammar.printable(asked, 40)}"
    return No(Refusal.NOT_SUPPORTED, detail, 420, b"Bad Extension", (b"Unsupported: " + asked,))


def unknown_method(request: Request) -> No:
    """They ask for something nobody here does."""
    detail = grammar.printable(request.method, 20)
    return No(Refusal.NOT_SUPPORTED, detail, 405, b"Method Not Allowed", (ALLOW,))


@dataclass(slots=True)
class Answers:
    """Gives them."""

    signs: Signs
    guard: Guard
    refuse: Refuse
    """Reports a refusal."""
    spared: Callable[[str], bool]
    """Does anybody who belongs to us live at this address?"""

    def give(self, request: Request, source: Flow, status: int, reason: bytes, *more: bytes) -> list[Output]:
        """An answer, unless it would be a loud one to somebody who may not have asked."""
        tag = self.signs.tokens.tag(request.call_id, request.via.branch, request.number)
        data = request.answered(status, reason, request.stamped(source.host, source.port), tag, list(more))
        if status > 299 and len(data) > LOUDEST * request.size and self._may_be_forged(source):
            return []
        return [Send(self.signs.answer_to(request, source), data)]

    def no(self, request: Request, source: Flow, now: float, no: No) -> list[Output]:
        """Refuse, and tell it."""
        self.refuse(no.refusal, source, no.detail, now)
        return self.give(request, source, no.status, no.reason, *no.more)

    def denied(self, request: Request, source: Flow, now: float, denied: Denied) -> list[Output]:
        """What registrar or notifier have refused."""
        if denied.status not in _COME_AGAIN:
            kind = _KINDS.get(denied.status, Refusal.NOT_SUPPORTED)
            detail = f"{grammar.printable(request.method, 20)}: {denied.reason.decode('ascii').lower()}"
            self.refuse(kind, source, detail, now)
        return self.give(request, source, denied.status, denied.reason, *denied.more)

    def garbled(self, garbled: Garbled, source: Flow, now: float) -> list[Output]:
        """Say no to what is no message, if there is a way to say it."""
        self.refuse(Refusal.GARBLED, source, garbled.reason, now)
        request = garbled.request
        if request is None or request.method == b"ACK" or not self.guard.admit(source, now):
            return []
        if self.looks_around(request, source, now):
            return []
        return self.give(request, source, garbled.status, _REASONS.get(garbled.status, b"Bad Request"))

    def no_such_call(
        self, request: Request, source: Flow, now: float, what: bytes = b"Call/Transaction"
    ) -> list[Output]:
        """It speaks of something that is not there."""
        if self.floods(source, now) or self.looks_around(request, source, now):
            return []
        detail = f"{grammar.printable(request.method, 20)} for a call that is not there"
        return self.no(request, source, now, No(Refusal.NO_SUCH_CALL, detail, 481, what + b" Does Not Exist"))

    def floods(self, source: Flow, now: float) -> bool:
        """Has whoever sent this asked too much? Takes one from what they may, and tells if nothing is left."""
        if self.guard.admit(source, now):
            return False
        self.refuse(Refusal.FLOOD, source, "too many requests", now)
        return True

    def looks_around(self, request: Request, source: Flow, now: float) -> bool:
        """Is this one of those who only want to know who is there? They hear nothing, however it is written; tells it."""
        agent = request.first(b"user-agent")
        if self.guard.scans(agent):
            self.refuse(Refusal.STRANGER, source, f"calls itself {grammar.printable(agent, 40)}", now)
            return True
        if request.method == b"OPTIONS" and not self.spared(source.host):
            self.refuse(Refusal.STRANGER, source, "asked what we are", now)
            return True
        return False

    def _may_be_forged(self, source: Flow) -> bool:
        """Whoever writes another's address as sender of a datagram has our answer sent there."""
        return source.transport == "udp" and not is_local(source.host) and not self.spared(source.host)
