"""Calls to numbers outside: may it be, over which line, what when that line does not carry it, and how long."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from appliance.calls import commands, events, facts
from appliance.calls.facts import EndedBy, Role
from appliance.calls.moment import Moment
from appliance.calls.names import Cause, LegId, LineId
from appliance.calls.prompt import Phrase
from appliance.switchboard.call import Call, Calling, Leaving, Party
from appliance.switchboard.lamps import Lamps
from appliance.switchboard.numbering import CallOutside
from appliance.switchboard.settings import Person
from appliance.switchboard.tolls import Charged, destination, forbidden, price

OUTSIDE_SECONDS = 120.0
"""How long a number outside may ring."""

WARNING_SECONDS = 15.0
"""Before a call is ended because of what it costs, whoever of us is on it is told so."""

OF_THE_LINE = (Cause.UNREACHABLE, Cause.FAULT)
"""Why a line did not carry a call that another one may: the provider is down, the modem is silent."""


class Outside(Lamps, ABC):
    """Calls of ours to the outside."""

    @abstractmethod
    def _join(self, call: Call, leg: LegId, party: Party) -> None: ...

    @abstractmethod
    def _fail(self, call: Call, cause: Cause, detail: str) -> None: ...

    @abstractmethod
    def _end(self, call: Call, by: EndedBy, cause: Cause, detail: str) -> None: ...

    # ---- on their way

    def _call_outside(self, call: Call, person: Person, what: CallOutside) -> None:
        to = destination(what.number, self._canonical, self._kind)
        if not what.emergency and (why := forbidden(person, to)):
            self._fact(facts.CallForbidden(self._now, call.id, person.extension, what.number, why))
            self._refuse(call, "number_refused", why)
        else:
            stage = Calling((), number=what.number, written=to.written, emergency=what.emergency)
            self._dial_out(call, stage, Cause.UNREACHABLE, "no line is free")

    def _dial_out(self, call: Call, stage: Calling, cause: Cause, detail: str) -> None:
        """Over the next line that was not tried yet and is allowed; when there is none, the call fails for this reason."""
        ways = (name for name in self.lines.ways_out(emergency=stage.emergency) if name not in stage.tried)
        capped: list[facts.CallForbidden] = []
        for line in ways:
            cost = price(self._line_options(line).caps, stage.written)
            why = "" if stage.emergency else self.tolls.refusal(self._line_options(line), cost, self._now)
            if not why:
                self._dial_over(call, stage, line, cost)
                return
            capped.append(facts.CallForbidden(self._now, call.id, call.extension, stage.number, why, line))
        self._facts(capped)
        if capped and not stage.tried:
            self._refuse(call, "calls_capped", capped[0].why)
        else:
            self._fail(call, cause, detail)

    def _dial_over(self, call: Call, stage: Calling, line: LineId, cost: float) -> None:
        leg = LegId(self._name("d"))
        self._join(call, leg, Party(Role.CALLED, line=line, number=stage.number))
        if not stage.emergency:
            self.tolls.dialled(line, leg, cost, self._now)
        self._do(commands.DialLine(leg, line, stage.number))
        record = self._line_options(line).record_calls_out
        self._stage(call, replace(stage, legs=(leg,), record=record, ringing=False, tried=(*stage.tried, line)))
        self._timers.set(("dial", call.id), self._now.mono + OUTSIDE_SECONDS)

    def _line_refused(self, call: Call, stage: Calling, event: events.LegEnded) -> None:
        """The call did not come about over this line. An emergency is tried over every line there is."""
        if stage.emergency or (event.cause in OF_THE_LINE and not stage.ringing):
            self._dial_out(call, stage, event.cause, event.detail)
        else:
            self._fail(call, event.cause, event.detail)

    # ---- our own rules say no

    def _refuse(self, call: Call, phrase: str, why: str) -> None:
        """Say so in words. Who is being told so already is a machine that dials, and gets its telephone's refusal."""
        others = self.center.operators[call.extension].other_calls - {call.id}
        if any(isinstance(self.calls[other].stage, Leaving) for other in others):
            self._end(call, EndedBy.BOX, Cause.REFUSED, why)
            return
        self._stage(call, Leaving(Cause.REFUSED, why, phrase))
        self._answer(call)

    # ---- minute by minute

    def _begin_charging(self, call: Call, other: LegId) -> None:
        """Somebody outside has answered."""
        party = call.parties.get(other)
        if party is not None and party.line:
            self._charge(call, self.tolls.answered(party.line, other, self._now))

    def _charge(self, call: Call, charged: Charged | None) -> None:
        call.charged = charged
        if charged is not None:
            self._timers.set(("warning", call.id), charged.next_minute() - WARNING_SECONDS)
            self._timers.set(("minute", call.id), charged.next_minute())

    def _warn(self, call: Call) -> None:
        """Only our side hears it. Things may change until the minute is over; then it simply goes on."""
        if call.charged and self._why_no_more(call.charged) and not call.on_hold:
            self._play(call, (Phrase("call_ends_soon", call.language),))

    def _minute_over(self, call: Call) -> None:
        charged = call.charged
        assert charged is not None
        if why := self._why_no_more(charged):
            line = charged.line
            self._fact(facts.CallForbidden(self._now, call.id, call.extension, call.outside_number(), why, line))
            self._end(call, EndedBy.BOX, Cause.REFUSED, why)
        else:
            self.tolls.another_minute(charged, self._now)
            self._charge(call, charged)

    def _why_no_more(self, charged: Charged) -> str:
        """A line that the owner has taken away meanwhile has no caps any more."""
        options = self.lines.options(charged.line)
        return "" if options is None else self.tolls.may_go_on(options, charged, self._now)

    def _stop_charging(self, call: Call, at: Moment) -> None:
        if call.charged is not None:
            self.tolls.catch_up(call.charged, at, self._now)
            call.charged = None
        for kind in ("warning", "minute"):
            self._timers.cancel((kind, call.id))
