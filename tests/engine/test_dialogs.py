"""SIP dialogs of the real engine: every way a call begins, changes and ends."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest

from appliance.calls import commands, events
from appliance.calls.engine import CallDevice, PlayFiles
from appliance.calls.names import Cause, Extension, LegId
from tests.engine.bench import Bench, bench
from tests.engine.peer import Message, Phone


def test_a_telephone_calls_rings_and_is_answered(box: Bench) -> None:
    phone = box.edge.phone()
    phone.dial("101", "600", device="kitchen")
    rang = box.desk.hears(events.PhoneRang)
    assert (rang.extension, rang.dialled, rang.device) == ("101", "600", "kitchen")
    box.desk.tell(commands.Ring(rang.leg))
    phone.status(180)
    box.desk.tell(commands.Answer(rang.leg))
    phone.status(200)
    box.desk.hears(events.LegAnswered, lambda event: event.leg == rang.leg)
    phone.bye()
    assert box.ended(rang.leg) == events.LegEnded(rang.leg, Cause.NORMAL)


def test_feature_codes_and_escapes_arrive_as_dialled(box: Bench) -> None:
    for dialled, heard in (("*55%23", "*55#"), ("+355672123456", "+355672123456"), ("%36%30%30", "600")):
        phone = box.edge.phone()
        phone.dial("101", dialled)
        box.desk.hears(events.PhoneRang, lambda event, heard=heard: event.dialled == heard)  # type: ignore[misc]


def test_we_call_a_telephone(box: Bench) -> None:
    leg = box.new_leg()
    box.desk.tell(CallDevice(leg, Extension("102"), "dev/7;x", "0672123456", 'Ann "A" Hoxha\r\nX-Evil: 1'))
    phone = box.edge.next_invite()
    assert phone.invite
    assert phone.invite.start == f"INVITE sip:102@127.0.0.1:{box.edge.port};ob=dev/7%3bx SIP/2.0"
    assert phone.invite.get("From").startswith('"Ann \\"A\\" Hoxha  X-Evil: 1" <sip:0672123456@127.0.0.1>;tag=')
    assert not phone.invite.all("X-Evil")
    phone.ring()
    box.desk.hears(events.LegRinging, lambda event: event.leg == leg)
    phone.answer()
    box.answered(leg)
    box.desk.tell(commands.Hangup(leg))
    phone.wait(lambda message: message.method == "BYE")
    assert box.ended(leg) == events.LegEnded(leg, Cause.NORMAL)


def test_a_withheld_number_is_not_shown(box: Bench) -> None:
    leg = box.new_leg()
    box.desk.tell(CallDevice(leg, Extension("102"), "dev-1", "", "Ann"))
    phone = box.edge.next_invite()
    assert phone.invite
    assert phone.invite.get("From").startswith('"Anonymous" <sip:anonymous@anonymous.invalid>')


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (486, Cause.BUSY),
        (600, Cause.BUSY),
        (404, Cause.UNKNOWN_NUMBER),
        (603, Cause.REFUSED),
        (403, Cause.REFUSED),
        (480, Cause.UNREACHABLE),
        (503, Cause.UNREACHABLE),
        (500, Cause.FAULT),
    ],
)
def test_a_telephone_says_no(box: Bench, status: int, cause: Cause) -> None:
    phone, leg = box.call_out()
    phone.refuse(status, "Because")
    assert box.ended(leg) == events.LegEnded(leg, cause, f"{status} Because")


def test_nobody_comes_to_a_ringing_telephone(box: Bench) -> None:
    phone, leg = box.call_out()
    phone.ring()
    box.desk.hears(events.LegRinging)
    phone.refuse(480, "Temporarily Unavailable")
    assert box.ended(leg).cause is Cause.NO_ANSWER


def test_a_telephone_that_forwards_is_refused_without_harm(box: Bench) -> None:
    phone, leg = box.call_out()
    assert phone.invite
    phone.reply(phone.invite, 302, "Moved", extra="Contact: <sip:stranger@192.0.2.9>\r\n")
    assert box.ended(leg) == events.LegEnded(leg, Cause.REFUSED, "302 Moved")


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (Cause.BUSY, 486),
        (Cause.NO_ANSWER, 480),
        (Cause.UNKNOWN_NUMBER, 404),
        (Cause.REFUSED, 403),
        (Cause.UNREACHABLE, 480),
        (Cause.FAULT, 503),
    ],
)
@pytest.mark.parametrize("ringing", [False, True])
def test_we_say_no(box: Bench, cause: Cause, status: int, ringing: bool) -> None:
    phone, leg = box.call_in()
    if ringing:
        box.desk.tell(commands.Ring(leg))
        phone.status(180)
    box.desk.tell(commands.Hangup(leg, cause))
    phone.status(status)
    assert box.ended(leg) == events.LegEnded(leg, cause)


def test_the_caller_gives_up(box: Bench) -> None:
    phone, leg = box.call_in()
    box.desk.tell(commands.Ring(leg))
    phone.status(180)
    phone.cancel()
    phone.status(487)
    assert box.ended(leg) == events.LegEnded(leg, Cause.CANCELLED, "487 Request Terminated")


def test_we_give_up_while_it_rings(box: Bench) -> None:
    phone, leg = box.call_out()
    phone.ring()
    box.desk.hears(events.LegRinging)
    box.desk.tell(commands.Hangup(leg, Cause.CANCELLED))
    phone.wait(lambda message: message.method == "CANCEL")
    assert box.ended(leg) == events.LegEnded(leg, Cause.CANCELLED)


def test_giving_up_and_answering_cross(box: Bench) -> None:
    """Our CANCEL finds a telephone that has just been picked up: it is told BYE, and nobody is left talking to nobody."""
    phone, leg = box.call_out()
    phone.ring()
    box.desk.hears(events.LegRinging)
    assert phone.invite
    phone.take = lambda message: _answer_late(phone, message)  # type: ignore[method-assign]
    box.desk.tell(commands.Hangup(leg, Cause.CANCELLED))
    assert box.ended(leg) == events.LegEnded(leg, Cause.CANCELLED)
    assert phone.over.wait(5), [message.start for message in phone.all]
    assert box.desk.count(events.LegEnded) == 1


def _answer_late(phone: Phone, message: Message) -> None:
    if message.method == "CANCEL":
        phone.reply(message, 200, "OK")
        phone.answer()
    else:
        Phone.take(phone, message)


def test_commands_for_legs_that_are_gone_are_harmless(box: Bench) -> None:
    phone, leg = box.call_in_answered()
    box.desk.tell(commands.Hangup(leg), commands.Hangup(leg), commands.Hangup(LegId("never was")))
    box.desk.tell(
        commands.Ring(leg),
        commands.Answer(leg),
        PlayFiles(leg, 1, ("/nowhere.wav",)),
        commands.StopPlaying(leg),
        commands.Bridge(leg, LegId("never was")),
        commands.Unbridge(leg, LegId("never was")),
        commands.SendKeys(leg, "1"),
    )
    box.ended(leg)
    assert phone.over.wait(5)
    second, other = box.call_in_answered()
    assert box.desk.count(events.LegEnded, lambda event: event.leg == leg) == 1
    second.bye()
    box.ended(other)


def test_commands_in_the_wrong_state_are_harmless(box: Bench) -> None:
    phone, leg = box.call_in_answered()
    box.desk.tell(commands.Ring(leg), commands.Answer(leg), commands.Bridge(leg, leg), commands.SendKeys(leg, "xyz!"))
    out, dialled = box.call_out()
    box.desk.tell(commands.Answer(dialled), commands.Ring(dialled), CallDevice(dialled, Extension("1"), "d", ""))
    out.answer()
    box.answered(dialled)
    phone.bye()
    box.ended(leg)
    out.bye()
    box.ended(dialled)


def test_both_sides_hang_up_at_once(box: Bench) -> None:
    phone, leg = box.call_in_answered()
    number = phone.request("BYE")
    box.desk.tell(commands.Hangup(leg))
    phone.final("BYE", number)
    box.ended(leg)
    time.sleep(0.1)
    assert box.desk.count(events.LegEnded) == 1


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
def test_hold_and_back(box: Bench, direction: str) -> None:
    phone, leg = box.call_in_answered()
    answer = phone.hold(direction)
    assert answer.status == 200
    box.desk.hears(events.LegHeld, lambda event: event == events.LegHeld(leg, held=True))
    assert phone.hold("sendrecv").status == 200
    box.desk.hears(events.LegHeld, lambda event: event == events.LegHeld(leg, held=False))


def test_hold_by_an_empty_address(box: Bench) -> None:
    """RFC 2543's way; some telephones still do it."""
    phone, leg = box.call_in_answered()
    phone.connection = "0.0.0.0"
    assert phone.hold("sendrecv").status == 200
    box.desk.hears(events.LegHeld, lambda event: event.held)
    phone.connection = "127.0.0.1"
    assert phone.hold("sendrecv").status == 200
    box.desk.hears(events.LegHeld, lambda event: event == events.LegHeld(leg, held=False))


