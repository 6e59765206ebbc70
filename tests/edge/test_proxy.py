"""Calls through the proxy, message by message, both ways and against all that wants to spoil them."""

from __future__ import annotations

import pytest

from appliance.calls.names import Transport
from appliance.edge.flows import Flow, Send
from appliance.edge.message import Request, Response
from appliance.edge.outward import SOON
from tests.edge.house import SDP, House, Phone, accounts, answer, engine_request, reply, request, status_of, tcp, udp


def values(message: Request, key: bytes) -> list[bytes]:
    return message.all(key)


def routes_of(message: Request, *, reverse: bool) -> list[bytes]:
    """The route set of a dialog: as the callee takes it, or reversed as the caller does (RFC 3261 section 12.1)."""
    found = [b"Route: " + each for each in message.all(b"record-route")]
    return found[::-1] if reverse else found


def device_of(house: House, extension: bytes = b"101") -> bytes:
    return house.proxy.registrar.devices(extension)[0].device.encode()


def about(flow: Flow) -> list[bytes]:
    """What the engine is told of whoever is at this flow."""
    source, transport = flow.host.encode(), flow.transport.encode()
    return [
        b"X-Qendra-Source: " + source,
        b"X-Qendra-Transport: " + transport,
        b"X-Qendra-Here: 192.168.1.1",
    ]


def marks(message: Request | Response) -> list[bytes]:
    return [line for line in message.lines if line.lower().startswith(b"x-qendra")]


def called(house: House, phone: Phone, number: bytes = b"600") -> tuple[Request, list[bytes]]:
    """`phone` is in a call it made; the engine's INVITE, and the Route lines of its dialog."""
    invite = request(phone.invite(number))
    house.hear_engine(reply(house.to_engine[-1], b"200 OK", tag=b"e9", body=SDP))
    return invite, routes_of(invite, reverse=True)


def rings(house: House, phone: Phone) -> tuple[Request, Flow]:
    """The engine calls the telephone; what it hears, and where."""
    uri = b"sip:%b@127.0.0.1;ob=%b" % (phone.extension, device_of(house, phone.extension))
    sent = [each for each in house.hear_engine(engine_request(b"INVITE", uri, body=SDP)) if isinstance(each, Send)]
    return request(sent[0].data), sent[0].flow


def test_a_call_reaches_the_engine_as_it_was_but_for_what_a_proxy_adds() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    odd = b"X-Odd:  kept ;;, as\r\n\tit is"
    phone.invite(b"600", more=[odd, b"User-Agent: Phone"])
    raw = house.to_engine[-1]
    got = request(raw)
    assert got.start == b"INVITE sip:600@192.168.1.1 SIP/2.0"
    assert got.first(b"max-forwards") == b"69"
    assert odd + b"\r\n" in raw
    assert raw.endswith(b"\r\n\r\n" + SDP)
    assert [line for line in got.lines if line.lower().startswith(b"x-qendra")] == [
        b"X-Qendra-From: 101",
        b"X-Qendra-Device: " + device_of(house),
        *about(phone.flow),
    ]
    ours, theirs = values(got, b"via")
    assert ours.startswith(b"SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK")
    assert theirs.endswith(b";rport=5060;received=192.168.1.7")
    inside, outside = values(got, b"record-route")
    assert inside.endswith(b"@127.0.0.1:5071;lr>")
    assert outside.endswith(b"@192.168.1.1:5060;lr>")
    assert got.first(b"contact") == b"<sip:101@192.168.1.7:5060>"


