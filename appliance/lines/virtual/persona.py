"""The AT side of the virtual modem: a SIM7600 as its manual and its users describe it.

Pure: bytes, time and dice in; bytes, and what else follows, out. What the far end does comes in by verbs of its own.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from appliance.lines.virtual.inside import Fault, Gone, Inside, NotNow, Outcome, Said, Settings
from appliance.lines.virtual.manners import Manners
from appliance.lines.virtual.network import ALERTING, INCOMING, SIM_ERRORS, Network, Sim

_LONGEST_COMMAND = 556
_IDENTITY = {
    "CGMI": "SIMCOM INCORPORATED",
    "CGMM": "SIMCOM_SIM7600E-H",
    "CGMR": "+CGMR: LE20B05SIM7600M21",
    "CGSN": "867584030000001",
}


class Persona:
    """One virtual modem. `boot` first; then `receive` and `tick`, and the far end's verbs, each with its results."""

    def __init__(self, manners: Manners, dice: random.Random) -> None:
        self._in = Inside(manners, dice)
        self.sim = Sim(self._in)
        self.network = Network(self._in, self.sim)
        self.signal = manners.signal
        self.starts = 0
        self.impatient = 0
        """Commands that came while another was being answered."""
        self.unknown: list[str] = []
        """Commands it did not know."""
        self._typed = bytearray()
        self._busy = False
        self._commands = self._table()

    @property
    def fault(self) -> Fault:
        return self._in.fault

    # ---- driving

    def boot(self, now: float) -> list[Outcome]:
        """Power on, or back from a restart: everything forgotten, the SIM busy for a while."""
        self._in.now = now
        self.starts += 1
        self._in.agenda.clear()
        self._in.settings, self._in.fault = Settings(), "none"
        self._typed, self._busy = bytearray(), False
        self.network.start()
        self.sim.start()
        self._in.later(self._in.manners.sim_busy, "sim", self._sim_woke)
        self._in.note("starts")
        self._in.say("RDY")
        return self._in.done()

    def receive(self, data: bytes, now: float) -> list[Outcome]:
        """Bytes from the box."""
        self._in.now = now
        if self._in.fault != "hang":
            for byte in data:
                self._byte(byte)
        return self._in.done()

    def tick(self, now: float) -> list[Outcome]:
        """Do what time has brought."""
        while (at := self._in.agenda.next()) is not None and at <= now:
            self._in.now = at
            self._in.agenda.take()()
        self._in.now = now
        return self._in.done()

    def next_deadline(self) -> float | None:
        return self._in.agenda.next()

    # ---- the far end and the world

    def ring(self, number: str, now: float) -> list[Outcome]:
        """Somebody calls this SIM; `number` is empty when withheld.

        Raises:
            NotNow: they hear "not reachable" or "busy" instead.
        """
        self._in.now = now
        self.network.ring(number)
        return self._in.done()

    def answer(self, now: float) -> list[Outcome]:
        """The far end takes our call.

        Raises:
            NotNow: nothing rings there.
        """
        self._in.now = now
        if self.network.call is None or self.network.call.status != ALERTING:
            raise NotNow("nothing rings at the far end")
        self.network.connect()
        return self._in.done()

    def hang_up(self, now: float, word: str = "NO CARRIER") -> list[Outcome]:
        """The far end puts the phone down, gives up, or refuses (`BUSY`).

        Raises:
            NotNow: there is no call.
        """
        self._in.now = now
        if self.network.call is None:
            raise NotNow("there is no call")
        self._in.note("the far end hangs up")
        self.network.end(word)
        return self._in.done()

    def press(self, key: str, now: float) -> list[Outcome]:
        """The far end presses a key.

        Raises:
            NotNow: no call is up.
        """
        self._in.now = now
        self.network.press(key)
        return self._in.done()

    def misbehave(self, fault: Fault, now: float) -> list[Outcome]:
        """Begin a fault, or end it (`none`).

        `error`: every command gets ERROR. `silent`: heeds, but says nothing. `hang`: does not even heed, and its
        sound stops. `network`: none.
        """
        self._in.now = now
        self._in.fault = fault
        self._in.note(f"fault: {fault}")
        if fault == "hang":
            self.network.sound_off()
        self.network.register(on=True)
        return self._in.done()

    def noise(self, now: float) -> list[Outcome]:
        """Garbage on the AT port, as after a bad plug."""
        self._in.now = now
        length = self._in.dice.randrange(1, 40)
        self._in.add(Said(bytes(self._in.dice.randrange(256) for _ in range(length))))
        return self._in.done()

    def vanish(self, now: float) -> list[Outcome]:
        """The plug is pulled: everything stops; `boot` is next."""
        self._in.now = now
        self._power_off()
        self._in.note("unplugged")
        return self._in.done()

    def _power_off(self) -> None:
        self._in.agenda.clear()
        self.network.fall()
        self.sim.state = "off"

    # ---- bytes

    def _byte(self, byte: int) -> None:
        if self._in.settings.echo:
            self._in.write(bytes([byte]))
        if byte == 0x0D:
            text = self._typed.decode("ascii", "replace")
            self._typed.clear()
            start = text.upper().find("AT")
            if start >= 0:
                self._command(text[start:].strip())
        elif byte != 0x0A and len(self._typed) < _LONGEST_COMMAND:
            self._typed.append(byte)

    def _command(self, text: str) -> None:
        """One at a time: what comes while another is answered is lost, or refused."""
        if self._busy:
            self.impatient += 1
            if self._in.manners.refuses_second:
                self._in.say("ERROR")
            return
        self._busy = True
        manners = self._in.manners
        delays = [seconds for head, seconds in manners.delays.items() if text.upper().startswith(head)]
        self._in.later(delays[0] if delays else manners.delay, "answer", lambda: self._perform(text))

    def _perform(self, text: str) -> None:
        self._busy = False
        if self._in.fault == "error":
            self._in.say("ERROR")
            return
        for pattern, method in self._commands:
            if match := pattern.fullmatch(text):
                method(*match.groups())
                return
        self.unknown.append(text)
        self._in.say("ERROR")

    # ---- commands

    def _table(self) -> list[tuple[re.Pattern[str], Callable[..., None]]]:
        """ATH says OK and leaves the call up, as SIMCom's does."""
        table: dict[str, Callable[..., None]] = {
            r"AT|AT&D0|ATS0=0|ATI|ATH0?|ATV1|ATX4": self._nothing,
            r"ATE([01])": self._echo,
            r"AT&F0?": lambda: self._echo("1"),
            r"AT\+CMEE=([012])": self._numeric_errors,
            r"AT\+(CGMI|CGMM|CGMR|CGSN)": lambda what: self._in.say(_IDENTITY[what.upper()], "OK"),
            r"AT\+CIMI": self._imsi,
            r"AT\+CPIN\?": self._sim_state,
            r'AT\+CPIN="?(\d{4,8})"?': self._pin,
            r"AT\+SPIC": lambda: self._in.say(f"+SPIC: {self.sim.tries},10,3,10", "OK"),
            r"AT\+CSQ": lambda: self._in.say(f"+CSQ: {99 if self.sim.state == 'busy' else self.signal},99", "OK"),
            r"AT\+(CREG|CEREG)\?": self._registration,
            r"AT\+(CREG|CEREG)=([012])": self._registration_news,
            r"AT\+COPS\?": self._operator,
            r"AT\+CLIP=([01])": self._caller_id,
            r"AT\+CRC=([01])": self._cring,
            r"AT\+CLCC=([01])": self._call_states,
            r"AT\+DDET=([01])": self._hear_keys,
            r"AT\+CPCMFRM=([01])": self._format,
            r"AT\+(?:CPCMBANDWIDTH|CSCLK|CCWA|COPS|CECM|CLVL|CMICGAIN|COUTGAIN|CLIR|VTD|CVHU)=[0-9][0-9,]*": self._nothing,
            r"AT\+CRESET|AT\+CFUN=1,1": self._restart,
            r"AT\+CLCC": self._list,
            r"ATD([0-9*#+]+)(;?)": self._dial,
            r"ATA": self._answer,
            r"AT\+CHUP": self._hang_up,
            r'AT\+VTS="?([0-9*#A-D])"?': self._keys,
            r"AT\+CPCMREG=([01])(?:,1)?": self._sound,
            r"AT\+CPCMREG\?": lambda: self._in.say(f"+CPCMREG: {int(self.network.sound)}", "OK"),
        }
        return [(re.compile(text, re.IGNORECASE), method) for text, method in table.items()]

    def _nothing(self) -> None:
        self._in.say("OK")

    def _echo(self, on: str) -> None:
        self._in.settings.echo = on == "1"
        self._in.say("OK")

    def _numeric_errors(self, value: str) -> None:
        self._in.settings.numeric_errors = value != "0"
        self._in.say("OK")

    def _cring(self, on: str) -> None:
        self._in.settings.say_cring = on == "1"
        self._in.say("OK")

    def _call_states(self, on: str) -> None:
        self._in.settings.call_states = on == "1"
        self._in.say("OK")

    def _format(self, wide: str) -> None:
        self._in.settings.wide = wide == "1"
        self._in.say("OK")

    def _caller_id(self, on: str) -> None:
        if self._sim_there():
            self._in.settings.show_caller = on == "1"
            self._in.say("OK")

    def _hear_keys(self, on: str) -> None:
        if self._in.manners.keys == "sound":
            self._in.say("ERROR")
            return
        self._in.settings.hear_keys = on == "1"
        self._in.say("OK")

    def _restart(self) -> None:
        self._in.say("OK")
        self._in.note("restarts")
        self._power_off()
        self._in.add(Gone(self._in.manners.reboot))

    # ---- commands: SIM and network

    def _sim_woke(self) -> None:
        if self.sim.state == "ready":
            self._sim_ready()

    def _sim_ready(self) -> None:
        self.sim.state = "ready"
        self._in.say("+CPIN: READY")
        self._in.say("SMS DONE")
        self._in.later(self._in.manners.registers, "network", lambda: self.network.register(on=True))
        self._in.later(self._in.manners.registers + 0.5, "sim", lambda: self._in.say("PB DONE"))

    def _sim_there(self) -> bool:
        """False: has said why not."""
        if self.sim.state in SIM_ERRORS:
            self._in.refuse(SIM_ERRORS[self.sim.state])
            return False
        return True

    def _sim_state(self) -> None:
        said = {"ready": "READY", "pin": "SIM PIN", "puk": "SIM PUK"}
        if self.sim.state in said:
            self._in.say(f"+CPIN: {said[self.sim.state]}", "OK")
        else:
            self._sim_there()

    def _pin(self, pin: str) -> None:
        if self.sim.state != "pin":
            self._in.refuse(3)
        elif self.sim.enter(pin):
            self._in.say("OK")
            self._sim_ready()
        else:
            self._in.refuse(16)

    def _imsi(self) -> None:
        if self._sim_there():
            self._in.say("001010000000001", "OK")

    def _registration(self, name: str) -> None:
        settings = self._in.settings
        mode = settings.circuit_news if name == "CREG" else settings.packet_news
        self._in.say(f"+{name}: {mode},{self.network.status(name)}{self.network.cell() if mode == 2 else ''}", "OK")

    def _registration_news(self, name: str, mode: str) -> None:
        if name == "CREG":
            self._in.settings.circuit_news = int(mode)
        else:
            self._in.settings.packet_news = int(mode)
        self._in.say("OK")

    def _operator(self) -> None:
        if self._sim_there():
            there = f'+COPS: 0,0,"{self._in.manners.operator}",7' if self.network.registered else "+COPS: 0"
            self._in.say(there, "OK")

    # ---- commands: calls and their sound

    def _list(self) -> None:
        self._in.say(*([self.network.call.row()] if self.network.call else []), "OK")

    def _dial(self, number: str, voice: str) -> None:
        if not self._sim_there():
            return
        if self.network.call is not None:
            self._in.say("ERROR")
        elif not voice:
            self._in.say("NO CARRIER")
        elif not self.network.registered:
            self._in.refuse(30)
        else:
            self._in.say("OK")
            self.network.dial(number)

    def _answer(self) -> None:
        call = self.network.call
        if call is None or call.status != INCOMING:
            self._in.say("NO CARRIER")
            return
        if not self._in.manners.begin_before_ok:
            self._in.say("OK")
        self.network.connect()
        if self._in.manners.begin_before_ok:
            self._in.say("OK")

    def _hang_up(self) -> None:
        if self.network.call is None:
            self._in.say("ERROR")
            return
        self._in.note("the box hangs up")
        ok_first = self._in.dice.random() < 0.5
        if ok_first:
            self._in.say("OK")
        self.network.end()
        if not ok_first:
            self._in.say("OK")

    def _keys(self, key: str) -> None:
        if self.network.call is None or not self.network.active:
            self._in.say("ERROR")
            return
        self.network.call.keys += key
        self._in.note(f"the box presses {key}")
        self._in.say("OK")

    def _sound(self, on: str) -> None:
        if on == "1":
            self._in.say("OK" if self.network.ask_for_sound() else "ERROR")
        else:
            self._in.say("OK" if self.network.sound_off() else "ERROR")
