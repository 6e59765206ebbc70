"""One GSM line: the modem's life from power-up to trouble and back, and around it the one call it may have.

Pure: bytes and time in, effects out. `port.py` is its driver; the virtual modem's core is its other end in tests.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from appliance.calls.events import LegEnded
from appliance.calls.names import Cause, LegId
from appliance.lines import reports
from appliance.lines.at import ESC, AtEvent, Command, Replied, Unsolicited
from appliance.lines.call import State
from appliance.lines.effects import Effect, Reopen
from appliance.lines.health import Health
from appliance.lines.machine import CallMachine
from appliance.lines.maker import Maker
from appliance.lines.settings import Adopted, LineSettings
from appliance.lines.sim import SimCard
from appliance.lines.talk import Procedure, Talk, ask, pause

AT_TRIES = 5
BEAT = 10.0
"""Seconds between two looks at an idle modem."""
SIGNAL_BEATS, NETWORK_BEATS = 3, 6
JOINING_BEATS = 3
"""So long a modem that has just started may look for the network before that is called trouble."""
STEADY = 60.0
"""Seconds of good work after which old troubles are forgotten."""
STUMBLES = 3
"""Unanswered commands, with the modem answering again each time, until it counts as sick."""
OPEN_ANEW, RESTART = "open anew", "restart"
LADDER: tuple[str | float, ...] = (OPEN_ANEW, RESTART, 15.0, 60.0, RESTART, 300.0)
"""What is tried with a modem that does not answer, one after the other; numbers are seconds of rest. At the end the
last two repeat: it may be plugged into a supply that comes back at night."""
SPARED = 60.0
"""Seconds a silent modem is not restarted while people talk over it: their sound may well go on."""
HEAL_EVERY = 300.0
"""Seconds between two restarts for the sound's sake."""

MUTE = 5.0
"""Seconds without an answer after which a modem whose sound fails too is restarted at once."""
LATE_ANSWERS = 0.7
"""Seconds for answers to earlier tries to arrive and be forgotten."""


class Phase(Enum):
    """Where the modem is."""

    ABSENT = auto()
    WAKING = auto()
    """Being spoken to until it answers."""
    SETTING_UP = auto()
    WAITING_FOR_SIM = auto()
    """It answers, and may place emergency calls."""
    READY = auto()


