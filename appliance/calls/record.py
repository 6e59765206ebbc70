"""A call as people look at it afterwards: `CallRecord` is the fold of its facts, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from appliance.calls import facts
from appliance.calls.facts import CallFact, EndedBy, Role
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Direction, Extension, LegId, LineId


class Result(StrEnum):
    """What became of the call."""

    OPEN = "open"
    ANSWERED = "answered"
    """Two people talked."""
    MISSED = "missed"
    """An outside caller was lost before anybody talked with them."""
    INFORMED = "informed"
    """The caller heard what the flow had to say and needed nobody."""
    NOT_REACHED = "not reached"
    """One of us called and did not reach anybody."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the call's story."""

    after: float
    """Seconds since the call began."""
    what: str
    """The fact's name in snake case: `queue_joined`; the page has a sentence for each in every language."""
    who: str = ""
    """Extension, queue, place or number it is about."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """Who of us talked, and when."""

    extension: Extension
    began: Moment
    queue: str = ""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """Everything the log keeps of one call. Times are seconds; `began` and `ended` are UTC since 1970."""

    call: CallId
    direction: Direction
    caller: str
    dialled: str = ""
    caller_name: str = ""
    line: LineId = LineId("")
    language: str = ""
    began: float = 0.0
    ended: float = 0.0
    """0 while the call goes on."""
    length: float = 0.0
    """From the first ring to the end."""
    answered_after: float | None = None
    """Until the box took the call, if it did."""
    queue: str = ""
    """The last queue it waited in."""
    waited: float = 0.0
    """In queues, all together."""
    talked: float = 0.0
    operators: tuple[Extension, ...] = ()
    """Who of us talked, in order."""
    result: Result = Result.OPEN
    ended_by: EndedBy | None = None
    cause: Cause | None = None
    cause_detail: str = ""
    recording: str = ""
    """Name under the recordings folder, without ending; empty when none was made."""
    recorded: float = 0.0
    recording_fault: str = ""
    steps: tuple[Step, ...] = ()
    diverted_by: str = ""
    """The number that sent the caller on to us, when the network told."""
    encrypted: str = ""
    """`whole`: signalling and sound of both parties were encrypted (of the caller, while there was nobody else); `part`: of
    one of them, or not until the end; empty: of none."""


@dataclass
class RecordInProgress:
    """The fold itself: feed it each fact of one call, in order; `record` is always up to date."""

    record: CallRecord
    began: Moment
    _waiting_since: Moment | None = None
    _talk: Talk | None = None
    _legs: dict[LegId, Role] = field(default_factory=dict)
    _listened: bool = False
    _names: dict[LegId, str] = field(default_factory=dict)
    """Extension or number of each leg."""
    _parties: tuple[LegId, ...] = ()
    """Whose encryption counts."""
    _encrypted: set[LegId] = field(default_factory=set)
    _bared: bool = False
    """A leg that was encrypted became plain."""

    @classmethod
    def begin(cls, fact: facts.CallBegan) -> RecordInProgress:
        """Start the record of a call with its first fact."""
        record = CallRecord(
            call=fact.call,
            direction=fact.direction,
            caller=fact.caller,
            dialled=fact.dialled,
            caller_name=fact.caller_name,
            line=fact.line,
            language=fact.language,
            began=fact.at.utc,
            diverted_by=fact.diverted_by,
        )
        story = cls(record, fact.at, _names={fact.leg: fact.caller}, _parties=(fact.leg,))
        story._step(fact.at, "call_began", fact.caller, fact.line or fact.dialled)
        return story

    @property
    def talking(self) -> Talk | None:
        """Who of us talks now, if anybody does."""
        return self._talk

    def add(self, fact: CallFact) -> None:
        """Take the next fact. A second `CallEnded` changes nothing: a call is counted once."""
        match fact:
            case facts.CallBegan():
                raise ValueError(f"{fact.call} began twice")
            case facts.CallerNamed(at=at, caller=caller):
                self._change(caller=caller)
                self._step(at, "caller_named", caller)
            case facts.LegJoined(at=at, leg=leg, role=role):
                self._legs[leg] = role
                self._names[leg] = fact.extension or fact.number
                if fact.line:
                    self._change(line=fact.line)
                if role is Role.CALLED:
                    self._step(at, "leg_joined", fact.extension or fact.number, fact.line)
            case facts.LegLeft(at=at, leg=leg):
                if self._legs.get(leg) is Role.CALLED:
                    self._step(at, "leg_left", fact.cause.value, fact.detail)
            case facts.CallAnswered(at=at):
                if self.record.answered_after is None:
                    self._change(answered_after=at.since(self.began))
                self._step(at, "call_answered")
            case facts.PlaceReached(at=at, place=place, words=words):
                self._listened = True
                self._step(at, "place_reached", place, words)
            case facts.KeyTaken(at=at, key=key, place=place):
                self._step(at, "key_taken", key, place)
            case facts.QueueJoined(at=at, queue=queue):
                self._waiting_since = at
                self._change(queue=queue)
                self._step(at, "queue_joined", queue)
            case facts.OperatorOffered(at=at, extension=extension):
                self._step(at, "operator_offered", extension)
            case facts.OperatorMissed(at=at, extension=extension, reason=reason):
                self._step(at, "operator_missed", extension, reason)
            case facts.QueueLeft(at=at, queue=queue, reason=reason):
                self._stop_waiting(at)
                self._step(at, "queue_left", queue, reason)
            case facts.CallForbidden(at=at, number=number, why=why):
                self._step(at, "call_forbidden", number, why)
            case facts.TalkBegan():
                self._begin_talk(fact)
            case facts.EncryptionChanged():
                self._encryption(fact)
            case facts.HoldChanged(at=at, held=held):
                self._step(at, "held" if held else "resumed")
            case facts.RecordingBegan(at=at, name=name):
                self._change(recording=name)
                self._step(at, "recording_began")
            case facts.RecordingKept(at=at, seconds=seconds, fault=fault):
                self._change(recorded=seconds, recording_fault=fault)
                self._step(at, "recording_kept", detail=fault)
            case facts.CallEnded():
                self._end(fact)

    def _change(self, **changes: object) -> None:
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]

    def _step(self, at: Moment, what: str, who: str = "", detail: str = "") -> None:
        step = Step(round(at.since(self.began), 3), what, who, detail)
        self.record = replace(self.record, steps=(*self.record.steps, step))

    def _stop_waiting(self, at: Moment) -> None:
        if self._waiting_since is not None:
            self._change(waited=self.record.waited + at.since(self._waiting_since))
            self._waiting_since = None

    def _stop_talking(self, at: Moment) -> None:
        if self._talk is not None:
            self._change(talked=self.record.talked + at.since(self._talk.began))
            self._talk = None

    def _begin_talk(self, fact: facts.TalkBegan) -> None:
        self._stop_waiting(fact.at)
        self._stop_talking(fact.at)
        self._talk = Talk(fact.extension, fact.at, fact.queue)
        self._parties = (fact.leg, fact.other)
        self._note_encryption()
        answered_after = self.record.answered_after
        self._change(
            operators=(*self.record.operators, fact.extension),
            answered_after=fact.at.since(self.began) if answered_after is None else answered_after,
        )
        self._step(fact.at, "talk_began", fact.extension, fact.queue)

    def _encryption(self, fact: facts.EncryptionChanged) -> None:
        if fact.encrypted:
            self._encrypted.add(fact.leg)
        else:
            self._encrypted.discard(fact.leg)
            self._bared = self._bared or fact.leg in self._parties
        self._note_encryption()
        self._step(fact.at, "encrypted" if fact.encrypted else "plain", self._names.get(fact.leg, ""))

    def _note_encryption(self) -> None:
        level = encryption(self._encrypted, self._parties)
        self._change(encrypted="part" if self._bared else level)

    def _end(self, fact: facts.CallEnded) -> None:
        if self.record.ended:
            return
        self._stop_waiting(fact.at)
        self._stop_talking(fact.at)
        self._change(
            ended=fact.at.utc,
            length=fact.at.since(self.began),
            result=self._result(),
            ended_by=fact.by,
            cause=fact.cause,
            cause_detail=fact.detail,
        )
        self._step(fact.at, "call_ended", fact.by.value, fact.detail or fact.cause.value)

    def _result(self) -> Result:
        record = self.record
        if record.operators:
            return Result.ANSWERED
        if record.direction is not Direction.IN:
            return Result.INFORMED if self._listened and not record.queue else Result.NOT_REACHED
        informed = self._listened and not record.queue and Role.CALLED not in self._legs.values() and self._closed_heard
        return Result.INFORMED if informed else Result.MISSED

    @property
    def _closed_heard(self) -> bool:
        """The flow said its piece to the end: a `say` place was reached."""
        return any(step.what == "place_reached" and step.who.startswith("say ") for step in self.record.steps)


def encryption(encrypted: set[LegId], parties: Collection[LegId]) -> str:
    """How much of a call is encrypted: `whole`, `part` of its parties, or none of them (empty)."""
    if not encrypted.intersection(parties):
        return ""
    return "whole" if encrypted.issuperset(parties) else "part"


def fold(all_facts: Iterable[CallFact]) -> CallRecord:
    """The record of one call from all its facts, in order; the first must be `CallBegan`."""
    story: RecordInProgress | None = None
    for fact in all_facts:
        if story is None:
            if not isinstance(fact, facts.CallBegan):
                raise ValueError(f"a call cannot begin with {type(fact).__name__}")
            story = RecordInProgress.begin(fact)
        else:
            story.add(fact)
    if story is None:
        raise ValueError("no facts, no call")
    return story.record
