"""`./qendra run`: look that everything is as it must be, start the parts, say what a person needs to know.

Nothing is started before all that can be known beforehand is known to be right.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

from appliance.supervisor import VERSION
from appliance.supervisor.network import (
    ANY,
    LOOPBACK,
    Port,
    free_loopback_ports,
    in_url,
    lan_address,
    lan_ipv6,
    why_not,
)
from appliance.supervisor.paths import Lock, Places, Trouble, close_run, open_data, open_run, standard_data
from appliance.supervisor.processes import Box, Part

SHARED = ("argparse", "asyncio", "pathlib", "json", "appliance.wire.seams", "appliance.wire.peer")
"""What nearly all parts load; loaded once, before they are forked. More would cost more than it saves."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says."""

    data: Path
    site: Path | None = None
    bind: str = ""
    """Empty: the address of this machine in the local network."""
    sip_port: int = 5060
    web_port: int = 8080
    rtp_ports: range = range(10000, 11000)
    demo: bool = False
    tls_port: int = 5061
    also: tuple[str, ...] = ()
    """Addresses at which telephones are heard besides: IPv6."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What has to be started for the lines of a site, in the file's order."""

    lines: tuple[str, ...] = ()
    virtual_lines: tuple[str, ...] = ()


def run(wishes: Wishes) -> int:
    """Bring the box to life and stay until it is stopped; returns the exit status.

    Raises:
        Trouble: it cannot be started as wished; nothing was.
        Become: in each child.
    """
    bind = wishes.bind or lan_address()
    if not wishes.bind:
        wishes = replace(wishes, also=tuple(lan_ipv6()) if bind != LOOPBACK else ())
    places = open_data(wishes.data)
    lock = Lock(places)
    _check_ports(wishes, bind)
    for module in SHARED:
        import_module(module)
    hardware = _hardware(wishes.site, places)
    places = open_run(places)
    say = _Teller(places)
    box = Box(
        _parts(wishes, bind, places, hardware),
        places,
        say.event,
        lambda: say.text(_welcome(wishes, bind, places, hardware)),
        {
            "bind": bind,
            "also": wishes.also,
            "sip_port": wishes.sip_port,
            "tls_port": wishes.tls_port,
            "web_port": wishes.web_port,
        },
    )
    box.run()
    close_run(places)
    lock.release()
    say.text("Stopped.")
    return 0


