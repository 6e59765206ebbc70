"""Telephones outside the firm's network: what they are told of us, and whether they can come in at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.calls.edge import Outside, Reach, Reached, Registered
from appliance.edge import keep
from appliance.edge.flows import Flow, Found, Knock, LookUp, Output, Send
from appliance.edge.reach.reach import EVERY, FRESH
from appliance.edge.reach.verdict import Findings, weigh
from appliance.edge.udp import routers
from tests.edge.house import SDP, House, Phone, engine_request, request, udp
from tests.edge.notifier.watching import Watcher
from tests.edge.trunks.world import World, trunk
from webui.heard import understood

NAME = "shop.example.net"
ASKED = LookUp(NAME, "A")
PUBLIC = "203.0.113.5"
HOME = Flow("udp", "198.51.100.9", 40123)


class Street(House):
    """A house whose router may turn round what is sent to its own public address, and a name server."""

    def __init__(self, address: str | None = PUBLIC, *, turns_round: bool = False) -> None:
        super().__init__()
        self.address = address
        self.turns_round = turns_round
        self.knocks: list[Knock] = []
        self.asked: list[LookUp] = []

    def take(self, outputs: list[Output]) -> list[Output]:
        super().take(outputs)
        for output in outputs:
            match output:
                case Knock(flow, data):
                    self.knocks.append(output)
                    if self.turns_round:
                        self.hear(data, Flow("udp", "192.168.1.254", 50_000 + flow.port % 1000))
                case LookUp() as asked:
                    self.asked.append(asked)
                    records = None if self.address is None else (self.address,) if self.address else ()
                    self.take(self.proxy.found(asked, Found(records, 300.0), self.now))
                case _:
                    pass
        return outputs

    def opens(self, outside: Outside = Outside(NAME)) -> None:  # noqa: B008 - a frozen word
        self.take(self.proxy.called_from_outside(outside, self.now))

    def verdict(self) -> Reached:
        return [each for each in self.told if isinstance(each, Reached)][-1]


def test_a_telephone_outside_is_told_the_public_address_and_one_inside_ours() -> None:
    house = Street()
    house.opens(Outside(NAME, 5566))
    remote, desk = Phone(house, "101", HOME, contact=b"sip:101@10.0.0.7:5060"), Phone(house, "102", udp(12))
    remote.register()
    desk.register()
    here = {each.extension: each.devices[0].here for each in house.registered()}
    assert here == {"101": PUBLIC, "102": "192.168.1.1"}
    inside = request(remote.invite(b"600"))
    assert b"@203.0.113.5:5566;lr>" in inside.values(b"record-route")[1]
    assert inside.first(b"x-qendra-from") == b""
    assert b"X-Qendra-Here: 203.0.113.5" in house.to_engine[-1]
    for phone, ours in ((remote, b"203.0.113.5:5566"), (desk, b"192.168.1.1:5060")):
        device = house.proxy.registrar.devices(phone.extension)[0].device.encode()
        uri = b"sip:%b@127.0.0.1;ob=%b" % (phone.extension, device)
        (sent,) = [each for each in house.hear_engine(engine_request(
            b"INVITE", uri, body=SDP, branch=b"z9hG4bK" + device, call_id=device
        )) if isinstance(each, Send)]  # fmt: skip
        got = request(sent.data)
        assert sent.flow == phone.flow
        assert got.values(b"via")[0].startswith(b"SIP/2.0/UDP " + ours)
        assert b"@" + ours in got.values(b"record-route")[0]


def test_lamps_of_a_telephone_outside() -> None:
    house = Street()
    house.opens()
    phone = Watcher(house, flow=HOME)
    assert phone.subscribe(contact=b"sip:101@10.0.0.7:5060").first(b"contact") == b"<sip:102@203.0.113.5:5060>"
    (notify,) = phone.notified()
    assert notify.first(b"contact") == b"<sip:102@203.0.113.5:5060>"


def test_a_provider_keeps_its_own_view_of_us() -> None:
    world = World()
    world.provider()
    world.accept(trunk())
    signs = world.house.proxy._signs
    world.house.take(world.house.proxy.called_from_outside(Outside(PUBLIC), 0.0))
    assert signs.here(Flow("udp", "192.0.2.1", 5060)) == "192.168.1.1"
    assert signs.here(HOME) == PUBLIC


def test_the_last_good_address_is_kept() -> None:
    house = Street()
    house.opens()
    for silence in (None, ()):
        house.address = None if silence is None else ""
        house.pass_time(EVERY * 3)
        assert house.proxy._signs.here(HOME) == PUBLIC
    house.address = "203.0.113.99"
    house.pass_time(EVERY * 3)
    assert house.proxy._signs.here(HOME) == "203.0.113.99"
    house.opens(Outside())
    assert house.proxy._signs.here(HOME) == "192.168.1.1"


def test_a_knock_that_comes_in_through_the_router() -> None:
    house = Street(turns_round=True)
    house.opens(Outside(NAME, 5566))
    house.pass_time(10)
    assert [each.flow for each in house.knocks] == [Flow("udp", PUBLIC, 5566)]
    assert house.verdict().reach is Reach.GOOD
    assert (house.verdict().address, house.verdict().at) == (PUBLIC, house.proxy._calendar(1001.0))
    assert house.refusals() == [], "it is no stranger"
    house.turns_round = False
    house.take(house.proxy.check_reach(house.now))
    house.pass_time(10)
    assert house.verdict().reach is Reach.UNKNOWN


def test_somebody_elses_knock_proves_nothing() -> None:
    house = Street()
    house.opens()
    stolen = house.knocks[0].data.replace(b"Call-ID: qe", b"Call-ID: qf")
    house.hear(stolen, HOME)
    house.pass_time(10)
    assert "came in through the router" not in house.verdict().words


def test_a_router_that_does_not_turn_round() -> None:
    house = Street()
    house.opens()
    house.pass_time(10)
    assert len(house.knocks) == 3
    assert house.verdict().reach is Reach.UNKNOWN
    assert "forward UDP port 5060 to 192.168.1.1" in house.verdict().words


def test_whoever_comes_from_outside_shows_that_the_way_is_open() -> None:
    house = Street()
    house.opens()
    house.pass_time(10)
    phone = Phone(house, "101", HOME)
    phone.register()
    assert house.verdict().reach is Reach.GOOD
    assert house.verdict().words == "Somebody outside the firm's network was heard 1 min ago."
    house.pass_time(FRESH + EVERY + 10)
    assert house.verdict().reach is Reach.UNKNOWN


def test_a_provider_shows_nothing() -> None:
    """What a provider sends comes in by the way that we have opened to it."""
    world = World(house=Street())
    world.provider()
    world.accept(trunk())
    house = world.house
    house.take(house.proxy.called_from_outside(Outside(NAME), house.now))
    house.hear(b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\n"
               b"To: <sip:a@b>\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\n\r\n", Flow("udp", "192.0.2.1", 5060))  # fmt: skip
    house.pass_time(10)
    assert [each.reach for each in house.told if isinstance(each, Reached)][-1] is Reach.UNKNOWN


def test_a_telephone_that_came_in_though_no_name_is_entered() -> None:
    house = Street()
    house.opens(Outside())
    assert house.verdict().reach is Reach.NOT_WANTED
    phone = Phone(house, "101", HOME)
    phone.register()
    assert house.verdict().reach is Reach.BAD
    assert "(198.51.100.9)" in house.verdict().words
    assert "Enter the name" in house.verdict().words
    before = len(house.told)
    phone.register()
    Phone(house, "102", udp(12)).register()
    assert [type(each) for each in house.told[before:]] == [Registered], "said once"
    phone.register(expires=0)
    assert house.verdict().reach is Reach.NOT_WANTED


def test_it_is_looked_at_every_hour_and_when_asked() -> None:
    house = Street(turns_round=True)
    house.opens()
    house.pass_time(EVERY * 3 + 60)
    looks = len([each for each in house.told if isinstance(each, Reached)])
    assert 4 <= looks <= 6
    house.take(house.proxy.check_reach(house.now))
    house.pass_time(5)
    assert len([each for each in house.told if isinstance(each, Reached)]) == looks + 1


def test_a_desk_that_has_just_come_hears_it() -> None:
    house = Street(turns_round=True)
    house.opens()
    house.pass_time(10)
    assert house.verdict() in house.proxy.standing()
    before = len(house.told)
    house.opens()
    assert len(house.told) == before, "the same again is nothing new"


def test_after_a_restart_the_first_message_is_right(tmp_path: Path) -> None:
    house = Street()
    house.opens(Outside(NAME, 5566))
    keep.write(tmp_path / "outside.json", keep.outside_bytes(Outside(NAME, 5566)))
    keep.write(tmp_path / "names.json", keep.names_bytes(house.proxy.directory.kept()))
    anew = Street()
    anew.proxy.directory.restore(keep.names(tmp_path))
    anew.proxy.reach.restore(keep.outside(tmp_path))
    assert anew.proxy.reach.told.reach is Reach.UNKNOWN
    assert anew.proxy._signs.outside(HOME) == b"203.0.113.5:5566"
    anew.opens(Outside(NAME, 5566))
    anew.pass_time(10)
    assert anew.verdict().reach is Reach.UNKNOWN


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"name": 1, "sip_port": "x", "tls_port": 0}'])
def test_a_damaged_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "outside.json").write_bytes(data)
    assert keep.outside(tmp_path) == Outside()
    assert (tmp_path / "outside.json.damaged").exists()


FOUND = Findings(
    name=NAME, addresses=(PUBLIC,), silent=False, port=5060, own_port=5060, sound_ports="10000-10999", box="192.168.1.1",
    seen_at=(), knocked=False, heard_ago=None, stranded="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reach", "words"),
    [
        ({"name": ""}, Reach.NOT_WANTED, "No public name"),
        ({"name": "", "stranded": "198.51.100.9"}, Reach.BAD, "would not hear each other"),
        ({"name": "", "stranded": "198.51.100.9", "box": PUBLIC}, Reach.NOT_WANTED, "No public name"),
        ({"addresses": None}, Reach.UNKNOWN, "Looking up"),
        ({"addresses": (), "silent": True}, Reach.UNKNOWN, "No name server answers"),
        ({"addresses": ()}, Reach.BAD, "There is no address for"),
        ({"addresses": ("192.168.1.254",)}, Reach.BAD, "inside a network"),
        ({"addresses": ("10.3.4.5",)}, Reach.BAD, "inside a network"),
        ({"addresses": ("100.66.1.2",)}, Reach.BAD, "shares among many customers"),
        ({"addresses": ("100.128.1.2",), "knocked": True}, Reach.GOOD, "through the router"),
        ({"knocked": True, "seen_at": ("203.0.113.77",)}, Reach.GOOD, "through the router"),
        ({"seen_at": ("203.0.113.77",)}, Reach.BAD, "providers see this firm at 203.0.113.77"),
        ({"seen_at": ("203.0.113.77",), "heard_ago": 7200.0}, Reach.BAD, "Bring the name up to date"),
        ({"seen_at": ("203.0.113.77",), "heard_ago": 600.0}, Reach.GOOD, "10 min ago"),
        ({"seen_at": ("203.0.113.77", PUBLIC)}, Reach.UNKNOWN, "forward UDP port"),
        ({"heard_ago": 7200.0}, Reach.GOOD, "120 min ago"),
        ({"box": PUBLIC, "knocked": True}, Reach.UNKNOWN, "the box's own address"),
        ({}, Reach.UNKNOWN, "the UDP ports 10000-10999 to the same ports"),
    ],
)
def test_verdicts(changes: dict[str, object], reach: Reach, words: str) -> None:
    found, said = weigh(replace(FOUND, **changes))  # type: ignore[arg-type]
    assert found is reach
    assert words in said
    assert understood(said)[0], "the page cannot say it in the reader's language"


def test_a_name_that_is_an_address_asks_nobody() -> None:
    house = Street()
    house.opens(Outside(PUBLIC))
    assert house.asked == []
    assert house.proxy._signs.here(HOME) == PUBLIC
    house.pass_time(10)
    assert len(house.knocks) == 3
    assert house.verdict().address == PUBLIC


def test_the_desk_hears_anew_where_telephones_see_us_when_that_changes() -> None:
    house = Street()
    Phone(house, "101", HOME).register()
    assert house.registered()[-1].devices[0].here == "192.168.1.1"
    house.opens()
    assert house.registered()[-1].devices[0].here == PUBLIC


def test_a_telephone_outside_that_writes_its_public_address_is_behind_a_router_all_the_same() -> None:
    """STUN, or a router that meddles: the address is right, the port is one that only others may use."""
    house = Street()
    phone = Phone(house, "101", HOME, contact=b"sip:101@198.51.100.9:5060")
    phone.register()
    house.pass_time(26)
    pings = [each for each in house.sent if each.data.startswith(b"OPTIONS")]
    assert [each.flow for each in pings] == [HOME]


def test_a_telephone_in_the_office_that_calls_us_by_the_public_name() -> None:
    """The router turns its messages round, as its own: it has to find us again by the way it came."""
    house = Street()
    house.proxy.reach.routers = lambda: frozenset({"192.168.1.254"})
    house.opens(Outside(NAME, 5566))
    laptop = Phone(house, "101", Flow("udp", "192.168.1.254", 50_111), contact=b"sip:101@192.168.1.40:5060")
    laptop.register()
    assert house.registered()[-1].devices[0].here == PUBLIC
    invite = request(laptop.invite(b"600"))
    assert b"@203.0.113.5:5566;lr>" in invite.values(b"record-route")[1]
    house.pass_time(10)
    assert house.verdict().reach is Reach.UNKNOWN, "that shows nothing about people outside"


@pytest.mark.parametrize("host", ["2001:db8::7", "fd00::7", "100.100.1.2", "10.8.0.2", "192.168.1.7"])
def test_who_comes_by_no_router_is_not_outside(host: str) -> None:
    """IPv6, and private networks that are laid over the internet: all of these see us at our own address."""
    house = Street()
    house.opens(Outside())
    phone = Phone(house, "101", Flow("udp", host, 5060), contact=b"sip:101@somewhere")
    phone.register()
    assert house.verdict().reach is Reach.NOT_WANTED
    house.opens()
    house.pass_time(10)
    phone.register()
    assert house.registered()[-1].devices[0].here == "192.168.1.1"
    assert house.verdict().reach is Reach.UNKNOWN


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("", set()),
        (
            "Iface Destination Gateway Flags\neth0 00000000 0107A8C0 0003\neth0 0007A8C0 00000000 0001\n",
            {"192.168.7.1"},
        ),
        ("Iface Destination Gateway Flags\nppp0 00000000 00000000 0001\n", set()),
        ("Iface Destination Gateway Flags\neth0\n", set()),
        ("Iface Destination Gateway Flags\neth0 00000000 nonsense 0003\n", set()),
    ],
)
def test_routers_of_our_network(tmp_path: Path, table: str, found: set[str]) -> None:
    (tmp_path / "route").write_text(table)
    assert routers(tmp_path / "route") == found
    assert routers(tmp_path / "nowhere") == set()
