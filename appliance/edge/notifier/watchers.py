"""All subscriptions there are: found by dialog, by who watches, by what is watched, and by where they are sent."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TypeVar

from appliance.edge.flows import Flow
from appliance.edge.notifier.packages import Package
from appliance.edge.notifier.subscription import Subscription

MOST = 4096
MOST_OF_ONE = 256
"""Subscriptions in all, and of one extension; two telephones with full key extensions each stay below."""

HashableT = TypeVar("HashableT", bound=Hashable)
Watched = tuple[bytes, bool]
"""Whom, and whether their messages."""


class Watchers:
    """The table. Every subscription in it stands under its present flow."""

    def __init__(self) -> None:
        self._by_name: dict[bytes, Subscription] = {}
        self._by_watcher: dict[bytes, dict[bytes, Subscription]] = {}
        self._by_watched: dict[Watched, dict[bytes, Subscription]] = {}
        self._by_flow: dict[Flow, dict[bytes, Subscription]] = {}

    def __iter__(self) -> Iterator[Subscription]:
        return iter(list(self._by_name.values()))

    def __len__(self) -> int:
        return len(self._by_name)

    def find(self, name: bytes) -> Subscription | None:
        """The subscription with this tag of ours."""
        return self._by_name.get(name)

    def of(self, watcher: bytes) -> list[Subscription]:
        """All of this extension's."""
        return list(self._by_watcher.get(watcher, {}).values())

    def watching(self, watched: bytes, *, messages: bool) -> list[Subscription]:
        """All who are to hear about this."""
        return list(self._by_watched.get((watched, messages), {}).values())

    def at(self, flow: Flow) -> list[Subscription]:
        """All that are sent there."""
        return list(self._by_flow.get(flow, {}).values())

    def room_for(self, new: Subscription) -> bool:
        """Is there room for one more, or can one be made? A telephone that started again has forgotten what it watched,
        and asks anew: then its older subscription to the same goes.
        """
        mine = self._by_watcher.get(new.watcher, {})
        if len(mine) < MOST_OF_ONE and len(self._by_name) < MOST:
            return True
        for old in mine.values():
            if (old.device, old.watched, old.event) == (new.device, new.watched, new.event):
                self.remove(old)
                return True
        return False

    def add(self, new: Subscription) -> None:
        """One more."""
        self._by_name[new.ours] = new
        self._by_watcher.setdefault(new.watcher, {})[new.ours] = new
        self._by_watched.setdefault(_watched(new), {})[new.ours] = new
        self._by_flow.setdefault(new.flow, {})[new.ours] = new

    def remove(self, old: Subscription) -> None:
        """One less; no harm when it is not there."""
        if self._by_name.pop(old.ours, None) is not None:
            _leave(self._by_watcher, old.watcher, old.ours)
            _leave(self._by_watched, _watched(old), old.ours)
            _leave(self._by_flow, old.flow, old.ours)

    def move(self, one: Subscription, flow: Flow) -> None:
        """It is sent there from now on."""
        if one.flow != flow:
            _leave(self._by_flow, one.flow, one.ours)
            one.flow = flow
            self._by_flow.setdefault(flow, {})[one.ours] = one


def _watched(one: Subscription) -> Watched:
    return one.watched, one.package is Package.MESSAGES


def _leave(table: dict[HashableT, dict[bytes, Subscription]], place: HashableT, name: bytes) -> None:
    subscriptions = table[place]
    del subscriptions[name]
    if not subscriptions:
        del table[place]
