"""Telephones on IPv6, and on IPv4 beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from appliance.calls import commands, events
from appliance.calls.engine import CallDevice
from appliance.calls.names import Extension
from tests.engine.bench import Bench, bench
from tests.engine.peer import Phone
from tests.engine.test_sound import hears


@pytest.fixture(scope="module")
def open_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """An engine that is not bound to one address."""
    with bench(tmp_path_factory.mktemp("box"), bind="0.0.0.0") as place:
        yield place


def connection(sdp: str) -> list[str]:
    return re.findall(r"^(?:c=|o=.* |a=rtcp:\d+ )IN (\S+ \S+)\r$", sdp, re.MULTILINE)


def caller_on_ip6(box: Bench) -> Phone:
    phone = box.edge.phone()
    phone.move_to("::1")
    phone.dial("101", "600", extra="X-Qendra-Source: ::1\r\nX-Qendra-Transport: udp\r\nX-Qendra-Here: ::1\r\n")
    box.desk.tell(commands.Answer(box.desk.hears(events.PhoneRang).leg))
    return phone


def test_both_worlds_hear_each_other(open_box: Bench) -> None:
    box = open_box
    box.begin()
    caller = caller_on_ip6(box)
    assert set(connection(caller.status(200).body)) == {"IP6 ::1"}
    leg = box.desk.hears(events.LegAnswered).leg
    other, second = box.call_out_answered()
    assert other.invite
    assert {each.partition(" ")[0] for each in connection(other.invite.body)} == {"IP4"}
    box.desk.tell(commands.Bridge(leg, second))
    caller.sound.talk(440)
    other.sound.talk(700)
    hears(caller, 700)
    hears(other, 440)
    assert caller.hold("sendonly").status == 200
    assert caller.hold("sendrecv").status == 200
    hears(caller, 700)
    box.clear()


def test_we_call_a_telephone_on_ip6(open_box: Bench) -> None:
    box = open_box
    box.begin()
    leg = box.new_leg()
    box.desk.tell(CallDevice(leg, Extension("102"), "dev-2", "101", here="::1"))
    phone = box.edge.next_invite()
    assert phone.invite
    assert set(connection(phone.invite.body)) == {"IP6 ::1"}
    phone.move_to("::1")
    phone.answer()
    box.answered(leg)
    first, other = box.call_in_answered()
    box.desk.tell(commands.Bridge(leg, other))
    phone.sound.talk(440)
    first.sound.talk(700)
    hears(phone, 700)
    hears(first, 440)
    box.clear()


def test_our_address_is_the_one_the_telephone_sees(open_box: Bench) -> None:
    """Behind the owner's router that is the router's."""
    box = open_box
    box.begin()
    leg = box.new_leg()
    box.desk.tell(CallDevice(leg, Extension("102"), "dev-2", "101", here="203.0.113.5"))
    phone = box.edge.next_invite()
    assert phone.invite
    assert set(connection(phone.invite.body)) == {"IP4 203.0.113.5"}
    caller = box.edge.phone()
    caller.dial("101", "600", extra="X-Qendra-Here: 203.0.113.6\r\n")
    box.desk.tell(commands.Answer(box.desk.hears(events.PhoneRang).leg))
    assert set(connection(caller.status(200).body)) == {"IP4 203.0.113.6"}
    box.clear()


def test_an_address_of_the_other_world_is_no_address_for_the_sound(open_box: Bench) -> None:
    """SIP over IPv6 may set up sound over IPv4."""
    box = open_box
    box.begin()
    caller = box.edge.phone()
    caller.dial("101", "600", extra="X-Qendra-Here: 2001:db8::5\r\n")
    box.desk.tell(commands.Answer(box.desk.hears(events.PhoneRang).leg))
    assert set(connection(caller.status(200).body)) == {"IP4 127.0.0.1"}
    box.clear()
