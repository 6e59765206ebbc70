"""Events in, commands and facts out: everything that happens to a call is decided here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo

from appliance.calls import events, facts
from appliance.calls.events import Event
from appliance.calls.facts import EndedBy
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, TaskId
from appliance.switchboard.call import Answering, Call, Calling, Ended, InFlow, Leaving, Rings, Talking
from appliance.switchboard.restarts import Restarts
from appliance.switchboard.settings import Reach, Settings
from appliance.switchboard.table import Output


class Switchboard(Restarts):
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
            case events.LegEncrypted(leg=leg, encrypted=encrypted):
                self._leg_encrypted(leg, encrypted=encrypted)
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
                self._people_changed.add(extension)
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
        self._people = {person.extension: person for person in settings.people}
        people = list(self._people)
        self._apply(self.center.configure(settings.queues, people, now))
        for extension in people:
            self._apply(self.center.reachable(extension, reachable=bool(self.phones.get(extension)), now=now))
        self._all_changed()
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
            case "patience", Answering():
                self._end(call, EndedBy.BOX, Cause.FAULT, "the call could not be taken")
            case "patience", Leaving(cause=cause, detail=detail):
                self._end(call, EndedBy.BOX, cause, detail)
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
