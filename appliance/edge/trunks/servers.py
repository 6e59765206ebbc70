"""Which of a provider's servers live. One that does not answer is left alone for a while, and comes back by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from appliance.edge.flows import Flow
from appliance.edge.trunks.location import Server

FIRST = 5.0
SILENT_LONGEST = 60.0
REFUSING_LONGEST = 300.0
"""Seconds a server is left alone: doubling from the first to the longest, give or take a quarter. A silent one is asked
every minute: when the internet is back, a firm wants to be called again.
"""


@dataclass(slots=True)
class Health:
    """What is known of one server."""

    server: Server
    down: bool = False
    again: float = 0.0
    """When it is tried again, if it is down."""
    failures: int = 0
    trouble: str = ""
    """Plain words about the last failure; empty when all is well."""
    refuses: bool = False
    """It answers, but says that it cannot: whether it can again shows only when it is tried."""
    heard: bool = False
    """Has it ever answered?"""
    answers_pings: bool = False
    """Has it ever answered OPTIONS? Some let them fall, and do all the rest."""


class Servers:
    """Those of one provider, the best first."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._all: dict[Flow, Health] = {}

    def __iter__(self) -> Iterator[Health]:
        return iter(self._all.values())

    def put(self, servers: Iterable[Server]) -> None:
        """These are the servers now; what is known of those that stay is kept."""
        self._all = {each.flow: self._all.get(each.flow) or Health(each) for each in servers}

    def get(self, flow: Flow) -> Health | None:
        """That of this address and port."""
        return self._all.get(flow)

    def best(self, without: Iterable[Flow] = ()) -> Server | None:
        """The first that is not left alone."""
        return next((each.server for each in self if not each.down and each.server.flow not in without), None)

    def soonest(self) -> Server | None:
        """The one that is tried again first, when none lives."""
        return min(self, key=lambda each: each.again).server if self._all else None

    def answered(self, flow: Flow) -> bool:
        """It said something: it is not silent. Tells whether that is news."""
        health = self._all.get(flow)
        if health is None:
            return False
        news = not health.heard or (health.down and not health.refuses)
        health.heard = True
        if health.down and not health.refuses:
            health.down, health.failures = False, 0
        if not health.refuses:
            health.trouble = ""
        return news

    def served(self, flow: Flow) -> None:
        """It did what it was asked for: it is well."""
        health = self._all.get(flow)
        if health is not None:
            health.down, health.refuses, health.failures, health.trouble, health.heard = False, False, 0, "", True

    def failed(self, flow: Flow, trouble: str, now: float, *, refuses: bool = False, wait: float = 0.0) -> None:
        """It did not answer, or `refuses`: leave it alone for a while, `wait` seconds at least."""
        health = self._all.get(flow)
        if health is None:
            return
        longest = REFUSING_LONGEST if refuses else SILENT_LONGEST
        pause = min(FIRST * 2.0**health.failures, longest) * self._dice.uniform(0.75, 1.25)
        health.again = now + max(pause, min(wait, longest))
        health.failures = min(health.failures + 1, 10)
        health.down, health.trouble, health.refuses = True, trouble, refuses

    def revived(self, now: float) -> list[Health]:
        """Those whose time to be tried again has come."""
        return [each for each in self if each.down and each.again <= now]

    def next_deadline(self) -> float | None:
        """When one is tried again."""
        return min((each.again for each in self if each.down), default=None)

    def trouble(self) -> str:
        """What is wrong with the one that would be the best, if anything."""
        return next((each.trouble for each in self if each.trouble), "")