def test_keys_in_the_stream_count_once_each(box: Bench) -> None:
    phone, leg = box.call_in_answered()
    for key in "159*#0":
        phone.sound.press(key)
    box.desk.hears(events.KeyPressed, lambda event: event == events.KeyPressed(leg, "0"))
    time.sleep(0.2)
    pressed = [event.key for event in box.desk.events if isinstance(event, events.KeyPressed)]
    assert pressed == list("159*#0")


def test_keys_by_info(box: Bench) -> None:
    phone, leg = box.call_in_answered()
    for key in "7", "#":
        number = phone.request("INFO", body=f"Signal={key}\r\nDuration=160\r\n", kind="application/dtmf-relay")
        assert phone.final("INFO", number).status == 200
        box.desk.hears(events.KeyPressed, lambda event, key=key: event == events.KeyPressed(leg, key))  # type: ignore[misc]


def test_a_key_told_both_ways_counts_once_but_pressed_twice_counts_twice(box: Bench) -> None:
    phone, _ = box.call_in_answered()
    phone.sound.press("4")
    phone.request("INFO", body="Signal=4\r\nDuration=160\r\n", kind="application/dtmf-relay")
    time.sleep(0.4)
    assert box.desk.count(events.KeyPressed) == 1
    phone.sound.press("4")
    time.sleep(0.4)
    assert box.desk.count(events.KeyPressed) == 2


