"""The calls in progress, their legs and what has to be done next: the state of the switchboard, and no decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import tzinfo

from appliance.callcenter import acd
from appliance.callcenter.ledger import Ledger
from appliance.calls import commands, facts
from appliance.calls.commands import Command, ShowMessages, ShowWatched
from appliance.calls.facts import Fact, OperatorState
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Encryption, Extension, LegId, LineId, TaskId
from appliance.calls.prompt import Prompt
from appliance.calls.timers import Timers
from appliance.switchboard.call import Answering, Call, Calling, InQueue, Leaving, Stage, Talking
from appliance.switchboard.lines import Lines
from appliance.switchboard.settings import LineOptions, Person, Reach, Settings
from appliance.switchboard.tolls import Tolls

Output = Command | Fact

PATIENCE_SECONDS = 30.0
"""How long a call may take to be answered, or a last sentence to be said, before it ends without."""

LAMPS = {
    OperatorState.RINGING: "ringing",
    OperatorState.TALKING: "busy",
    OperatorState.BUSY: "busy",
    OperatorState.WRAP_UP: "wrap_up",
    OperatorState.PAUSED: "paused",
    OperatorState.SET_ASIDE: "paused",
}


class Table:
    """Every change of a call goes through here, so that facts, record and output never part."""

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
        self.settings = settings
        self.zone = zone
        self.center = acd.CallCenter()
        self.ledger = Ledger(canonical, lambda: name("t"))
        self.calls: dict[CallId, Call] = {}
        self.phones: dict[Extension, tuple[str, ...]] = {}
        self.lines = Lines()
        self.tolls = Tolls(zone)
        self.engine_up = False
        self.since: dict[Extension, Moment] = {}
        """When each operator's state began."""
        self.talks_today: Counter[Extension] = Counter()
        self._today = ""
        self._name = name
        self._people: dict[Extension, Person] = {}
        self._canonical = canonical
        self._kind = kind
        self._by_leg: dict[LegId, CallId] = {}
        self._timers: Timers[tuple[str, str]] = Timers()
        self._buzzing = False
        self._people_changed: set[Extension] = set()
        self._queues_changed: set[str] = set()
        """Whose lamps have to be looked at before this event is done."""
        self._watched: dict[Extension, ShowWatched] = {}
        self._message_lamps: dict[Extension, ShowMessages] = {}
        self._encrypted_lamps: set[Extension] = set()
        """What is shown now."""
        self._tasks_of: dict[Extension, dict[TaskId, bool]] = {}
        """Whom each of us should call back, and whether somebody has tried."""
        self._now = now
        self._out: list[Output] = []

    # ---- looking up

    def _call_of(self, leg: LegId) -> Call | None:
        call = self._by_leg.get(leg)
        return None if call is None else self.calls.get(call)

    def _line_options(self, name: LineId) -> LineOptions:
        return self.lines.options(name) or LineOptions(name, "hang up")

    def _person(self, extension: Extension) -> Person | None:
        return self._people.get(extension)

    def line_legs(self) -> dict[LineId, tuple[LegId, str]]:
        """The leg and the outside number on each modem that is in use: what it adopts when it starts again."""
        used: dict[LineId, tuple[LegId, str]] = {}
        for call in self.calls.values():
            if call.over:
                continue
            if call.line is not None and not call.caller_gone and self.lines.is_modem(call.line.name):
                used[call.line.name] = (call.caller, call.story.record.caller)
            for leg, party in call.parties.items():
                if self.lines.is_modem(party.line):
                    used[party.line] = (leg, party.number)
        return used

    def _must_be_encrypted(self, call: Call, leg: LegId) -> str:
        """Whose leg it is, when theirs have to be; else empty."""
        party = call.parties.get(leg)
        person = self._person(party.extension if party else call.extension)
        line = self.lines.options(party.line) if party else call.line
        if person is not None and person.encryption is Encryption.REQUIRED:
            return person.extension
        required = line is not None and line.provider is not None and line.provider.encryption is Encryption.REQUIRED
        return line.name if line is not None and required else ""

    # ---- changing

    def _answer(self, call: Call) -> None:
        """Take the caller's call, if it may be taken as it comes."""
        encrypted_only = bool(self._must_be_encrypted(call, call.caller))
        self._do(commands.Answer(call.caller, encrypted_only=encrypted_only))

    def _stage(self, call: Call, stage: Stage) -> None:
        self._mark(call)
        call.stage, call.since, call.on_hold = stage, self._now, False
        if isinstance(stage, Answering | Leaving):
            self._timers.set(("patience", call.id), self._now.mono + PATIENCE_SECONDS)
        else:
            self._timers.cancel(("patience", call.id))

        self._mark(call)

    def _mark(self, call: Call) -> None:
        """Something about this call may be seen on a lamp."""
        if call.extension:
            self._people_changed.add(call.extension)
        match call.stage:
            case Calling(extension=extension) | Talking(extension=extension):
                self._people_changed.add(extension)
            case InQueue(queue=queue):
                self._queues_changed.add(queue)
            case _:
                pass

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

    def _forget_leg(self, call: Call, leg: LegId) -> None:
        self._by_leg.pop(leg, None)
        self.lines.leave(leg)
        call.encrypted.discard(leg)
        party = call.parties.pop(leg, None)
        if party is not None:
            self.tolls.over(party.line, leg)
        if leg == call.caller:
            call.caller_gone = True

    def _tidy(self, call: Call) -> None:
        """Forget a call that is over once its legs are gone and its recording is closed."""
        if call.over and not call.legs and not call.recording_open:
            self.calls.pop(call.id, None)
            self._timers.cancel(("closing", call.id))
