"""How legs begin: we call a telephone or a provider, we open a modem's sound, or somebody calls us."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from appliance.calls.engine import CallDevice, CallTrunk, OpenSound, TrunkAccount, TrunkAccounts
from appliance.calls.events import LegEnded, LineRang, PhoneRang
from appliance.calls.names import Cause, Encryption, Extension, LegId, LineId
from appliance.engine.legs import Legs, ModemLeg, PhoneLeg
from appliance.engine.pcm import ModemSound, SoundNews
from appliance.engine.pj.dialog import Dialog
from appliance.engine.pj.happenings import Called
from appliance.engine.pj.library import Library
from appliance.engine.pj.sound import SoundEnd
from appliance.engine.providers import call_in, call_out
from appliance.engine.sdp import plain_address
from appliance.engine.sip_words import dialled_user
from appliance.engine.wiring import Wiring

log = logging.getLogger("qendra.engine")

RATES = {8000, 16000}
NOT_ACCEPTABLE = 488
NOT_ACCEPTABLE_ANYWHERE = 606


@dataclass
class Opening:
    """Makes legs and puts them on the table."""

    library: Library
    legs: Legs
    wiring: Wiring[SoundEnd]
    clock: Callable[[], float]
    say: Callable[[object], None]
    hear: Callable[[SoundNews], None]
    """Takes what a modem's sound tells, from any thread."""
    _born: str = field(default_factory=lambda: os.urandom(4).hex())
    _count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, command: CallDevice | CallTrunk | TrunkAccounts | OpenSound) -> None:
        """Do it; a name that is taken is left as it is."""
        match command:
            case TrunkAccounts(trunks):
                self.library.accounts.keep(trunks)
            case _ if command.leg in self.legs.by_name:
                log.error("leg %s is there already; it is not opened again", command.leg)
            case CallDevice():
                self._call(
                    command.leg, command.encryption, lambda how: self.library.dial(replace(command, encryption=how))
                )
            case CallTrunk():
                self._call_provider(command)
            case OpenSound():
                self._open_sound(command)

    def called(self, called: Called) -> None:
        """Somebody calls us, by way of the edge."""
        if called.marks.trunk:
            self._called_by_provider(called)
            return
        leg = self._add(PhoneLeg(self._new_name("phone"), called.dialog))
        dialled = dialled_user(called.message)
        self.say(PhoneRang(leg.leg, Extension(called.marks.extension), dialled, called.marks.device))

    def _called_by_provider(self, called: Called) -> None:
        name = LineId(called.marks.trunk)
        account = self.library.accounts.provider(name) or TrunkAccount(name, "")
        leg = self._add(PhoneLeg(self._new_name("line"), called.dialog))
        call = call_in(called.message, account)
        self.say(LineRang(leg.leg, name, call.caller, call.dialled, call.diverted_by, call.caller_name))
        dialog = called.dialog
        dialog.here = dialog.here or plain_address(account.here)
        if account.encryption is Encryption.REQUIRED:
            require_encryption(leg)

    def _call_provider(self, command: CallTrunk) -> None:
        account = self.library.accounts.provider(command.line)
        if account is None:
            self.say(LegEnded(command.leg, Cause.UNREACHABLE, f"there is no provider {command.line}"))
            return
        call = call_out(command, account)
        self._call(
            command.leg,
            account.encryption,
            lambda how: self.library.dial_provider(command, replace(account, encryption=how), call),
        )

    def _call(self, name: LegId, encryption: Encryption, dial: Callable[[Encryption], Dialog]) -> None:
        leg = self._add(PhoneLeg(name, dial(encryption)))
        if encryption is Encryption.OPTIONAL:
            leg.again = lambda: dial(Encryption.REQUIRED)

    def try_again(self, leg: PhoneLeg, code: int) -> bool:
        """Its call has ended with this status: is there another way to ask?

        A telephone that must encrypt, and knows no offer that leaves it the choice, says that ours is not acceptable.
        """
        if code not in {NOT_ACCEPTABLE, NOT_ACCEPTABLE_ANYWHERE} or leg.again is None or leg.agreed:
            return False
        self.wiring.forget(leg.dialog)
        again, leg.again = leg.again, None
        self.legs.renew(leg, again())
        self.wiring.want(self.library.silence, leg.dialog)
        return True

    def _add(self, leg: PhoneLeg) -> PhoneLeg:
        self.legs.add(leg)
        self.wiring.want(self.library.silence, leg.dialog)
        return leg

    def _new_name(self, kind: str) -> LegId:
        return LegId(f"{kind}-{self._born}-{next(self._count)}")

    def _open_sound(self, command: OpenSound) -> None:
        if command.rate not in RATES:
            log.error("a modem's sound of %d samples a second is not known", command.rate)
            self.say(LegEnded(command.leg, Cause.FAULT, f"no sound of {command.rate} samples a second is known"))
            return
        port = self.library.sound_port(command.rate)
        sound = ModemSound(command.device, command.rate, self.clock, self.hear, listen_for_keys=command.keys_by_sound)
        port.source, port.sink = sound.take, sound.give
        self.legs.add(ModemLeg(command.leg, sound, port))
        self.wiring.want(self.library.silence, port)


def require_encryption(leg: PhoneLeg) -> bool:
    """From now on its sound is encrypted, or there is none. False: it cannot be, and the call is refused."""
    leg.dialog.encryption = Encryption.REQUIRED
    if not leg.dialog.can_encrypt:
        refuse_plain(leg)
        return False
    return True


def refuse_plain(leg: PhoneLeg) -> None:
    """End a call whose sound could be overheard and must not be."""
    if leg.ending is None:
        leg.ending, leg.ending_detail = Cause.REFUSED, "its sound would not be encrypted"
    leg.dialog.hang_up(0 if leg.agreed else NOT_ACCEPTABLE)
