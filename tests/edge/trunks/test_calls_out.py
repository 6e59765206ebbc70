"""Calls to providers."""

from __future__ import annotations

import pytest

from appliance.edge.flows import Flow, LookUp
from appliance.edge.message import Request
from appliance.edge.trunks.calls import PATIENCE
from tests.edge.house import SDP, answer, engine_request, proof, reply, request
from tests.edge.trunks.world import BOX, NUMBER, PUBLIC, World, trunk, two_servers


def known_by_address() -> World:
    """A world with two servers that ask no caller for a proof."""
    world = World()
    for host in ("192.0.2.1", "192.0.2.2"):
        world.provider(host).behaviour.trusts = frozenset({BOX, PUBLIC})
    two_servers(world)
    world.accept(trunk(domain="example.com", registers=False))
    return world


def invites(world: World, host: str = "192.0.2.1") -> list[Request]:
    return [
        request(each.data)
        for each in world.house.sent
        if each.data.startswith(b"INVITE") and each.flow.host == host
    ]  # fmt: skip


def test_a_call_goes_to_the_provider_and_its_dialog_stays_there() -> None:
    world = known_by_address()
    sent = world.dial()
    (got,) = invites(world)
    assert got.uri == f"sip:{NUMBER}@example.com".encode()
    assert not [line for line in got.lines if line.lower().startswith(b"x-qendra")], "our own words stay with us"
    assert got.first(b"from") == request(sent).first(b"from"), "who calls is the engine's affair"
    assert b";rport" in got.lines[got.keys.index(b"via")]
    assert len(got.all(b"record-route")) == 2
    assert world.statuses() == [100, 180, 200]
    marks = [line for line in answer(world.to_engine[-1]).lines if line.startswith(b"X-Qendra")]
    assert f"X-Qendra-Here: {BOX}".encode() in marks
    first = world.providers["192.0.2.1", 5060]
    (call,) = first.calls.values()
    routes = [b"Route: " + each for each in reversed(answer(world.to_engine[-1]).all(b"record-route"))]
    to = answer(world.to_engine[-1]).first(b"to")
    for method, branch, number in ((b"ACK", b"z9hG4bKack", 1), (b"BYE", b"z9hG4bKbye", 2)):
        world.engine(
            engine_request(
                method, b"sip:192.0.2.1:5060", to=to, branch=branch, number=number, call_id=call.call_id, more=routes
            )
        )
    assert [each.method for each in first.heard[-3:]] == [b"INVITE", b"ACK", b"BYE"]
    assert all(not each.all(b"route") for each in first.heard)
    assert call.state == "over"
    assert world.statuses()[-1] == 200


def test_the_provider_hangs_up() -> None:
    world = known_by_address()
    world.dial()
    first = world.providers["192.0.2.1", 5060]
    (call,) = first.calls.values()
    world.from_provider(first, first.hang_up(call.call_id))
    assert request(world.to_engine[-1]).method == b"BYE"
    world.engine(reply(world.to_engine[-1], b"200 OK"))
    assert world.house.sent[-1].flow.host == "192.0.2.1"


def test_the_challenge_goes_to_the_engine_and_the_proof_to_the_same_server() -> None:
    world = World()
    provider = world.provider()
    world.accept(trunk())
    sent = world.dial()
    challenge = answer(world.to_engine[-1])
    assert challenge.status == 407
    world.engine(
        engine_request(b"ACK", request(sent).uri, to=challenge.first(b"to"), branch=b"z9hG4bKout-1", call_id=b"out-1")
    )
    uri = request(sent).uri
    credentials = proof(challenge, b"INVITE", uri, "shop", "secret")
    world.engine(
        engine_request(
            b"INVITE", uri, branch=b"z9hG4bKout-2", number=2, call_id=b"out-1", more=[b"X-Qendra-Trunk: voip", credentials],
            body=SDP,
        )
    )  # fmt: skip
    assert world.statuses() == [407, 100, 180, 200]
    assert [each.method for each in provider.heard[-3:]] == [b"INVITE", b"ACK", b"INVITE"]


def test_a_cancel_follows_its_call() -> None:
    world = known_by_address()
    first = world.providers["192.0.2.1", 5060]
    first.behaviour.rings_only = True
    sent = world.dial()
    world.engine(engine_request(b"CANCEL", request(sent).uri, branch=b"z9hG4bKout-1", call_id=b"out-1"))
    assert world.statuses() == [100, 180, 200, 487]


