"""A call comes in, over a line or from one of our telephones, and begins."""

from __future__ import annotations

from appliance.callflow.settings import Place
from appliance.calls import commands, events, facts
from appliance.calls.facts import EndedBy
from appliance.calls.names import CallId, Cause, Direction, Extension, LegId
from appliance.calls.record import RecordInProgress
from appliance.switchboard.call import Answering, Call, Rings
from appliance.switchboard.conversation import Conversations
from appliance.switchboard.numbering import CallOutside, CallPerson, EnterFlow, Nobody, meaning
from appliance.switchboard.settings import LineOptions

RING_EVERY_SECONDS = 5.0
"""From one ring to the next, on lines that do not ring by themselves: a second of tone, four of silence."""


class Incoming(Conversations):
    """Calls at their beginning."""

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
                self._stage(call, Answering(place))
                self._answer(call)
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
            self._answer(call)

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
        self._mark(call)
        return call
