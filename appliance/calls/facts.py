"""What the switchboard states to have happened. Facts go to the journal, and everything people look at is folded from them.

A fact is never taken back. New fields get a default, so that an old journal can still be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Direction, Extension, LegId, LineId, TaskId


@dataclass(frozen=True, slots=True)
class CallBegan:
    """A call came in, or one of our telephones dialled."""

    at: Moment
    call: CallId
    leg: LegId
    direction: Direction
    caller: str
    """Number or extension of who calls; empty when withheld."""
    dialled: str = ""
    line: LineId = LineId("")
    """The line it came in on; for calls out, see `LegJoined`."""
    caller_name: str = ""
    language: str = ""
    diverted_by: str = ""
    """The number that sent the caller on to us."""


@dataclass(frozen=True, slots=True)
class CallerNamed:
    """The caller's number became known after the call had begun."""

    at: Moment
    call: CallId
    caller: str


class Role(StrEnum):
    """What a leg is in its call."""

    CALLER = "caller"
    OPERATOR = "operator"
    """A telephone rung by a queue."""
    CALLED = "called"
    """A telephone or number that was called directly."""


@dataclass(frozen=True, slots=True)
class LegJoined:
    """We began to call somebody for this call."""

    at: Moment
    call: CallId
    leg: LegId
    role: Role
    extension: Extension = Extension("")
    line: LineId = LineId("")
    number: str = ""


@dataclass(frozen=True, slots=True)
class LegLeft:
    """That leg is gone while its call may go on."""

    at: Moment
    call: CallId
    leg: LegId
    cause: Cause
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The box itself took the call (not yet a person)."""

    at: Moment
    call: CallId


@dataclass(frozen=True, slots=True)
class PlaceReached:
    """The caller came to a place of the call flow: `hours`, `menu main`, `say closed`."""

    at: Moment
    call: CallId
    place: str
    words: str = ""
    """The choice or condition that led there, as the owner named it."""


@dataclass(frozen=True, slots=True)
class KeyTaken:
    """The caller pressed a key that the call flow listened for."""

    at: Moment
    call: CallId
    key: str
    place: str


@dataclass(frozen=True, slots=True)
class QueueJoined:
    """The caller began to wait."""

    at: Moment
    call: CallId
    queue: str


@dataclass(frozen=True, slots=True)
class OperatorOffered:
    """This operator's telephones ring for the call."""

    at: Moment
    call: CallId
    extension: Extension


@dataclass(frozen=True, slots=True)
class OperatorMissed:
    """The operator did not take it: `no answer`, `busy`, `refused`, `unreachable`."""

    at: Moment
    call: CallId
    extension: Extension
    reason: str


@dataclass(frozen=True, slots=True)
class QueueLeft:
    """The caller waits no more: `answered`, `hung up`, `waited too long`, `nobody there`, `key pressed`."""

    at: Moment
    call: CallId
    queue: str
    reason: str


@dataclass(frozen=True, slots=True)
class TalkBegan:
    """Two people hear each other. `extension` is ours; on a call out or inside it is who was called, or who called out."""

    at: Moment
    call: CallId
    leg: LegId
    other: LegId
    extension: Extension
    queue: str = ""


@dataclass(frozen=True, slots=True)
class EncryptionChanged:
    """Signalling and sound of a leg are both encrypted now, or not any more."""

    at: Moment
    call: CallId
    leg: LegId
    encrypted: bool


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """A party put the other on hold or came back."""

    at: Moment
    call: CallId
    leg: LegId
    held: bool


@dataclass(frozen=True, slots=True)
class RecordingBegan:
    """The talk is being recorded under this name."""

    at: Moment
    call: CallId
    name: str


@dataclass(frozen=True, slots=True)
class RecordingKept:
    """The recording is closed on disk; `fault` says in plain words why it is short or missing, if it is."""

    at: Moment
    call: CallId
    seconds: float
    fault: str = ""