def test_a_silent_server_is_left_for_the_next_within_seconds() -> None:
    world = known_by_address()
    world.providers["192.0.2.1", 5060].behaviour.silent = True
    world.dial()
    world.pass_time(PATIENCE - 0.1)
    assert world.statuses() == []
    world.pass_time(0.2)
    assert world.statuses() == [100, 180, 200]
    assert world.up()
    assert world.words() == "192.0.2.2 answers; no answer from 192.0.2.1"
    world.dial(branch=b"z9hG4bKout-2")
    assert world.statuses() == [100, 180, 200] * 2, "the next call does not wait for it at all"
    world.providers["192.0.2.1", 5060].behaviour.silent = False
    world.pass_time(60)
    assert world.words() == "192.0.2.1 answers"
    assert len(invites(world)) == 1


def test_what_the_engine_repeats_goes_where_the_call_is() -> None:
    world = known_by_address()
    for host in ("192.0.2.1", "192.0.2.2"):
        world.providers[host, 5060].behaviour.silent = True
    world.dial()
    world.pass_time(0.5)
    world.dial()
    world.pass_time(PATIENCE)
    world.dial()
    assert (len(invites(world)), len(invites(world, "192.0.2.2"))) == (2, 2)
    world.pass_time(PATIENCE)
    assert world.statuses() == [503]
    world.dial()
    assert world.statuses() == [503, 503], "its repeat gets the same answer"


def test_with_nobody_left_the_engine_hears_so_and_why() -> None:
    world = known_by_address()
    for host in ("192.0.2.1", "192.0.2.2"):
        world.providers[host, 5060].behaviour.silent = True
    world.pass_time(100)
    assert (world.up(), world.words()) == (False, "no answer from 192.0.2.1")
    world.dial()
    assert len(invites(world)) + len(invites(world, "192.0.2.2")) == 1, "an emergency may be worth one try"
    world.pass_time(PATIENCE)
    (refused,) = [answer(each) for each in world.to_engine]
    assert refused.status == 503
    assert refused.first(b"warning") == b'399 qendra "no answer from 192.0.2.1"'
    count = len(world.house.sent)
    ack = engine_request(
        b"ACK", f"sip:{NUMBER}@example.com".encode(), to=refused.first(b"to"), branch=b"z9hG4bKout-1", call_id=b"out-1"
    )
    world.engine(ack)
    assert len(world.house.sent) == count


def test_an_emergency_goes_over_a_line_that_seemed_dead() -> None:
    world = known_by_address()
    for host in ("192.0.2.1", "192.0.2.2"):
        world.providers[host, 5060].behaviour.silent = True
    world.pass_time(100)
    for host in ("192.0.2.1", "192.0.2.2"):
        world.providers[host, 5060].behaviour.silent = False
    world.dial()
    assert world.statuses() == [100, 180, 200]
    assert world.up()


def test_a_provider_nobody_knows_is_refused_at_once() -> None:
    world = known_by_address()
    world.dial(name="other")
    assert world.statuses() == [503]


def test_a_503_of_one_server_takes_the_call_to_the_next() -> None:
    world = known_by_address()
    first = world.providers["192.0.2.1", 5060]
    first.behaviour.status = 503
    world.dial()
    assert world.statuses() == [100, 180, 200]
    assert [each.method for each in first.heard[-2:]] == [b"INVITE", b"ACK"]
    assert world.words() == "192.0.2.2 answers; 192.0.2.1 says that it cannot serve us now (503)"
    world.providers["192.0.2.2", 5060].behaviour.status = 503
    world.dial(branch=b"z9hG4bKout-2")
    assert world.statuses()[-1] == 503, "the last one's answer is the engine's"


def test_a_503_that_nobody_else_could_better_is_about_that_call_only() -> None:
    world = World()
    provider = world.provider()
    provider.behaviour.trusts = frozenset({BOX})
    world.accept(trunk())
    provider.behaviour.refused = {NUMBER: 503}
    world.dial()
    assert world.statuses() == [100, 503]
    assert (world.up(), world.words()) == (True, "registered with 192.0.2.1")
    provider.behaviour.status, provider.behaviour.retry_after = 503, 90
    world.dial(branch=b"z9hG4bKout-2")
    assert not world.up(), "it wants to be left alone"
    provider.behaviour.status = 0
    world.pass_time(120)
    assert (world.up(), world.words()) == (True, "registered with 192.0.2.1")


@pytest.mark.parametrize("status", [486, 404, 500, 603])
def test_any_other_refusal_is_the_callees(status: int) -> None:
    world = known_by_address()
    world.providers["192.0.2.1", 5060].behaviour.refused = {NUMBER: status}
    world.dial()
    assert world.statuses() == [100, status]
    assert world.words() == "192.0.2.1 answers"


