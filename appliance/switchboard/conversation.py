"""What happens within a call: menus, waiting, ringing, talking, and how it ends.

Legs, the call flow and the queues know nothing of one another; this is where a key in a menu becomes a place in a
queue, an offer becomes a ringing telephone, and a hang-up on one side ends the other.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.callcenter import acd
from appliance.callflow import walk
from appliance.callflow.hours import local
from appliance.callflow.settings import Place
from appliance.calls import commands, events, facts
from appliance.calls.facts import EndedBy, Role
from appliance.calls.moment import Moment
from appliance.calls.names import Cause, Extension, LegId
from appliance.calls.prompt import Music, Phrase, Tone
from appliance.switchboard.call import (
    Answering,
    Call,
    Calling,
    InFlow,
    InQueue,
    Leaving,
    Party,
    Talking,
)
from appliance.switchboard.endings import Endings
from appliance.switchboard.table import LAMPS

RING_SECONDS = 45.0
"""How long a colleague may ring."""


class Conversations(Endings):
    """Calls that have begun, until they are over."""

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

    def _dial_phone(self, call: Call, role: Role, extension: Extension, device: str) -> LegId:
        leg = LegId(self._name("d"))
        self._join(call, leg, Party(role, extension))
        record = call.story.record
        self._do(commands.DialPhone(leg, extension, device, record.caller, record.caller_name))
        return leg

    def _join(self, call: Call, leg: LegId, party: Party) -> None:
        call.parties[leg] = party
        self._by_leg[leg] = call.id
        if party.line:
            self.lines.take(party.line, leg)
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
        elif isinstance(call.stage, Leaving):
            self._fact(facts.CallAnswered(self._now, call.id))
            self._play(call, (Phrase(call.stage.phrase, call.language),))

    def _called_answered(self, call: Call, stage: Calling, leg: LegId) -> None:
        self._timers.cancel(("dial", call.id))
        self._hang_up_all(call, (other for other in stage.legs if other != leg), Cause.CANCELLED)
        if not call.caller_up:
            self._answer(call)
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

    def _key_pressed(self, leg: LegId, key: str) -> None:
        """For our menu, or for whoever they talk with: a bank's menu is behind a telephone call as well."""
        call = self._call_of(leg)
        match call.stage if call else None:
            case InFlow(walk=way) if call and leg == call.caller:
                self._follow(call, way.key(key, self._now))
            case Talking(other=other) if call and leg in (call.caller, other):
                self._do(commands.SendKeys(other if leg == call.caller else call.caller, key))
            case _:
                pass

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
                    self._people_changed.add(extension)
                    self._fact(facts.OperatorChanged(self._now, extension, state, reason))
                    self._do(commands.ShowLamp(extension, LAMPS.get(state, "off")))

    def _offer(self, call: Call, extension: Extension) -> None:
        assert isinstance(call.stage, InQueue)
        self._fact(facts.OperatorOffered(self._now, call.id, extension))
        devices = self.phones.get(extension, ())
        legs = tuple(self._dial_phone(call, Role.OPERATOR, extension, device) for device in devices)
        call.stage = replace(call.stage, offered_to=extension, offered=legs)
        self._mark(call)
        if not legs:
            self._operator_missed(call, extension, "unreachable")

    def _withdraw(self, call: Call, extension: Extension, reason: str) -> None:
        if not isinstance(call.stage, InQueue):
            return
        offered = call.stage.offered
        call.stage = replace(call.stage, offered_to=None, offered=())
        self._mark(call)
        if reason:
            self._fact(facts.OperatorMissed(self._now, call.id, extension, reason))
        self._hang_up_all(call, offered, Cause.CANCELLED)

    def _operator_missed(self, call: Call, extension: Extension, reason: str) -> None:
        """Their telephones said no; the caller keeps their place."""
        assert isinstance(call.stage, InQueue)
        call.stage = replace(call.stage, offered_to=None, offered=())
        self._mark(call)
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
        self._begin_charging(call, stage.other)
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

    def _leg_encrypted(self, leg: LegId, *, encrypted: bool) -> None:
        call = self._call_of(leg)
        if call is None or call.over or encrypted == (leg in call.encrypted):
            return
        (call.encrypted.add if encrypted else call.encrypted.discard)(leg)
        self._mark(call)
        self._fact(facts.EncryptionChanged(self._now, call.id, leg, encrypted))
        if not encrypted and (whose := self._must_be_encrypted(call, leg)):
            self._bared(call, leg, whose)

    def _bared(self, call: Call, leg: LegId, whose: str) -> None:
        """Where encryption is required there is no call without it, not even the rest of one."""
        if leg == call.caller or (isinstance(call.stage, Talking) and leg == call.stage.other):
            self._end(call, EndedBy.BOX, Cause.REFUSED, f"the call of {whose} is not encrypted any more")
        else:
            self._do(commands.Hangup(leg, Cause.REFUSED))

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
