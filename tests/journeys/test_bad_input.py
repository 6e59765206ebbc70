"""What goes wrong in a firm: a typing error, a taken port, a modem that lies or dies, a full disk. Said plainly, and no
record is lost.
"""

from __future__ import annotations

import re
import socket

from appliance.calls.record import Result
from tests.journeys.box import Ports, is_whole
from tests.journeys.far_end import FarEnd
from tests.journeys.hearing import is_tone
from tests.journeys.house import CALLER_HZ, House, site
from tests.journeys.live import Watcher
from tests.journeys.phones import BaresipPhone
from tests.journeys.processes import LOOPBACK, wait_for
from tests.journeys.small_disk import MEGABYTE

CALLER = "+355690000001"


def talk(office: Watcher, outside: FarEnd, ana: BaresipPhone) -> None:
    """A caller comes to 101, and they hear each other."""
    office.operator("101", "ready")
    outside.ring(CALLER)
    outside.is_answered()
    outside.hears_something()
    outside.press("1")
    ana.rings()
    ana.answer()
    ana.talks()
    outside.sing(CALLER_HZ)
    ana.hears(CALLER_HZ)
    outside.hears(ana.hz)


# ---- at the start


def test_a_taken_port_and_a_second_run(house: House) -> None:
    with socket.socket() as page, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as telephone:
        ports = Ports.free()
        page.bind((LOOPBACK, ports.web))
        page.listen()
        telephone.bind((LOOPBACK, ports.sip))
        words = house.box(ports=ports).refuses_to_start()
    telephones, pages = words.splitlines()
    assert telephones.startswith(f"Port {ports.sip} (UDP, for telephones) is taken by ")
    assert telephones.endswith("choose another port with --sip-port.")
    assert pages.startswith(f"Port {ports.web} (TCP, for the page) is taken by ")
    assert pages.endswith("choose another port with --web-port.")

    box = house.box(site("101", lines="")).start()
    words = house.box(name="second", data=box.data).refuses_to_start()
    assert "A box is already running on" in words
    assert f"process {box.program.process.pid if box.program else 0}" in words
    house.phone(box, "101")
    box.stop()


def test_a_site_file_with_mistakes(house: House) -> None:
    """Each is named with its line; a good box goes on with what it had."""
    good = site("101", lines="")
    wrong = good.replace('firm = "Journey"', 'firme = "Journey"').replace("ring_seconds", "ring_secs")
    words = house.box(wrong).refuses_to_start()
    lines = wrong.splitlines()
    firm = 1 + next(number for number, line in enumerate(lines) if line.startswith("firme"))
    ring = 1 + next(number for number, line in enumerate(lines) if line.startswith("ring_secs"))
    assert words.splitlines() == [
        f"site.toml line {firm}: the site has no key 'firme'; did you mean 'firm'?",
        f"site.toml line {ring}: queues has no key 'ring_secs'; did you mean 'ring_seconds'?",
    ]
    broken = good.replace("[people]", "[people")
    assert "site.toml line" in house.box(broken, name="broken").refuses_to_start()

    box = house.box(good, name="good").start()
    box.stop()
    assert box.site
    box.site.write_text(wrong, encoding="utf-8")
    assert f"line {firm}:" in box.refuses_to_start()
    box.site = None
    box.start()
    house.phone(box, "101")
    box.stop()


def test_torn_last_lines(house: House) -> None:
    """The power went while the box wrote: every record that was kept is there again, and it says what it mended."""
    box = house.box(site("101 102", lines="")).start()
    house.phone(box, "101").dial("999")
    first = box.record(lambda call: call.dialled == "999")
    box.stop()
    journals = sorted((box.data / "journal").glob("*"), key=lambda path: path.stat().st_size)
    (month,) = (box.data / "calls").glob("*.tdb")
    for path in (month, box.data / "settings.tdb", journals[-1]):
        with path.open("ab") as file:
            file.write(path.read_bytes().splitlines(keepends=True)[-1][:-7])
    box.start()
    assert box.records() == (first,)
    assert "repaired:" in box.log("desk")
    house.phone(box, "101").dial("998")
    second = box.record(lambda call: call.dialled == "998")
    box.stop()
    box.start()
    assert box.records() == (second, first)
    box.stop()


# ---- modems


