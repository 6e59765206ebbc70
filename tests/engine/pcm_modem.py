"""The sound side of a modem on a pty: its own clock, its own habits, and a small buffer it counts overruns of."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import tty
from collections.abc import Callable

import numpy as np

from tests.engine.tones import Samples, tone


class PcmModem:
    def __init__(
        self,
        rate: int = 8000,
        ppm: float = 0.0,
        burst: int = 1,
        chop: Callable[[bytes], list[bytes]] = lambda data: [data],
    ) -> None:
        self.rate = rate
        self._period = burst * 0.02 / (1 + ppm / 1e6)
        self._burst = burst
        self._chop = chop
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self._slave = slave
        os.set_blocking(self.master, False)
        self._heard: list[bytes] = []
        self._voice = np.zeros(rate, np.int16)
        self._at = 0
        self.silent = False
        self.deaf = False
        """Does not take what it is sent."""
        self._running = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """From now on it sends and takes sound, as in a call."""
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def talk(self, hertz: float, loudness: float = 8000) -> None:
        self._voice = tone(hertz, 1.0, loudness, self.rate)

    def say(self, samples: Samples) -> None:
        """Say this once, then be silent for the rest of a minute."""
        voice = np.zeros(self.rate * 60, np.int16)
        voice[: len(samples)] = samples
        self._at = 0
        self._voice = voice

    def _run(self) -> None:
        due = time.monotonic()
        while self._running:
            if not self.silent:
                for piece in self._chop(self._next(self._burst * self.rate // 50)):
                    self._write(piece)
            if not self.deaf:
                self._collect()
            due += self._period
            time.sleep(max(0.0, due - time.monotonic()))

    def _next(self, count: int) -> bytes:
        at = np.arange(self._at, self._at + count) % len(self._voice)
        self._at += count
        return self._voice[at].tobytes()

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self.master, data)

    def _collect(self) -> None:
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self._heard.append(data)

    @property
    def bytes_heard(self) -> int:
        return sum(map(len, self._heard))

    def heard(self, seconds: float = 0.5) -> Samples:
        data = b"".join(self._heard)
        data = data[: len(data) - len(data) % 2]
        return np.frombuffer(data, "<i2")[-int(self.rate * seconds) :]

    def forget(self) -> None:
        self._heard.clear()

    def stale(self, count: int) -> None:
        """Sound left over from the last call, in both directions."""
        os.write(self.master, b"\x11\x22" * (count // 2))

    def unplug(self) -> None:
        self.stop()
        os.close(self.master)
        self.master = -1

    def stop(self) -> None:
        self._running = False
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        self.stop()
        for descriptor in (self.master, self._slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
