"""A proxy on the test's clock, with telephones and an engine that speak SIP by hand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from random import Random

from appliance.calls.edge import Account, Accounts, Bans, Refused, Registered
from appliance.calls.names import Extension
from appliance.edge.buckets import Rate
from appliance.edge.flows import Flow, Message, Output, Send, Tell, ToEngine, host_port
from appliance.edge.guard import Limits
from appliance.edge.message import Request, Response, parse
from appliance.edge.proxy import Proxy
from appliance.edge.signs import Ports, Signs
from appliance.edge.tokens import Tokens

REALM = "qendra"
PEOPLE = ("101", "102", "103")
SDP = b"v=0\r\no=- 1 1 IN IP4 192.168.1.9\r\ns=-\r\nc=IN IP4 192.168.1.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


ENDLESS = Rate(1e9, 1e9)
UNLIMITED = Limits(
    proved=ENDLESS, local=ENDLESS, foreign=ENDLESS, phone=ENDLESS, strangers_local=ENDLESS, strangers=ENDLESS
)


def account(extension: str, password: str = "", realm: str = REALM) -> Account:
    words = f"{extension}:{realm}:{password or 'pw' + extension}".encode()
    return Account(Extension(extension), hashlib.md5(words).hexdigest(), hashlib.sha256(words).hexdigest())


def accounts(people: Iterable[str] = PEOPLE, *, sha256: bool = False) -> Accounts:
    made = [account(each) for each in people]
    return Accounts(REALM, tuple(each if sha256 else Account(each.extension, each.md5) for each in made))


class House:
    """The proxy, and everything it has sent."""

    def __init__(self, people: Iterable[str] = PEOPLE, limits: Limits | None = None, secret: bytes = b"s" * 32) -> None:
        signs = Signs(Tokens(secret), lambda _: "192.168.1.1", Ports(5060, 5061), 5071, 5070)
        self.proxy = Proxy(signs, limits or Limits(), Random(1))
        self.now = 1000.0
        self.sent: list[Send] = []
        self.to_engine: list[bytes] = []
        self.told: list[Message] = []
        self.proxy.accept(accounts(people), self.now)

    def take(self, outputs: list[Output]) -> list[Output]:
        for output in outputs:
            match output:
                case Send():
                    self.sent.append(output)
                case ToEngine(data):
                    self.to_engine.append(data)
                case Tell(message):
                    self.told.append(message)
        return outputs

    def hear(self, data: bytes, flow: Flow) -> list[Output]:
        return self.take(self.proxy.receive(data, flow, self.now))

    def hear_engine(self, data: bytes) -> list[Output]:
        return self.take(self.proxy.receive_inside(data, self.now))

    def pass_time(self, seconds: float) -> None:
        """Let the clock run, waking the proxy whenever it asked to be woken."""
        end = self.now + seconds
        while (deadline := self.proxy.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.take(self.proxy.tick(self.now))
        self.now = end

    def refusals(self) -> list[Refused]:
        self.take(self.proxy.tick(self.now))
        return [each for each in self.told if isinstance(each, Refused)]

    def bans(self) -> list[tuple[str, str]]:
        """Who was unheard when the desk was last told: address and extension, the newest first."""
        told = [each for each in self.told if isinstance(each, Bans)]
        return [(each.source, each.extension) for each in told[-1].bans] if told else []

    def registered(self) -> list[Registered]:
        return [each for each in self.told if isinstance(each, Registered)]


class Phone:
    """A telephone at one flow."""

    def __init__(self, house: House, extension: str, flow: Flow, contact: bytes = b"", password: str = "") -> None:
        self.house = house
        self.extension = extension.encode()
        self.flow = flow
        self.contact = contact or b"sip:%b@%b" % (self.extension, host_port(flow.host, flow.port).encode())
        self.password = password or "pw" + extension
        self.call_id = b"call-%b-%d@%b" % (self.extension, flow.port, flow.host.encode())
        self.number = 0
        self.serial = 0

    def message(
        self,
        method: bytes,
        uri: bytes = b"sip:192.168.1.1",
        *,
        to: bytes = b"",
        more: Iterable[bytes] = (),
        body: bytes = b"",
        branch: bytes = b"",
        number: int = 0,
        call_id: bytes = b"",
        caller: bytes = b"",
    ) -> bytes:
        if not branch:
            self.serial += 1
            branch = b"z9hG4bK-%b-%d-%d" % (self.extension, self.flow.port, self.serial)
        if not number:
            self.number += 1
            number = self.number
        lines = [
            b"%b %b SIP/2.0" % (method, uri),
            b"Via: SIP/2.0/%b %b;branch=%b;rport"
            % (self.flow.transport.upper().encode(), host_port(self.flow.host, self.flow.port).encode(), branch),
            b"Max-Forwards: 70",
            b"From: <sip:%b@192.168.1.1>;tag=f%b" % (caller or self.extension, self.extension),
            b"To: " + (to or b"<sip:%b@192.168.1.1>" % self.extension),
            b"Call-ID: " + (call_id or self.call_id),
            b"CSeq: %d %b" % (number, method),
            *more,
            b"Content-Length: %d" % len(body),
        ]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    def ask(self, data: bytes) -> Response | None:
        """Send it; the answer that came straight back, if one did."""
        answers = [each.data for each in self.house.hear(data, self.flow) if isinstance(each, Send)]
        return answer(answers[0]) if answers else None

    def proved(self, build: Callable[[list[bytes]], bytes], method: bytes, uri: bytes) -> Response | None:
        """Send a request, answer the challenge, and give what came then."""
        challenge = self.ask(build([]))
        assert challenge is not None
        assert challenge.status in {401, 407}, challenge.start
        return self.ask(build([proof(challenge, method, uri, self.extension.decode(), self.password)]))

    def register(
        self, *, contacts: Iterable[bytes] | None = None, expires: int | None = 3600, more: Iterable[bytes] = ()
    ) -> Response:
        lines = [b"Contact: " + each for each in ([b"<%b>" % self.contact] if contacts is None else contacts)]
        if expires is not None:
            lines.append(b"Expires: %d" % expires)
        uri = b"sip:192.168.1.1"
        found = self.proved(
            lambda proofs: self.message(b"REGISTER", uri, more=[*lines, *more, *proofs]), b"REGISTER", uri
        )
        assert found is not None
        return found

    def invite(self, callee: bytes, *, more: Iterable[bytes] = (), call_id: bytes = b"", branch: bytes = b"") -> bytes:
        """Call somebody; the bytes that reached the engine."""
        uri = b"sip:%b@192.168.1.1" % callee
        base = [b"Contact: <%b>" % self.contact, *more]
        self.proved(
            lambda proofs: self.message(
                b"INVITE", uri, to=b"<%b>" % uri, more=[*base, *proofs], body=SDP, call_id=call_id,
                branch=branch if proofs else b"",
            ),
            b"INVITE",
            uri,
        )  # fmt: skip
        return self.house.to_engine[-1]


def proof(
    challenge: Response,
    method: bytes,
    uri: bytes,
    user: str,
    password: str,
    *,
    nc: int = 1,
    algorithm: str = "MD5",
    header: bytes = b"",
) -> bytes:
    """The credentials line that answers a challenge, computed as RFC 7616 section 3.4 says, apart from our own code."""
    wanted = b"Proxy-Authenticate" if challenge.status == 407 else b"WWW-Authenticate"
    lines = [
        line for line in challenge.lines if line.startswith(wanted) and b"algorithm=%b," % algorithm.encode() in line
    ]
    realm = re.search(rb'realm="([^"]*)"', lines[0])
    nonce = re.search(rb'nonce="([^"]*)"', lines[0])
    assert realm
    assert nonce
    hashed = hashlib.md5 if algorithm == "MD5" else hashlib.sha256

    def digest(words: bytes) -> bytes:
        return hashed(words).hexdigest().encode()

    ha1 = digest(b"%b:%b:%b" % (user.encode(), realm[1], password.encode()))
    ha2 = digest(b"%b:%b" % (method, uri))
    response = digest(b"%b:%b:%08x:0a4f113b:auth:%b" % (ha1, nonce[1], nc, ha2))
    name = header or (b"Proxy-Authorization" if challenge.status == 407 else b"Authorization")
    return (
        b'%b: Digest username="%b", realm="%b", nonce="%b", uri="%b", response="%b", algorithm=%b, qop=auth, '
        b'nc=%08x, cnonce="0a4f113b"' % (name, user.encode(), realm[1], nonce[1], uri, response, algorithm.encode(), nc)
    )


def answer(data: bytes) -> Response:
    found = parse(data)
    assert isinstance(found, Response), data
    return found


def request(data: bytes) -> Request:
    found = parse(data)
    assert isinstance(found, Request), data
    return found


def udp(last: int, port: int = 5060) -> Flow:
    return Flow("udp", f"192.168.1.{last}", port)


def tcp(last: int, port: int = 40000) -> Flow:
    return Flow("tcp", f"192.168.1.{last}", port)


def status_of(data: bytes) -> int:
    return answer(data).status


def reply(asked: bytes, status: bytes, *, tag: bytes = b"", more: Iterable[bytes] = (), body: bytes = b"") -> bytes:
    """A user agent's answer to a request: Vias, Record-Routes and the rest copied as RFC 3261 section 8.2.6 says."""
    got = request(asked)
    kept = {b"via", b"record-route", b"from", b"call-id", b"cseq"}
    lines = [line for key, line in zip(got.keys, got.lines, strict=True) if key in kept]
    to = next(line for key, line in zip(got.keys, got.lines, strict=True) if key == b"to")
    lines.append(to if got.called.tag or not tag else to + b";tag=" + tag)
    return b"\r\n".join([b"SIP/2.0 " + status, *lines, *more, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body


def engine_request(
    method: bytes,
    uri: bytes,
    *,
    to: bytes = b"",
    branch: bytes = b"z9hG4bKpj-1",
    number: int = 1,
    call_id: bytes = b"engine-1",
    more: Iterable[bytes] = (),
    body: bytes = b"",
) -> bytes:
    """A request as pjsip would send it from its port on loopback."""
    lines = [
        b"%b %b SIP/2.0" % (method, uri),
        b"Via: SIP/2.0/UDP 127.0.0.1:5070;rport;branch=" + branch,
        b"Max-Forwards: 70",
        b'From: "Ana" <sip:355@127.0.0.1>;tag=e1',
        b"To: " + (to or b"<%b>" % uri),
        b"Contact: <sip:127.0.0.1:5070;ob>",
        b"Call-ID: " + call_id,
        b"CSeq: %d %b" % (number, method),
        *more,
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
