"""Processes and ports of a journey: whatever is started here ends with the test, however the test ends."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

LOOPBACK = "127.0.0.1"
Found = TypeVar("Found")

_dice = random.Random(os.getpid() ^ time.monotonic_ns())
_taken: set[int] = set()


class TooLate(AssertionError):
    """Something that had to happen did not happen in time."""


def wait_for(what: str, look: Callable[[], Found | None], seconds: float = 15.0, every: float = 0.05) -> Found:
    """What `look` finds, as soon as it finds something; falsy things are not found.

    Raises:
        TooLate: it found nothing in time.
    """
    give_up = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > give_up:
            raise TooLate(f"not within {seconds:.0f} s: {what} (last seen: {found!r})")
        time.sleep(every)


def free_ports(count: int, *, tcp: int = 2) -> int:
    """The first of `count` ports in a row that nobody has, the first `tcp` of them free for TCP as well.

    They lie below those the kernel gives out by itself, so that nobody gets one of them by accident meanwhile; of two
    who test at a time, each has a half.
    """
    lowest = 21500 if os.environ.get("PYTEST_XDIST_WORKER", "") == "gw1" else 11000
    for attempt in range(400):
        if attempt == 200:
            _taken.clear()  # nearly all of them belonged to tests that are over
        first = _dice.randrange(lowest, lowest + 10500 - count)
        wanted = range(first, first + count)
        if _taken.isdisjoint(wanted) and all(_is_free(port, tcp=port < first + tcp) for port in wanted):
            _taken.update(wanted)
            return first
    raise TooLate(f"no {count} free ports in a row on this machine")


def _is_free(port: int, *, tcp: bool) -> bool:
    kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM) if tcp else (socket.SOCK_DGRAM,)
    for kind in kinds:
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                return False
    return True


class Program:
    """A process of ours that is killed when we die, and whose words are kept."""

    def __init__(
        self,
        name: str,
        arguments: list[str | Path],
        log: Path,
        *,
        folder: Path | None = None,
        signal_at_our_end: str = "KILL",
    ) -> None:
        """`folder` is where it works; else where we do."""
        self.name = name
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", signal_at_our_end, *map(str, arguments)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def words(self) -> str:
        """All it has said."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def wait(self, seconds: float) -> int:
        """Its exit status.

        Raises:
            TooLate: it lives on.
        """
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise TooLate(f"{self.name} did not end within {seconds:.0f} s") from error

    def end(self, seconds: float = 3.0) -> None:
        """Ask it to end, and kill it when it does not."""
        if self.alive:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
