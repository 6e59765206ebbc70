"""What a step works with: running tools, showing how far it is, keeping what tools said."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from appliance.setup.errors import ToolFailed
from appliance.setup.places import home

TAIL = 20
"""Lines of a tool's output that are shown when it fails."""

PHASE_MARK = "== "
"""Our own scripts start such a line with each part of their work; it is shown while it goes on."""

NOT_FOR_TOOLS = (
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_USER",
    "PIP_REQUIRE_VIRTUALENV",
)


class Job:
    """One set-up on its way. Everything its tools write goes to one log file, and none of it to the terminal."""

    def __init__(self, log: TextIO, show_phase: Callable[[str], None] = lambda _: None) -> None:
        self._log = log
        self._show_phase = show_phase
        self._phase = ""
        self._entered = self._shown = time.monotonic()
        self.notices: list[str] = []
        """What the person must hear at the end, though nothing failed."""

    def phase(self, what: str) -> None:
        """Show what is being done right now."""
        self.note(f"{PHASE_MARK}{what}")
        self._enter(what)

    def note(self, text: str) -> None:
        """Keep a line in the log only."""
        self._log.write(f"{text}\n")
        self._log.flush()

    def notice(self, text: str) -> None:
        """Keep a text for the end of the set-up, shown loudly."""
        self.note(text)
        self.notices.append(text)

    def call(self, argv: Sequence[str | Path], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
        """Run a program to its end and return the last lines of its output.

        `env` is all that it gets as environment (default: `tool_environment()`). Raises ToolFailed when it ends
        with an error, and FileNotFoundError when there is no such program.
        """
        words = [str(word) for word in argv]
        self.note(f"$ {shlex.join(words)}")
        started = time.monotonic()
        output: list[str] = []
        with subprocess.Popen(
            words,
            env=dict(tool_environment() if env is None else env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                self._follow(process, output)
            except BaseException:
                end_all(process)
                raise
        self.note(f"({time.monotonic() - started:.1f} s)")
        if process.returncode:
            raise ToolFailed(Path(words[0]).name, process.returncode, "\n".join(output))
        return "\n".join(output)

    def _follow(self, process: subprocess.Popen[str], output: list[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._log.write(line)
            output.append(line.rstrip())
            del output[: -10 * TAIL]
            if line.startswith(PHASE_MARK):
                self._enter(line.removeprefix(PHASE_MARK).strip())
            elif time.monotonic() - self._shown >= 1:
                self._show(f"{self._phase}, {time.monotonic() - self._entered:.0f} s")

    def _enter(self, phase: str) -> None:
        self._phase = phase
        self._entered = time.monotonic()
        self._show(phase)

    def _show(self, text: str) -> None:
        self._shown = time.monotonic()
        self._show_phase(text)


def end_all(process: subprocess.Popen[str]) -> None:
    """End a tool and what it started. What runs as the administrator is not ours to end; it finishes by itself."""
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


def tool_environment(**more: str) -> dict[str, str]:
    """The environment for a tool: this one without what would lead tools astray, with what they always need."""
    env = {name: value for name, value in os.environ.items() if name not in NOT_FOR_TOOLS}
    env.setdefault("HOME", str(home()))
    env.update(LC_ALL="C.UTF-8", DEBIAN_FRONTEND="noninteractive", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    return env | more
