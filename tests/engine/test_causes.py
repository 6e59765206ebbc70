from __future__ import annotations

import pytest

from appliance.calls.names import Cause
from appliance.engine.causes import refusal, why_it_ended
from appliance.engine.sdp import moved_sound, sound_address
from appliance.engine.sip_words import (
    dialled_user,
    escaped_parameter,
    escaped_user,
    header_values,
    party,
    quoted_name,
)


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_refusal_and_it_is_one(cause: Cause) -> None:
    assert 400 <= refusal(cause) < 700


@pytest.mark.parametrize("code", range(300, 700))
def test_every_status_has_a_cause_and_none_is_a_normal_end(code: int) -> None:
    assert why_it_ended(code, answered=False, rang=True) is not Cause.NORMAL


def test_silence_means_another_thing_after_ringing() -> None:
    assert why_it_ended(408, answered=False, rang=True) is Cause.NO_ANSWER
    assert why_it_ended(408, answered=False, rang=False) is Cause.UNREACHABLE


def test_a_conversation_ends_normally_unless_something_broke() -> None:
    assert why_it_ended(200, answered=True, rang=True) is Cause.NORMAL
    assert why_it_ended(408, answered=True, rang=True) is Cause.FAULT


def test_names_and_numbers_cannot_break_out_of_a_header() -> None:
    assert party("07 1>\r\nX: y", 'a"b\\c\r\nX: y', "10.0.0.1") == (
        '"a\\"b\\\\c  X: y" <sip:07%201%3E%0D%0AX%3A%20y@10.0.0.1>'
    )
    assert quoted_name("Ана") == '"Ана"'
    assert escaped_user("ä*#") == "%C3%A4*%23"
    assert escaped_parameter("a;b=c d") == "a%3Bb%3Dc%20d"


@pytest.mark.parametrize(
    ("line", "user"),
    [
        ("INVITE sip:600@10.0.0.1;x=y SIP/2.0", "600"),
        ("INVITE sip:%2355@10.0.0.1 SIP/2.0", "#55"),
        ("INVITE sips:a.b@h SIP/2.0", "a.b"),
        ("INVITE sip:10.0.0.1 SIP/2.0", ""),
        ("", ""),
        ("\0\r\n\r\n", ""),
    ],
)
def test_whom_a_request_asks_for(line: str, user: str) -> None:
    assert dialled_user(line + "\r\nTo: <sip:other@x>\r\n\r\n") == user


def test_headers_end_where_the_body_begins() -> None:
    message = "INVITE sip:1@x SIP/2.0\r\nx-qendra-from : 101\r\nX-Other: 1\r\n\r\nX-Qendra-From: 102\r\n"
    assert header_values(message, "X-Qendra-From") == ["101"]


def test_what_continues_a_header_is_no_header_of_its_own() -> None:
    message = "INVITE sip:1@x SIP/2.0\r\nSubject: a\r\n X-Qendra-From: 102\r\n\tX-Qendra-Device: 00\r\n\r\n"
    assert header_values(message, "X-Qendra-From") == []
    assert header_values(message, "X-Qendra-Device") == []


SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:4001 IN IP4 127.0.0.1\r\n"


def test_where_sound_goes() -> None:
    assert sound_address(SDP) == "127.0.0.1"
    assert sound_address(SDP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0")) == ""
    assert sound_address("") == ""
    assert moved_sound(SDP, "10.0.0.2") == SDP.replace("127.0.0.1", "10.0.0.2")
