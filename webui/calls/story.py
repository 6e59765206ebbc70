"""The steps of a call as sentences."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.facts import EndedBy
from appliance.calls.names import Cause, Direction
from appliance.calls.record import CallRecord, Step
from webui.heard import heard
from webui.language import N_, _
from webui.saying import WORDS, person, place, queue_title, somebody, telephone, word


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line of a call's story."""

    at: float
    """UTC seconds."""
    words: str
    picture: str


def story(record: CallRecord) -> list[Sentence]:
    """Every step that says something to a person, in order."""
    return [
        Sentence(record.began + step.after, words, PICTURES.get(step.what, "dot"))
        for step in record.steps
        if (words := _words(record, step))
    ]


PICTURES = {
    "call_began": "telephone",
    "call_answered": "volume-up",
    "caller_named": "person",
    "leg_joined": "telephone-outbound",
    "leg_left": "telephone-x",
    "place_reached": "diagram-3",
    "key_taken": "grid-3x3-gap",
    "queue_joined": "hourglass-split",
    "operator_offered": "bell",
    "operator_missed": "bell-slash",
    "queue_left": "hourglass-split",
    "call_forbidden": "shield-exclamation",
    "talk_began": "headset",
    "encrypted": "lock",
    "plain": "unlock",
    "held": "pause-circle",
    "resumed": "play-fill",
    "recording_began": "record-circle",
    "recording_kept": "record-circle",
    "call_ended": "telephone-x",
}

_MISSED = {
    "no answer": N_("%(name)s did not answer. The next operator’s turn."),
    "busy": N_("%(name)s was busy."),
    "refused": N_("%(name)s refused the call."),
    "unreachable": N_("%(name)s’s telephone could not be reached."),
}

_LEFT = {
    "hung up": N_("The caller hung up while waiting."),
    "waited too long": N_("The longest waiting time was over."),
    "nobody there": N_("Nobody was there to answer."),
    "key pressed": N_("The caller chose to leave the queue."),
}

_ENDED = {
    "caller": N_("The caller hung up."),
    "called": N_("Our side hung up."),
    "box": N_("The box ended the call."),
}
_ENDED_THERE = N_("The other side hung up.")


_CAME_BY = {
    "open": N_("It was within opening hours."),
    "closed": N_("It was outside opening hours."),
    "no choice made": N_("The caller made no choice."),
}


def _words(record: CallRecord, step: Step) -> str:
    """A sentence, or nothing for a step that the next one says better."""
    who, detail = step.who, step.detail
    match step.what:
        case "call_began":
            return _began(record, step) + _diverted(record)
        case "caller_named":
            return _("The number became known: %(number)s.", number=telephone(who))
        case "leg_joined":
            return _("%(name)s was called.", name=somebody(who))
        case "leg_left":
            return "" if who == "normal" else _left(who, detail)
        case "call_answered":
            return _("The box answered.")
        case "place_reached":
            return _reached(who, detail)
        case "key_taken":
            return _("The caller pressed %(key)s.", key=who)
        case "queue_joined":
            return _("The caller began to wait in the queue “%(queue)s”.", queue=queue_title(who))
        case "operator_offered":
            return _("The telephone of %(name)s rang.", name=person(who))
        case "operator_missed":
            return _(_MISSED[detail], name=person(who)) if detail in _MISSED else _missed(who, detail)
        case "queue_left":
            return _(_LEFT[detail]) if detail in _LEFT else ""
        case "call_forbidden":
            return _("Not allowed: %(why)s.", why=heard(detail))
        case "encrypted":
            return _("The call with %(name)s is encrypted.", name=somebody(who))
        case "plain":
            return _("The call with %(name)s is not encrypted any more.", name=somebody(who))
        case "talk_began":
            return _("%(name)s answered; the talk began.", name=_who_answered(record, who))
        case "held":
            return _("The call was put on hold.")
        case "resumed":
            return _("The call was taken back from hold.")
        case "recording_began":
            return _("Recording began.")
        case "recording_kept":
            return _("The recording is not whole: %(why)s", why=heard(detail)) if detail else ""
        case "call_ended":
            return _ended(record, who) + _why(record, detail)
        case _:
            return step.what.replace("_", " ") + (f": {detail}" if detail else "")


def _who_answered(record: CallRecord, ours: str) -> str:
    """Of a call out it is the one who was called: ours is the one who called."""
    return telephone(record.dialled) if record.direction is Direction.OUT else person(ours)


def _began(record: CallRecord, step: Step) -> str:
    match record.direction:
        case Direction.IN if record.line:
            return _("%(number)s called on the line %(line)s.", number=telephone(step.who), line=record.line)
        case Direction.IN:
            return _("%(number)s called.", number=telephone(step.who))
        case _:
            return _("%(name)s dialled %(number)s.", name=person(step.who), number=somebody(record.dialled))


def _diverted(record: CallRecord) -> str:
    if not record.diverted_by:
        return ""
    return " " + _("%(number)s had sent the caller on to us.", number=telephone(record.diverted_by))


def _reached(where: str, words: str) -> str:
    """What the caller heard or was led to. A queue and the end tell of themselves in the next step."""
    kind, _space, name = where.partition(" ")
    before = f"{_(_CAME_BY[words])} " if words in _CAME_BY else ""
    match kind:
        case "menu" | "say":
            return before + _("The caller heard: %(place)s.", place=place(where))
        case "phone":
            return before + _("The way led to %(name)s.", name=person(name))
        case "queue":
            return before.strip()
        case _:
            return ""


def _ended(record: CallRecord, by: str) -> str:
    if by == EndedBy.CALLED.value and record.direction is not Direction.IN:
        return _(_ENDED_THERE)
    return _(_ENDED.get(by, _ENDED["box"]))


def _missed(who: str, reason: str) -> str:
    return _("%(name)s could not take it (%(why)s).", name=person(who), why=_cause(reason))


def _left(cause: str, detail: str) -> str:
    if cause == Cause.FAULT.value and _is_plain(detail):
        return _("It did not come about: %(why)s.", why=heard(detail))
    why = _cause(cause)
    return _("It did not come about: %(why)s.", why=f"{why} ({heard(detail)})" if _is_plain(detail) else why)


def _why(record: CallRecord, detail: str) -> str:
    """What a person can do something with; the plain case needs no reason."""
    cause = record.cause.value if record.cause is not None else ""
    if cause in {"", Cause.NORMAL.value, Cause.CANCELLED.value}:
        return ""
    return f" ({_cause(detail if _is_plain(detail) else cause)})"


def _cause(words: str) -> str:
    return word(words, "cause") if words in WORDS["cause"] else heard(words)


def _is_plain(detail: str) -> bool:
    """Words for people, and not a code of the telephone network (`486 Busy Here`, `+CME ERROR: 3`, `NO CARRIER`)."""
    return any(sign.islower() for sign in detail) and not detail[0].isdigit() and "ERROR" not in detail
