"""Encrypted sound (SRTP with keys in the SDP): who gets it, who must have it, and that nobody notices otherwise."""

from __future__ import annotations

import base64
import os
import re
import time

import pytest

from appliance.calls import commands, events
from appliance.calls.engine import CallDevice, CallTrunk, TrunkAccount, TrunkAccounts
from appliance.calls.names import CallId, Cause, Encryption, Extension, LegId, LineId
from appliance.engine.sdp import brings_keys, names_in, offered, plain_address, sound_address, sound_port
from tests.engine.bench import Bench
from tests.engine.peer import Phone
from tests.engine.srtp import key_in, key_line, new_key
from tests.engine.test_recordings import read
from tests.engine.test_sound import hears
from tests.engine.tones import strength

TLS = "X-Qendra-Source: 127.0.0.1\r\nX-Qendra-Transport: tls\r\n"
UDP = TLS.replace("tls", "udp")
REFUSED = "its sound would not be encrypted"


def calls(box: Bench, keys: str, marks: str = TLS, sdp: str | None = None) -> tuple[Phone, LegId]:
    """A telephone that encrypts so calls."""
    phone = box.edge.phone()
    phone.keys = keys
    known = {event.leg for event in list(box.desk.events) if isinstance(event, events.PhoneRang)}
    if sdp is not None:
        phone.sdp = lambda direction="sendrecv": sdp  # type: ignore[method-assign]  # noqa: ARG005
    phone.dial("101", "600", extra=marks)
    return phone, box.desk.hears(events.PhoneRang, lambda event: event.leg not in known).leg


def answered(box: Bench, keys: str, marks: str = TLS, *, only: bool = False) -> tuple[Phone, LegId]:
    phone, leg = calls(box, keys, marks)
    box.desk.tell(commands.Answer(leg, encrypted_only=only))
    box.answered(leg)
    return phone, leg


def rung(box: Bench, encryption: Encryption) -> tuple[Phone, LegId, str]:
    """We call a telephone; also our offer."""
    leg = box.new_leg()
    box.desk.tell(CallDevice(leg, Extension("102"), "d", "101", encryption=encryption))
    phone = box.edge.next_invite()
    assert phone.invite
    return phone, leg, phone.invite.body


def profile(sdp: str) -> str:
    found = re.search(r"^m=audio [1-9]\d* RTP/(\w+) ", sdp, re.MULTILINE)
    assert found, sdp
    return found[1]


def told(box: Bench, leg: LegId, encrypted: bool = True) -> None:
    wanted = events.LegEncrypted(leg, encrypted)
    box.desk.hears(events.LegEncrypted, lambda event: event == wanted)


@pytest.mark.parametrize("keys", ["SAVP", "AVP"])
@pytest.mark.parametrize("only", [False, True])
def test_a_telephone_that_offers_it_is_answered_with_it(box: Bench, keys: str, only: bool) -> None:
    phone, leg = answered(box, keys, only=only)
    told(box, leg)
    other, second = answered(box, "", UDP)
    box.desk.tell(commands.Bridge(leg, second))
    phone.sound.talk(440)
    other.sound.talk(700)
    hears(phone, 700)
    hears(other, 440)
    answer = next(message for message in phone.all if message.status == 200)
    assert profile(answer.body) == keys
    assert key_in(answer.body)
    assert phone.sound.unread == 0
    assert not box.desk.count(events.LegEncrypted, lambda event: event.leg == second)


def test_keys_that_anybody_could_read_on_their_way_make_no_encrypted_call(box: Bench) -> None:
    phone, leg = answered(box, "SAVP", UDP)
    phone.sound.press("5")
    box.desk.hears(events.KeyPressed)
    assert phone.sound.unread == 0
    assert not box.desk.count(events.LegEncrypted, lambda event: event.leg == leg)


PLAIN = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/{} 0\r\n"


