"""The doctor on machines that are well and on machines that are not."""

from __future__ import annotations

import io
import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from appliance.edge import certificates
from appliance.lines import discover
from appliance.supervisor import examinations
from appliance.supervisor.doctor import main
from appliance.supervisor.examinations import Machine
from appliance.supervisor.findings import Finding, State
from appliance.supervisor.network import free_loopback_ports
from appliance.supervisor.paths import Lock, Places, existing_run, open_data
from appliance.supervisor.run import Wishes
from appliance.supervisor.site import Site, read
from tests.journeys.processes import free_ports

GOOD, ODD, BAD = State.GOOD, State.ODD, State.BAD


@dataclass
class Port:
    """A serial port on USB, as pyserial tells of it."""

    device: str
    location: str | None
    vid: int | None = 0x1E0E
    pid: int | None = 0x9001
    serial_number: str | None = ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without modems, pins or ModemManager."""
    dev, proc = tmp_path / "machine" / "dev", tmp_path / "machine" / "proc"
    for folder in (dev, proc / "1"):
        folder.mkdir(parents=True)
    (proc / "1" / "comm").write_text("init\n", encoding="ascii")
    return with_ports(Machine(dev, proc))


def with_ports(machine: Machine, *ports: Port) -> Machine:
    return replace(
        machine,
        modems=lambda: discover.modems(lambda: ports),
        find=lambda at, kind: discover.find(at, kind, lambda: ports),
    )


def sim7600(machine: Machine) -> list[Port]:
    """Its five ports: the third takes commands, the last carries sound."""
    for number in range(5):
        (machine.dev / f"ttyUSB{number}").touch()
    return [Port(str(machine.dev / f"ttyUSB{number}"), f"1-1.2:1.{number}") for number in range(5)]


def wishes(data: Path, site: Path | None = None) -> Wishes:
    sip = free_ports(3, tcp=3)
    return Wishes(data, site, "127.0.0.1", sip, sip + 1, tls_port=sip + 2)


def found(findings: Iterator[Finding] | list[Finding], what: str) -> list[tuple[State, str]]:
    return [(finding.state, finding.words) for finding in findings if finding.what == what]


def site(text: str) -> Site:
    return read(text.encode(), "office.toml")


@pytest.mark.skipif(
    examinations.sound_library().state is BAD, reason="this machine runs on the ready-made pjsua2 and is told so"
)
def test_a_machine_that_is_well(tmp_path: Path, machine: Machine) -> None:
    out = io.StringIO()
    status = main(wishes(tmp_path / "data"), as_json=False, out=out, machine=machine)
    lines = out.getvalue().splitlines()
    assert status == 0, out.getvalue()
    assert lines[0].startswith("  ok   Python          3.")
    assert any(line.startswith("  ok   Sound library   pjsua2 ") for line in lines)
    assert any("English, Русский, Shqip" in line for line in lines)
    assert any("people 3, queues 1, menus 1, lines 1" in line for line in lines)
    assert lines[-1] in {"All is well.", "The box can run. Worth a look: 1."}
    assert not (tmp_path / "data").exists(), "the doctor changes nothing"


def test_what_is_wrong_is_red_and_the_exit_status_says_so(tmp_path: Path, machine: Machine) -> None:
    office = tmp_path / "office.toml"
    office.write_text("a = 1\nb = 2\n", encoding="ascii")
    out = io.StringIO()
    assert main(wishes(tmp_path / "data", office), as_json=False, out=out, machine=machine) == 1
    assert (
        f"  BAD  Site file       office.toml line 1: the site has no key 'a'\n{23 * ' '}office.toml line 2"
        in out.getvalue()
    )
    assert "To be put right: 1." in out.getvalue(), out.getvalue()


def test_the_same_for_programs(tmp_path: Path, machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sip, tls = free_loopback_ports(2, range(0))
        asked = Wishes(tmp_path, None, "127.0.0.1", sip, taken.getsockname()[1], tls_port=tls)
        out = io.StringIO()
        assert main(asked, as_json=True, out=out, machine=machine) == 1
    told = json.loads(out.getvalue())
    assert told["ok"] is False
    bad = [finding for finding in told["findings"] if finding["state"] == "bad"]
    assert [finding["what"] for finding in bad] == [f"Port {asked.web_port}"]
    assert f"(process {os.getpid()})" in bad[0]["words"]


def test_the_certificate_is_looked_at_before_telephones_refuse_it(tmp_path: Path) -> None:
    places, day = Places(tmp_path, tmp_path / "run"), 86_400.0
    assert examinations.certificate(places, 0.0).words.startswith("none yet")
    (tmp_path / "edge").mkdir()
    certificates.ensure(tmp_path / "edge", ["qendra.local"], 1_795_000_000.0)
    known = certificates.describe(tmp_path / "edge")
    assert known is not None
    for days, state in ((700, GOOD), (20, ODD), (-1, BAD)):
        finding = examinations.certificate(places, known.until - days * day)
        assert finding.state is state
        assert finding.words.startswith("the box's own")
    assert "qendra.local; good for 700 days" in examinations.certificate(places, known.until - 700 * day).words


def test_a_clock_of_before_our_time_is_wrong() -> None:
    assert examinations.clock(0.0) == Finding(
        "Clock", BAD, "it is not 1970-01-01 00:00 UTC any more; set the clock, or connect the network"
    )


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="ascii")
    (finding,) = examinations.data_folder(existing_run(tmp_path / "data" / "inner"))
    assert finding.state is BAD
    assert finding.words.startswith(f"{tmp_path}/data is a file")


def test_a_modem_is_named_with_its_place(machine: Machine) -> None:
    plugged = with_ports(machine, *sim7600(machine))
    assert list(examinations.modems(plugged, site("lines.gsm1 = {}"))) == [
        Finding("USB modem", GOOD, 'SIM7600 at 1-1.2; in the site file: at = "usb:1e0e:9001@1-1.2"')
    ]


def test_a_modem_whose_ports_may_not_be_opened(machine: Machine) -> None:
    plugged = with_ports(machine, *sim7600(machine))
    (machine.dev / "ttyUSB2").unlink()
    for lines, wanted_state in (("lines.gsm1 = {}", BAD), ("", ODD)):
        ((state, words),) = found(examinations.modems(plugged, site(lines)), "USB modem")
        assert state is wanted_state
        assert words.endswith(f"; {machine.dev}/ttyUSB2 cannot be opened by this user: add it to the group dialout")


def test_a_modem_that_cannot_be_driven_is_told_why(machine: Machine) -> None:
    plugged = with_ports(machine, Port("/dev/ttyUSB0", "1-1:1.0", 0x2C7C, 0x0125))
    findings = list(examinations.modems(plugged, site("lines.gsm1 = {}")))
    ((state, words),) = found(findings, "USB modem")
    assert (state, words) == (BAD, "a Quectel EC25 or EG25: known, not driven yet (at 1-1)")
    assert found(findings, "Line gsm1") == [(BAD, "no modem for it is plugged in (sim7600 at usb)")]


def test_a_line_without_its_modem(machine: Machine) -> None:
    wanted = site(f'lines = {{ gsm1 = {{}}, gsm2 = {{ at = "{machine.dev}/ttyUSB7" }}, gsm3 = "virtual" }}')
    findings = list(examinations.modems(machine, wanted))
    assert found(findings, "Line gsm1") == [(BAD, "no modem for it is plugged in (sim7600 at usb)")]
    assert found(findings, "Line gsm2") == [(BAD, f"there is no {machine.dev}/ttyUSB7; is the modem plugged in?")]
    assert found(findings, "Line gsm3") == []


@pytest.mark.parametrize(("lines", "state"), [("lines.gsm1 = {}", BAD), ("lines.gsm1 = 'virtual'", ODD)])
def test_modem_manager_is_in_the_way_of_real_modems(machine: Machine, lines: str, state: State) -> None:
    (machine.proc / "77").mkdir()
    (machine.proc / "77" / "comm").write_text("ModemManager\n", encoding="ascii")
    assert examinations.modem_manager(machine, site(lines)).state is state


def test_lamps_on_a_machine_without_pins(machine: Machine) -> None:
    assert examinations.pins(machine, site("")) == Finding("Pins (GPIO)", GOOD, "this machine has none")
    assert examinations.pins(machine, site("lamps.buzzer = 17")) == Finding(
        "Pins (GPIO)", BAD, "this machine has none, but the site file has lamps"
    )
    assert examinations.pins(machine, site("lamps = { buzzer = 17, factory = 'mock' }")).state is GOOD


def test_a_ready_made_sound_library_is_said_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Here:
        state = tmp_path

    facts = {"version": "2.15.1", "call_legs": 4, "built_here": False, "why_not": "There is no compiler."}
    (tmp_path / "sound-library.json").write_text(json.dumps(facts), encoding="ascii")
    monkeypatch.setattr(examinations, "places_here", Here)
    assert examinations.sound_library() == Finding(
        "Sound library",
        BAD,
        "pjsua2 2.15.1, 4 call legs, that is 2 conversations: this is the ready-made one. There is no compiler.",
    )


def test_a_machine_without_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert [finding.state for finding in examinations.voices()] == [BAD]
    assert examinations.sox().state is BAD


def test_a_voice_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    espeak = tmp_path / "espeak-ng"
    espeak.write_text(
        "#!/bin/sh\necho 'Pty Language Age/Gender VoiceName'\necho ' 5 ru --/M Russian'\n", encoding="ascii"
    )
    espeak.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    (finding,) = examinations.voices()
    assert finding.state is BAD
    assert "Shqip (" in finding.words
    assert "Русский" not in finding.words


class Page(BaseHTTPRequestHandler):
    status = 302

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def box(data: Path, web_port: int, **pids: int) -> Places:
    places = Places(open_data(data).data, data / "run")
    places.run.mkdir()
    parts = {
        name: {"pid": pids.get(name, os.getpid()), "starts": 1 + (name == "engine")} for name in examinations.PARTS
    }
    told = {"pid": os.getpid(), "bind": "127.0.0.1", "web_port": web_port, "parts": parts}
    places.box.write_text(json.dumps(told), encoding="ascii")
    return places


def test_a_running_box_is_looked_at_instead_of_its_ports(tmp_path: Path, machine: Machine, page: int) -> None:
    places = box(tmp_path, page)
    lock = Lock(places)
    findings = list(examinations.examine(Wishes(tmp_path, None, "127.0.0.1", page, page), machine))
    lock.release()
    assert found(findings, "Running box") == [(GOOD, f"process {os.getpid()}, all parts run")]
    assert found(findings, "Page") == [(GOOD, f"http://127.0.0.1:{page}/ answers")]
    assert found(findings, "Restarts") == [
        (ODD, f"engine 1× since the box was started (see {tmp_path}/log/box.log)")
    ]  # fmt: skip
    assert found(findings, f"Port {page}") == []


def test_a_dead_part_and_a_silent_page(tmp_path: Path) -> None:
    (port,) = free_loopback_ports(1, range(0))
    places = box(tmp_path, port, desk=0)
    findings = list(examinations.running_box(places, os.getpid()))
    assert found(findings, "Running box") == [(BAD, f"process {os.getpid()}; not running: desk (see {tmp_path}/log)")]
    ((state, words),) = found(findings, "Page")
    assert state is BAD
    assert words.startswith(f"http://127.0.0.1:{port}/ does not answer (")


def test_a_page_that_breaks(page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Page, "status", 500)
    assert examinations._page("0.0.0.0", page).words == f"http://127.0.0.1:{page}/ answers with an error (500)"
