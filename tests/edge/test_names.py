"""The DNS on a real socket: what it says, and that it says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance.edge import names
from appliance.edge.flows import Found, LookUp, Naptr, Srv
from appliance.edge.names import NONE_FOR, Names
from tests.edge.dns_server import NameServer, name_server

ZONE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("example.com", "NAPTR"): ('10 20 "S" "sip+d2u" "" _sip._udp.Example.com.',),
    ("_sip._udp.example.com", "SRV"): ("10 60 5060 One.example.com.", "20 0 5062 two.example.com."),
    ("one.example.com", "A"): ("192.0.2.1", "192.0.2.2"),
    ("one.example.com", "AAAA"): ("2001:db8::1",),
}


async def answers(asked: list[LookUp], servers: tuple[str, ...], system: Path | None = None) -> dict[LookUp, Found]:
    heard: dict[LookUp, Found] = {}
    whole = asyncio.Event()

    def found(what: LookUp, answer: Found) -> None:
        heard[what] = answer
        if len(heard) == len(asked):
            whole.set()

    asker = Names(found, servers) if system is None else Names(found, servers, system)
    for each in asked:
        asker.look_up(each)
    assert heard == {}, "nobody waits"
    await asyncio.wait_for(whole.wait(), 20)
    asker.close()
    return heard


def ask(server: NameServer, *asked: LookUp) -> list[Found]:
    heard = asyncio.run(answers(list(asked), (server.address,)))
    return [heard[each] for each in asked]


def test_each_kind_of_record_is_read() -> None:
    with name_server(ZONE, ttl=77) as server:
        naptr, srv, four, six = ask(
            server,
            LookUp("example.com", "NAPTR"),
            LookUp("_sip._udp.example.com", "SRV"),
            LookUp("one.example.com", "A"),
            LookUp("one.example.com", "AAAA"),
        )
    assert naptr == Found((Naptr(10, 20, "s", "SIP+D2U", "_sip._udp.example.com"),), 77)
    assert set(srv.records or ()) == {Srv(10, 60, 5060, "one.example.com"), Srv(20, 0, 5062, "two.example.com")}
    assert set(four.records or ()) == {"192.0.2.1", "192.0.2.2"}
    assert six == Found(("2001:db8::1",), 77)


def test_what_is_not_there_is_an_answer_too() -> None:
    with name_server(ZONE) as server:
        assert ask(server, LookUp("nobody.example.com", "A"), LookUp("example.com", "A")) == [Found((), NONE_FOR)] * 2


@pytest.mark.parametrize("silent", [True, False])
def test_a_server_that_is_silent_or_cannot_say_is_no_answer(silent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "PATIENCE", 0.3)
    with name_server(ZONE) as server:
        server.silent, server.refuses = silent, not silent
        assert ask(server, LookUp("one.example.com", "A")) == [Found(None)]


@pytest.mark.parametrize("name", ["", "a" * 64 + ".example.com", "..", "ex ample", "пример.example", "\x00"])
def test_a_name_that_is_none_is_no_answer_and_no_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "PATIENCE", 0.3)
    with name_server(ZONE) as server:
        (found,) = ask(server, LookUp(name, "A"))
    assert not found.records


def test_a_box_without_name_servers_gets_no_answer(tmp_path: Path) -> None:
    asked = LookUp("one.example.com", "A")
    missing = asyncio.run(answers([asked], (), tmp_path / "resolv.conf"))
    assert missing == {asked: Found(None)}
