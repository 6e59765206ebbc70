"""Being registered with a provider."""

from __future__ import annotations

import pytest

from appliance.calls.names import Transport
from appliance.edge.flows import Flow, LookUp
from appliance.edge.trunks.provider import RECONNECT, SETTLING
from appliance.edge.trunks.registration import REFRESH, REFUSED
from tests.edge.trunks.world import BOX, PUBLIC, World, trunk, two_servers


def registers(world: World, host: str = "192.0.2.1") -> list[bytes]:
    return [each.data for each in world.house.sent if each.data.startswith(b"REGISTER") and each.flow.host == host]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_we_register_with_our_password_and_say_so(algorithm: str) -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.algorithm = algorithm
    world.accept(trunk())
    (told,) = world.said()[-1:]
    assert (told.up, told.words) == (True, "registered with 192.0.2.1")
    assert (told.here, told.contact, told.transport) == (BOX, f"sip:shop@{BOX}:5060", Transport.UDP)
    assert provider.customers["shop"].contact == f"sip:shop@{BOX}:5060".encode()
    assert len(registers(world)) == 2, "one without a proof, one with"


def test_a_login_may_differ_from_the_user() -> None:
    world = World()
    provider = world.provider(login="other", shop="unused")
    world.accept(trunk(login="login", password="other"))
    assert world.up()
    assert list(provider.customers) == ["shop"]


def test_we_stay_registered_and_the_refresh_needs_no_new_challenge() -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.longest = 120
    world.accept(trunk(ping_seconds=0.0))
    world.pass_time(120 * REFRESH * 1.1 + 1)
    assert len(registers(world)) == 3
    for _ in range(20):
        world.pass_time(60)
        assert provider.customers["shop"].until > world.house.now
    assert [each.words for each in world.said()] == ["registering with 192.0.2.1", "registered with 192.0.2.1"]


@pytest.mark.parametrize("one_time", [False, True])
def test_a_nonce_that_is_used_up_costs_one_more_round_and_no_trouble(one_time: bool) -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.longest, provider.behaviour.one_time = 60, one_time
    world.accept(trunk(ping_seconds=0.0))
    for _ in range(10):
        provider._nonces.clear()
        world.pass_time(60)
        assert world.up()
        assert provider.customers["shop"].until > world.house.now


def test_a_provider_that_wants_longer_registrations_gets_them() -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.shortest = 900
    world.accept(trunk(expires=300))
    assert world.up()
    assert provider.customers["shop"].until - world.house.now == 900


def test_a_wrong_password_is_said_and_does_not_hammer() -> None:
    world = World()
    provider = world.provider(shop="another")
    world.accept(trunk())
    assert (world.up(), world.words()) == (False, "the provider refuses our name or password (403)")
    assert len(registers(world)) == 2
    world.pass_time(REFUSED * 0.85)
    assert len(registers(world)) == 2
    world.pass_time(12 * 3600)
    assert len(registers(world)) < 45, "once an hour, two messages each"
    provider.passwords["shop"] = "secret"
    world.accept(trunk(password="secret "))
    assert not world.up()
    world.accept(trunk(password="secret"))
    assert world.up(), "a new password is tried at once"


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_provider_that_only_ever_asks_again_is_told_once(algorithm: str) -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.algorithm = algorithm
    provider._expected = lambda *_: b"never"  # type: ignore[method-assign]
    provider._unproved = lambda request, source, status: provider._reply(  # type: ignore[method-assign]
        request, source, status, b"Who", b'WWW-Authenticate: Digest realm="x", nonce="%b"' % provider._word()
    )
    world.accept(trunk())
    assert world.words() == "the provider refuses our name or password (401)"
    assert len(registers(world)) == 2


def test_no_password_is_said_as_such() -> None:
    world = World()
    world.provider()
    world.accept(trunk(password=""))
    assert world.words() == "the provider wants a password, and none has been entered"


def test_a_silent_provider_is_asked_again_ever_more_seldom() -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.silent = True
    world.accept(trunk(ping_seconds=0.0))
    world.pass_time(9)
    assert (world.up(), world.words()) == (False, "no answer from 192.0.2.1")
    count = len(registers(world))
    assert count == 5, "five datagrams: at 0, 0.5, 1.5, 3.5 and 7.5 seconds"
    world.pass_time(3600)
    assert len(registers(world)) < count * (3600 / 53 + 7)
    provider.behaviour.silent = False
    world.pass_time(75 + 1)
    assert world.up(), "it comes back by itself"


def test_a_provider_that_lets_options_fall_is_no_worse_for_it() -> None:
    world = World()
    provider = world.provider()
    sane = provider._requested
    provider._requested = lambda request, *more: (  # type: ignore[method-assign]
        [] if request.method == b"OPTIONS" else sane(request, *more)
    )
    world.accept(trunk())
    world.pass_time(3600)
    assert {each.words for each in world.said()} == {"registering with 192.0.2.1", "registered with 192.0.2.1"}
    provider.behaviour.silent = True
    world.pass_time(300)
    assert world.words() == "no answer from 192.0.2.1"
    provider.behaviour.silent = False
    world.pass_time(75 + 1)
    assert world.up()


def test_with_pings_a_provider_that_is_back_is_registered_with_at_once() -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.silent = True
    world.accept(trunk())
    world.pass_time(60)
    provider.behaviour.silent = False
    world.pass_time(120)
    assert world.words() == "registered with 192.0.2.1"