def test_answers_go_back_and_the_dialog_both_ways() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    phone.invite(b"600")
    invite = house.to_engine[-1]
    for status in (b"100 Trying", b"180 Ringing", b"200 OK"):
        (sent,) = house.hear_engine(reply(invite, status, tag=b"e9"))
        assert isinstance(sent, Send)
        assert sent.flow == phone.flow
        assert len(answer(sent.data).all(b"via")) == 1
    routes = routes_of(request(invite), reverse=True)
    to = b"<sip:600@192.168.1.1>;tag=e9"
    house.hear(phone.message(b"ACK", b"sip:127.0.0.1:5070", to=to, more=routes, number=phone.number), phone.flow)
    ack = request(house.to_engine[-1])
    assert (ack.method, values(ack, b"route"), ack.keys.count(b"via")) == (b"ACK", [], 2)
    house.hear(phone.message(b"BYE", b"sip:127.0.0.1:5070", to=to, more=routes), phone.flow)
    bye = house.to_engine[-1]
    assert request(bye).keys.count(b"record-route") == 0
    (sent,) = house.hear_engine(reply(bye, b"200 OK"))
    assert isinstance(sent, Send)
    assert (sent.flow, status_of(sent.data)) == (phone.flow, 200)


def test_the_engine_hears_of_every_invite_and_of_every_answer_to_its_own_whose_it_is() -> None:
    house = House()
    phone = Phone(house, "101", tcp(7))
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register()
    forged = [b"X-Qendra-Source: 192.0.2.1", b"x-qendra-here: 192.0.2.2", b"X-Qendra-Transport: tls"]
    _, routes = called(house, phone)
    again = phone.message(b"INVITE", to=b"<sip:600@192.168.1.1>;tag=e9", more=[*routes, *forged], body=SDP)
    house.hear(again, phone.flow)
    assert marks(request(house.to_engine[-1])) == about(phone.flow)
    house.hear(phone.message(b"BYE", to=b"<sip:600@192.168.1.1>;tag=e9", more=[*routes, *forged]), phone.flow)
    assert marks(request(house.to_engine[-1])) == []
    rings(house, phone)
    rung = house.sent[-1].data
    for status in (b"180 Ringing", b"200 OK", b"486 Busy Here"):
        house.hear(reply(rung, status, tag=b"p", more=forged), phone.flow)
        assert marks(answer(house.to_engine[-1])) == about(phone.flow)
    (told,) = house.registered()
    assert (told.devices[0].transport, told.devices[0].here) == (Transport.TCP, "192.168.1.1")


def test_the_engine_hangs_up() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    invite = request(phone.invite(b"600"))
    routes = routes_of(invite, reverse=False)
    (sent,) = house.hear_engine(engine_request(b"BYE", phone.contact, to=b"<sip:101@x>;tag=f101", more=routes))
    assert isinstance(sent, Send)
    bye = request(sent.data)
    assert (sent.flow, bye.uri, values(bye, b"route")) == (phone.flow, phone.contact, [])
    assert values(bye, b"via")[0].startswith(b"SIP/2.0/UDP 192.168.1.1:5060;branch=z9hG4bK")
    house.hear(reply(sent.data, b"200 OK"), phone.flow)
    assert status_of(house.to_engine[-1]) == 200
    assert answer(house.to_engine[-1]).all(b"via") == [
        b"SIP/2.0/UDP 127.0.0.1:5070;rport=5070;branch=z9hG4bKpj-1;received=127.0.0.1"
    ]


def test_the_engine_calls_a_telephone() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    invite, flow = rings(house, phone)
    assert flow == phone.flow
    assert invite.uri == phone.contact
    assert invite.body == SDP
    assert invite.first(b"contact") == b"<sip:127.0.0.1:5070;ob>"
    outside, inside = values(invite, b"record-route")
    assert b"@192.168.1.1:5060;lr>" in outside
    assert b"@127.0.0.1:5071;lr>" in inside
    house.hear(reply(house.sent[-1].data, b"200 OK", tag=b"p1"), flow)
    assert status_of(house.to_engine[-1]) == 200
    ack = engine_request(
        b"ACK", phone.contact, to=b"<sip:101@x>;tag=p1", branch=b"z9hG4bKpj-2", more=routes_of(invite, reverse=True)
    )
    house.hear_engine(ack)
    assert request(house.sent[-1].data).method == b"ACK"
    assert house.sent[-1].flow == phone.flow
    bye = phone.message(
        b"BYE", b"sip:127.0.0.1:5070;ob", to=b"<sip:355@127.0.0.1>;tag=e1", more=routes_of(invite, reverse=False)
    )
    house.hear(bye, phone.flow)
    assert request(house.to_engine[-1]).method == b"BYE"


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        (b"sip:999@127.0.0.1", 404),
        (b"sip:127.0.0.1", 404),
        (b"tel:101", 404),
        (b"sip:102@127.0.0.1", 480),
        (b"sip:101@127.0.0.1;ob=00000000", 480),
    ],
)
def test_whom_the_engine_cannot_call(uri: bytes, status: int) -> None:
    house = House()
    Phone(house, "101", udp(7)).register()
    house.sent.clear()
    house.hear_engine(engine_request(b"INVITE", uri))
    assert house.sent == []
    assert status_of(house.to_engine[-1]) == status
    assert answer(house.to_engine[-1]).first(b"to").partition(b";tag=")[2]
    house.to_engine.clear()
    house.hear_engine(engine_request(b"ACK", uri, to=b"<sip:x>;tag=q"))
    assert (house.sent, house.to_engine) == ([], [])


