"""A desk telephone without sockets: registers, calls, rings, answers, hangs up (RFC 3261, digest of RFC 7616 with MD5).

`receive` takes a datagram, `tick` what time has brought, and the methods are the keys of the telephone; all return what
to send and what a person would notice. One call at a time: a second caller hears busy, as on a telephone with one line.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from random import Random

from appliance.calls.timers import Timers
from appliance.edge import grammar
from appliance.edge.message import Request, Response, parse

T1 = 0.5
"""Seconds before a datagram that was not answered is sent again; doubled up to `T2` (RFC 3261, 17.1.1.2)."""
T2 = 4.0
GIVE_UP = 32.0
EXPIRES = 120


@dataclass(frozen=True, slots=True)
class Send:
    """A datagram for the box."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """The box has taken our registration, or (with its reason) not."""

    registered: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rings:
    """Somebody calls; `number` and `name` are what the display shows."""

    number: str
    name: str


@dataclass(frozen=True, slots=True)
class FarRings:
    """Whom we called hears it ring."""


@dataclass(frozen=True, slots=True)
class Talks:
    """The call is up: sound goes to `host` and `port` as G.711 µ-law."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Over:
    """The call has ended; `status` is the SIP status when it was refused, else 0."""

    status: int = 0


Effect = Send | Signed | Rings | FarRings | Talks | Over


@dataclass(slots=True)
class _Call:
    call_id: str
    ours: str
    """Our tag."""
    theirs: bytes = b""
    """The other side's From or To, whole."""
    target: str = ""
    """Where requests within the call go (their Contact)."""
    routes: list[bytes] = field(default_factory=list)
    number: int = 0
    """Our last CSeq."""
    invite: Request | None = None
    """What they sent, when they called us."""
    accepted: bytes = b""
    """Our 200, until its ACK comes."""
    up: bool = False
    media: tuple[str, int] = ("", 0)
    dialled: str = ""
    branch: str = ""
    proved: bool = False
    ended: bool = False


@dataclass(slots=True)
class _Sent:
    data: bytes
    pause: float
    until: float


