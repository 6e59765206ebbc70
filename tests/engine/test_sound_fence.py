"""Strangers who send sound to the ports of a live call: nobody hears them, and nothing is sent to them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest

from appliance.calls import commands, events
from appliance.calls.names import LegId
from appliance.engine.fence import sources_of_sound
from appliance.engine.legs import Legs, PhoneLeg
from appliance.engine.marks import Marks
from appliance.engine.telephones import Telephones
from tests.engine.bench import HOUSE, Bench
from tests.engine.peer import Phone, Sound
from tests.engine.test_sound import hears
from tests.engine.tones import loudness, strength

MARKS = "X-Qendra-Source: 127.0.0.1\r\nX-Qendra-Transport: udp\r\n"
ELSEWHERE = "127.0.0.66"


@pytest.mark.parametrize(
    ("source", "named", "admitted"),
    [
        ("192.168.1.7", ["192.168.1.7"], ["192.168.1.7"]),
        ("192.168.1.7", ["10.8.0.2"], ["192.168.1.7", "10.8.0.2"]),  # a VPN in the house
        ("203.0.113.9", ["192.168.1.7"], ["203.0.113.9"]),  # behind a distant router: its 192.168.1.7 is not ours
        ("203.0.113.9", ["198.51.100.4"], ["203.0.113.9", "198.51.100.4"]),  # a provider's media server
        ("192.168.1.7", ["203.0.113.5"], ["192.168.1.7", "203.0.113.5"]),  # knows its router's address by STUN
        ("192.168.1.7", ["127.0.0.1"], ["192.168.1.7"]),
        ("127.0.0.1", ["127.0.0.1"], ["127.0.0.1"]),
        ("192.168.1.7", ["0.0.0.0", "192.168.1.8"], ["192.168.1.7", "192.168.1.8"]),
        ("2001:db8::7", ["fd00::7"], ["2001:db8::7"]),
        ("fe80::7%eth0", ["fd00::7"], ["fe80::7", "fd00::7"]),
        ("::ffff:192.0.2.7", ["192.0.2.7"], ["192.0.2.7"]),
        ("", ["10.0.0.7"], ["10.0.0.7"]),
        ("", [], []),
        ("nonsense", ["sound.example.org"], []),
    ],
)
def test_from_where_sound_may_come(source: str, named: list[str], admitted: list[str]) -> None:
    assert sources_of_sound(source, named) == {ip_address(each) for each in admitted}


@pytest.fixture
def stranger(box: Bench) -> Iterator[Sound]:
    """Somebody on another address who sends sound, and hears what comes back."""
    sound = Sound(box.edge.studio, ELSEWHERE)
    sound.talk(1500)
    yield sound
    sound.close()


def answered(box: Bench, extra: str = MARKS) -> tuple[Phone, LegId]:
    phone = box.edge.phone()
    phone.dial("101", "600", extra=extra)
    leg = box.desk.hears(events.PhoneRang).leg
    box.desk.tell(commands.Answer(leg))
    box.answered(leg)
    return phone, leg


def test_a_stranger_is_neither_heard_nor_followed(box: Bench, stranger: Sound) -> None:
    phone, leg = answered(box)
    other, second = box.call_out_answered()
    box.desk.tell(commands.Bridge(leg, second))
    phone.sound.talk(440)
    other.sound.talk(700)
    hears(phone, 700)
    assert phone.sound.to
    stranger.to = phone.sound.to
    phone.sound.quiet = True  # the library follows whoever is alone in sending
    time.sleep(0.8)
    assert loudness(other.sound.heard(0.3)) < 20
    phone.sound.quiet = False
    hears(other, 440)
    hears(phone, 700)
    assert not stranger.got
    assert strength(other.sound.heard(0.3), 1500) < 0.01


def test_a_stranger_who_is_there_first_gets_nothing_either(box: Bench, stranger: Sound) -> None:
    """Whoever floods all ports is at this one before the call is."""
    sockets = [stranger.socket]
    phone = box.edge.phone()
    phone.sound.quiet = True
    phone.dial("101", "600", extra=MARKS)
    leg = box.desk.hears(events.PhoneRang).leg
    box.desk.tell(commands.Ring(leg))
    phone.status(180)
    for port in range(*box.rtp, 2):
        for _ in range(3):
            sockets[0].sendto(b"\x80\x00" + bytes(170), ("127.0.0.1", port))
    box.desk.tell(commands.Answer(leg))
    box.answered(leg)
    assert phone.sound.to
    stranger.to = phone.sound.to
    time.sleep(0.5)
    assert not stranger.got
    assert phone.sound.got


def test_sound_may_come_from_where_the_sdp_says(box: Bench) -> None:
    """A provider's sound often comes from another host than its SIP."""
    caller = box.edge.phone()
    caller.move_to(ELSEWHERE)
    caller.dial_by_provider("alo", "1", extra=MARKS)
    leg = box.desk.hears(events.LineRang).leg
    box.desk.tell(commands.Answer(leg))
    box.answered(leg)
    caller.sound.press("5")
    box.desk.hears(events.KeyPressed, lambda event: event.leg == leg)