def test_without_a_device_the_telephone_heard_last_rings() -> None:
    house = House()
    for last in (7, 8):
        house.pass_time(1)
        Phone(house, "101", udp(last)).register()
    house.hear_engine(engine_request(b"INVITE", b"sip:101@127.0.0.1"))
    assert house.sent[-1].flow == udp(8)


def test_a_refused_call_is_acknowledged_on_its_own_way() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.invite(b"600", branch=b"z9hG4bKone")
    invite = house.to_engine[-1]
    house.hear_engine(reply(invite, b"486 Busy Here", tag=b"e9"))
    ack = phone.message(
        b"ACK", b"sip:600@192.168.1.1", to=b"<sip:600@192.168.1.1>;tag=e9", branch=b"z9hG4bKone", number=phone.number
    )
    house.hear(ack, phone.flow)
    assert request(house.to_engine[-1]).method == b"ACK"
    assert request(house.to_engine[-1]).via.branch == request(invite).via.branch


def test_the_acknowledgement_of_our_own_challenge_goes_no_further() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    challenge = phone.ask(phone.message(b"INVITE", b"sip:600@192.168.1.1", branch=b"z9hG4bKone"))
    assert challenge is not None
    ack = phone.message(
        b"ACK", b"sip:600@192.168.1.1", to=challenge.first(b"to"), branch=b"z9hG4bKone", number=phone.number
    )
    assert house.hear(ack, phone.flow) == []
    stranger = phone.message(b"ACK", b"sip:600@192.168.1.1", to=b"<sip:600@x>;tag=z")
    assert house.hear(stranger, phone.flow) == []


def test_repeats_look_like_repeats_to_the_engine() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.invite(b"600", branch=b"z9hG4bKone")
    first = house.to_engine[-1]
    # The telephone sends the very same datagram once more; what the engine got shows what it was.
    added = (b"Record-Route", b"X-Qendra", b"Via: SIP/2.0/UDP 127")
    lines = [line for line in request(first).lines if not line.startswith(added)]
    raw = b"\r\n".join([b"INVITE sip:600@192.168.1.1 SIP/2.0", *lines]) + b"\r\n\r\n" + SDP
    raw = raw.replace(b"Max-Forwards: 69", b"Max-Forwards: 70").replace(b";rport=5060;received=192.168.1.7", b";rport")
    house.hear(raw, phone.flow)
    assert house.to_engine[-1] == first
    assert len(house.to_engine) == 2


def test_a_caller_gives_up() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.invite(b"600", branch=b"z9hG4bKone")
    branch = request(house.to_engine[-1]).via.branch
    cancel = phone.message(
        b"CANCEL", b"sip:600@192.168.1.1", to=b"<sip:600@192.168.1.1>", branch=b"z9hG4bKone", number=phone.number
    )
    house.hear(cancel, phone.flow)
    assert request(house.to_engine[-1]).method == b"CANCEL"
    assert request(house.to_engine[-1]).via.branch == branch
    other = cancel.replace(b"z9hG4bKone", b"z9hG4bKtwo")
    (sent,) = [each for each in house.hear(other, phone.flow) if isinstance(each, Send)]
    assert isinstance(sent, Send)
    assert status_of(sent.data) == 481
    assert [each.data[:11] for each in house.hear(cancel, udp(8)) if isinstance(each, Send)] == [b"SIP/2.0 481"]


