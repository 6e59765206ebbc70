"""Calls from and to providers: what their INVITE tells us, what ours tells them, and that they are calls like any."""

from __future__ import annotations

import hashlib
import random
import re
import time

import pytest

from appliance.calls import commands, events
from appliance.calls.engine import CallTrunk, TrunkAccount, TrunkAccounts
from appliance.calls.names import Cause, Encryption, LegId, LineId
from appliance.engine.marks import Marks, marks_of
from appliance.engine.providers import call_in, call_out
from tests.engine.bench import Bench
from tests.engine.peer import Message, Phone
from tests.engine.test_sound import hears

LINE = LineId("alo")
ACCOUNT = TrunkAccount(LINE, "sip.example.org", user="355421", contact="sip:355421@192.0.2.5:5060;transport=tcp")


def invite(*lines: str, uri: str = "sip:+35542100100@192.0.2.5", to: str = "<sip:+35542100100@sip.example.org>") -> str:
    head = (f"INVITE {uri} SIP/2.0", f"To: {to}", *lines)
    return "\r\n".join(head) + "\r\n\r\nFrom: <sip:body@x>\r\n"


CALLERS = [
    (["From: <sip:+355672000001@sip.example.org>;tag=1"], ("+355672000001", "")),
    (['From: "Ann \\"A\\" Hoxha" <sip:0672000001@h>;tag=1'], ("0672000001", 'Ann "A" Hoxha')),
    (["From: sip:0672000001@h;tag=1"], ("0672000001", "")),
    (["From: 0672000001 <sip:0672000001@h>"], ("0672000001", "")),
    (["From: <sip:old@h>", "P-Asserted-Identity: <tel:+355-67-200.0001;cpc=ordinary>"], ("+355672000001", "")),
    (["From: <sip:old@h>", 'P-Asserted-Identity: "A, B" <sip:1@h>, <tel:+2>'], ("1", "A, B")),
    (["From: <sip:old@h>", "P-Asserted-Identity: <tel:+2>", "Remote-Party-ID: <sip:3@h>"], ("+2", "")),
    (["From: <sip:old@h>", 'Remote-Party-ID: "Ann" <sip:3@h>;party=calling;privacy=off'], ("3", "Ann")),
    (["From: <sip:old@h>", "Remote-Party-ID: <sip:3@h>;party=calling;privacy=full"], ("", "")),
    (["From: <sip:old@h>", "P-Asserted-Identity: <sip:1@h>", "Privacy: user;id"], ("", "")),
    (["From: <sip:0672000001@h>", "Privacy: none"], ("0672000001", "")),
    (['From: "Anonymous" <sip:anonymous@anonymous.invalid>'], ("", "")),
    (['From: "Anonymous" <sip:anonymous@anonymous.invalid>', "P-Asserted-Identity: <sip:1@h>"], ("1", "")),
    (["From: <sip:Restricted@h>"], ("", "")),
    (["From: <sip:h>"], ("", "")),
    (["From: <sip:%2B355672000001@h;user=phone>"], ("+355672000001", "")),
    (["From: <sip:+355672000001;npdi@h>"], ("+355672000001", "")),
    (["From: <mailto:ann@h>"], ("", "")),
    (["From: "], ("", "")),
    ([], ("", "")),
]


LONG = 60_000


@pytest.mark.parametrize(
    "value",
    [
        '"' * LONG,
        '"' + '\\"' * LONG,
        "a" + " " * LONG + "b",
        "<" * LONG,
        "," * LONG,
        '"a" ' * LONG,
        "sip:" + ";" * LONG,
    ],
)
def test_what_is_long_and_strange_is_read_in_no_time(value: str) -> None:
    began = time.monotonic()
    for line in (f"From: {value}", f"Diversion: {value}", f"Privacy: {value}"):
        call_in(invite(line), ACCOUNT)
    assert time.monotonic() - began < 10  # what takes longer with every letter takes minutes


def test_anything_is_read_without_a_fault() -> None:
    dice = random.Random(3)
    pieces = ['"', "\\", "<", ">", ",", ";", ":", "@", "sip:", "tel:", "%4", "%zz", "a", " ", "=", "privacy=full", "é"]
    for _ in range(5000):
        value = "".join(dice.choices(pieces, k=dice.randrange(12)))
        found = call_in(invite(f"From: {value}", f"Diversion: {value}", f"History-Info: {value}", to=value), ACCOUNT)
        assert found.caller.isprintable()
        assert found.diverted_by.isprintable()


