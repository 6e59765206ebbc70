"""A provider without sockets: its customers register with a password, call out through it and are called by it.

Small and honest: it asks for proofs (MD5 or SHA-256, RFC 7616), forgets those who do not refresh, answers where RFC 3581
says, writes Record-Route into nothing and does nothing but what it is told: fall silent, be overloaded, take a short
registration only, call somebody. Sound is not its business: it answers with the SDP it is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from appliance.edge import digest, grammar
from appliance.edge.flows import Flow, Send, host_port
from appliance.edge.message import Request, Response, parse

T1 = 0.5
GIVE_UP = 32.0
"""Seconds to the first repeat of an INVITE, and until it is given up (RFC 3261 section 17.1.1.2)."""


@dataclass(slots=True)
class Customer:
    """Where somebody is registered."""

    contact: bytes
    flow: Flow
    until: float


@dataclass(slots=True)
class Call:
    """A call, in either direction."""

    call_id: bytes
    number: str
    """The one that was called."""
    caller: str
    """The number or user part in From."""
    state: str = "trying"
    """`trying`, `ringing`, `up`, `over`."""
    status: int = 0
    """Of the answer to a call of ours."""
    request: Request | None = None
    """The customer's INVITE, as it came last."""
    ours: bool = False
    sent: bytes = b""
    flow: Flow | None = None
    again: float = float("inf")
    wait: float = T1
    ends: float = 0.0
    far: Response | None = None
    cseq: int = 1


