"""Calls from providers."""

from __future__ import annotations

import pytest

from appliance.calls.edge import Refusal
from appliance.edge.bans import Standing
from appliance.edge.buckets import Rate
from appliance.edge.flows import Flow, LookUp
from appliance.edge.guard import Limits
from appliance.edge.trunks.trunks import BURST
from tests.edge.house import House, Phone, answer, engine_request, reply, request, status_of
from tests.edge.trunks.world import BOX, PUBLIC, World, trunk


def marks(data: bytes) -> list[bytes]:
    return [line for line in request(data).lines if line.lower().startswith(b"x-qendra")]


def stranger(method: bytes, source: Flow, *, user: str = "355691112223", more: tuple[bytes, ...] = ()) -> bytes:
    """A request as somebody at a provider's address would send it."""
    uri = b"sip:600@192.168.1.1"
    data = engine_request(method, uri, branch=b"z9hG4bKin-" + method, call_id=b"in-" + method, more=more)
    via = b"Via: SIP/2.0/UDP %b:%d;rport;branch=z9hG4bKin-%b" % (source.host.encode(), source.port, method)
    data = data.replace(b"Via: SIP/2.0/UDP 127.0.0.1:5070;rport;branch=z9hG4bKin-" + method, via)
    return data.replace(b"sip:355@127.0.0.1", b"sip:%b@192.0.2.1" % user.encode())


def test_a_call_in_is_the_engines_with_the_providers_name() -> None:
    world = World()
    provider = world.provider()
    world.accept(trunk())
    forged = (b"X-Qendra-Trunk: other", b"X-Qendra-From: 101", b"P-Asserted-Identity: <sip:+355691112223@example.com>")
    sends = provider.call("shop", "+35542111111", "+355691112223", world.house.now, forged)
    world.from_provider(provider, sends)
    (got,) = world.calls_in()
    assert marks(world.to_engine[-1])[0] == b"X-Qendra-Trunk: voip"
    assert b"X-Qendra-From: 101" not in got.lines
    assert b"X-Qendra-Source: 192.0.2.1" in got.lines
    assert got.first(b"p-asserted-identity") == b"<sip:+355691112223@example.com>"
    assert got.uri == f"sip:shop@{BOX}:5060".encode()
    (call,) = provider.calls.values()
    world.engine(reply(world.to_engine[-1], b"180 Ringing", tag=b"e"))
    world.engine(reply(world.to_engine[-1], b"200 OK", tag=b"e", more=[b"Contact: <sip:shop@192.168.1.1:5060>"]))
    assert call.state == "up"
    assert request(world.to_engine[-1]).method == b"ACK"
    world.from_provider(provider, provider.hang_up(call.call_id))
    assert request(world.to_engine[-1]).method == b"BYE"


def test_a_call_in_that_is_given_up_and_one_that_is_refused() -> None:
    world = World()
    provider = world.provider()
    world.accept(trunk())
    (sent,) = provider.call("shop", "+35542222222", "+355691112223", world.house.now)
    world.from_provider(provider, [sent])
    asked = request(sent.data)
    cancel = [line.replace(b"INVITE", b"CANCEL") for line in (asked.start, *asked.lines) if b"Content" not in line]
    world.deliver(world.house.proxy.receive(b"\r\n".join([*cancel, b"", b""]), provider.me, world.house.now))
    invite, given_up = (request(each) for each in world.to_engine[-2:])
    assert (given_up.method, given_up.via.branch) == (b"CANCEL", invite.via.branch)
    world.engine(reply(world.to_engine[-2], b"487 Request Terminated", tag=b"e"))
    acknowledged = request(world.to_engine[-1])
    assert (acknowledged.method, acknowledged.via.branch) == (b"ACK", invite.via.branch)
    (call,) = provider.calls.values()
    assert (call.state, call.status) == ("over", 487)


def test_without_an_engine_the_provider_hears_so_at_once() -> None:
    world = World()
    provider = world.provider()
    world.accept(trunk())
    world.from_provider(provider, provider.call("shop", "+35542222222", "+355691112223", world.house.now))
    world.deliver(world.house.proxy.engine_refused(world.to_engine[-1], world.house.now))
    (call,) = provider.calls.values()
    assert (call.state, call.status) == ("over", 503)


def test_behind_a_router_the_engine_hears_how_the_provider_sees_us() -> None:
    world = World(router=True)
    provider = world.provider()
    provider.behaviour.trusts = frozenset({PUBLIC})
    world.accept(trunk())
    world.from_provider(provider, provider.call("shop", "+35542222222", "+355691112223", world.house.now))
    assert f"X-Qendra-Here: {PUBLIC}".encode() in request(world.to_engine[-1]).lines
    world.dial()
    assert f"X-Qendra-Here: {PUBLIC}".encode() in answer(world.to_engine[-1]).lines
    phone = Phone(world.house, "101", Flow("udp", "192.168.1.7", 5060))
    phone.register()
    assert f"X-Qendra-Here: {BOX}".encode() in marks(phone.invite(b"600"))


