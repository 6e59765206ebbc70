"""A provider made of sipp: a registrar that takes calls and sends the sound back, and callers who come over it."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from tests.journeys.processes import LOOPBACK, Program, free_ports, wait_for

SCENARIOS = Path(__file__).parent / "scenarios"
USER, PASSWORD = "shop", "secret"


class FakeProvider:
    """One provider, at one address."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        self.port = free_ports(4)
        self._seen: list[str] = []
        self._callers: list[Program] = []
        self.program = self._sipp("provider", self.port, "-trace_logs", "-log_file", str(self.folder / "calls"))

    def line(self, name: str, *more: str) -> str:
        """It as a line of the box, for a site file."""
        keys = (
            'kind = "sip"', 'domain = "example.com"', f'proxy = "{LOOPBACK}:{self.port}"', f'user = "{USER}"',
            f'password = "{PASSWORD}"', f'addresses = ["{LOOPBACK}"]', "ping_seconds = 1", *more,
        )  # fmt: skip
        return "\n".join((f"[lines.{name}]", *keys, ""))

    def calls(self) -> list[str]:
        """Whom it was asked to call, and for whom: `called 355690000002 by shop`."""
        log = self.folder / "calls"
        return [line.strip() for line in log.read_text().splitlines() if "called" in line] if log.exists() else []

    def is_called(self, seconds: float = 15.0) -> str:
        """Wait for the next call to it."""
        before = len(self._seen)
        self._seen += wait_for("the provider is called", lambda: self.calls()[before:], seconds)[:1]
        return self._seen[-1]

    def caller(self, number: str, box: tuple[str, int]) -> Program:
        """Somebody dials this number of ours."""
        arguments = ["-s", number, "-m", "1", f"{box[0]}:{box[1]}"]
        self._callers.append(self._sipp("caller", free_ports(4), *arguments))
        return self._callers[-1]

    def falls_silent(self) -> None:
        self.program.process.send_signal(signal.SIGSTOP)

    def close(self) -> None:
        for program in (self.program, *self._callers):
            program.process.kill()
            program.process.wait()

    def _sipp(self, scenario: str, port: int, *more: str) -> Program:
        found = shutil.which("sipp")
        assert found, "sipp is missing: apt-get install sip-tester"
        arguments: list[str | Path] = [found, "-sf", SCENARIOS / f"{scenario}.xml", "-i", LOOPBACK, "-p", str(port)]
        arguments += ["-mp", str(port + 2), "-rtp_echo", "-nostdin", "-deadcall_wait", "0", *more]
        return Program(f"sipp {scenario}", arguments, self.folder / f"{scenario}-{port}.log", folder=self.folder)
