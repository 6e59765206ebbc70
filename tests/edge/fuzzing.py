"""What the fuzzer does with its bytes: short stories at the front door, and what must hold in every one of them.

An input is up to six messages. The first byte of each says where it comes from (`WAYS`). Words in capitals between @
stand for what only the right sender can know, so that the fuzzer gets behind the door: a proof, the way of the call
last begun, the branch of the last message that came out.
"""

from __future__ import annotations

import re
from random import Random

from appliance.calls.edge import Lamp, LampState, Mailbox, Trunk
from appliance.calls.names import Extension, LineId
from appliance.edge.flows import Flow, Output, Send, ToEngine
from appliance.edge.framing import Framer
from appliance.edge.guard import Guard
from appliance.edge.message import LARGEST, Garbled, Request, parse
from appliance.edge.notifier.watchers import MOST as MOST_WATCHERS
from appliance.edge.paths import MOST as MOST_PATHS
from tests.edge.house import SDP, UNLIMITED, House, Phone, engine_request, proof, reply

NEXT = b"\n@NEXT@\n"
"""Parts one message of a story from the next."""
MOST_MESSAGES = 6
PHONE = Flow("udp", "192.168.1.9", 5060)
STRANGER = Flow("udp", "203.0.113.66", 5066)
SECURE = Flow("tls", "192.168.1.10", 40000)
BROWSER = Flow("wss", "192.168.1.11", 40001)
STREAM = Flow("tcp", "192.168.1.12", 40002)
PROVIDER = Flow("udp", "192.0.2.1", 5060)
ENGINE, TIME = "engine", "time"
WAYS: tuple[Flow | str, ...] = (PHONE, STRANGER, SECURE, BROWSER, STREAM, ENGINE, TIME, PROVIDER)
OWNERS = {PHONE: "101", SECURE: "102", BROWSER: "103"}
"""Registered there from the beginning."""
_PLAIN_BREAKS = re.compile(rb"\r\n|\r|\n")


class Wrong(Exception):
    """Something happened that must never happen."""


