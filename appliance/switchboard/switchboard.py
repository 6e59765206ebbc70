"""Events in, commands and facts out: everything that happens to a call is decided here.

Legs, the call flow and the queues know nothing of one another; this is where a key in a menu becomes a place in a
queue, an offer becomes a ringing telephone, and a hang-up on one side ends the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import tzinfo

from appliance.callcenter import acd
from appliance.callcenter.ledger import Ledger
from appliance.callflow import walk
from appliance.callflow.hours import local
from appliance.callflow.settings import Place
from appliance.calls import commands, events, facts
from appliance.calls.commands import Command
from appliance.calls.events import Event, LineState
from appliance.calls.facts import EndedBy, Fact, OperatorState, Role
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Direction, Extension, LegId, LineId, TaskId
from appliance.calls.prompt import Music, Phrase, Prompt, Tone
from appliance.calls.record import RecordInProgress, Result
from appliance.calls.timers import Timers
from appliance.switchboard.call import (
    Answering,
    Call,
    Calling,
    Ended,
    InFlow,
    InQueue,
    Leaving,
    Party,
    Returning,
    Rings,
    Stage,
    Talking,
)
from appliance.switchboard.numbering import CallOutside, CallPerson, EnterFlow, Nobody, meaning
from appliance.switchboard.settings import LineOptions, Person, Settings

Output = Command | Fact

RING_SECONDS = 45.0
"""How long a colleague, or a number outside, may ring."""
OUTSIDE_SECONDS = 120.0
CLOSING_SECONDS = 60.0
"""How long an ended call waits for its legs and its recording to close before it is closed without them."""
DOUBT_SECONDS = 1.0
"""After the engine has told what it has: what happened while we were away arrives within this."""

LAMPS = {
    OperatorState.RINGING: "ringing",
    OperatorState.TALKING: "busy",
    OperatorState.BUSY: "busy",
    OperatorState.WRAP_UP: "wrap_up",
    OperatorState.PAUSED: "paused",
    OperatorState.SET_ASIDE: "paused",
}


@dataclass(slots=True)
class Line:
    """A line as last heard of."""

    state: LineState
    words: str
    signal: int | None
    since: Moment


class Switchboard:
    """The calls in progress. One owner calls it, from one thread; it never waits and never looks at a clock."""

    def __init__(
        self,
        settings: Settings,
        zone: tzinfo,
        name: Callable[[str], str],
        canonical: Callable[[str], str],
        now: Moment,
    ) -> None:
        """`name("c")` makes a name never used before, beginning with `c-`; `canonical` writes a telephone number in one way."""
        self.settings = settings
        self.zone = zone
        self.center = acd.CallCenter()
        self.ledger = Ledger(canonical, lambda: name("t"))
        self.calls: dict[CallId, Call] = {}
        self.phones: dict[Extension, tuple[str, ...]] = {}
        self.lines: dict[LineId, Line] = {}
        self.engine_up = False
        self.since: dict[Extension, Moment] = {}
        """When each operator's state began."""
        self.talks_today: Counter[Extension] = Counter()
        self._today = ""
        self._name = name
        self._by_leg: dict[LegId, CallId] = {}
        self._timers: Timers[tuple[str, str]] = Timers()
        self._in_doubt: set[LegId] | None = None
        self._buzzing = False
        self._now = now
        self._out: list[Output] = []
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
                self._leg_ended(event)
            case events.KeyPressed(leg=leg, key=key):
                if (call := self._call_of(leg)) and leg == call.caller and isinstance(call.stage, InFlow):
                    self._follow(call, call.stage.walk.key(key, now))
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
            case events.EngineUp(legs=legs):
                self._engine_up(legs)
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
        self.settings, self.zone = settings, zone
        people = [person.extension for person in settings.people]
        self._apply(self.center.configure(settings.queues, people, now))
        for extension in people:
            self._apply(self.center.reachable(extension, reachable=bool(self.phones.get(extension)), now=now))
        return self._done()

    def close_task(self, task: TaskId, who: str, note: str, now: Moment) -> list[Output]:
        """Somebody has dealt with a lost caller. Empty when there is no such open task."""
        self._now = now
        self._facts(self.ledger.close(task, who, note, now))
        return self._done()

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
        return head

    def restore(self, all_facts: Iterable[Fact], now: Moment) -> list[Output]:
        """Take up where the journal ends. Calls without an end wait for the engine to tell what it still has."""
        self._now = now
        for fact in all_facts:
            match fact:
                case facts.OperatorChanged(extension=extension, state=state, reason=reason):
                    if state.value in set(events.OperatorWish):
                        self._apply(self.center.wish(extension, events.OperatorWish(state.value), reason, now))
                case facts.TaskOpened() | facts.TaskRepeated() | facts.TaskTried() | facts.TaskClosed():
                    self.ledger.take(fact)
                case facts.CallBegan():
                    self._restore_call(fact)
                case _ if (call := self.calls.get(getattr(fact, "call", CallId("")))) is not None:
                    self._restore_fact(call, fact)
        for call in list(self.calls.values()):
            self._tidy(call)
        return self._done()

    def line_legs(self) -> dict[LineId, tuple[LegId, str]]:
        """The leg and the outside number on each line that is in use: what a line adopts when it starts again."""
        used: dict[LineId, tuple[LegId, str]] = {}
        for call in self.calls.values():
            if call.line is not None and not call.caller_gone and not call.over:
                used[call.line.name] = (call.caller, call.story.record.caller)
            for leg, party in call.parties.items():
                if party.line and not call.over:
                    used[party.line] = (leg, party.number)
        return used

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

    def _restore_fact(self, call: Call, fact: Fact) -> None:
        call.facts.append(fact)  # type: ignore[arg-type]  # it has a call, and is no task's
        call.story.add(fact)  # type: ignore[arg-type]
        call.since = fact.at
        match fact:
            case facts.LegJoined(leg=leg):
                call.parties[leg] = Party(fact.role, fact.extension, fact.line, fact.number)
                self._by_leg[leg] = call.id
            case facts.LegLeft(leg=leg):
                self._forget_leg(call, leg)
            case facts.CallAnswered():
                call.caller_up, call.stage = True, Returning()
            case facts.PlaceReached(place=place):
                call.reached = place
            case facts.TalkBegan(other=other, extension=extension, queue=queue):
                call.caller_up = True
                call.stage = Talking(other, extension, queue)
                self._count_talk(extension)
            case facts.RecordingBegan(name=name):
                call.recording, call.recording_open = name, True
            case facts.RecordingKept():
                call.recording_open = False
            case facts.CallEnded():
                call.stage = Ended()
                for leg in call.legs:
                    self._forget_leg(call, leg)
                call.caller_gone = True
                self._timers.set(("closing", call.id), self._now.mono + CLOSING_SECONDS)
            case _:
                pass

    def _engine_up(self, legs: tuple[events.LegInStock, ...]) -> None:
        """What the engine has is compared with what we know once the events we missed have arrived."""
        if not self.engine_up:
            self.engine_up = True
            self._fact(facts.EngineNoted(self._now, up=True))
        self._in_doubt = {leg.leg for leg in legs}
        self._timers.set(("doubt", ""), self._now.mono + DOUBT_SECONDS)
        for call in list(self.calls.values()):
            if isinstance(call.stage, Rings):
                self._answer_if_time(call)
            elif isinstance(call.stage, Talking):
                self._resume_talk(call, call.stage)

    def _resume_talk(self, call: Call, stage: Talking) -> None:
        if stage.queue:
            self._apply(self.center.resume_talk(stage.extension, call.id, self._now))
        for extension in self._others_on(call):
            self._apply(self.center.on_other_call(extension, call.id, on=True, now=self._now))

    def _settle_doubts(self) -> None:
        """Legs nobody knows are hung up; calls whose legs are gone end; callers who were waiting wait on."""
        stock, self._in_doubt = self._in_doubt or set(), None
        for leg in sorted(stock - self._by_leg.keys()):
            self._do(commands.Hangup(leg, Cause.FAULT))
        for call in list(self.calls.values()):
            for leg in call.legs:
                if leg not in stock and not isinstance(call.stage, Rings | Ended):
                    self._leg_ended(events.LegEnded(leg, Cause.FAULT, "it ended while the box was restarting"))
            if isinstance(call.stage, Returning):
                self._take_up(call)

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
            return call.line.enters
        match meaning(call.settings, dialled):
            case EnterFlow(place=place):
                return place
            case _:
                return "hang up"

    def _engine_down(self) -> None:
        """Every leg's sound and dialog is gone. Lines live elsewhere, and are told to hang up."""
        if not self.engine_up:
            return
        self.engine_up = False
        self._in_doubt = None
        self._timers.cancel(("doubt", ""))
        self._fact(facts.EngineNoted(self._now, up=False))
        for call in list(self.calls.values()):
            if isinstance(call.stage, Rings):
                continue
            self._end(call, EndedBy.BOX, Cause.FAULT, "the sound engine stopped")
            if call.recording_open:
                self._recording_ended(events.RecordingEnded(call.id, 0.0, "the sound engine stopped"))
            for leg in call.legs:
                if leg == call.caller and call.line is not None:
                    continue
                if leg in call.parties and call.parties[leg].line:
                    continue
                self._forget_leg(call, leg)
            self._tidy(call)

    # ---- calls come in

    def _phone_rang(self, event: events.PhoneRang) -> None:
        person = self._person(event.extension)
        if person is None:
            self._do(commands.Hangup(event.leg, Cause.REFUSED))
            return
        what = meaning(self.settings, event.dialled)
        outside = isinstance(what, CallOutside)
        call = self._begin(
            event.leg, Direction.OUT if outside else Direction.INTERNAL, event.extension, event.dialled, person=person
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
        options = self._line_options(event.line)
        call = self._begin(event.leg, Direction.IN, event.caller, event.dialled, line=options)
        call.stage = Rings()
        self._answer_if_time(call)

    def _line_rang_again(self, leg: LegId, rings: int) -> None:
        call = self._call_of(leg)
        if call and isinstance(call.stage, Rings):
            call.stage = Rings(rings)
            self._answer_if_time(call)

    def _answer_if_time(self, call: Call) -> None:
        """An outside caller is left to the network's ring-back tone while we have no sound to give them."""
        assert call.line is not None
        if isinstance(call.stage, Rings) and call.stage.times >= call.line.answer_after_rings and self.engine_up:
            self._stage(call, Answering(call.line.enters))
            self._do(commands.Answer(call.caller))

    def _begin(
        self,
        leg: LegId,
        direction: Direction,
        caller: str,
        dialled: str,
        *,
        person: Person | None = None,
        line: LineOptions | None = None,
    ) -> Call:
        language = (line.language if line else person.language if person else "") or self.settings.language
        began = facts.CallBegan(
            self._now,
            CallId(self._name("c")),
            leg,
            direction,
            caller,
            dialled,
            line.name if line else LineId(""),
            person.name if person else "",
            language,
        )
        call = Call(
            id=began.call,
            settings=self.settings,
            story=RecordInProgress.begin(began),
            caller=leg,
            stage=Rings(),
            since=self._now,
            facts=[began],
            extension=person.extension if person else Extension(""),
            line=line,
        )
        self.calls[call.id] = call
        self._by_leg[leg] = call.id
        self._out.append(began)
        return call

    # ---- somebody is called

    def _call_person(self, call: Call, extension: Extension, *, record: bool) -> None:
        devices = self.phones.get(extension, ()) if self._person(extension) else ()
        if extension == call.extension:
            self._fail(call, Cause.BUSY, "that is their own number")
        elif not devices:
            self._fail(call, Cause.UNREACHABLE, f"no telephone of {extension} is registered")
        else:
            legs = tuple(self._dial_phone(call, Role.CALLED, extension, device) for device in devices)
            self._apply(self.center.on_other_call(extension, call.id, on=True, now=self._now))
            self._stage(call, Calling(legs, extension=extension, record=record))
            self._timers.set(("dial", call.id), self._now.mono + RING_SECONDS)
            if call.caller_up:
                self._play(call, (Tone("ringback"),), loop=True)

    def _call_outside(self, call: Call, person: Person, what: CallOutside) -> None:
        if not (person.may_call_out or what.emergency):
            self._end(call, EndedBy.BOX, Cause.REFUSED, f"{person.extension} may not call numbers outside")
            return
        line = self._free_line(emergency=what.emergency)
        if line is None:
            self._end(call, EndedBy.BOX, Cause.UNREACHABLE, "no line is free")
            return
        leg = LegId(self._name("d"))
        self._join(call, leg, Party(Role.CALLED, line=line, number=what.number))
        self._do(commands.DialLine(leg, line, what.number))
        record = self._line_options(line).record_calls_out
        self._stage(call, Calling((leg,), number=what.number, record=record))
        self._timers.set(("dial", call.id), self._now.mono + OUTSIDE_SECONDS)

    def _free_line(self, *, emergency: bool) -> LineId | None:
        """The first living line nobody is on; in an emergency also one that only says it is not well."""
        busy = self.line_legs().keys()
        free = [name for name in self.lines if name not in busy]
        living = [name for name in free if self.lines[name].state is LineState.UP]
        return next(iter(living), next(iter(free), None) if emergency else None)

    def _dial_phone(self, call: Call, role: Role, extension: Extension, device: str) -> LegId:
        leg = LegId(self._name("d"))
        self._join(call, leg, Party(role, extension))
        record = call.story.record
        self._do(commands.DialPhone(leg, extension, device, record.caller, record.caller_name))
        return leg

    def _join(self, call: Call, leg: LegId, party: Party) -> None:
        call.parties[leg] = party
        self._by_leg[leg] = call.id
        self._fact(
            facts.LegJoined(self._now, call.id, leg, party.role, party.extension, party.line, party.number),
        )

    def _leg_ringing(self, leg: LegId) -> None:
        call = self._call_of(leg)
        if call and isinstance(call.stage, Calling) and leg in call.stage.legs and not call.stage.ringing:
            call.stage = replace(call.stage, ringing=True)
            if not call.caller_up:
                self._do(commands.Ring(call.caller))

    def _leg_answered(self, leg: LegId) -> None:
        call = self._call_of(leg)
        if call is None or call.over:
            self._do(commands.Hangup(leg, Cause.CANCELLED))
        elif leg == call.caller:
            self._caller_up(call)
        else:
            match call.stage:
                case Calling() as stage if leg in stage.legs:
                    self._called_answered(call, stage, leg)
                case InQueue() as stage if leg in stage.offered:
                    self._operator_answered(call, stage, leg)
                case _:
                    self._do(commands.Hangup(leg, Cause.CANCELLED))

    def _caller_up(self, call: Call) -> None:
        call.caller_up = True
        if isinstance(call.stage, Answering):
            self._fact(facts.CallAnswered(self._now, call.id))
            self._enter(call, call.stage.place)

    def _called_answered(self, call: Call, stage: Calling, leg: LegId) -> None:
        self._timers.cancel(("dial", call.id))
        self._hang_up_all(call, (other for other in stage.legs if other != leg), Cause.CANCELLED)
        if not call.caller_up:
            self._do(commands.Answer(call.caller))
        # A talk counts for whoever of us is in it: the colleague called, or who called out.
        ours = stage.extension or call.extension
        self._talk(call, Talking(leg, ours), record=stage.record)
        if stage.extension:
            self._apply(self.center.seen(stage.extension, self._now))

    # ---- flow

    def _enter(self, call: Call, place: Place) -> None:
        way = walk.Walk(call.settings.flow, call.language, call.settings.language, self.zone)
        self._stage(call, InFlow(way))
        self._follow(call, way.start(place, self._now))

    def _follow(self, call: Call, steps: list[walk.Step]) -> None:
        for step in steps:
            match step:
                case walk.Reached(place=place, words=words):
                    call.reached = place
                    self._fact(facts.PlaceReached(self._now, call.id, place, words))
                case walk.Speak(prompts=prompts):
                    self._play(call, prompts)
                case walk.Hush():
                    self._do(commands.StopPlaying(call.caller))
                case walk.Chose(key=key, place=place):
                    self._fact(facts.KeyTaken(self._now, call.id, key, place))
                case walk.ToQueue(queue=queue):
                    self._wait_in(call, queue, None)
                case walk.ToPhone(extension=extension):
                    self._call_person(call, extension, record=False)
                case walk.Over():
                    self._end(call, EndedBy.BOX, Cause.NORMAL, "")
        self._watch_walk(call)

    def _watch_walk(self, call: Call) -> None:
        deadline = call.stage.walk.next_deadline() if isinstance(call.stage, InFlow) else None
        if deadline is None:
            self._timers.cancel(("walk", call.id))
        else:
            self._timers.set(("walk", call.id), deadline)

    def _played(self, leg: LegId, playing: int) -> None:
        call = self._call_of(leg)
        if call is None or leg != call.caller or playing != call.playing:
            return
        match call.stage:
            case InFlow(walk=way):
                self._follow(call, way.spoken(self._now))
            case InQueue():
                self._play(call, (Music(),), loop=True)
            case Leaving(cause=cause, detail=detail):
                self._end(call, EndedBy.BOX, cause, detail)
            case _:
                pass

    # ---- queue

    def _wait_in(self, call: Call, queue: str, joined: Moment | None) -> None:
        """`joined` is given when they come back to the place they had."""
        if queue not in self.center.queues:
            self._fail(call, Cause.UNREACHABLE, f"there is no queue {queue} any more")
            return
        self._stage(call, InQueue(queue))
        if joined is None:
            self._fact(facts.QueueJoined(self._now, call.id, queue))
            self._play(call, (Phrase("please_wait", call.language),))
        else:
            self._play(call, (Music(),), loop=True)
        self._apply(self.center.join(call.id, queue, joined or self._now, self._now))

    def _apply(self, moves: list[acd.Move]) -> None:
        for move in moves:
            match move:
                case acd.Offer(call=call, extension=extension):
                    self._offer(self.calls[call], extension)
                case acd.Withdraw(call=call, extension=extension, reason=reason):
                    self._withdraw(self.calls[call], extension, reason)
                case acd.TooLong(call=call, queue=queue):
                    self._waited_too_long(self.calls[call], queue)
                case acd.StateChanged(extension=extension, state=state, reason=reason):
                    self.since[extension] = self._now
                    self._fact(facts.OperatorChanged(self._now, extension, state, reason))
                    self._do(commands.ShowLamp(extension, LAMPS.get(state, "off")))

    def _offer(self, call: Call, extension: Extension) -> None:
        assert isinstance(call.stage, InQueue)
        self._fact(facts.OperatorOffered(self._now, call.id, extension))
        devices = self.phones.get(extension, ())
        legs = tuple(self._dial_phone(call, Role.OPERATOR, extension, device) for device in devices)
        call.stage = replace(call.stage, offered_to=extension, offered=legs)
        if not legs:
            self._operator_missed(call, extension, "unreachable")

    def _withdraw(self, call: Call, extension: Extension, reason: str) -> None:
        if not isinstance(call.stage, InQueue):
            return
        offered = call.stage.offered
        call.stage = replace(call.stage, offered_to=None, offered=())
        if reason:
            self._fact(facts.OperatorMissed(self._now, call.id, extension, reason))
        self._hang_up_all(call, offered, Cause.CANCELLED)

    def _operator_missed(self, call: Call, extension: Extension, reason: str) -> None:
        """Their telephones said no; the caller keeps their place."""
        assert isinstance(call.stage, InQueue)
        call.stage = replace(call.stage, offered_to=None, offered=())
        self._fact(facts.OperatorMissed(self._now, call.id, extension, reason))
        self._apply(self.center.missed(call.id, extension, reason, self._now))

    def _operator_answered(self, call: Call, stage: InQueue, leg: LegId) -> None:
        assert stage.offered_to is not None
        self._hang_up_all(call, (other for other in stage.offered if other != leg), Cause.CANCELLED)
        self._fact(facts.QueueLeft(self._now, call.id, stage.queue, "answered"))
        record = self.center.queues[stage.queue].record
        self._talk(call, Talking(leg, stage.offered_to, stage.queue), record=record)
        self._apply(self.center.answered(call.id, stage.offered_to, self._now))

    def _waited_too_long(self, call: Call, queue: str) -> None:
        self._fact(facts.QueueLeft(self._now, call.id, queue, "waited too long"))
        self._enter(call, self.center.queues[queue].when_too_long)

    # ---- talking

    def _talk(self, call: Call, stage: Talking, *, record: bool) -> None:
        self._stage(call, stage)
        self._do(commands.Bridge(call.caller, stage.other))
        self._fact(facts.TalkBegan(self._now, call.id, call.caller, stage.other, stage.extension, stage.queue))
        self._count_talk(stage.extension)
        if record:
            self._record(call, stage)
        if number := call.outside_number():
            how = "they called" if call.line else "we called"
            self._facts(self.ledger.spoke(call.id, number, how, stage.extension, self._now))

    def _record(self, call: Call, stage: Talking) -> None:
        call.recording = f"{local(self._now.utc, self.zone):%Y/%m/%d}/{call.id}"
        call.recording_open = True
        self._do(commands.Record(call.id, call.caller, stage.other, call.recording))
        self._fact(facts.RecordingBegan(self._now, call.id, call.recording))

    def _recording_ended(self, event: events.RecordingEnded) -> None:
        call = self.calls.get(event.call)
        if call and call.recording_open:
            call.recording_open = False
            self._fact(facts.RecordingKept(self._now, call.id, event.seconds, event.fault))
            self._tidy(call)

    def _leg_held(self, leg: LegId, *, held: bool) -> None:
        call = self._call_of(leg)
        if call is None or not isinstance(call.stage, Talking) or leg not in (call.caller, call.stage.other):
            return
        other = call.stage.other if leg == call.caller else call.caller
        call.on_hold = held
        self._fact(facts.HoldChanged(self._now, call.id, leg, held))
        if held:
            call.playing += 1
            self._do(commands.Play(other, call.playing, (Music(),), loop=True))
        else:
            self._do(commands.StopPlaying(other))

    def _count_talk(self, extension: Extension) -> None:
        today = f"{local(self._now.utc, self.zone):%Y-%m-%d}"
        if today != self._today:
            self._today = today
            self.talks_today.clear()
        self.talks_today[extension] += 1

    # ---- legs and calls end

    def _leg_ended(self, event: events.LegEnded) -> None:
        call = self._call_of(event.leg)
        if call is None:
            return
        leg, party = event.leg, call.parties.get(event.leg)
        self._forget_leg(call, leg)
        if call.over:
            self._tidy(call)
        elif party is None:
            self._end(call, EndedBy.CALLER, event.cause, event.detail)
        else:
            self._fact(facts.LegLeft(self._now, call.id, leg, event.cause, event.detail))
            self._party_left(call, party, event)

    def _party_left(self, call: Call, party: Party, event: events.LegEnded) -> None:
        match call.stage:
            case Talking(other=other) if other == event.leg:
                self._end(call, EndedBy.CALLED, event.cause, event.detail)
            case Calling() as stage if event.leg in stage.legs:
                left = tuple(leg for leg in stage.legs if leg != event.leg)
                call.stage = replace(stage, legs=left)
                if not left:
                    self._fail(call, event.cause, event.detail)
            case InQueue() as stage if event.leg in stage.offered:
                left = tuple(leg for leg in stage.offered if leg != event.leg)
                call.stage = replace(stage, offered=left)
                if not left:
                    self._operator_missed(call, party.extension, _why_missed(event.cause))
            case _:
                pass

    def _fail(self, call: Call, cause: Cause, detail: str) -> None:
        """Nobody could be reached. Who is on the line already is told so in words, others by their telephone's tone."""
        self._timers.cancel(("dial", call.id))
        if call.caller_up:
            self._stage(call, Leaving(cause, detail))
            self._play(call, (Phrase("not_available", call.language),))
        else:
            self._end(call, EndedBy.BOX, cause, detail)

    def _end(self, call: Call, by: EndedBy, cause: Cause, detail: str) -> None:
        if call.over:
            return
        stage = call.stage
        self._stage(call, Ended())
        for kind in ("walk", "dial"):
            self._timers.cancel((kind, call.id))
        self._timers.set(("closing", call.id), self._now.mono + CLOSING_SECONDS)
        if isinstance(stage, InQueue):
            self._hang_up_all(call, stage.offered, Cause.CANCELLED)
            reason = "hung up" if by is EndedBy.CALLER else detail or cause.value
            self._fact(facts.QueueLeft(self._now, call.id, stage.queue, reason))
        if call.recording_open:
            self._do(commands.StopRecording(call.id))
        self._fact(facts.CallEnded(self._now, call.id, by, cause, detail))
        self._hang_up_all(call, call.legs, cause)
        self._release(call, stage)
        self._account(call)
        self._tidy(call)

    def _release(self, call: Call, stage: Stage) -> None:
        """Give the operators back, last of all: they may be rung for the next caller at once."""
        moves = self.center.leave(call.id, self._now)
        if isinstance(stage, Talking) and stage.queue:
            moves += self.center.talk_ended(stage.extension, call.id, self._now)
        for extension in self._others_on(call):
            moves += self.center.on_other_call(extension, call.id, on=False, now=self._now)
        self._apply(moves)

    def _others_on(self, call: Call) -> set[Extension]:
        """Who of us is on this call without a queue having asked them."""
        called = {
            fact.extension for fact in call.facts if isinstance(fact, facts.LegJoined) and fact.role is Role.CALLED
        }
        return (called | {call.extension}) - {Extension("")}

    def _account(self, call: Call) -> None:
        """What an ended call means for the missed-call ledger."""
        record, number = call.story.record, call.outside_number() or _number_called(call)
        match record.result:
            case Result.MISSED:
                self._facts(self.ledger.lost(call.id, record.caller, record.queue, record.waited, self._now))
            case Result.NOT_REACHED if number:
                self._facts(self.ledger.tried(call.id, number, call.extension, self._now))
            case _:
                pass

    def _hang_up_all(self, call: Call, legs: Iterable[LegId], cause: Cause) -> None:
        for leg in tuple(legs):
            if leg == call.caller and call.caller_gone:
                continue
            self._do(commands.Hangup(leg, cause))

    def _forget_leg(self, call: Call, leg: LegId) -> None:
        self._by_leg.pop(leg, None)
        call.parties.pop(leg, None)
        if leg == call.caller:
            call.caller_gone = True

    def _tidy(self, call: Call) -> None:
        """Forget a call that is over once its legs are gone and its recording is closed."""
        if call.over and not call.legs and not call.recording_open:
            self.calls.pop(call.id, None)
            self._timers.cancel(("closing", call.id))

    # ---- time

    def _time_came(self, kind: str, call: Call) -> None:
        match kind, call.stage:
            case "walk", InFlow(walk=way):
                self._follow(call, way.tick(self._now))
            case "dial", Calling(legs=legs):
                self._hang_up_all(call, legs, Cause.NO_ANSWER)
                call.stage = Calling(())
                self._fail(call, Cause.NO_ANSWER, "nobody answered")
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

    # ---- lines and people

    def _line_changed(self, event: events.LineChanged) -> None:
        before = self.lines.get(event.line)
        same = before is not None and before.state is event.state
        since = before.since if before is not None and same else self._now
        self.lines[event.line] = Line(event.state, event.words, event.signal, since)
        if not same:
            self._fact(facts.LineNoted(self._now, event.line, event.state.value, event.words))

    def _line_options(self, name: LineId) -> LineOptions:
        known = (line for line in self.settings.lines if line.name == name)
        return next(known, LineOptions(name, "hang up"))

    def _person(self, extension: Extension) -> Person | None:
        return next((person for person in self.settings.people if person.extension == extension), None)

    # ---- inside

    def _call_of(self, leg: LegId) -> Call | None:
        call = self._by_leg.get(leg)
        return None if call is None else self.calls.get(call)

    def _stage(self, call: Call, stage: Stage) -> None:
        call.stage, call.since, call.on_hold = stage, self._now, False

    def _play(self, call: Call, prompts: tuple[Prompt, ...], *, loop: bool = False) -> None:
        call.playing += 1
        self._do(commands.Play(call.caller, call.playing, prompts, loop))

    def _do(self, command: Command) -> None:
        self._out.append(command)

    def _facts(self, some: Iterable[Fact]) -> None:
        for fact in some:
            self._fact(fact)

    def _fact(self, fact: Fact) -> None:
        self._out.append(fact)
        match fact:
            case facts.TaskOpened() | facts.TaskRepeated() | facts.TaskTried() | facts.TaskClosed():
                pass
            case _ if (call := self.calls.get(getattr(fact, "call", CallId("")))) is not None:
                call.facts.append(fact)  # type: ignore[arg-type]  # it names a call and is no task's
                call.story.add(fact)  # type: ignore[arg-type]

    def _done(self) -> list[Output]:
        waiting = bool(self.center.waiters)
        if waiting != self._buzzing:
            self._buzzing = waiting
            self._do(commands.Buzz(waiting))
        out, self._out = self._out, []
        return out


def _why_missed(cause: Cause) -> str:
    match cause:
        case Cause.BUSY | Cause.UNREACHABLE | Cause.NO_ANSWER:
            return cause.value
        case Cause.FAULT | Cause.UNKNOWN_NUMBER:
            return Cause.UNREACHABLE.value
        case _:
            return Cause.REFUSED.value


def _number_called(call: Call) -> str:
    return next((fact.number for fact in call.facts if isinstance(fact, facts.LegJoined) and fact.number), "")
