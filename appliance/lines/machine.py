"""What becomes of the one call of a GSM modem, from the first ring or digit to its end.

The modem's own list of calls (AT+CLCC) is the truth; what it says unasked is only faster. OK to a dial means
"accepted", ERROR to a hang-up may mean "already gone", and the end of a call may be said three times or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from appliance.calls.events import CallerKnown, KeyPressed, LegEnded, LegRangAgain, LegRinging, LineRang
from appliance.calls.names import Cause, LegId
from appliance.calls.timers import Timers
from appliance.lines.at import Command, Reply
from appliance.lines.call import AS_FOUND, KEYS, LIMIT, MAY_BECOME, PLAIN_WORDS, RELEASED, Call, State, wrong_with
from appliance.lines.effects import SoundOver, SoundWanted
from appliance.lines.maker import Maker
from appliance.lines.reports import CallRow, call_row
from appliance.lines.settings import Adopted, LineSettings
from appliance.lines.talk import Procedure, Talk, ask, pause

log = logging.getLogger("qendra.lines")

REPORT_AFTER = 1.0
"""Seconds a ringing call waits for its +CLIP before it is reported without."""
RINGS_ON = 3.0
"""Seconds between rings we count ourselves, for a call the modem has taken early: it rings no more."""
SOUND_WINDOW = 12.0
"""Seconds the modem has to turn its sound on."""
POLL, POLL_ENDING = 2.0, 0.5
GONE_AFTER = 2
"""Empty lists in a row."""
DEAF_AFTER = 30
"""Refused lists in a row."""
TELLING = 0.3
"""Seconds a failed call out waits for a word that says more (BUSY) after one that says little (released)."""
HANDS_OFF = 5.0
"""Seconds after our hang-up until the leg is reported over though the modem has not said so."""
ECHO_OF_THE_LAST = 1.0
"""Seconds in which NO CARRIER may still belong to the call before; dialling waits it out."""

_LIST = Command("AT+CLCC", 2.0, prefix="+CLCC", live=True)
"""Its rows take effect as they come, asked for or not; the answer tells what is not among them."""
_PROCEDURES = ("dial", "answer", "poll", "hang up", "sound", "keys")


class CallMachine:
    """At most one call. Speaks through `talk`; what it needs the modem restarted for, it says in `unwell`."""

    def __init__(
        self, settings: LineSettings, maker: Maker, talk: Talk, new_leg: Callable[[], LegId], adopt: Adopted | None
    ) -> None:
        self.call: Call | None = None
        self.sound_device = settings.sound
        self.keys_by_sound = settings.keys == "sound"
        self.unsteady = False
        """The sound was not as it should be: only a restart of the modem is known to cure that."""
        self.unwell = ""
        """Why the modem must be restarted at once; empty when it need not."""
        self._settings = settings
        self._maker = maker
        self._talk = talk
        self._new_leg = new_leg
        self._claim = adopt
        self._timers: Timers[str] = Timers()
        self._last_end = -1e9
        self._refused_lists = 0
        self._smooth_starts = 0
        self._keys = ""
        self._frozen = True

    # ---- what the switchboard wants

    def answer(self, leg: LegId) -> None:
        """Take the ringing call."""
        call = self.call
        if call is not None and call.leg == leg and call.state is State.INCOMING:
            self._move(call, State.ANSWERING)
            if call.up_early:
                self.began()
            else:
                self._take(call)

    def dial(self, leg: LegId, number: str) -> None:
        """Call a number; refused at once when the line is in use or the number is not one."""
        if self.call is not None or self._claim is not None:
            self._talk.say(LegEnded(leg, Cause.UNREACHABLE, "line is in use"))
        elif fault := wrong_with(number):
            self._talk.say(LegEnded(leg, Cause.UNKNOWN_NUMBER, fault))
        else:
            self.call = Call(
                leg, outgoing=True, state=State.DIALLING, since=self._now, number=number, told=True, sent=False
            )
            self._guard(self.call)
            self._talk.start("dial", self._dialling(self.call))

    def hang_up(self, leg: LegId, cause: Cause, detail: str) -> None:
        """End the call, whatever its state; the first reason given is the one reported."""
        if self.call is not None and self.call.leg == leg:
            self._hang(self.call, cause, detail)
        elif self._claim is not None and self._claim.leg == leg:
            self._claim = None
            self._talk.say(LegEnded(leg, cause, detail))

    def send_keys(self, leg: LegId, keys: str) -> None:
        """Press keys toward the far end, one after the other."""
        call = self.call
        if call is not None and call.leg == leg and call.state is State.ACTIVE:
            self._keys += "".join(key for key in keys.upper() if key in KEYS)
            self._press()

    def sound_trouble(self, leg: LegId) -> None:
        """The engine hears that the sound is not right. See whether the modem has turned it off, and mend that."""
        call = self.call
        if call is not None and call.leg == leg and call.sound and call.state is State.ACTIVE:
            self.unsteady = True
            if not self._frozen and not self._talk.runs("sound"):
                self._talk.start("sound", self._mending(call))

    # ---- what the modem says unasked

    def rang(self) -> None:
        """One RING."""
        if self._claim is not None:
            return  # the list will say whose it is
        if self.call is None:
            self._begin_incoming()
        else:
            self._make_way(self.call)
        call = self.call
        if call is None or call.state is not State.INCOMING:
            return
        call.rings += 1
        call.missing = 0
        if not call.told and call.rings > 1:
            self._report(call)
        if call.rings > 1:
            self._talk.say(LegRangAgain(call.leg, call.rings))

    def caller_is(self, number: str) -> None:
        """+CLIP: with the call, or late."""
        call = self.call
        if call is None or call.outgoing or call.state is State.ENDING:
            return
        if not call.told:
            call.number = number
            self._report(call)
        elif number and not call.number:
            call.number = number
            self._talk.say(CallerKnown(call.leg, number))

    def row(self, row: CallRow) -> None:
        """One row of the list, asked for or not."""
        if not row.voice:
            return
        if row.status == CallRow.INCOMING and self.call is not None:
            self._make_way(self.call)
        call = self.call
        if call is None or self._claim is not None or not call.is_in(row):
            self._stranger(row)
            return
        call.index, call.missing, call.sent = row.index, 0, True
        match row.status:
            case CallRow.RELEASED:
                self.ended(RELEASED)
            case CallRow.ACTIVE:
                self.began()
            case CallRow.ALERTING if call.state is State.DIALLING:
                self._move(call, State.ALERTING)
                self._talk.say(LegRinging(call.leg))
            case CallRow.INCOMING if row.number:
                self.caller_is(row.number)

    def began(self) -> None:
        """The call is connected; now its sound."""
        call = self.call
        if call is not None and call.state is State.INCOMING and not call.up_early:
            call.up_early = True
            self._timers.set("ring on", self._now + RINGS_ON)
        if call is None or State.ACTIVE not in MAY_BECOME[call.state]:
            return
        self._move(call, State.ACTIVE)
        call.connected = True
        self._talk.stop("answer", "dial")
        self._start_sound(call)
        self._poll(POLL)

    def ended(self, word: str) -> None:
        """The call is over, in the modem's words. The second and third saying of it find no call, or a new one."""
        call = self.call
        if call is None or not call.sent:
            return
        if word != RELEASED and self._now - self._last_end < ECHO_OF_THE_LAST:
            self._poll(POLL_ENDING)  # perhaps it speaks of the call before: let the list decide
        elif call.state is State.ENDING:
            if not call.unexplained:
                self._finish(call, call.cause, call.detail)
            elif word in PLAIN_WORDS:
                self._finish(call, PLAIN_WORDS[word], word)
        elif call.state in {State.DIALLING, State.ALERTING} and word not in PLAIN_WORDS:
            self._wait_for_reason(call)
        else:
            self._finish(call, *call.verdict(word, self._now))

    def key(self, key: str) -> None:
        """The modem heard a key."""
        call = self.call
        if call is not None and call.state is State.ACTIVE and not self.keys_by_sound:
            self._talk.say(KeyPressed(call.leg, key))

    # ---- the modem's life

    def freeze(self) -> None:
        """The modem does not answer: ask nothing more, keep what is known."""
        self._frozen = True
        self._talk.stop(*_PROCEDURES)

    def thaw(self) -> None:
        """It answers again: go on where the call stands."""
        self._frozen = False
        call = self.call
        if call is None:
            return
        call.sent = True  # or it never will be: the list tells
        if call.state is not State.ENDING:
            self._poll(0.0)
        elif not call.unexplained:
            self._talk.start("hang up", self._hanging_up(call))
        if call.state is State.ANSWERING:
            self._take(call)
        if call.state is State.ACTIVE and not call.sound:
            self._start_sound(call)
        self._press()

    def lost(self, reason: str) -> None:
        """The modem is gone or starts anew, and its call with it."""
        if self._claim is not None:
            self._talk.say(LegEnded(self._claim.leg, Cause.FAULT, reason))
            self._claim = None
        if self.call is not None:
            ours = self.call.state is State.ENDING
            self._finish(self.call, self.call.cause if ours else Cause.FAULT, self.call.detail if ours else reason)
        self.unsteady, self.unwell, self._smooth_starts = False, "", 0

    def take_stock(self) -> Procedure:
        """What call does the modem have as we come? A claimed one goes on; one that nobody claims is hung up."""
        reply = Reply(_LIST, "")
        for _ in range(3):
            reply = yield from ask(_LIST)
            if reply.ok:
                break
            yield from pause(1.0)
        claim, self._claim = self._claim, None
        if claim is not None:
            rows = [row for row in map(call_row, reply.lines) if row and row.voice and row.status in AS_FOUND]
            if rows:
                self._adopt(claim, rows[0])
            else:
                self._talk.say(LegEnded(claim.leg, Cause.NORMAL, "the call ended while the desk was away"))
        self._listed(reply)

    def look(self) -> Procedure:
        """Ask for the list, and believe it."""
        self._listed((yield from ask(_LIST)))

    def next_deadline(self) -> float | None:
        return self._timers.next()

    def tick(self) -> None:
        """Do what time has brought."""
        for name in self._timers.due(self._now):
            call = self.call
            if call is None:
                continue
            match name:
                case "report" if not call.told:
                    self._report(call)
                case "ring on" if call.state is State.INCOMING:
                    self._timers.set("ring on", self._now + RINGS_ON)
                    self.rang()
                case "reason":
                    self._finish(call, call.cause, call.detail)
                case "hands off" if not call.over:
                    call.over = True
                    self._talk.say(LegEnded(call.leg, call.cause, call.detail))
                case "sound":
                    self.unsteady = True
                    self._hang(call, Cause.FAULT, "the modem gives no sound")
                case "guard":
                    self._too_long(call)

    # ---- steps

    @property
    def _now(self) -> float:
        return self._talk.now

    def _begin_incoming(self) -> None:
        self.call = Call(self._new_leg(), outgoing=False, state=State.INCOMING, since=self._now)
        self._timers.set("report", self._now + REPORT_AFTER)
        self._poll(POLL)

    def _make_way(self, call: Call) -> None:
        """The modem rings. So what we were about to dial cannot be, and what we were clearing is cleared."""
        if call.state is State.DIALLING and call.index is None:
            self._finish(call, Cause.UNREACHABLE, "a call came in at the same moment")
            self._begin_incoming()
        elif call.state is State.ENDING and (call.outgoing or call.connected):
            self._finish(call, call.cause, call.detail)
            self._begin_incoming()

    def _report(self, call: Call) -> None:
        call.told = True
        self._timers.cancel("report")
        self._talk.say(LineRang(call.leg, self._settings.name, call.number))

    def _stranger(self, row: CallRow) -> None:
        """A call of the modem that is not the one we know."""
        if self._claim is not None or row.status in {CallRow.RELEASED, CallRow.WAITING}:
            return
        call = self.call
        if row.status == CallRow.INCOMING:
            if call is None:
                self._begin_incoming()
                self.row(row)
        elif call is None and not self._frozen and not self._talk.runs("stranger"):
            self._talk.start("stranger", self._turning_away())

    def _adopt(self, claim: Adopted, row: CallRow) -> None:
        state = AS_FOUND[row.status]
        call = Call(claim.leg, row.outgoing, state, self._now, claim.number, told=True, index=row.index, rings=1)
        self.call = call
        self._guard(call)
        self._poll(POLL)
        if state is State.ACTIVE:
            self._talk.start("sound", self._finding_sound(call))

    def _move(self, call: Call, state: State) -> None:
        assert state in MAY_BECOME[call.state], f"{call.state} → {state}"
        call.state, call.since = state, self._now
        self._guard(call)

    def _guard(self, call: Call) -> None:
        if limit := LIMIT.get(call.state):
            self._timers.set("guard", self._now + limit)
        else:
            self._timers.cancel("guard")

    def _too_long(self, call: Call) -> None:
        match call.state:
            case State.DIALLING:
                self._hang(call, Cause.UNREACHABLE, f"the network did not answer for {LIMIT[State.DIALLING]:.0f} s")
            case State.ALERTING:
                self._hang(call, Cause.NO_ANSWER, f"nobody answered for {LIMIT[State.ALERTING]:.0f} s")
            case State.ANSWERING:
                self._hang(call, Cause.FAULT, "the modem did not take the call")
            case State.ENDING:
                self.unwell = "the modem does not end its call"
                self._finish(call, call.cause, call.detail)
            case _:
                pass

    def _take(self, call: Call) -> None:
        if not self._frozen:
            self._talk.start("answer", self._answering(call))

    def _press(self) -> None:
        if self._keys and not self._frozen and not self._talk.runs("keys"):
            self._talk.start("keys", self._pressing())

    def _start_sound(self, call: Call) -> None:
        if not self._frozen:
            self._timers.set("sound", self._now + SOUND_WINDOW)
            self._talk.start("sound", self._sounding(call))

    def _hang(self, call: Call, cause: Cause, detail: str) -> None:
        if call.state is State.ENDING:
            return
        unsaid = call.state is State.DIALLING and self._talk.stop("dial")
        self._talk.stop(*_PROCEDURES)
        self._close_sound(call)
        self._move(call, State.ENDING)
        call.cause, call.detail = cause, detail
        if unsaid:
            self._finish(call, cause, detail)
            return
        self._timers.set("hands off", self._now + HANDS_OFF)
        if not self._frozen:
            self._talk.start("hang up", self._hanging_up(call))

    def _wait_for_reason(self, call: Call) -> None:
        """It has failed; the word that says why may be a moment behind."""
        call.cause, call.detail = call.verdict(RELEASED, self._now)
        call.unexplained = True
        self._move(call, State.ENDING)
        self._talk.stop(*_PROCEDURES)
        self._timers.set("reason", self._now + TELLING)

    def _finish(self, call: Call, cause: Cause, detail: str) -> None:
        self.call, self._last_end, self._keys = None, self._now, ""
        self._talk.stop(*_PROCEDURES)
        for name in ("report", "ring on", "reason", "hands off", "sound", "guard"):
            self._timers.cancel(name)
        self._close_sound(call)
        if not call.told:  # it rang, however briefly: somebody wanted us
            self._report(call)
        if not call.over:
            self._talk.say(LegEnded(call.leg, cause, detail))

    def _close_sound(self, call: Call) -> None:
        if call.sound:
            call.sound = False
            self._talk.say(SoundOver(call.leg))

    def _poll(self, first: float) -> None:
        call = self.call
        if not self._frozen and call is not None and call.sent and call.state is not State.ENDING:
            self._talk.start("poll", self._polling(first))

    def _listed(self, reply: Reply) -> None:
        if not reply.ok:
            self._refused_lists += 1
            if self._refused_lists >= DEAF_AFTER:
                self.unwell = "the modem does not tell its calls"
            return
        self._refused_lists = 0
        call = self.call
        rows = [row for row in map(call_row, reply.lines) if row and row.voice and row.status != CallRow.RELEASED]
        if call is not None and not any(call.is_in(row) for row in rows):
            call.missing += 1
            if call.missing >= GONE_AFTER:
                self.ended("gone")

    # ---- procedures

    def _dialling(self, call: Call) -> Procedure:
        yield from pause(max(0.0, self._last_end + ECHO_OF_THE_LAST - self._now))
        reply = yield from ask(Command(f"ATD{call.number};", 30.0, dials=True))
        call.sent = True
        if reply.ok:
            self._poll(POLL)
        elif reply.result in PLAIN_WORDS or reply.result == "NO CARRIER":
            self.ended(reply.result)
        else:
            self._finish(call, Cause.UNREACHABLE, f"the modem refused to dial: {reply.result}")

    def _answering(self, call: Call) -> Procedure:
        reply = yield from ask(Command("ATA", LIMIT[State.ANSWERING] - 1.0, dials=True))
        if reply.result == "NO CARRIER":
            self.ended(reply.result)
        elif self.call is call:
            self._poll(POLL_ENDING)

    def _hanging_up(self, call: Call) -> Procedure:
        if call.pcm:
            yield from self._maker.stop_sound()
        while True:
            yield from ask(Command("AT+CHUP", LIMIT[State.ENDING]))  # ERROR: it has gone already; the list will say
            for _ in range(10):
                yield from self.look()
                yield from pause(POLL_ENDING)

    def _polling(self, first: float) -> Procedure:
        yield from pause(first)
        while True:
            yield from self.look()
            yield from pause(POLL)

    def _sounding(self, call: Call) -> Procedure:
        call.pcm = True
        tries = yield from self._maker.start_sound()
        self._timers.cancel("sound")
        if tries == 1:
            self._smooth_starts += 1
        elif self._smooth_starts:
            self.unsteady = True  # the known first sign of a modem whose sound will be choppy until it is restarted
        call.sound = True
        self._talk.say(SoundWanted(call.leg, self.sound_device, keys_by_sound=self.keys_by_sound))

    def _finding_sound(self, call: Call) -> Procedure:
        """An adopted call: its sound runs still, or has to be started."""
        if (yield from self._maker.sound_is_on()):
            call.pcm = call.sound = True
        else:
            self._timers.set("sound", self._now + SOUND_WINDOW)
            yield from self._sounding(call)

    def _mending(self, call: Call) -> Procedure:
        if not (yield from self._maker.sound_is_on()):
            self._timers.set("sound", self._now + SOUND_WINDOW)
            call.pcm = True
            yield from self._maker.start_sound()
            self._timers.cancel("sound")

    def _pressing(self) -> Procedure:
        while self._keys:
            key, self._keys = self._keys[0], self._keys[1:]
            yield from ask(f"AT+VTS={key}")

    def _turning_away(self) -> Procedure:
        """A call nobody claims: after a second look it is hung up, for its far end listens to nothing."""
        yield from pause(1.0)
        reply = yield from ask(_LIST)
        rows = [row for row in map(call_row, reply.lines) if row and row.voice and row.status in AS_FOUND]
        if reply.ok and rows and self.call is None and rows[0].status != CallRow.INCOMING:
            log.warning("%s: hanging up a call that nobody claims", self._settings.name)
            yield from ask(Command("AT+CHUP", LIMIT[State.ENDING]))
