"""What the installer says about a line, and what a restarted desk knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.calls.names import LegId, LineId


@dataclass(frozen=True, slots=True)
class LineSettings:
    """One modem. When its calls are answered and where they go is the switchboard's affair, not the line's."""

    name: LineId
    kind: Literal["sim7600"] = "sim7600"
    at: str = "usb"
    """Where its AT port is: a path, `usb` (the first modem of this kind), `usb:1e0e:9001` or `usb:1e0e:9001@1-1.2`
    (the place it is plugged in)."""
    sound: str = ""
    """Path of its PCM port; empty: the one that belongs to the modem found by USB."""
    number: str = ""
    """Its own telephone number, for people to read."""
    pin: str = ""
    """Of the SIM card. Never shown or logged; given at most once, and never when only one try is left."""
    keys: Literal["modem", "sound"] = "modem"
    """Who hears the caller's keys: the modem (it reports them), or the engine (in the sound)."""

    def __repr__(self) -> str:
        """Without the PIN: settings end up in logs."""
        return f"LineSettings(name={self.name!r}, kind={self.kind!r}, at={self.at!r}, sound={self.sound!r})"


@dataclass(frozen=True, slots=True)
class Adopted:
    """A call that was on the line when the desk went away; it may still be there."""

    leg: LegId
    number: str = ""
