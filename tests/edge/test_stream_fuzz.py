"""Nothing that comes over a connection raises past it: WebSockets and TLS, cut anywhere and damaged at random."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from websockets.client import ClientProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from appliance.edge.certificates import Shown, ensure
from appliance.edge.message import LARGEST, Garbled
from appliance.edge.stream import Began, Failed, Stream
from appliance.edge.tls import Tls, client_context
from tests.edge.running import probe

ROUNDS = 1500


def browsers_words(dice: random.Random) -> bytes:
    """What a WebSocket client would send, from the GET on."""
    client = ClientProtocol(parse_uri("ws://box/"), subprotocols=[Subprotocol("sip")])
    client.send_request(client.connect())
    words = b"".join(client.data_to_send())
    client.state = client.state.__class__.OPEN
    for _ in range(dice.randrange(4)):
        match dice.randrange(5):
            case 0:
                client.send_text(probe())
            case 1:
                client.send_binary(dice.randbytes(dice.randrange(300)))
            case 2:
                client.send_ping(b"x" * dice.randrange(126))
            case 3:
                client.send_text(b"\r\n\r\n")
            case _:
                client.send_text(probe()[:80], fin=False)
                client.send_continuation(probe()[80:], fin=True)
        words += b"".join(client.data_to_send())
    return words


def damaged(words: bytes, dice: random.Random) -> bytes:
    """Some bytes changed, left out, doubled."""
    found = bytearray(words)
    for _ in range(dice.randrange(6)):
        at = dice.randrange(len(found))
        match dice.randrange(4):
            case 0:
                found[at] = dice.randrange(256)
            case 1:
                del found[at : at + dice.randrange(1, 20)]
            case 2:
                found[at:at] = found[at : at + dice.randrange(40)]
            case _:
                found[at:at] = dice.randbytes(dice.randrange(1, 12))
        if not found:
            break
    return bytes(found)


def fed(stream: Stream, data: bytes, dice: random.Random) -> None:
    """Give it the bytes in pieces, answering whatever it understood; look that it keeps its word."""
    at, began = 0, False
    while at < len(data):
        step = dice.choice((1, 3, 50, 4000))
        for piece in stream.receive(data[at : at + step]):
            began = began or isinstance(piece, Began)
            assert isinstance(piece, bytes | Garbled | Began | Failed)
            assert began or isinstance(piece, Failed), "nothing is heard before it began"
            if isinstance(piece, bytes):
                assert len(piece) <= LARGEST
                stream.send(b"SIP/2.0 200 OK\r\nSubject: \xff\r\n\r\n")
        stream.data_to_send()
        stream.keep_alive()
        at += step
        if stream.ended and dice.randrange(2):
            break
    stream.close()
    stream.send(b"too late")
    stream.data_to_send()
    assert stream.receive(b"more") == []


def test_websockets() -> None:
    dice = random.Random(7118)
    for _ in range(ROUNDS):
        fed(Stream(), damaged(browsers_words(dice), dice), dice)


def test_what_nobody_has_ever_spoken() -> None:
    dice = random.Random(3261)
    for _ in range(ROUNDS):
        fed(Stream(), dice.choice((b"", b"GET ", b"\r\n")) + dice.randbytes(dice.randrange(1, 600)), dice)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificate")
    ensure(made, ["qendra.local"], time.time())
    return made


def test_within_tls(folder: Path) -> None:
    """A handshake damaged on the wire, or a whole one and then whatever one likes, on the wire or within."""
    dice = random.Random(8446)
    server, client = Shown(folder)(), client_context(folder / "authority.pem")
    for _ in range(120):
        ours, theirs = Stream(Tls(server)), Tls(client, "qendra.local")
        hurt_at = dice.randrange(4)
        for turn in range(4):
            out = theirs.data_to_send()
            out = damaged(out, dice) if out and turn == hurt_at else out
            ours.receive(out)
            back = ours.data_to_send()
            try:
                theirs.receive(back)
            except Exception:  # noqa: BLE001 - the client's own trouble with what became of its words
                break
            if theirs.ready and turn >= 1:
                theirs.send(damaged(browsers_words(dice), dice))
        fed(ours, dice.randbytes(50), dice)
