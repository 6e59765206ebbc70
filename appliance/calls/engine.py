"""The engine's own words, where they differ from the switchboard's: the seam carries files, devices and no decisions.

The whole seam is `ENGINE_HEARS` (desk to engine) and `ENGINE_SAYS` (engine to desk). Any process may come and go: on
every new connection the engine first says `EngineUp` with all it has, then what happened since nobody listened.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.calls import commands, events
from appliance.calls.names import Encryption, Extension, LegId, LineId


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


@dataclass(frozen=True, slots=True)
class CallDevice:
    """`DialPhone` with what the desk knows of the telephone. Answered as that is."""

    leg: LegId
    extension: Extension
    device: str
    caller: str
    caller_name: str = ""
    encryption: Encryption = Encryption.OFF
    here: str = ""
    """Our own address as the telephone sees it, for its sound; empty: find out by the routing table."""


@dataclass(frozen=True, slots=True)
class TrunkAccount:
    """One provider, as far as its calls go; how it is reached is the edge's affair."""

    name: LineId
    domain: str
    user: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    contact: str = ""
    """Our address there, from `TrunkIs`; it stands in our Contact, so that a provider that overlooks Record-Route finds us."""
    here: str = ""
    """Our address as the provider sees it, for the sound of calls that come in; empty: by the routing table."""
    encryption: Encryption = Encryption.OFF
    caller_from: tuple[str, ...] = ("P-Asserted-Identity", "Remote-Party-ID", "From")
    """Header fields that may hold the number of who calls, the best first."""
    called_from: str = "request"
    """Which of our numbers was called: `request` (the request line) or `To`."""
    shows_caller_by: str = "From"
    """How we say whose call it is: `From`, `P-Asserted-Identity` (RFC 3325) or `Remote-Party-ID`."""


@dataclass(frozen=True, slots=True)
class TrunkAccounts:
    """All providers, whole; the calls of one that is not in here any more go on to their end."""

    trunks: tuple[TrunkAccount, ...]


@dataclass(frozen=True, slots=True)
class CallTrunk:
    """`DialLine` over a provider. Answered as that is."""

    leg: LegId
    line: LineId
    number: str
    """As this provider wants it written."""
    caller: str = ""
    """Our number that the called party shall see, as this provider wants it; empty: the provider's own choice."""
    withheld: bool = False
    """Ask that nobody is shown our number (RFC 3323)."""
    diverted_by: str = ""
    """The number whose call this really is (Diversion, RFC 5806); empty: nobody's but ours."""
    here: str = ""


ENGINE_HEARS = (
    CallDevice,
    CallTrunk,
    TrunkAccounts,
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
    events.LineRang,
    events.LegEncrypted,
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