@pytest.mark.parametrize(
    "sdp",
    [
        PLAIN.format("AVP"),
        PLAIN.format("AVP") + "a=crypto:1 NO_CIPHER_WE_KNOW inline:AAAA\r\n",
        PLAIN.format("AVP") + "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n",
    ],
)
def test_who_cannot_and_must_is_refused(box: Bench, sdp: str) -> None:
    phone, leg = calls(box, "", sdp=sdp)
    box.desk.tell(commands.Answer(leg, encrypted_only=True))
    phone.status(488)
    assert box.ended(leg) == events.LegEnded(leg, Cause.REFUSED, REFUSED)


def test_an_offer_of_both_is_answered_with_the_better(box: Bench) -> None:
    """Some telephones offer the stream twice."""
    key = new_key()
    sdp = PLAIN.format("AVP") + PLAIN.format("SAVP")[PLAIN.index("m=") :].replace("m=audio 9 ", "m=audio 11 ")
    phone, leg = calls(box, "SAVP", sdp=sdp + key_line(key))
    box.desk.tell(commands.Answer(leg, encrypted_only=True))
    body = phone.status(200).body
    assert re.findall(r"^m=audio (0|[1-9])\d* RTP/(\w+)", body, re.MULTILINE)[0] == ("0", "AVP")
    assert key_in(body)
    told(box, leg)


@pytest.mark.parametrize(
    ("encryption", "kind", "keys"),
    [(Encryption.OFF, "AVP", False), (Encryption.OPTIONAL, "AVP", True), (Encryption.REQUIRED, "SAVP", True)],
)
def test_what_we_offer(box: Bench, encryption: Encryption, kind: str, keys: bool) -> None:
    _, _, offer = rung(box, encryption)
    assert profile(offer) == kind
    assert brings_keys(offer) is keys
    ciphers = re.findall(r"^a=crypto:\d+ (\S+) ", offer, re.MULTILINE)
    assert ciphers == (["AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"] if keys else [])


@pytest.mark.parametrize(
    ("encryption", "keys", "encrypted"),
    [
        (Encryption.OFF, "", False),
        (Encryption.OPTIONAL, "", False),
        (Encryption.OPTIONAL, "AVP", True),
        (Encryption.REQUIRED, "SAVP", True),
    ],
)
def test_we_call_and_both_are_heard(box: Bench, encryption: Encryption, keys: str, encrypted: bool) -> None:
    phone, leg, offer = rung(box, encryption)
    phone.keys = keys
    phone._sound_to(offer)
    phone.answer(TLS)
    box.answered(leg)
    if encrypted:
        told(box, leg)
    other, second = answered(box, "", UDP)
    box.desk.tell(commands.Bridge(leg, second))
    phone.sound.talk(440)
    other.sound.talk(700)
    hears(phone, 700)
    hears(other, 440)
    assert phone.sound.unread == 0
    assert box.desk.count(events.LegEncrypted) == encrypted


def test_a_telephone_that_answers_plain_where_it_must_not_is_hung_up(box: Bench) -> None:
    phone, leg, _ = rung(box, Encryption.REQUIRED)
    phone.answer(TLS)
    assert box.ended(leg) == events.LegEnded(leg, Cause.REFUSED, REFUSED)
    assert phone.over.wait(5)
    assert not box.desk.count(events.LegAnswered)


def test_a_telephone_that_says_it_cannot(box: Bench) -> None:
    phone, leg, _ = rung(box, Encryption.REQUIRED)
    phone.refuse(488, "Not Acceptable Here")
    assert box.ended(leg).cause is Cause.REFUSED


def test_a_telephone_that_takes_nothing_but_encrypted_sound_is_asked_again(box: Bench) -> None:
    """It knows no offer that leaves it the choice."""
    phone, leg, offer = rung(box, Encryption.OPTIONAL)
    assert profile(offer) == "AVP"
    phone.refuse(488, "Not Acceptable Here")
    again = box.edge.next_invite()
    assert again.invite
    assert profile(again.invite.body) == "SAVP"
    again.keys = "SAVP"
    again.answer(TLS)
    box.answered(leg)
    told(box, leg)
    again.sound.press("5")
    box.desk.hears(events.KeyPressed, lambda event: event.leg == leg)
    assert not box.desk.count(events.LegEnded)