def test_the_engine_hangs_up_a_call_in() -> None:
    world = World()
    provider = world.provider()
    world.accept(trunk())
    world.from_provider(provider, provider.call("shop", "+35542111111", "+355691112223", world.house.now))
    invite = request(world.to_engine[-1])
    world.engine(reply(world.to_engine[-1], b"200 OK", tag=b"e", more=[b"Contact: <sip:shop@192.168.1.1:5060>"]))
    routes = [b"Route: " + each for each in invite.all(b"record-route")]
    bye = engine_request(
        b"BYE", b"sip:192.0.2.1:5060", to=invite.first(b"from"), number=2, call_id=invite.call_id, more=routes
    )
    world.engine(bye)
    assert provider.heard[-1].method == b"BYE"
    assert status_of(world.to_engine[-1]) == 200


def test_nobody_is_challenged_at_a_providers_address_and_nobody_elsewhere_is_let_in() -> None:
    world = World()
    world.provider()
    world.accept(trunk(registers=False, addresses=("198.51.100.0/24", "203.0.113.77:5080")))
    house = world.house
    for source, known in (
        (Flow("udp", "192.0.2.1", 5060), True),
        (Flow("udp", "192.0.2.1", 7777), True),
        (Flow("tcp", "192.0.2.1", 45_000), True),
        (Flow("udp", "198.51.100.9", 5060), True),
        (Flow("udp", "203.0.113.77", 5080), True),
        (Flow("udp", "203.0.113.77", 5060), False),
        (Flow("udp", "203.0.113.78", 5080), False),
    ):
        house.to_engine.clear()
        house.hear(stranger(b"INVITE", source), source)
        assert bool(house.to_engine) == known, source
        if not known:
            assert status_of(house.sent[-1].data) == 407


def test_names_among_the_addresses_are_looked_up() -> None:
    world = World()
    world.zone[LookUp("gw.example.net", "A")] = ("198.51.100.7",)
    world.accept(trunk(registers=False, addresses=("gw.example.net",)))
    source = Flow("udp", "198.51.100.7", 5060)
    world.house.hear(stranger(b"INVITE", source), source)
    assert len(world.house.to_engine) == 1


@pytest.mark.parametrize(
    ("method", "status"),
    [(b"OPTIONS", 200), (b"REGISTER", 405), (b"SUBSCRIBE", 405), (b"REFER", 405), (b"MESSAGE", 405), (b"NOTIFY", 481)],
)  # fmt: skip
def test_what_else_a_provider_may_ask(method: bytes, status: int) -> None:
    world = World()
    world.provider()
    world.accept(trunk())
    source = Flow("udp", "192.0.2.1", 5060)
    world.house.hear(stranger(method, source), source)
    assert status_of(world.house.sent[-1].data) == status
    assert world.house.to_engine == []


def test_a_call_that_has_been_around_too_long_ends_here() -> None:
    world = World()
    world.provider()
    world.accept(trunk())
    source = Flow("udp", "192.0.2.1", 5060)
    world.house.hear(stranger(b"INVITE", source).replace(b"Max-Forwards: 70", b"Max-Forwards: 0"), source)
    assert status_of(world.house.sent[-1].data) == 483


def test_the_number_may_equal_an_extension_and_the_caller_too() -> None:
    world = World()
    world.provider()
    world.accept(trunk())
    source = Flow("udp", "192.0.2.1", 5060)
    world.house.hear(stranger(b"INVITE", source, user="101").replace(b"sip:600@", b"sip:102@"), source)
    assert marks(world.house.to_engine[-1])[0] == b"X-Qendra-Trunk: voip"


def test_a_provider_is_never_banned_and_has_a_rate_of_its_own() -> None:
    world = World(house=House(limits=Limits(foreign=Rate(1.0, 2.0))))
    world.provider()
    world.accept(trunk())
    house, source = world.house, Flow("udp", "192.0.2.1", 5060)
    house.proxy.guard.bans.restore([Standing(source.host, "", house.now + 3600, "guessed")], house.now)
    assert house.proxy.guard.bans.silenced(source.host)
    for turn in range(int(BURST) + 20):
        data = stranger(b"INVITE", source).replace(b"z9hG4bKin-", b"z9hG4bKin-%d" % turn)
        house.hear(data, source)
    assert len(house.to_engine) == int(BURST)
    assert {each.refusal for each in house.refusals()} == {Refusal.FLOOD}


def test_telephones_at_the_same_address_are_still_telephones() -> None:
    world = World()
    world.provider("127.0.0.1", 5080)
    world.accept(trunk(domain="127.0.0.1:5080"))
    house = world.house
    phone = Phone(house, "101", Flow("udp", "127.0.0.1", 6001))
    assert phone.register().status == 200
    assert marks(phone.invite(b"600"))[0] == b"X-Qendra-From: 101"
    for flow in (Flow("udp", "127.0.0.1", 6002), Flow("tcp", "127.0.0.1", 45_000)):
        other = Phone(house, "102", flow)
        house.take(house.proxy.connected(flow, house.now))
        challenge = other.ask(other.message(b"INVITE", b"sip:600@192.168.1.1"))
        assert challenge is not None
        assert challenge.status == 407
        assert other.register().status == 200
    source = Flow("udp", "127.0.0.1", 5080)
    house.hear(stranger(b"INVITE", source), source)
    assert marks(house.to_engine[-1])[0] == b"X-Qendra-Trunk: voip"