def test_a_telephone_that_knows_no_keys_in_the_stream_is_told_by_info(box: Bench) -> None:
    phone = box.edge.phone()
    plain = phone.sdp
    phone.sdp = lambda direction="sendrecv": "".join(  # type: ignore[method-assign]
        line for line in plain(direction).replace("AVP 0 101", "AVP 0").splitlines(keepends=True) if ":101 " not in line
    )
    phone.dial("101", "600")
    leg = box.desk.hears(events.PhoneRang).leg
    box.desk.tell(commands.Answer(leg))
    box.answered(leg)
    box.desk.tell(commands.SendKeys(leg, "7"))
    told = phone.wait(lambda message: message.method == "INFO")
    assert told.get("Content-Type") == "application/dtmf-relay"
    assert "Signal=7" in told.body.replace(" ", "")


def test_early_sound_counts_as_ringing(box: Bench) -> None:
    """Some telephones and gateways play their own ringing tone (183 with SDP) instead of saying 180."""
    phone, leg = box.call_out()
    assert phone.invite
    phone.reply(phone.invite, 183, "Session Progress", phone.sdp())
    box.desk.hears(events.LegRinging, lambda event: event.leg == leg)
    assert not box.desk.count(events.LegAnswered)
    phone.ring()
    phone.answer()
    box.answered(leg)
    assert box.desk.count(events.LegRinging) == 1


def test_we_press_keys(box: Bench) -> None:
    phone, leg = box.call_in_answered()
    box.desk.tell(commands.SendKeys(leg, "1#"))
    until = time.monotonic() + 5
    while len(phone.sound.keys) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    assert [event for _, event in phone.sound.keys] == [1, 11]


