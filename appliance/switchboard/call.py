"""One call in progress: its caller, who else is on it, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.callflow.walk import Walk
from appliance.calls.facts import CallFact, Role
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Extension, LegId, LineId
from appliance.calls.record import RecordInProgress, encryption
from appliance.switchboard.settings import LineOptions, Settings
from appliance.switchboard.tolls import Charged


@dataclass(frozen=True, slots=True)
class Rings:
    """An outside caller hears the ring-back tone; the box has not taken the call."""

    times: int = 1


@dataclass(frozen=True, slots=True)
class Answering:
    """The box is taking the call; then the flow begins at `place`."""

    place: str


@dataclass(frozen=True, slots=True)
class InFlow:
    """Menus and announcements."""

    walk: Walk


@dataclass(frozen=True, slots=True)
class InQueue:
    """Waiting; `offered` are the legs of the operator who is being rung."""

    queue: str
    offered_to: Extension | None = None
    offered: tuple[LegId, ...] = ()


@dataclass(frozen=True, slots=True)
class Calling:
    """Somebody is being called directly: the telephones of a colleague, or a number outside."""

    legs: tuple[LegId, ...]
    extension: Extension = Extension("")
    number: str = ""
    record: bool = False
    written: str = ""
    """The number in international form."""
    ringing: bool = False
    emergency: bool = False
    tried: tuple[LineId, ...] = ()
    """The lines this call was sent over so far."""


@dataclass(frozen=True, slots=True)
class Talking:
    """Two people hear each other."""

    other: LegId
    extension: Extension
    """Who of us the talk counts for."""
    queue: str = ""


@dataclass(frozen=True, slots=True)
class Leaving:
    """The caller hears a last sentence, then the box hangs up for this reason."""

    cause: Cause
    detail: str = ""
    phrase: str = ""
    """Still to be said, as soon as the caller can hear it."""


@dataclass(frozen=True, slots=True)
class Returning:
    """Found in the journal after a restart; what becomes of it is decided when the engine has told what it has."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over; legs or a recording may still be closing."""


Stage = Rings | Answering | InFlow | InQueue | Calling | Talking | Leaving | Returning | Ended


@dataclass(slots=True)
class Party:
    """A leg that we dialled for this call."""

    role: Role
    extension: Extension = Extension("")
    line: LineId = LineId("")
    number: str = ""


@dataclass(slots=True)
class Call:
    """A call keeps the settings it began with."""

    id: CallId
    settings: Settings
    story: RecordInProgress
    caller: LegId
    stage: Stage
    since: Moment
    """When the stage began."""
    facts: list[CallFact]
    """All so far: what recreates the call in a new journal."""
    extension: Extension = Extension("")
    """Who of us calls, when one of us does."""
    line: LineOptions | None = None
    """The line it came in on."""
    caller_up: bool = False
    """The caller's sound path is open."""
    parties: dict[LegId, Party] = field(default_factory=dict)
    """The living legs that we dialled."""
    caller_gone: bool = False
    playing: int = 0
    recording: str = ""
    recording_open: bool = False
    on_hold: bool = False
    lost_at: Moment | None = None
    """When the box was last seen alive, of a call that was gone when it came back."""
    reached: str = ""
    """The place of the flow it is in."""
    encrypted: set[LegId] = field(default_factory=set)
    """Legs whose signalling and sound are both encrypted."""
    charged: Charged | None = None
    """The talk outside that is being paid for."""

    @property
    def over(self) -> bool:
        """It has its end on record."""
        return isinstance(self.stage, Ended)

    @property
    def talking(self) -> bool:
        """Two people hear each other."""
        return isinstance(self.stage, Talking)

    @property
    def language(self) -> str:
        """What the caller is spoken to in."""
        return self.story.record.language or self.settings.language

    @property
    def legs(self) -> tuple[LegId, ...]:
        """All that are still connected in any way."""
        return tuple(self.parties) if self.caller_gone else (self.caller, *self.parties)

    @property
    def encryption(self) -> str:
        """`whole`, `part` or nothing: of both who talk; of the caller, while there is nobody else."""
        other = (self.stage.other,) if isinstance(self.stage, Talking) else ()
        return encryption(self.encrypted, (self.caller, *other))

    def outside_number(self) -> str:
        """The number in the outside world this call is with; empty when it is withheld or there is none."""
        if self.line is not None:
            return self.story.record.caller
        return next((party.number for party in self.parties.values() if party.number), "")