def test_it_is_asked_again_once(box: Bench) -> None:
    phone, leg, _ = rung(box, Encryption.OPTIONAL)
    phone.refuse(606, "Not Acceptable")
    again = box.edge.next_invite()
    again.refuse(488, "Not Acceptable Here")
    assert box.ended(leg) == events.LegEnded(leg, Cause.REFUSED, "488 Not Acceptable Here")


def test_a_telephone_may_choose_our_second_cipher(box: Bench) -> None:
    """It is heard of as any, though its tag is not the next in order."""
    phone, leg, offer = rung(box, Encryption.REQUIRED)
    second = re.search(r"^a=crypto:(\d+) AES_256_CM_HMAC_SHA1_80 ", offer, re.MULTILINE)
    assert second
    key = base64.b64encode(os.urandom(46)).decode()
    phone.sdp_extra = f"a=crypto:{second[1]} AES_256_CM_HMAC_SHA1_80 inline:{key}\r\n"
    plain = phone.sdp
    phone.sdp = lambda direction="sendrecv": plain(direction).replace("RTP/AVP", "RTP/SAVP")  # type: ignore[method-assign]
    phone.answer(TLS)
    box.answered(leg)
    told(box, leg)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_no_offer_takes_back_what_must_be(box: Bench, method: str) -> None:
    phone, leg = answered(box, "SAVP", only=True)
    told(box, leg)
    phone.keys = ""
    number = phone.request(method, TLS, phone.sdp())
    assert phone.wait(lambda message: message.status >= 300 and message.cseq == (number, method)).status == 488
    assert not box.desk.count(events.LegEncrypted, lambda event: not event.encrypted)


@pytest.mark.parametrize("only", [False, True])
def test_hold_and_back_keep_it(box: Bench, only: bool) -> None:
    phone, leg = answered(box, "SAVP", only=only)
    told(box, leg)
    for direction in ("sendonly", "sendrecv"):
        number = phone.request("INVITE", TLS, phone.sdp(direction))
        answer = phone.final("INVITE", number)
        assert profile(answer.body) == "SAVP"
    phone.sound.press("5")
    box.desk.hears(events.KeyPressed)
    assert box.desk.count(events.LegEncrypted) == 1


def test_new_keys_within_a_call(box: Bench) -> None:
    phone, leg = answered(box, "SAVP")
    told(box, leg)
    phone.key = new_key()
    number = phone.request("INVITE", TLS, phone.sdp())
    assert phone.final("INVITE", number).status == 200
    phone.sound.press("5")
    box.desk.hears(events.KeyPressed)
    assert box.desk.count(events.LegEncrypted) == 1


def test_a_call_that_becomes_plain_and_encrypted_again_says_so(box: Bench) -> None:
    phone, leg = answered(box, "AVP")
    told(box, leg)
    phone.keys = ""
    number = phone.request("INVITE", TLS, phone.sdp())
    assert phone.final("INVITE", number).status == 200
    told(box, leg, encrypted=False)
    phone.sound.press("5")
    box.desk.hears(events.KeyPressed)
    box.desk.events.clear()
    phone.keys, phone.key = "AVP", new_key()
    number = phone.request("INVITE", TLS, phone.sdp())
    assert phone.final("INVITE", number).status == 200
    told(box, leg)


def test_a_call_whose_signalling_moves_to_where_it_can_be_read(box: Bench) -> None:
    phone, leg = answered(box, "SAVP")
    told(box, leg)
    number = phone.request("INVITE", UDP, phone.sdp())
    assert phone.final("INVITE", number).status == 200
    told(box, leg, encrypted=False)


def test_what_must_be_encrypted_stays_so(box: Bench) -> None:
    phone, leg = answered(box, "AVP", only=True)
    told(box, leg)
    phone.keys = ""
    number = phone.request("INVITE", TLS, phone.sdp())
    assert phone.final("INVITE", number).status == 488
    phone.keys = "AVP"
    phone.sound.press("5")
    box.desk.hears(events.KeyPressed)
    assert box.desk.count(events.LegEncrypted) == 1
    assert not box.desk.count(events.LegEnded)