class EndedBy(StrEnum):
    """Who put the phone down first."""

    CALLER = "caller"
    CALLED = "called"
    """The operator, or whoever was called."""
    BOX = "box"


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is over; exactly one per call, and the last fact about its talk (a recording may still close)."""

    at: Moment
    call: CallId
    by: EndedBy
    cause: Cause
    detail: str = ""


class OperatorState(StrEnum):
    """What an operator is doing, as the wall board shows it."""

    LOGGED_OUT = "logged out"
    UNREACHABLE = "unreachable"
    """Logged in, but no telephone of theirs is registered."""
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    """With a caller of a queue."""
    BUSY = "busy"
    """On another call: inside, or out, or called directly."""
    WRAP_UP = "wrap-up"
    PAUSED = "paused"
    SET_ASIDE = "set aside"
    """Did not answer a call that was offered; gets none until they say they are back, or time has passed."""


@dataclass(frozen=True, slots=True)
class OperatorChanged:
    """An operator's state changed."""

    at: Moment
    extension: Extension
    state: OperatorState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TaskOpened:
    """A caller was lost: somebody has to speak with them. One open task per number."""

    at: Moment
    task: TaskId
    call: CallId
    number: str
    """Empty when withheld: such a task can only be read."""
    queue: str = ""
    waited: float = 0.0
    """Seconds the caller had waited in the queue."""
    extension: Extension = Extension("")
    """Whose own number had been called, when it was somebody's."""


@dataclass(frozen=True, slots=True)
class TaskRepeated:
    """The same number was lost again while its task was open."""

    at: Moment
    task: TaskId
    call: CallId


@dataclass(frozen=True, slots=True)
class TaskTried:
    """Somebody called the number back and did not reach anybody."""

    at: Moment
    task: TaskId
    call: CallId
    extension: Extension


@dataclass(frozen=True, slots=True)
class TaskClosed:
    """Somebody has spoken with them (`they called`, `we called`), or a person closed it by hand (`by hand`)."""

    at: Moment
    task: TaskId
    how: str
    who: str = ""
    note: str = ""
    call: CallId = CallId("")


@dataclass(frozen=True, slots=True)
class LineNoted:
    """A line changed its health."""

    at: Moment
    line: LineId
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class EngineNoted:
    """The engine stopped, or is back."""

    at: Moment
    up: bool


@dataclass(frozen=True, slots=True)
class StillHere:
    """Written now and then while there are calls: after a power cut, they ended here or a little later."""

    at: Moment


@dataclass(frozen=True, slots=True)
class PhoneRefused:
    """The front door turned somebody away."""

    at: Moment
    refusal: str
    source: str
    detail: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class BanChanged:
    """Somebody is not heard any more, or is heard again: `lifted` by the named login, or because time was over."""

    at: Moment
    source: str
    extension: str
    why: str
    banned: bool
    who: str = ""


@dataclass(frozen=True, slots=True)
class CallForbidden:
    """One of us was not let out: a destination they may not call, or a cap of the line was reached."""

    at: Moment
    call: CallId
    extension: Extension
    number: str
    why: str
    """Plain words: `101 may not call abroad`, `gsm1 has made its 20 calls of this hour`."""
    line: LineId = LineId("")


@dataclass(frozen=True, slots=True)
class LineSpent:
    """What has gone out over a line so far, for the head of a new journal; emergency calls are not in it."""

    at: Moment
    line: LineId
    day: str
    """Of the minutes and the money, where the firm is: `2026-11-21`."""
    minutes: int
    """Begun that day."""
    cost: float
    ages: tuple[float, ...]
    """Seconds since each call of the last hour was dialled."""


@dataclass(frozen=True, slots=True)
class OwnerChanged:
    """Somebody changed the settings: who, and what in plain words."""

    at: Moment
    who: str
    what: str
    version: int


CallFact = (
    CallBegan
    | CallerNamed
    | LegJoined
    | LegLeft
    | CallAnswered
    | PlaceReached
    | KeyTaken
    | QueueJoined
    | OperatorOffered
    | OperatorMissed
    | QueueLeft
    | CallForbidden
    | TalkBegan
    | EncryptionChanged
    | HoldChanged
    | RecordingBegan
    | RecordingKept
    | CallEnded
)
OtherFact = (
    OperatorChanged
    | TaskOpened
    | TaskRepeated
    | TaskTried
    | TaskClosed
    | LineNoted
    | EngineNoted
    | StillHere
    | PhoneRefused
    | BanChanged
    | LineSpent
    | OwnerChanged
)
Fact = CallFact | OtherFact
FACTS: tuple[type, ...] = (*CallFact.__args__, *OtherFact.__args__)
"""Every kind of fact, for whoever reads or writes them."""
