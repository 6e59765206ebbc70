"""What the library tells of the legs that are SIP dialogs: telephones, and whoever is at a provider."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from appliance.calls.events import KeyPressed, LegAnswered, LegEncrypted, LegHeld, LegRinging
from appliance.calls.names import Encryption
from appliance.engine.causes import why_it_ended
from appliance.engine.legs import KEYS, Legs, PhoneLeg
from appliance.engine.modems import Ended
from appliance.engine.opening import Opening, refuse_plain
from appliance.engine.pj.happenings import Agreed, KeySent, Over, Ringing, SoundChanged
from appliance.engine.pj.sound import SoundEnd
from appliance.engine.wiring import Wiring

log = logging.getLogger("qendra.engine")


@dataclass
class Telephones:
    """The legs that are SIP dialogs."""

    legs: Legs
    wiring: Wiring[SoundEnd]
    opening: Opening
    say: Callable[[object], None]
    ended: Ended

    def hear(self, happening: Ringing | Agreed | SoundChanged | KeySent | Over, leg: PhoneLeg, now: float) -> None:
        """One thing the library tells of its dialog."""
        match happening:
            case Ringing():
                if not leg.rang and not leg.agreed:
                    leg.rang = True
                    self.say(LegRinging(leg.leg))
            case Agreed():
                leg.agreed = True
                self._maybe_answered(leg)
            case SoundChanged():
                self._sound_changed(leg, happening)
            case KeySent():
                self._key(leg, happening, now)
            case Over(_, code, reason):
                self._over(leg, code, reason, now)
            case _ as never:
                assert_never(never)

    def _sound_changed(self, leg: PhoneLeg, changed: SoundChanged) -> None:
        leg.sound_open, leg.srtp = changed.open, changed.encrypted
        if changed.open and not leg.srtp and leg.dialog.encryption is Encryption.REQUIRED:
            refuse_plain(leg)
            return
        if changed.open:
            self.wiring.renew(leg.dialog)
        self._maybe_answered(leg)
        if leg.answered and changed.held != leg.held:
            leg.held = changed.held
            self.say(LegHeld(leg.leg, leg.held))
        self._note_encryption(leg)

    def _maybe_answered(self, leg: PhoneLeg) -> None:
        if leg.agreed and leg.sound_open and not leg.answered and leg.ending is None:
            leg.answered = True
            self.say(LegAnswered(leg.leg))
            self._note_encryption(leg)

    def _note_encryption(self, leg: PhoneLeg) -> None:
        """Of sound whose keys anybody could read on their way, nobody may say that it is encrypted."""
        encrypted = leg.srtp and leg.dialog.marks.encrypted
        if leg.answered and leg.sound_open and encrypted != leg.encrypted:
            leg.encrypted = encrypted
            self.say(LegEncrypted(leg.leg, encrypted))

    def _key(self, leg: PhoneLeg, sent: KeySent, now: float) -> None:
        if sent.key in KEYS and leg.is_new_key(sent.key, by_info=sent.by_info, now=now):
            self.say(KeyPressed(leg.leg, sent.key))

    def _over(self, leg: PhoneLeg, code: int, reason: str, now: float) -> None:
        if leg.ending is not None:
            self.ended(leg, leg.ending, leg.ending_detail, now)
            return
        if self.opening.try_again(leg, code):
            return
        cause = why_it_ended(code, answered=leg.agreed, rang=leg.rang)
        self.ended(leg, cause, f"{code} {reason}" if code >= 300 else "", now)

    def look_after(self) -> None:
        """Ask whoever sent no sound since the last look whether they are there."""
        for leg in self.legs.by_dialog.values():
            before, leg.heard = leg.heard, leg.dialog.heard()
            if leg.answered and leg.ending is None and leg.heard == before:
                leg.dialog.ask()
                self._note_strangers(leg)

    def _note_strangers(self, leg: PhoneLeg) -> None:
        """No sound, but somebody sends some: a stranger, or a party whose sound takes a way that its SIP does not name."""
        away, leg.turned_away = leg.turned_away, leg.dialog.fence.turned_away
        if leg.turned_away > away:
            where = leg.dialog.marks.source or "the other party"
            log.warning(
                "%s: %d packets came to its sound port from elsewhere than %s and were not let in",
                *(leg.leg, leg.turned_away - away, where),
            )
