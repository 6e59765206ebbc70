"""What `doctor` looks at, one function a thing. Nothing is changed, and nothing leaves this machine."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from appliance.edge import certificates
from appliance.lines import discover
from appliance.prompts.language import languages
from appliance.setup.places import places_here
from appliance.supervisor.certificate_answers import DAY, SOON
from appliance.supervisor.examine_desk import desk
from appliance.supervisor.findings import Finding, State
from appliance.supervisor.network import LOOPBACK, lan_address, why_not
from appliance.supervisor.paths import Places, existing_run, lock_owner
from appliance.supervisor.run import Wishes, ports_of
from appliance.supervisor.site import Site, SiteError, load

ENOUGH_CALL_LEGS = 64
ROOM_TO_BREATHE = 1 << 30
ROOM_TO_LIVE = 100 << 20
PARTS = ("edge", "engine", "desk", "web")
ODD_CLOCK = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look; a test looks elsewhere."""

    dev: Path = Path("/dev")
    proc: Path = Path("/proc")
    modems: Callable[[], list[discover.FoundModem]] = discover.modems
    find: Callable[[str, str], discover.FoundModem | None] = discover.find


def examine(wishes: Wishes, machine: Machine | None = None) -> Iterator[Finding]:
    """Look at everything, in the order in which a person would put it right."""
    machine = machine or Machine()
    places = existing_run(wishes.data)
    running = lock_owner(places)
    yield python()
    yield sound_library()
    yield from voices()
    yield sox()
    yield clock(time.time())
    site, finding = site_file(wishes.site or (places.site if places.site.exists() else None))
    yield finding
    yield from data_folder(places)
    yield certificate(places, time.time())
    if running is None:
        yield from ports(wishes)
    else:
        yield from running_box(places, running)
    yield from modems(machine, site)
    yield modem_manager(machine, site)
    yield pins(machine, site)


def python() -> Finding:
    """The Python we run in."""
    version = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding(
        "Python", State.GOOD if fits else State.BAD, version if fits else f"{version}; 3.11 to 3.13 is needed"
    )


def sound_library() -> Finding:
    """pjsua2: there, loadable, and for how many calls?"""
    what = "Sound library"
    if find_spec("pjsua2") is None:
        return Finding(what, State.BAD, "pjsua2 is not installed; run ./qendra setup")
    tried = _run([sys.executable, "-I", "-c", "import pjsua2"])
    if tried is None or tried.returncode:
        reason = (tried.stderr.strip().splitlines() or ["it does not say why"])[-1] if tried else "it takes too long"
        return Finding(what, State.BAD, f"pjsua2 cannot be loaded ({reason}); run ./qendra setup")
    facts = _json(places_here().state / "sound-library.json")
    legs = facts.get("call_legs", 0)
    if not legs:
        return Finding(what, State.GOOD, "pjsua2 loads; for how many calls it was built is not known")
    words = f"pjsua2 {facts.get('version', '')}, {legs} call legs, that is {legs // 2} conversations"
    if legs >= ENOUGH_CALL_LEGS:
        return Finding(what, State.GOOD, words)
    why = facts.get("why_not") or "./qendra setup can build our own"
    return Finding(what, State.BAD, f"{words}: this is the ready-made one. {why}")


def voices() -> Iterator[Finding]:
    """A voice for each language of the house."""
    listed = _run(["espeak-ng", "--voices"])
    if listed is None:
        yield Finding("Voices", State.BAD, "espeak-ng is not installed, the box cannot speak; run ./qendra setup")
        return
    known = {row.split()[1] for row in listed.stdout.splitlines()[1:] if len(row.split()) > 1}
    wanted = languages().values()
    missing = [f"{one.name} ({one.voice})" for one in wanted if one.voice.partition("+")[0] not in known]
    if missing:
        yield Finding("Voices", State.BAD, f"espeak-ng has no voice for {', '.join(missing)}")
    else:
        yield Finding("Voices", State.GOOD, ", ".join(one.name for one in wanted))


