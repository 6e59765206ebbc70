"""The AT engine: one command at a time, and whatever else the modem has to say (V.250, 3GPP 27.007, 27.005).

A modem may speak before, between and right after the lines of an answer, and may announce the effect of a command
before it says OK to it. So a line is known by what it says, never by where it stands.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

ESC = b"\x1b"
CTRL_Z = b"\x1a"

_BREAKS = re.compile(rb"[\r\n]+")
_FINAL = re.compile(r"OK$|ERROR$|\+CM[ES] ERROR\b|COMMAND NOT SUPPORT")
_CALL_RESULTS = frozenset({"NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE"})
_GLUED = re.compile(r"(OK|ERROR)(?=[+^]|RING|VOICE CALL|NO CARRIER)")
_NEVER_AN_ANSWER = re.compile(r"RING$|NO CARRIER$|BUSY$|VOICE CALL|MISSED_CALL|[A-Z]+ DONE$|[+^*$][A-Z0-9]+:")


@dataclass(frozen=True, slots=True)
class Command:
    """What to ask, how long to wait, and how to know the lines of the answer."""

    text: str
    limit: float = 5.0
    """Seconds from the moment it is written."""
    prefix: str = ""
    """The information lines of the answer begin with it: `+CSQ`. A query that ends in `?` must have one."""
    plain: bool = False
    """The information comes without a prefix: the maker's name, the IMSI."""
    dials: bool = False
    """NO CARRIER, BUSY, NO ANSWER and NO DIALTONE answer it too (ATD, ATA)."""
    patient: bool = False
    """No answer is not held against the modem."""
    live: bool = False
    """Its information lines are told as they come, too: the modem says the same unasked, and the asker may be gone."""
    secret: bool = False
    """Never shown: it carries the PIN."""
    payload: bytes | None = None
    """Sent at the prompt `> `, and closed with Ctrl-Z."""

    @property
    def shown(self) -> str:
        """For logs."""
        return self.text.partition("=")[0] + "=…" if self.secret else self.text


@dataclass(frozen=True, slots=True)
class Reply:
    """How a command ended."""

    command: Command
    result: str
    """`OK`, `ERROR`, `+CME ERROR: 14`, `NO CARRIER` …; empty when the modem said nothing in time."""
    lines: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.result == "OK" or self.result.startswith("CONNECT")

    @property
    def silent(self) -> bool:
        return not self.result

    @property
    def cme(self) -> int | None:
        """The number of a `+CME ERROR` (27.007, 9.2), or None."""
        head, _, number = self.result.partition(":")
        return int(number) if head == "+CME ERROR" and number.strip().isdecimal() else None


@dataclass(frozen=True, slots=True)
class Replied:
    """A command has come to its end."""

    ticket: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class Unsolicited:
    """A line nobody asked for."""

    line: str


AtEvent = Replied | Unsolicited


@dataclass(slots=True)
class _Asked:
    ticket: int
    command: Command
    deadline: float
    lines: list[str]


