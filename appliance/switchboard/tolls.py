"""What calls out may cost: who may call where, and how much goes over a line before it takes no more.

Against toll fraud, and against forgetting. Emergency calls come nowhere near this: they are neither asked about nor counted.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo

from appliance.callflow.hours import local
from appliance.calls.facts import LineSpent
from appliance.calls.moment import Moment
from appliance.calls.names import LegId, LineId
from appliance.switchboard.settings import Caps, LineOptions, Person, Reach

HOUR = 3600.0
MINUTE = 60.0
LONGEST_NUMBER = 15
"""Digits of a telephone number anywhere in the world (ITU-T E.164)."""
A_LITTLE = 1e-9
"""Ten times 0.1 is not quite 1."""

_FORBIDDEN = {
    Reach.NATIONAL: "may not call numbers of this country",
    Reach.ABROAD: "may not call abroad",
    Reach.PREMIUM: "may not call numbers that cost extra",
}


@dataclass(frozen=True, slots=True)
class Destination:
    """A number outside, as far as its price is concerned."""

    written: str
    """In international form, where it can be read."""
    kind: Reach


def destination(number: str, canonical: Callable[[str], str], kind: Callable[[str], Reach | None]) -> Destination:
    """Where a dialled number leads.

    `kind` answers None for what it cannot place. That is taken for a number of this country, such as a short one, unless
    it begins as numbers abroad do or is longer than any number: what is too long for us may be cut off and connected by
    a provider.
    """
    far = number.startswith(("+", "00"))
    written = canonical(number)
    if far and not written.startswith("+"):
        written = f"+{number.removeprefix('00')}"
    unplaced = Reach.ABROAD if far or len(number) > LONGEST_NUMBER else Reach.NATIONAL
    return Destination(written, kind(number) or unplaced)


def forbidden(person: Person, to: Destination) -> str:
    """Why this person may not call there, in plain words; empty when they may."""
    who = person.extension
    if not person.may_call_out:
        return f"{who} may not call numbers outside"
    for begins in person.never:
        if to.written.startswith(begins):
            return f"{who} may not call numbers that begin with {begins}"
    if to.kind in person.reaches or to.written.startswith(person.also):
        return ""
    return f"{who} {_FORBIDDEN[to.kind]}"


def price(caps: Caps, written: str) -> float:
    """Of each minute that begins, to this number; 0 when no price fits."""
    fitting = (entry for entry in caps.prices if written.startswith(entry.begins))
    best = max(fitting, key=lambda entry: len(entry.begins), default=None)
    return best.per_minute if best is not None else 0.0


@dataclass(slots=True)
class Charged:
    """A talk over a line that is being paid for."""

    line: LineId
    per_minute: float
    began: Moment
    minutes: int = 0
    """Begun and counted so far."""

    def next_minute(self) -> float:
        """The monotonic second at which the next minute begins."""
        return self.began.mono + self.minutes * MINUTE

    def take_in(self, until: Moment) -> list[Moment]:
        """Count the minutes that have begun before then, and say when: the first one, and each that was needed."""
        needed = max(1, math.ceil(until.since(self.began) / MINUTE))
        begun = [self.began.after(minute * MINUTE) for minute in range(self.minutes, needed)]
        self.minutes = max(self.minutes, needed)
        return begun


@dataclass(slots=True)
class Meter:
    """What has gone out over one line."""

    dialled: deque[float] = field(default_factory=deque)
    """Monotonic seconds of the last hour's calls."""
    day: str = ""
    minutes: int = 0
    cost: float = 0.0
    promised: dict[LegId, float] = field(default_factory=dict)
    """The first minutes of calls that nobody has answered yet, at their prices."""


