"""Who is registered where, as tables of what telephones say and what must be known afterwards."""

from __future__ import annotations

import pytest

from appliance.edge.binding import GRACE, LATE
from appliance.edge.flows import Flow
from appliance.edge.registrar import DEVICES
from tests.edge.house import House, Phone, accounts, reply, tcp, udp


def devices(house: House, extension: bytes = b"101") -> list[tuple[bytes, str]]:
    return [(each.contact, str(each.target)) for each in house.proxy.registrar.devices(extension)]


def names(house: House, extension: bytes = b"101") -> set[str]:
    return {each.device for each in house.proxy.registrar.devices(extension)}


def test_one_telephone_comes_and_goes() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    got = phone.register(more=[b"User-Agent: Snom \x07 D785"])
    assert got.status == 200
    assert got.all(b"contact") == [b"<sip:101@192.168.1.7:5060>;expires=3600"]
    (told,) = house.registered()
    assert (told.extension, told.devices[0].address, told.devices[0].agent) == (
        "101",
        "udp 192.168.1.7:5060",
        "Snom · D785",
    )
    assert phone.register(expires=0).all(b"contact") == []
    assert house.registered()[-1].devices == ()
    assert len(house.registered()) == 2


def test_a_refresh_is_not_news_and_moves_the_end() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register(expires=100)
    house.pass_time(60)
    phone.register(expires=100)
    house.pass_time(60)
    assert len(house.registered()) == 1
    house.pass_time(41)
    assert [each.devices for each in house.registered()][-1] == ()


def test_several_telephones_the_newest_first() -> None:
    house = House()
    desk, soft = Phone(house, "101", udp(7)), Phone(house, "101", udp(8))
    desk.register()
    house.pass_time(1)
    soft.register()
    assert [contact for contact, _ in devices(house)] == [soft.contact, desk.contact]
    house.pass_time(1)
    desk.register()
    assert [contact for contact, _ in devices(house)] == [desk.contact, soft.contact]
    assert [each.address for each in house.registered()[-1].devices] == ["udp 192.168.1.8:5060", "udp 192.168.1.7:5060"]


INSTANCE = b'+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"'


@pytest.mark.parametrize(
    ("first", "second", "same_call", "port", "count"),
    [
        # the instance says it is the same, wherever it is now
        (b"<sip:101@192.168.1.7:5060>;" + INSTANCE, b"<sip:101@192.168.1.7:6000>;" + INSTANCE, False, 6000, 1),
        # no instance on the refresh, but the same Call-ID (pjsua2)
        (b"<sip:101@192.168.1.7:5060>;" + INSTANCE, b"<sip:101@192.168.1.7:6000>", True, 6000, 1),
        # a new user part on every start (baresip), the same address
        (b"<sip:101-0x1@192.168.1.7:5060>", b"<sip:101-0x2@192.168.1.7:5060>", False, 5060, 1),
        # the same Contact
        (b"<sip:101@192.168.1.7:5060>", b"<sip:101@192.168.1.7:5060>", False, 5060, 1),
        # two programs on one machine
        (b"<sip:101@192.168.1.7:5060>", b"<sip:101@192.168.1.7:6000>", False, 6000, 2),
    ],
)
def test_a_telephone_is_known_again(first: bytes, second: bytes, same_call: bool, port: int, count: int) -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register(contacts=[first])
    (before,) = names(house)
    again = Phone(house, "101", udp(7, port))
    again.call_id = phone.call_id if same_call else b"another"
    again.number = phone.number
    again.register(contacts=[second])
    assert len(names(house)) == count
    assert before in names(house)


