"""How often somebody may try a password. Time is an argument."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field


@dataclass
class Limit:
    """At most `times` failures of one kind of somebody within `seconds`."""

    times: int
    seconds: float
    _failures: dict[str, deque[float]] = field(default_factory=dict)

    KEPT = 4096
    """Somebodies remembered; with more, those who failed longest ago are forgotten."""

    def wait(self, who: str, now: float) -> float:
        """Seconds until `who` may try again; 0 when they may now."""
        failures = self._recent(who, now)
        if len(failures) < self.times:
            return 0.0
        return failures[-self.times] + self.seconds - now

    def failed(self, who: str, now: float) -> None:
        """`who` was wrong."""
        failures = self._failures.pop(who, None) or deque(maxlen=self.times)
        failures.append(now)
        self._failures[who] = failures
        if len(self._failures) > self.KEPT:
            del self._failures[next(iter(self._failures))]

    def take_back(self, who: str) -> None:
        """The latest failure of `who` was none."""
        if failures := self._failures.get(who):
            failures.pop()

    def forget(self, who: str) -> None:
        """`who` was right: they start anew."""
        self._failures.pop(who, None)

    def _recent(self, who: str, now: float) -> deque[float]:
        failures = self._failures.get(who, deque())
        while failures and failures[0] + self.seconds <= now:
            failures.popleft()
        if not failures:
            self._failures.pop(who, None)
        return failures


class Limits:
    """Who has to wait before the next password: by name and address together, by address, and by name.

    The last is wide, and does not hold where somebody has logged in by this name: strangers who guess, from however many
    addresses, do not keep the owner out.
    """

    KNOWN = 1024
    """Names with their addresses that have been right; with more, the one that was right longest ago is forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._both = Limit(5, 120.0)
        self._address = Limit(20, 600.0)
        self._name = Limit(60, 600.0)
        self._known: dict[str, None] = {}

    def wait(self, name: str, address: str, now: float) -> float:
        """Seconds until this name may be tried from this address; 0 when it may now."""
        with self._lock:
            return max(limit.wait(who, now) for limit, who in self._each(name, address))

    def attempt(self, name: str, address: str, now: float) -> float:
        """As `wait`; and when they may now, this counts as wrong until `succeeded` says otherwise: a hundred tries sent at
        one time are a hundred tries.
        """
        with self._lock:
            each = self._each(name, address)
            wait = max(limit.wait(who, now) for limit, who in each)
            if not wait:
                for limit, who in each:
                    limit.failed(who, now)
            return wait

    def failed(self, name: str, address: str, now: float) -> None:
        """A wrong password, or a name that does not exist, where no `attempt` has counted it."""
        with self._lock:
            for limit, who in self._each(name, address):
                limit.failed(who, now)

    def succeeded(self, name: str, address: str) -> None:
        """The attempt was right: earlier slips of this person are forgotten, those of the address are not."""
        with self._lock:
            for limit, who in self._each(name, address):
                limit.take_back(who)
            both = _pair(name, address)
            self._both.forget(both)
            self._known.pop(both, None)
            self._known[both] = None
            if len(self._known) > self.KNOWN:
                del self._known[next(iter(self._known))]

    def _each(self, name: str, address: str) -> tuple[tuple[Limit, str], ...]:
        """Without a name, it is the address alone that counts: nobody else waits for its slips."""
        each: list[tuple[Limit, str]] = [(self._address, address)]
        if name:
            both = _pair(name, address)
            each.append((self._both, both))
            if both not in self._known:
                each.append((self._name, name.casefold()))
        return tuple(each)


def _pair(name: str, address: str) -> str:
    return f"{name.casefold()} {address}"