@pytest.mark.parametrize(("lines", "expected"), CALLERS)
def test_who_calls(lines: list[str], expected: tuple[str, str]) -> None:
    call = call_in(invite(*lines), ACCOUNT)
    assert (call.caller, call.caller_name) == expected


def test_the_fields_are_read_in_the_order_the_provider_is_known_to_mean() -> None:
    account = TrunkAccount(LINE, "h", caller_from=("From", "P-Asserted-Identity"))
    assert call_in(invite("From: <sip:1@h>", "P-Asserted-Identity: <sip:2@h>"), account).caller == "1"


def test_which_number_was_called() -> None:
    message = invite(uri="sip:355421@192.0.2.5", to='"Us" <sip:+35542100101@h;user=phone>;x=1')
    assert call_in(message, ACCOUNT).dialled == "355421"
    assert call_in(message, TrunkAccount(LINE, "h", called_from="To")).dialled == "+35542100101"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Diversion: <sip:+355421@h>;reason=no-answer, <sip:2@h>"], "+355421"),
        (["Diversion: <tel:+355421>;reason=user-busy", "Diversion: <sip:2@h>"], "+355421"),
        (["History-Info: <sip:1@h>;index=1, <sip:2@h;cause=302>;index=1.1"], "1"),
        (["History-Info: <sip:1@h>;index=1, <sip:2@h>;index=1.1"], ""),
        (["History-Info: <sip:2@h;cause=302>;index=1"], ""),
        (["Diversion: <sip:anonymous@h>"], ""),
        (["Diversion: nonsense"], ""),
    ],
)
def test_who_sent_the_caller_on(lines: list[str], expected: str) -> None:
    assert call_in(invite("From: <sip:1@h>", *lines), ACCOUNT).diverted_by == expected


def test_a_call_out_is_ours() -> None:
    call = call_out(CallTrunk(LegId("l"), LINE, "+355672000001"), ACCOUNT)
    assert call.target == "<sip:+355672000001@sip.example.org>"
    assert call.caller == "<sip:355421@sip.example.org>"
    assert call.headers == (("X-Qendra-Trunk", "alo"),)


@pytest.mark.parametrize(
    ("shows", "withheld", "caller", "headers"),
    [
        ("From", False, "<sip:+3551@h>", ()),
        ("From", True, '"Anonymous" <sip:anonymous@anonymous.invalid>', (("Privacy", "id"),)),
        ("P-Asserted-Identity", False, "<sip:355421@h>", (("P-Asserted-Identity", "<sip:+3551@h>"),)),
        (
            "P-Asserted-Identity",
            True,
            '"Anonymous" <sip:anonymous@anonymous.invalid>',
            (("Privacy", "id"), ("P-Asserted-Identity", "<sip:+3551@h>")),
        ),
        (
            "Remote-Party-ID",
            False,
            "<sip:355421@h>",
            (("Remote-Party-ID", "<sip:+3551@h>;party=calling;privacy=off"),),
        ),
    ],
)
def test_how_our_number_is_shown(shows: str, withheld: bool, caller: str, headers: tuple[tuple[str, str], ...]) -> None:
    account = TrunkAccount(LINE, "h:5080", user="355421", shows_caller_by=shows)
    call = call_out(CallTrunk(LegId("l"), LINE, "1", caller="+3551", withheld=withheld), account)
    assert call.target == "<sip:1@h:5080>"
    assert call.caller == caller
    assert call.headers[1:] == headers


def test_a_call_sent_on_names_whose_it_is() -> None:
    call = call_out(CallTrunk(LegId("l"), LINE, "1", diverted_by="+3559"), TrunkAccount(LINE, "[2001:db8::1]:5080"))
    assert call.caller == "<sip:[2001:db8::1]>"
    assert call.headers[1:] == (("Diversion", "<sip:+3559@[2001:db8::1]>;reason=unconditional"),)


