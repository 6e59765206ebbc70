"""Who is heard: floods, scanners, strangers, and the telephones that must not suffer for them."""

from __future__ import annotations

from random import Random

import pytest

from appliance.calls.edge import Lamp, LampState
from appliance.calls.names import Extension
from appliance.edge.buckets import Rate
from appliance.edge.flows import Flow, Send
from appliance.edge.guard import Guard, Limits
from appliance.edge.refusals import WINDOW
from tests.edge.house import House, Phone, accounts, proof, request, udp
from tests.edge.test_bans import FAR, far, guess


def test_a_challenge_is_no_failure() -> None:
    house = House()
    phone = Phone(house, "101", far())
    for _ in range(40):
        assert phone.ask(phone.message(b"REGISTER")) is not None
    assert house.refusals() == []
    assert guess(house, far(), "101", "pw101") == 200


def test_a_flood_is_cut_and_told_as_one() -> None:
    house = House(limits=Limits(foreign=Rate(5, 50)))
    phone = Phone(house, "101", far())
    answered = [phone.ask(phone.message(b"REGISTER")) is not None for _ in range(500)]
    assert (answered.count(True), answered[:50]) == (50, [True] * 50)
    house.pass_time(2)
    assert [phone.ask(phone.message(b"REGISTER")) is not None for _ in range(12)].count(True) == 10
    house.pass_time(WINDOW)
    floods = [each for each in house.refusals() if each.refusal == "flood"]
    assert [each.times for each in floods] == [1, 451]
    assert floods[0].source == f"udp {FAR}:5060"


def test_an_office_with_the_right_passwords_is_no_flood() -> None:
    house = House(limits=Limits(local=Rate(1, 10), phone=Rate(1, 10)))
    for each in range(200):
        assert guess(house, udp(7, 10_000 + each), "101", "pw101") == 200
    assert house.refusals() == []


def test_a_telephone_that_floods_keeps_its_calls_and_loses_the_rest() -> None:
    house = House(limits=Limits(local=Rate(1, 10), phone=Rate(1, 10)))
    phone = Phone(house, "101", udp(7))
    phone.register()
    routes = [b"Route: " + each for each in request(phone.invite(b"600")).all(b"record-route")][::-1]
    answers = [phone.ask(phone.message(b"REGISTER")) for _ in range(30)]
    assert sum(each is not None for each in answers) == 10
    house.hear(phone.message(b"BYE", b"sip:127.0.0.1:5070", to=b"<sip:600@x>;tag=e", more=routes), phone.flow)
    assert request(house.to_engine[-1]).method == b"BYE"


def test_garbage_empties_the_same_bucket() -> None:
    house = House(limits=Limits(foreign=Rate(1, 5)))
    bad = Phone(house, "101", far()).message(b"REGISTER").replace(b"CSeq: 1 REGISTER", b"CSeq: one")
    answers = [len(house.hear(bad, far())) for _ in range(20)]
    assert sum(1 for each in house.sent) == 5
    assert answers[-1] == 0


@pytest.mark.parametrize("agent", [b"friendly-scanner", b"sipvicious", b"Mozilla SIPCLI/v1.8", b"VaxSIPUserAgent/3.1"])
def test_scanners_hear_nothing(agent: bytes) -> None:
    house = House()
    phone = Phone(house, "101", far())
    assert phone.ask(phone.message(b"REGISTER", more=[b"User-Agent: " + agent])) is None
    assert house.refusals()[-1].refusal == "stranger"


@pytest.mark.parametrize(
    "spoil", [(b"", b""), (b"CSeq: 1 OPTIONS", b"CSeq: one"), (b"To: <sip:101@192.168.1.1>", b"To: <sip:1@x>;tag=1")]
)
def test_whoever_looks_around_hears_nothing_however_it_is_written(spoil: tuple[bytes, bytes]) -> None:
    house = House()
    phone = Phone(house, "101", far())
    assert house.hear(phone.message(b"OPTIONS").replace(*spoil), phone.flow) is not None
    scan = phone.message(b"INVITE", more=[b"User-Agent: friendly-scanner"])
    house.hear(scan.replace(spoil[0].replace(b"1 OPTIONS", b"2 INVITE"), spoil[1]), phone.flow)
    assert house.sent == []
    assert {each.refusal for each in house.refusals()} <= {"stranger", "garbled"}


