"""The processes of the box: started at once, watched, started again when one dies, ended in order.

They are forked from one parent that has loaded what they share. Started each by itself they took 300 ms and 91 MB,
forked 175 ms and 64 MB (five of them, x86-64, proportional set size). On the box systemd starts them each by itself;
to the code inside there is no difference.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from appliance.supervisor.logs import keep_small, log_here
from appliance.supervisor.network import signs_of_life
from appliance.supervisor.paths import Places

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15

WATCHED = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
STOP = WATCHED - {signal.SIGCHLD}

LOOK_EVERY = 0.03
"""Seconds between two looks at parts that do not answer yet."""
SLOW = 15.0
"""Seconds after which a part that does not answer is worth a word."""
SAID_ONE_BY_ONE = 3
"""Deaths in a row of a part that works in between; of one that never does, the first."""
LOGS_EVERY = 10.0
PATIENCE = 5.0
"""Seconds all parts together have to end; then they are killed."""
SAID_TWICE = 0.1
"""Seconds in which a second order to stop is the first one once more: `timeout` tells a process, then its group."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the box."""

    name: str
    """Of its log, and of the process in lists: `qendra-NAME`."""
    title: str
    """In sentences: `the sound engine`."""
    module: str
    arguments: tuple[str, ...] = ()
    answers: frozenset[str] = frozenset()
    """The signs of life (`network.signs_of_life`) that all are there when it works."""
    ends: int = 0
    """When the box ends: parts with a lower number first."""
    ends_within: float = 1.0
    """Seconds until the next are told to end as well."""
    nice: int = 0
    """How far it lets others go first (nice(2))."""


class BackOff:
    """When a part that died is started again: at once the first time, then less and less often."""

    FIRST = 0.1
    LONGEST = 30.0
    GOOD_LIFE = 60.0

    def __init__(self) -> None:
        self._began = 0.0
        self._pause = 0.0
        self.in_a_row = 0
        """Deaths without a good life between them."""

    @property
    def well_from(self) -> float:
        """When the part, should it live on, has lived long enough to forget what was before."""
        return self._began + self.GOOD_LIFE

    def started(self, now: float) -> None:
        """The part lives since `now`."""
        self._began = now

    def ended(self, now: float) -> float:
        """The part died; returns the seconds until it should be started again."""
        self.in_a_row = 1 if now >= self.well_from else self.in_a_row + 1
        self._pause = self.FIRST if self.in_a_row == 1 else min(self.LONGEST, 2 * self._pause)
        return self._pause


class Become(BaseException):
    """Raised in a forked child only: unwind to the bottom of the program, and be this part from there."""

    def __init__(self, part: Part, places: Places) -> None:
        super().__init__(part.name)
        self._part = part
        self._places = places

    def live(self) -> None:
        """Run the part's module as `python -m` would; the way out is the interpreter's usual one."""
        log_here(self._places.log / f"{self._part.name}.log")
        logging.getLogger("qendra.supervisor").info("process %s begins", os.getpid())
        sys.argv = [self._part.module, *self._part.arguments]
        runpy.run_module(self._part.module, run_name="__main__", alter_sys=True)


@dataclass(slots=True)
class _Life:
    """What the parent knows of one part."""

    part: Part
    back_off: BackOff = field(default_factory=BackOff)
    pid: int = 0
    starts: int = 0
    since: float = 0.0
    again: float | None = None
    answers: bool = False
    quiet: bool = False
    """It keeps dying; that has been said, and nothing more is until it is well again."""
    slow_said: bool = False