class Tolls:
    """The meters of all lines."""

    def __init__(self, zone: tzinfo) -> None:
        """A day begins at midnight in `zone`."""
        self.zone = zone
        self._meters: dict[LineId, Meter] = {}

    # ---- may it?

    def refusal(self, line: LineOptions, per_minute: float, now: Moment) -> str:
        """Why the line takes no call out at this price, in plain words; empty when it does."""
        caps = line.caps
        if caps.calls_per_hour and self.calls_this_hour(line.name, now) >= caps.calls_per_hour:
            return f"{line.name} has made its {caps.calls_per_hour} calls of this hour"
        return self._minute_refused(line, per_minute, now)

    def capped(self, line: LineOptions, now: Moment) -> str:
        """Why the line takes no calls out that cost anything, in plain words; empty when it does."""
        priced = [entry.per_minute for entry in line.caps.prices if entry.per_minute > 0]
        return self.refusal(line, min(priced, default=0.0), now)

    def may_go_on(self, line: LineOptions, charged: Charged, now: Moment) -> str:
        """Why this talk cannot have another minute, in plain words; empty when it can."""
        longest = line.caps.longest_minutes
        if longest and charged.minutes >= longest:
            return f"{line.name} carries no call for more than {longest} minutes"
        return self._minute_refused(line, charged.per_minute, now)

    def _minute_refused(self, line: LineOptions, per_minute: float, now: Moment) -> str:
        caps, meter = line.caps, self._today(line.name, now)
        if caps.minutes_per_day and meter.minutes + len(meter.promised) >= caps.minutes_per_day:
            return f"{line.name} has used its {caps.minutes_per_day} minutes of today"
        cost = meter.cost + sum(meter.promised.values()) + per_minute
        if caps.cost_per_day and per_minute > 0 and cost > caps.cost_per_day + A_LITTLE:
            return f"{line.name} has spent its {caps.cost_per_day:g} of today"
        return ""

    # ---- counting

    def dialled(self, line: LineId, leg: LegId, per_minute: float, now: Moment) -> None:
        """A call goes out; its first minute is kept for it until it is answered or over."""
        meter = self._today(line, now)
        meter.dialled.append(now.mono)
        meter.promised[leg] = per_minute

    def answered(self, line: LineId, leg: LegId, now: Moment) -> Charged | None:
        """What was dialled so is answered, and its first minute begins; None when it costs nobody's money (an emergency)."""
        per_minute = self._today(line, now).promised.pop(leg, None)
        if per_minute is None:
            return None
        charged = Charged(line, per_minute, now)
        self.another_minute(charged, now)
        return charged

    def over(self, line: LineId, leg: LegId) -> None:
        """That leg is gone; no harm when nothing was kept for it."""
        if line in self._meters:
            self._meters[line].promised.pop(leg, None)

    def another_minute(self, charged: Charged, now: Moment) -> None:
        """A minute begins."""
        charged.minutes += 1
        meter = self._today(charged.line, now)
        meter.minutes += 1
        meter.cost += charged.per_minute

    def catch_up(self, charged: Charged, until: Moment, now: Moment) -> None:
        """Count what has begun before `until` while nobody did; what was not today is past."""
        today = self._day(now)
        for at in charged.take_in(until):
            if self._day(at) == today:
                meter = self._today(charged.line, now)
                meter.minutes += 1
                meter.cost += charged.per_minute

    def calls_this_hour(self, line: LineId, now: Moment) -> int:
        """How many went out within the last sixty minutes, answered or not."""
        dialled = self._today(line, now).dialled
        while dialled and dialled[0] <= now.mono - HOUR:
            dialled.popleft()
        return len(dialled)

    def spent_today(self, line: LineId, now: Moment) -> float:
        """By the line's prices."""
        return self._today(line, now).cost

    # ---- over a restart

    def carried(self, now: Moment) -> list[LineSpent]:
        """What recreates the meters in a new journal, behind the facts of the calls that go on."""
        return [
            LineSpent(now, line, meter.day, meter.minutes, meter.cost, tuple(now.mono - at for at in meter.dialled))
            for line, meter in self._meters.items()
        ]

    def restore(self, fact: LineSpent, now: Moment) -> None:
        """Take up a meter as it was; what was counted for the line before is in it."""
        ago = now.since(fact.at)
        dialled = deque(now.mono - ago - age for age in fact.ages)
        self._meters[fact.line] = Meter(dialled, fact.day, fact.minutes, fact.cost)

    def dialled_then(self, line: LineId, at: Moment, now: Moment) -> None:
        """A call went out before a restart."""
        self._today(line, now).dialled.append(now.mono - now.since(at))

    def _today(self, line: LineId, now: Moment) -> Meter:
        meter, day = self._meters.setdefault(line, Meter()), self._day(now)
        if meter.day != day:
            meter.day, meter.minutes, meter.cost = day, 0, 0.0
        return meter

    def _day(self, at: Moment) -> str:
        return local(at.utc, self.zone).date().isoformat()