def test_the_fence_moves_with_the_telephone(box: Bench) -> None:
    phone, _ = answered(box)
    phone.move_to(ELSEWHERE)
    number = phone.request("INVITE", MARKS.replace("127.0.0.1", ELSEWHERE), phone.sdp())
    assert phone.final("INVITE", number).status == 200
    phone.sound.press("5")
    box.desk.hears(events.KeyPressed)


def test_the_fence_moves_when_only_the_sip_has_moved(box: Bench) -> None:
    """A telephone behind a router that has got a new address says the same as ever in its SDP."""
    phone, _ = answered(box, MARKS.replace("127.0.0.1", "192.168.1.7"))
    kept, phone.sound = phone.sound, Sound(box.edge.studio, ELSEWHERE)
    kept.quiet = True
    phone.sound.to, phone.sound.event_type = kept.to, kept.event_type
    phone.sound.press("5")
    box.desk.silent_about(events.KeyPressed, lambda _: True)
    number = phone.request("INVITE", MARKS.replace("127.0.0.1", ELSEWHERE), phone.sdp())
    phone.final("INVITE", number)
    phone.sound.press("6")
    box.desk.hears(events.KeyPressed, lambda event: event.key == "6")
    kept.close()


def test_who_answers_our_call_is_fenced_as_well(box: Bench, stranger: Sound) -> None:
    phone, leg = box.call_out()
    assert phone.invite
    phone.reply(phone.invite, 180, "Ringing", extra=MARKS)
    box.desk.hears(events.LegRinging)
    phone.reply(phone.invite, 200, "OK", phone.sdp(), extra=MARKS)
    phone._sound_to(phone.invite.body)
    box.answered(leg)
    stranger.to = phone.sound.to
    stranger.press("9")
    phone.sound.press("1")
    box.desk.hears(events.KeyPressed, lambda event: event.key == "1")
    time.sleep(0.3)
    assert box.desk.count(events.KeyPressed) == 1
    assert not stranger.got


def test_sound_from_elsewhere_is_noted_when_there_is_none_from_the_party(caplog: pytest.LogCaptureFixture) -> None:
    fence = SimpleNamespace(turned_away=0)
    dialog = Mock(fence=fence, marks=Marks(source="192.0.2.7"))
    dialog.heard.return_value = 7
    leg = PhoneLeg(LegId("phone-1"), dialog, answered=True, heard=7)
    legs = Legs()
    legs.add(leg)
    telephones = Telephones(legs, *([cast("Any", None)] * 4))
    for fence.turned_away in (0, 40, 40):
        telephones.look_after()
    assert [record.getMessage() for record in caplog.records] == [
        "phone-1: 40 packets came to its sound port from elsewhere than 192.0.2.7 and were not let in"
    ]
    assert dialog.ask.call_count == 3


def test_on_ip6_as_well() -> None:
    """In a network of its own with two addresses: the fence admits one of them, on both ports."""
    script = textwrap.dedent(f"""
        import socket, sys
        sys.path.insert(0, {str(HOUSE)!r})
        from ipaddress import ip_address
        from appliance.engine.fence import SoundFence
        ours = []
        for port in (20000, 20001):
            ours.append(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
            ours[-1].bind(("::", port))
            ours[-1].settimeout(0.2)
        def sent(source, family=socket.AF_INET6, target="::1"):
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.bind((source, 0))
                for port in (20000, 20001):
                    sender.sendto(source.encode(), (target, port))
        def came():
            found = []
            for each in ours:
                try:
                    while True: found.append(each.recv(99).decode())
                except TimeoutError:
                    pass
            return found
        sent("::1")
        fence = SoundFence()
        fence.stand(20000, ip6=True)
        sent("::1"); sent("fd00::5")
        assert came() == [], "nothing is admitted yet, and what came before is gone"
        fence.admit(frozenset({{ip_address("fd00::5"), ip_address("fd00::6"), ip_address("127.0.0.1")}}))
        sent("::1"); sent("fd00::5"); sent("fd00::6"); sent("127.0.0.1", socket.AF_INET, "127.0.0.1")
        assert sorted(came()) == ["fd00::5", "fd00::5", "fd00::6", "fd00::6"]
        assert fence.turned_away == 4 + 4, fence.turned_away
    """)
    setup = "ip link set lo up && ip addr add fd00::5/128 dev lo && ip addr add fd00::6/128 dev lo"
    ran = subprocess.run(
        ["unshare", "-n", "sh", "-c", f'{setup} && exec "$0" -c "$1"', sys.executable, script],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
