"""The SIM card, the network and the far end, as the virtual modem sees them: its one call and what happens to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.lines.virtual.inside import Inside, KeyTone, NotNow, SoundOff, SoundOn

FarManner = Literal["answers", "silent", "busy", "refuses", "unreachable"]
DIALLING, ALERTING, INCOMING, ACTIVE, RELEASED = 2, 3, 4, 0, 6
REFUSES_AFTER = 1.5
SIM_ERRORS = {"busy": 14, "none": 10, "puk": 12, "pin": 11, "off": 14}
"""+CME ERROR of a SIM that is not ready."""


@dataclass(slots=True)
class FarCall:
    """The one call."""

    outgoing: bool
    number: str
    status: int
    answered_at: float | None = None
    keys: str = ""
    """Pressed by the box (AT+VTS)."""

    def row(self, status: int | None = None) -> str:
        """Its +CLCC row."""
        shown = self.status if status is None else status
        return f'+CLCC: 1,{0 if self.outgoing else 1},{shown},0,0,"{self.number}",{number_kind(self.number)}'


class Sim:
    """The card: busy for a while after every start, then ready, locked, blocked or not there."""

    def __init__(self, inside: Inside) -> None:
        self.state = "off"
        self.tries = 3
        self._in = inside

    def start(self) -> None:
        self.state = "busy"
        self._in.later(self._in.manners.sim_busy, "sim", self._wake)

    def enter(self, pin: str) -> bool:
        """The PIN is right; three wrong ones block the card for good."""
        if pin == self._in.manners.pin:
            self.tries = 3
            return True
        self.tries -= 1
        self.state = "pin" if self.tries else "puk"
        return False

    def _wake(self) -> None:
        manners = self._in.manners
        blocked = manners.sim == "puk" or not self.tries
        self.state = "none" if manners.sim == "none" else "puk" if blocked else "pin" if manners.pin else "ready"
        if self.state in {"pin", "puk"}:
            self._in.say(f"+CPIN: SIM {self.state.upper()}")


class Network:
    """Registration and the call. Its verbs are the far end's and the network's."""

    def __init__(self, inside: Inside, sim: Sim) -> None:
        self.call: FarCall | None = None
        self.last_call: FarCall | None = None
        self.far: FarManner = "answers"
        self.answer_after = inside.manners.answer_after
        self.registered = False
        self.sound = False
        """The modem's PCM is on."""
        self._in = inside
        self._sim = sim
        self._calls = 0
        self._pcm_refusals = 0

    def start(self) -> None:
        """With the modem."""
        self.fall()
        self._calls = 0

    def fall(self) -> None:
        """The modem has no power: nobody is told anything any more."""
        if self.call is not None:
            self.last_call = self.call
        self.call, self.registered = None, False
        self.sound_off()

    # ---- registration

    def register(self, *, on: bool) -> None:
        on = on and self._sim.state == "ready" and self._in.fault != "network"
        if on == self.registered:
            return
        self.registered = on
        self._in.note(f"registered at {self._in.manners.operator}" if on else "no network")
        settings = self._in.settings
        for name, mode in (("CREG", settings.circuit_news), ("CEREG", settings.packet_news)):
            if mode:
                self._in.say(f"+{name}: {self.status(name)}{self.cell() if mode == 2 else ''}")
        if not on and self.call is not None:
            self.end("NO CARRIER")

    def status(self, name: str) -> int:
        if not self.registered:
            return 2
        return 3 if self._in.manners.volte_only and name == "CREG" else 1

    def cell(self) -> str:
        return ',"00C3","00A1B2C3",7' if self.registered else ""

    # ---- calls in

    def ring(self, number: str) -> None:
        """Somebody calls this SIM.

        Raises:
            NotNow: they hear "not reachable" or "busy" instead.
        """
        if not self.registered or self._in.fault == "hang":
            raise NotNow("the modem is not on the network")
        if self.call is not None:
            raise NotNow("busy: the modem has a call already")
        self.call = FarCall(outgoing=False, number=number, status=INCOMING)
        self._in.note(f"rings: {number or 'number withheld'}")
        self._ring(first=True)
        self._in.later(self._in.manners.gives_up, "call", self._give_up)

    def _ring(self, *, first: bool = False) -> None:
        assert self.call is not None
        self._in.say("+CRING: VOICE" if self._in.settings.say_cring else "RING")
        if first:
            self._state_line(self.call.row())
        if self._in.settings.show_caller:
            self._in.later(self._in.manners.clip_after, "ring", self._show_caller)
        self._in.later(self._in.manners.ring_every, "ring", self._ring)

    def _show_caller(self) -> None:
        assert self.call is not None
        number = self.call.number
        self._in.say(f'+CLIP: "{number}",{number_kind(number)},"",,"",{0 if number else 1}')

    def _give_up(self) -> None:
        self._in.note("the caller gives up")
        self.end("NO CARRIER")

    # ---- calls out

    def dial(self, number: str) -> None:
        self.call = FarCall(outgoing=True, number=number, status=DIALLING)
        self._in.note(f"dials {number}")
        self._state_line(self.call.row())
        self._in.later(self._in.manners.alert_after, "call", self._alert)

    def _alert(self) -> None:
        assert self.call is not None
        match self.far:
            case "busy":
                self.end("BUSY")
            case "unreachable":
                self.end("NO CARRIER")
            case _:
                self.call.status = ALERTING
                self._state_line(self.call.row())
                self._in.note(f"the far end rings: {self.call.number}")
                self._decide()

    def _decide(self) -> None:
        if self.far == "refuses":
            self._in.later(REFUSES_AFTER, "call", lambda: self.end("NO CARRIER"))
            return
        self._in.later(self._in.manners.gives_up, "call", lambda: self.end("NO ANSWER"))
        if self.far == "answers" and self.answer_after is not None:
            self._in.later(self.answer_after, "call", self.connect)

    # ---- calls that are up

    def connect(self) -> None:
        """Either side has answered."""
        assert self.call is not None
        self._in.agenda.call_off("call")
        self._in.agenda.call_off("ring")
        self.call.status, self.call.answered_at = ACTIVE, self._in.now
        self._calls += 1
        self._pcm_refusals = 1 if self._degraded else 0
        self._in.say("VOICE CALL: BEGIN")
        self._state_line(self.call.row())
        self._in.note("the call is up")

    def press(self, key: str) -> None:
        """The far end presses a key.

        Raises:
            NotNow: no call is up.
        """
        if not self.active:
            raise NotNow("no call is up")
        self._in.note(f"the far end presses {key}")
        keys = self._in.manners.keys
        if self._in.settings.hear_keys and keys != "sound":
            self._in.say(f"+RXDTMF: {key}")
        if keys != "report":
            self._in.add(KeyTone(key))

    def end(self, word: str = "") -> None:
        """The call is over; `word` is what the network says of it, empty when the box ended it."""
        call = self.call
        assert call is not None
        self.call, self.last_call = None, call
        self._in.agenda.call_off("call")
        self._in.agenda.call_off("ring")
        self.sound_off()
        self._state_line(call.row(RELEASED))
        if call.answered_at is not None:
            self._in.say(f"VOICE CALL: END: {round(self._in.now - call.answered_at):06d}")
        elif word and not call.outgoing:
            self._in.say(f"MISSED_CALL: 12:00AM {call.number}".rstrip())
        if word not in {"", "NO CARRIER"} or self._in.manners.no_carrier:
            self._in.say(word or "NO CARRIER")
        self._in.note("the call is over")

    @property
    def active(self) -> bool:
        return self.call is not None and self.call.status == ACTIVE

    def _state_line(self, row: str) -> None:
        if self._in.settings.call_states:
            self._in.say(row)

    # ---- its sound

    @property
    def _degraded(self) -> bool:
        return self._in.manners.second_call_degraded and self._calls > 1

    def ask_for_sound(self) -> bool:
        """False: refused, as it is outside calls, and once at the start of a call that will sound choppy."""
        if not self.active:
            return False
        if self._pcm_refusals:
            self._pcm_refusals -= 1
            return False
        self._in.agenda.call_off("sound")
        if not self.sound:
            self._in.later(self._in.manners.pcm_settles, "sound", self._sound_on)
        return True

    def sound_off(self) -> bool:
        """False: it was off."""
        self._in.agenda.call_off("sound")
        was, self.sound = self.sound, False
        if was:
            self._in.add(SoundOff())
        return was

    def _sound_on(self) -> None:
        self.sound = True
        self._in.add(SoundOn(self._in.settings.wide or self._in.manners.wide, self._degraded))
        self._in.note("sound on")


def number_kind(number: str) -> int:
    """Type of number (24.008): 145 international, 129 unknown, 128 as seen for withheld ones."""
    return 145 if number.startswith("+") else 129 if number else 128
