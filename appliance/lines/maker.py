"""What differs from one make of modem to the next."""

from __future__ import annotations

from typing import Protocol

from appliance.lines.reports import Report
from appliance.lines.talk import Asking, Procedure


class Maker(Protocol):
    """The manners of one family of modems. Its procedures may fail without harm; they say how it went."""

    @property
    def usb(self) -> tuple[str, ...]:
        """`vid:pid` it is known by."""

    @property
    def at_interface(self) -> int: ...

    @property
    def sound_interface(self) -> int: ...

    @property
    def reset(self) -> str:
        """The command that restarts the whole modem."""

    @property
    def reset_seconds(self) -> float:
        """Until it may be back on the bus."""

    def read(self, line: str) -> Report | None:
        """The meaning of a line only this make says."""

    def subscribe(self) -> Procedure:
        """Have call states reported; no harm in the middle of a call."""

    def hear_keys(self) -> Asking[bool]:
        """Have DTMF reported. False: this modem cannot."""

    def prepare_sound(self) -> Procedure:
        """Set the format of the sound. Not to be run during a call."""

    def start_sound(self) -> Asking[int]:
        """Turn the sound of an active call on: tries until it is on or until it is stopped. How often it had to ask."""

    def stop_sound(self) -> Procedure:
        """Turn it off, before our own hang-up."""

    def sound_is_on(self) -> Asking[bool]:
        """Whether the modem says so."""

    def pin_tries_left(self) -> Asking[int | None]:
        """How often the PIN may still be tried; None when the modem does not say."""