class AtEngine:
    """Bytes of one AT port in, answers and unsolicited lines out. Bytes to write wait in `to_write`.

    Commands queue up. After a command that got no answer the next one waits a little, so that a late answer to the
    first is not taken for an answer to the second. Nothing that arrives raises.
    """

    LATE = 2.0
    """Seconds a late answer is waited for."""
    SECOND_WORD = 0.5
    """The same, after NO CARRIER for an answer: it may have been said of the call alone, and the answer follow."""
    LONGEST_LINE = 2048
    """Bytes; a longer one is noise and is thrown away."""

    def __init__(self) -> None:
        self.garbage = 0
        """Lines and runs of bytes thrown away so far."""
        self._buffer = b""
        self._out = bytearray()
        self._queue: deque[tuple[int, Command]] = deque()
        self._asked: _Asked | None = None
        self._now = 0.0
        self._late_until = 0.0
        self._late = ""
        """The command whose answer may yet come."""
        self._tickets = 0

    def ask(self, command: Command, now: float) -> int:
        """Queue a command; the number returned comes back in its `Replied`."""
        self._tickets += 1
        self._queue.append((self._tickets, command))
        self._send_next(now)
        return self._tickets

    def withdraw(self, ticket: int) -> bool:
        """Take back a command that has not been written yet. False: it has been, and its `Replied` will come."""
        waiting = len(self._queue)
        self._queue = deque(entry for entry in self._queue if entry[0] != ticket)
        return len(self._queue) < waiting

    def write(self, data: bytes) -> None:
        """Send bytes past the queue, for instance ESC to a modem stuck at a prompt."""
        self._out += data

    def to_write(self) -> bytes:
        """What the port shall be given now."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def abandon(self) -> list[AtEvent]:
        """Forget half a line and every command: each ends unanswered. For a port that was opened anew or went mute."""
        waiting = [(self._asked.ticket, self._asked.command)] if self._asked else []
        waiting += self._queue
        self._queue.clear()
        self._asked, self._late, self._buffer = None, "", b""
        return [Replied(ticket, Reply(command, "")) for ticket, command in waiting]

    def next_deadline(self) -> float | None:
        if self._asked is not None:
            return self._asked.deadline
        return self._late_until if self._late and self._queue else None

    def tick(self, now: float) -> list[AtEvent]:
        """End the command whose time is over."""
        events: list[AtEvent] = []
        if self._asked is not None and now >= self._asked.deadline:
            self._late, self._late_until = self._asked.command.text, now + self.LATE
            events.append(self._end(""))
        self._send_next(now)
        return events

    def receive(self, data: bytes, now: float) -> list[AtEvent]:
        """Take in what the port gave, however it was cut."""
        self._now = now
        *lines, self._buffer = _BREAKS.split(self._buffer + data)
        events: list[AtEvent] = []
        for raw in lines:
            events += self._line(raw)
        if self._buffer.lstrip().startswith(b">"):
            self._buffer = b""
            self._prompt()
        if len(self._buffer) > self.LONGEST_LINE:
            self._buffer = b""
            self.garbage += 1
        self._send_next(now)
        return events

    def _line(self, raw: bytes) -> list[AtEvent]:
        line = self._clean(raw)
        if line.startswith(">"):
            self._prompt()
            return []
        if not line or self._is_echo(line):
            return []
        if glued := _GLUED.match(line):  # "ERROR+CNUM: …" was seen on one line
            return self._dispatch(glued[0]) + self._dispatch(line[glued.end() :])
        return self._dispatch(line)

    def _clean(self, raw: bytes) -> str:
        """The line as text; empty when it is noise. Only names inside a `+` line may be other than ASCII."""
        text = raw.strip(b"\0 \t").decode("utf-8", "replace")
        if len(raw) > self.LONGEST_LINE or (
            text and not (text.isprintable() and (text.isascii() or text.startswith("+")))
        ):
            self.garbage += 1
            return ""
        return text

    def _is_echo(self, line: str) -> bool:
        """Echo comes back after every reset of the modem, so it is tolerated for ever."""
        if self._asked is not None and (self._asked.command.plain or self._asked.command.text == line):
            return self._asked.command.text == line
        return line[:2].upper() == "AT"

    def _dispatch(self, line: str) -> list[AtEvent]:
        asked = self._asked
        if asked is None:
            if _FINAL.match(line):
                self._late = ""
                return []
            if line in _CALL_RESULTS:
                self._late = ""
            return [Unsolicited(line)]
        command = asked.command
        if _FINAL.match(line):
            stale = line == "OK" and command.text.endswith("?") and not asked.lines
            return [] if stale else [self._end(line)]
        if command.dials and (line in _CALL_RESULTS or line.startswith("CONNECT")):
            self._late, self._late_until = command.text, self._now + self.SECOND_WORD
            return [self._end(line)]
        if command.prefix and line.startswith(command.prefix + ":"):
            asked.lines.append(line)
            return [Unsolicited(line)] if command.live else []
        if command.plain and not _NEVER_AN_ANSWER.match(line):
            asked.lines.append(line)
            return []
        return [Unsolicited(line)]

    def _prompt(self) -> None:
        """Give the text that was announced; a prompt nobody expects would swallow every later command: leave it."""
        if self._asked is not None and self._asked.command.payload is not None:
            self._out += self._asked.command.payload + CTRL_Z
        else:
            self._out += ESC

    def _end(self, result: str) -> Replied:
        assert self._asked is not None
        asked, self._asked = self._asked, None
        return Replied(asked.ticket, Reply(asked.command, result, tuple(asked.lines)))

    def _send_next(self, now: float) -> None:
        if self._asked is not None or not self._queue:
            return
        ticket, command = self._queue[0]
        if self._late and now < self._late_until and command.text != self._late:
            return  # a late answer to the same question is as good
        self._late = ""
        self._queue.popleft()
        self._asked = _Asked(ticket, command, now + command.limit, [])
        self._out += command.text.encode("ascii", "replace") + b"\r"