class Telephone:
    """One registered telephone with one line."""

    def __init__(
        self, extension: str, password: str, box: tuple[str, int], me: tuple[str, int], media_port: int, dice: Random
    ) -> None:
        """`box` and `me` are the SIP addresses of both; `media_port` is where our sound is expected."""
        self.extension = extension
        self._password = password
        self._box, self._me, self._media_port = box, me, media_port
        self._dice = dice
        self._register_id = self._word()
        self._register_number = 0
        self._proof: tuple[str, str] | None = None
        self._proxy = False
        self._count = 0
        self._asked_proof = False
        self._wanted = 0
        self._call: _Call | None = None
        self._sent: dict[str, _Sent] = {}
        self._timers: Timers[str] = Timers()

    @property
    def busy(self) -> bool:
        """There is a call, at whatever stage."""
        return self._call is not None

    # ---- what a person does

    def register(self, now: float, expires: int = EXPIRES) -> list[Effect]:
        """Sign on (and again whenever it is time); with 0 sign off."""
        self._wanted, self._asked_proof = expires, False
        return self._register(now)

    def dial(self, number: str, now: float) -> list[Effect]:
        """Call a number; nothing when there is a call already."""
        if self._call is not None:
            return []
        self._call = _Call(self._word(), self._word(), dialled=number)
        return self._invite(self._call, now)

    def answer(self, now: float) -> list[Effect]:
        """Lift the receiver while it rings."""
        call = self._call
        if call is None or call.invite is None or call.up:
            return []
        call.up = True
        call.accepted = self._reply(call.invite, 200, "OK", self._sound_offer())
        self._keep_sending("200", call.accepted, now)
        return [Send(call.accepted), Talks(*call.media)]

    def refuse(self, status: int = 486) -> list[Effect]:
        """Do not take the call that rings."""
        call = self._call
        if call is None or call.invite is None or call.up:
            return []
        self._call = None
        self._timers.cancel("200")
        return [Send(self._reply(call.invite, status, "Busy Here" if status == 486 else "Declined")), Over(status)]

    def hang_up(self, now: float) -> list[Effect]:
        """Put the receiver down: ends, gives up or refuses whatever call there is."""
        call = self._call
        if call is None:
            return []
        if call.up:
            self._call = None
            return [*self._within(call, "BYE", now), Over()]
        if call.invite is not None:
            return self.refuse()
        if call.ended:
            return []
        call.ended = True
        cancel = self._head(
            "CANCEL", self._uri(call.dialled), call.branch, call, call.number, f"<{self._uri(call.dialled)}>"
        )
        return [Send(self._message(cancel))]

    # ---- time

    def next_deadline(self) -> float | None:
        """When `tick` is wanted."""
        return self._timers.next()

    def tick(self, now: float) -> list[Effect]:
        """Send again what was not answered, sign on again in time."""
        effects: list[Effect] = []
        for key in self._timers.due(now):
            if key == "register":
                effects += self.register(now, self._wanted or EXPIRES)
                continue
            sent = self._sent.get(key)
            if sent is None:
                continue
            if now >= sent.until:
                del self._sent[key]
                effects += self._unanswered(key, now)
                continue
            sent.pause = min(2 * sent.pause, T2)
            self._timers.set(key, now + sent.pause)
            effects.append(Send(sent.data))
        return effects

    def _unanswered(self, key: str, now: float) -> list[Effect]:
        if key.startswith("REGISTER"):
            self._timers.set("register", now + T2)
            return [Signed(registered=False, reason="the box does not answer")]
        if key.startswith("INVITE") and self._call is not None:
            self._call = None
            return [Over(408)]
        return []

    # ---- what comes in

    def receive(self, data: bytes, now: float) -> list[Effect]:
        """One datagram; what is not SIP is dropped."""
        match parse(data):
            case Request() as request:
                return self._requested(request)
            case Response() as response:
                return self._answered(response, now)
            case _:
                return []

    def _requested(self, request: Request) -> list[Effect]:
        match request.method:
            case b"INVITE":
                return self._invited(request)
            case b"ACK":
                self._stop_sending("200")
                return []
            case b"BYE" if self._is_of_call(request):
                self._call = None
                self._stop_sending("200")
                return [Send(self._reply(request, 200, "OK")), Over()]
            case b"CANCEL" if self._is_of_call(request) and self._call and self._call.invite and not self._call.up:
                invite, self._call = self._call.invite, None
                cancelled = self._reply(invite, 487, "Request Terminated")
                return [Send(self._reply(request, 200, "OK")), Send(cancelled), Over(487)]
            case b"BYE" | b"CANCEL":
                return [Send(self._reply(request, 481, "No Such Call"))]
            case b"OPTIONS" | b"NOTIFY" | b"INFO" | b"UPDATE":
                return [Send(self._reply(request, 200, "OK"))]
            case _:
                return [Send(self._reply(request, 405, "Method Not Allowed"))]

    def _is_of_call(self, request: Request) -> bool:
        return self._call is not None and request.call_id == self._call.call_id.encode()

    def _invited(self, request: Request) -> list[Effect]:
        media = _media_of(request.body)
        if self._is_of_call(request) and self._call is not None:
            return self._invited_again(self._call, request, media)
        if self._call is not None:
            return [Send(self._reply(request, 486, "Busy Here"))]
        call = _Call(request.call_id.decode("latin-1"), self._word(), theirs=request.first(b"from"))
        call.invite, call.media = request, media
        call.target = _uri_in(request.first(b"contact"))
        call.routes = request.all(b"record-route")
        self._call = call
        shown = grammar.sip_uri(request.caller.uri)
        number = shown.user.decode("latin-1") if shown else ""
        return [Send(self._reply(request, 180, "Ringing")), Rings(number, _display(request.first(b"from")))]

    def _invited_again(self, call: _Call, request: Request, media: tuple[str, int]) -> list[Effect]:
        """A repeat of what we know, or a change within the call (hold, another address for the sound)."""
        if not call.up:
            return [Send(self._reply(request, 180, "Ringing"))]
        if call.invite is not None and call.invite.number == request.number:
            return [Send(call.accepted)]
        if call.invite is not None:
            call.invite = request
        call.accepted = self._reply(request, 200, "OK", self._sound_offer())
        again = [Talks(*media)] if media[1] and media != call.media else []
        call.media = media if media[1] else call.media
        return [Send(call.accepted), *again]

    def _answered(self, response: Response, now: float) -> list[Effect]:
        key = f"{response.method.decode('latin-1')} {response.first(b'cseq').split(b' ')[0].decode('latin-1')}"
        mine = response.first(b"call-id").decode("latin-1")
        if response.status >= 200 or response.method == b"INVITE":
            self._stop_sending(key)
        if response.method == b"REGISTER" and mine == self._register_id:
            return self._registered(response, now)
        call = self._call
        if response.method == b"INVITE" and call is not None and mine == call.call_id and call.invite is None:
            return self._invite_answered(call, response, now)
        return []

    def _registered(self, response: Response, now: float) -> list[Effect]:
        if response.status in (401, 407) and not self._asked_proof:
            self._asked_proof = True
            self._learn(response)
            return self._register(now)
        if response.status != 200:
            self._timers.set("register", now + T2)
            return [Signed(registered=False, reason=response.start.decode("latin-1")[8:])]
        if self._wanted:
            self._timers.set("register", now + self._wanted / 2)
        return [Signed(registered=bool(self._wanted))]

    def _invite_answered(self, call: _Call, response: Response, now: float) -> list[Effect]:
        status = response.status
        if status < 180:
            return []
        if status < 200:
            return [FarRings()]
        if status < 300:
            return self._accepted(call, response, now)
        refused = self._ack_refusal(call, response)
        if status in (401, 407) and not call.proved:
            call.proved = True
            self._learn(response)
            return [refused, *self._invite(call, now)]
        self._call = None
        return [refused, Over(status)]

    def _accepted(self, call: _Call, response: Response, now: float) -> list[Effect]:
        fresh = not call.up
        call.up = True
        call.theirs = response.first(b"to")
        call.target = _uri_in(response.first(b"contact"))
        call.routes = list(reversed(response.all(b"record-route")))
        call.media = _media_of(response.body) if response.body else call.media
        ack = self._ack(call)
        if call.ended:  # our CANCEL came too late
            self._call = None
            return [ack, *self._within(call, "BYE", now), Over(487)]
        return [ack, Talks(*call.media)] if fresh else [ack]

    # ---- messages

    def _register(self, now: float) -> list[Effect]:
        self._register_number += 1
        uri = f"sip:{self._box[0]}:{self._box[1]}"
        me = f"<sip:{self.extension}@{self._box[0]}>"
        lines = [
            *self._start("REGISTER", uri),
            f"From: {me};tag={self._register_id[:8]}",
            f"To: {me}",
            f"Call-ID: {self._register_id}",
            f"CSeq: {self._register_number} REGISTER",
            f"Contact: {self._contact()}",
            f"Expires: {self._wanted}",
            *self._proved("REGISTER", uri),
        ]
        data = self._message(lines)
        self._keep_sending(f"REGISTER {self._register_number}", data, now)
        return [Send(data)]

    def _invite(self, call: _Call, now: float) -> list[Effect]:
        call.number += 1
        call.branch = self._branch()
        uri = self._uri(call.dialled)
        lines = self._head("INVITE", uri, call.branch, call, call.number, f"<{uri}>")
        lines += [f"Contact: {self._contact()}", *self._proved("INVITE", uri)]
        data = self._message(lines, self._sound_offer())
        self._keep_sending(f"INVITE {call.number}", data, now)
        return [Send(data)]

    def _ack(self, call: _Call) -> Send:
        return Send(self._message(self._inside(call, "ACK", call.number)))

    def _ack_refusal(self, call: _Call, response: Response) -> Send:
        uri = self._uri(call.dialled)
        return Send(
            self._message(
                self._head("ACK", uri, call.branch, call, call.number, response.first(b"to").decode("latin-1"))
            )
        )

    def _within(self, call: _Call, method: str, now: float) -> list[Effect]:
        call.number += 1
        data = self._message(self._inside(call, method, call.number))
        self._keep_sending(f"{method} {call.number}", data, now)
        return [Send(data)]

    def _inside(self, call: _Call, method: str, number: int) -> list[str]:
        lines = self._head(method, call.target, self._branch(), call, number, call.theirs.decode("latin-1"))
        return [*lines, *(f"Route: {route.decode('latin-1')}" for route in call.routes)]

    def _head(self, method: str, uri: str, branch: str, call: _Call, number: int, to: str) -> list[str]:
        return [
            *self._start(method, uri, branch),
            f"From: <sip:{self.extension}@{self._box[0]}>;tag={call.ours}",
            f"To: {to}",
            f"Call-ID: {call.call_id}",
            f"CSeq: {number} {method}",
        ]

    def _start(self, method: str, uri: str, branch: str = "") -> list[str]:
        via = f"SIP/2.0/UDP {self._me[0]}:{self._me[1]};rport;branch={branch or self._branch()}"
        return [
            f"{method} {uri} SIP/2.0",
            f"Via: {via}",
            "Max-Forwards: 70",
            "User-Agent: Qendra telephone in software",
        ]

    def _reply(self, request: Request, status: int, reason: str, body: str = "") -> bytes:
        to = request.first(b"to").decode("latin-1")
        if self._call is not None and self._is_of_call(request) and b"tag=" not in request.first(b"to"):
            to += f";tag={self._call.ours}"
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {via.decode('latin-1')}" for via in request.values(b"via")]
        lines += [f"Record-Route: {route.decode('latin-1')}" for route in request.values(b"record-route")]
        lines += [f"From: {request.first(b'from').decode('latin-1')}", f"To: {to}"]
        lines += [f"Call-ID: {request.call_id.decode('latin-1')}", f"CSeq: {request.first(b'cseq').decode('latin-1')}"]
        lines.append(f"Contact: {self._contact()}")
        return self._message(lines, body)

    def _message(self, lines: list[str], body: str = "") -> bytes:
        if body:
            lines = [*lines, "Content-Type: application/sdp"]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}"])
        return f"{head}\r\n\r\n{body}".encode("latin-1")

    def _sound_offer(self) -> str:
        host = self._me[0]
        return (
            f"v=0\r\no=- {self._media_port} 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {self._media_port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
            "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        )

    def _contact(self) -> str:
        return f"<sip:{self.extension}@{self._me[0]}:{self._me[1]}>"

    def _uri(self, number: str) -> str:
        return f"sip:{number}@{self._box[0]}:{self._box[1]}"

    # ---- proving who we are

    def _learn(self, response: Response) -> None:
        challenge = response.first(b"www-authenticate") or response.first(b"proxy-authenticate")
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge.decode("latin-1")))
        self._proof = (fields.get("realm", ""), fields.get("nonce", ""))
        self._proxy = response.status == 407
        self._count = 0

    def _proved(self, method: str, uri: str) -> list[str]:
        """The credentials for the last challenge; each use counts up, so one nonce serves many requests."""
        if self._proof is None:
            return []
        realm, nonce = self._proof
        self._count += 1
        count, ours = f"{self._count:08x}", self._word()[:8]
        one = _md5(f"{self.extension}:{realm}:{self._password}")
        response = _md5(f"{one}:{nonce}:{count}:{ours}:auth:{_md5(f'{method}:{uri}')}")
        kind = "Proxy-Authorization" if self._proxy and method != "REGISTER" else "Authorization"
        fields = {
            "username": self.extension,
            "realm": realm,
            "nonce": nonce,
            "uri": uri,
            "response": response,
            "cnonce": ours,
        }
        quoted = ", ".join(f'{name}="{value}"' for name, value in fields.items())
        return [f"{kind}: Digest {quoted}, algorithm=MD5, qop=auth, nc={count}"]

    # ---- sending again

    def _keep_sending(self, key: str, data: bytes, now: float) -> None:
        self._sent[key] = _Sent(data, T1, now + GIVE_UP)
        self._timers.set(key, now + T1)

    def _stop_sending(self, key: str) -> None:
        self._sent.pop(key, None)
        self._timers.cancel(key)

    def _word(self) -> str:
        return f"{self._dice.getrandbits(64):016x}"

    def _branch(self) -> str:
        return f"z9hG4bK{self._word()}"


def _md5(words: str) -> str:
    return hashlib.md5(words.encode(), usedforsecurity=False).hexdigest()


def _uri_in(value: bytes) -> str:
    address = grammar.address(value)
    return address.uri.decode("latin-1") if address else ""


def _display(value: bytes) -> str:
    return value.partition(b"<")[0].strip().strip(b'"').decode("utf-8", "replace")


def _media_of(body: bytes) -> tuple[str, int]:
    """Address and port of the sound in an SDP (RFC 8866)."""
    text = body.decode("latin-1")
    host = re.search(r"^c=IN IP4 (\S+)", text, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", text, re.MULTILINE)
    return (host[1] if host else "", int(port[1]) if port else 0)
