"""Where a provider's servers are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest

from appliance.edge.directory import FIRST_WAIT, LONGEST, LONGEST_WAIT, MOST, SHORTEST, Directory
from appliance.edge.flows import Found, LookUp, Naptr, Record, Srv
from appliance.edge.trunks.location import Located, host_and_port, locate
from tests.edge.trunks.world import World, trunk

Zone = Mapping[tuple[str, str], tuple[Record, ...] | None]
HOSTS: Zone = {("a.x", "A"): ("192.0.2.1",), ("b.x", "A"): ("192.0.2.2",), ("x.com", "A"): ("192.0.2.9",)}
"""What is not here there is none of; None: not known yet."""


def found(zone: Zone, salt: bytes = b"salt", **fields: object) -> Located:
    return locate(trunk(**fields), lambda asked: zone.get((asked.name, asked.kind), ()), salt)  # type: ignore[arg-type]


def flows(located: Located) -> list[str]:
    return [str(each.flow) for each in located.servers]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"domain": "192.0.2.7"}, ["udp 192.0.2.7:5060"]),
        ({"domain": "192.0.2.7:5070", "transport": "tcp"}, ["tcp 192.0.2.7:5070"]),
        ({"domain": "192.0.2.7", "transport": "tls"}, ["tls 192.0.2.7:5061"]),
        ({"domain": "[2001:db8::1]:5070"}, ["udp [2001:db8::1]:5070"]),
        ({"domain": "2001:db8::1"}, ["udp [2001:db8::1]:5060"]),
        ({"domain": "x.com", "proxy": "192.0.2.8:5080"}, ["udp 192.0.2.8:5080"]),
        ({"domain": "x.com:5070"}, ["udp 192.0.2.9:5070"]),
        ({"domain": "X.com.", "transport": "tcp"}, ["tcp 192.0.2.9:5060"]),
        ({"domain": "x.com", "transport": "tls"}, ["tls 192.0.2.9:5061"]),
        ({"domain": "x.com"}, ["udp 192.0.2.9:5060"]),
        ({"domain": "nowhere.com"}, []),
    ],
)
def test_without_services_addresses_count(fields: dict[str, object], expected: list[str]) -> None:
    located = found(HOSTS, b"salt", **fields)
    assert flows(located) == expected
    assert located.settled


def test_an_address_asks_nobody_and_a_port_asks_for_addresses_only() -> None:
    assert found(HOSTS, domain="192.0.2.7").wanted == ()
    assert {each.kind for each in found(HOSTS, domain="x.com:5060").wanted} == {"A", "AAAA"}


def test_services_by_priority() -> None:
    zone = {**HOSTS, ("_sip._udp.x.com", "SRV"): (Srv(20, 1, 5060, "a.x"), Srv(10, 1, 5062, "b.x"))}
    assert flows(found(zone, domain="x.com")) == ["udp 192.0.2.2:5062", "udp 192.0.2.1:5060"]


def test_the_transport_is_the_owners_choice_else_the_providers() -> None:
    zone = {
        **HOSTS,
        ("x.com", "NAPTR"): (
            Naptr(20, 1, "s", "SIP+D2U", "_sip._udp.x.com"),
            Naptr(10, 2, "s", "SIP+D2T", "_sip._tcp.x.com"),
            Naptr(10, 1, "s", "SIPS+D2T", "_sips._tcp.x.com"),
            Naptr(5, 1, "s", "SIP+D2S", "_sip._sctp.x.com"),
            Naptr(5, 1, "u", "E2U+sip", "."),
        ),
        ("_sip._udp.x.com", "SRV"): (Srv(1, 1, 5060, "a.x"),),
        ("_sip._tcp.x.com", "SRV"): (Srv(1, 1, 5060, "b.x"),),
        ("_sips._tcp.x.com", "SRV"): (Srv(1, 1, 5061, "b.x"),),
    }
    assert flows(found(zone, domain="x.com")) == ["tls 192.0.2.2:5061", "tcp 192.0.2.2:5060", "udp 192.0.2.1:5060"]
    assert flows(found(zone, domain="x.com", transport="tcp")) == ["tcp 192.0.2.2:5060"]
    without = {key: value for key, value in zone.items() if key[1] != "NAPTR"}
    assert flows(found(without, domain="x.com")) == ["udp 192.0.2.1:5060"], "UDP where nothing is said"
    del without["_sip._udp.x.com", "SRV"]
    assert flows(found(without, domain="x.com")) == ["tcp 192.0.2.2:5060"]


def test_the_certificate_has_to_name_whom_we_set_out_for() -> None:
    zone = {**HOSTS, ("_sips._tcp.x.com", "SRV"): (Srv(1, 1, 5061, "a.x"),)}
    (server,) = found(zone, domain="x.com", transport="tls").servers
    assert server.name == "x.com", "what the DNS says of it proves nothing (RFC 5922)"
    (server,) = found(zone, domain="x.com", proxy="a.x:5061", transport="tls").servers
    assert server.name == "a.x"


def test_a_service_that_is_decidedly_not_there() -> None:
    zone = {**HOSTS, ("_sip._udp.x.com", "SRV"): (Srv(0, 0, 0, "."),)}
    assert flows(found(zone, domain="x.com")) == ["udp 192.0.2.9:5060"]


def test_weights_share_boxes_out_and_each_box_stays_with_its_own() -> None:
    zone = {**HOSTS, ("_sip._udp.x.com", "SRV"): (Srv(1, 3, 5060, "a.x"), Srv(1, 1, 5060, "b.x"))}
    first = Counter(flows(found(zone, b"%d" % box, domain="x.com"))[0] for box in range(2000))
    assert 0.71 < first["udp 192.0.2.1:5060"] / 2000 < 0.79, "three in four"
    assert len({tuple(flows(found(zone, b"one", domain="x.com"))) for _ in range(20)}) == 1
    turned = {**zone, ("_sip._udp.x.com", "SRV"): tuple(reversed(zone["_sip._udp.x.com", "SRV"] or ()))}
    assert flows(found(zone, domain="x.com")) == flows(found(turned, domain="x.com"))


@pytest.mark.parametrize("missing", [("x.com", "NAPTR"), ("_sip._udp.x.com", "SRV"), ("x.com", "AAAA")])
def test_what_is_not_answered_yet_is_waited_for_by_registrations_only(missing: tuple[str, str]) -> None:
    located = found({**HOSTS, missing: None}, domain="x.com")
    assert not located.settled
    assert LookUp(*missing) in located.wanted  # type: ignore[arg-type]


def test_a_hundred_servers_are_not_all_tried() -> None:
    zone = {("x.com", "A"): tuple(f"192.0.2.{each}" for each in range(100))}
    assert len(found(zone, domain="x.com").servers) == 8


@pytest.mark.parametrize("written", ["", ":", "[", "]:5", "x:99999", "x:-1", "[::1", "a b", "x:٣", "::::"])
def test_no_writing_is_a_fault(written: str) -> None:
    host, port = host_and_port(written)
    assert 0 <= port < 65536
    found({}, domain=written or "x", proxy=written)
    assert "\n" not in host


# ---- what is kept of the DNS

ASKED = LookUp("x.com", "A")


def directory() -> Directory:
    made = Directory(Random(1))
    made.want("me", [ASKED])
    return made


def test_answers_are_kept_fresh_and_asked_for_once_at_a_time() -> None:
    made = directory()
    assert made.known(ASKED) is None
    assert made.tick(0.0) == [ASKED]
    assert made.tick(100.0) == [], "under way"
    assert made.found(ASKED, Found(("192.0.2.1",), 300.0), 100.0)
    assert made.known(ASKED) == ("192.0.2.1",)
    assert made.next_deadline() == 400.0
    assert made.tick(400.0) == [ASKED]
    assert not made.found(ASKED, Found(("192.0.2.1",), 1.0), 400.0), "nothing new"
    assert made.next_deadline() == 400.0 + SHORTEST
    made.found(ASKED, Found(("192.0.2.1",), 1e9), 500.0)
    assert made.next_deadline() == 500.0 + LONGEST


def test_with_the_dns_silent_the_last_good_answer_stands() -> None:
    made = directory()
    made.tick(0.0)
    made.found(ASKED, Found(("192.0.2.1",), 60.0), 0.0)
    now, waits = 60.0, []
    for _ in range(8):
        made.tick(now)
        assert not made.found(ASKED, Found(None), now)
        assert made.known(ASKED) == ("192.0.2.1",)
        due = made.next_deadline()
        assert due is not None
        waits.append(due - now)
        now = due
    assert waits[0] <= FIRST_WAIT * 1.25
    assert all(wait <= LONGEST_WAIT * 1.25 for wait in waits)
    assert made.silent("me")
    assert made.found(ASKED, Found((), 60.0), now), "an answer that there is none is an answer"
    assert made.known(ASKED) == ()
    assert not made.silent("me")


def test_what_nobody_wants_is_not_asked_for() -> None:
    made = directory()
    made.want("other", [ASKED])
    made.want("me", [])
    assert made.tick(0.0) == [ASKED]
    made.want("other", [])
    assert made.next_deadline() is None
    for each in range(MOST + 50):
        made.want("me", [LookUp(f"{each}.com", "A")])
    assert len(made._entries) <= MOST + 1


def test_what_an_earlier_life_knew_is_used_and_looked_up_anew() -> None:
    made = directory()
    made.tick(0.0)
    made.found(ASKED, Found(("192.0.2.1",), 60.0), 0.0)
    reborn = Directory(Random(2))
    reborn.restore(made.kept())
    reborn.want("me", [ASKED])
    assert reborn.known(ASKED) == ("192.0.2.1",)
    assert reborn.tick(0.0) == [ASKED]


def test_a_box_that_starts_while_the_dns_is_silent_goes_on_at_once() -> None:
    world = World()
    provider = world.provider()
    world.zone[ASKED] = ("192.0.2.1",)
    world.accept(trunk(domain="x.com"))
    again = World()
    again.providers = world.providers
    again.dns = False
    again.house.proxy.directory.restore(world.house.proxy.directory.kept())
    again.accept(trunk(domain="x.com"))
    assert again.words() == "registered with 192.0.2.1"
    assert provider.customers
    again.pass_time(3600)
    assert again.up(), "and stays so"
