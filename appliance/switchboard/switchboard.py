"""Events in, commands and facts out: everything that happens to a call is decided here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import tzinfo

from appliance.callflow.hours import local
from appliance.callflow.settings import Place
from appliance.calls import commands, events, facts
from appliance.calls.events import Event
from appliance.calls.facts import EndedBy, Fact, OperatorState, Role
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Direction, Extension, LegId, TaskId
from appliance.calls.record import RecordInProgress
from appliance.switchboard.call import (
    Answering,
    Call,
    Calling,
    Ended,
    InFlow,
    Party,
    Returning,
    Rings,
    Talking,
)
from appliance.switchboard.conversation import CLOSING_SECONDS, Conversations
from appliance.switchboard.numbering import CallOutside, CallPerson, EnterFlow, Nobody, meaning
from appliance.switchboard.settings import LineOptions, Reach, Settings
from appliance.switchboard.table import Output
from appliance.switchboard.tolls import Charged, destination, price

RING_EVERY_SECONDS = 5.0
"""From one ring to the next, on lines that do not ring by themselves: a second of tone, four of silence."""

DOUBT_SECONDS = 1.0
"""After the engine has told what it has: what happened while we were away arrives within this."""


class Switchboard(Conversations):
    """The calls in progress. One owner calls it, from one thread; it never waits and never looks at a clock."""

    def __init__(
        self,
        settings: Settings,
        zone: tzinfo,
        name: Callable[[str], str],
        canonical: Callable[[str], str],
        kind: Callable[[str], Reach | None],
        now: Moment,
    ) -> None:
        """`name("c")` makes a name never used before, beginning with `c-`. `canonical` writes a telephone number in one
        way, in international form where it can be read; `kind` says what sort of number it is, None when it cannot be
        placed.
        """
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
        self.configure(settings, zone, now)

    # ---- the few verbs

    def handle(self, event: Event, now: Moment) -> list[Output]:
        """Take one event; what follows from it, in order."""
        self._now = now
        match event:
            case events.PhoneRang():
                self._phone_rang(event)
            case events.LineRang():
                self._line_rang(event)
            case events.LegRangAgain(leg=leg, rings=rings):
                self._line_rang_again(leg, rings)
            case events.CallerKnown(leg=leg, caller=caller):
                if (call := self._call_of(leg)) and not call.over:
                    self._fact(facts.CallerNamed(now, call.id, caller))
            case events.LegRinging(leg=leg):
                self._leg_ringing(leg)
            case events.LegAnswered(leg=leg):
                self._leg_answered(leg)
            case events.LegEnded():
                self._told_of_an_end(event)
            case events.KeyPressed(leg=leg, key=key):
                self._key_pressed(leg, key)
            case events.Played(leg=leg, playing=playing):
                self._played(leg, playing)
            case events.LegHeld(leg=leg, held=held):
                self._leg_held(leg, held=held)
            case events.RecordingEnded():
                self._recording_ended(event)
            case events.PhonesChanged(extension=extension, devices=devices):
                self.phones[extension] = devices
                self._apply(self.center.reachable(extension, reachable=bool(devices), now=now))
            case events.LineChanged():
                self._line_changed(event)
            case events.EngineUp(legs=legs, recordings=recordings):
                self._engine_up(legs, recordings)
            case events.EngineDown():
                self._engine_down()
            case events.OperatorAsked(extension=extension, wish=wish, reason=reason):
                self._apply(self.center.wish(extension, wish, reason, now))
        return self._done()

    def tick(self, now: Moment) -> list[Output]:
        """Do what time has brought."""
        self._now = now
        self._apply(self.center.tick(now))
        for kind, name in self._timers.due(now.mono):
            if kind == "doubt":
                self._settle_doubts()
            elif call := self.calls.get(CallId(name)):
                self._time_came(kind, call)
        return self._done()

    def next_deadline(self) -> float | None:
        """When `tick` is wanted next, on the monotonic clock."""
        deadlines = [at for at in (self._timers.next(), self.center.next_deadline()) if at is not None]
        return min(deadlines, default=None)

    def configure(self, settings: Settings, zone: tzinfo, now: Moment) -> list[Output]:
        """Take over changed settings: they hold from the next call on."""
        self._now = now
        self.settings, self.zone, self.tolls.zone = settings, zone, zone
        self.lines.configure(settings.lines)
        people = [person.extension for person in settings.people]
        self._apply(self.center.configure(settings.queues, people, now))
        for extension in people:
            self._apply(self.center.reachable(extension, reachable=bool(self.phones.get(extension)), now=now))
        return self._done()

    def write_numbers(self, canonical: Callable[[str], str], kind: Callable[[str], Reach | None]) -> None:
        """From now on numbers are read so: for when the firm's country changes."""
        self._canonical, self._kind = canonical, kind
        self.ledger.write_as(canonical)

    def close_task(self, task: TaskId, who: str, note: str, now: Moment) -> list[Output]:
        """Somebody has dealt with a lost caller. Empty when there is no such open task."""
        self._now = now
        self._facts(self.ledger.close(task, who, note, now))
        return self._done()

    # ---- calls come in

    def _phone_rang(self, event: events.PhoneRang) -> None:
        person = self._person(event.extension)
        if person is None:
            self._do(commands.Hangup(event.leg, Cause.REFUSED))
            return
        what = meaning(self.settings, event.dialled)
        outside = isinstance(what, CallOutside)
        call = self._begin(
            facts.CallBegan(
                self._now,
                CallId(self._name("c")),
                event.leg,
                Direction.OUT if outside else Direction.INTERNAL,
                event.extension,
                event.dialled,
                caller_name=person.name,
                language=person.language or self.settings.language,
            )
        )
        self._apply(self.center.on_other_call(event.extension, call.id, on=True, now=self._now))
        self._apply(self.center.seen(event.extension, self._now))
        match what:
            case CallPerson(extension=extension, record=record):
                self._call_person(call, extension, record=record)
            case EnterFlow(place=place):
                call.stage = Answering(place)
                self._do(commands.Answer(call.caller))
            case CallOutside():
                self._call_outside(call, person, what)
            case Nobody():
                self._end(call, EndedBy.BOX, Cause.UNKNOWN_NUMBER, f"nobody has the number {event.dialled}")

    def _line_rang(self, event: events.LineRang) -> None:
        options = self.lines.options(event.line)
        provider = options is not None and options.provider is not None
        full = provider and self.lines.full(event.line)
        call = self._begin(
            facts.CallBegan(
                self._now,
                CallId(self._name("c")),
                event.leg,
                Direction.IN,
                event.caller,
                event.dialled,
                event.line,
                event.caller_name,
                (options.language if options else "") or self.settings.language,
                event.diverted_by,
            ),
            options or LineOptions(event.line, "hang up"),
        )
        if options is None:
            self._end(call, EndedBy.BOX, Cause.REFUSED, f"there is no line {event.line}")
        elif full:
            room = self.lines.room(event.line)
            self._end(call, EndedBy.BOX, Cause.BUSY, f"{event.line} has no room for more than {room} calls")
        else:
            self.lines.take(event.line, event.leg)
            if provider:
                self._ring_on(call)
            self._answer_if_time(call)

    def _line_rang_again(self, leg: LegId, rings: int) -> None:
        call = self._call_of(leg)
        if call and isinstance(call.stage, Rings):
            call.stage = Rings(rings)
            self._answer_if_time(call)

    def _ring_on(self, call: Call) -> None:
        """A modem counts what its network rings. A provider leaves the ringing to us, and when it has been enough."""
        assert call.line is not None
        rings = call.line.answer_after_rings
        if rings > 1:
            self._do(commands.Ring(call.caller))
            self._timers.set(("rings", call.id), call.since.mono + (rings - 1) * RING_EVERY_SECONDS)

    def _answer_if_time(self, call: Call) -> None:
        """An outside caller is left to the ring-back tone while we have no sound to give them."""
        assert call.line is not None
        if isinstance(call.stage, Rings) and call.stage.times >= call.line.answer_after_rings and self.engine_up:
            self._stage(call, Answering(self._enters(call.line, call.story.record.dialled)))
            self._do(commands.Answer(call.caller))

    def _enters(self, line: LineOptions, dialled: str) -> Place:
        """Where callers of this number of ours begin, however it is written."""
        number = self._canonical(dialled) if dialled else ""
        routes = (route for route in line.numbers if number and self._canonical(route.number) == number)
        return next((route.enters for route in routes), line.enters)

    def _begin(self, began: facts.CallBegan, line: LineOptions | None = None) -> Call:
        """`line` is the one it came in on."""
        call = Call(
            id=began.call,
            settings=self.settings,
            story=RecordInProgress.begin(began),
            caller=began.leg,
            stage=Rings(),
            since=self._now,
            facts=[began],
            extension=Extension("") if line else Extension(began.caller),
            line=line,
        )
        self.calls[call.id] = call
        self._by_leg[began.leg] = call.id
        self._out.append(began)
        return call

    # ---- lines and people

    def _line_changed(self, event: events.LineChanged) -> None:
        if self.lines.changed(event, self._now):
            self._fact(facts.LineNoted(self._now, event.line, event.state.value, event.words))

    # ---- time

    def _time_came(self, kind: str, call: Call) -> None:
        match kind, call.stage:
            case "walk", InFlow(walk=way):
                self._follow(call, way.tick(self._now))
            case "rings", Rings():
                assert call.line is not None
                call.stage = Rings(call.line.answer_after_rings)
                self._answer_if_time(call)
            case "dial", Calling(legs=legs) as stage:
                self._hang_up_all(call, legs, Cause.NO_ANSWER)
                call.stage = replace(stage, legs=())
                if stage.emergency:
                    self._dial_out(call, call.stage, Cause.NO_ANSWER, "nobody answered")
                else:
                    self._fail(call, Cause.NO_ANSWER, "nobody answered")
            case "warning", Talking():
                self._warn(call)
            case "minute", Talking():
                self._minute_over(call)
            case "closing", Ended():
                self._close_by_force(call)
            case _:
                pass

    def _close_by_force(self, call: Call) -> None:
        """Somebody never said that a leg or a recording had ended. The record does not wait for them for ever."""
        if call.recording_open:
            self._recording_ended(events.RecordingEnded(call.id, 0.0, "the sound engine never closed it"))
        for leg in call.legs:
            self._forget_leg(call, leg)
        self._tidy(call)

    # ---- over a restart

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
        """Take up where the journal ends. Calls without an end wait for the engine to tell what it still has."""
        self._now = now
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
