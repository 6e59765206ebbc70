"""Who has mistyped a password, who guesses passwords, and who therefore is not heard for a while.

The rule, in plain words. Counted is only a wrong password for a challenge that we gave to that very address, so nobody
can have somebody else silenced by forging an address. Then:

* One or two extensions tried again and again from one address are telephones with a mistyped password. After ten tries
  within ten minutes that extension is slowed at that address for an hour: one try a minute is weighed, the others hear
  nothing. Whoever corrects the password on the telephone is in within a minute. Every other telephone at that address,
  and the same extension at every other address, is served as ever.
* Ten wrong passwords within ten minutes for three extensions or more are somebody who guesses. The whole address is
  not heard for an hour.
* But an address of the firm's own network, of a provider, or one where a telephone is registered (a shop behind one
  router) is never silenced whole: there each extension that was tried is slowed, and each that is tried wrongly
  after that at once.
* The right password, a new password from the owner, and the owner's lifting it each end it at once.

Names that nobody has are treated exactly as extensions are. Were they silenced sooner, the silence would tell a
guesser which extensions there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.calls.edge import Refusal
from appliance.edge import grammar
from appliance.edge.flows import is_local, origin

MOST_HOSTS = 4096
"""Addresses whose failures are remembered."""
MOST_NAMES = 64
"""Names per address of which failures are remembered."""
MOST = 512
"""Bans in all, and of one address, so that one who tries ever new names pushes out nobody's but their own."""
MOST_OF_ONE = 16
NAMELESS = "(no name)"


@dataclass(frozen=True, slots=True)
class Rules:
    """When it is enough."""

    failures: int = 10
    window: float = 600.0
    """So many wrong passwords within so many seconds."""
    names: int = 3
    """For so many extensions they are guesses; for fewer, typing errors."""
    ban: float = 3600.0
    """Seconds unheard, or slowed."""
    slow: float = 60.0
    """Seconds between two tries that are weighed while an extension is slowed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One ban. Without a `name` nothing is heard from the address."""

    host: str
    """An address, or the /64 of one (`origin`)."""
    name: str
    until: float
    """Monotonic seconds."""
    why: str


class Bans:
    """Counts failures, and knows who is not heard. All tables are bounded."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._tries: dict[str, dict[str, list[float]]] = {}
        """What failed lately: by address, by name, the seconds."""
        self._bans: dict[tuple[str, str], Standing] = {}
        self._weighs_at: dict[tuple[str, str], float] = {}
        """When the next try of a slowed extension is weighed."""
        self.revision = 0
        """Grows with every change of what stands."""

    def silenced(self, host: str) -> bool:
        """Is nothing heard from this address?"""
        return bool(self._bans) and (origin(host), "") in self._bans

    def weighs(self, host: str, user: bytes, now: float) -> bool:
        """May this user's proof from this address be weighed? While slowed, the one that may takes the minute's place."""
        if not self._weighs_at:
            return True
        key = (origin(host), _named(user))
        at = self._weighs_at.get(key)
        if at is None:
            return True
        if now < at:
            return False
        self._weighs_at[key] = now + self._rules.slow
        return True

    def failed(self, host: str, user: bytes, now: float, *, spared: bool) -> Refusal | None:
        """A genuine failure. `spared`: a telephone is registered at this address, or it is a provider's.

        Returns:
            What it has shown the one at the address to be: GUESSING or MISTYPED, once it is enough; it is not heard from then on.
        """
        spared = spared or is_local(host)
        host, name = origin(host), _named(user)
        names = self._remembered(host, name, now)
        if sum(map(len, names.values())) >= self._rules.failures and len(names) >= self._rules.names:
            if spared:
                for each in list(names)[-MOST_OF_ONE:]:
                    self._ban(host, each, now, "several extensions were tried with wrong passwords from there")
            else:
                self._ban(host, "", now, "wrong passwords for several extensions")
                del self._tries[host]
            return Refusal.GUESSING
        if len(names[name]) >= self._rules.failures and (host, name) not in self._bans:
            self._ban(host, name, now, f"{len(names[name])} wrong passwords for extension {name}")
            return Refusal.MISTYPED
        return None

    def proved(self, host: str, user: bytes) -> None:
        """The right password came: that extension is forgiven there."""
        if self._tries or self._bans:
            self._forgive(origin(host), _named(user))

    def renewed(self, extensions: Iterable[bytes]) -> None:
        """The owner gave these a new password: they are forgiven wherever they were tried."""
        wanted = set(map(_named, extensions))
        for host, name in [key for key in self._bans if key[1] in wanted]:
            self._forgive(host, name)
        for tries in self._tries.values():
            for name in wanted & tries.keys():
                del tries[name]

    def lift(self, host: str, name: str) -> None:
        """The owner knows who that is. Without a name everything at that address is forgiven."""
        if name:
            self._forgive(host, name)
            return
        self._tries.pop(host, None)
        for key in [key for key in self._bans if key[0] == host]:
            self._end(key)

    def standing(self) -> list[Standing]:
        """All there are, the newest last."""
        return list(self._bans.values())

    def restore(self, kept: Iterable[Standing], now: float) -> None:
        """What stood in an earlier life."""
        for each in kept:
            if each.until > now:
                self._put(each, now)

    def next_deadline(self) -> float | None:
        """When the next ban is over."""
        return min((each.until for each in self._bans.values()), default=None)

    def tick(self, now: float) -> None:
        """End what is over."""
        for key in [key for key, each in self._bans.items() if each.until <= now]:
            self._end(key)

    def _remembered(self, host: str, name: str, now: float) -> dict[str, list[float]]:
        """What failed at the address within the window, this failure with it."""
        since = now - self._rules.window
        recent = {each: [when for when in times if when > since] for each, times in self._tries.pop(host, {}).items()}
        mine = recent.pop(name, [])
        names = {each: times for each, times in recent.items() if times}
        if len(names) >= MOST_NAMES:
            del names[next(iter(names))]
        names[name] = [*mine, now][-self._rules.failures :]
        if len(self._tries) >= MOST_HOSTS:
            del self._tries[next(iter(self._tries))]
        self._tries[host] = names
        return names

    def _forgive(self, host: str, name: str) -> None:
        self._tries.get(host, {}).pop(name, None)
        if (host, name) in self._bans:
            self._end((host, name))

    def _ban(self, host: str, name: str, now: float, why: str) -> None:
        if (host, name) not in self._bans:
            self._put(Standing(host, name, now + self._rules.ban, why), now)

    def _put(self, ban: Standing, now: float) -> None:
        own = [key for key in self._bans if key[0] == ban.host]
        if len(own) >= MOST_OF_ONE:
            self._end(own[0])
        if len(self._bans) >= MOST:
            self._end(next(iter(self._bans)))
        self._bans[ban.host, ban.name] = ban
        if ban.name:
            self._weighs_at[ban.host, ban.name] = now + self._rules.slow
        self.revision += 1

    def _end(self, key: tuple[str, str]) -> None:
        del self._bans[key]
        self._weighs_at.pop(key, None)
        self.revision += 1


def _named(user: bytes) -> str:
    """The name as the owner sees it; one that is empty must not stand for the whole address."""
    return grammar.printable(user, 20) or NAMELESS
