"""What the library tells the engine, in the order it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.engine.marks import Marks
    from appliance.engine.pj.dialog import Dialog
    from appliance.engine.pj.sound import Player


@dataclass(frozen=True, slots=True, eq=False)
class Called:
    """One of our telephones or somebody at a provider calls; they have been told to wait (100 Trying)."""

    dialog: Dialog
    marks: Marks
    """Exactly one of its extension and its trunk is set."""
    message: str
    """The INVITE."""


@dataclass(frozen=True, slots=True, eq=False)
class Ringing:
    """The telephone we called rings. May come more than once."""

    dialog: Dialog


@dataclass(frozen=True, slots=True, eq=False)
class Agreed:
    """The call is answered and acknowledged (CONFIRMED)."""

    dialog: Dialog


@dataclass(frozen=True, slots=True, eq=False)
class SoundChanged:
    """The dialog's sound was opened, or opened anew: what was connected to it has to be connected again."""

    dialog: Dialog
    open: bool
    held: bool
    encrypted: bool
    """It is SRTP. Who could read the keys on their way is another matter."""


@dataclass(frozen=True, slots=True, eq=False)
class KeySent:
    """A key, at its first packet."""

    dialog: Dialog
    key: str
    by_info: bool
    """It came as a SIP INFO, not in the sound's stream (RFC 4733)."""


@dataclass(frozen=True, slots=True, eq=False)
class Over:
    """The dialog has ended; nothing more comes from it."""

    dialog: Dialog
    code: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class FileOver:
    """A player has come to the end of its file."""

    player: Player


Happening = Called | Ringing | Agreed | SoundChanged | KeySent | Over | FileOver
