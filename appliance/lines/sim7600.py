"""The SIM7600 family of SIMCom: voice as 16-bit PCM on a serial port of its own.

After the SIM7500/SIM7600 AT command manual and reports from the field; not yet tried on a physical modem.
"""

from __future__ import annotations

from appliance.lines.at import Command
from appliance.lines.reports import CallBegan, CallOver, KeyHeard, Report, fields
from appliance.lines.talk import Asking, Procedure, ask, pause

SETTLE = 0.5
"""Seconds from connect to the first CPCMREG=1: earlier it is refused."""
AGAIN = 0.3
"""Seconds between two tries, and between two looks at the read-back."""


class Sim7600:
    """Sound is asked for with CPCMREG, accepted only while a call is active, and lies for a moment after OK."""

    usb = ("1e0e:9001",)
    at_interface = 2
    sound_interface = 4
    reset = "AT+CRESET"
    reset_seconds = 20.0
    """14 to 20 s were seen."""

    def read(self, line: str) -> Report | None:
        """VOICE CALL and MISSED_CALL carry no call index; +RXDTMF is one key."""
        if line == "VOICE CALL: BEGIN":
            return CallBegan()
        if line.startswith(("VOICE CALL: END", "MISSED_CALL")):
            return CallOver(line)
        if line.startswith("+RXDTMF:"):
            key = line.partition(":")[2].strip(' "').upper()
            return KeyHeard(key) if len(key) == 1 and key in "0123456789*#ABCD" else None
        return None

    def subscribe(self) -> Procedure:
        """AT+CLCC=1: call states unasked, in the form of CLCC rows with 6 for released."""
        yield from ask("AT+CLCC=1")

    def hear_keys(self) -> Asking[bool]:
        """DDET."""
        reply = yield from ask("AT+DDET=1")
        return reply.ok

    def prepare_sound(self) -> Procedure:
        """Pin 8 kHz: left free, a VoLTE call takes 16 kHz, heard as noise or half speed. Old firmware refuses: ignored."""
        yield from ask("AT+CPCMFRM=0")
        yield from ask("AT+CPCMBANDWIDTH=1,1")

    def start_sound(self) -> Asking[int]:
        """The procedure known to work: settle, ask; refused: clear once, ask on; OK but off: look again, never reset."""
        yield from pause(SETTLE)
        tries = 0
        while True:
            tries += 1
            reply = yield from ask("AT+CPCMREG=1")
            while reply.ok:
                if (yield from self.sound_is_on()):
                    return tries
                yield from pause(AGAIN)
            if tries == 1:
                yield from ask(Command("AT+CPCMREG=0,1", 2.0, patient=True))
            yield from pause(AGAIN)

    def stop_sound(self) -> Procedure:
        """It answers ERROR when the call has just gone: that is as good."""
        yield from ask(Command("AT+CPCMREG=0", 2.0, patient=True))

    def sound_is_on(self) -> Asking[bool]:
        """The read-back of CPCMREG."""
        reply = yield from ask(Command("AT+CPCMREG?", 2.0, prefix="+CPCMREG"))
        return any(fields(line.partition(":")[2])[:1] == ["1"] for line in reply.lines)

    def pin_tries_left(self) -> Asking[int | None]:
        """`+SPIC: 3,10,0,10`: the first is PIN1."""
        reply = yield from ask(Command("AT+SPIC", prefix="+SPIC"))
        first = fields(reply.lines[0].partition(":")[2])[:1] if reply.lines else []
        return int(first[0]) if first and first[0].isdecimal() else None
