"""The parties the engine has, each of its own kind, and the table of them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.calls.names import Cause, LegId
from appliance.engine.pcm import ModemSound
from appliance.engine.pj.dialog import Dialog
from appliance.engine.pj.sound import SoundPort

KEYS = frozenset("0123456789*#ABCD")


@dataclass(eq=False)
class PhoneLeg:
    """One SIP dialog: a telephone, or somebody at a provider."""

    leg: LegId
    dialog: Dialog
    answered: bool = False
    partners: tuple[LegId, ...] = ()
    agreed: bool = False
    """The dialog is confirmed; `answered` comes when its sound is open as well."""
    sound_open: bool = False
    rang: bool = False
    held: bool = False
    srtp: bool = False
    """Its sound is encrypted."""
    encrypted: bool = False
    """What the desk was told of sound and signalling together."""
    heard: int = 0
    """Packets of its sound when we last looked."""
    turned_away: int = 0
    """Packets of strangers, then."""
    ending: Cause | None = None
    """Why we are hanging up, when it is we who do."""
    ending_detail: str = ""
    again: Callable[[], Dialog] | None = None
    """Calls anew, offering nothing but encrypted sound: for whoever turns down an offer that leaves the choice."""
    _last_key: tuple[str, bool, float] = ("", False, 0.0)

    TWICE = 0.5
    """Seconds within which one key, told both ways, counts once. Nobody presses a key, and again, in two dialects."""

    @property
    def end(self) -> Dialog:
        """Where it is on the bridge."""
        return self.dialog

    def is_new_key(self, key: str, *, by_info: bool, now: float) -> bool:
        """Whether this is a key of its own and not the same told in the other way."""
        last, was_info, at = self._last_key
        if key == last and by_info != was_info and now - at < self.TWICE:
            self._last_key = ("", False, 0.0)
            return False
        self._last_key = (key, by_info, now)
        return True


@dataclass(eq=False)
class ModemLeg:
    """A call on a modem, as far as its sound goes; the lines room has the rest of it."""

    leg: LegId
    sound: ModemSound
    port: SoundPort
    answered: bool = False
    partners: tuple[LegId, ...] = ()
    troubles: list[str] = field(default_factory=list)
    """What was wrong with its sound so far, in plain words."""

    @property
    def end(self) -> SoundPort:
        """Where it is on the bridge."""
        return self.port


Leg = PhoneLeg | ModemLeg


class Legs:
    """Everybody there is, to be found by name and by what they are made of."""

    def __init__(self) -> None:
        self.by_name: dict[LegId, Leg] = {}
        self.by_dialog: dict[Dialog, PhoneLeg] = {}
        self.by_sound: dict[ModemSound, ModemLeg] = {}

    def __len__(self) -> int:
        return len(self.by_name)

    def add(self, leg: Leg) -> None:
        """A new one."""
        self.by_name[leg.leg] = leg
        match leg:
            case PhoneLeg():
                self.by_dialog[leg.dialog] = leg
            case ModemLeg():
                self.by_sound[leg.sound] = leg

    def renew(self, leg: PhoneLeg, dialog: Dialog) -> None:
        """The same party over another dialog."""
        del self.by_dialog[leg.dialog]
        leg.dialog = dialog
        self.by_dialog[dialog] = leg

    def remove(self, leg: Leg) -> None:
        """It has ended: nobody talks with it any more."""
        del self.by_name[leg.leg]
        match leg:
            case PhoneLeg():
                del self.by_dialog[leg.dialog]
            case ModemLeg():
                del self.by_sound[leg.sound]
        for name in leg.partners:
            partner = self.by_name.get(name)
            if partner is not None:
                partner.partners = tuple(other for other in partner.partners if other != leg.leg)
