"""Who was turned away and why, as people say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from appliance.calls.edge import Refusal
from appliance.switchboard.asks import TurnedAway
from webui.heard import heard
from webui.language import N_, _

_REFUSALS: dict[str, str] = {
    Refusal.WRONG_PASSWORD.value: N_("wrong password"),
    Refusal.UNKNOWN_USER.value: N_("an extension that does not exist"),
    Refusal.STRANGER.value: N_("a call by somebody unknown"),
    Refusal.GARBLED.value: N_("messages no telephone sends"),
    Refusal.FLOOD.value: N_("too much at one time"),
    Refusal.BANNED.value: N_("came again while unheard"),
    Refusal.MISTYPED.value: N_("a mistyped password"),
    Refusal.GUESSING.value: N_("guesses passwords"),
    Refusal.NOT_ALLOWED.value: N_("asked for what is not theirs"),
    Refusal.NOT_SUPPORTED.value: N_("asked for what this box does not do"),
    Refusal.NO_SUCH_CALL.value: N_("spoke of a call that is not there"),
}


def refusal(why: str) -> str:
    """The reader's word for a reason."""
    return _(_REFUSALS[why]) if why in _REFUSALS else heard(why)


HARMLESS = frozenset({Refusal.NOT_SUPPORTED.value, Refusal.NO_SUCH_CALL.value})
"""What honest telephones do, too."""


def who_from(source: str) -> str:
    """The address alone of `udp 203.0.113.9:5071`; the port says nothing to people."""
    address = source.rpartition(" ")[2]
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who was turned away, as often as it was."""

    refusal: str
    source: str
    detail: str
    times: int
    first: float
    last: float
    """UTC seconds."""


def visitors(turned_away: Iterable[TurnedAway]) -> list[Visitor]:
    """Equal ones are one: a scanner knocks a thousand times in a night. Who came last stands first."""
    found: dict[tuple[str, str, str], Visitor] = {}
    for one in turned_away:
        key = one.refusal, who_from(one.source), one.detail
        if known := found.get(key):
            first, last = min(known.first, one.at), max(known.last, one.at)
            found[key] = replace(known, times=known.times + one.times, first=first, last=last)
        else:
            found[key] = Visitor(*key, one.times, one.at, one.at)
    return sorted(found.values(), key=lambda visitor: -visitor.last)
