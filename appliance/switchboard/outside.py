"""Calls to numbers outside: over which line, and what when that line does not carry them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from appliance.calls import commands, events
from appliance.calls.facts import EndedBy, Role
from appliance.calls.names import Cause, LegId
from appliance.switchboard.call import Call, Calling, Party
from appliance.switchboard.numbering import CallOutside
from appliance.switchboard.settings import Person
from appliance.switchboard.table import Table

OUTSIDE_SECONDS = 120.0
"""How long a number outside may ring."""

OF_THE_LINE = (Cause.UNREACHABLE, Cause.FAULT)
"""Why a line did not carry a call that another one may: the provider is down, the modem is silent."""


class Outside(Table, ABC):
    """Calls of ours on their way out, until somebody answers."""

    @abstractmethod
    def _join(self, call: Call, leg: LegId, party: Party) -> None: ...

    @abstractmethod
    def _fail(self, call: Call, cause: Cause, detail: str) -> None: ...

    @abstractmethod
    def _end(self, call: Call, by: EndedBy, cause: Cause, detail: str) -> None: ...

    def _call_outside(self, call: Call, person: Person, what: CallOutside) -> None:
        if not (person.may_call_out or what.emergency):
            self._end(call, EndedBy.BOX, Cause.REFUSED, f"{person.extension} may not call numbers outside")
            return
        stage = Calling((), number=what.number, emergency=what.emergency)
        self._dial_out(call, stage, Cause.UNREACHABLE, "no line is free")

    def _dial_out(self, call: Call, stage: Calling, cause: Cause, detail: str) -> None:
        """Over the next line that was not tried yet; when there is none, the call fails for the reason given."""
        ways = self.lines.ways_out(emergency=stage.emergency)
        line = next((name for name in ways if name not in stage.tried), None)
        if line is None:
            self._fail(call, cause, detail)
            return
        leg = LegId(self._name("d"))
        self._join(call, leg, Party(Role.CALLED, line=line, number=stage.number))
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