def test_a_stranger_who_calls_is_asked_and_named() -> None:
    house = House()
    stranger = Phone(house, "8800", far())
    found = stranger.ask(stranger.message(b"INVITE", b"sip:0044123@192.168.1.1", to=b"<sip:0044123@x>"))
    assert found is not None
    assert found.status == 407
    assert house.to_engine == []
    told = house.refusals()[-1]
    assert (told.refusal, told.source, told.detail) == ("stranger", f"udp {FAR}:5060", "INVITE without a proof")
    own = Phone(house, "101", udp(7))
    own.ask(own.message(b"INVITE", b"sip:102@192.168.1.1"))
    assert len(house.refusals()) == 1, "every telephone calls without a proof first"


def test_equal_refusals_come_as_one_with_their_number() -> None:
    house = House()
    for port in range(6000, 6007):
        guess(house, udp(66, port))
    guess(house, udp(67))
    told = house.refusals()
    assert [(each.source, each.times) for each in told] == [("udp 192.168.1.66:6000", 1), ("udp 192.168.1.67:5060", 1)]
    house.pass_time(WINDOW)
    told = house.refusals()[2:]
    assert [(each.source, each.detail, each.times) for each in told] == [("udp 192.168.1.66:6006", "extension 101", 6)]
    house.pass_time(WINDOW)
    assert len(house.refusals()) == 3


def test_what_strangers_write_is_made_printable() -> None:
    house = House()
    Phone(house, "101", far()).ask(
        Phone(house, "101", far()).message(b"REGISTER", more=[b"User-Agent: sipcli\x1b[31m\xff" + b"x" * 500])
    )
    told = house.refusals()[-1]
    assert told.detail.isprintable()
    assert len(told.detail) < 80


def test_tables_stay_small_whoever_knocks() -> None:
    house = House()
    for each in range(3 * Guard.MOST):
        host = f"198.{each % 256}.{each // 256 % 256}.7"
        phone = Phone(house, "101", Flow("udp", host, 5060))
        phone.ask(phone.message(b"OPTIONS"))
    assert len(house.proxy.guard._buckets) <= Guard.MOST
    assert len(house.told) <= 400


def test_before_anybody_has_said_who_there_is_nobody_is_blamed() -> None:
    house = House()
    fresh = type(house.proxy)(house.proxy._signs, Limits(), Random(1))
    house.proxy = fresh
    phone = Phone(house, "101", udp(7))
    found = phone.ask(phone.message(b"REGISTER"))
    assert found is not None
    assert (found.status, found.first(b"retry-after")) == (503, b"5")
    house.take(fresh.accept(accounts(), house.now))
    assert phone.register().status == 200
    assert house.refusals() == []


# ---- what is too long, and what is not allowed


@pytest.mark.parametrize(("length", "named", "status"), [
    (1200, True, 414), (12_000, False, 414), (12_000, True, 414), (60_000, False, 414),
])  # fmt: skip
def test_a_number_without_end_gets_an_answer(length: int, named: bool, status: int) -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    uri = b"sip:%b@192.168.1.1" % (b"6" * length)
    found = phone.ask(phone.message(b"INVITE", uri, to=b"<%b>" % uri if named else b""))
    assert found is not None
    assert found.status == status
    assert (found.first(b"call-id"), found.first(b"cseq")) == (phone.call_id, b"1 INVITE")
    assert house.to_engine == []
    assert len(house.refusals()) == 1


def test_what_the_engine_would_not_take_is_refused_here() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    routes = [b"Route: " + each for each in request(phone.invite(b"600")).all(b"record-route")][::-1]
    passed = len(house.to_engine)
    long = [b"X-Long: " + b"x" * 4000] * 2
    begins = phone.ask(phone.message(b"INVITE", b"sip:600@192.168.1.1", more=long))
    inside = phone.ask(phone.message(b"INFO", b"sip:127.0.0.1:5070", to=b"<sip:600@x>;tag=e", more=[*routes, *long]))
    assert begins is not None
    assert inside is not None
    assert (begins.status, inside.status) == (513, 513)
    assert len(house.to_engine) == passed