class GsmLine:
    """A line over one GSM modem, any make.

    Each verb returns what follows from it, in order. `opened` and `lost` tell of the AT port; `receive` and `tick`
    drive; `next_deadline` says when `tick` is wanted. The rest is what the switchboard may want.
    """

    def __init__(
        self, settings: LineSettings, maker: Maker, new_leg: Callable[[], LegId], adopt: Adopted | None = None
    ) -> None:
        """`adopt` is a call that was up when the desk went away: found in the modem, it goes on; else it is ended."""
        self.settings = settings
        self.phase = Phase.ABSENT
        self.health = Health(settings.name)
        self._maker = maker
        self._talk = Talk(settings.name)
        self._calls = CallMachine(settings, maker, self._talk, new_leg, adopt)
        self._sim = SimCard(settings.pin, maker, self.health)
        self._rung = 0
        """The next remedy; the first again once it has worked for a while."""
        self._stumbles = 0
        self._last_good = 0.0
        self._ready_since = 0.0
        self._healed = -HEAL_EVERY
        self._format_due = False

    # ---- the port

    def opened(self, now: float, sound_device: str = "") -> list[Effect]:
        """The AT port is open. `sound_device` is where the modem's PCM is, when the settings do not say."""
        self._talk.now = now
        self._calls.sound_device = self.settings.sound or sound_device
        self._wake()
        return self._done()

    def lost(self, reason: str, now: float) -> list[Effect]:
        """The AT port cannot be opened, or has gone. Saying so again is no harm."""
        self._talk.now = now
        if self.phase is not Phase.ABSENT:
            self._fall_silent()
            self.phase = Phase.ABSENT
            self._rung = self._stumbles = 0
            self.health.forget_network()
        self._calls.lost(reason)
        self.health.trouble = reason
        return self._done()

    def receive(self, data: bytes, now: float) -> list[Effect]:
        """Bytes from the AT port, however they were cut."""
        self._talk.now = now
        if self.phase is not Phase.ABSENT:
            self._dispatch(self._talk.receive(data))
        return self._done()

    def tick(self, now: float) -> list[Effect]:
        """Do what time has brought."""
        self._talk.now = now
        self._dispatch(self._talk.tick())
        self._calls.tick()
        return self._done()

    def next_deadline(self) -> float | None:
        deadlines = [at for at in (self._talk.next_deadline(), self._calls.next_deadline()) if at is not None]
        return min(deadlines, default=None)

    @property
    def idle(self) -> bool:
        """No call, and none being cleared."""
        return self._calls.call is None

    # ---- what the switchboard wants

    def answer(self, leg: LegId, now: float) -> list[Effect]:
        """Take the ringing call: SoundWanted follows, or LegEnded."""
        self._talk.now = now
        self._calls.answer(leg)
        return self._done()

    def hang_up(self, leg: LegId, now: float, cause: Cause = Cause.NORMAL, detail: str = "") -> list[Effect]:
        """End the call: SoundOver when it had sound, then one LegEnded with this cause. Not ours: nothing."""
        self._talk.now = now
        self._calls.hang_up(leg, cause, detail)
        return self._done()

    def dial(self, leg: LegId, number: str, now: float) -> list[Effect]:
        """Call a number. LegRinging may follow; then SoundWanted or LegEnded.

        Without a network it is tried all the same: the modem may place an emergency call where it takes no other.
        """
        self._talk.now = now
        if self.phase in {Phase.READY, Phase.WAITING_FOR_SIM}:
            self._calls.dial(leg, number)
        else:
            words = self.health.trouble or self.health.starting or "not ready yet"
            self._talk.say(LegEnded(leg, Cause.UNREACHABLE, f"line {self.settings.name}: {words}"))
        return self._done()

    def send_keys(self, leg: LegId, keys: str, now: float) -> list[Effect]:
        """Press keys toward the far end of an active call; signs that are no keys are left out."""
        self._talk.now = now
        self._calls.send_keys(leg, keys)
        return self._done()

    def sound_trouble(self, leg: LegId, now: float) -> list[Effect]:
        """The engine reports that this leg's sound is not right (`SoundNoted` with words)."""
        self._talk.now = now
        self._calls.sound_trouble(leg)
        if self.phase is Phase.WAKING and self._talking() and now - self._last_good >= MUTE:
            self._restart("the modem is silent and so is its sound: restarting it")
        return self._done()

    # ---- what the modem says

    def _dispatch(self, events: list[AtEvent]) -> None:
        for event in events:
            match event:
                case Unsolicited(line=line):
                    self._heard(line)
                case Replied(reply=reply):
                    if reply.ok:
                        self._last_good = self._talk.now
                    if reply.silent and not reply.command.patient and self.phase is not Phase.ABSENT:
                        self._unanswered(event)
                    else:
                        self._talk.replied(event)

    def _unanswered(self, event: Replied) -> None:
        if event.reply.command in {_AT, _FIRST_AT}:  # its own procedure knows what to do
            self._talk.replied(event)
        else:
            self._stumble("the modem is silent")

    def _heard(self, line: str) -> None:
        match self._maker.read(line) or reports.read(line):
            case reports.Ringing():
                self._calls.rang()
            case reports.CallerId(number=number):
                self._calls.caller_is(number)
            case reports.CallRow() as row:
                self._calls.row(row)
            case reports.CallBegan():
                self._calls.began()
            case reports.CallOver(word=word):
                self._calls.ended(word)
            case reports.KeyHeard(key=key):
                self._calls.key(key)
            case reports.Registration() as registration:
                self._registration(registration)
            case reports.SimSaid(words=words) if words != "READY" and self.phase is Phase.READY:
                self._talk.start("modem", self._set_up())
            case reports.ModemBooted() if self.phase is not Phase.WAKING:
                self._booted()
            case _:
                pass

    def _registration(self, registration: reports.Registration) -> None:
        was = self.health.registered
        self.health.note(registration)
        if self.health.registered and not was and self.phase is Phase.READY:
            self._talk.start("network", self._look_at_network())

    def _booted(self) -> None:
        """It started anew under our hands (a dip in its supply does that): its call is gone, its settings too."""
        self._calls.lost("the modem restarted by itself")
        self.health.forget_network()
        self._wake()

    # ---- waking and setting up

    def _wake(self) -> None:
        self._fall_silent()
        self.phase = Phase.WAKING
        self._talk.start("modem", self._waking())

    def _fall_silent(self) -> None:
        self._calls.freeze()
        self._talk.stop("modem", "beat", "network", "stranger", "format")
        self._talk.hang_up_on_modem()

    def _waking(self) -> Procedure:
        """ESC first: a modem stuck at a prompt takes everything else for text."""
        for tries in range(AT_TRIES):
            self._talk.write(ESC)
            reply = yield from ask(_FIRST_AT)
            if reply.ok:
                yield from pause(LATE_ANSWERS if tries else 0.0)
                yield from self._set_up()
                return
            yield from pause(0.0 if reply.silent else 1.0)
        self._climb("the modem does not answer")

    def _set_up(self) -> Procedure:
        """From echo off to READY. Nothing in here disturbs a call that is up."""
        self.phase = Phase.SETTING_UP
        self._talk.stop("beat")
        yield from ask("ATE0")
        yield from ask("AT+CMEE=1")
        yield from ask("AT&D0")  # a closing port drops DTR: that must not end calls
        self._calls.thaw()
        yield from self._calls.take_stock()
        self._starting("reading the SIM card")
        for question in ("AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN"):
            yield from ask(Command(question, plain=True))
        yield from self._sim.ready(self._waits_for_sim)
        self.phase = Phase.SETTING_UP
        self._starting("joining the network")
        yield from ask(Command("AT+CIMI", plain=True))
        yield from self._subscribe()
        yield from self._sound_format()
        yield from self._look_at_network()
        yield from self._look_at_signal()
        self.phase = Phase.READY
        self.health.ready = True
        self._ready_since = self._talk.now
        self._talk.start("beat", self._beating())

    def _starting(self, words: str) -> None:
        """A line that is registered and only stumbled stays up all the while."""
        self.health.trouble, self.health.starting = "", words

    def _waits_for_sim(self) -> None:
        self.phase = Phase.WAITING_FOR_SIM

    def _subscribe(self) -> Procedure:
        for order in ("ATS0=0", "AT+CLIP=1", "AT+CRC=0", "AT+CREG=2", "AT+CEREG=2", "AT+CSCLK=0", "AT+COPS=3,0"):
            yield from ask(Command(order, 20.0 if order == "AT+CLIP=1" else 5.0, patient=True))
        yield from self._maker.subscribe()
        if not self._calls.keys_by_sound and not (yield from self._maker.hear_keys()):
            self._calls.keys_by_sound = True
        yield from ask(Command("AT+CCWA=0,0,1", 20.0, patient=True))  # call waiting: one line, one call

    def _sound_format(self) -> Procedure:
        """Not during a call: later, then."""
        self._format_due = self._calls.call is not None
        if not self._format_due:
            yield from self._maker.prepare_sound()

    # ---- watching

    def _beating(self) -> Procedure:
        beats = 0
        while True:
            yield from pause(BEAT)
            beats += 1
            if beats >= JOINING_BEATS:
                self.health.starting = ""
            if self._talk.now - self._ready_since >= STEADY:
                self._rung = self._stumbles = 0
            if not self.health.registered or beats % NETWORK_BEATS == 0:
                yield from self._look_at_network()
            if beats % SIGNAL_BEATS == 0 or self.health.signal is None:
                yield from self._look_at_signal()
            if self._calls.call is None:
                yield from self._calls.look()  # is there one nobody told us of?
            if self._talk.now - self._last_good >= BEAT / 2:
                reply = yield from ask(_AT)
                if not reply.ok:
                    self._stumble("the modem is silent" if reply.silent else "the modem answers only ERROR")

    def _look_at_network(self) -> Procedure:
        for question, prefix in (("AT+CREG?", "+CREG"), ("AT+CEREG?", "+CEREG")):
            reply = yield from ask(Command(question, prefix=prefix))
            for line in reply.lines:
                if registration := reports.registration(line):
                    self.health.note(registration)
        if self.health.registered:
            reply = yield from ask(Command("AT+COPS?", 10.0, prefix="+COPS", patient=True))
            for line in reply.lines:
                self.health.operator = reports.operator_name(line) or self.health.operator

    def _look_at_signal(self) -> Procedure:
        reply = yield from ask(Command("AT+CSQ", prefix="+CSQ"))
        for line in reply.lines:
            self.health.signal = reports.signal_percent(line)

    # ---- trouble

    def _stumble(self, why: str) -> None:
        """A command went unanswered: speak to the modem until it answers again, and count."""
        self._stumbles += 1
        if self._stumbles > STUMBLES:
            self._climb(why)
            return
        if self._stumbles > 1 or self._talking():
            self.health.trouble = f"{why}; trying to reach it"
        self._wake()

    def _climb(self, why: str) -> None:
        """The next remedy. While people talk over a modem that went mute, it is not restarted at once."""
        self._stumbles = 0
        remedy = LADDER[self._rung]
        if remedy == RESTART and self._talking() and self._talk.now - self._last_good < SPARED:
            self.health.trouble = f"{why}; the call goes on while we try to reach it"
            self._fall_silent()
            self._talk.start("modem", self._waking_later())
            return
        self._rung = self._rung + 1 if self._rung + 1 < len(LADDER) else len(LADDER) - 2
        if remedy == RESTART:
            self._restart(f"{why}: restarting it")
        elif remedy == OPEN_ANEW:
            self.health.trouble = f"{why}; opening its port again"
            self._close(0.0)
        else:
            assert isinstance(remedy, float)
            self._calls.lost(why)
            self.health.trouble = f"{why}; trying again in {remedy:.0f} s"
            self._close(remedy)

    def _waking_later(self) -> Procedure:
        yield from pause(5.0)
        yield from self._waking()

    def _restart(self, why: str) -> None:
        """The modem's own restart. It takes the call with it, and comes back with nothing set."""
        self._calls.lost(why)
        self.health.forget_network()
        self.health.trouble, self.health.starting = "", why
        self._talk.write(self._maker.reset.encode("ascii") + b"\r")
        self._close(self._maker.reset_seconds)

    def _close(self, seconds: float) -> None:
        self._fall_silent()
        self.phase = Phase.WAKING
        self._talk.say(Reopen(seconds))

    def _talking(self) -> bool:
        call = self._calls.call
        return call is not None and call.state is State.ACTIVE

    def _done(self) -> list[Effect]:
        """See whether a quiet moment has work for us, then hand everything out."""
        if self._calls.unwell and self.phase is not Phase.ABSENT:
            self._restart(f"{self._calls.unwell}: restarting it")
        elif self.phase is Phase.READY and self._calls.call is None:
            if self._calls.unsteady and self._talk.now - self._healed >= HEAL_EVERY:
                self._healed = self._talk.now
                self._restart("restarting the modem, because its sound had become unsteady")
            elif self._format_due:
                self._format_due = False
                self._talk.start("format", self._maker.prepare_sound())
        if change := self.health.news():
            self._talk.say(change)
        return self._talk.take()


_AT = Command("AT", 2.0)
_FIRST_AT = Command("AT", 1.0)