class Story:
    """A house with three telephones, a lamp and a mailbox; every step is checked."""

    def __init__(self) -> None:
        self.house = House(limits=UNLIMITED)
        for flow, extension in OWNERS.items():
            if flow.transport != "udp":
                self.house.take(self.house.proxy.connected(flow, self.house.now))
            Phone(self.house, extension, flow).register()
        self.house.take(self.house.proxy.connected(STREAM, self.house.now))
        line = Trunk(LineId("voip"), PROVIDER.host, user="shop", password="secret", registers=False, ping_seconds=0)
        self.house.take(self.house.proxy.providers([line], self.house.now))
        self.house.take(self.house.proxy.show(Lamp(Extension("102"), LampState.OFF), self.house.now))
        self.house.take(self.house.proxy.show(Mailbox(Extension("101"), 1), self.house.now))
        self._routes: list[bytes] = []
        self._vias: list[bytes] = []
        self._branch = b""
        self._asked: set[str] = set()
        """Addresses that have sent something."""
        self._framer = Framer()
        self._forget()

    def tell(self, data: bytes) -> None:
        """Run a whole input.

        Raises:
            Wrong: one of the things that must hold does not.
        """
        for part in data.split(NEXT)[:MOST_MESSAGES]:
            if part:
                self._step(WAYS[part[0] % len(WAYS)], part[1:])
        self.house.pass_time(1.0)
        self._check_size()

    def _step(self, way: Flow | str, data: bytes) -> None:
        house = self.house
        if way == TIME:
            house.pass_time(min(len(data), 64) ** 2)
            house.take(house.proxy.show(Lamp(Extension("102"), [*LampState][len(data) % 3], data[:9].hex()), house.now))
            self._forget()
            return
        if way == ENGINE:
            data = self._filled(data)
            self._check(house.hear_engine(data), data, None, signed=False)
        elif isinstance(way, Flow):
            data = self._filled(data)  # which may put together what asks for a proof
            signed = b"@PROOF@" in data
            if signed:
                data = data.replace(b"@PROOF@", self._proof(data, way), 1)
            if way == STREAM:
                self._stream(data, signed=signed)
            else:
                self._check(house.hear(data, way), data, way, signed=signed)
        self._learn()

    def _stream(self, data: bytes, *, signed: bool) -> None:
        dice = Random(len(data))
        at = 0
        while at < len(data):
            step = dice.choice((1, 3, 50, 700))
            for piece in self._framer.feed(data[at : at + step]):
                if isinstance(piece, Garbled):
                    self.house.take(self.house.proxy.broken(piece, STREAM, self.house.now))
                    self._framer = Framer()
                elif isinstance(piece, bytes):
                    self._check(self.house.hear(piece, STREAM), piece, STREAM, signed=signed)
            at += step

    def _filled(self, data: bytes) -> bytes:
        """The message with what only the right sender can know."""
        data = data.replace(b"@ROUTES@", b"\r\n".join(b"Route: " + each for each in self._routes))
        return data.replace(b"@VIAS@", b"\r\n".join(self._vias)).replace(b"@BRANCH@", self._branch)[:LARGEST]

    def _proof(self, data: bytes, source: Flow) -> bytes:
        start = data.partition(b"\r\n")[0].split(b" ")
        method, uri = start[0], start[1] if len(start) > 1 else b""
        user = OWNERS.get(source, "101")
        asker = Phone(self.house, user, source)
        asked = asker.ask(asker.message(b"REGISTER" if method == b"REGISTER" else b"INVITE"))
        if asked is None or asked.status not in {401, 407}:
            return b"X: y"
        return proof(asked, method, uri, user, "pw" + user)

    def _learn(self) -> None:
        for data in [*self.house.to_engine, *(each.data for each in self.house.sent)]:
            message = parse(data)
            if not isinstance(message, Garbled):
                self._routes = message.all(b"record-route")[::-1] or self._routes
                if isinstance(message, Request):
                    self._vias = [b"Via: " + each for each in message.all(b"via")]
                    self._branch = message.via.branch
        self._forget()

    def _forget(self) -> None:
        self.house.sent.clear()
        self.house.to_engine.clear()
        self.house.told.clear()

    # ---- what must hold

    def _check(self, outputs: list[Output], data: bytes, source: Flow | None, *, signed: bool) -> None:
        if self.house.proxy.counters.internal_errors:
            raise Wrong("a fault of ours")
        heard = parse(data)
        for output in outputs:
            match output:
                case Send(flow, sent):
                    self._check_place(flow, source)
                    self._check_form(sent, heard)
                case ToEngine(sent):
                    self._check_form(sent, heard)
                    if source is not None:
                        self._check_passage(sent, source, signed=signed)
                case _:
                    pass

    def _check_place(self, flow: Flow, source: Flow | None) -> None:
        """Nothing is sent to anybody who has neither asked nor registered."""
        if source is not None:
            self._asked.add(source.host)
        if flow.host not in self._asked | {each.host for each in (*OWNERS, PROVIDER)}:
            raise Wrong(f"sent to {flow}")

    def _check_form(self, sent: bytes, heard: object) -> None:
        """What we say can be read, unless it repeats what could not."""
        if isinstance(parse(sent), Garbled) and not isinstance(heard, Garbled):
            raise Wrong(f"unreadable: {sent[:2000]!r}")
        if isinstance(heard, Garbled) and not sent.startswith(b"SIP/2.0 "):
            raise Wrong(f"passed on garbled: {sent[:2000]!r}")
        if b"\r\n\r\n" not in sent:
            raise Wrong("a head without end")

    def _check_passage(self, sent: bytes, source: Flow, *, signed: bool) -> None:
        """Without a proof only what belongs to a call passes; and who called is our word alone, however it is read."""
        message = parse(sent)
        if not isinstance(message, Request):
            return
        begins = message.method not in {b"ACK", b"CANCEL"} and not message.called.tag
        if begins and not signed and source != PROVIDER:
            raise Wrong(f"passed without a proof: {sent[:2000]!r}")
        words = named(sent)
        allowed = [[b"x-qendra-from: " + OWNERS.get(source, "101").encode()]] if signed else []
        if source == PROVIDER:
            allowed.append([b"x-qendra-trunk: voip"])
        if words not in (allowed if begins else [[]]):
            raise Wrong(f"spoke in our name: {words!r}")

    def _check_size(self) -> None:
        proxy = self.house.proxy
        if len(proxy._paths) > MOST_PATHS or len(proxy.guard._buckets) > Guard.MOST or len(proxy.registrar) > 24:
            raise Wrong("a table without end")
        if len(proxy.notifier) > MOST_WATCHERS:
            raise Wrong("subscriptions without end")


def named(sent: bytes) -> list[bytes]:
    """Who called, in our words, wherever any parser might see a line begin."""
    head = sent.partition(b"\r\n\r\n")[0]
    lines = [line.lower().lstrip() for line in _PLAIN_BREAKS.split(head)]
    return [line for line in lines if line.startswith((b"x-qendra-from", b"x-qendra-trunk"))]


