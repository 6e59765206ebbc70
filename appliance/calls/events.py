"""What rooms report to the switchboard: each event is a thing that has happened to a leg, a line or a phone.

A leg is born by `PhoneRang` or `LineRang` (somebody calls us) or by the commands `DialPhone` and `DialLine` (we call
somebody), and dies by exactly one `LegEnded`. After that nothing is said about it any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.calls.names import CallId, Cause, Extension, LegId, LineId


@dataclass(frozen=True, slots=True)
class PhoneRang:
    """One of our own telephones calls; the edge has checked who it is, and the caller hears nothing yet."""

    leg: LegId
    extension: Extension
    dialled: str
    device: str = ""
    """The registration it came over, when known."""


@dataclass(frozen=True, slots=True)
class LineRang:
    """Somebody outside calls on a line and hears the network's ring-back tone."""

    leg: LegId
    line: LineId
    caller: str
    """The caller's number as received; empty when withheld."""
    dialled: str = ""
    """Which of our numbers was called, on lines that have several; else empty."""
    diverted_by: str = ""
    """The number that sent the caller on to us, when the network tells (Diversion, RFC 5806)."""
    caller_name: str = ""
    """As the network told it; seldom."""


@dataclass(frozen=True, slots=True)
class LegRangAgain:
    """A line rings on; `rings` counts from 1, the first was `LineRang`."""

    leg: LegId
    rings: int


@dataclass(frozen=True, slots=True)
class CallerKnown:
    """The caller's number came after the call had been reported (a late +CLIP, a late caller id)."""

    leg: LegId
    caller: str


@dataclass(frozen=True, slots=True)
class LegRinging:
    """The telephone we dialled rings."""

    leg: LegId


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """The leg is up and its sound path is open both ways."""

    leg: LegId


@dataclass(frozen=True, slots=True)
class LegEncrypted:
    """Whether signalling and sound of this leg are both encrypted now. Not said of a leg that never was."""

    leg: LegId
    encrypted: bool


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The leg is gone."""

    leg: LegId
    cause: Cause
    detail: str = ""
    """For the record and the installer: `486 Busy Here`, `NO CARRIER`, `modem unplugged`."""


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """One key, once, whichever way it was signalled."""

    leg: LegId
    key: str
    """One of 0-9 * # A-D."""


@dataclass(frozen=True, slots=True)
class Played:
    """A `Play` came to its end by itself (not when it was stopped or looped)."""

    leg: LegId
    playing: int
    """The number its `Play` carried."""


@dataclass(frozen=True, slots=True)
class LegHeld:
    """The party put the box on hold, or took it back."""

    leg: LegId
    held: bool


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """A recording is closed on disk. `fault` is empty, or says in plain words why it is short or missing."""

    call: CallId
    seconds: float
    fault: str = ""


@dataclass(frozen=True, slots=True)
class PhonesChanged:
    """These devices are registered for this extension now, newest first; none means it cannot be called."""

    extension: Extension
    devices: tuple[str, ...]


class LineState(StrEnum):
    """How a line is, as the owner sees it."""

    STARTING = "starting"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class LineChanged:
    """A line came up, went down, or has something new to say about itself."""

    line: LineId
    state: LineState
    words: str
    """Plain words for the page: `registered at Vodafone AL, signal 67 %`, `modem silent, trying again in 15 s`."""
    signal: int | None = None
    """Per cent, when the line knows."""


@dataclass(frozen=True, slots=True)
class LegInStock:
    """One leg as the engine has it."""

    leg: LegId
    answered: bool
    bridged_with: tuple[LegId, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineUp:
    """The engine answers (again), and this is all it has; what we knew and is not here, is gone."""

    legs: tuple[LegInStock, ...] = ()
    recordings: tuple[CallId, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineDown:
    """The engine is gone and every leg with it."""


class OperatorWish(StrEnum):
    """What an operator (or the page, for them) asks for."""

    READY = "ready"
    PAUSED = "paused"
    LOGGED_OUT = "logged out"


@dataclass(frozen=True, slots=True)
class OperatorAsked:
    """An operator wants to be ready, paused (with a reason) or gone."""

    extension: Extension
    wish: OperatorWish
    reason: str = ""


Event = (
    PhoneRang
    | LineRang
    | LegRangAgain
    | CallerKnown
    | LegRinging
    | LegAnswered
    | LegEncrypted
    | LegEnded
    | KeyPressed
    | Played
    | LegHeld
    | RecordingEnded
    | PhonesChanged
    | LineChanged
    | EngineUp
    | EngineDown
    | OperatorAsked
)
