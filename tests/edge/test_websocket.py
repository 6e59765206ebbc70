"""SIP in WebSockets (RFC 7118), both ends in one place: the library's client against our side, and bytes by hand."""

from __future__ import annotations

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from appliance.edge.message import LARGEST, Garbled
from appliance.edge.stream import Began, Failed, Stream
from tests.edge.running import probe

SIP = Subprotocol("sip")
GET = (
    b"GET / HTTP/1.1\r\nHost: box\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


class Browser:
    """A WebSocket client, and the stream of ours it is connected to."""

    def __init__(self, subprotocols: list[Subprotocol] | None = None) -> None:
        self.client = ClientProtocol(
            parse_uri("ws://box/"), subprotocols=[SIP] if subprotocols is None else subprotocols
        )
        self.stream = Stream()
        self.heard: list[object] = []
        self.frames: list[Frame] = []
        self.answer: Response | None = None

    def opened(self) -> Browser:
        self.client.send_request(self.client.connect())
        self.talk()
        assert self.heard.pop(0) == Began("ws")
        return self

    def midway(self) -> bool:
        return self.stream.midway

    def talk(self, step: int = 1 << 20) -> None:
        """Carry over what both have to say, so many bytes at a time."""
        out = b"".join(self.client.data_to_send())
        for at in range(0, len(out), step):
            self.heard += self.stream.receive(out[at : at + step])
        back = self.stream.data_to_send()
        if back:
            self.client.receive_data(back)
        for event in self.client.events_received():
            if isinstance(event, Response):
                self.answer = event
            elif isinstance(event, Frame):
                self.frames.append(event)


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_a_browser_speaks_and_is_answered(step: int) -> None:
    browser = Browser()
    browser.client.send_request(browser.client.connect())
    browser.talk(step)
    assert (browser.heard.pop(0), browser.client.subprotocol) == (Began("ws"), SIP)
    browser.client.send_text(probe())
    browser.client.send_binary(probe("102"))
    browser.talk(step)
    assert browser.heard == [probe(), probe("102")]
    browser.stream.send(b"SIP/2.0 200 OK\r\n")
    browser.stream.send(b"Subject: \xe9\r\n")
    browser.talk()
    assert [(each.opcode, each.data) for each in browser.frames] == [
        (Opcode.TEXT, b"SIP/2.0 200 OK\r\n"),
        (Opcode.BINARY, b"Subject: \xe9\r\n"),  # text has to be UTF-8
    ]
    assert not browser.stream.ended


def test_a_message_may_come_in_pieces_with_pings_between() -> None:
    browser = Browser().opened()
    browser.client.send_text(probe()[:50], fin=False)
    browser.talk()
    assert browser.midway()
    browser.client.send_ping(b"there?")
    browser.client.send_continuation(probe()[50:99], fin=False)
    browser.client.send_continuation(probe()[99:], fin=True)
    browser.talk()
    assert browser.heard == [probe()]
    assert not browser.midway()
    assert [(each.opcode, each.data) for each in browser.frames] == [(Opcode.PONG, b"there?")]


def test_line_ends_are_a_ping_here_as_well() -> None:
    browser = Browser().opened()
    browser.client.send_text(b"\r\n\r\n")
    browser.client.send_text(b"\r\n")
    browser.talk()
    assert browser.heard == []
    assert [each.data for each in browser.frames] == [b"\r\n"]


def test_we_ping_and_take_the_answer_for_nothing() -> None:
    browser = Browser().opened()
    browser.stream.keep_alive()
    browser.talk()
    assert [each.opcode for each in browser.frames] == [Opcode.PING]
    browser.talk()
    assert browser.heard == []
    assert not browser.stream.ended


def test_a_browser_that_leaves_is_let_go() -> None:
    browser = Browser().opened()
    browser.client.send_close(1000)
    browser.talk()
    assert browser.stream.ended
    assert browser.heard == []
    assert browser.client.close_rcvd is not None


def test_when_we_leave_we_say_so() -> None:
    browser = Browser().opened()
    browser.stream.close()
    browser.talk()
    assert browser.client.close_rcvd is not None
    assert browser.client.close_rcvd.code == 1001


@pytest.mark.parametrize("offered", [[], [Subprotocol("chat")]])
def test_a_websocket_for_something_else_is_refused(offered: list[Subprotocol]) -> None:
    browser = Browser(offered)
    browser.client.send_request(browser.client.connect())
    browser.talk()
    assert browser.heard == [Failed("asked by HTTP for something else")]
    assert browser.answer is not None
    assert browser.answer.status_code == 400
    assert browser.stream.ended


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: box\r\n\r\n", b"426"),  # somebody typed the address into a browser
        (b"GET /" + b"a" * 17_000, b"414"),
        (GET + b"X: " + b"b" * 17_000, b"431"),
        (GET + b"Y: c\r\n" * 200 + b"\r\n", b"431"),
        (GET.replace(b"13", b"12") + b"Sec-WebSocket-Protocol: sip\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\n\r\n", b"505"),
        (GET + (b"Z: " + b"d" * 4000 + b"\r\n") * 5, b""),  # without an end, each line good
        (b"GET / HTTP/1.1\r\nHost: box\r\n\r\n\xff\xff\xff\xff", b"426"),  # more, before we have answered
        (b"GET nonsense\r\n\r\n", b""),
        (b"GET / HTTP/1.1\r\n\xff\xfe\r\n\r\n", b""),
    ],
)
def test_http_that_is_no_websocket_is_told_so(data: bytes, status: bytes) -> None:
    for step in (1, len(data)):
        stream = Stream()
        found = [each for at in range(0, len(data), step) for each in stream.receive(data[at : at + step])]
        said = stream.data_to_send()
        assert found == [Failed("asked by HTTP for something else")]
        assert said[9:12] == status
        assert stream.ended
        assert stream.receive(b"more") == []


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x05hello",  # not masked
        b"\xf1\x80abcd",  # reserved bits
        b"\x83\x80abcd",  # an opcode that is none
        b"\x09\x80abcd",  # a ping in pieces
        b"\x80\x80abcd",  # a continuation of nothing
        b"\x81\xff" + (LARGEST + 1).to_bytes(8) + b"abcd",  # too long, known before it comes
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x88\x81abcd\x00",  # half a close code
    ],
)
def test_a_broken_frame_ends_the_connection(frame: bytes) -> None:
    browser = Browser().opened()
    browser.client.writes.append(frame)
    browser.talk()
    assert [each.reason for each in browser.heard if isinstance(each, Garbled)] == [
        "a WebSocket frame that is none, or too long"
    ]
    assert len(browser.heard) == 1
    assert browser.stream.ended
    assert browser.client.close_rcvd is not None
    assert browser.client.close_rcvd.code in {1002, 1009}


def test_a_message_in_pieces_may_not_be_longer_than_in_one() -> None:
    browser = Browser().opened()
    browser.client.send_binary(b"x" * 40_000, fin=False)
    browser.client.send_continuation(b"x" * 40_000, fin=True)
    browser.talk()
    assert len(browser.heard) == 1
    assert browser.stream.ended


def test_one_port_for_streams_and_websockets() -> None:
    for data, kind in ((probe(), "tcp"), (b"\r\n\r\n", "tcp"), (b"G", None), (b"GET", None), (b"GETS", "tcp")):
        stream = Stream()
        began = [each.transport for each in stream.receive(data) if isinstance(each, Began)]
        assert began == ([kind] if kind else []), data
        assert stream.midway is not (data in {probe(), b"\r\n\r\n"})