def test_the_engine_gives_up_and_the_telephone_has_moved_meanwhile() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    invite, flow = rings(house, phone)
    moved = Phone(house, "101", udp(7, 6000))
    moved.call_id, moved.number = phone.call_id, phone.number
    moved.register()
    uri = b"sip:101@127.0.0.1;ob=" + device_of(house)
    house.pass_time(299)
    house.take(house.proxy.tick(house.now))
    (sent,) = house.hear_engine(engine_request(b"CANCEL", uri))
    assert isinstance(sent, Send)
    cancel = request(sent.data)
    assert (sent.flow, cancel.uri, cancel.via) == (flow, invite.uri, invite.via)
    house.pass_time(2)
    (sent,) = house.hear_engine(engine_request(b"CANCEL", uri))
    assert isinstance(sent, Send)
    assert sent.flow == moved.flow


def test_a_dialog_follows_the_telephone_to_its_new_port() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    invite, _ = called(house, phone)
    moved = Phone(house, "101", udp(8, 6000))
    moved.call_id, moved.number = phone.call_id, phone.number
    moved.register()
    bye = engine_request(b"BYE", phone.contact, to=b"<sip:101@x>;tag=f", more=routes_of(invite, reverse=False))
    (sent,) = house.hear_engine(bye)
    assert isinstance(sent, Send)
    assert sent.flow == moved.flow
    own = moved.message(b"BYE", b"sip:127.0.0.1:5070", to=b"<sip:600@x>;tag=e9", more=routes_of(invite, reverse=True))
    house.hear(own, moved.flow)
    assert request(house.to_engine[-1]).method == b"BYE"


def test_a_caller_who_never_registered_is_answered_where_it_called_from() -> None:
    house = House()
    registered, caller = Phone(house, "101", udp(7)), Phone(house, "101", udp(7, 7000))
    registered.register()
    invite = request(caller.invite(b"600"))
    assert b"X-Qendra-Device" not in b"".join(invite.lines)
    bye = engine_request(b"BYE", caller.contact, to=b"<sip:101@x>;tag=f", more=routes_of(invite, reverse=False))
    (sent,) = house.hear_engine(bye)
    assert isinstance(sent, Send)
    assert sent.flow == caller.flow


def test_nobody_gets_into_a_dialog_without_our_mark() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    _, routes = called(house, phone)
    house.to_engine.clear()
    to = b"<sip:600@192.168.1.1>;tag=e9"
    thief = Phone(house, "101", udp(66))
    tampered = [each.replace(b"sip:0", b"sip:1", 1) for each in routes]
    for who, given in (
        (thief, routes),
        (thief, []),
        (phone, []),
        (phone, tampered),
        (phone, [b"Route: <sip:127.0.0.1:5071;lr>"]),
    ):
        found = who.ask(who.message(b"BYE", b"sip:127.0.0.1:5070", to=to, more=given))
        assert found is not None
        assert found.status == 481
    assert house.to_engine == []


def test_a_mark_is_no_proof_for_a_new_call() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    _, routes = called(house, phone)
    house.to_engine.clear()
    found = phone.ask(phone.message(b"INVITE", b"sip:900@192.168.1.1", to=b"<sip:900@x>", more=routes))
    assert found is not None
    assert found.status == 407
    assert house.to_engine == []


def test_answers_to_nothing_we_sent_are_dropped() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    rings(house, phone)
    good = reply(house.sent[-1].data, b"200 OK", tag=b"p")
    mark = request(house.sent[-1].data).via.branch
    forged = mark[:-1] + (b"0" if mark[-1:] != b"0" else b"1")
    assert house.hear(good.replace(mark, forged), phone.flow) == []
    assert house.hear(good, udp(66)) == []
    assert house.proxy.counters.dropped == 2
    assert house.to_engine == []
    house.hear(good, phone.flow)
    assert len(house.to_engine) == 1


