"""What people may see of the calls in progress, as a picture of one instant."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.facts import OperatorState
from appliance.calls.names import CallId, Direction, Extension, LineId, TaskId


@dataclass(frozen=True, slots=True)
class LiveCall:
    """One call in progress. `since` and `began` are UTC seconds, so that a page can count up by itself."""

    call: CallId
    direction: Direction
    caller: str
    caller_name: str
    dialled: str
    line: LineId
    began: float
    stage: str
    """`ringing`, `in menu`, `waiting`, `offered`, `talking`, `on hold`, `dialling`."""
    since: float
    """When this stage began."""
    place: str
    """The menu, queue or announcement it is in."""
    operators: tuple[Extension, ...]
    """Who of us is on it, or is being rung."""
    recording: bool
    encrypted: str = ""
    """`whole`: signalling and sound of every party are encrypted; `part`: of some; empty: of none."""


@dataclass(frozen=True, slots=True)
class LiveOperator:
    """One person and what they are doing."""

    extension: Extension
    name: str
    state: OperatorState
    since: float
    reason: str
    phones: int
    """How many telephones of theirs are registered."""
    queues: tuple[str, ...]
    calls_today: int
    lamp: str


@dataclass(frozen=True, slots=True)
class LiveQueue:
    """One queue at a glance."""

    name: str
    title: str
    waiting: int
    longest_since: float | None
    """When the longest-waiting caller joined, UTC seconds."""
    ready: int
    """Operators who could take a call now."""


@dataclass(frozen=True, slots=True)
class LiveLine:
    """One line and its health in plain words."""

    name: LineId
    state: str
    words: str
    signal: int | None
    busy: bool
    since: float
    calls: int = 0
    """Going on over it now."""
    room: int = 1
    """Calls it takes at once."""
    calls_this_hour: int = 0
    """Out, against the line's cap."""
    spent_today: float = 0.0
    """By the line's prices, against the line's cap; 0 without prices."""
    capped: str = ""
    """Why it takes no calls out just now, in plain words; empty when it does."""


@dataclass(frozen=True, slots=True)
class LiveTask:
    """One lost caller nobody has spoken with yet."""

    task: TaskId
    call: CallId
    number: str
    queue: str
    opened: float
    waited: float
    lost_calls: int
    tries: int


@dataclass(frozen=True, slots=True)
class Live:
    """The whole office now."""

    at: float
    firm: str
    calls: tuple[LiveCall, ...] = ()
    operators: tuple[LiveOperator, ...] = ()
    queues: tuple[LiveQueue, ...] = ()
    lines: tuple[LiveLine, ...] = ()
    tasks: tuple[LiveTask, ...] = ()
    sound_up: bool = True
    """The engine answers; without it nobody can call."""
    trouble: tuple[str, ...] = ()
    """What somebody should look at, in plain words: a full disk, somebody guessing passwords."""
