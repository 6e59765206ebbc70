"""An edge as a process of its own, with the desk's end of its seam, and sipp beside it."""

from __future__ import annotations

import contextlib
import re
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from appliance.calls.edge import Accounts, Refused, Registered
from appliance.wire.seams import EDGE
from tests.edge.house import accounts
from tests.journeys.processes import free_ports

HERE = Path(__file__).parent
HOUSE = HERE.parent.parent
LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port free for UDP and TCP, that nobody who tests beside us gets meanwhile."""
    return free_ports(1, tcp=1)


class Desk:
    """The desk's end of the edge's seam."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._begun = b""
        self.heard: list[Any] = []
        self.say(EDGE.hello)

    def accept(self, people: Accounts) -> None:
        self.say(people)

    def wait_for(self, word: type, count: int = 1, seconds: float = 10.0, **fields: object) -> list[Any]:
        """All such messages, once there are `count`."""

        def found() -> list[Any]:
            return [
                each for each in self.heard
                if isinstance(each, word) and all(getattr(each, name) == value for name, value in fields.items())
            ]  # fmt: skip

        end = time.monotonic() + seconds
        while len(found()) < count:
            self._hear(end - time.monotonic())
        return found()

    def _hear(self, seconds: float) -> None:
        self._socket.settimeout(max(0.01, seconds))
        data = self._socket.recv(65_536)
        assert data, "the edge has closed the seam"
        *lines, self._begun = (self._begun + data).split(b"\n")
        self.heard += [EDGE.decode(line)[0] for line in lines]

    def close(self) -> None:
        self._socket.close()

    def say(self, message: object) -> None:
        self._socket.sendall(EDGE.encode(message, time.monotonic()))


class Running:
    """One edge on ports of its own."""

    def __init__(self, folder: Path, people: Iterable[str] = ("101", "102")) -> None:
        self.run = folder / "run"
        self.state = folder / "state"
        self.run.mkdir(parents=True, exist_ok=True)
        self.sip, self.tls, self.engine, self.inside = free_port(), free_port(), free_port(), free_port()
        self.bind: tuple[str, ...] = (LOOPBACK,)
        self.log = folder / "log"
        self.folder = folder
        self._people = tuple(people)
        self.process: subprocess.Popen[bytes] | None = None
        self.desk: Desk | None = None

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=HOUSE, stdout=log, stderr=log)

    def remembered(self) -> int:
        """How many telephones it knew when it began, by its log."""
        return int(re.findall(r"(\d+) telephones remembered", self.log.read_text())[-1])

    def start(self, *, with_desk: bool = True) -> None:
        self.launch()
        assert self.process is not None
        end = time.monotonic() + 15
        while True:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, "the edge does not come up"
            with contextlib.suppress(OSError):
                self.desk = Desk(self.run / "edge.sock")
                break
            time.sleep(0.02)
        assert self.desk is not None
        if with_desk:
            self.desk.accept(accounts(self._people))
            end = time.monotonic() + 10
            while b"401" not in ask(self.sip, probe(), 0.5) and time.monotonic() < end:
                time.sleep(0.02)
        else:
            self.desk.close()

    def command(self) -> list[str]:
        ports = [
            "--sip-port",
            self.sip,
            "--tls-port",
            self.tls,
            "--engine-port",
            self.engine,
            "--inside-port",
            self.inside,
        ]
        return [
            sys.executable,
            "-m",
            "appliance.edge",
            *map(str, ports),
            *(word for bind in self.bind for word in ("--bind", bind)),
            "--run",
            str(self.run),
            "--state",
            str(self.state),
        ]

    def stop(self, *, kill: bool = False) -> int:
        """End it; answers the exit code."""
        if self.desk is not None:
            self.desk.close()
            self.desk = None
        if self.process is None:
            return 0
        self.process.kill() if kill else self.process.terminate()
        code = self.process.wait(10)
        self.process = None
        return code

    def sipp(
        self, scenario: str, *more: str, people: Iterable[tuple[str, str]] = (), tcp: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a scenario to its end, as these people with these passwords."""
        command = self._sipp(scenario, people, *more) + (["-t", "t1"] if tcp else [])
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)

    def sipp_beside(
        self, scenario: str, *more: str, people: Iterable[tuple[str, str]] = (), tcp: bool = False
    ) -> subprocess.Popen[str]:
        """The same, while the test goes on; it ends by itself within 20 s."""
        command = self._sipp(scenario, people, *more) + (["-t", "t1"] if tcp else [])
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    @contextlib.contextmanager
    def sipp_engine(self) -> Iterator[None]:
        """Sipp in the engine's place."""
        command = [
            str(shutil.which("sipp")),
            "-sf",
            str(HERE / "sipp" / "engine.xml"),
            "-i",
            LOOPBACK,
            "-p",
            str(self.engine),
            "-nostdin",
        ]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 10
            while not bound(self.engine) and time.monotonic() < end:
                time.sleep(0.02)
            yield
        finally:
            process.kill()
            process.wait(10)

    def _sipp(self, scenario: str, people: Iterable[tuple[str, str]], *more: str) -> list[str]:
        table = self.folder / f"people-{scenario}.csv"
        rows = [f"{who};[authentication username={who} password={password}]" for who, password in people]
        table.write_text("\n".join(["SEQUENTIAL", *rows]) + "\n")
        return [
            str(shutil.which("sipp")), "-sf", str(HERE / "sipp" / f"{scenario}.xml"), "-inf", str(table), "-i", LOOPBACK,
            "-p", str(free_port()), "-m", str(len(rows)), "-nostdin", "-timeout", "20s", "-timeout_error", *more,
            f"{LOOPBACK}:{self.sip}",
        ]  # fmt: skip


def bound(port: int) -> bool:
    """Does somebody have this UDP port on loopback?"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe_socket:
        try:
            probe_socket.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def probe(
    extension: str = "101", *, method: str = "REGISTER", port: int = 9, branch: str = "z9hG4bKp", more: str = ""
) -> bytes:
    """A request without a proof."""
    return (
        f"{method} sip:{LOOPBACK} SIP/2.0\r\nVia: SIP/2.0/UDP {LOOPBACK}:{port};branch={branch};rport\r\n"
        f"From: <sip:{extension}@{LOOPBACK}>;tag=1\r\nTo: <sip:{extension}@{LOOPBACK}>\r\nCall-ID: probe-{branch}\r\n"
        f"CSeq: 1 {method}\r\nMax-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
    ).encode()


def ask(port: int, data: bytes, seconds: float = 10.0) -> bytes:
    """Send one datagram from a port of its own; the answer, or nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((LOOPBACK, 0))
        own.sendto(data, (LOOPBACK, port))
        return heard(own, seconds)


def heard(own: socket.socket, seconds: float = 10.0) -> bytes:
    """The next datagram; nothing when none comes. A neighbour's last sound, to whoever had the port before, is none."""
    end = time.monotonic() + seconds
    while select.select([own], [], [], max(0.0, end - time.monotonic()))[0]:
        data = own.recv(65_535)
        if data[:1] < b"\x80":  # RTP and RTCP begin with version 2 in the topmost bits (RFC 3550)
            return data
    return b""


def failed_calls(output: str) -> int:
    """How many calls of a sipp run failed, by its final screen."""
    found = re.findall(r"Failed call\s*\|\s*\d+\s*\|\s*(\d+)", output)
    return int(found[-1]) if found else -1


__all__ = ["Desk", "Refused", "Registered", "Running", "ask", "bound", "failed_calls", "free_port", "heard", "probe"]
