"""Who is heard: floods, scanners, strangers, and the telephones that must not suffer for them."""

from __future__ import annotations

from random import Random

import pytest

from appliance.edge.buckets import Rate
from appliance.edge.flows import Flow
from appliance.edge.guard import Guard, Limits
from appliance.edge.refusals import WINDOW
from tests.edge.house import House, Phone, accounts, request, udp
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