def test_a_modem_that_answers_error_or_falls_silent_or_is_unplugged(house: House) -> None:
    box = house.box(site("101")).start()
    office = house.watch(box)
    ana = house.phone(box, "101")
    outside = house.outside(box)
    office.line("gsm1", "up")

    talk(office, outside, ana)
    ana.listen(1.0)
    outside.unplug(3.0)  # in mid-call
    ana.is_over()
    assert office.line("gsm1", "down").words == "the modem was unplugged"
    record = box.record(lambda call: call.caller == CALLER)
    assert (record.result, record.ended_by, record.cause_detail) == (Result.ANSWERED, "box", "the modem was unplugged")
    assert record.recording_fault == ""
    assert is_tone(box.recording(record)[0][-8000:-2400], CALLER_HZ)
    office.operator("101", "ready")
    office.line("gsm1", "up", 30.0)

    outside.fault("error")  # whatever it is asked
    ana.dial(CALLER)
    assert ana.is_over().startswith("480")
    refused = box.record(lambda call: call.caller == "101")
    assert refused.cause_detail == "the modem refused to dial: ERROR"
    outside.fault("none")

    talk(office, outside, ana)
    outside.fault("silent")  # it answers no command, but the sound flows on
    office.line("gsm1", "down", 20.0)
    ana.hears_cleanly(CALLER_HZ)
    outside.fault("none")
    office.line("gsm1", "up", 40.0)
    ana.hears_cleanly(CALLER_HZ)

    outside.fault("hang")  # no answer and no sound
    down = office.line("gsm1", "down", 30.0)
    assert down.words == "the modem is silent; trying to reach it"
    ana.hang_up()
    office.quiet()
    lost = box.records()[0]
    assert (lost.result, lost.ended_by) == (Result.ANSWERED, "called")
    ana.dial(CALLER)
    assert ana.is_over().startswith("480")
    outside.fault("none")
    office.line("gsm1", "up", 60.0)
    assert len(box.records()) == 4
    assert all(is_whole(call) for call in box.records())
    box.stop()


# ---- the disk


def call_until_the_page_says(office: Watcher, ana: BaresipPhone, words: str) -> int:
    """Slips of the finger, each a record: the last page of a file takes some before the disk refuses. How many."""
    for calls in range(1, 80):
        ana.dial("999")
        assert ana.is_over().startswith("404")
        if any(trouble.startswith(words) for trouble in office.now.trouble):
            return calls
    raise AssertionError(f"the page does not say that {words!r}: {office.now.trouble}")


def test_a_full_disk(house: House) -> None:
    """Recordings stop first, calls go on; with no byte left the calls still go on, and their records are kept."""
    box = house.box_on_a_small_disk(site("101"), megabytes=160)
    box.start()
    office = house.watch(box)
    ana = house.phone(box, "101")
    outside = house.outside(box)
    office.line("gsm1", "up")

    talk(office, outside, ana)
    ana.listen(2.0)
    box.fill(leave=60 * MEGABYTE)
    office.until("the recording has stopped", lambda live: not any(call.recording for call in live.calls), 5.0)
    ana.hears_cleanly(CALLER_HZ)
    outside.hears_cleanly(ana.hz)
    outside.hang_up()
    ana.is_over()
    first = box.record(lambda call: call.caller == CALLER)
    assert re.fullmatch(
        r"the disk is nearly full \((59|6\d) MB left\), so the recording was stopped", first.recording_fault
    )
    assert 1.0 < first.recorded < first.talked
    assert is_tone(box.recording(first)[0][-8000:-2400], CALLER_HZ)

    box.fill(leave=0)
    talk(office, outside, ana)
    box.fill(leave=0)
    ana.hears_cleanly(CALLER_HZ)
    ana.hang_up()
    outside.is_over()
    office.quiet()
    calls = 2
    calls += call_until_the_page_says(office, ana, "The disk is almost full. Calls are still recorded")
    box.fill(leave=0)  # what had been set aside for this is taken as well
    calls += call_until_the_page_says(office, ana, "The disk is full. What happens now is kept in memory only")

    box.clear()
    office.until("and that it is well again", lambda live: not live.trouble, 30.0)
    wait_for("all records are there", lambda: len(box.records()) == calls)
    box.stop()
    box.start()
    kept = box.records()
    assert len(kept) == calls
    assert kept[-1] == first
    assert [call.result for call in kept[-2:]] == [Result.ANSWERED, Result.ANSWERED]
    box.stop()