@pytest.mark.parametrize(
    "target", ["sip:103@127.0.0.1", "sip:103@127.0.0.1?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc", "garbage"]
)
def test_a_transfer_is_declined_and_the_call_goes_on(box: Bench, target: str) -> None:
    phone, leg = box.call_in_answered()
    number = phone.request("REFER", f"Refer-To: <{target}>\r\n")
    assert phone.final("REFER", number).status >= 300
    assert box.alive
    phone.sound.press("1")
    box.desk.hears(events.KeyPressed, lambda event: event.leg == leg)


def test_a_takeover_is_declined_and_the_call_goes_on(box: Bench) -> None:
    phone, leg = box.call_in_answered()
    thief = box.edge.phone()
    to_tag = re.search(r"tag=([^;>]+)", phone.remote)
    assert to_tag
    thief.dial("103", "600", extra=f"Replaces: {phone.call_id};to-tag={to_tag[1]};from-tag={phone.tag}\r\n")
    refused = thief.wait(lambda message: message.status >= 200)
    assert refused.status >= 300
    assert box.alive
    assert box.desk.count(events.PhoneRang) == 1
    phone.sound.press("1")
    box.desk.hears(events.KeyPressed, lambda event: event.leg == leg)


def test_a_transfer_to_a_leg_that_is_ending_is_harmless(box: Bench) -> None:
    phone, leg = box.call_in_answered()
    box.desk.tell(commands.Hangup(leg))
    phone.request("REFER", "Refer-To: <sip:103@127.0.0.1>\r\n")
    box.ended(leg)
    other, again = box.call_in_answered()
    other.bye()
    box.ended(again)


def test_a_call_that_did_not_come_through_the_edge_is_not_heard(box: Bench) -> None:
    """The kernel drops it: the engine does not even spend a look on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.settimeout(0.5)
        port = stranger.getsockname()[1]
        stranger.sendto(
            (
                f"INVITE sip:600@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKx;rport\r\n"
                "From: <sip:1@x>;tag=1\r\nTo: <sip:600@x>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
                f"Contact: <sip:1@127.0.0.1:{port}>\r\nX-Qendra-From: 101\r\nContent-Length: 0\r\n\r\n"
            ).encode(),
            ("127.0.0.1", box.edge.engine_port),
        )
        with pytest.raises(TimeoutError):
            stranger.recv(2048)
    assert not box.desk.count(events.PhoneRang)


@pytest.mark.parametrize("extra", ["", "X-Qendra-From: 101\r\nX-Qendra-From: 102\r\n"])
def test_a_call_without_one_proven_caller_is_refused(box: Bench, extra: str) -> None:
    phone = box.edge.phone()
    phone.dial("101", "600", trusted=False, extra=extra)
    phone.status(403)
    box.desk.silent_about(events.PhoneRang, lambda _: True)
    _, leg = box.call_in_answered()
    assert leg


def test_garbage_on_the_wire_is_harmless(box: Bench) -> None:
    phone, leg = box.call_in_answered()
    for text in ("\r\n\r\n", "\0\0\0", "INVITE", "SIP/2.0 200 OK\r\n\r\n", "BYE sip:x SIP/2.0\r\n\r\n", "é" * 3000):
        box.edge.send(text)
    phone.request("INFO", body="Signal=\r\n", kind="application/dtmf-relay")
    phone.request("INFO", body="\0", kind="application/dtmf")
    phone.sound.press("8")
    box.desk.hears(events.KeyPressed, lambda event: event == events.KeyPressed(leg, "8"))


def test_sound_ports_stay_in_their_range(box: Bench) -> None:
    for _ in range(3):
        phone, leg = box.call_in_answered()
        assert phone.sound.to
        assert phone.sound.to[0] == "127.0.0.1"
        assert box.rtp[0] <= phone.sound.to[1] < box.rtp[1]
        phone.bye()
        box.ended(leg)


def test_a_box_with_several_addresses_names_the_one_on_the_telephones_side(tmp_path: Path) -> None:
    with bench(tmp_path, bind="0.0.0.0") as box:
        phone, leg = box.call_in_answered()
        assert phone.sound.to
        assert phone.sound.to[0] == "127.0.0.1"
        phone.hold("sendrecv")
        assert phone.sound.to[0] == "127.0.0.1"
        phone.bye()
        box.ended(leg)
