"""A real box on loopback, with data of its own that is gone with it."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
PATIENCE = 60.0
"""Seconds until everything answers; a first start makes its keys and speaks its sentences."""
ENDS_WITHIN = 15.0


class NoBox(Exception):
    """The box did not come up; says what it said."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box that is up."""

    pid: int
    sip: tuple[str, int]
    recordings: Path


@contextlib.contextmanager
def running(site: str) -> Iterator[Box]:
    """A box with this site file, from the moment everything answers; ended on leaving.

    Raises:
        NoBox: it ended, or did not answer in time.
    """
    with tempfile.TemporaryDirectory(prefix="qendra-bench-") as folder:
        place = Path(folder)
        (place / "site.toml").write_text(site, encoding="utf-8")
        sip, tls, web = _free_port(), _free_port(), _free_port()
        first = random.Random().randrange(12_000, 30_000, 2)
        command = [
            *(sys.executable, "-I", "-m", "appliance.supervisor.cli", "run"),
            *("--site", str(place / "site.toml"), "--data", str(place / "data"), "--bind", HOST),
            *(
                "--sip-port",
                str(sip),
                "--tls-port",
                str(tls),
                "--web-port",
                str(web),
                "--rtp-ports",
                f"{first}-{first + 999}",
            ),
        ]
        with (place / "said").open("w") as said:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        try:
            _wait_until_up(process, place / "said")
            yield Box(process.pid, (HOST, sip), place / "data" / "recordings")
        finally:
            _end(process)


def _wait_until_up(process: subprocess.Popen[bytes], said: Path) -> None:
    until = time.monotonic() + PATIENCE
    while "Qendra is up." not in said.read_text():
        if process.poll() is not None or time.monotonic() > until:
            what = "ended" if process.poll() is not None else f"was not up after {PATIENCE:.0f} s"
            raise NoBox(f"The box {what}. It said:\n{said.read_text()}")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    """A port nobody has, over UDP and TCP, a moment ago."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            stream.bind((HOST, 0))
            port = int(stream.getsockname()[1])
            with contextlib.suppress(OSError):
                datagram.bind((HOST, port))
                return port