def test_two_accounts_with_one_provider_are_told_apart_by_whom_the_call_is_for() -> None:
    world = World()
    provider = world.provider(shop="secret", office="secret")
    world.accept(trunk("first", user="shop"), trunk("second", user="office"))
    for user, name in (("shop", b"first"), ("office", b"second"), ("shop", b"first")):
        world.from_provider(provider, provider.call(user, "+35542111111", "+355691112223", world.house.now))
        assert marks(world.to_engine[-1])[0] == b"X-Qendra-Trunk: " + name


def test_two_accounts_of_one_name_are_told_apart_by_a_mark_in_our_contact() -> None:
    world = World()
    one, other = world.provider(), world.provider(port=5062)
    world.accept(trunk("first"), trunk("second", domain="192.0.2.1:5062"))
    contacts = {one.customers["shop"].contact, other.customers["shop"].contact}
    assert len(contacts) == 2
    assert all(b";line=" in each for each in contacts)
    for provider, name in ((one, b"first"), (other, b"second")):
        world.from_provider(provider, provider.call("shop", "+35542111111", "+355691112223", world.house.now))
        assert marks(world.to_engine[-1])[0] == b"X-Qendra-Trunk: " + name
        # The whole provider may send from one port.
        contact = provider.customers["shop"].contact
        elsewhere = provider.call_at(contact, Flow("udp", BOX, 5060), "1", "2", world.house.now)
        world.deliver(world.house.proxy.receive(elsewhere[0].data, Flow("tcp", "192.0.2.1", 9999), world.house.now))
        assert marks(world.to_engine[-1])[0] == b"X-Qendra-Trunk: " + name


def test_a_provider_may_go_on_from_another_of_its_addresses() -> None:
    world = World()
    provider = world.provider()
    world.accept(trunk(addresses=("192.0.2.0/28",)))
    world.from_provider(provider, provider.call("shop", "+35542111111", "+355691112223", world.house.now))
    world.engine(reply(world.to_engine[-1], b"200 OK", tag=b"e", more=[b"Contact: <sip:shop@192.168.1.1:5060>"]))
    (call,) = provider.calls.values()
    (bye,) = provider.hang_up(call.call_id)
    count = len(world.to_engine)
    world.deliver(world.house.proxy.receive(bye.data, Flow("udp", "198.51.100.3", 5060), world.house.now))
    assert len(world.to_engine) == count
    world.deliver(world.house.proxy.receive(bye.data, Flow("udp", "192.0.2.9", 5060), world.house.now))
    assert request(world.to_engine[-1]).method == b"BYE"
    world.engine(reply(world.to_engine[-1], b"200 OK"))
    assert world.house.sent[-1].flow.host == "192.0.2.9"


def test_a_provider_that_overlooks_record_route_can_still_hang_up() -> None:
    world = World()
    provider = world.provider()
    world.accept(trunk())
    world.from_provider(provider, provider.call("shop", "+35542111111", "+355691112223", world.house.now))
    plain = [b"Contact: <sip:shop@192.168.1.1:5060>"]
    world.engine(reply(world.to_engine[-1], b"200 OK", tag=b"e", more=plain))
    (call,) = provider.calls.values()
    assert call.far is not None
    (bye,) = provider.hang_up(call.call_id)
    lines = [line for line in bye.data.split(b"\r\n") if not line.startswith(b"Route:")]
    world.deliver(world.house.proxy.receive(b"\r\n".join(lines), provider.me, world.house.now))
    assert request(world.to_engine[-1]).method == b"BYE"
    world.engine(reply(world.to_engine[-1], b"200 OK"))
    assert status_of(world.house.sent[-1].data) == 200
    world.to_engine.clear()
    for _ in range(int(BURST) * 2):
        world.deliver(world.house.proxy.receive(b"\r\n".join(lines), provider.me, world.house.now))
    assert len(world.to_engine) < BURST, "whoever pretends to be that provider does not flood the engine"


def test_a_call_in_over_tcp_is_answered_on_its_connection() -> None:
    world = World()
    world.provider()
    world.accept(trunk())
    source = Flow("tcp", "192.0.2.1", 45_000)
    world.deliver(world.house.proxy.connected(source, world.house.now))
    world.house.hear(stranger(b"INVITE", source), source)
    world.house.hear_engine(reply(world.house.to_engine[-1], b"180 Ringing", tag=b"e"))
    assert world.house.sent[-1].flow == source
    assert answer(world.house.sent[-1].data).status == 180
