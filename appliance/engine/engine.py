"""The engine: commands in, muscles moved, events out. It decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, assert_never

from appliance.calls import commands
from appliance.calls.engine import CallDevice, CallTrunk, OpenSound, PlayFiles, TrunkAccounts
from appliance.calls.events import (
    EngineUp,
    LegEnded,
    LegInStock,
)
from appliance.calls.names import Cause, LegId
from appliance.engine.causes import refusal
from appliance.engine.inbox import Inbox
from appliance.engine.legs import KEYS, Leg, Legs, ModemLeg, PhoneLeg
from appliance.engine.modems import Modems
from appliance.engine.opening import Opening, require_encryption
from appliance.engine.pcm import KeyHeard, SoundFlows, SoundGone, SoundNews, SoundTrouble
from appliance.engine.pj.happenings import (
    Agreed,
    Called,
    FileOver,
    Happening,
    KeySent,
    Over,
    Ringing,
    SoundChanged,
)
from appliance.engine.pj.library import Library
from appliance.engine.pj.sound import SoundEnd, connect, disconnect
from appliance.engine.playing import Players
from appliance.engine.recordings import FreeBytes, Recordings, free_bytes
from appliance.engine.settings import Settings
from appliance.engine.telephones import Telephones
from appliance.engine.wiring import Wiring

log = logging.getLogger("qendra.engine")

EngineCommand = (
    CallDevice
    | CallTrunk
    | TrunkAccounts
    | commands.Ring
    | commands.Answer
    | commands.Hangup
    | PlayFiles
    | commands.StopPlaying
    | commands.Bridge
    | commands.Unbridge
    | commands.Record
    | commands.StopRecording
    | commands.SendKeys
    | OpenSound
)


class Engine:
    """All legs and what is done with them. Everything but the inbox belongs to one thread."""

    QUIET = 20.0
    """Seconds between two looks at a telephone's sound. One that sent nothing between them is asked if it is there: a
    telephone that lost its power ends no call, and would keep the line busy for ever."""
    ECHO = 0.3
    """Seconds after our own keys in which a line may still echo them."""

    def __init__(
        self,
        library: Library,
        settings: Settings,
        clock: Callable[[], float],
        say: Callable[[object], None],
        free: FreeBytes = free_bytes,
    ) -> None:
        self._library = library
        self._clock = clock
        self._say = say
        self.inbox: Inbox[EngineCommand | SoundNews] = Inbox(library.wake)
        self._legs = Legs()
        self._uplinks_at = 0.0
        self._phones_at = 0.0
        wiring: Wiring[SoundEnd] = Wiring(connect, disconnect)
        self._wiring = wiring
        self._opening = Opening(library, self._legs, wiring, clock, say, self.inbox.put)
        self._modems = Modems(library, self._legs, say, self._ended)
        self._telephones = Telephones(self._legs, wiring, self._opening, say, self._ended)
        self._players = Players(library, wiring, say)
        self.recordings = Recordings(settings.recordings, settings.disk_floor, wiring, library.silence, say, free)

    @property
    def legs(self) -> int:
        """How many parties there are."""
        return len(self._legs)

    def stock(self) -> EngineUp:
        """All there is, for a desk that has just come."""
        legs = tuple(LegInStock(leg.leg, leg.answered, leg.partners) for leg in self._legs.by_name.values())
        return EngineUp(legs, self.recordings.calls)

    def work(self, now: float) -> None:
        """Do everything that is waiting: what the desk wants, what the library and the modems have told."""
        self.inbox.empty(lambda item: self._handle(item, now))
        self._tell_happenings(now)
        self._tick(now)

    def patience(self, now: float) -> float:
        """Seconds the library may be left alone."""
        until = [deadline - now for deadline in self._deadlines() if deadline is not None]
        return max(0.0, min([self._attention(), *until]))

    def _attention(self) -> float:
        """The library tells of a key pressed only when asked; so it is asked often while somebody may press one."""
        if any(leg.answered and not leg.partners for leg in self._legs.by_dialog.values()):
            return 0.002
        return 0.02 if self._legs else 0.1

    def _deadlines(self) -> list[float | None]:
        uplinks = self._uplinks_at if self._legs.by_sound else None
        return [self._library.next_deadline(), self.recordings.next_deadline(), uplinks]

    # -- what the desk wants -------------------------------------------------------------------------

    def _handle(self, item: EngineCommand | SoundNews, now: float) -> None:
        try:
            match item:
                case SoundFlows() | SoundTrouble() | SoundGone() | KeyHeard():
                    self._modems.hear(item, now)
                case _:
                    self._command(item, now)
        except Exception:
            log.exception("while doing %r; the other calls go on", item)
        self._tell_happenings(now)

    def _command(self, command: EngineCommand, now: float) -> None:
        match command:
            case CallDevice() | CallTrunk() | TrunkAccounts() | OpenSound():
                self._opening.open(command)
            case commands.Bridge(one, other):
                self._bridge(one, other)
            case commands.Unbridge(one, other):
                self._unbridge(one, other)
            case commands.Record():
                self._record(command, now)
            case commands.StopRecording(call):
                self.recordings.stop(call, now)
            case _:
                leg = self._legs.by_name.get(command.leg)
                if leg is not None:  # else it has ended meanwhile
                    self._to_leg(command, leg, now)

    def _to_leg(
        self,
        command: commands.Ring
        | commands.Answer
        | commands.Hangup
        | PlayFiles
        | commands.StopPlaying
        | commands.SendKeys,
        leg: Leg,
        now: float,
    ) -> None:
        match command:
            case commands.Ring():
                if isinstance(leg, PhoneLeg):
                    leg.dialog.ring()
            case commands.Answer():
                if isinstance(leg, PhoneLeg) and (not command.encrypted_only or require_encryption(leg)):
                    leg.dialog.answer()
            case commands.Hangup():
                self._hang_up(leg, command.cause, now)
            case PlayFiles():
                self._players.play(command, leg.end)
            case commands.StopPlaying():
                self._players.stop(leg.leg)
            case commands.SendKeys():
                self._press(leg, command.keys, now)
            case _ as never:
                assert_never(never)

    def _hang_up(self, leg: Leg, cause: Cause, now: float) -> None:
        match leg:
            case PhoneLeg():
                leg.ending = leg.ending or cause
                leg.dialog.hang_up(0 if leg.agreed else refusal(cause))
            case ModemLeg():
                self._modems.end(leg, cause, "", now)

    def _press(self, leg: Leg, keys: str, now: float) -> None:
        known = "".join(key for key in keys.upper() if key in KEYS)
        if not known:
            return
        match leg:
            case PhoneLeg():
                leg.dialog.press(known)
            case ModemLeg():
                leg.sound.close_ear(now + leg.port.press(known) + self.ECHO)

    def _bridge(self, one: LegId, other: LegId) -> None:
        first, second = self._legs.by_name.get(one), self._legs.by_name.get(other)
        if first is None or second is None or first is second:
            return
        for leg, partner in ((first, second), (second, first)):
            self._players.stop(leg.leg)
            if partner.leg not in leg.partners:
                leg.partners = (*leg.partners, partner.leg)
            self._wiring.want(leg.end, partner.end)

    def _unbridge(self, one: LegId, other: LegId) -> None:
        first, second = self._legs.by_name.get(one), self._legs.by_name.get(other)
        if first is None or second is None:
            return
        for leg, partner in ((first, second), (second, first)):
            leg.partners = tuple(name for name in leg.partners if name != partner.leg)
            self._wiring.unwant(leg.end, partner.end)

    def _record(self, command: commands.Record, now: float) -> None:
        left, right = self._legs.by_name.get(command.left), self._legs.by_name.get(command.right)
        if left is None or right is None:
            self.recordings.refuse(command.call, "a party had left before the recording could begin")
        else:
            self.recordings.start(command, left.end, right.end, now)

    # -- what the library tells ----------------------------------------------------------------------

    def _tell_happenings(self, now: float) -> None:
        while self._library.happenings:
            self._happened(self._library.happenings.popleft(), now)

    def _happened(self, happening: Happening, now: float) -> None:
        try:
            self._take(happening, now)
        except Exception:
            log.exception("while hearing of %r; the other calls go on", happening)

    def _take(self, happening: Happening, now: float) -> None:
        match happening:
            case Called():
                self._opening.called(happening)
            case FileOver(player):
                self._players.file_over(player)
            case Ringing(dialog) | Agreed(dialog) | SoundChanged(dialog) | KeySent(dialog) | Over(dialog):
                leg = self._legs.by_dialog.get(dialog)
                if leg is not None:
                    self._telephones.hear(happening, leg, now)
            case _ as never:
                assert_never(never)

    # -- together ------------------------------------------------------------------------------------

    def _ended(self, leg: Leg, cause: Cause, detail: str, now: float) -> None:
        """Take a leg out of everything and say so: the last word about it."""
        self._legs.remove(leg)
        self._players.stop(leg.leg)
        self.recordings.leg_ended(leg.leg, now)
        self._wiring.forget(leg.end)
        self._say(LegEnded(leg.leg, cause, detail))

    def _tick(self, now: float) -> None:
        deadline = self.recordings.next_deadline()
        if deadline is not None and now >= deadline:
            self.recordings.tick(now)
        if self._legs.by_sound and now >= self._uplinks_at:
            self._uplinks_at = now + 1.0
            self._modems.listen(now)
        if self._legs.by_dialog and now >= self._phones_at:
            self._phones_at = now + self.QUIET
            self._telephones.look_after()

    def leave(self, now: float) -> None:
        """End everything, politely and at once; go on calling `work` until `done`."""
        for leg in tuple(self._legs.by_name.values()):
            self._hang_up(leg, Cause.FAULT, now)
        self._library.hang_up_all()
        self._tell_happenings(now)

    @property
    def done(self) -> bool:
        """After `leave`: no dialog is left and every recording is on disk."""
        return not self._library.dialogs and not self.recordings.calls


def is_command(message: Any) -> bool:
    """Whether the desk may say this to us; the seam carries our own words too."""
    return isinstance(message, EngineCommand)