class _Teller:
    """Tells the person at the terminal; what happens is also written to box.log. A closed terminal is no trouble."""

    def __init__(self, places: Places) -> None:
        self._log = places.log / "box.log"

    def text(self, words: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            print(words, flush=True)

    def event(self, words: str) -> None:
        words = words[:1].upper() + words[1:]
        self.text(f"{time.strftime('%H:%M:%S')}  {words}")
        with contextlib.suppress(OSError), self._log.open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {words}\n")


def _check_ports(wishes: Wishes, bind: str) -> None:
    """Raises Trouble with a line for each port we cannot have."""
    rtp = wishes.rtp_ports
    wrong = [words for port in ports_of(wishes, bind) if (words := why_not(port))]
    chosen = {"--sip-port": wishes.sip_port, "--tls-port": wishes.tls_port, "--web-port": wishes.web_port}
    for one, other in combinations(chosen, 2):
        if chosen[one] == chosen[other]:
            wrong.append(f"{one} and {other} are both {chosen[one]}; they have to differ.")
    if wishes.sip_port in rtp:
        wrong.append(f"--sip-port {wishes.sip_port} lies within --rtp-ports {rtp.start}-{rtp.stop - 1}.")
    if wrong:
        raise Trouble("\n".join(dict.fromkeys(wrong)))


def ports_of(wishes: Wishes, bind: str) -> Iterator[Port]:
    """Every port that others reach the box at."""
    for address in (bind, *wishes.also):
        yield Port("udp", address, wishes.sip_port, "telephones", "--sip-port")
        yield Port("tcp", address, wishes.sip_port, "telephones", "--sip-port")
        yield Port("tcp", address, wishes.tls_port, "encrypted telephones", "--tls-port")
    yield Port("tcp", bind, wishes.web_port, "the page", "--web-port")


def _hardware(chosen: Path | None, places: Places) -> Hardware:
    """The lines of the site. A site file is read when it is new or has changed; a good one is kept as DATA/site.toml.

    Raises:
        Trouble: it cannot be used; says everything that is wrong in it.
    """
    first = Path(__file__).with_name("first.toml")
    source = chosen or (places.site if places.site.exists() else first)
    try:
        held = source.read_bytes()
        kept = places.site.read_bytes() if places.site.exists() else b""
    except OSError as error:
        raise Trouble(f"The site file {source} cannot be read ({error.strerror}).") from error
    known = _known(places, held)
    if known is None or (chosen and held != kept):
        known = _read_apart(held, source.name)
        if chosen:
            _keep(places.site, held)
        _keep(places.accepted, json.dumps([_mark(held), known.lines, known.virtual_lines]).encode())
    return known


def _mark(held: bytes) -> str:
    """Another text or another version of ours: read it again. The desk compares with more care."""
    return f"{VERSION} {len(held)} {zlib.crc32(held):08x}"


def _known(places: Places, held: bytes) -> Hardware | None:
    """What was found in this very text before."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        mark, lines, virtual_lines = json.loads(places.accepted.read_bytes())
        if mark == _mark(held):
            return Hardware(tuple(lines), tuple(virtual_lines))
    return None


def _read_apart(held: bytes, name: str) -> Hardware:
    """Read a site in a child, so that what reading takes does not stay in our memory for as long as the box runs."""
    ours, childs = os.pipe()
    pid = os.fork()
    if pid == 0:
        _read_and_leave(held, name, childs)
    os.close(childs)
    with os.fdopen(ours, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    try:
        wrong, lines, virtual_lines = json.loads(answer)
    except ValueError as error:
        raise Trouble(f"The site file {name} could not be read; this is a fault of ours, please report it.") from error
    if wrong:
        raise Trouble(wrong)
    return Hardware(tuple(lines), tuple(virtual_lines))


def _read_and_leave(held: bytes, name: str, answer: int) -> None:
    from appliance.supervisor.site import SiteError, read  # noqa: PLC0415  in the child only

    status = 1
    try:
        try:
            site = read(held, name)
            told: list[object] = [
                "",
                [line.name for line in site.settings.lines],
                [line.name for line in site.virtual_lines],
            ]
        except SiteError as error:
            told = [str(error), [], []]
        with os.fdopen(answer, "wb") as pipe:
            pipe.write(json.dumps(told).encode())
        status = 0
    finally:
        os._exit(status)


def _keep(path: Path, held: bytes) -> None:
    """Replace a file of ours, whole or not at all, readable by its owner alone: it may hold passwords."""
    new = path.with_suffix(".new")
    try:
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(held)
            file.flush()
            os.fsync(handle)
        new.replace(path)
    except OSError as error:
        raise Trouble(f"{path} cannot be written ({error.strerror}).") from error


def _parts(wishes: Wishes, bind: str, places: Places, hardware: Hardware) -> list[Part]:
    """The processes, those first that a telephone waits for."""
    engine_port, inside_port = map(str, free_loopback_ports(2, wishes.rtp_ports))
    sip, tls, web, rtp = str(wishes.sip_port), str(wishes.tls_port), str(wishes.web_port), wishes.rtp_ports
    run = str(places.run)
    edge, engine, desk = (str(places.run / f"{name}.sock") for name in ("edge", "engine", "desk"))
    site = ("--site", str(places.site)) if places.site.exists() else ()
    inside = ("--engine-port", engine_port, "--inside-port", inside_port)
    listen = ("--bind", bind, "--sip-port", sip)
    speaks_at = ANY if wishes.also else bind  # the sound library binds all its calls to one address, or to none
    found_at = ("--bind", lan_address() if bind == ANY else bind, "--sip-port", sip)
    sound = ("--sound-ports", f"{rtp.start}-{rtp.stop - 1}")
    also = (word for address in wishes.also for word in ("--bind", address))
    return [
        Part(
            "edge",
            "the telephones' door (edge)",
            "appliance.edge",
            (*listen, *also, "--tls-port", tls, *inside, *sound, "--run", run, "--state", str(places.data / "edge")),
            frozenset({f"udp {sip}", f"tcp {sip}", f"tcp {tls}", f"client {edge}"}),
            ends=2,
            ends_within=0.7,
        ),
        Part(
            "desk",
            "the desk",
            "appliance.supervisor.desk",
            ("--data", str(places.data), "--run", run, *site, *found_at, "--tls-port", tls, "--web-port", web),
            frozenset({f"unix {desk}"}),
            ends=3,
            ends_within=2.0,
        ),
        Part(
            "engine",
            "the sound engine",
            "appliance.engine",
            (
                *("--run", run, *inside, "--rtp-ports", f"{rtp.start}-{rtp.stop - 1}", "--bind", speaks_at),
                *("--recordings", str(places.data / "recordings")),
            ),
            frozenset({f"client {engine}"}),
            ends=1,  # before the edge, through which it says goodbye to the telephones
            ends_within=1.5,
        ),
        *(_virtual_line(name, places) for name in hardware.virtual_lines),
        Part(
            "web",
            "the page",
            "appliance.supervisor.web",
            ("--bind", bind, "--port", web, "--run", run, "--data", str(places.data)),
            frozenset({f"tcp {web}"}),
            ends=0,
            ends_within=0.7,
            nice=5,  # a month's report must not make a telephone stutter
        ),
        *(_demo(listen, places) if wishes.demo else ()),
    ]


def _virtual_line(name: str, places: Places) -> Part:
    """Ends after the desk: a modem that vanishes in mid-call would spoil the call's record."""
    lines = places.run / "lines"
    return Part(
        f"{name}-line",
        f"the virtual line {name}",
        "appliance.lines.virtual",
        ("--name", name, "--dir", str(lines), "--control", str(lines / f"{name}.sock")),
        ends=4,
        ends_within=0.5,
    )


def _demo(listen: tuple[str, ...], places: Places) -> list[Part]:
    module = "appliance.supervisor.demo"
    if find_spec(module) is None:
        raise Trouble("This version has no demo yet.")
    arguments = (*listen, "--run", str(places.run), "--data", str(places.data))
    return [Part("demo", "the demo's callers and operators", module, arguments, ends=0)]


def _welcome(wishes: Wishes, bind: str, places: Places, hardware: Hardware) -> str:
    """What a person needs to know once everything answers."""
    seen_at = lan_address() if bind == ANY else bind
    page = f"http://{in_url(seen_at)}:{wishes.web_port}"
    lines = [f"{line} (in software)" if line in hardware.virtual_lines else line for line in hardware.lines]
    rows = [
        ("The page", f"{page}/"),
        *_owner_rows(places, page),
        ("Telephones", f"register at {seen_at}, port {wishes.sip_port} (UDP, TCP), encrypted {wishes.tls_port} (TLS)"),
        *([("", f"and at {', '.join(wishes.also)}")] if wishes.also else []),
        ("Lines", ", ".join(lines) or "none"),
        *([("Ring the box", f"./qendra virtual-line{_other_data(places)}")] if hardware.virtual_lines else []),
        ("Kept in", str(places.data)),
        ("Listening at", _reach(bind, chosen=bool(wishes.bind))),
        ("To stop", "Ctrl-C" if sys.stdin and sys.stdin.isatty() else f"kill {os.getpid()}"),
    ]
    return "\nQendra is up.\n\n" + "".join(f"  {what:<14}{words}\n" for what, words in rows)


def _other_data(places: Places) -> str:
    """What `virtual-line` has to be told where it would not look by itself."""
    usual = (standard_data(), standard_data("qendra-demo"))
    return "" if places.data in usual else f" --data {shlex.quote(str(places.data))}"


def _owner_rows(places: Places, page: str) -> list[tuple[str, str]]:
    """The one-time link, as long as there is no owner."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        path = places.owner_link.read_text(encoding="ascii").strip()
        if path.startswith("/welcome/"):
            return [("Owner", f"open {page}{path} to make your account; this link works once")]
    return []


def _reach(bind: str, *, chosen: bool) -> str:
    if bind in {LOOPBACK, "::1"}:
        words = f"{bind}: this machine only"
    elif bind in {ANY, "::"}:
        words = "every address of this machine, also any that the internet can reach"
    else:
        words = f"{bind}: the local network"
    return words if chosen else f"{words}; choose another address with --bind"
