"""Every message of RFC 4475 gets its verdict, whole and in any pieces, on every kind of flow."""

from __future__ import annotations

import pytest

from appliance.calls.edge import Refusal
from appliance.edge.flows import Flow, Send
from appliance.edge.framing import Framer
from appliance.edge.message import Garbled, Request, parse
from tests.edge.house import House, Phone, answer, request
from tests.edge.verdicts import FILES, PASSED, VERDICTS, caller_of, message, with_proof

WHOLE = [Flow("udp", "192.168.1.9", 5060), Flow("ws", "192.168.1.9", 40000), Flow("wss", "192.168.1.9", 40000)]
STREAMS = [Flow("tcp", "192.168.1.9", 40000), Flow("tls", "192.168.1.9", 40000)]
SAID = {name for name, verdict in VERDICTS.items() if verdict.first >= 400 and verdict.first not in {401, 407}}


def house_at(flow: Flow, name: str) -> House:
    """A house with a telephone registered at this flow, and an account for whoever the message needs."""
    house = House(people={"101", caller_of(name)})
    if flow.transport != "udp":
        house.take(house.proxy.connected(flow, house.now))
    Phone(house, "101", flow).register()
    house.to_engine.clear()
    house.told.clear()
    return house


def statuses(house: House, data: bytes, flow: Flow) -> list[int]:
    sent = [each for each in house.hear(data, flow) if isinstance(each, Send)]
    assert all(each.flow.host == flow.host and each.flow.transport == flow.transport for each in sent)
    return [int(each.data[8:11]) for each in sent]


def test_every_message_has_a_verdict() -> None:
    assert {path.stem for path in FILES.glob("*.dat")} == set(VERDICTS)
    assert len(VERDICTS) == 49
    assert [verdict.section for verdict in VERDICTS.values()] == sorted(
        (verdict.section for verdict in VERDICTS.values()), key=lambda each: [int(part) for part in each.split(".")]
    )
    assert sum(bool(verdict.why) for verdict in VERDICTS.values()) == 4, "each of these is a choice of ours"


@pytest.mark.parametrize("flow", WHOLE, ids=lambda flow: flow.transport)
@pytest.mark.parametrize("name", VERDICTS)
def test_whole(name: str, flow: Flow) -> None:
    house, verdict = house_at(flow, name), VERDICTS[name]
    assert statuses(house, message(name), flow) == ([verdict.first] if verdict.first else [])
    assert house.to_engine == [], "nothing passes without a proof"
    if name in SAID:
        assert house.refusals(), "every no is told"
    if name in {"scalarlg", "bigcode", "intmeth"}:
        assert [each.refusal for each in house.refusals()] == [Refusal.GARBLED]
    assert house.proxy.counters.internal_errors == 0


@pytest.mark.parametrize("flow", WHOLE + STREAMS, ids=lambda flow: flow.transport)
@pytest.mark.parametrize("name", [name for name, verdict in VERDICTS.items() if verdict.proved is not None])
def test_with_a_proof(name: str, flow: Flow) -> None:
    house, verdict = house_at(flow, name), VERDICTS[name]
    (asked,) = [each for each in house.hear(message(name), flow) if isinstance(each, Send)]
    found = statuses(house, with_proof(name, answer(asked.data)), flow)
    assert house.proxy.counters.internal_errors == 0
    if verdict.proved == PASSED:
        assert found == []
        (passed,) = house.to_engine
        assert untouched(message(name)) == untouched(passed), "byte for byte as it came"
    else:
        assert found == [verdict.proved]
        assert house.to_engine == []


def untouched(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """The start line, the fields a proxy has no business with, and the body."""
    got = request(data)
    changed = {b"via", b"record-route", b"max-forwards", b"proxy-authorization", b"x-qendra-"}
    kept = [line for key, line in zip(got.keys, got.lines, strict=True) if key not in changed]
    return got.start, kept, got.body


@pytest.mark.parametrize("flow", STREAMS, ids=lambda flow: flow.transport)
@pytest.mark.parametrize("name", VERDICTS)
def test_in_a_stream(name: str, flow: Flow) -> None:
    for step in (1, 7, 100_000):
        house, data, framer = house_at(flow, name), message(name) + b"\r\n\r\n", Framer()
        found: list[int] = []
        for at in range(0, len(data), step):
            for piece in framer.feed(data[at : at + step]):
                if isinstance(piece, Garbled):
                    sent = house.take(house.proxy.broken(piece, flow, house.now))
                    found += [int(each.data[8:11]) for each in sent if isinstance(each, Send)]
                elif isinstance(piece, bytes):
                    found += statuses(house, piece, flow)
        assert tuple(found) == VERDICTS[name].on_stream
        assert house.to_engine == []
        assert house.proxy.counters.internal_errors == 0


def test_what_is_valid_is_read_as_it_is_meant() -> None:
    for name, verdict in VERDICTS.items():
        if verdict.valid:
            assert isinstance(parse(message(name)), Garbled) == (name == "intmeth"), name


def test_what_a_proxy_is_asked_to_support_is_named() -> None:
    flow = WHOLE[0]
    house = house_at(flow, "bext01")
    (sent,) = [each for each in house.hear(message("bext01"), flow) if isinstance(each, Send)]
    assert answer(sent.data).first(b"unsupported") == b"noProxiesSupportThis, norDoAnyProxiesSupportThis"


@pytest.mark.parametrize(
    ("name", "contact"),
    [
        ("cparam01", b"sip:+19725552222@gw1.example.net"),
        ("cparam02", b"sip:+19725552222@gw1.example.net;unknownparam"),
        ("regescrt", b"sip:user@example.com?Route=%3Csip:sip.example.com%3E"),
    ],
)
def test_what_is_registered_is_what_was_meant(name: str, contact: bytes) -> None:
    flow = WHOLE[0]
    house = house_at(flow, name)
    (asked,) = [each for each in house.hear(message(name), flow) if isinstance(each, Send)]
    house.hear(with_proof(name, answer(asked.data)), flow)
    (binding,) = house.proxy.registrar.devices(caller_of(name).encode())
    assert binding.contact == contact
    assert b"?" not in binding.request_uri


def test_no_method_is_taken_for_another() -> None:
    found = parse(message("esc02"))
    assert isinstance(found, Request)
    assert found.method == b"RE%47IST%45R"
    assert found.all(b"contact") == [b"<sip:alias1@host1.example.com>", b"<sip:alias3@host3.example.com>"]
