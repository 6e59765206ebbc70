"""An engine under test: the real process, with this test as its desk and its edge."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from appliance.calls import commands, events
from appliance.calls.engine import CallDevice
from appliance.calls.names import CallId, Extension, LegId
from appliance.wire.seams import ENGINE
from tests.engine.peer import Edge, Phone

EventT = TypeVar("EventT")

HOUSE = Path(__file__).parent.parent.parent


class Desk:
    """One connection to the engine's seam."""

    def __init__(self, path: Path, seconds: float = 30.0) -> None:
        self.events: list[Any] = []
        self._news = threading.Condition()
        self.socket = _connected(path, seconds)
        self.socket.sendall(ENGINE.encode(ENGINE.hello, 0.0))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            for line in self.socket.makefile("rb"):
                message, _ = ENGINE.decode(line)
                with self._news:
                    self.events.append(message)
                    self._news.notify_all()

    def tell(self, *messages: object) -> None:
        self.socket.sendall(b"".join(ENGINE.encode(message, time.monotonic()) for message in messages))

    def hears(
        self, kind: type[EventT], wanted: Callable[[EventT], bool] = lambda _: True, seconds: float = 5.0
    ) -> EventT:
        """The first event of that kind, waiting for it if need be."""
        until = time.monotonic() + seconds
        with self._news:
            while True:
                for event in self.events:
                    if isinstance(event, kind) and wanted(event):
                        return event
                if not self._news.wait(max(0.0, until - time.monotonic())):
                    raise AssertionError(f"no such {kind.__name__}; heard {self.events[-20:]}")

    def count(self, kind: type[EventT], wanted: Callable[[EventT], bool] = lambda _: True) -> int:
        return sum(isinstance(event, kind) and wanted(event) for event in list(self.events))

    def silent_about(self, kind: type[EventT], wanted: Callable[[EventT], bool], seconds: float = 0.3) -> None:
        time.sleep(seconds)
        assert not self.count(kind, wanted), self.events[-20:]

    def leave(self) -> None:
        """Go in good order: what is on its way still arrives."""
        self.socket.shutdown(socket.SHUT_WR)
        self._thread.join(5)
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def _connected(path: Path, seconds: float) -> socket.socket:
    until = time.monotonic() + seconds
    while True:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            client.connect(str(path))
        except OSError:
            client.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return client


class Bench:
    """The engine's process, its edge, and one desk."""

    def __init__(self, folder: Path, *options: str, bind: str = "127.0.0.1", within: tuple[str, ...] = ()) -> None:
        """`within`: a command that runs the engine, given behind it."""
        self.folder = folder
        self.within = within
        self.recordings = folder / "recordings"
        self.edge = Edge()
        self.edge.engine_port = free_udp_port()
        first = random.randrange(11000, 28000, 2)
        self.rtp = (first, first + 599)
        self.arguments = [
            "--run", str(folder), "--engine-port", str(self.edge.engine_port), "--inside-port", str(self.edge.port),
            "--rtp-ports", f"{self.rtp[0]}-{self.rtp[1]}", "--bind", bind, "--recordings", str(self.recordings), *options,
        ]  # fmt: skip
        self.log = folder / "engine.log"
        self.process = self.start()
        try:
            self.desk = Desk(folder / "engine.sock")
        except OSError:
            self.process.kill()
            self.process.wait(10)
            raise
        self._leg = 0
        self._made: set[LegId] = set()
        self.log_from = 0

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self.within, sys.executable, "-m", "appliance.engine", *self.arguments],
                cwd=HOUSE,
                stderr=log,
                stdout=log,
            )

    def new_leg(self) -> LegId:
        self._leg += 1
        leg = LegId(f"leg-{self._leg}")
        self._made.add(leg)
        return leg

    def call_in(self, dialled: str = "600", extension: str = "101") -> tuple[Phone, LegId]:
        """A telephone calls; the engine has reported it."""
        phone = self.edge.phone()
        known = {event.leg for event in list(self.desk.events) if isinstance(event, events.PhoneRang)}
        phone.dial(extension, dialled)
        rang = self.desk.hears(events.PhoneRang, lambda event: event.leg not in known)
        return phone, rang.leg

    def call_in_answered(self, dialled: str = "600", extension: str = "101") -> tuple[Phone, LegId]:
        phone, leg = self.call_in(dialled, extension)
        self.desk.tell(commands.Answer(leg))
        self.answered(leg)
        return phone, leg

    def call_out(self, extension: str = "102") -> tuple[Phone, LegId]:
        leg = self.new_leg()
        self.desk.tell(CallDevice(leg, Extension(extension), "dev-2", "101"))
        return self.edge.next_invite(), leg

    def call_out_answered(self, extension: str = "102") -> tuple[Phone, LegId]:
        phone, leg = self.call_out(extension)
        phone.answer()
        self.answered(leg)
        return phone, leg

    def ended(self, leg: LegId, seconds: float = 5.0) -> events.LegEnded:
        return self.desk.hears(events.LegEnded, lambda event: event.leg == leg, seconds)

    def answered(self, leg: LegId, seconds: float = 5.0) -> None:
        self.desk.hears(events.LegAnswered, lambda event: event.leg == leg, seconds)

    def recorded(self, call: CallId, seconds: float = 5.0) -> events.RecordingEnded:
        return self.desk.hears(events.RecordingEnded, lambda event: event.call == call, seconds)

    def begin(self) -> None:
        """A new test: nothing has been heard yet."""
        self.desk.events.clear()
        while not self.edge.invited.empty():
            self.edge.invited.get()
        self.log_from = self.log.stat().st_size
        for path in sorted(self.recordings.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    def clear(self) -> None:
        """End what the test has left; every leg must go."""
        for leg in self._new_desk():
            self.desk.tell(commands.Hangup(leg))
            self.ended(leg)
        assert self._new_desk() == []
        self._made.clear()
        for phone in self.edge.calls.values():
            phone.close()
        assert "Traceback" not in self.said

    def _new_desk(self) -> list[LegId]:
        """Come back as a desk that knows nothing; returns the legs there are."""
        self.desk.close()
        self.desk = Desk(self.folder / "engine.sock")
        return [leg.leg for leg in self.desk.hears(events.EngineUp).legs]

    @property
    def said(self) -> str:
        """What the engine has logged since the test began."""
        return self.log.read_text()[self.log_from :]

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> float:
        """SIGTERM; returns how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        return time.monotonic() - began

    def close(self) -> None:
        self.desk.close()
        if self.alive:
            self.process.kill()
            self.process.wait(10)
        self.edge.close()


@contextlib.contextmanager
def bench(folder: Path, *options: str, bind: str = "127.0.0.1", within: tuple[str, ...] = ()) -> Iterator[Bench]:
    place = Bench(folder, *options, bind=bind, within=within)
    try:
        place.desk.hears(events.EngineUp, seconds=30)
        yield place
        assert place.alive, place.log.read_text()
        assert "Traceback" not in place.log.read_text(), place.log.read_text()
    finally:
        place.close()


def free_udp_port() -> int:
    """Outside the range from which the system gives ports away: a killed engine must find its own free again."""
    while True:
        port = random.randrange(28700, 32700)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Proportional set size."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("no Pss in smaps_rollup")
