"""What is kept on disk, and what happens when it was damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.calls.moment import Moment
from appliance.edge import keep
from appliance.edge.bans import Standing
from appliance.edge.binding import GRACE, STALE
from appliance.edge.flows import Flow, LookUp, Naptr, Record, Srv, Transport
from tests.edge.house import House, Phone, accounts, tcp, udp


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = keep.secret(tmp_path)
    assert (len(first), keep.secret(tmp_path), mode(tmp_path / "secret")) == (32, first, 0o600)
    (tmp_path / "secret").write_bytes(b"short")
    assert len(keep.secret(tmp_path)) == 32


def test_accounts_come_back_as_they_were(tmp_path: Path) -> None:
    assert keep.accounts(tmp_path) is None
    people = accounts(sha256=True)
    keep.write(tmp_path / "accounts.json", keep.accounts_bytes(people))
    assert keep.accounts(tmp_path) == people
    assert mode(tmp_path / "accounts.json") == 0o600


def test_bans_come_back_with_what_is_left_of_them(tmp_path: Path) -> None:
    assert keep.bans(tmp_path, Moment(0.0, 0.0)) == []
    stood = [
        Standing("203.0.113.9", "", 1100.0, "wrong passwords for several extensions"),
        Standing("192.168.1.7", "101", 4600.0, "10 wrong passwords for extension 101"),
    ]
    keep.write(tmp_path / "bans.json", keep.bans_bytes(stood, Moment(1000.0, 5000.0)))
    assert mode(tmp_path / "bans.json") == 0o600
    assert keep.bans(tmp_path, Moment(1010.0, 5010.0)) == stood
    (left,) = keep.bans(tmp_path, Moment(10.0, 5200.0))
    assert (left.host, left.name, left.until) == ("192.168.1.7", "101", 10.0 + 3400.0)
    (tmp_path / "bans.json").write_text('{"mono": 1, "utc": 1, "bans": [["a"]]}')
    assert keep.bans(tmp_path, Moment(0.0, 0.0)) == []
    assert (tmp_path / "bans.json.damaged").exists()


def house_with_telephones() -> House:
    house = House()
    Phone(house, "101", udp(7), b"sip:101-\xd0\xb0@192.168.1.7".replace(b"\xd0\xb0", b"%D0%B0")).register(
        contacts=[b'<sip:101@192.168.1.7>;+sip.instance="<urn:x>"'], more=[b"User-Agent: \xff"]
    )
    phone = Phone(house, "102", tcp(8))
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register(expires=120)
    return house


@pytest.mark.parametrize("host", ["192.168.1.8", "fd00::8"])
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "ws", "wss"])
def test_who_came_over_a_connection_has_to_come_back(tmp_path: Path, transport: Transport, host: str) -> None:
    house = House()
    phone = Phone(house, "102", Flow(transport, host, 40000), b"sip:102@df7jal23ls0d.invalid;transport=ws")
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register(expires=120)
    later = Moment(house.now, 5000.0)
    keep.write(tmp_path / "bindings.json", keep.bindings_bytes(house.proxy.registrar, later))
    (kept,) = keep.bindings(tmp_path, later)
    assert kept.flow == phone.flow
    other = House()
    other.proxy.restore([kept], other.now)
    (binding,) = other.proxy.registrar
    assert (binding.lost_at is None) is (transport == "udp")
    assert binding.expires - other.now == (120 + STALE if transport == "udp" else GRACE)


@pytest.mark.parametrize(
    ("later", "left"),
    [
        (Moment(1010.0, 5010.0), {b"101": 3590, b"102": 110}),
        (Moment(1140.0, 5140.0), {b"101": 3460, b"102": -20}),  # one may have stayed meanwhile
        (Moment(1200.0, 5200.0), {b"101": 3400}),  # or has lapsed
        (Moment(10.0, 5030.0), {b"101": 3570, b"102": 90}),  # after a reboot the calendar has to do
        (Moment(10.0, 1.0), {b"101": 3600, b"102": 120}),  # and when that is wrong, time stands still
    ],
)
def test_registrations_come_back_with_the_time_they_have_left(
    tmp_path: Path, later: Moment, left: dict[bytes, int]
) -> None:
    house = house_with_telephones()
    before = {each.extension: each for each in house.proxy.registrar}
    keep.write(tmp_path / "bindings.json", keep.bindings_bytes(house.proxy.registrar, Moment(1000.0, 5000.0)))
    assert mode(tmp_path / "bindings.json") == 0o600
    after = {each.extension: each for each in keep.bindings(tmp_path, later)}
    assert {who: round(each.expires - later.mono - STALE) for who, each in after.items()} == left
    for who, each in after.items():
        old = before[who]
        assert (each.device, each.contact, each.flow, each.target, each.instance, each.call_id, each.agent) == (
            old.device, old.contact, old.flow, old.target, old.instance, old.call_id, old.agent,
        )  # fmt: skip


def test_a_file_cut_at_any_byte_is_set_aside(tmp_path: Path) -> None:
    whole = keep.bindings_bytes(house_with_telephones().proxy.registrar, Moment(1000.0, 5000.0))
    path = tmp_path / "bindings.json"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert keep.bindings(tmp_path, Moment(1001.0, 5001.0)) == []
        assert not path.exists()
        assert (tmp_path / "bindings.json.damaged").exists()


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"mono":1,"utc":1,"bindings":[{}]}',
        '{"mono":1,"utc":1,"bindings":[7]}',
        '{"mono":"x","utc":1,"bindings":[]}',
        '{"mono":1,"utc":1,"bindings":[{"device":"zz"}]}',
        '{"realm":1,"accounts":[[1]]}',
        '{"realm":"x","accounts":7}',
    ],
)
def test_files_of_another_shape_are_set_aside(tmp_path: Path, text: str) -> None:
    (tmp_path / "bindings.json").write_text(text)
    assert keep.bindings(tmp_path, Moment(1.0, 1.0)) == []
    (tmp_path / "accounts.json").write_text(text)
    assert keep.accounts(tmp_path) is None


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "bindings.json"
    keep.write(path, b"old")
    (tmp_path / "bindings.json.new").mkdir()
    with pytest.raises(OSError, match="bindings"):
        keep.write(path, b"new")
    assert path.read_bytes() == b"old"


def test_what_the_dns_said_is_kept_and_a_damaged_page_of_it_set_aside(tmp_path: Path) -> None:
    known: list[tuple[LookUp, tuple[Record, ...]]] = [
        (LookUp("example.com", "NAPTR"), (Naptr(1, 2, "s", "SIP+D2U", "_sip._udp.example.com"),)),
        (LookUp("_sip._udp.example.com", "SRV"), (Srv(1, 2, 5060, "a.example.com"), Srv(2, 0, 5062, "b.example.com"))),
        (LookUp("a.example.com", "A"), ("192.0.2.1",)),
        (LookUp("a.example.com", "AAAA"), ("2001:db8::1",)),
    ]
    whole = keep.names_bytes(known)
    keep.write(tmp_path / "names.json", whole)
    assert keep.names(tmp_path) == known
    for damaged in (b"", b"[]", b'{"names": 1}', b'{"names": [["x", "MX", ["y"]]]}', whole.replace(b"5060", b'"x"')):
        keep.write(tmp_path / "names.json", damaged)
        assert keep.names(tmp_path) == []
        assert (tmp_path / "names.json.damaged").read_bytes() == damaged
        assert keep.names(tmp_path) == []
