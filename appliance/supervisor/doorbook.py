"""The front door's visitors' book: who is not heard any more, and who was turned away lately. No I/O; time is an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from appliance.calls import facts
from appliance.calls.edge import Ban, Refused
from appliance.calls.facts import Fact
from appliance.calls.moment import Moment
from appliance.switchboard.asks import TurnedAway

KEPT = 200
"""Refusals the page can look back on."""
KEPT_SECONDS = 24 * 3600.0
"""How far back, when a restart is in between."""

Whom = tuple[str, str]
"""The address of a ban, and the extension; none: everything from there."""


class DoorBook:
    """Everything in here is also on record: `restore` takes it up again after a restart."""

    def __init__(self) -> None:
        self.bans: tuple[Ban, ...] = ()
        """As the front door has told them, this time."""
        self._refused: deque[facts.PhoneRefused] = deque(maxlen=KEPT)
        self._banned: dict[Whom, facts.BanChanged] = {}
        self._lifting: dict[Whom, str] = {}
        """Bans somebody wants lifted, and who: the front door has not said yet that they are."""

    def refused(self, refused: Refused, now: Moment) -> facts.PhoneRefused:
        """The front door turned somebody away; what goes on record of it."""
        fact = facts.PhoneRefused(now, refused.refusal.value, refused.source, refused.detail, refused.times)
        self._refused.append(fact)
        return fact

    def bans_are(self, bans: tuple[Ban, ...], now: Moment) -> list[facts.BanChanged]:
        """The front door says who is banned now; what goes on record of the difference."""
        self.bans = bans
        there = {(ban.source, ban.extension): ban for ban in bans}
        changes = [
            facts.BanChanged(now, *whom, ban.why, banned=True)
            for whom, ban in there.items()
            if whom not in self._banned
        ]
        changes += [
            facts.BanChanged(now, *whom, was.why, banned=False, who=self._lifted_by(*whom))
            for whom, was in self._banned.items()
            if whom not in there
        ]
        self._lifting = {whom: who for whom, who in self._lifting.items() if whom in there}
        for change in changes:
            self._take(change)
        return changes

    def lift(self, source: str, extension: str, who: str) -> bool:
        """Somebody wants this ban lifted. False when there is no such ban."""
        whom = (source, extension)
        if whom not in self._banned:
            return False
        self._lifting[whom] = who
        return True

    def unheard(self) -> tuple[Ban, ...]:
        """For the page: who is not heard, without those somebody has just let in again."""
        return tuple(ban for ban in self.bans if not self._lifted_by(ban.source, ban.extension))

    def _lifted_by(self, source: str, extension: str) -> str:
        """Whoever forgives an address forgives all its extensions; nobody, when the time was over."""
        return self._lifting.get((source, extension)) or self._lifting.get((source, ""), "")

    def nobody_lifts(self) -> None:
        """The front door has gone, and the wishes it had not heard with it."""
        self._lifting.clear()

    def turned_away(self) -> tuple[TurnedAway, ...]:
        """For the page, newest first."""
        return tuple(
            TurnedAway(fact.at.utc, fact.refusal, fact.source, fact.detail, fact.times)
            for fact in reversed(self._refused)
        )

    def carried(self, now: Moment) -> list[Fact]:
        """What a new journal has to begin with, so that `restore` finds it."""
        lately = (fact for fact in self._refused if now.utc - fact.at.utc < KEPT_SECONDS)
        return [*lately, *self._banned.values()]

    def restore(self, all_facts: Iterable[Fact]) -> None:
        """Take up where the journal ends."""
        for fact in all_facts:
            match fact:
                case facts.PhoneRefused():
                    self._refused.append(fact)
                case facts.BanChanged():
                    self._take(fact)
                case _:
                    pass

    def _take(self, fact: facts.BanChanged) -> None:
        if fact.banned:
            self._banned[fact.source, fact.extension] = fact
        else:
            self._banned.pop((fact.source, fact.extension), None)