def test_marks_count_only_when_they_stand_once() -> None:
    message = invite(
        "X-Qendra-Trunk: alo", "X-Qendra-Source: 192.0.2.1", "X-Qendra-Transport: tls", "X-Qendra-Here: ::1"
    )
    assert marks_of(message) == Marks(trunk="alo", source="192.0.2.1", encrypted=True, here="::1")
    assert marks_of(invite("X-Qendra-Trunk: a", "X-Qendra-Trunk: b", "X-Qendra-Transport: pigeon")) == Marks()


# -- the real engine


def rung(box: Bench, dialled: str = "+35542100100", extra: str = "") -> tuple[Phone, events.LineRang]:
    caller = box.edge.phone()
    caller.dial_by_provider(LINE, dialled, extra=extra)
    return caller, box.desk.hears(events.LineRang)


def called(box: Bench, account: TrunkAccount = ACCOUNT, **more: str) -> tuple[Phone, LegId]:
    leg = box.new_leg()
    box.desk.tell(TrunkAccounts((account,)), CallTrunk(leg, LINE, "+355672000001", **more))  # type: ignore[arg-type]
    return box.edge.next_invite(), leg


def test_somebody_outside_calls_is_answered_and_presses_a_key(box: Bench) -> None:
    caller, rang = rung(box, extra="Diversion: <sip:+355421@h>\r\n")
    assert rang == events.LineRang(rang.leg, LINE, "0672000001", "+35542100100", "+355421")
    box.desk.tell(commands.Ring(rang.leg))
    caller.status(180)
    box.desk.tell(commands.Answer(rang.leg))
    box.answered(rang.leg)
    caller.sound.press("5")
    box.desk.hears(events.KeyPressed, lambda event: event == events.KeyPressed(rang.leg, "5"))
    caller.bye()
    assert box.ended(rang.leg) == events.LegEnded(rang.leg, Cause.NORMAL)


def test_a_call_cannot_be_a_telephones_and_a_providers(box: Bench) -> None:
    caller = box.edge.phone()
    caller.dial_by_provider(LINE, "600", extra="X-Qendra-From: 101\r\n")
    caller.status(403)
    box.desk.silent_about(events.LineRang, lambda _: True)


def test_a_providers_caller_and_a_telephone_hear_each_other(box: Bench) -> None:
    caller, rang = rung(box)
    box.desk.tell(commands.Answer(rang.leg))
    box.answered(rang.leg)
    phone, leg = box.call_out_answered()
    box.desk.tell(commands.Bridge(rang.leg, leg))
    caller.sound.talk(440)
    phone.sound.talk(700)
    hears(phone, 440)
    hears(caller, 700)


def test_we_call_somebody_over_a_provider(box: Bench) -> None:
    provider, leg = called(box, caller="+35542100100")
    assert provider.invite
    assert provider.invite.start == "INVITE sip:+355672000001@sip.example.org SIP/2.0"
    assert provider.invite.get("X-Qendra-Trunk") == LINE
    assert provider.invite.get("Contact") == "<sip:355421@192.0.2.5:5060;transport=tcp>"
    assert provider.invite.get("From").startswith("<sip:+35542100100@sip.example.org>;tag=")
    provider.ring()
    box.desk.hears(events.LegRinging, lambda event: event.leg == leg)
    provider.answer()
    box.answered(leg)
    box.desk.tell(commands.SendKeys(leg, "1"), commands.Hangup(leg))
    bye = provider.wait(lambda message: message.method == "BYE")
    assert "X-Qendra-Trunk" not in bye.text or bye.get("X-Qendra-Trunk") == LINE
    assert box.ended(leg).cause is Cause.NORMAL


@pytest.mark.parametrize(("algorithm", "digest"), [("MD5", hashlib.md5), ("SHA-256", hashlib.sha256)])
@pytest.mark.parametrize("status", [401, 407])
def test_a_provider_asks_for_our_password(box: Bench, algorithm: str, digest: type, status: int) -> None:
    account = TrunkAccount(LINE, "sip.example.org", user="355421", login="acct-7", password="s3cret")
    asked = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    box.edge.on_invite = lambda phone: setattr(phone, "take", lambda message: _challenge(phone, message))

    def _challenge(phone: Phone, message: Message) -> None:
        if message.method == "INVITE" and "uthorization" not in message.text:
            lines = f'{asked}: Digest realm="sip.example.org", nonce="abc", algorithm={algorithm}, qop="auth"\r\n'
            phone.reply(message, status, "Prove it", extra=lines)
        else:
            Phone.take(phone, message)

    try:
        provider, _ = called(box, account)
        again = provider.wait(lambda message: message.method == "INVITE" and "uthorization" in message.text)
    finally:
        box.edge.on_invite = None
    proof = again.get("Authorization" if status == 401 else "Proxy-Authorization")
    given = dict(re.findall(r'(\w+)="?([^",]+)"?', proof))
    assert given["username"] == "acct-7"

    def hashed(text: str) -> str:
        return str(digest(text.encode()).hexdigest())

    ha1, ha2 = hashed("acct-7:sip.example.org:s3cret"), hashed(f"INVITE:{given['uri']}")
    assert given["response"] == hashed(f"{ha1}:abc:{given['nc']}:{given['cnonce']}:auth:{ha2}")
    assert again.get("X-Qendra-Trunk") == LINE
    assert "s3cret" not in box.log.read_text()


