"""Providers that say nonsense, networks that lose, and name servers that lie."""

from __future__ import annotations

import random

import pytest

from appliance.edge.flows import Flow, LookUp, Naptr, Record, Send, Srv
from appliance.edge.virtual.provider import Provider
from tests.edge.house import reply
from tests.edge.trunks.world import BOX, NUMBER, World, trunk

SERVER = Flow("udp", "192.0.2.1", 5060)


def spoilt(data: bytes, dice: random.Random) -> bytes:
    """The same with something wrong in it."""
    at = dice.randrange(len(data))
    match dice.randrange(5):
        case 0:
            return data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]
        case 1:
            return data[:at] + data[at + dice.randrange(40) :]
        case 2:
            return data[:at] + data[at : at + 30] * dice.randrange(2, 5) + data[at:]
        case 3:
            lines = data.split(b"\r\n")
            lines.insert(dice.randrange(1, len(lines)), dice.choice(lines))
            return b"\r\n".join(lines)
        case _:
            digits = [i for i, each in enumerate(data) if chr(each).isdigit()] or [0]
            where = dice.choice(digits)
            return data[:where] + dice.choice([b"-1", b"99999999999999999999", b"", b"x"]) + data[where + 1 :]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_provider_says_is_no_fault_of_ours(seed: int) -> None:
    dice = random.Random(seed)
    world = World(router=True)
    provider = world.provider()
    provider.behaviour.trusts = frozenset({"203.0.113.5"})
    world.accept(trunk(expires=60))
    house = world.house
    sane = Provider.receive

    def receive(self: Provider, data: bytes, source: Flow, now: float) -> list[Send]:
        answers = sane(self, data, source, now)
        return [Send(each.flow, spoilt(each.data, dice)) if dice.random() < 0.5 else each for each in answers]

    provider.receive = receive.__get__(provider)  # type: ignore[method-assign]
    for turn in range(150):
        world.dial(branch=b"z9hG4bKout-%d" % turn)
        world.from_provider(
            provider,
            [
                Send(each.flow, spoilt(each.data, dice))
                for each in provider.call("shop", NUMBER, "1", house.now)
            ],
        )  # fmt: skip
        if world.to_engine and world.to_engine[-1].startswith(b"INVITE"):
            world.engine(reply(world.to_engine[-1], b"200 OK", tag=b"e", more=[b"Contact: <sip:x@192.168.1.1>"]))
        world.pass_time(dice.uniform(0, 20))
    assert house.proxy.counters.internal_errors == 0
    provider.receive = sane.__get__(provider)  # type: ignore[method-assign]
    world.pass_time(4000)
    assert world.words() == "registered with 192.0.2.1", "and all is forgotten"


@pytest.mark.parametrize("seed", range(3))
def test_a_network_that_loses_a_third_costs_repeats_and_nothing_else(seed: int) -> None:
    dice = random.Random(seed)
    world = World()
    provider = world.provider()
    provider.behaviour.longest = 120
    sane = provider.receive
    provider.receive = lambda *args: [] if dice.random() < 0.3 else sane(*args)  # type: ignore[method-assign]
    world.accept(trunk(expires=120))
    world.pass_time(60)
    away = 0.0
    for _ in range(200):
        world.pass_time(20)
        away += 20 * ("shop" not in provider.customers or provider.customers["shop"].until <= world.house.now)
    assert away == 0.0
    assert world.up()


@pytest.mark.parametrize(
    "records",
    [
        (Srv(0, 0, 0, ""), Srv(1, 0, 5060, "."), Srv(1, 65535, 65535, "a.x")),
        (Srv(1, 1, 5060, "example.com"),),
        ("192.0.2.1",),
        (Naptr(0, 0, "s", "SIP+D2U", ""),),
    ],
)
@pytest.mark.parametrize("kind", ["SRV", "NAPTR", "A", "AAAA"])
def test_a_name_server_that_lies_is_no_fault_of_ours(records: tuple[Record, ...], kind: str) -> None:
    world = World()
    for name in ("example.com", "_sip._udp.example.com", "a.x", ""):
        world.zone[LookUp(name, kind)] = records  # type: ignore[arg-type]
    world.accept(trunk(domain="example.com"))
    world.pass_time(100)
    world.dial()
    world.pass_time(20)
    assert world.house.proxy.counters.internal_errors == 0
    assert world.said()


@pytest.mark.parametrize("lie", [b'"a>b"', b'"x\r\n Evil: 1"', b"999.1.1.1", b"evil.example", b""])
def test_only_an_address_is_believed_of_where_we_are_seen(lie: bytes) -> None:
    world = World()
    provider = world.provider()
    sane = provider.receive
    provider.receive = lambda *args: [  # type: ignore[method-assign]
        Send(each.flow, each.data.replace(b"received=192.168.1.1", b"received=" + lie)) for each in sane(*args)
    ]
    world.accept(trunk(), trunk("odd", user='a b<"#>@ë'))
    assert world.said()[-1].here == BOX
    assert world.said("odd")[-1].contact == f"sip:a%20b%3C%22%23%3E%40%C3%AB@{BOX}:5060"
    assert provider.heard[-1].method in {b"REGISTER", b"OPTIONS"}


def test_answers_from_elsewhere_are_nobodys() -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.silent = True
    world.accept(trunk())
    register = next(each for each in world.house.sent if each.data.startswith(b"REGISTER"))
    provider.behaviour.silent = False
    answers = provider.receive(register.data, Flow("udp", BOX, 5060), world.house.now)
    for source in (Flow("udp", "198.51.100.1", 5060), Flow("udp", "192.0.2.2", 5060)):
        for each in answers:
            world.deliver(world.house.proxy.receive(each.data, source, world.house.now))
    assert world.words() == "registering with 192.0.2.1"
    for each in answers:
        world.deliver(world.house.proxy.receive(each.data, SERVER, world.house.now))
    assert world.up()