def late(world: World, status: bytes, *, contact: bool = True) -> list[Request]:
    """The first server, given up meanwhile, says something after all; what it hears of us then."""
    world.pass_time(1)
    world.providers["192.0.2.1", 5060].behaviour.silent = True
    world.dial()
    (left,) = invites(world)
    world.pass_time(PATIENCE)
    data = b"\r\n".join([left.start, *left.lines, b"", left.body])
    more = [b"Contact: <sip:gw@192.0.2.1>"] if contact else []
    before = len(world.house.sent)
    engine = len(world.to_engine)
    flow = Flow("udp", "192.0.2.1", 5060)
    world.deliver(world.house.proxy.receive(reply(data, status, tag=b"late", more=more), flow, world.house.now))
    assert len(world.to_engine) == engine, "the engine has nothing to do with it"
    return [request(each.data) for each in world.house.sent[before:] if each.flow == flow]


def test_a_server_that_was_left_and_rings_is_cancelled_once() -> None:
    world = known_by_address()
    (cancel,) = late(world, b"180 Ringing")
    (left,) = invites(world)
    assert (cancel.method, cancel.uri, cancel.via.branch) == (b"CANCEL", left.uri, left.via.branch)
    assert len(cancel.all(b"via")) == 1


def test_a_server_that_was_left_and_answers_is_hung_up() -> None:
    world = known_by_address()
    ack, bye = late(world, b"200 OK")
    assert (ack.method, bye.method) == (b"ACK", b"BYE")
    assert ack.uri == bye.uri == b"sip:gw@192.0.2.1"
    assert (ack.number, bye.number) == (1, 2)
    assert ack.called.tag == bye.called.tag == b"late"
    assert len({ack.via.branch, bye.via.branch, invites(world)[0].via.branch}) == 3
    assert bye.all(b"route") == []


def test_a_server_that_was_left_and_refuses_is_acknowledged() -> None:
    world = known_by_address()
    (ack,) = late(world, b"486 Busy Here")
    assert (ack.method, ack.via.branch) == (b"ACK", invites(world)[0].via.branch)


def test_success_without_a_contact_is_no_fault() -> None:
    world = known_by_address()
    assert late(world, b"200 OK", contact=False) == []
    assert world.house.proxy.counters.internal_errors == 0


def test_calls_wait_for_no_name_server() -> None:
    world = World()
    world.provider()
    world.dns = False
    world.accept(trunk(domain="example.com"))
    world.dial()
    assert world.statuses() == [503]
    assert world.words() == "looking for example.com"
    world.pass_time(6)
    assert world.words() == "nobody can say where example.com is: the name servers (DNS) do not answer"
    world.dns = True
    two_servers(world)
    world.pass_time(120)
    assert world.words() == "registered with 192.0.2.1"


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_over_a_connection_that_is_opened_for_it(transport: str) -> None:
    world = World()
    port = 5061 if transport == "tls" else 5060
    first = world.provider(port=port, transport=transport)
    first.behaviour.trusts = frozenset({BOX})
    world.accept(trunk(transport=transport, registers=False, ping_seconds=0.0))
    assert world.opened == []
    world.dial()
    assert world.statuses() == [100, 180, 200]
    flow = Flow(transport, "192.0.2.1", port)  # type: ignore[arg-type]
    assert world.opened == [flow]
    world.cut(flow)
    (call,) = first.calls.values()
    last = answer(world.to_engine[-1])
    routes = [b"Route: " + each for each in reversed(last.all(b"record-route"))]
    world.engine(
        engine_request(b"BYE", b"sip:x@192.0.2.1", to=last.first(b"to"), number=2, call_id=call.call_id, more=routes)
    )
    assert world.opened == [flow, flow], "a call can be hung up though its connection has ended"
    assert call.state == "over"


def test_a_connection_that_cannot_be_had_is_no_delay() -> None:
    world = World()
    for host in ("192.0.2.1", "192.0.2.2"):
        world.provider(host, transport="tcp").behaviour.trusts = frozenset({BOX})
    world.zone[LookUp("example.com", "A")] = ("192.0.2.1", "192.0.2.2")
    world.accept(trunk(domain="example.com", transport="tcp", registers=False, ping_seconds=0.0))
    best = world.house.proxy.trunks._providers["voip"].servers.best()
    assert best is not None
    world.unreachable.add(best.flow.host)
    world.dial()
    assert world.statuses() == [100, 180, 200]
    assert f"no connection to {best.flow.host}" in world.words()


def test_nothing_is_left_behind() -> None:
    world = known_by_address()
    for turn in range(5):
        world.dial(branch=b"z9hG4bKout-%d" % turn)
    world.accept()
    world.pass_time(400)
    calls = world.house.proxy.trunks._calls
    assert (calls._calls, calls._branches) == ({}, {})