@pytest.mark.parametrize(
    ("where", "agent", "contact", "count"),
    [
        # the same program, started again, has another port and another Call-ID
        (udp(7, 6000), b"baresip 3.2", b"<sip:101@192.168.1.7:6000>", 1),
        # another program on the same machine
        (udp(7, 6000), b"Linphone 5", b"<sip:101@192.168.1.7:6000>", 2),
        # the same model on the next desk
        (udp(8), b"baresip 3.2", b"<sip:101@192.168.1.8:5060>", 2),
        # two that know who they are
        (udp(7, 6000), b"baresip 3.2", b"<sip:101@192.168.1.7:6000>;" + INSTANCE, 2),
        # many share the address of a router
        (udp(7, 6000), b"baresip 3.2", b"<sip:101@10.0.0.3:6000>", 2),
    ],
)
def test_a_telephone_that_began_anew_elsewhere_takes_its_old_place(
    where: Flow, agent: bytes, contact: bytes, count: int
) -> None:
    house = House()
    Phone(house, "101", udp(7)).register(more=[b"User-Agent: baresip 3.2"])
    (before,) = names(house)
    house.pass_time(1)
    again = Phone(house, "101", where)
    again.register(contacts=[contact], more=[b"User-Agent: " + agent])
    assert len(names(house)) == count
    assert before in names(house)
    assert devices(house)[0][1] == str(where)


def test_a_device_keeps_its_name_even_when_all_state_is_lost() -> None:
    found = []
    for _ in range(2):
        house = House()
        Phone(house, "101", udp(7)).register(contacts=[b"<sip:101@192.168.1.7>;" + INSTANCE])
        found.append(names(house))
    assert found[0] == found[1]


def test_leaving_with_a_star() -> None:
    house = House()
    for last in (7, 8):
        Phone(house, "101", udp(last)).register()
    Phone(house, "102", udp(9)).register()
    leaver = Phone(house, "101", udp(10))
    assert leaver.register(contacts=[b"*"], expires=60).status == 400
    assert len(devices(house)) == 2
    assert leaver.register(contacts=[b"*"], expires=0).status == 200
    assert devices(house) == []
    assert len(devices(house, b"102")) == 1


@pytest.mark.parametrize(
    ("contacts", "expires", "more", "status"),
    [
        ([b"sip:101@192.168.1.7?Route=%3Csip:x%3E"], 60, [], 400),  # RFC 4475, regbadct
        ([b"<sip:101@192.168.1.7?Route=%3Csip:x%3E>"], 60, [], 200),  # RFC 4475, regescrt
        ([b"<tel:+35544>"], 60, [], 400),
        ([b"<sip:101@192.168.1.7"], 60, [], 400),
        ([b"<sip:101@192.168.1.7>;expires=5"], 60, [], 423),
        ([b"<sip:101@192.168.1.7>"], 29, [], 423),
        ([b"<sip:101@192.168.1.7>;expires=99999999999999"], 60, [], 200),
        ([b"<sip:101@192.168.1.7>;expires=soon"], 60, [], 200),
        ([b"<sip:101@192.168.1.7>", b"*"], 0, [], 400),
        ([b"<sip:101@192.168.1.7>"], 60, [b"Require: gruu"], 420),
        ([], None, [], 200),
    ],
)
def test_what_can_be_asked(contacts: list[bytes], expires: int | None, more: list[bytes], status: int) -> None:
    house = House()
    got = Phone(house, "101", udp(7)).register(contacts=contacts, expires=expires, more=more)
    assert got.status == status
    assert len(devices(house)) == (status == 200 and len(contacts))
    assert house.proxy.counters.internal_errors == 0
    if status == 423:
        assert got.first(b"min-expires") == b"30"


def test_registering_for_somebody_else_is_refused() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    got = phone.proved(
        lambda proofs: phone.message(
            b"REGISTER", to=b"<sip:102@192.168.1.1>", more=[b"Contact: <%b>" % phone.contact, *proofs]
        ),
        b"REGISTER",
        b"sip:192.168.1.1",
    )
    assert got is not None
    assert got.status == 403
    assert devices(house, b"102") == []


def test_a_late_register_undoes_nothing_and_a_repeat_changes_nothing() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    phone.register()
    phone.register()
    phone.number = 0
    assert phone.register(expires=0).status == 500
    assert len(devices(house)) == 1
    house.pass_time(LATE)
    phone.number = 0
    assert phone.register().status == 200, "a telephone that counts from the start after a power cut"


def test_a_ninth_telephone_takes_the_place_of_the_longest_silent() -> None:
    house = House()
    for last in range(DEVICES + 1):
        house.pass_time(1)
        Phone(house, "101", udp(10 + last)).register()
    contacts = [contact for contact, _ in devices(house)]
    assert len(contacts) == DEVICES
    assert b"sip:101@192.168.1.10:5060" not in contacts


