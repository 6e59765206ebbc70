"""Streams: messages cut where they end, pings answered, and streams without an end given up."""

from __future__ import annotations

import pytest

from appliance.edge.framing import Framer, Ping
from appliance.edge.message import LONGEST_HEAD, Garbled

HEAD = b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"


def whole(body: bytes = b"") -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("step", [1, 2, 3, 50, 1000])
def test_any_cut_gives_the_same_messages(step: int) -> None:
    stream = whole() + whole(b"\r\n\r\nbody\r\n\r\n") + b"\r\n" + whole() + b"\r\n\r\n" + whole(b"x") + b"\r\n\r\n"
    framer = Framer()
    pieces = [piece for at in range(0, len(stream), step) for piece in framer.feed(stream[at : at + step])]
    assert [piece for piece in pieces if isinstance(piece, bytes)] == [
        whole(),
        whole(b"\r\n\r\nbody\r\n\r\n"),
        whole(),
        whole(b"x"),
    ]
    assert sum(isinstance(piece, Ping) for piece in pieces) == 2
    assert not framer.midway


def test_line_ends_alone_are_no_message_under_way() -> None:
    framer = Framer()
    assert framer.feed(b"\r\n") == []
    assert not framer.midway
    assert framer.feed(b"O") == []
    assert framer.midway


@pytest.mark.parametrize(
    "length",
    [
        b"",
        b"Content-Length: x\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nl: 6\r\n",
        b"Content-Length: 70000\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length:\r\n",
    ],
)
def test_without_a_length_to_go_by_the_stream_is_given_up_with_an_answer(length: bytes) -> None:
    framer = Framer()
    (broken,) = framer.feed(HEAD + length + b"\r\nbody" + whole())
    assert isinstance(broken, Garbled)
    assert broken.request is not None
    assert framer.feed(whole()) == []


@pytest.mark.parametrize("line", [b"l:4", b"L : 4", b"Content-Length  :\r\n\t4", b"CONTENT-LENGTH: 4  "])
def test_a_length_in_any_spelling(line: bytes) -> None:
    data = HEAD + line + b"\r\n\r\nbody"
    assert Framer().feed(data + b"BYE") == [data]


def test_a_head_without_end_is_given_up() -> None:
    framer = Framer()
    found = [piece for _ in range(40) for piece in framer.feed(b"a" * 1000)]
    assert len(found) == 1
    assert isinstance(found[0], Garbled)
    assert LONGEST_HEAD < 40_000
