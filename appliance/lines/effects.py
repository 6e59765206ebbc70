"""What a line core asks of its driver, and what a line says to the wiring beside the switchboard's events."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.events import (
    CallerKnown,
    KeyPressed,
    LegEnded,
    LegRangAgain,
    LegRinging,
    LineChanged,
    LineRang,
)
from appliance.calls.names import LegId


@dataclass(frozen=True, slots=True)
class WriteBytes:
    """Give these to the AT port."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Reopen:
    """Close the ports, and open them again after so many seconds, when they are there."""

    after: float


@dataclass(frozen=True, slots=True)
class SoundWanted:
    """The call is up and the modem's PCM is on: let the engine open the port (`OpenSound`).

    It is the engine that says LegAnswered then; the line never does.
    """

    leg: LegId
    device: str
    rate: int = 8000
    """As the modem was told; what it really does is measured by whoever reads the port."""
    keys_by_sound: bool = False


@dataclass(frozen=True, slots=True)
class SoundOver:
    """Close the sound port of this leg (`Hangup` to the engine). Said once per SoundWanted, before LegEnded."""

    leg: LegId


LineEvent = LineRang | LegRangAgain | CallerKnown | LegRinging | LegEnded | KeyPressed | LineChanged
"""What goes to the switchboard as it is."""

Posted = LineEvent | SoundWanted | SoundOver
"""What a line says to the wiring."""

Effect = Posted | WriteBytes | Reopen