@pytest.mark.parametrize(
    ("flow", "contact", "target"),
    [
        # the rig registers for another program on the same machine
        (udp(7, 9000), b"sip:101@192.168.1.7:5064", "udp 192.168.1.7:5064"),
        (udp(7, 9000), b"sip:101@192.168.1.7", "udp 192.168.1.7:5060"),
        # behind a router: its own address says nothing here
        (udp(7, 9000), b"sip:101@10.0.0.3:5060", "udp 192.168.1.7:9000"),
        (udp(7, 9000), b"sip:101@phone.example:5060", "udp 192.168.1.7:9000"),
        (tcp(7), b"sip:101@192.168.1.7:5060;transport=tcp", "tcp 192.168.1.7:40000"),
        (udp(7, 9000), b"sip:101@192.168.1.7:5064;transport=tcp", "udp 192.168.1.7:9000"),
    ],
)
def test_where_calls_for_it_go(flow: object, contact: bytes, target: str) -> None:
    house = House()
    Phone(house, "101", flow, contact).register()  # type: ignore[arg-type]
    assert devices(house) == [(contact, target)]


def test_a_connection_that_ends_is_waited_for_and_then_given_up() -> None:
    house = House()
    phone = Phone(house, "101", tcp(7))
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register(contacts=[b"<sip:101@192.168.1.7;transport=tcp>;" + INSTANCE])
    (name,) = names(house)
    house.take(house.proxy.disconnected(phone.flow, house.now))
    house.pass_time(GRACE - 1)
    again = Phone(house, "101", tcp(7, 40001))
    house.take(house.proxy.connected(again.flow, house.now))
    again.register(contacts=[b"<sip:101@192.168.1.7;transport=tcp>;" + INSTANCE])
    assert names(house) == {name}
    house.pass_time(GRACE * 2)
    assert names(house) == {name}
    house.take(house.proxy.disconnected(again.flow, house.now))
    house.pass_time(GRACE + 1)
    assert names(house) == set()
    assert house.registered()[-1].devices == ()


def test_who_leaves_the_firm_or_has_a_new_password_is_signed_off() -> None:
    house = House()
    for extension in ("101", "102", "103"):
        Phone(house, extension, udp(int(extension) - 90)).register()
    changed = accounts(("102", "103"))
    house.take(house.proxy.accept(changed, house.now))
    assert (devices(house), len(devices(house, b"102"))) == ([], 1)
    assert [each.extension for each in house.registered() if not each.devices] == ["101"]
    new = accounts(("102", "103")).accounts[0]
    other = type(changed)(changed.realm, (type(new)(new.extension, "0" * 32), changed.accounts[1]))
    house.take(house.proxy.accept(other, house.now))
    assert devices(house, b"102") == []
    assert len(devices(house, b"103")) == 1


def test_a_telephone_behind_a_router_is_pinged_and_missed() -> None:
    house = House()
    phone = Phone(house, "101", udp(7, 9000), b"sip:101@10.0.0.3:5060")
    phone.register()
    house.sent.clear()
    house.pass_time(60)
    pings = [each for each in house.sent if each.data.startswith(b"OPTIONS sip:101@10.0.0.3:5060 ")]
    assert [each.flow for each in pings] == [phone.flow, phone.flow]
    house.pass_time(600)
    assert len(devices(house)) == 1, "it has never answered one: it may not know how"
    house.hear(reply(house.sent[-1].data, b"200 OK", tag=b"p"), phone.flow)
    assert house.to_engine == []
    house.pass_time(24)
    assert len(devices(house)) == 1
    house.pass_time(101)
    assert devices(house) == []


def test_a_telephone_in_the_same_network_is_left_alone() -> None:
    house = House()
    Phone(house, "101", udp(7)).register()
    house.sent.clear()
    house.pass_time(600)
    assert house.sent == []


def test_years_of_refreshes_leave_nothing_behind() -> None:
    house = House()
    phones = [Phone(house, "101", udp(last)) for last in (7, 8)]
    for _ in range(300):
        house.pass_time(50)
        for phone in phones:
            phone.register(expires=3600)
    assert len(house.proxy.registrar._ends) < 100
    assert len(house.registered()) == 2
    house.pass_time(3601)
    assert devices(house) == []
    assert house.proxy.registrar._ends == []
