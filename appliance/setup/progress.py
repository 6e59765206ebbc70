"""What a person at the terminal sees while set-up works."""

from __future__ import annotations

import time
from typing import TextIO


class Progress:
    """Lines such as `[2/6] Debian packages ......... 12 installed, 31.4 s`.

    On a terminal the line shows what is being done until it is done; elsewhere it is written once.
    """

    def __init__(self, out: TextIO, steps: int) -> None:
        self._out = out
        self._steps = steps
        self._live = out.isatty()
        self._number = 0
        self._title = ""
        self._started = 0.0

    def start(self, title: str) -> None:
        """A step begins."""
        self._number += 1
        self._title = title
        self._started = time.monotonic()
        if self._live:
            self.phase("...")
        else:
            self._write(self._head())

    def phase(self, what: str) -> None:
        """What the step is doing now (shown on a terminal only)."""
        if self._live:
            self._write(f"\r\x1b[K{self._head()}{what}")

    def done(self, result: str) -> None:
        """The step has succeeded."""
        seconds = time.monotonic() - self._started
        took = f", {seconds:.1f} s" if seconds >= 0.1 else ""
        self._end(f"{result}{took}")

    def failed(self) -> None:
        """The step cannot be done; the reason follows in words."""
        self._end("FAILED")

    def say(self, text: str) -> None:
        """A line of its own."""
        self._write(f"{text}\n")

    def _end(self, text: str) -> None:
        self._write(f"\r\x1b[K{self._head()}{text}\n" if self._live else f"{text}\n")

    def _head(self) -> str:
        return f"[{self._number}/{self._steps}] {self._title} ".ljust(36, ".") + " "

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
