"""Over a restart, of the desk or of the sound engine: the journal says what was, the engine and the lines say what is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo

from appliance.callflow.hours import local
from appliance.callflow.settings import Place
from appliance.calls import commands, events, facts
from appliance.calls.facts import EndedBy, Fact, OperatorState, Role
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Direction, Extension, LegId
from appliance.calls.record import RecordInProgress
from appliance.switchboard.call import Answering, Call, Ended, Party, Returning, Rings, Talking
from appliance.switchboard.endings import CLOSING_SECONDS
from appliance.switchboard.incoming import Incoming
from appliance.switchboard.numbering import EnterFlow, meaning
from appliance.switchboard.settings import Reach, Settings
from appliance.switchboard.table import Output
from appliance.switchboard.tolls import Charged, destination, price

DOUBT_SECONDS = 1.0
"""After the engine has told what it has: what happened while we were away arrives within this."""


class Restarts(Incoming):
    """Takes up calls where they were."""

    def __init__(
        self,
        settings: Settings,
        zone: tzinfo,
        name: Callable[[str], str],
        canonical: Callable[[str], str],
        kind: Callable[[str], Reach | None],
        now: Moment,
    ) -> None:
        """See `Switchboard`."""
        super().__init__(settings, zone, name, canonical, kind, now)
        self._strangers: set[LegId] = set()
        """Legs the engine has and we do not know (yet)."""
        self._last_seen: Moment | None = None
        """The last sign of life before a restart."""
        self._missing: set[LegId] = set()
        """Legs we know and the engine does not have: why they ended may still arrive."""
        self._untold: set[LegId] = set()
        """Legs of before a restart, until the engine tells what it has."""
        self._early: list[events.LegEnded] = []
        """Ends of such legs, told by their lines before that."""
        self._unrecorded: set[CallId] = set()
        """Calls that were being recorded, and the engine knows nothing of it: that it ended may still arrive."""

    def carried(self, now: Moment) -> list[Fact]:
        """The facts that recreate what is still open, for the head of a new journal file."""
        head: list[Fact] = []
        for operator in self.center.operators.values():
            if operator.wish is not events.OperatorWish.READY:
                state = OperatorState(operator.wish.value)
                head.append(facts.OperatorChanged(now, operator.extension, state, operator.pause_reason))
        for task in self.ledger.open.values():
            head += task.facts()
        for call in self.calls.values():
            head += call.facts
        return [*head, *self.tolls.carried(now)]

    def restore(self, all_facts: Iterable[Fact], now: Moment) -> list[Output]:
        """Take up where the journal ends, and say what every lamp shows. Calls without an end wait for the engine to tell
        what it still has.
        """
        self._now = now
        self._watched.clear()
        self._message_lamps.clear()
        for fact in all_facts:
            self._last_seen = fact.at
            match fact:
                case facts.OperatorChanged(extension=extension, state=state, reason=reason):
                    if state.value in set(events.OperatorWish):
                        self._apply(self.center.wish(extension, events.OperatorWish(state.value), reason, now))
                case facts.TaskOpened() | facts.TaskRepeated() | facts.TaskTried() | facts.TaskClosed():
                    self.ledger.take(fact)
                case facts.LineSpent():
                    self._restore_meter(fact)
                case facts.CallBegan():
                    self._restore_call(fact)
                case _ if (call := self.calls.get(getattr(fact, "call", CallId("")))) is not None:
                    self._restore_fact(call, fact)
                    self._tidy(call)  # at once: a day's calls need not all be in memory
        self._untold = self._with_sound()
        self._all_changed()
        return self._done()

    def count_talks(self, ended: Mapping[Extension, int], now: Moment) -> None:
        """Begin today's count with the talks of calls that have `ended`; those still going on are added."""
        self._now = now
        self.talks_today.clear()
        self._today = f"{local(now.utc, self.zone):%Y-%m-%d}"
        self.talks_today.update(ended)
        self.talks_today.update(call.stage.extension for call in self.calls.values() if isinstance(call.stage, Talking))

    def _restore_call(self, fact: facts.CallBegan) -> None:
        line = self._line_options(fact.line) if fact.direction is Direction.IN else None
        call = Call(
            id=fact.call,
            settings=self.settings,
            story=RecordInProgress.begin(fact),
            caller=fact.leg,
            stage=Rings() if line else Returning(),
            since=fact.at,
            facts=[fact],
            extension=Extension("") if fact.direction is Direction.IN else Extension(fact.caller),
            line=line,
        )
        self.calls[call.id] = call
        self._by_leg[call.caller] = call.id
        if line is not None:
            self.lines.take(line.name, call.caller)

    def _restore_meter(self, fact: facts.LineSpent) -> None:
        """It stands behind the calls that went on when it was written, and has in it what they had cost."""
        self.tolls.restore(fact, self._now)
        for call in self.calls.values():
            if call.charged is not None and call.charged.line == fact.line:
                call.charged.take_in(fact.at)

    def _restore_fact(self, call: Call, fact: Fact) -> None:
        call.facts.append(fact)  # type: ignore[arg-type]  # it has a call, and is no task's
        call.story.add(fact)  # type: ignore[arg-type]
        call.since = fact.at
        match fact:
            case facts.LegJoined(leg=leg):
                call.parties[leg] = Party(fact.role, fact.extension, fact.line, fact.number)
                self._by_leg[leg] = call.id
                if fact.line:
                    self.lines.take(fact.line, leg)
                    if fact.number not in call.settings.emergency_numbers:
                        self.tolls.dialled_then(fact.line, fact.at, self._now)
            case facts.LegLeft(leg=leg):
                self._forget_leg(call, leg)
            case facts.CallAnswered():
                call.caller_up, call.stage = True, Returning()
            case facts.PlaceReached(place=place):
                call.reached = place
            case facts.TalkBegan(other=other, extension=extension, queue=queue):
                call.caller_up = True
                call.stage = Talking(other, extension, queue)
                call.charged = self._charged_before(call, other, fact.at)
            case facts.EncryptionChanged(leg=leg, encrypted=encrypted):
                (call.encrypted.add if encrypted else call.encrypted.discard)(leg)
            case facts.RecordingBegan(name=name):
                call.recording, call.recording_open = name, True
            case facts.RecordingKept():
                call.recording_open = False
            case facts.CallEnded(at=at):
                call.stage = Ended()
                self._stop_charging(call, at)
                for leg in call.legs:
                    self._forget_leg(call, leg)
                call.caller_gone = True
                self._timers.set(("closing", call.id), self._now.mono + CLOSING_SECONDS)
            case _:
                pass

    def _charged_before(self, call: Call, other: LegId, at: Moment) -> Charged | None:
        """What a talk found in the journal costs."""
        party = call.parties.get(other)
        if party is None or not party.line or party.number in call.settings.emergency_numbers:
            return None
        written = destination(party.number, self._canonical, self._kind).written
        return Charged(party.line, price(self._line_options(party.line).caps, written), at)

    def _engine_up(self, legs: tuple[events.LegInStock, ...], recordings: tuple[CallId, ...]) -> None:
        """What the engine has is compared with what we know once the events we missed have arrived."""
        if not self.engine_up:
            self.engine_up = True
            self._fact(facts.EngineNoted(self._now, up=True))
        stock = {leg.leg: leg.answered for leg in legs}
        self._strangers = stock.keys() - self._by_leg.keys()
        self._missing = self._with_sound() - stock.keys()
        self._unrecorded = {call.id for call in self.calls.values() if call.recording_open} - set(recordings)
        self._untold, early, self._early = set(), self._early, []
        for event in early:
            self._told_of_an_end(event)
        self._timers.set(("doubt", ""), self._now.mono + DOUBT_SECONDS)
        for call in list(self.calls.values()):
            if self._rings_on_modem(call):
                self._answer_if_time(call)
            elif isinstance(call.stage, Rings) and call.caller in stock:
                self._ring_further(call, answered=stock[call.caller])
            elif isinstance(call.stage, Talking):
                self._resume_talk(call, call.stage)

    def _ring_further(self, call: Call, *, answered: bool) -> None:
        """A provider's caller who rang before a restart: as many rings as without it, unless the box had answered."""
        assert call.line is not None
        if answered:
            self._stage(call, Answering(self._enters(call.line, call.story.record.dialled)))
            self._caller_up(call)
        else:
            self._ring_on(call)
            self._answer_if_time(call)

    def _resume_talk(self, call: Call, stage: Talking) -> None:
        if stage.queue:
            self._apply(self.center.resume_talk(stage.extension, call.id, self._now))
        for extension in self._others_on(call):
            self._apply(self.center.on_other_call(extension, call.id, on=True, now=self._now))
        if call.charged is not None:
            self.tolls.catch_up(call.charged, self._now, self._now)
            self._charge(call, call.charged)

    def _settle_doubts(self) -> None:
        """Legs nobody knows are hung up; calls whose legs are gone end; callers who were waiting wait on."""
        for leg in sorted(self._strangers - self._by_leg.keys()):
            self._do(commands.Hangup(leg, Cause.FAULT))
        for leg in sorted(self._missing & self._by_leg.keys()):
            self._lose(leg)
        self._missing = set()
        for name in sorted(self._unrecorded):
            self._recording_ended(events.RecordingEnded(name, 0.0, "the sound engine stopped"))
        self._unrecorded = set()
        for call in list(self.calls.values()):
            if isinstance(call.stage, Returning):
                self._take_up(call)

    def _told_of_an_end(self, event: events.LegEnded) -> None:
        """A line that finds no call after a start has not heard anybody hang up: the engine knows whether it was there."""
        if self.lines.on_modem(event.leg) and event.leg in self._untold:
            self._early.append(event)
        elif self.lines.on_modem(event.leg) and event.leg in self._missing:
            self._lose(event.leg)
        else:
            self._leg_ended(event)

    def _lose(self, leg: LegId) -> None:
        """Its sound had gone when the box came back; it ended when the box was last seen alive, or a little later."""
        if call := self._call_of(leg):
            call.lost_at = self._last_seen
        self._leg_ended(events.LegEnded(leg, Cause.FAULT, "it ended while the box was restarting"))

    def _with_sound(self) -> set[LegId]:
        """Legs that live in the engine: all but those of callers on a modem that rings."""
        living = (call for call in self.calls.values() if not (call.over or self._rings_on_modem(call)))
        return {leg for call in living for leg in call.legs}

    def _rings_on_modem(self, call: Call) -> bool:
        return isinstance(call.stage, Rings) and self.lines.on_modem(call.caller)

    def _take_up(self, call: Call) -> None:
        """The caller is still there: back to where they were."""
        for leg, party in list(call.parties.items()):
            if party.role is not Role.CALLER:
                self._do(commands.Hangup(leg, Cause.CANCELLED))
        record = call.story.record
        if not call.caller_up:
            self._end(call, EndedBy.BOX, Cause.FAULT, "the box was restarting")
        elif (queue := self._still_waiting(call)) is not None:
            self._wait_in(call, queue.queue, queue.at)
        elif call.reached:
            self._enter(call, call.reached)
        else:
            self._enter(call, self._first_place(call, record.dialled))

    def _still_waiting(self, call: Call) -> facts.QueueJoined | None:
        waiting: facts.QueueJoined | None = None
        for fact in call.facts:
            match fact:
                case facts.QueueJoined():
                    waiting = fact
                case facts.QueueLeft():
                    waiting = None
                case _:
                    pass
        return waiting

    def _first_place(self, call: Call, dialled: str) -> Place:
        if call.line is not None:
            return self._enters(call.line, dialled)
        match meaning(call.settings, dialled):
            case EnterFlow(place=place):
                return place
            case _:
                return "hang up"

    def _engine_down(self) -> None:
        """Every leg's sound and dialog is gone. Modems live elsewhere, and are told to hang up."""
        if not self.engine_up:
            return
        self.engine_up = False
        self._timers.cancel(("doubt", ""))
        self._fact(facts.EngineNoted(self._now, up=False))
        for call in list(self.calls.values()):
            if self._rings_on_modem(call):
                continue
            self._end(call, EndedBy.BOX, Cause.FAULT, "the sound engine stopped")
            if call.recording_open:
                self._recording_ended(events.RecordingEnded(call.id, 0.0, "the sound engine stopped"))
            for leg in call.legs:
                if not self.lines.on_modem(leg):
                    self._forget_leg(call, leg)
            self._tidy(call)
