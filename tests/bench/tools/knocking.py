"""Telephones at the front door, many and quick: they register and call as fast as they are answered.

On one core these ask for more than a front door on the other core can answer; they never sleep meanwhile, for waking
them would cost the front door, not them. Every answer is looked at; one that is not what it should be is counted.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import md5

LOOPBACK = "127.0.0.1"
LOST = 0.5
"""Seconds without an answer after which a telephone says it again (T1, RFC 3261)."""
_ENDLESS = 1 << 62
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a telephone."""

    name: str
    ha1: str


@dataclass(slots=True)
class Tally:
    """What came of it."""

    done: int = 0
    wrong: int = 0
    """Answers that should not have been."""
    again: int = 0
    """Messages that had to be said again."""
    seconds: float = 0.0


@dataclass(slots=True)
class _Phone:
    """One telephone, and what it has said last."""

    user: User
    number: int = 0
    """Of the CSeq."""
    turn: int = 0
    """Of its conversations."""
    said: bytes = b""
    at: float = 0.0
    """When; monotonic seconds."""


class Knockers:
    """Telephones behind one socket, so many of them busy at a time; and the place behind the door that takes calls."""

    def __init__(self, users: Sequence[User], port: int, realm: str, *, engine: int = 0, busy: int = 48) -> None:
        """`engine`: the port calls are passed on to; 0 when somebody else answers there."""
        self._socket = _socket(0)
        self._socket.connect((LOOPBACK, port))
        self._sockets = [self._socket]
        self._here = b"127.0.0.1:%d" % self._socket.getsockname()[1]
        self._engine: socket.socket | None = None
        if engine:
            self._engine = _socket(engine)
            self._sockets.append(self._engine)
        self._phones = [_Phone(user) for user in users]
        self._busy = min(busy, len(users))
        self._realm = realm.encode()
        self._next = 0
        self._waiting: dict[bytes, _Phone] = {}
        self.tally = Tally()
        self.patience = LOST
        """Seconds without an answer after which a telephone says it again."""
        self.times: list[float] | None = None
        """Seconds each message of a call took from one side of the door to the other, once this is a list. One telephone
        must be busy at a time for that."""
        self._under_way: dict[bytes, deque[float]] = {b"in": deque(), b"out": deque()}

    def close(self) -> None:
        """Gone."""
        for each in self._sockets:
            each.close()

    def register(self, seconds: float, *, most: int = _ENDLESS, rate: float = _ENDLESS, expires: int = 120) -> Tally:
        """All register, one after the other and round and round, for so long or until so many have.

        `rate`: not more of them a second.
        """
        ask = b"REGISTER sip:127.0.0.1 SIP/2.0"

        def begin(phone: _Phone) -> None:
            self._say(phone, self._request(phone, ask, b"REGISTER", b"Expires: %d\r\n" % expires))

        def heard(phone: _Phone, data: bytes) -> bool:
            if data[8:11] == b"401":
                line = proof(phone.user, data, b"REGISTER", b"sip:127.0.0.1", self._realm, b"Authorization")
                self._say(phone, self._request(phone, ask, b"REGISTER", b"Expires: %d\r\n%b" % (expires, line)))
                return False
            return True

        return self._run(seconds, most, rate, begin, heard)

    def call(self, seconds: float, *, most: int = _ENDLESS) -> Tally:
        """All call, are answered and hang up: INVITE, 407, ACK, INVITE, 180, 200, ACK, BYE, 200 for each."""
        uri = b"sip:600@127.0.0.1"
        ask = b"INVITE %b SIP/2.0" % uri

        def begin(phone: _Phone) -> None:
            self._say(phone, self._request(phone, ask, b"INVITE", b"", SDP))

        def heard(phone: _Phone, data: bytes) -> bool:
            status, by = data[8:11], _value(data, b"CSeq")
            if status == b"407":
                self._under_way[b"in"].clear()
                self._send(self._within(phone, data, b"ACK", uri, b""))
                self._under_way[b"in"].clear()
                line = proof(phone.user, data, b"INVITE", uri, self._realm, b"Proxy-Authorization")
                self._say(phone, self._request(phone, ask, b"INVITE", line, SDP))
                return False
            if status == b"200" and by.endswith(b"INVITE"):
                routes = b"".join(b"Route: %b\r\n" % each for each in reversed(_values(data, b"Record-Route")))
                target = _value(data, b"Contact").strip(b"<>")
                self._send(self._within(phone, data, b"ACK", target, routes))
                phone.number += 1
                self._say(phone, self._within(phone, data, b"BYE", target, routes))
                return False
            return status[:1] != b"1"

        return self._run(seconds, most, _ENDLESS, begin, heard)

    def _run(
        self,
        seconds: float,
        most: int,
        rate: float,
        begin: Callable[[_Phone], None],
        heard: Callable[[_Phone, bytes], bool],
    ) -> Tally:
        """`heard` answers whether that was the end of what `begin` began."""
        self.tally = tally = Tally()
        self._waiting.clear()
        swept = began = time.monotonic()
        begun = 0
        while tally.done + tally.wrong < most and (now := time.monotonic()) < began + seconds:
            while len(self._waiting) < self._busy and begun < min(most, (now - began) * rate):
                begin(self._another())
                begun += 1
            ready, _, _ = select.select(self._sockets, [], [], 0)
            if self._engine in ready:
                self._answer_calls()
            for data, _ in _all_from(self._socket) if self._socket in ready else ():
                if data[8:11] != b"407":
                    self._arrived(b"out")
                phone = self._waiting.get(_value(data, b"Call-ID"))
                if phone is not None and heard(phone, data):
                    del self._waiting[_value(data, b"Call-ID")]
                    tally.done += data[8:11] == b"200"
                    tally.wrong += data[8:11] != b"200"
            if now - swept > self.patience / 4:
                swept = now
                self._say_again(now)
        tally.seconds = time.monotonic() - began
        return tally

    def _answer_calls(self) -> None:
        """Behind the door: it rings, it is answered, it is over."""
        assert self._engine is not None
        here = self._engine.getsockname()
        for data, source in _all_from(self._engine):
            self._arrived(b"in")
            method = data[: data.index(b" ")]
            answers = [(b"180 Ringing", b""), (b"200 OK", SDP)] if method == b"INVITE" else [(b"200 OK", b"")]
            for status, body in answers if method != b"ACK" else ():
                self._leaves(b"out")
                self._engine.sendto(_answer(data, status, body, here), source)

    def straight(self, count: int) -> list[float]:
        """Seconds a datagram takes from one of these sockets to the other, with nobody between them."""
        assert self._engine is not None
        taken = []
        with _socket(0) as other:
            other.connect(self._engine.getsockname())
            for _ in range(count):
                began = time.perf_counter()
                other.send(bytes(600))
                while not select.select([self._socket, self._engine], [], [], 0)[0]:
                    pass
                self._engine.recv(65535)
                taken.append(time.perf_counter() - began)
        return taken

    def _leaves(self, way: bytes) -> None:
        if self.times is not None:
            self._under_way[way].append(time.perf_counter())

    def _arrived(self, way: bytes) -> None:
        if self.times is not None and self._under_way[way]:
            self.times.append(time.perf_counter() - self._under_way[way].popleft())

    def _another(self) -> _Phone:
        self._next = (self._next + 1) % len(self._phones)
        phone = self._phones[self._next]
        phone.turn += 1
        self._waiting[self._call_id(phone)] = phone
        return phone

    def _call_id(self, phone: _Phone) -> bytes:
        return b"%b-%d" % (phone.user.name.encode(), phone.turn)

    def _say(self, phone: _Phone, data: bytes) -> None:
        phone.said, phone.at = data, time.monotonic()
        self._send(data)

    def _say_again(self, now: float) -> None:
        for phone in self._waiting.values():
            if now - phone.at > self.patience:
                phone.at = now
                self.tally.again += 1
                self._send(phone.said)

    def _send(self, data: bytes) -> None:
        self._leaves(b"in")
        try:
            self._socket.send(data)
        except BlockingIOError:
            select.select([], [self._socket], [], 0.1)
        except ConnectionRefusedError:
            pass  # nobody there yet: it is said again

    def _request(self, phone: _Phone, start: bytes, method: bytes, more: bytes, body: bytes = b"") -> bytes:
        phone.number += 1
        who = phone.user.name.encode()
        to = who if method == b"REGISTER" else b"600"
        kind = b"Content-Type: application/sdp\r\n" if body else b""
        return (
            b"%b\r\nVia: SIP/2.0/UDP %b;branch=z9hG4bK%b-%d;rport\r\nMax-Forwards: 70\r\n"
            b"From: <sip:%b@127.0.0.1>;tag=t%b\r\nTo: <sip:%b@127.0.0.1>\r\nCall-ID: %b\r\nCSeq: %d %b\r\n"
            b"Contact: <sip:%b@%b>\r\nUser-Agent: Bench\r\n%b%bContent-Length: %d\r\n\r\n%b"
            % (
                start, self._here, who, phone.number, who, who, to, self._call_id(phone), phone.number, method,
                who, self._here, more, kind, len(body), body,
            )
        )  # fmt: skip

    def _within(self, phone: _Phone, answer: bytes, method: bytes, uri: bytes, routes: bytes) -> bytes:
        """A request that goes with an answer: the ACK of a refusal has its branch, others their own."""
        refused = method == b"ACK" and not routes
        branch = b"%d" % phone.number if refused else b"%d-%b" % (phone.number, method)
        number = _value(answer, b"CSeq").partition(b" ")[0] if method == b"ACK" else b"%d" % phone.number
        who = phone.user.name.encode()
        return (
            b"%b %b SIP/2.0\r\nVia: SIP/2.0/UDP %b;branch=z9hG4bK%b-%b;rport\r\nMax-Forwards: 70\r\n%b"
            b"From: <sip:%b@127.0.0.1>;tag=t%b\r\nTo: %b\r\nCall-ID: %b\r\nCSeq: %b %b\r\nContent-Length: 0\r\n\r\n"
            % (
                method, uri, self._here, who, branch, routes, who, who, _value(answer, b"To"), _value(answer, b"Call-ID"),
                number, method,
            )
        )  # fmt: skip