def test_calls_outlive_the_edge() -> None:
    house = House(secret=b"k" * 32)
    phone = Phone(house, "101", udp(7))
    phone.register()
    invite, routes = called(house, phone)
    bye = phone.message(b"BYE", b"sip:127.0.0.1:5070", to=b"<sip:600@x>;tag=e9", more=routes)
    reborn = House(secret=b"k" * 32)
    reborn.hear(bye, phone.flow)
    assert request(reborn.to_engine[-1]).method == b"BYE"
    reborn.hear_engine(
        engine_request(b"BYE", phone.contact, to=b"<sip:101@x>;tag=f", more=routes_of(invite, reverse=False))
    )
    assert reborn.sent[-1].flow == phone.flow
    stranger = House(secret=b"x" * 32)
    stranger.hear(bye, phone.flow)
    assert status_of(stranger.sent[-1].data) == 481


@pytest.mark.parametrize(
    "line",
    [
        b"X-Qendra-From: 102",
        b"x-qendra-from:102",
        b"X-QENDRA-DEVICE  : 00000000",
        b"X-Qendra-New: 1",
        b"X-Qendra-From:\r\n 102",
    ],
)
def test_our_own_words_are_taken_from_nobody_else(line: bytes) -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    got = request(phone.invite(b"600", more=[line]))
    assert marks(got) == [
        b"X-Qendra-From: 101",
        b"X-Qendra-Device: " + device_of(house),
        *about(phone.flow),
    ]
    rings(house, phone)
    house.hear(reply(house.sent[-1].data, b"200 OK", tag=b"p", more=[line]), phone.flow)
    assert marks(answer(house.to_engine[-1])) == about(phone.flow)


@pytest.mark.parametrize(
    "line",
    [
        b"Subject: x\nX-Qendra-From: 102",
        b"Subject: x\rX-Qendra-From: 102",
        b"Subject: x\0X-Qendra-From: 102",
        b"X-Qendra-From\r\n : 102",
        b"X-Qendra-From\0: 102",
        b"X-Qendra-From",
        b"Via",
        b"X: y\r\n" * 200 + b"Subject: long",
        b"Subject: " + b"x" * 17_000,
    ],
)
def test_a_header_another_parser_might_see_stops_the_message(line: bytes) -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    found = phone.ask(phone.message(b"INVITE", b"sip:600@192.168.1.1", more=[line]))
    assert found is None or found.status in {400, 513}
    assert house.to_engine == []
    assert house.refusals()[-1].refusal == "garbled"


@pytest.mark.parametrize(
    ("method", "status"),
    [(b"SUBSCRIBE", 489), (b"PUBLISH", 405), (b"REFER", 405), (b"MESSAGE", 405), (b"INFO", 405), (b"STRANGE", 405)],
)
def test_what_the_engine_would_not_answer_is_answered_here(method: bytes, status: int) -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    uri = b"sip:102@192.168.1.1"
    found = phone.proved(lambda proofs: phone.message(method, uri, more=proofs), method, uri)
    assert found is not None
    assert found.status == status
    assert house.to_engine == []


def test_hops_are_counted() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    _, routes = called(house, phone)
    for hops, to in ((b"0", b"<sip:600@x>"), (b"0", b"<sip:600@x>;tag=e9")):
        ask = phone.message(b"INVITE", b"sip:600@192.168.1.1", to=to, more=routes).replace(
            b"Max-Forwards: 70", b"Max-Forwards: " + hops
        )
        found = phone.ask(ask)
        assert found is not None
        assert found.status == 483
    house.to_engine.clear()
    ack = phone.message(b"ACK", b"sip:600@192.168.1.1", to=b"<sip:600@x>;tag=e9", more=routes)
    assert house.hear(ack.replace(b"Max-Forwards: 70", b"Max-Forwards: 0"), phone.flow) == []
    house.hear_engine(engine_request(b"INVITE", b"sip:101@x").replace(b"Max-Forwards: 70", b"Max-Forwards: 0"))
    assert status_of(house.to_engine[-1]) == 483
    bare = engine_request(b"INVITE", b"sip:101@x", branch=b"z9hG4bKq").replace(b"Max-Forwards: 70\r\n", b"")
    house.hear_engine(bare)
    assert request(house.sent[-1].data).first(b"max-forwards") == b"70"


