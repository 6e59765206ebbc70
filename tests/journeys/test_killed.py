"""kill -9 of each part while people talk: what ends with it, what does not, and how soon it is back."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass

import pytest

from appliance.calls.record import Result
from tests.journeys.box import Box, story
from tests.journeys.far_end import FarEnd
from tests.journeys.hearing import from_first, is_tone, longest_pause
from tests.journeys.house import CALLER_HZ, House, site
from tests.journeys.live import Watcher
from tests.journeys.phones import BaresipPhone
from tests.journeys.processes import wait_for

CALLER = "+355690000001"


@dataclass
class Talk:
    """A caller of the queue talks with 101, and two colleagues with each other."""

    house: House
    box: Box
    office: Watcher
    ana: BaresipPhone
    besim: BaresipPhone
    vera: BaresipPhone
    outside: FarEnd

    def call_in(self) -> None:
        """A caller comes to 101, who is the only one of the queue."""
        self.office.operator("101", "ready")
        self.outside.ring(CALLER)
        self.outside.is_answered()
        self.outside.hears_something()
        self.outside.press("1")
        self.ana.rings()
        self.ana.answer()
        self.ana.talks()
        self.outside.sing(CALLER_HZ, 120.0)
        self.ana.hears(CALLER_HZ)
        self.outside.hears(self.ana.hz)

    def call_inside(self) -> None:
        """102 calls 103."""
        self.besim.dial("103")
        self.vera.rings()
        self.vera.answer()
        self.besim.talks()
        self.besim.hears(self.vera.hz)
        self.vera.hears(self.besim.hz)


@pytest.fixture
def talk(house: House) -> Talk:
    box = house.box(site("101 102 103", operators="101")).start()
    ana, besim, vera = (house.phone(box, extension) for extension in ("101", "102", "103"))
    talk = Talk(house, box, house.watch(box), ana, besim, vera, house.outside(box))
    talk.office.line("gsm1", "up")
    talk.call_in()
    talk.call_inside()
    return talk


def answers(box: Box) -> bool:
    """The page does."""
    connection = http.client.HTTPConnection("127.0.0.1", box.ports.web, timeout=2.0)
    try:
        connection.request("GET", "/login")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def test_the_engine_is_killed(talk: Talk) -> None:
    """Its calls end and are on record as ended by us; telephones stay registered; the next call is soon possible."""
    box = talk.box
    talk.ana.listen(2.0)
    back = kill_the_engine(talk)
    talk.outside.is_over()
    incoming = box.record(lambda call: call.caller == CALLER)
    inside = box.record(lambda call: call.caller == "102")
    for record in (incoming, inside):
        assert (record.result, record.ended_by, record.cause) == (Result.ANSWERED, "box", "fault")
        assert record.cause_detail == "the sound engine stopped"
    assert incoming.recording
    assert incoming.recording_fault
    wait_for(
        "what was recorded is kept",
        lambda: len(box.recording(incoming)[0]) > 8000 if whole(box, incoming.recording) else None,
    )
    assert is_tone(box.recording(incoming)[0][-8000:-2400], CALLER_HZ)
    assert talk.ana.saw("REGISTER_FAIL") == talk.besim.saw("REGISTER_FAIL") == 0
    assert all(operator.phones == 1 for operator in talk.office.now.operators)

    for phone in (talk.ana, talk.besim, talk.vera):  # the engine could not say goodbye to them
        phone.hang_up()
    talk.call_inside()
    talk.call_in()
    talk.ana.hang_up()
    talk.outside.is_over()
    talk.besim.hang_up()
    talk.office.quiet()
    assert len(box.records()) == 4
    assert box.words.count("The sound engine stopped unexpectedly (killed by signal 9)") == 1
    if back >= 2.0:  # somebody else had the processor: once more, with nothing else going on
        back = kill_the_engine(talk)
    print(f"engine back in {back:.2f} s")
    assert back < 2.0
    box.stop()


def kill_the_engine(talk: Talk) -> float:
    """Seconds until calls are possible again, as the page knows it."""
    killed = talk.box.kill("engine")
    talk.office.until("the page says so", lambda live: not live.sound_up)
    talk.office.until("and that all is well again", lambda live: live.sound_up)
    return time.monotonic() - killed


def whole(box: Box, name: str) -> bool:
    return (box.data / "recordings" / f"{name}.wav").exists()


def test_the_desk_is_killed(talk: Talk) -> None:
    """People go on talking, without a break; after its return each call ends with one whole record."""
    box = talk.box
    before = len(talk.ana.heard())
    pids = box.pids()
    killed = box.kill("desk")
    box.is_back("The desk")
    back = time.monotonic() - killed
    print(f"desk back in {back:.2f} s")
    talk.ana.hears_cleanly(CALLER_HZ)
    talk.outside.hears_cleanly(talk.ana.hz)
    heard = talk.ana.heard()[before:]
    assert len(heard) / 8000 == pytest.approx(time.monotonic() - killed, abs=0.5)
    assert longest_pause(heard, CALLER_HZ) < 0.2
    assert longest_pause(talk.outside.heard(time.monotonic() - killed), talk.ana.hz) < 0.2
    talk.besim.hears_cleanly(talk.vera.hz)
    assert talk.ana.saw("CALL_CLOSED") == 0
    after = box.pids()
    assert after["desk"] != pids.pop("desk")
    assert pids.items() <= after.items()

    office = talk.house.watch(box)
    office.until("both talks are there again", lambda live: [one.stage for one in live.calls] == ["talking"] * 2)
    office.operator("101", "talking")
    office.line("gsm1", "up")
    talk.outside.hang_up()
    talk.ana.is_over()
    talk.vera.hang_up()
    talk.besim.is_over()
    office.operator("101", "ready")
    incoming = box.record(lambda call: call.caller == CALLER)
    assert [step.what for step in incoming.steps if step.what.startswith(("call", "talk", "rec"))] == [
        "call_began",
        "call_answered",
        "talk_began",
        "recording_began",
        "call_ended",
        "recording_kept",
    ]
    assert (incoming.result, incoming.ended_by, incoming.recording_fault) == (Result.ANSWERED, "caller", "")
    assert incoming.recorded == pytest.approx(incoming.talked, abs=0.7)
    left, right = box.recording(incoming)
    assert longest_pause(from_first(left, CALLER_HZ)[:-2400], CALLER_HZ) < 0.2
    assert longest_pause(from_first(right, talk.ana.hz)[:-2400], talk.ana.hz) < 0.2
    assert box.record(lambda call: call.caller == "102").ended_by == "called"
    assert len(box.records()) == 2
    office.quiet()
    talk.office = office
    talk.call_in()
    talk.ana.hang_up()
    talk.outside.is_over()
    office.quiet()
    box.stop()


def test_the_desk_is_killed_while_callers_wait(house: House) -> None:
    """Who is in the queue keeps their place, and is answered after all."""
    box = house.box(site("101")).start()
    office = house.watch(box)
    outside = house.outside(box)
    office.line("gsm1", "up")
    outside.ring(CALLER)
    outside.is_answered()
    outside.hears_something()
    outside.press("1")
    office.call("waiting")
    box.kill("desk")
    box.is_back("The desk")
    office = house.watch(box)
    office.call("waiting")
    outside.hears_something()
    ana = house.phone(box, "101")
    ana.rings()
    ana.answer()
    outside.sing(CALLER_HZ)
    ana.hears(CALLER_HZ)
    outside.hears(ana.hz)
    ana.hang_up()
    outside.is_over()
    record = box.record(lambda call: call.caller == CALLER)
    assert [words for words in story(record) if "queue" in words or "call_ended" in words] == [
        "place_reached queue office Talk to us",
        "queue_joined office",
        "queue_left office answered",
        "call_ended called normal",
    ]
    assert box.open_tasks() == []
    box.stop()


def test_the_page_and_the_front_door_are_killed(talk: Talk) -> None:
    """Nothing but the page; then: calls go on, a hang-up still arrives, telephones are still registered."""
    box = talk.box
    assert answers(box)
    before = len(talk.ana.heard())
    killed = box.kill("web")
    wait_for("it is gone", lambda: not answers(box), every=0.01)
    wait_for("it is back", lambda: answers(box))
    print(f"page back in {time.monotonic() - killed:.2f} s")

    killed = box.kill("edge")
    box.is_back("The telephones' door (edge)")
    print(f"edge back in {time.monotonic() - killed:.2f} s")
    talk.ana.hears_cleanly(CALLER_HZ)
    assert longest_pause(talk.ana.heard()[before:], CALLER_HZ) < 0.2
    talk.besim.hears_cleanly(talk.vera.hz)

    talk.ana.hang_up()  # telephone to engine, through a door that has seen nothing of this call
    talk.outside.is_over()
    talk.vera.hang_up()
    talk.besim.is_over()  # and from the engine to a telephone
    talk.office.quiet()
    assert box.record(lambda call: call.caller == CALLER).ended_by == "called"
    assert box.record(lambda call: call.caller == "102").ended_by == "called"
    live = talk.office.until("all are registered", lambda live: all(one.phones for one in live.operators))
    assert [one.phones for one in live.operators] == [1, 1, 1]
    talk.call_in()
    talk.outside.hang_up()
    talk.ana.is_over()
    talk.office.quiet()
    assert len(box.records()) == 3
    box.stop()


def test_the_power_goes(talk: Talk) -> None:
    """Everything dies at once. On the next start each call has one record with an end, and what was recorded is kept."""
    box = talk.box
    talk.ana.listen(2.0)
    box.power_cut()
    box.start()
    incoming = box.record(lambda call: call.caller == CALLER)
    inside = box.record(lambda call: call.caller == "102")
    for record in (incoming, inside):
        assert (record.result, record.ended_by, record.cause) == (Result.ANSWERED, "box", "fault")
        assert record.cause_detail == "it ended while the box was restarting"
        assert 0.0 <= record.talked < 15.0  # until the last sign of life in the journal
    wait_for("what was recorded is kept", lambda: whole(box, incoming.recording))
    assert is_tone(box.recording(incoming)[0][-8000:-2400], CALLER_HZ)
    office = talk.house.watch(box)
    live = office.until("all are registered", lambda live: all(one.phones for one in live.operators))
    assert live.calls == ()
    assert len(box.records()) == 2
    box.stop()
