"""Procedures on one AT port: a procedure asks and waits as if it were alone, and is still only data and time.

A procedure is a generator: it yields a `Command` or a `Pause` and is given the `Reply`. Several run at once; their
commands queue up in the AT engine. Nothing here reads a clock.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from appliance.calls.timers import Timers
from appliance.lines.at import AtEngine, AtEvent, Command, Replied, Reply, Unsolicited
from appliance.lines.effects import Effect, Posted, Reopen, WriteBytes

log = logging.getLogger("qendra.lines")


@dataclass(frozen=True, slots=True)
class Pause:
    """Go on after so many seconds."""

    seconds: float


Found = TypeVar("Found")
Asking: TypeAlias = Generator[Command | Pause, Reply, Found]
"""A part of a procedure that finds something out; used with `yield from`."""

Procedure: TypeAlias = Asking[None]
"""Ends without a value: what it found out, it has told the objects it works for."""

_WOKEN = Reply(Command(""), "OK")


def ask(command: Command | str) -> Asking[Reply]:
    """Ask and wait for the answer.

    In a procedure: `reply = yield from ask("AT+CSQ")`.
    """
    return (yield Command(command) if isinstance(command, str) else command)


def pause(seconds: float) -> Procedure:
    """Let time pass."""
    yield Pause(seconds)


class Talk:
    """The conversation with one modem: its engine, the procedures that use it, and what has come of them."""

    def __init__(self, name: str) -> None:
        """`name` is what the log calls the line."""
        self.now = 0.0
        """The instant being handled."""
        self._name = name
        self._at = AtEngine()
        self._running: dict[str, Procedure] = {}
        self._asked: dict[int, tuple[str, Procedure]] = {}
        self._pauses: Timers[str] = Timers()
        self._out: list[Effect] = []
        self._inside: list[Procedure] = []
        """Those being stepped: one may stop or start others, and itself."""

    def start(self, name: str, procedure: Procedure) -> None:
        """Run a procedure, instead of a running one of the same name."""
        self.stop(name)
        self._running[name] = procedure
        self._step(name, procedure, None)

    def stop(self, *names: str) -> bool:
        """End these procedures. True when each had begun nothing yet: no command of theirs has been written."""
        unsaid = True
        for name in names:
            unsaid = self._stop(name) and unsaid
        return unsaid

    def runs(self, name: str) -> bool:
        return name in self._running

    def say(self, posted: Posted | Reopen) -> None:
        """Tell the wiring or the driver."""
        self._out.append(posted)

    def write(self, data: bytes) -> None:
        """Send past the queue."""
        self._at.write(data)

    def receive(self, data: bytes) -> list[AtEvent]:
        events = self._at.receive(data, self.now)
        for event in events:
            match event:
                case Unsolicited(line=line):
                    log.debug("%s < %s", self._name, line)
                case Replied(reply=reply):
                    log.debug("%s < %s", self._name, " | ".join((*reply.lines, reply.result)))
        return events

    def tick(self) -> list[AtEvent]:
        """Wake the procedures whose pause is over; the answers that did not come are returned."""
        for name in self._pauses.due(self.now):
            if procedure := self._running.get(name):
                self._step(name, procedure, _WOKEN)
        return self._at.tick(self.now)

    def next_deadline(self) -> float | None:
        deadlines = [at for at in (self._at.next_deadline(), self._pauses.next()) if at is not None]
        return min(deadlines, default=None)

    def replied(self, event: Replied) -> None:
        """Hand an answer to the procedure that asked, if it still runs."""
        name, procedure = self._asked.pop(event.ticket, ("", None))
        if procedure is not None and self._running.get(name) is procedure:
            self._step(name, procedure, event.reply)

    def hang_up_on_modem(self) -> None:
        """Forget every command that was asked or waits; their procedures must have been stopped."""
        self._at.abandon()
        self._asked.clear()

    def take(self) -> list[Effect]:
        """Everything since the last call: bytes to write come first, a Reopen may close their port."""
        out, self._out = self._out, []
        data = self._at.to_write()
        return [WriteBytes(data), *out] if data else out

    def _step(self, name: str, procedure: Procedure, reply: Reply | None) -> None:
        self._inside.append(procedure)
        try:
            wish = next(procedure) if reply is None else procedure.send(reply)
        except StopIteration:
            if self._running.get(name) is procedure:
                del self._running[name]
            return
        finally:
            self._inside.pop()
        if self._running.get(name) is not procedure:  # it was stopped by what it did itself
            procedure.close()
            return
        match wish:
            case Command():
                log.debug("%s > %s", self._name, wish.shown)
                self._asked[self._at.ask(wish, self.now)] = (name, procedure)
            case Pause(seconds=seconds):
                self._pauses.set(name, self.now + seconds)

    def _stop(self, name: str) -> bool:
        procedure = self._running.pop(name, None)
        if procedure is None:
            return False
        unsaid = name in self._pauses
        self._pauses.cancel(name)
        for ticket in [ticket for ticket, (_, asker) in self._asked.items() if asker is procedure]:
            del self._asked[ticket]
            unsaid = self._at.withdraw(ticket)
        if procedure not in self._inside:
            procedure.close()
        return unsaid