@dataclass(slots=True)
class Behaviour:
    """What it does just now."""

    silent: bool = False
    """Says nothing at all."""
    status: int = 0
    """Answers every INVITE and REGISTER with this."""
    retry_after: int = 0
    algorithm: str = "MD5"
    one_time: bool = False
    """Takes no nonce twice."""
    shortest: int = 60
    longest: int = 3600
    """Seconds of a registration."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """Numbers that cannot be called, and the answer."""
    rings_only: bool = False
    trusts: frozenset[str] = frozenset()
    """Addresses whose calls need no proof."""
    service_route: str = ""


class Provider:
    """One server of one provider, at one address."""

    def __init__(self, domain: str, me: Flow, passwords: Mapping[str, str], dice: Random, sdp: bytes = b"") -> None:
        self.domain = domain
        self.me = me
        self.passwords = dict(passwords)
        self.behaviour = Behaviour()
        self.customers: dict[str, Customer] = {}
        self.calls: dict[bytes, Call] = {}
        self.heard: list[Request] = []
        """Every request, newest last."""
        self._dice = dice
        self._sdp = sdp
        self._nonces: dict[bytes, int] = {}
        self._serial = 0

    def receive(self, data: bytes, source: Flow, now: float) -> list[Send]:
        """One message from a customer."""
        message = parse(data)
        if self.behaviour.silent:
            return []
        match message:
            case Request():
                self.heard.append(message)
                return self._requested(message, source, now)
            case Response():
                return self._answered(message, source)
            case _:
                return []

    def next_deadline(self) -> float | None:
        """When something is to be sent again."""
        return min((min(each.again, each.ends) for each in self._waiting()), default=None)

    def tick(self, now: float) -> list[Send]:
        """Send again what nobody has answered."""
        out: list[Send] = []
        for call in self._waiting():
            if call.ends <= now:
                call.state, call.status, call.again = "over", 408, float("inf")
            elif call.again <= now and call.flow is not None:
                call.wait *= 2
                call.again = now + call.wait
                out.append(Send(call.flow, call.sent))
        return out

    # ---- what the provider does by itself

    def call(self, user: str, number: str, caller: str, now: float, more: tuple[bytes, ...] = ()) -> list[Send]:
        """Somebody outside has dialled `number`, one of this customer's."""
        customer = self.customers.get(user)
        if customer is None or customer.until <= now:
            return []
        return self.call_at(customer.contact, customer.flow, number, caller, now, more)

    def call_at(
        self, uri: bytes, flow: Flow, number: str, caller: str, now: float, more: tuple[bytes, ...] = ()
    ) -> list[Send]:
        """The same to a customer who is known by address."""
        call = Call(self._word(), number, caller, ours=True, flow=flow, again=now + T1, ends=now + GIVE_UP)
        if flow.transport != "udp":
            call.again = float("inf")
        contact = b"<sip:%b>" % self._here()
        lines = [
            *self._start(b"INVITE", uri, call, b"<sip:%b@%b>" % (number.encode(), self.domain.encode())),
            b"Contact: " + contact,
            *more,
        ]
        call.sent = _message(lines, self._sdp)
        self.calls[call.call_id] = call
        return [Send(flow, call.sent)]

    def hang_up(self, call_id: bytes) -> list[Send]:
        """End a call that is up."""
        call = self.calls[call_id]
        if call.state != "up" or call.flow is None:
            return []
        call.state = "over"
        call.cseq += 1
        return [Send(call.flow, _message(self._within(b"BYE", call)))]

    # ---- requests

    def _requested(self, request: Request, source: Flow, now: float) -> list[Send]:
        call = self.calls.get(request.call_id)
        match request.method:
            case b"REGISTER":
                return self._register(request, source, now)
            case b"INVITE" if call is None or request.called.tag == b"":
                return self._invite(request, source)
            case b"ACK":
                return []
            case b"BYE" if call is not None:
                call.state = "over"
                return [self._reply(request, source, 200, b"OK")]
            case b"CANCEL" if call is not None and call.request is not None and call.state != "up":
                call.state = "over"
                return [
                    self._reply(request, source, 200, b"OK"),
                    self._reply(call.request, source, 487, b"Request Terminated"),
                ]
            case b"OPTIONS":
                return [self._reply(request, source, 200, b"OK")]
            case b"INVITE" | b"UPDATE" | b"INFO" if call is not None:
                return [self._reply(request, source, 200, b"OK", self._contact(), body=self._sdp)]
            case _:
                return [self._reply(request, source, 481, b"Call/Transaction Does Not Exist")]

    def _register(self, request: Request, source: Flow, now: float) -> list[Send]:
        refusal = self._overloaded(request, source) or self._unproved(request, source, 401)
        if refusal is not None:
            return [refusal]
        user = (grammar.sip_uri(request.called.uri) or grammar.SipUri(b"", b"", 0, b"", b"")).user.decode()
        lines: list[bytes] = []
        for value in request.all(b"contact"):
            contact = grammar.address(value)
            seconds = int(grammar.param(contact.params, b"expires") or b"3600") if contact else 0
            if contact is None or not seconds:
                if contact and user in self.customers and self.customers[user].contact == contact.uri:
                    del self.customers[user]
                continue
            if seconds < self.behaviour.shortest:
                least = b"Min-Expires: %d" % self.behaviour.shortest
                return [self._reply(request, source, 423, b"Interval Too Brief", least)]
            seconds = min(seconds, self.behaviour.longest)
            self.customers[user] = Customer(contact.uri, source, now + seconds)
            lines.append(b"Contact: <%b>;expires=%d" % (contact.uri, seconds))
        if self.behaviour.service_route:
            lines.append(b"Service-Route: " + self.behaviour.service_route.encode())
        return [self._reply(request, source, 200, b"OK", *lines)]

    def _invite(self, request: Request, source: Flow) -> list[Send]:
        refusal = self._overloaded(request, source)
        if refusal is None and source.host not in self.behaviour.trusts:
            refusal = self._unproved(request, source, 407)
        if refusal is not None:
            return [refusal]
        uri = grammar.sip_uri(request.uri)
        number = uri.user.decode() if uri else ""
        caller = grammar.sip_uri(request.caller.uri)
        call = self.calls.setdefault(
            request.call_id, Call(request.call_id, number, caller.user.decode() if caller else "", flow=source)
        )
        call.request, call.cseq = request, max(call.cseq, 1)
        trying = self._reply(request, source, 100, b"Trying")
        if number in self.behaviour.refused:
            call.state = "over"
            return [trying, self._reply(request, source, self.behaviour.refused[number], b"No")]
        ringing = self._reply(request, source, 180, b"Ringing", self._contact())
        if self.behaviour.rings_only:
            call.state = "ringing"
            return [trying, ringing]
        call.state = "up"
        return [trying, ringing, self._reply(request, source, 200, b"OK", self._contact(), body=self._sdp)]

    def _overloaded(self, request: Request, source: Flow) -> Send | None:
        if not self.behaviour.status:
            return None
        after = [b"Retry-After: %d" % self.behaviour.retry_after] if self.behaviour.retry_after else []
        return self._reply(request, source, self.behaviour.status, b"No", *after)

    def _unproved(self, request: Request, source: Flow, status: int) -> Send | None:
        """The challenge; None when the request carries the right proof."""
        field_name = b"authorization" if status == 401 else b"proxy-authorization"
        said = digest.fields(request.first(field_name).partition(b" ")[2])
        stale = False
        if said:
            user, nonce = said.get(b"username", b""), said.get(b"nonce", b"")
            if self._expected(said, user, request.method) != said.get(b"response"):
                return self._reply(request, source, 403, b"Forbidden")
            number = int(said.get(b"nc", b"0"), 16)
            uses = self._nonces.get(nonce)
            stale = uses is None or number <= uses or (self.behaviour.one_time and uses > 0)
            if not stale:
                self._nonces[nonce] = number
                return None
        nonce = self._word()
        self._nonces[nonce] = 0
        header = b"WWW-Authenticate" if status == 401 else b"Proxy-Authenticate"
        words = b'realm="%b", nonce="%b", algorithm=%b, qop="auth"' % (
            self.domain.encode(), nonce, self.behaviour.algorithm.encode(),
        )  # fmt: skip
        line = b"%b: Digest %b%b" % (header, words, b", stale=true" if stale else b"")
        return self._reply(request, source, status, b"Who are you", line)

    def _expected(self, said: Mapping[bytes, bytes], user: bytes, method: bytes) -> bytes:
        def hashed(*words: bytes) -> bytes:
            text = b":".join(words)
            made = hashlib.sha256(text) if self.behaviour.algorithm == "SHA-256" else hashlib.md5(text)  # noqa: S324
            return made.hexdigest().encode()

        password = self.passwords.get(user.decode("utf-8", "replace"))
        if password is None:
            return b"nobody"
        secret = hashed(user, self.domain.encode(), password.encode())
        return hashed(
            secret, said.get(b"nonce", b""), said.get(b"nc", b""), said.get(b"cnonce", b""), b"auth",
            hashed(method, said.get(b"uri", b"")),
        )  # fmt: skip

    # ---- answers to calls of ours

    def _answered(self, response: Response, source: Flow) -> list[Send]:
        call = self.calls.get(response.first(b"call-id"))
        if call is None or not call.ours or response.method != b"INVITE":
            return []
        call.again = float("inf")
        if response.status < 200:
            call.state = "ringing" if response.status > 100 else call.state
            return []
        call.status, call.far = response.status, response
        call.state = "up" if response.status < 300 else "over"
        if response.status >= 300:
            return [Send(source, _message(self._refusal_ack(call, response)))]
        return [Send(source, _message(self._within(b"ACK", call)))]

    def _refusal_ack(self, call: Call, response: Response) -> list[bytes]:
        invite = parse(call.sent)
        assert isinstance(invite, Request)
        keep = {b"via", b"from", b"call-id"}
        kept = [line for key, line in zip(invite.keys, invite.lines, strict=True) if key in keep]
        to = b"To: " + response.first(b"to")
        return [b"ACK %b SIP/2.0" % invite.uri, *kept, to, b"CSeq: 1 ACK", b"Max-Forwards: 70"]

    def _within(self, method: bytes, call: Call) -> list[bytes]:
        """A request in the dialog: where the customer's Contact and Record-Route lead."""
        if call.ours:
            assert call.far is not None
            far = grammar.address(call.far.first(b"contact"))
            routes = list(reversed(call.far.all(b"record-route")))
            to = call.far.first(b"to")
            me = call.far.first(b"from")
        else:
            assert call.request is not None
            far = grammar.address(call.request.first(b"contact"))
            routes = call.request.all(b"record-route")
            to = call.request.first(b"from")
            me = call.request.first(b"to") + b";tag=" + self._tag(call.request)
        number = 1 if method == b"ACK" else call.cseq
        return [
            b"%b %b SIP/2.0" % (method, far.uri if far else b"sip:nobody"),
            self._via(),
            *(b"Route: " + each for each in routes),
            b"Max-Forwards: 70",
            b"From: " + me,
            b"To: " + to,
            b"Call-ID: " + call.call_id,
            b"CSeq: %d %b" % (number, method),
        ]

    # ---- writing

    def _start(self, method: bytes, uri: bytes, call: Call, to: bytes) -> list[bytes]:
        return [
            b"%b %b SIP/2.0" % (method, uri),
            self._via(),
            b"Max-Forwards: 70",
            b"From: <sip:%b@%b>;tag=%b" % (call.caller.encode(), self.domain.encode(), self._word()),
            b"To: " + to,
            b"Call-ID: " + call.call_id,
            b"CSeq: %d %b" % (call.cseq, method),
        ]

    def _reply(
        self, request: Request, source: Flow, status: int, reason: bytes, *more: bytes, body: bytes = b""
    ) -> Send:
        """An answer, sent back to where the request came from, with its Vias and Record-Routes."""
        kept = {b"via", b"record-route", b"from", b"call-id", b"cseq"}
        lines = [b"SIP/2.0 %d %b" % (status, reason)]
        first = True
        for key, line in zip(request.keys, request.lines, strict=True):
            if key == b"to":
                lines.append(line if request.called.tag or status == 100 else line + b";tag=" + self._tag(request))
            elif key in kept:
                lines.append(request.stamped(source.host, source.port) if key == b"via" and first else line)
                first = first and key != b"via"
        return Send(source, _message([*lines, *more], body))

    def _tag(self, request: Request) -> bytes:
        return b"p" + hashlib.sha256(request.call_id + self.domain.encode() + self._here()).hexdigest()[:8].encode()

    def _via(self) -> bytes:
        return b"Via: SIP/2.0/%b %b;branch=z9hG4bK%b;rport" % (
            self.me.transport.upper().encode(), self._here(), self._word(),
        )  # fmt: skip

    def _contact(self) -> bytes:
        return b"Contact: <sip:%b>" % self._here()

    def _here(self) -> bytes:
        return host_port(self.me.host, self.me.port).encode()

    def _waiting(self) -> list[Call]:
        return [each for each in self.calls.values() if each.ours and each.state == "trying"]

    def _word(self) -> bytes:
        self._serial += 1
        return b"%x%012x" % (self._serial, self._dice.getrandbits(48))


def _message(lines: list[bytes], body: bytes = b"") -> bytes:
    kind = [b"Content-Type: application/sdp"] if body else []
    return b"\r\n".join([*lines, *kind, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body
