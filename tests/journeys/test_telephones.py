"""Telephones on desks: they register, call each other, and are told plainly when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys import sipp
from tests.journeys.box import Box, story
from tests.journeys.hearing import is_tone
from tests.journeys.house import House, password, site
from tests.journeys.phones import BaresipPhone
from tests.journeys.processes import wait_for

TORTURE = Path(__file__).parents[1] / "edge" / "torture"
"""The messages of RFC 4475."""


def talk(one: BaresipPhone, other: BaresipPhone, dialled: str) -> None:
    """One calls the other, who answers; they hear each other."""
    one.dial(dialled)
    assert other.rings()["peeruri"].startswith(f"sip:{one.extension}@")
    other.answer()
    one.talks()
    other.talks()
    one.hears(other.hz)
    other.hears(one.hz)


def test_colleagues_talk(house: House) -> None:
    """Over UDP, over TCP, in G.711 and in G.722; whoever hangs up ends it for both; a recorded call has both voices."""
    box = house.box(site("101 102 103", lines="")).start()
    office = house.watch(box)
    ana = house.phone(box, "101")
    besim = house.phone(box, "102", transport="tcp")
    vera = house.phone(box, "103", codec="G722/16000/1")
    for extension in ("101", "102", "103"):
        office.operator(extension, "ready")

    talk(ana, besim, "102")
    office.operator("101", "busy")
    ana.hears_cleanly(besim.hz)
    besim.hears_cleanly(ana.hz)
    besim.hang_up()
    ana.is_over()
    assert story(box.record(lambda call: call.caller == "101")) == [
        "call_began 101 102",
        "leg_joined 102",
        "talk_began 102",
        "leg_left normal",
        "call_ended called normal",
    ]

    talk(besim, ana, "8101")  # the prefix for recorded calls
    besim.listen(1.0)
    besim.hang_up()
    ana.is_over()
    record = box.record(lambda call: call.caller == "102")
    left, right = box.recording(record)
    assert is_tone(left[4000:], besim.hz)
    assert is_tone(right[4000:-4000], ana.hz)

    talk(vera, ana, "101")
    vera.hold()
    wait_for("the other hears music on hold", lambda: not is_tone(ana.heard(0.5), vera.hz))
    vera.resume()
    ana.hears(vera.hz)
    vera.hears(ana.hz)
    vera.hang_up()
    ana.is_over()
    assert "held" in story(box.record(lambda call: call.caller == "103"))
    office.quiet()
    box.stop()


@pytest.fixture
def firm(house: House) -> Box:
    return house.box(site("101 102 103", lines="")).start()


def test_what_telephones_may_not_do(house: House, firm: Box) -> None:
    """A wrong password, a number nobody has, a stranger, garbage: each is refused in plain words, and harms nobody."""
    office = house.watch(firm)
    ana = house.phone(firm, "101")

    guesser = house.phone(firm, "102", secret="not-the-password", register=False)
    refused = guesser.try_to_register()
    assert refused["type"] == "REGISTER_FAIL"
    assert refused["param"].startswith("403")
    assert "wrong password, extension 102" in firm.log("edge")
    assert "not-the-password" not in firm.logs()
    for number in range(4):
        guess = sipp.call_with_a_password(f"{103 + number}", f"guess-{number}", 403)
        sipp.play(guess, house.folder / f"guess-{number}", firm.telephones, "101")
    warning = "Somebody at 127.0.0.1 is guessing telephone passwords (5 times)."
    office.until("the page warns", lambda live: warning in live.trouble, 15.0)

    ana.dial("555")
    assert ana.is_over().startswith("404")
    record = firm.record(lambda call: call.dialled == "555")
    assert record.cause_detail == "nobody has the number 555"
    ana.dial("103")
    assert ana.is_over().startswith("480")
    assert firm.record(lambda call: call.dialled == "103").cause_detail == "no telephone of 103 is registered"

    folder = house.folder
    sipp.play(sipp.call_as_a_stranger(407), folder / "stranger", firm.telephones, "101")
    sipp.play(sipp.call_as_a_stranger(407), folder / "outside", firm.telephones, "+355690000001", transport="t1")
    sipp.play(sipp.call_with_a_password("103", password("103"), 404), folder / "nobody", firm.telephones, "556")
    assert "stranger, INVITE without a proof" in firm.log("edge")
    assert ana.saw("CALL_INCOMING") == 0


def test_garbage_harms_nobody(house: House, firm: Box) -> None:
    """While two people talk, every message of RFC 4475 arrives, as datagrams and as streams."""
    ana, besim = house.phone(firm, "101"), house.phone(firm, "102")
    talk(ana, besim, "102")
    pids = firm.pids()
    messages = sorted(TORTURE.glob("*.dat"))
    assert len(messages) >= 49
    for message in messages:
        sipp.send_raw(firm.telephones, message.read_bytes())
        sipp.pour_raw(firm.telephones, message.read_bytes())
    sipp.send_raw(firm.telephones, bytes(range(256)) * 200)
    ana.hears_cleanly(besim.hz)
    ana.hang_up()
    besim.is_over()
    talk(besim, ana, "101")
    assert firm.pids() == pids
    firm.stop()
    assert "internal_errors=0" in firm.log("edge")
    assert "garbled" in firm.log("edge")
