"""What somebody should look at: said in plain words on the page, and forgotten when it has been quiet for a while.

A telephone whose password was mistyped tries again and again, with one extension; somebody who guesses tries several. The
first is told as what it is, with what to do about it, and is over as soon as the telephone is in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import tzinfo

from appliance.callflow.hours import local
from appliance.calls import facts
from appliance.calls.edge import Ban, Reach, Reached, Refusal
from appliance.calls.events import LineState
from appliance.calls.facts import Fact
from appliance.calls.moment import Moment
from appliance.calls.names import Extension
from appliance.switchboard.views import LiveLine

TYPING_ERRORS = 5
"""Wrong passwords that are more than a slip of the finger."""
EXTENSIONS = 3
"""Tried from one address, they are guesses."""
FORBIDDEN = 3
"""Calls that were not let out, of one person, within the time remembered."""
REMEMBERED_SECONDS = 3600.0
DOWN_SECONDS = 60.0
"""A provider that is back sooner is not worth a word."""
MOST_ADDRESSES = 200
MOST_NAMES = 32
MOST_TOLD = 5
"""Of one kind."""
WRONG = {Refusal.WRONG_PASSWORD, Refusal.UNKNOWN_USER, Refusal.MISTYPED, Refusal.BANNED}


@dataclass(slots=True)
class _Tries:
    """Wrong passwords from one address."""

    last: Moment
    times: int = 0
    guessing: bool = False
    names: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    """Those of the names nobody has."""


class Alarms:
    """Follows what goes on record, and what the front door says of bans."""

    def __init__(self) -> None:
        self._tries: dict[str, _Tries] = {}
        self._forbidden: dict[Extension, deque[facts.CallForbidden]] = {}
        self._bans: tuple[Ban, ...] = ()

    def take(self, fact: Fact) -> None:
        """Something goes on record, or went on record before a restart."""
        match fact:
            case facts.PhoneRefused():
                self._refused(fact)
            case facts.CallForbidden(extension=extension):
                self._forbidden.setdefault(extension, deque(maxlen=50)).append(fact)
            case _:
                pass

    def bans_are(self, bans: tuple[Ban, ...]) -> None:
        """Who is not heard now."""
        self._bans = bans

    def registered(self, extension: Extension, addresses: Iterable[str]) -> None:
        """A telephone has come in: its password is right now. Addresses as in `Device`."""
        for address in map(_host, addresses):
            if (tries := self._tries.get(address)) is not None:
                tries.names.pop(extension, None)

    def forgive(self, address: str) -> None:
        """Somebody knows who that is."""
        self._tries.pop(address, None)

    def words(self, now: Moment, zone: tzinfo) -> tuple[str, ...]:
        """What is worth looking at now."""
        self._forget(now)
        silenced = {ban.source: ban for ban in self._bans if not ban.extension}
        guesses = [
            f"Somebody at {address} was guessing telephone passwords and is not heard until {_time(ban.until, now, zone)}."
            for address, ban in silenced.items()
        ]
        others = {address: tries for address, tries in self._tries.items() if address not in silenced}
        guesses += [
            f"Somebody at {address} is guessing telephone passwords ({tries.times} times)."
            for address, tries in others.items()
            if tries.guessing
        ]
        mistyped = [words for address, tries in others.items() for words in _mistyped(address, tries)]
        return (
            *_some(guesses, "more addresses are guessing telephone passwords."),
            *_some(mistyped, "more telephones have a wrong password."),
            *self._not_let_out(),
        )

    def _refused(self, fact: facts.PhoneRefused) -> None:
        try:
            refusal = Refusal(fact.refusal)
        except ValueError:  # of a version that knows more reasons
            return
        if refusal not in WRONG | {Refusal.GUESSING}:
            return
        address, (_, names_one, name) = _host(fact.source), fact.detail.rpartition("extension ")
        tries = self._tries.pop(address, None) or _Tries(fact.at)
        tries.last = fact.at
        tries.times += fact.times
        if names_one:
            # The front door has counted them, and tells seconds later how many there were.
            times = TYPING_ERRORS if refusal is Refusal.MISTYPED else fact.times
            self._tried_as(tries, name, times, unknown=refusal is Refusal.UNKNOWN_USER)
        else:  # for so many that the front door has stopped naming them
            tries.guessing |= refusal is not Refusal.BANNED
        self._tries[address] = tries  # the newest last
        if len(self._tries) > MOST_ADDRESSES:
            del self._tries[next(iter(self._tries))]

    def _tried_as(self, tries: _Tries, name: str, times: int, *, unknown: bool) -> None:
        if name in tries.names or len(tries.names) < MOST_NAMES:
            tries.names[name] = tries.names.get(name, 0) + times
            if unknown:
                tries.unknown.add(name)
        tries.guessing |= len(tries.names) >= EXTENSIONS

    def _not_let_out(self) -> Iterable[str]:
        for extension, calls in self._forbidden.items():
            if len(calls) >= FORBIDDEN:
                last = calls[-1]
                yield (
                    f"Extension {extension} was not let out {len(calls)} times within an hour, last to {last.number}: {last.why}."
                )

    def _forget(self, now: Moment) -> None:
        for address, tries in list(self._tries.items()):
            if now.since(tries.last) > REMEMBERED_SECONDS or not (tries.names or tries.guessing):
                del self._tries[address]
        for extension, calls in list(self._forbidden.items()):
            while calls and now.since(calls[0].at) > REMEMBERED_SECONDS:
                calls.popleft()
            if not calls:
                del self._forbidden[extension]


def _some(words: list[str], more: str) -> Iterable[str]:
    """The newest, and how many there are besides: a swarm must not hide what else is wrong."""
    yield from words[-MOST_TOLD:]
    if len(words) > MOST_TOLD:
        yield f"{len(words) - MOST_TOLD} {more}"


def _mistyped(address: str, tries: _Tries) -> Iterable[str]:
    if tries.guessing:
        return
    for name, times in tries.names.items():
        if times < TYPING_ERRORS:
            continue
        if name in tries.unknown:
            yield f"A telephone at {address} wants to sign on as {name}, which nobody here has."
        else:
            yield (
                f"A telephone at {address} has a wrong password for extension {name}: "
                "type it in anew there, or make a new one."
            )


def line_alarms(lines: Iterable[LiveLine], now: Moment, zone: tzinfo) -> Iterable[str]:
    """What is wrong with these lines, which are providers."""
    for line in lines:
        if line.state == LineState.DOWN and now.utc - line.since > DOWN_SECONDS:
            yield f"The line {line.name} has been down since {_time(line.since, now, zone)}: {line.words}."


def cap_alarms(lines: Iterable[LiveLine]) -> Iterable[str]:
    """Which lines take no more calls out, because they would cost too much."""
    for line in lines:
        if line.capped:
            yield f"The line {line.name} takes no more calls out for now: {line.capped}."


def reach_alarm(reached: Reached) -> Iterable[str]:
    """Telephones outside the firm are wanted, and cannot come in."""
    if reached.reach is Reach.BAD:
        yield f"Telephones outside the firm do not reach the box: {reached.words}"


def _host(source: str) -> str:
    """`udp 203.0.113.9:5071` and `udp [2001:db8::9]:5071` without what changes from one try to the next."""
    return (source.rpartition(" ")[2].rpartition(":")[0] or source).strip("[]")


def _time(utc: float, now: Moment, zone: tzinfo) -> str:
    """As people say it: without the date when it is today."""
    then = local(utc, zone)
    return f"{then:%H:%M}" if then.date() == local(now.utc, zone).date() else f"{then:%Y-%m-%d %H:%M}"