def sox() -> Finding:
    """What makes speech fit for a telephone."""
    found = shutil.which("sox")
    return (
        Finding("Sound tool", State.GOOD, f"sox ({found})")
        if found
        else Finding("Sound tool", State.BAD, "sox is not installed, the box cannot speak; run ./qendra setup")
    )


def clock(now: float) -> Finding:
    """A clock before our own files were written is wrong; opening hours and records would be, too."""
    written = Path(__file__).stat().st_mtime
    told = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    if now < written - ODD_CLOCK:
        return Finding("Clock", State.BAD, f"it is not {told} any more; set the clock, or connect the network")
    answer = _run(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    if answer and answer.stdout.strip() == "no":
        return Finding("Clock", State.ODD, f"{told}, not synchronized with the network: it may drift")
    return Finding("Clock", State.GOOD, told)


def site_file(path: Path | None) -> tuple[Site | None, Finding]:
    """The site that would be started."""
    what = "Site file"
    try:
        site = load(path)
    except SiteError as error:
        return None, Finding(what, State.BAD, str(error))
    settings = site.settings
    words = ", ".join(
        f"{name} {len(things)}"
        for things, name in (
            (settings.people, "people"),
            (settings.queues, "queues"),
            (settings.flow.menus, "menus"),
            (settings.lines, "lines"),
        )
    )
    return site, Finding(what, State.GOOD, f"{path or 'none given, the example firm'}: {words}")


def data_folder(places: Places) -> Iterator[Finding]:
    """Can calls be kept there, and for how long?"""
    what = "Data folder"
    nearest = next(folder for folder in (places.data, *places.data.parents) if folder.exists())
    if not nearest.is_dir():
        yield Finding(what, State.BAD, f"{nearest} is a file, so {places.data} cannot be a folder")
        return
    if not os.access(nearest, os.W_OK | os.X_OK):
        yield Finding(what, State.BAD, f"{nearest} cannot be written by this user")
        return
    free = shutil.disk_usage(nearest).free
    words = f"{places.data}{'' if nearest == places.data else ' (will be made)'}, {free / 1e9:.1f} GB free"
    if free < ROOM_TO_LIVE:
        yield Finding(what, State.BAD, f"{words}: calls cannot be kept for long")
    elif free < ROOM_TO_BREATHE:
        yield Finding(what, State.ODD, f"{words}: little room for recordings")
    else:
        yield Finding(what, State.GOOD, words)


def certificate(places: Places, now: float) -> Finding:
    """What telephones that call encrypted are shown."""
    what = "Certificate"
    found = certificates.describe(places.data / "edge")
    if found is None:
        return Finding(what, State.GOOD, "none yet; the box makes one at its first start")
    days = int((found.until - now) // DAY)
    whose = "the box's own" if found.own else "the owner's"
    words = f"{whose}, for {', '.join(found.names)}; good for {days} days"
    if days < 0:
        return Finding(what, State.BAD, f"{whose} has run out: put in a new one")
    return Finding(what, State.ODD if days < SOON else State.GOOD, words)


def ports(wishes: Wishes) -> Iterator[Finding]:
    """Could a box listen where it should?"""
    bind = wishes.bind or lan_address()
    yield Finding("Address", State.GOOD, f"{bind}{': this machine only' if bind == LOOPBACK else ''}")
    for port in ports_of(wishes, bind):
        words = why_not(port)
        what = f"Port {port.number}"
        yield Finding(what, State.BAD if words else State.GOOD, words or f"free ({port.kind.upper()}, {port.purpose})")


def running_box(places: Places, pid: int) -> Iterator[Finding]:
    """A box runs on this data: are its processes alive, does its page answer?"""
    box = _json(places.box)
    parts = box.get("parts", {})
    dead = [name for name in PARTS if not _lives(parts.get(name, {}).get("pid", 0))]
    yield Finding(
        "Running box",
        State.BAD if dead else State.GOOD,
        f"process {pid}; not running: {', '.join(dead)} (see {places.log})"
        if dead
        else f"process {pid}, all parts run",
    )
    again = {name: part["starts"] - 1 for name, part in parts.items() if part.get("starts", 1) > 1}
    if again:
        told = ", ".join(f"{name} {count}×" for name, count in again.items())
        yield Finding("Restarts", State.ODD, f"{told} since the box was started (see {places.log / 'box.log'})")
    yield _page(str(box.get("bind", LOOPBACK)), int(box.get("web_port", 0)))
    yield from desk(places.run / "desk.sock")


def _page(bind: str, port: int) -> Finding:
    host = LOOPBACK if bind.startswith("0.") else bind
    link = http.client.HTTPConnection(host, port, timeout=5)
    try:
        link.request("GET", "/")
        status = link.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Finding("Page", State.BAD, f"http://{host}:{port}/ does not answer ({error})")
    finally:
        link.close()
    state = State.BAD if status >= 500 else State.GOOD
    return Finding(
        "Page", state, f"http://{host}:{port}/ answers{f' with an error ({status})' if status >= 500 else ''}"
    )


def modems(machine: Machine, site: Site | None) -> Iterator[Finding]:
    """What is plugged in, beside what the site file wants."""
    seen = machine.modems()
    wanted = site.lines if site else ()
    for modem in seen:
        words = f'{modem.words}; in the site file: at = "{modem.address}"' if modem.at else modem.words
        closed = [port for port in (modem.at, modem.sound) if port and not os.access(port, os.R_OK | os.W_OK)]
        if closed:
            words += f"; {' and '.join(closed)} cannot be opened by this user: add it to the group dialout"
        useless = closed or not (modem.at and modem.sound)
        yield Finding("USB modem", (State.BAD if wanted else State.ODD) if useless else State.GOOD, words)
    if not seen and not wanted:
        yield Finding("USB modem", State.GOOD, "none plugged in, none needed")
    for line in wanted:
        if line.at.startswith("usb"):
            if machine.find(line.at, line.kind) is None:
                yield Finding(
                    f"Line {line.name}", State.BAD, f"no modem for it is plugged in ({line.kind} at {line.at})"
                )
        elif not Path(line.at).exists():
            yield Finding(f"Line {line.name}", State.BAD, f"there is no {line.at}; is the modem plugged in?")


def modem_manager(machine: Machine, site: Site | None) -> Finding:
    """ModemManager talks to every modem it sees, and two talkers on one port spoil each other's words."""
    what = "ModemManager"
    for name in machine.proc.glob("[0-9]*/comm"):
        if _line(name) == "ModemManager":
            state = State.BAD if site and site.lines else State.ODD
            return Finding(what, state, "runs and will disturb the modems: systemctl disable --now ModemManager")
    return Finding(what, State.GOOD, "does not run")


def pins(machine: Machine, site: Site | None) -> Finding:
    """Lamps, buzzer, hook switch."""
    what = "Pins (GPIO)"
    wired = bool(site and site.lamps.factory == "auto" and not site.lamps.for_board().wires_nothing)
    chips = sorted(chip.name for chip in machine.dev.glob("gpiochip*"))
    if not chips:
        state = State.BAD if wired else State.GOOD
        return Finding(what, state, f"this machine has none{', but the site file has lamps' if wired else ''}")
    if not any(find_spec(name) for name in ("lgpio", "RPi")):
        return Finding(what, State.BAD if wired else State.ODD, f"{', '.join(chips)}, but lgpio is not installed")
    return Finding(what, State.GOOD, ", ".join(chips))


def _run(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """What a program says; nothing when it is not there or takes too long."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=10, check=False, stdin=subprocess.DEVNULL
        )
    return None


def _json(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        held = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(held, dict):
            return held
    return {}


def _line(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    return ""


def _lives(pid: object) -> bool:
    return isinstance(pid, int) and pid > 0 and Path(f"/proc/{pid}").exists()