def test_answers_go_to_the_port_in_the_via_when_rport_is_not_asked_for() -> None:
    house = House()
    phone = Phone(house, "101", udp(7, 33000))
    plain = phone.message(b"REGISTER").replace(b";rport", b"").replace(b"192.168.1.7:33000", b"192.168.1.7:5062")
    house.hear(plain, phone.flow)
    assert house.sent[-1].flow == udp(7, 5062)
    routed = plain.replace(b"192.168.1.7:5062", b"10.0.0.3:5062")
    house.hear(routed, phone.flow)
    assert house.sent[-1].flow == phone.flow
    assert b";received=192.168.1.7" in house.sent[-1].data


def test_several_vias_on_one_line_are_taken_off_one_by_one() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    rings(house, phone)
    raw = reply(house.sent[-1].data, b"180 Ringing", tag=b"p")
    first, second = (line for line in answer(raw).lines if line.startswith(b"Via: "))
    joined = raw.replace(first + b"\r\n", b"").replace(second, b"v: " + first[5:] + b" , " + second[5:])
    house.hear(joined, phone.flow)
    assert answer(house.to_engine[-1]).all(b"via") == [second[5:]]


def test_tcp_telephones_are_named_and_reached_by_tcp() -> None:
    house = House()
    phone = Phone(house, "101", tcp(7))
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register()
    invite, flow = rings(house, phone)
    assert flow == phone.flow
    assert invite.via.transport == b"TCP"
    assert b";transport=tcp;lr>" in values(invite, b"record-route")[0]


def test_the_engine_asks_again_for_a_telephone_whose_connection_is_just_gone() -> None:
    house = House()
    phone = Phone(house, "101", tcp(7))
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register()
    invite, _ = called(house, phone)
    house.take(house.proxy.disconnected(phone.flow, house.now))
    house.sent.clear()
    house.to_engine.clear()
    ask = engine_request(b"INVITE", b"sip:101@127.0.0.1;ob=" + device_of(house))
    bye = engine_request(
        b"BYE", phone.contact, to=b"<sip:101@x>;tag=f", more=routes_of(invite, reverse=False), branch=b"z9hG4bKb"
    )
    for data in (ask, bye):
        assert house.hear_engine(data) == []
    again = Phone(house, "101", tcp(7, 40001), contact=phone.contact)
    house.take(house.proxy.connected(again.flow, house.now))
    again.register()
    for data in (ask, bye):
        house.hear_engine(data)
        assert house.sent[-1].flow == again.flow
    house.take(house.proxy.disconnected(again.flow, house.now))
    house.pass_time(SOON - 0.5)
    assert house.hear_engine(ask.replace(b"z9hG4bKpj-1", b"z9hG4bKpj-8")) == []
    house.pass_time(1)
    house.hear_engine(ask.replace(b"z9hG4bKpj-1", b"z9hG4bKpj-9"))
    assert status_of(house.to_engine[-1]) == 480
    assert house.hear_engine(bye) == []
    house.pass_time(31)
    house.hear_engine(bye)
    assert status_of(house.to_engine[-1]) == 481


def test_a_call_on_its_way_follows_the_telephone_to_its_new_connection() -> None:
    house = House()
    phone = Phone(house, "101", tcp(7))
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register()
    rings(house, phone)
    house.take(house.proxy.disconnected(phone.flow, house.now))
    again = Phone(house, "101", tcp(7, 40001), contact=phone.contact)
    house.take(house.proxy.connected(again.flow, house.now))
    again.register()
    assert rings(house, phone)[1] == again.flow