@pytest.mark.parametrize("keys", ["SAVP", ""])
def test_a_call_without_an_offer(box: Bench, keys: str) -> None:
    """The telephone wants ours, and answers in its ACK."""
    phone = box.edge.phone()
    phone.keys = keys
    own, phone.sdp = phone.sdp, lambda direction="sendrecv": ""  # type: ignore[method-assign]  # noqa: ARG005
    phone._invite_answered = lambda message: None  # type: ignore[method-assign]  # noqa: ARG005
    phone.dial("101", "600", extra=TLS)
    leg = box.desk.hears(events.PhoneRang).leg
    box.desk.tell(commands.Answer(leg, encrypted_only=True))
    offer = phone.status(200)
    assert profile(offer.body) == "SAVP"
    phone.remote, phone.target = offer.get("To"), f"sip:x@127.0.0.1:{box.edge.engine_port}"
    phone._sound_to(offer.body)
    phone.request("ACK", cseq=phone.cseq, body=own())
    if keys:
        box.answered(leg)
        told(box, leg)
        phone.sound.press("5")
        box.desk.hears(events.KeyPressed)
    else:
        assert box.ended(leg).cause is Cause.REFUSED
        assert not box.desk.count(events.LegAnswered)


def test_an_encrypted_talk_is_recorded(box: Bench) -> None:
    phone, leg = answered(box, "SAVP", only=True)
    other, second = answered(box, "AVP")
    box.desk.tell(commands.Bridge(leg, second), commands.Record(CallId("c1"), leg, second, "talk"))
    phone.sound.talk(440)
    other.sound.talk(1000)
    time.sleep(1.2)
    phone.bye()
    assert box.recorded(CallId("c1")).fault == ""
    sound = read(box.recordings / "talk.wav")
    assert strength(sound[2000:, 0], 440) > 0.95
    assert strength(sound[2000:, 1], 1000) > 0.95


def test_a_provider_that_must_encrypt(box: Bench) -> None:
    account = TrunkAccount(LineId("alo"), "h", user="7", encryption=Encryption.REQUIRED)
    leg = box.new_leg()
    box.desk.tell(TrunkAccounts((account,)), CallTrunk(leg, LineId("alo"), "1"))
    provider = box.edge.next_invite()
    assert provider.invite
    assert profile(provider.invite.body) == "SAVP"
    provider.keys = "SAVP"
    provider._sound_to(provider.invite.body)
    provider.answer(TLS)
    box.answered(leg)
    told(box, leg)
    caller = box.edge.phone()
    caller.keys = "SAVP"
    caller.dial_by_provider("alo", "1", extra=TLS)
    rang = box.desk.hears(events.LineRang)
    box.desk.tell(commands.Answer(rang.leg))
    box.answered(rang.leg)
    told(box, rang.leg)


def test_sound_to_a_name_is_refused(box: Bench) -> None:
    """Somebody would have to ask the DNS."""
    phone = box.edge.phone()
    phone.connection = "sound.example.org"
    phone.dial("101", "600", extra=TLS)
    phone.status(488)
    other, _ = answered(box, "")
    other.connection = "sound.example.org"
    number = other.request("INVITE", TLS, other.sdp())
    assert other.final("INVITE", number).status == 488


def test_the_words_of_sdp() -> None:
    sdp = PLAIN.format("AVP") + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\na=sendrecv\r\n"
    assert brings_keys(sdp)
    assert offered(sdp, Encryption.OFF) == PLAIN.format("AVP") + "a=sendrecv\r\n"
    assert offered(sdp, Encryption.OPTIONAL) == sdp
    assert offered(sdp, Encryption.REQUIRED) == sdp.replace("RTP/AVP", "RTP/SAVP")
    assert sound_port(sdp) == 9
    assert sound_port(sdp.replace("audio 9", "audio 0")) == 0
    assert sound_address("c=IN IP4 1.2.3.4\r\nm=audio 0 RTP/AVP 0\r\nm=audio 2 RTP/AVP 0\r\nc=IN IP6 ::7\r\n") == "::7"
    assert (plain_address("fe80::1%eth0"), plain_address("192.0.2.1"), plain_address("box")) == (
        "fe80::1",
        "192.0.2.1",
        "",
    )
    assert names_in("c=IN IP4 box.local\r\nc=IN IP4 1.2.3.4\r\n") == ["box.local"]
