"""The whole box, started as a person starts it, and what a person finds in it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from appliance.calls.lookup import CallQuery
from appliance.calls.record import CallRecord
from appliance.edge.certificates import describe
from appliance.store.calls import CallArchive
from appliance.store.tasks import Task, TaskShelf
from tests.journeys.hearing import Samples, read_wav
from tests.journeys.processes import LOOPBACK, Program, free_ports, wait_for
from tests.journeys.wire import Wire

HOUSE = Path(__file__).parents[2]
RTP_PORTS = 160
"""Enough for thirty conversations."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a box listens."""

    sip: int
    tls: int
    web: int
    first_rtp: int
    last_rtp: int

    @classmethod
    def free(cls, rtp: int = RTP_PORTS) -> Ports:
        first = free_ports(3 + rtp)
        return cls(first, first + 1, first + 2, first + 3, first + 2 + rtp)


class Box:
    """`./qendra run`, as set-up leaves it: the same command line, on loopback and ports of its own."""

    host = LOOPBACK
    """Where telephones and the page find it."""
    also = ""
    """Where telephones find it as well: an IPv6 address."""
    wire: ClassVar[Wire | None] = None
    """Who writes down what boxes say; nobody, outside of a test run."""

    def __init__(self, folder: Path, site: str = "", *, data: Path | None = None, ports: Ports | None = None) -> None:
        """`site` is the text of a site file; without one it is the first firm of a new box. Nothing is started yet."""
        self.folder = folder
        self.home = data or folder / "data"
        """Its data folder, as it is told."""
        self.ports = ports or Ports.free()
        self.site = folder / "site.toml" if site else None
        if self.site:
            folder.mkdir(parents=True, exist_ok=True)
            self.site.write_text(site, encoding="utf-8")
        self.program: Program | None = None
        self.word = "run"
        """How it is started: `run`, or `demo`."""

    # ---- its life

    def command(self, word: str = "") -> list[str | Path]:
        """What a person would type after `./qendra`, with the Python that set-up made."""
        ports = self.ports
        return [
            sys.executable,
            *("-m", "appliance.supervisor.cli", word or self.word, "--data", self.home, "--bind", self.host),
            *(("--bind", self.also) if self.also else ()),
            *("--sip-port", str(ports.sip), "--tls-port", str(ports.tls), "--web-port", str(ports.web)),
            *("--rtp-ports", f"{ports.first_rtp}-{ports.last_rtp}"),
            *(("--site", self.site) if self.site else ()),
        ]

    def start(self, seconds: float = 20.0) -> Box:
        """Start it, and wait until it says that it is up."""
        self.begin()
        wait_for("Qendra is up", self._is_up, seconds)
        return self

    def begin(self) -> Program:
        """Start it and wait for nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "terminal"
        if self.wire is not None:
            self.wire.listen(self.ports.sip)
        self.program = Program("box", self.command(), log, folder=HOUSE, signal_at_our_end="TERM")
        return self.program

    def _is_up(self) -> bool:
        assert self.program is not None
        assert self.program.alive, f"the box ended by itself:\n{self.program.words}"
        return "Qendra is up" in self.program.words

    def refuses_to_start(self, seconds: float = 15.0) -> str:
        """Start it, expecting that it cannot be started: what it says about that."""
        program = self.begin()
        status = program.wait(seconds)
        assert status == 2, f"status {status}:\n{program.words}"
        assert "Traceback" not in program.words
        return program.words

    def stop(self) -> str:
        """End it as systemd or Ctrl-C would; everything has to end cleanly. What it said in all."""
        assert self.program is not None
        pids = [pid for pid in self.pids().values() if pid]
        self.program.process.send_signal(signal.SIGTERM)
        status = self.program.wait(10.0)
        words = self.program.words
        assert status == 0, f"status {status}:\n{words}"
        assert "did not end by itself" not in words, words
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()], "a part lives on"
        return words

    def end(self) -> None:
        """Whatever its state: nothing of it is left."""
        if self.program is not None and self.program.alive:
            pids = list(self.pids().values())
            self.program.end(8.0)
            for pid in pids:
                if pid and Path(f"/proc/{pid}").exists():
                    os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """The end of the story."""
        self.end()

    # ---- what it tells

    @property
    def words(self) -> str:
        """What it said at the terminal."""
        assert self.program is not None
        return self.program.words

    @property
    def page(self) -> str:
        return f"http://{self.host}:{self.ports.web}"

    @property
    def telephones(self) -> tuple[str, int]:
        """Where telephones register."""
        return self.host, self.ports.sip

    @property
    def encrypted_telephones(self) -> tuple[str, int]:
        """Where those register that speak TLS."""
        return LOOPBACK, self.ports.tls

    @property
    def authority(self) -> str:
        """What a telephone has to trust (PEM), as the page gives it away."""
        known = describe(self.data / "edge")
        assert known, "the box has no certificate"
        return known.authority

    @property
    def owner_link(self) -> str:
        """As printed for the owner."""
        found = re.search(r"(http://\S+/welcome/\S+)", self.words)
        assert found, self.words
        return found[1]

    def logs(self) -> str:
        """Everything it wrote down, for whoever has to find out what went wrong."""
        logs = {"terminal": self.words if self.program else ""}
        for log in sorted((self.data / "log").glob("*.log")):
            logs[log.name] = log.read_text(encoding="utf-8", errors="replace")[-20_000:]
        return "\n".join(f"=== {name}\n{words}" for name, words in logs.items())

    def log(self, part: str) -> str:
        return (self.data / "log" / f"{part}.log").read_text(encoding="utf-8", errors="replace")

    # ---- its parts

    @property
    def data(self) -> Path:
        """Its data folder, as we see it."""
        return self.home

    @property
    def run(self) -> Path:
        return self.data / "run"

    def pids(self) -> dict[str, int]:
        """Who runs as which process; 0 for who does not."""
        try:
            told: dict[str, Any] = json.loads((self.run / "box.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {name: part["pid"] for name, part in told["parts"].items()}

    def kill(self, part: str) -> float:
        """Kill -9; the monotonic second of it."""
        pid = self.pids()[part]
        assert pid, f"{part} does not run"
        at = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        return at

    def power_cut(self) -> None:
        """Everything stops in the same instant."""
        assert self.program is not None
        for pid in (self.program.process.pid, *filter(None, self.pids().values())):
            os.kill(pid, signal.SIGKILL)
        self.program.wait(5.0)

    def is_back(self, title: str, seconds: float = 15.0) -> float:
        """Wait for the sentence at the terminal; returns the monotonic second it was seen at."""
        wait_for(f"{title} is back", lambda: f"{title} is back" in self.words, seconds, every=0.01)
        return time.monotonic()

    # ---- its books, read as the page's process reads them

    def records(self) -> tuple[CallRecord, ...]:
        """Calls that are over, the newest first."""
        archive = CallArchive(self.data / "calls")
        try:
            return archive.search(CallQuery(limit=1000)).calls
        finally:
            archive.close()

    def record(self, fits: Callable[[CallRecord], bool], seconds: float = 15.0) -> CallRecord:
        """The one record that fits, once it is there with its recording closed.

        Raises:
            TooLate: there is none.
        """

        def look() -> CallRecord | None:
            found = [one for one in self.records() if fits(one)]
            assert len(found) < 2, found
            return found[0] if found and is_whole(found[0]) else None

        return wait_for("the call's record", look, seconds, every=0.1)

    def open_tasks(self) -> list[Task]:
        """Lost callers nobody has spoken with."""
        shelf = TaskShelf(self.data / "tasks.tdb", follow=True)
        try:
            return shelf.open()
        finally:
            shelf.close()

    def recording(self, record: CallRecord) -> tuple[Samples, Samples]:
        """What the caller said, and what the other said."""
        assert record.recording, record
        left, right = read_wav(self.data / "recordings" / f"{record.recording}.wav")
        return left, right


def is_whole(record: CallRecord) -> bool:
    """Nothing will be added any more."""
    return bool(record.ended) and (not record.recording or any(step.what == "recording_kept" for step in record.steps))


def story(record: CallRecord) -> list[str]:
    """The steps in short, for comparing: `operator_missed 101 no answer`."""
    return [" ".join(word for word in (step.what, step.who, step.detail) if word) for step in record.steps]


def run_and_read(arguments: list[str | Path], seconds: float = 20.0) -> tuple[int, str]:
    """A command that ends by itself: its status and all it said."""
    words = [str(one) for one in arguments]
    done = subprocess.run(words, cwd=HOUSE, capture_output=True, text=True, timeout=seconds, check=False)
    return done.returncode, done.stdout + done.stderr