def test_an_answer_finds_the_new_connection() -> None:
    house = House()
    phone = Phone(house, "101", tcp(7))
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register()
    phone.invite(b"600")
    invite = house.to_engine[-1]
    house.take(house.proxy.disconnected(phone.flow, house.now))
    again = Phone(house, "101", tcp(7, 40001), contact=phone.contact)
    house.take(house.proxy.connected(again.flow, house.now))
    again.register()
    house.hear_engine(reply(invite, b"200 OK", tag=b"e"))
    assert house.sent[-1].flow == again.flow


def test_with_the_engine_away_callers_hear_so_at_once() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    phone.invite(b"600")
    house.take(house.proxy.engine_refused(house.to_engine[-1], house.now))
    refused = answer(house.sent[-1].data)
    assert (refused.status, refused.first(b"retry-after"), house.sent[-1].flow) == (503, b"2", phone.flow)
    assert len(refused.all(b"via")) == 1
    house.to_engine.clear()
    second = phone.proved(
        lambda proofs: phone.message(b"INVITE", b"sip:600@192.168.1.1", to=b"<sip:600@x>", more=proofs),
        b"INVITE",
        b"sip:600@192.168.1.1",
    )
    assert second is not None
    assert (second.status, house.to_engine) == (503, [])
    house.pass_time(1.1)
    assert [each[:30] for each in house.to_engine] == [b"OPTIONS sip:127.0.0.1:5070 SIP"] * 2
    house.take(house.proxy.engine_refused(house.to_engine[-1], house.now))
    sent = len(house.sent)
    house.hear_engine(reply(house.to_engine[-1], b"200 OK", tag=b"e"))
    assert len(house.sent) == sent
    house.to_engine.clear()
    house.pass_time(5)
    assert house.to_engine == []
    phone.invite(b"600")
    assert len(house.to_engine) == 1


def test_a_telephone_may_ask_what_we_are_and_a_stranger_may_not() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    assert phone.ask(phone.message(b"OPTIONS")) is None
    assert house.refusals()[-1].refusal == "stranger"
    phone.register()
    found = phone.ask(phone.message(b"OPTIONS"))
    assert found is not None
    assert found.status == 200
    assert b"INVITE" in found.first(b"allow")


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\r\n", b"\0\0\0\0"])
def test_keepalives_are_nothing(data: bytes) -> None:
    house = House()
    assert house.hear(data, udp(7)) == []
    assert house.refusals() == []


def test_a_fault_of_ours_costs_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    with monkeypatch.context() as patch:
        patch.setattr("appliance.edge.proxy.parse", lambda _: 1 / 0)
        assert phone.ask(phone.message(b"REGISTER")) is None
    assert house.proxy.counters.internal_errors == 1
    assert phone.register().status == 200


def test_restored_telephones_ring_again() -> None:
    house = House()
    phones = [
        Phone(house, "101", udp(7)),
        Phone(house, "102", tcp(8)),
        Phone(house, "103", udp(9, 9000), b"sip:103@10.1.1.1"),
    ]
    for phone in phones:
        house.take(house.proxy.connected(phone.flow, house.now))
        phone.register()
    reborn = House()
    reborn.proxy.restore(list(house.proxy.registrar), reborn.now)
    assert {each.extension for each in reborn.proxy.everybody()} == {"101", "102", "103"}
    reborn.hear_engine(engine_request(b"INVITE", b"sip:101@x"))
    assert reborn.sent[-1].flow == phones[0].flow
    assert reborn.hear_engine(engine_request(b"INVITE", b"sip:102@x", branch=b"z9hG4bKt")) == []
    reborn.sent.clear()
    reborn.pass_time(26)
    assert [each.flow for each in reborn.sent] == [phones[2].flow]
    reborn.pass_time(5)
    assert {each.extension for each in reborn.proxy.everybody()} == {"101", "103"}


def test_somebody_who_has_left_is_not_restored() -> None:
    house = House()
    Phone(house, "101", udp(7)).register()
    reborn = House(people=["102"])
    reborn.proxy.restore(list(house.proxy.registrar), reborn.now)
    assert reborn.proxy.everybody() == []
    assert accounts(["102"]).accounts[0].extension == "102"