def test_too_many_lines_get_an_answer_too() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    found = phone.ask(phone.message(b"INVITE", b"sip:600@192.168.1.1", more=[b"X: y"] * 500))
    assert found is not None
    assert found.status == 513
    assert phone.ask(phone.message(b"INVITE", b"sip:6@x", more=[b"X: y"] * 500).replace(b"From:", b"X:")) is None


def test_nobody_takes_over_a_call_from_outside() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    uri = b"sip:600@192.168.1.1"
    found = phone.proved(
        lambda proofs: phone.message(
            b"INVITE", uri, to=b"<%b>" % uri, more=[b"Replaces: engine-1;to-tag=a;from-tag=b", *proofs]
        ),
        b"INVITE",
        uri,
    )
    assert found is not None
    assert found.status == 403
    assert house.to_engine == []
    told = house.refusals()[-1]
    assert (told.refusal, told.detail) == ("not allowed", "extension 101 wanted to take over a call")


# ---- every no is told


@pytest.mark.parametrize(
    ("method", "more", "refusal"),
    [
        (b"BYE", (), "no such call"),
        (b"CANCEL", (), "no such call"),
        (b"PUBLISH", (), "not supported"),
        (b"SUBSCRIBE", (b"Event: weather",), "not supported"),
        (b"INVITE", (b"Proxy-Require: magic",), "not supported"),
        (b"INVITE", (b"Max-Forwards: 0",), "not supported"),
        (b"REGISTER", (b"Require: magic",), "not supported"),
        (b"REGISTER", (b"Contact: *",), "garbled"),
    ],
)
def test_every_no_is_told_with_its_kind(method: bytes, more: tuple[bytes, ...], refusal: str) -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    uri = b"sip:102@192.168.1.1"
    tagged = b"<sip:102@x>;tag=z" if method == b"BYE" else b""

    def build(proofs: list[bytes]) -> bytes:
        data = phone.message(method, uri, to=tagged, more=[*more, *proofs])
        return data.replace(b"Max-Forwards: 70\r\n", b"") if b"Max-Forwards: 0" in more else data

    found = phone.ask(build([]))
    assert found is not None
    if found.status in {401, 407}:
        found = phone.ask(build([proof(found, method, uri, "101", "pw101")]))
    assert found is not None
    assert found.status >= 400
    assert [each.refusal for each in house.refusals()] == [refusal]
    assert house.refusals()[-1].detail.isprintable()


def test_another_extension_than_ones_own_is_told() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    found = phone.proved(
        lambda proofs: phone.message(b"REGISTER", to=b"<sip:102@x>", more=proofs), b"REGISTER", b"sip:192.168.1.1"
    )
    assert found is not None
    assert found.status == 403
    assert house.refusals()[-1].refusal == "not allowed"


# ---- forged senders


def bare(number: int, *, port: int = 5060) -> bytes:
    """A REGISTER in as few words as will do."""
    return (
        b"REGISTER sip:a SIP/2.0\r\nv:SIP/2.0/UDP h:%d\r\nf:sip:101@a\r\nt:sip:101@a\r\ni:%d\r\nCSeq:1 REGISTER\r\n\r\n"
        % (port, number)
    )


def test_we_are_no_loudspeaker_for_forgers() -> None:
    """No answer to a sender that may be forged is more than twice as long as the question, and not many are given."""
    house = House()
    asked = answered = 0
    for each in range(20_000):
        flow = far(host=f"198.{each % 250}.{each // 250}.7")
        data = Phone(house, "101", flow).message(b"REGISTER") if each % 2 else bare(each)
        asked += len(data)
        sent = [len(out.data) for out in house.hear(data, flow) if isinstance(out, Send)]
        assert all(length <= 2.0 * len(data) for length in sent)
        answered += sum(sent)
        house.now += 0.0002
    assert answered < asked / 20
    assert sum(each.flow.host.startswith("198.") for each in house.sent) <= 500 + 50 * 5


def test_a_stranger_in_the_house_is_answered_however_few_words_it_uses() -> None:
    house = House()
    (sent,) = [each for each in house.hear(bare(1), udp(7)) if isinstance(each, Send)]
    assert sent.data.startswith(b"SIP/2.0 401")


