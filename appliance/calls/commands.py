"""What the switchboard asks of the rooms with muscles.

Commands about a leg that has just ended are normal (the two crossed) and are ignored without a word.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.names import CallId, Cause, Extension, LegId, LineId
from appliance.calls.prompt import Prompt


@dataclass(frozen=True, slots=True)
class DialPhone:
    """Call one registered device of an extension.

    Answered by LegRinging, LegAnswered, LegEnded of `leg`, a name the switchboard has just made.
    """

    leg: LegId
    extension: Extension
    device: str
    caller: str
    """The number the telephone shall show; empty when the caller withheld it."""
    caller_name: str = ""


@dataclass(frozen=True, slots=True)
class DialLine:
    """Call a number in the outside world. Answered as `DialPhone` is."""

    leg: LegId
    line: LineId
    number: str
    caller: str = ""
    """Our number that shall be shown, on lines that let us choose; empty: the line's own."""
    diverted_by: str = ""
    """Whose call it really is, when we send a caller on: shown to them where the line can."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Tell the caller that it rings (180 Ringing)."""

    leg: LegId


@dataclass(frozen=True, slots=True)
class Answer:
    """Take the call. Answered by LegAnswered, or LegEnded."""

    leg: LegId
    encrypted_only: bool = False
    """Refuse it (488, `LegEnded` with REFUSED) when its sound would not be encrypted."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the leg, whatever its state. Always answered by one LegEnded."""

    leg: LegId
    cause: Cause = Cause.NORMAL


@dataclass(frozen=True, slots=True)
class Play:
    """Let the party hear these, one after the other, instead of what it heard from an earlier Play."""

    leg: LegId
    playing: int
    """Comes back in `Played`."""
    prompts: tuple[Prompt, ...]
    loop: bool = False


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """Silence, if a Play is still going on."""

    leg: LegId


@dataclass(frozen=True, slots=True)
class Bridge:
    """Let two parties hear each other; what either was being played stops."""

    one: LegId
    other: LegId


@dataclass(frozen=True, slots=True)
class Unbridge:
    """Part two parties; both stay connected to the box."""

    one: LegId
    other: LegId


@dataclass(frozen=True, slots=True)
class Record:
    """Record two parties apart: left what the first says, right what the other says. Answered by one RecordingEnded."""

    call: CallId
    left: LegId
    right: LegId
    name: str
    """Path under the recordings folder, without ending: `2026/11/21/c-…`."""


@dataclass(frozen=True, slots=True)
class StopRecording:
    """Close the recording of this call."""

    call: CallId


@dataclass(frozen=True, slots=True)
class SendKeys:
    """Press these keys toward the party."""

    leg: LegId
    keys: str


@dataclass(frozen=True, slots=True)
class ShowLamp:
    """The busy lamp of an operator: `off`, `ringing`, `busy`, `wrap_up`, `paused` or `fault`."""

    extension: Extension
    pattern: str


@dataclass(frozen=True, slots=True)
class ShowEncrypted:
    """The encryption lamp of an operator: lit while the whole of their call, both parties, is encrypted."""

    extension: Extension
    on: bool


@dataclass(frozen=True, slots=True)
class ShowWatched:
    """What telephones that watch this number are shown: a lamp, and words for those with a display."""

    extension: Extension
    """Of a person or a queue."""
    state: str
    """`off`, `ringing` or `on`."""
    note: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class ShowMessages:
    """The message lamp of this person's telephones: lit while something waits for them."""

    extension: Extension
    new: int
    old: int = 0


@dataclass(frozen=True, slots=True)
class Buzz:
    """The buzzer sounds while a caller waits for somebody, or is silent."""

    on: bool


Command = (
    DialPhone
    | DialLine
    | Ring
    | Answer
    | Hangup
    | Play
    | StopPlaying
    | Bridge
    | Unbridge
    | Record
    | StopRecording
    | SendKeys
    | ShowLamp
    | ShowEncrypted
    | ShowWatched
    | ShowMessages
    | Buzz
)