def proof(user: User, challenge: bytes, method: bytes, uri: bytes, realm: bytes, header: bytes) -> bytes:
    """The line that answers a challenge (RFC 7616, MD5, qop auth)."""
    begins = challenge.index(b'nonce="') + 7
    nonce = challenge[begins : challenge.index(b'"', begins)]
    asked = md5(method + b":" + uri, usedforsecurity=False).hexdigest().encode()
    words = b"%b:%b:00000001:c0ffee:auth:%b" % (user.ha1.encode(), nonce, asked)
    response = md5(words, usedforsecurity=False).hexdigest().encode()
    return (
        b'%b: Digest username="%b", realm="%b", nonce="%b", uri="%b", response="%b", algorithm=MD5, qop=auth, '
        b'nc=00000001, cnonce="c0ffee"\r\n' % (header, user.name.encode(), realm, nonce, uri, response)
    )


def _answer(request: bytes, status: bytes, body: bytes, here: tuple[str, int]) -> bytes:
    """A user agent's answer: Vias, Record-Routes and the rest copied (RFC 3261, section 8.2.6)."""
    head = request[: request.index(b"\r\n\r\n")].split(b"\r\n")
    kept = [line for line in head if line.startswith((b"Via:", b"Record-Route:", b"From:", b"Call-ID:", b"CSeq:"))]
    to = next(line for line in head if line.startswith(b"To:"))
    kept.append(to if b";tag=" in to else to + b";tag=engine")
    kind = b"Content-Type: application/sdp\r\n" if body else b""
    return b"SIP/2.0 %b\r\n%b\r\nContact: <sip:127.0.0.1:%d>\r\n%bContent-Length: %d\r\n\r\n%b" % (
        status, b"\r\n".join(kept), here[1], kind, len(body), body,
    )  # fmt: skip


def _value(data: bytes, name: bytes) -> bytes:
    begins = data.find(b"\r\n%b: " % name) + len(name) + 4
    return data[begins : data.find(b"\r\n", begins)]


def _values(data: bytes, name: bytes) -> list[bytes]:
    head = data[: data.index(b"\r\n\r\n")].split(b"\r\n")
    lines = [line.partition(b": ")[2] for line in head if line.startswith(name + b":")]
    return [value for line in lines for value in line.split(b", ")]


def _all_from(heard: socket.socket) -> Iterator[tuple[bytes, tuple[str, int]]]:
    """What is there, and no more than is fair to others."""
    for _ in range(64):
        try:
            yield heard.recvfrom(65535)
        except (BlockingIOError, ConnectionRefusedError):
            return


def _socket(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
    made.setblocking(False)
    made.bind((LOOPBACK, port))
    return made
