"""The engine's own words, where they differ from the switchboard's: the seam carries files, devices and no decisions.

The whole seam is `ENGINE_HEARS` (desk to engine) and `ENGINE_SAYS` (engine to desk). Any process may come and go: on
every new connection the engine first says `EngineUp` with all it has, then what happened since nobody listened.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls import commands, events
from appliance.calls.names import LegId


@dataclass(frozen=True, slots=True)
class PlayFiles:
    """`Play` with its prompts turned into sound: absolute paths of 8 or 16 kHz mono 16-bit WAV files, in order."""

    leg: LegId
    playing: int
    files: tuple[str, ...]
    loop: bool = False


@dataclass(frozen=True, slots=True)
class OpenSound:
    """Make a leg of a modem's sound port. Answered by LegAnswered when the first sample has come, or LegEnded.

    The engine reads and writes the port from here on; nobody else opens it.
    """

    leg: LegId
    device: str
    """Path of the serial port that carries the PCM (raw 16-bit little-endian mono)."""
    rate: int = 8000
    keys_by_sound: bool = False
    """Listen for DTMF in the sound, on lines whose modem does not report keys."""


@dataclass(frozen=True, slots=True)
class SoundNoted:
    """How a modem's sound port fares: sent when something is wrong, and once at the end of its leg."""

    leg: LegId
    words: str
    """Empty when all is well; else plain words: `no sound from the modem for 2 s`."""
    received: int
    sent: int
    """Bytes."""
    slips: int
    """Frames dropped or repeated because the modem's clock and ours differ."""
    lost: int
    """Frames the port did not take in time."""


ENGINE_HEARS = (
    commands.DialPhone,
    commands.Ring,
    commands.Answer,
    commands.Hangup,
    PlayFiles,
    commands.StopPlaying,
    commands.Bridge,
    commands.Unbridge,
    commands.Record,
    commands.StopRecording,
    commands.SendKeys,
    OpenSound,
)

ENGINE_SAYS = (
    events.PhoneRang,
    events.LegRinging,
    events.LegAnswered,
    events.LegEnded,
    events.KeyPressed,
    events.Played,
    events.LegHeld,
    events.RecordingEnded,
    events.EngineUp,
    SoundNoted,
)
