"""How legs and calls end, and what follows: who is free again, what is on record, who has to be called back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace

from appliance.callcenter import acd
from appliance.calls import commands, events, facts
from appliance.calls.facts import EndedBy, Role
from appliance.calls.names import Cause, Extension, LegId
from appliance.calls.prompt import Phrase
from appliance.calls.record import Result
from appliance.switchboard.call import Call, Calling, Ended, InQueue, Leaving, Party, Stage, Talking
from appliance.switchboard.outside import Outside

CLOSING_SECONDS = 60.0
"""How long an ended call waits for its legs and its recording to close before it is closed without them."""


class Endings(Outside, ABC):
    """Everything that ends."""

    @abstractmethod
    def _apply(self, moves: list[acd.Move]) -> None: ...

    @abstractmethod
    def _operator_missed(self, call: Call, extension: Extension, reason: str) -> None: ...

    def _leg_ended(self, event: events.LegEnded) -> None:
        call = self._call_of(event.leg)
        if call is None:
            return
        leg, party = event.leg, call.parties.get(event.leg)
        self._forget_leg(call, leg)
        if call.over:
            self._tidy(call)
        elif party is None:
            self._end(call, _who_ended(event, EndedBy.CALLER), event.cause, event.detail)
        else:
            self._fact(facts.LegLeft(self._now, call.id, leg, event.cause, event.detail))
            self._party_left(call, party, event)

    def _party_left(self, call: Call, party: Party, event: events.LegEnded) -> None:
        match call.stage:
            case Talking(other=other) if other == event.leg:
                self._end(call, _who_ended(event, EndedBy.CALLED), event.cause, event.detail)
            case Calling() as stage if event.leg in stage.legs:
                left = tuple(leg for leg in stage.legs if leg != event.leg)
                call.stage = replace(stage, legs=left)
                if party.line:
                    self._line_refused(call, call.stage, event)
                elif not left:
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
            called = call.stage.extension if isinstance(call.stage, Calling) else Extension("")
            self._stage(call, Leaving(cause, detail))
            self._play(call, (Phrase("not_available", call.language),))
            self._apply(self.center.on_other_call(called, call.id, on=False, now=self._now))
        else:
            self._end(call, EndedBy.BOX, cause, detail)

    def _end(self, call: Call, by: EndedBy, cause: Cause, detail: str) -> None:
        if call.over:
            return
        stage, at = call.stage, call.lost_at or self._now
        self._stage(call, Ended())
        for kind in ("rings", "walk", "dial"):
            self._timers.cancel((kind, call.id))
        self._timers.set(("closing", call.id), self._now.mono + CLOSING_SECONDS)
        if isinstance(stage, InQueue):
            self._hang_up_all(call, stage.offered, Cause.CANCELLED)
            reason = "hung up" if by is EndedBy.CALLER else detail or cause.value
            self._fact(facts.QueueLeft(at, call.id, stage.queue, reason))
        if call.recording_open:
            self._do(commands.StopRecording(call.id))
        self._stop_charging(call, at)
        self._fact(facts.CallEnded(at, call.id, by, cause, detail))
        self._hang_up_all(call, call.legs, cause)
        self._release(call, stage)
        self._account(call)
        self._tidy(call)

    def _release(self, call: Call, stage: Stage) -> None:
        """Give the operators back, last of all: they may be rung for the next caller at once."""
        moves = self.center.leave(call.id, self._now)
        if isinstance(stage, Talking) and stage.queue:
            moves += self.center.talk_ended(stage.extension, call.id, self._now)
        others = self._others_on(call)
        self._people_changed |= others
        for extension in others:
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
                self._facts(
                    self.ledger.lost(call.id, record.caller, record.queue, record.waited, self._now, _whose(call))
                )
            case Result.NOT_REACHED if number:
                self._facts(self.ledger.tried(call.id, number, call.extension, self._now))
            case _:
                pass

    def _hang_up_all(self, call: Call, legs: Iterable[LegId], cause: Cause) -> None:
        for leg in tuple(legs):
            if leg == call.caller and call.caller_gone:
                continue
            self._do(commands.Hangup(leg, cause))


def _who_ended(event: events.LegEnded, party: EndedBy) -> EndedBy:
    """A party whose modem was unplugged has not put the phone down."""
    return EndedBy.BOX if event.cause is Cause.FAULT else party


def _why_missed(cause: Cause) -> str:
    match cause:
        case Cause.BUSY | Cause.UNREACHABLE | Cause.NO_ANSWER:
            return cause.value
        case Cause.FAULT | Cause.UNKNOWN_NUMBER:
            return Cause.UNREACHABLE.value
        case _:
            return Cause.REFUSED.value


def _whose(call: Call) -> Extension:
    """Whose own number it was that the caller had come to, if it was one."""
    kind, _, name = call.reached.partition(" ")
    return Extension(name if kind == "phone" else "")


def _number_called(call: Call) -> str:
    return next((fact.number for fact in call.facts if isinstance(fact, facts.LegJoined) and fact.number), "")
