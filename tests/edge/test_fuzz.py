"""Some seconds of broken messages: none may raise, pass to the engine unproved, or make anything grow."""

from __future__ import annotations

import random
import time
from pathlib import Path

from appliance.edge.framing import Framer, Ping
from appliance.edge.message import Garbled, Request, Response, parse
from appliance.edge.paths import MOST
from tests.edge.house import UNLIMITED, House, Phone, engine_request, reply, tcp, udp

SEED = 4475
SECONDS = 3.0
PIECES = [
    b"\r\n", b"\r", b"\n", b"\0", b";", b",", b"<", b">", b'"', b"\\", b"=", b":", b" ", b"\t", b"@", b"sip:", b"%00",
    b"\xff\xfe", b"z9hG4bK", b";tag=", b";branch=", b"99999999999999999999", b"-1", b"Via: ", b"v:", b"Content-Length: 7",
    b"Route: <sip:x;lr>\r\n", b"Contact: *\r\n", b"Digest ", b'nonce="', b"SIP/2.0 ", b"*", b"[::1]", b"\r\n ",
]  # fmt: skip


def mutated(data: bytes, dice: random.Random) -> bytes:
    raw = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(raw) + 1)
        match dice.randrange(5):
            case 0:
                raw[at : at + dice.randint(1, 12)] = b""
            case 1:
                raw[at:at] = dice.choice(PIECES)
            case 2:
                raw[at : at + 1] = bytes([dice.randrange(256)])
            case 3:
                end = min(len(raw), at + dice.randint(1, 60))
                raw[at:at] = raw[at:end] * dice.randint(1, 3)
            case _:
                other = dice.randrange(len(raw) + 1)
                raw[min(at, other) : max(at, other)] = (
                    b"" if dice.random() < 0.2 else raw[min(at, other) : max(at, other)][::-1]
                )
    return bytes(raw)


def seeds(house: House, phone: Phone) -> list[bytes]:
    """Good messages of every kind the edge knows, and the torture set."""
    invite = phone.invite(b"600")
    house.hear_engine(engine_request(b"INVITE", b"sip:101@127.0.0.1"))
    ring = house.sent[-1].data
    found = [
        phone.message(method, b"sip:600@192.168.1.1")
        for method in (b"REGISTER", b"INVITE", b"OPTIONS", b"CANCEL", b"ACK", b"BYE")
    ]
    found += [
        reply(ring, b"200 OK", tag=b"p"),
        reply(invite, b"180 Ringing", tag=b"e"),
        engine_request(b"BYE", b"sip:101@x"),
    ]
    found += [path.read_bytes() for path in (Path(__file__).parent / "torture").glob("*.dat")]
    return found


def test_datagrams() -> None:
    dice = random.Random(SEED)
    house = House(limits=UNLIMITED)
    phone = Phone(house, "101", udp(9))
    phone.register()
    stock = seeds(house, phone)
    tries = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and tries < 60_000:
        tries += 1
        house.sent.clear()
        house.to_engine.clear()
        data = mutated(dice.choice(stock), dice)
        message = parse(data)
        if dice.random() < 0.8:
            house.hear(data, dice.choice([udp(9), udp(66)]))
            passed = [each for each in map(parse, house.to_engine) if isinstance(each, Request)]
            # No proof stands in these, so nothing but what belongs to a call under way may pass.
            assert all(each.method in {b"ACK", b"CANCEL"} or each.called.tag for each in passed), data
        else:
            house.hear_engine(data)
        assert house.proxy.counters.internal_errors == 0, data
        if isinstance(message, Request | Response):
            assert message.via.branch is not None
        house.now += 0.01
        if tries % 1000 == 0:
            house.pass_time(1)
            house.told.clear()
    assert tries > 1000
    assert len(house.proxy._paths) <= MOST


def test_streams() -> None:
    dice = random.Random(SEED)
    house = House(limits=UNLIMITED)
    phone = Phone(house, "101", tcp(9))
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register()
    stock = seeds(house, phone)
    end = time.monotonic() + SECONDS / 2
    streams = 0
    while time.monotonic() < end:
        streams += 1
        framer = Framer()
        data = b"".join(
            mutated(dice.choice(stock), dice) if dice.random() < 0.5 else dice.choice(stock) for _ in range(4)
        )
        at = 0
        while at < len(data):
            step = dice.randint(1, 400)
            for piece in framer.feed(data[at : at + step]):
                match piece:
                    case Garbled():
                        house.take(house.proxy.broken(piece, phone.flow, house.now))
                    case bytes():
                        house.hear(piece, phone.flow)
                    case Ping():
                        pass
            at += step
        assert house.proxy.counters.internal_errors == 0, data
        house.sent.clear()
        house.to_engine.clear()
    assert streams > 50


def test_nothing_backtracks() -> None:
    """The grammar's expressions meet the inputs that make careless ones take for ever."""
    house = House(limits=UNLIMITED)
    phone = Phone(house, "101", udp(9))
    base = phone.message(b"REGISTER")
    nasty = [
        unit * (15_000 // len(unit))
        for unit in (b" ", b";a=b", b'\\"', b",", b"<", b"a ", b";", b'"', b"=", b"a,", b"@")
    ]
    began = time.monotonic()
    for key in (
        b"From: ",
        b"To: ",
        b"Contact: ",
        b"Authorization: Digest ",
        b"Route: ",
        b"Via: SIP/2.0/UDP h",
        b"User-Agent: ",
    ):
        for text in nasty:
            house.hear(base.replace(b"Max-Forwards", key + text + b"x\r\nMax-Forwards"), phone.flow)
            house.hear(
                base.replace(b"CSeq", key + text + b"\r\nCSeq").replace(
                    b"From: <sip:101", b"From: " + text + b"<sip:101"
                ),
                phone.flow,
            )
    assert house.proxy.counters.internal_errors == 0
    assert time.monotonic() - began < 3.0