class Box:
    """All parts of one run. Makes no threads: it forks."""

    def __init__(
        self,
        parts: Sequence[Part],
        places: Places,
        say: Callable[[str], None],
        ready: Callable[[], None],
        about: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        """`say` gets one sentence per event; `ready` is called once, when everything answers for the first time.

        `about` is put into box.json as it is.
        """
        self._lives = [_Life(part) for part in parts]
        self._places = places
        self._say = say
        self._ready: Callable[[], None] | None = ready
        self._about = dict(about)
        self._next_logs = 0.0
        self._parent = os.getpid()
        self._ending_since = 0.0

    def run(self) -> None:
        """Start all parts and keep them alive until somebody stops us; returns when all have ended.

        Raises:
            Become: in each child.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        gc.collect()
        gc.freeze()  # a child's collector leaves the pages alone that it shares with us
        for life in self._lives:
            self._start(life)
        while not self._stop_asked():
            now = time.monotonic()
            self._bury(now)
            self._revive(now)
            self._look(now)
            self._rejoice(now)
            self._tend_logs(now)
        self._end()

    def _stop_asked(self) -> bool:
        """Wait until something happens or is due."""
        return self._wait(self._next_due() - time.monotonic()) in STOP

    def _wait(self, seconds: float) -> int | None:
        got = signal.sigtimedwait(WATCHED, max(0.0, seconds))
        return got.si_signo if got else None

    def _next_due(self) -> float:
        dues = [self._next_logs]
        dues += [life.back_off.well_from for life in self._lives if life.quiet and life.pid]
        for life in self._lives:
            if life.again is not None:
                dues.append(life.again)
            elif not life.answers:
                now = time.monotonic()
                dues.append(now + (LOOK_EVERY if now - life.since < SLOW else 1.0))
        return min(dues)

    def _start(self, life: _Life) -> None:
        now = time.monotonic()
        life.back_off.started(now)
        life.again, life.since = None, now
        life.answers, life.slow_said = not life.part.answers, False
        life.starts += 1
        pid = os.fork()
        if pid == 0:
            self._prepare_child(life.part)
            raise Become(life.part, self._places)
        life.pid = pid
        self._tell_who_runs()

    def _prepare_child(self, part: Part) -> None:
        """A session of its own (Ctrl-C is for the parent), an end with the parent's, a name, no terminal to read."""
        os.setsid()
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != self._parent:
            os._exit(0)
        libc.prctl(PR_SET_NAME, f"qendra-{part.name}".encode()[:15], 0, 0, 0)
        os.nice(part.nice)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def _bury(self, now: float) -> None:
        """Take note of every child that has died."""
        dead = self._dead()
        for pid, status in dead:
            for life in self._lives:
                if life.pid == pid:
                    life.pid = 0
                    life.again = now + life.back_off.ended(now)
                    self._mourn(life, status, life.again - now)
        if dead:
            self._tell_who_runs()

    def _dead(self) -> list[tuple[int, int]]:
        found = []
        with contextlib.suppress(ChildProcessError):
            while (one := os.waitpid(-1, os.WNOHANG))[0]:
                found.append(one)
        return found

    def _mourn(self, life: _Life, status: int, pause: float) -> None:
        """One plain sentence. Of a part that keeps dying, one more, and then no more until it is well again."""
        deaths = life.back_off.in_a_row
        if life.quiet and deaths > 1:
            return
        life.quiet = deaths > SAID_ONE_BY_ONE or (deaths > 1 and not life.answers)
        how = ended_how(status)
        if life.quiet:
            words = f"{life.part.title} keeps stopping ({how}); I go on trying, ever less often."
        else:
            words = f"{life.part.title} stopped unexpectedly ({how}); starting it again in {pause:.1f} s."
        if life.quiet or not os.WIFSIGNALED(status):
            words += f" Its log: {self._places.log / life.part.name}.log"
        self._say(words)

    def _rejoice(self, now: float) -> None:
        """Tell of those that kept dying and have been well for a while."""
        for life in self._lives:
            if life.quiet and life.pid and now >= life.back_off.well_from:
                life.quiet = False
                self._say(f"{life.part.title} works again.")

    def _revive(self, now: float) -> None:
        for life in self._lives:
            if life.again is not None and life.again <= now:
                self._start(life)

    def _look(self, now: float) -> None:
        """Which of those that were started answer by now?"""
        waiting = [life for life in self._lives if life.pid and not life.answers]
        if waiting:
            seen = signs_of_life()
            for life in waiting:
                if life.part.answers <= seen:
                    self._welcome(life, now)
                elif now - life.since > SLOW and not life.slow_said:
                    life.slow_said = True
                    log = self._places.log / f"{life.part.name}.log"
                    self._say(f"{life.part.title} does not answer yet, {SLOW:.0f} s after its start. Its log: {log}")
        if self._ready and all(life.answers for life in self._lives):
            ready, self._ready = self._ready, None
            ready()

    def _welcome(self, life: _Life, now: float) -> None:
        life.answers = True
        self._tell_who_runs()
        if life.starts > 1 and not life.quiet:
            self._say(f"{life.part.title} is back ({now - life.since:.1f} s after its new start).")

    def _tend_logs(self, now: float) -> None:
        if now >= self._next_logs:
            self._next_logs = now + LOGS_EVERY
            for life in self._lives:
                keep_small(self._places.log / f"{life.part.name}.log")
            keep_small(self._places.log / "box.log")

    def _tell_who_runs(self) -> None:
        """Write box.json, whole or not at all. A full disk is no reason to stop."""
        parts = {
            life.part.name: {"pid": life.pid, "starts": life.starts, "answers": bool(life.pid) and life.answers}
            for life in self._lives
        }
        with contextlib.suppress(OSError):
            new = self._places.box.with_suffix(".new")
            new.write_text(json.dumps({"pid": self._parent, **self._about, "parts": parts}), encoding="utf-8")
            new.replace(self._places.box)

    def _end(self) -> None:
        """End all parts, in their order; who does not end in time is killed. Asked a second time, kill at once."""
        self._ending_since = time.monotonic()
        give_up = self._ending_since + PATIENCE
        for stage in sorted({life.part.ends for life in self._lives}):
            leaving = [life for life in self._lives if life.pid and life.part.ends == stage]
            for life in leaving:
                _signal(life.pid, signal.SIGTERM)
            longest = max((life.part.ends_within for life in leaving), default=0.0)
            if not self._gone(leaving, min(give_up, time.monotonic() + longest)):
                give_up = 0.0
        self._gone(self._lives, give_up)
        for life in self._lives:
            if life.pid:
                self._say(f"{life.part.title} did not end by itself and was killed.")
                _signal(life.pid, signal.SIGKILL)
                os.waitpid(life.pid, 0)

    def _gone(self, leaving: Sequence[_Life], until: float) -> bool:
        """Wait for these to end, until then at most. False: somebody is in a hurry."""
        while True:
            dead = {pid for pid, _ in self._dead()}
            for life in self._lives:
                if life.pid in dead:
                    life.pid = 0
            left = until - time.monotonic()
            if left <= 0 or not any(life.pid for life in leaving):
                return True
            if self._wait(left) in STOP and time.monotonic() > self._ending_since + SAID_TWICE:
                return False


def ended_how(status: int) -> str:
    """What `waitpid` says, in words."""
    if os.WIFSIGNALED(status):
        return f"killed by signal {os.WTERMSIG(status)}"
    code = os.waitstatus_to_exitcode(status)
    return f"it ended with an error, status {code}" if code else "it ended by itself"


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