def good_stories() -> dict[str, bytes]:
    """What telephones and the engine really say, as the fuzzer's beginning."""
    house = House()
    phone = Phone(house, "101", PHONE)

    def said(
        method: bytes, uri: bytes = b"sip:102@192.168.1.1", *more: bytes, to: bytes = b"", body: bytes = b""
    ) -> bytes:
        return phone.message(method, uri, to=to, more=more, body=body)

    def of(way: Flow | str, data: bytes) -> bytes:
        return bytes([WAYS.index(way)]) + data

    contact = b"Contact: <sip:101@192.168.1.9:5060>"
    register = said(b"REGISTER", b"sip:192.168.1.1", contact, b"@PROOF@", b'User-Agent: "A" b/1 (c)')
    instance = said(
        b"REGISTER", b"sip:192.168.1.1", b'm: "x" <sip:101@10.0.0.1:5062;transport=tcp>;+sip.instance="<urn:uuid:1>";expires=60',
        b"Supported: outbound, path", b"@PROOF@",
    )  # fmt: skip
    invite = said(b"INVITE", b"sip:600@192.168.1.1", contact, b"@PROOF@", b"Content-Type: application/sdp", body=SDP)
    inside = [
        said(each, b"sip:127.0.0.1:5070", b"@ROUTES@", to=b"<sip:600@x>;tag=e") for each in (b"BYE", b"INFO", b"ACK")
    ]
    watch = [b"Accept: application/dialog-info+xml", b"Event: dialog", contact, b"Expires: 600", b"@PROOF@"]
    mail = [b"Accept: application/simple-message-summary", b"Event: message-summary", contact, b"@PROOF@"]
    ring = engine_request(b"INVITE", b"sip:101@127.0.0.1", body=SDP)
    back = reply(ring, b"200 OK", tag=b"p", body=SDP)
    via = re.compile(rb"Via: [^\r]*")
    return {
        "register": of(PHONE, register) + NEXT + of(BROWSER, instance),
        "sign-off": of(PHONE, said(b"REGISTER", b"sip:x", b"Contact: *", b"Expires: 0", b"@PROOF@")),
        "call": NEXT.join([of(PHONE, invite), of(ENGINE, via.sub(b"@VIAS@", back, 1)), *(of(PHONE, each) for each in inside)]),
        "cancel": of(PHONE, invite) + NEXT + of(PHONE, invite.replace(b"INVITE", b"CANCEL").replace(b"@PROOF@\r\n", b"")),
        "called": NEXT.join([of(ENGINE, ring), of(PHONE, via.sub(b"@VIAS@", back, 1)), of(ENGINE, engine_request(b"BYE", b"sip:101@x"))]),
        "call in": NEXT.join([of(PROVIDER, said(b"INVITE", b"sip:shop@192.168.1.1", contact, body=SDP).replace(b"101@", b"355@")),
                              of(ENGINE, via.sub(b"@VIAS@", back, 1)), *(of(PROVIDER, each) for each in inside)]),
        "call out": NEXT.join([of(ENGINE, engine_request(b"INVITE", b"sip:+355421234567@example.com",
                               more=[b"X-Qendra-Trunk: voip"], body=SDP)), of(PROVIDER, via.sub(b"@VIAS@", back, 1))]),
        "watch": NEXT.join([of(PHONE, said(b"SUBSCRIBE", b"sip:102@192.168.1.1", *watch)), of(TIME, b"x" * 9),
                            of(PHONE, b"SIP/2.0 200 OK\r\n@VIAS@\r\nFrom: <sip:102@x>;tag=a\r\nTo: <sip:101@x>;tag=b\r\n"
                                      b"Call-ID: c\r\nCSeq: 1 NOTIFY\r\n\r\n")]),
        "mailbox": of(SECURE, said(b"SUBSCRIBE", b"sip:101@192.168.1.1", *mail)),
        "options": of(STRANGER, said(b"OPTIONS")) + NEXT + of(PHONE, said(b"OPTIONS")),
        "stranger": of(STRANGER, said(b"INVITE", b"sip:0035569@192.168.1.1", b"User-Agent: friendly-scanner")),
        "stream": of(STREAM, said(b"OPTIONS") + b"\r\n\r\n" + register + said(b"BYE", to=b"<sip:a@b>;tag=1")),
        "refer": NEXT.join([of(PHONE, invite), of(PHONE, said(b"REFER", b"sip:127.0.0.1:5070", b"@ROUTES@",
                            b"Refer-To: <sip:103@x?Replaces=a%3Bto-tag%3Db>", to=b"<sip:600@x>;tag=e"))]),
        "replaces": of(PHONE, said(b"INVITE", b"sip:600@x", contact, b"Replaces: a;to-tag=b;from-tag=c", b"@PROOF@")),
    }  # fmt: skip