# ---- a flood, and who is heard all the same


def flooded(house: House) -> None:
    """Use up what strangers, inside and outside, may cost in all."""
    for each in range(9000):
        host = f"198.18.{each // 250}.{each % 250}" if each % 2 else f"10.9.{each // 250}.{each % 250}"
        house.hear(b"REGISTER sip:a SIP/2.0\r\n\r\n", Flow("udp", host, 5060))


@pytest.mark.parametrize("flow", [udp(7), far()])
def test_registered_telephones_are_heard_in_any_flood(flow: Flow) -> None:
    house = House()
    phone = Phone(house, "101", flow)
    phone.register()
    flooded(house)
    assert phone.register().status == 200
    phone.invite(b"600")
    assert house.to_engine
    stranger = Phone(house, "102", far(host="203.0.113.77"))
    assert stranger.ask(stranger.message(b"REGISTER")) is None


def test_a_call_under_way_is_heard_in_any_flood() -> None:
    """Of somebody who calls without being registered."""
    house = House()
    phone = Phone(house, "101", far())
    routes = [b"Route: " + each for each in request(phone.invite(b"600")).all(b"record-route")][::-1]
    flooded(house)
    house.hear(phone.message(b"BYE", b"sip:127.0.0.1:5070", to=b"<sip:600@x>;tag=e", more=routes), phone.flow)
    assert request(house.to_engine[-1]).method == b"BYE"


def test_who_has_answered_our_challenge_is_heard_in_any_flood() -> None:
    house = House()
    phone = Phone(house, "101", far())
    challenge = phone.ask(phone.message(b"REGISTER"))
    assert challenge is not None
    flooded(house)
    header = proof(challenge, b"REGISTER", b"sip:192.168.1.1", "101", "pw101")
    other = Phone(house, "101", far(host="203.0.113.10"))
    contact = b"Contact: <%b>" % phone.contact
    assert other.ask(other.message(b"REGISTER", more=[contact, header])) is None, "the nonce is another's"
    found = phone.ask(phone.message(b"REGISTER", more=[contact, header]))
    assert found is not None
    assert found.status == 200


def test_a_flood_from_its_own_address_does_not_hurt_a_registered_telephone() -> None:
    house = House()
    phone = Phone(house, "101", far(40_000))
    phone.register()
    other = Phone(house, "102", far(50_000))
    assert sum(other.ask(other.message(b"REGISTER")) is not None for _ in range(500)) <= 52
    assert phone.register().status == 200
    phone.invite(b"600")


def test_after_the_flood_strangers_are_heard_again() -> None:
    house = House()
    flooded(house)
    house.pass_time(10)
    assert guess(house, far(host="203.0.113.77"), "101", "pw101") == 200


def test_a_telephone_gone_mad_is_cut_and_the_others_are_not() -> None:
    house = House()
    mad, other = Phone(house, "101", udp(7)), Phone(house, "102", udp(8))
    mad.register()
    answered = sum(guess(house, udp(7), "101", "pw101") == 200 for _ in range(1000))
    assert answered == 499
    assert other.register().status == 200
    assert house.refusals()[-1].detail == "too many requests by extension 101"
    house.pass_time(1)
    assert mad.register().status == 200


def test_subscriptions_are_no_way_around() -> None:
    """A refresh needs no proof from where the subscription lives; it is counted all the same."""
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    house.take(house.proxy.show(Lamp(Extension("102"), LampState.OFF), house.now))
    uri, watch = b"sip:102@192.168.1.1", [b"Event: dialog", b"Contact: <%b>" % phone.contact, b"Expires: 600"]
    found = phone.proved(
        lambda proofs: phone.message(b"SUBSCRIBE", uri, to=b"<%b>" % uri, more=[*watch, *proofs]), b"SUBSCRIBE", uri
    )
    assert found is not None
    assert found.status == 200
    to = found.first(b"to")
    answers = [phone.ask(phone.message(b"SUBSCRIBE", uri, to=to, more=watch)) for _ in range(1000)]
    assert 400 < sum(each is not None and each.status == 200 for each in answers) <= 500
    notify = [phone.ask(phone.message(b"NOTIFY", uri, to=to, more=watch)) for _ in range(1000)]
    assert not any(notify)