def test_a_provider_we_have_no_password_for_is_not_asked_twice(box: Bench) -> None:
    provider, leg = called(box)
    assert provider.invite
    provider.reply(provider.invite, 401, "Who?", extra='WWW-Authenticate: Digest realm="x", nonce="abc"\r\n')
    assert box.ended(leg).cause is Cause.REFUSED


def test_a_provider_that_is_not_there(box: Bench) -> None:
    leg = box.new_leg()
    box.desk.tell(TrunkAccounts(()), CallTrunk(leg, LINE, "1"))
    assert box.ended(leg) == events.LegEnded(leg, Cause.UNREACHABLE, "there is no provider alo")


def test_providers_change_and_calls_go_on(box: Bench) -> None:
    provider, leg = called(box)
    provider.answer()
    box.answered(leg)
    other = TrunkAccount(LINE, "other.example", user="7", password="x", contact="sip:7@192.0.2.5")
    second, _ = called(box, other)
    assert second.invite
    assert second.invite.start == "INVITE sip:+355672000001@other.example SIP/2.0"
    box.desk.tell(TrunkAccounts(()))
    assert provider.hold("sendonly").status == 200
    provider.bye()
    assert box.ended(leg).cause is Cause.NORMAL
    second.refuse(486)


def test_providers_that_change_all_day_leave_nothing_behind(box: Bench) -> None:
    """The library has room for 64 accounts."""
    for round_ in range(70):
        provider, leg = called(box, TrunkAccount(LINE, "h", user=str(round_)))
        provider.refuse(486)
        assert box.ended(leg).cause is Cause.BUSY


def test_a_call_that_must_be_encrypted_and_is_not(box: Bench) -> None:
    sentinel = box.new_leg()
    accounts = TrunkAccounts((TrunkAccount(LINE, "h", encryption=Encryption.REQUIRED),))
    box.desk.tell(accounts, CallTrunk(sentinel, LineId("nobody"), "1"))
    box.ended(sentinel)  # so the engine has heard what came before
    caller, rang = rung(box)
    caller.status(488)
    assert box.ended(rang.leg) == events.LegEnded(rang.leg, Cause.REFUSED, "its sound would not be encrypted")


def test_a_provider_that_goes_while_it_is_asked_again(box: Bench) -> None:
    provider, leg = called(box, TrunkAccount(LINE, "h", user="7", encryption=Encryption.OPTIONAL))
    box.desk.tell(TrunkAccounts(()))
    provider.refuse(488)
    box.edge.next_invite().refuse(486)
    assert box.ended(leg).cause is Cause.BUSY


def test_a_provider_that_wants_the_password_at_the_end_as_well(box: Bench) -> None:
    account = TrunkAccount(LINE, "h", user="7", password="s3cret")
    provider, leg = called(box, account)
    provider.answer()
    box.answered(leg)
    usual = provider.take

    def take(message: Message) -> None:
        if message.method == "BYE" and "uthorization" not in message.text:
            provider.reply(message, 407, "Prove it", extra='Proxy-Authenticate: Digest realm="h", nonce="abc"\r\n')
        else:
            usual(message)

    provider.take = take  # type: ignore[method-assign]
    box.desk.tell(commands.Hangup(leg))
    again = provider.wait(lambda message: message.method == "BYE" and "uthorization" in message.text)
    assert 'username="7"' in again.get("Proxy-Authorization")
    assert box.ended(leg).cause is Cause.NORMAL