def test_the_next_server_is_used_and_the_first_again_when_it_lives() -> None:
    world = World()
    first, second = world.provider(), world.provider("192.0.2.2")
    two_servers(world)
    first.behaviour.silent = True
    world.accept(trunk(domain="example.com"))
    world.pass_time(8.5)
    assert world.words() == "registered with 192.0.2.2; no answer from 192.0.2.1"
    assert world.up()
    assert "shop" in second.customers
    first.behaviour.silent = False
    world.pass_time(700)
    assert world.words() == "registered with 192.0.2.1"


def test_an_overloaded_server_is_left_alone_as_long_as_it_asks() -> None:
    world = World()
    first = world.provider()
    world.provider("192.0.2.2")
    two_servers(world)
    first.behaviour.status, first.behaviour.retry_after = 503, 120
    world.accept(trunk(domain="example.com"))
    assert world.words() == "registered with 192.0.2.2; 192.0.2.1 says that it cannot serve us now (503)"
    world.pass_time(119)
    assert len(registers(world)) == 1


@pytest.mark.parametrize("pings", [0.0, 30.0])
def test_a_server_that_never_can_is_asked_ever_more_seldom(pings: float) -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.status = 500
    world.accept(trunk(ping_seconds=pings))
    world.pass_time(3600)
    assert len(registers(world)) < 3600 / 225 + 8
    assert not world.up()
    provider.behaviour.status = 0
    world.pass_time(400)
    assert world.words() == "registered with 192.0.2.1"


def test_a_provider_that_moves_is_followed() -> None:
    world = World()
    old, new = world.provider(), world.provider("192.0.2.2")
    world.zone[LookUp("example.com", "A")] = ("192.0.2.1",)
    world.accept(trunk(domain="example.com"))
    assert list(old.customers) == ["shop"]
    world.zone[LookUp("example.com", "A")] = ("192.0.2.2",)
    world.unreachable.add("192.0.2.1")
    world.pass_time(301)
    assert (world.words(), list(new.customers)) == ("registered with 192.0.2.2", ["shop"])


def test_behind_a_router_the_contact_is_what_the_provider_sees() -> None:
    world = World(router=True)
    provider = world.provider()
    world.accept(trunk())
    assert provider.customers["shop"].contact == f"sip:shop@{PUBLIC}:40060".encode()
    assert (world.said()[-1].here, world.said()[-1].contact) == (PUBLIC, f"sip:shop@{PUBLIC}:40060")


def test_when_the_router_shows_us_elsewhere_we_register_anew() -> None:
    world = World(router=True)
    provider = world.provider()
    world.accept(trunk(ping_seconds=20.0))
    world.outside_port = 40_061
    world.pass_time(SETTLING + 25)
    assert provider.customers["shop"].contact == f"sip:shop@{PUBLIC}:40061".encode()
    old = f"Contact: <sip:shop@{PUBLIC}:40060>;expires=0".encode()
    assert sum(old in each for each in registers(world)) == 1, "the old one is taken back"


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_over_a_connection(transport: str) -> None:
    world = World()
    port = 5061 if transport == "tls" else 5060
    provider = world.provider(port=port, transport=transport)
    world.accept(trunk(transport=transport))
    flow = Flow(transport, "192.0.2.1", port)  # type: ignore[arg-type]
    assert world.opened == [flow]
    assert provider.customers["shop"].contact == f"sip:shop@{BOX}:{port};transport={transport}".encode()
    assert world.words() == "registered with 192.0.2.1"
    world.cut(flow)
    world.pass_time(RECONNECT)
    assert world.opened == [flow, flow]
    assert world.up()


def test_no_connection_is_said() -> None:
    world = World()
    world.provider(transport="tcp")
    world.unreachable.add("192.0.2.1")
    world.accept(trunk(transport="tcp"))
    assert (world.up(), world.words()) == (False, "no connection to 192.0.2.1, which does not answer")
    world.unreachable.clear()
    world.pass_time(10)
    assert world.up()


def test_who_is_removed_is_signed_off() -> None:
    world = World()
    provider = world.provider()
    world.accept(trunk())
    world.accept()
    assert provider.customers == {}
    world.pass_time(60)
    assert world.house.proxy.trunks.next_deadline() is None
    assert world.house.proxy.trunks.statuses() == []


def test_a_new_name_or_password_signs_nobody_off() -> None:
    world = World()
    provider = world.provider()
    world.accept(trunk())
    for again in (trunk(expires=600), trunk("other"), trunk("other", login="shop")):
        world.accept(again)
        world.pass_time(10)
        assert "shop" in provider.customers
        assert world.up(again.name)
    world.accept(trunk("other", user="office", login="shop"))
    world.pass_time(10)
    assert list(provider.customers) == ["office"], "another account is"


def test_a_provider_that_stays_as_it_was_notices_nothing() -> None:
    world = World()
    world.provider()
    world.accept(trunk())
    count = len(world.house.sent)
    world.accept(trunk())
    assert len(world.house.sent) == count


def test_who_is_known_by_address_does_not_register() -> None:
    world = World()
    provider = world.provider()
    world.accept(trunk(registers=False, user=""))
    assert [each.method for each in provider.heard] == [b"OPTIONS"]
    assert (world.up(), world.words()) == (True, "192.0.2.1 answers")
    world.accept(trunk(registers=False, ping_seconds=0.0))
    assert (world.up(), world.words()) == (True, "calls go to 192.0.2.1")


def test_the_way_through_the_providers_network_is_kept() -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.service_route = "<sip:inner.example.com;lr>"
    world.accept(trunk())
    world.dial()
    assert provider.heard[-1].all(b"route") == [b"<sip:inner.example.com;lr>"]
