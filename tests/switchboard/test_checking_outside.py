"""What the owner is told about lines, providers and prices before anything goes live."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls.names import Encryption, Extension
from appliance.switchboard.checking import check
from appliance.switchboard.settings import Caps, LineOptions, NumberRoute, Person, Price, Provider, Settings
from tests.switchboard.office import VOIP, firm, provider

GOOD = Provider(domain="sip.example.net", user="35542000001")


def one_line(**changes: object) -> Settings:
    line = provider(**{"provider": GOOD, **changes})
    return firm(lines=(line,))


def reached(**changes: object) -> Settings:
    return one_line(provider=replace(GOOD, **changes))  # type: ignore[arg-type]


def person(**changes: object) -> Settings:
    return firm(people=(replace(Person(Extension("101"), "Ana"), **changes),), queues=())  # type: ignore[arg-type]


def costs(*prices: Price, **caps: object) -> Settings:
    return one_line(caps=Caps(prices=prices, **caps))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings",
    [
        one_line(),
        one_line(calls_at_once=120, numbers=(NumberRoute("+355 4 200 0001", "queue office"),)),
        reached(domain="192.0.2.1:5070", proxy="[2001:db8::1]:5061", transport="tls", encryption=Encryption.REQUIRED),
        reached(
            domain="2001:db8::1", registers=False, user="", addresses=("192.0.2.0/24", "2001:db8::/32", "a.example")
        ),
        reached(main_number="+355 42 000 001", expires=60, ping_seconds=0.0, caller_from=("From",), called_from="To"),
        reached(encryption=Encryption.REQUIRED),
        reached(user="1234567t0", login="firm!x"),
        costs(Price("", 1.0), Price("+355", 0.0), cost_per_day=5.0),
        person(also=("+39",), never=("+3939", "+979")),
        firm(outside_name="office.example.com", outside_port=5060, outside_tls_port=65535),
        firm(outside_name="203.0.113.5"),
    ],
)
def test_what_is_sensible_has_no_problems(settings: Settings) -> None:
    assert (
        check(replace(settings, flow=firm().flow, queues=settings.queues or firm().queues, people=firm().people)) == []
    )
    assert not [problem for problem in check(settings) if problem.where.startswith(("lines", "people", "outside"))]


@pytest.mark.parametrize(
    ("settings", "where", "words"),
    [
        (one_line(calls_at_once=0), "lines.voip.calls_at_once", "1 to 120"),
        (one_line(calls_at_once=121), "lines.voip.calls_at_once", "1 to 120"),
        (one_line(numbers=(NumberRoute("+35542000001", "queue gone"),)), "lines.voip.numbers", "no place 'queue gone'"),
        (one_line(numbers=(NumberRoute("my number", "queue office"),)), "lines.voip.numbers", "not a telephone number"),
        (
            one_line(numbers=(NumberRoute("+355 42 1", "queue office"), NumberRoute("00355421", "say closed"))),
            "lines.voip.numbers",
            "given twice",
        ),
        (reached(domain=""), "lines.voip.domain", "behind the @"),
        (reached(domain="sip:example.net"), "lines.voip.domain", "not a host name"),
        (reached(domain="a..b"), "lines.voip.domain", "not a host name"),
        (reached(domain="example.net\r\nEvil: 1"), "lines.voip.domain", "not a host name"),
        (reached(proxy="example.net:99999"), "lines.voip.proxy", "not a host name"),
        (reached(proxy="[2001:db8::1]x"), "lines.voip.proxy", "not a host name"),
        (reached(proxy="[2001:db8::1]:0"), "lines.voip.proxy", "not a host name"),
        (reached(proxy="[zz]:5060"), "lines.voip.proxy", "not a host name"),
        (reached(user=""), "lines.voip.user", "user name"),
        (reached(user="a@b"), "lines.voip.user", "cannot have"),
        (reached(login="a b"), "lines.voip.login", "cannot have"),
        (reached(addresses=("192.0.2.0/33",)), "lines.voip.addresses", "address or network"),
        (reached(addresses=("not one",)), "lines.voip.addresses", "address or network"),
        (reached(main_number="us"), "lines.voip.main_number", "not a telephone number"),
        (reached(expires=5), "lines.voip.expires", "30 to 86400"),
        (reached(ping_seconds=float("nan")), "lines.voip.ping_seconds", "1 to 3600"),
        (reached(ping_seconds=-1.0), "lines.voip.ping_seconds", "1 to 3600"),
        (reached(transport="sctp"), "lines.voip.transport", "udp, tcp, tls"),
        (reached(called_from="From"), "lines.voip.called_from", "request, To"),
        (reached(shows_caller_by="X"), "lines.voip.shows_caller_by", "one of"),
        (reached(caller_from=()), "lines.voip.caller_from", "one of"),
        (reached(encryption=Encryption.REQUIRED, transport="udp"), "lines.voip.encryption", "over tls"),
        (costs(calls_per_hour=-1), "lines.voip.calls_per_hour", "less than 0"),
        (costs(cost_per_day=float("nan")), "lines.voip.cost_per_day", "less than 0"),
        (costs(cost_per_day=5.0), "lines.voip.cost_per_day", "needs prices"),
        (costs(longest_minutes=-1), "lines.voip.longest_minutes", "less than 0"),
        (costs(Price("355", 1.0)), "lines.voip.prices", "like +355"),
        (costs(Price("+355", 1.0), Price("+355", 2.0)), "lines.voip.prices", "two prices for +355"),
        (costs(Price("", 1.0), Price("", 2.0)), "lines.voip.prices", "two prices for all others"),
        (costs(Price("", float("inf"))), "lines.voip.prices", "less than 0"),
        (person(also=("0039",)), "people.101.also", "like +355"),
        (person(never=("",)), "people.101.never", "like +355"),
        (firm(outside_name="not a name"), "outside_name", "not a host name"),
        (firm(outside_name="a.example:5060"), "outside_name", "not a host name"),
        (firm(outside_port=70000), "outside_port", "not a port"),
        (firm(outside_tls_port=-1), "outside_tls_port", "not a port"),
        (firm(record_prefix="10"), "record_prefix", "the extension 101 of Operator 1 begins with 10"),
        (firm(record_prefix="70"), "record_prefix", "the extension 700 of the queue office begins with 70"),
        (firm(record_prefix="9", emergency_numbers=("9101",)), "record_prefix", "9101 would be a recorded call"),
    ],
)
def test_each_contradiction_is_named_with_its_place(settings: Settings, where: str, words: str) -> None:
    problems = check(settings)
    assert any(problem.where == where and words in problem.words for problem in problems), problems


def test_two_lines_may_have_the_same_number_for_when_one_is_down() -> None:
    route = (NumberRoute("+35542000001", "queue office"),)
    other = LineOptions(VOIP, "queue office")
    lines = (provider(provider=GOOD, numbers=route), replace(other, name="b", provider=GOOD, numbers=route))  # type: ignore[arg-type]
    assert check(firm(lines=lines)) == []
