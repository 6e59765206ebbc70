"""The desk as the pages know it: it answers asks, and it has news."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from appliance.switchboard import asks
from appliance.switchboard.asks import Answer, Ask, SettingsAre
from appliance.switchboard.settings import Settings
from appliance.switchboard.views import Live


class DeskAway(Exception):
    """The desk does not answer now; its text says so in plain words. Calls that are bridged go on."""


class Refused(Exception):
    """The desk said no. `words` may be shown to people, `about` names the field or place it is about."""

    def __init__(self, words: str, about: str = "") -> None:
        super().__init__(words)
        self.words = words
        self.about = about


@dataclass(frozen=True, slots=True)
class News:
    """What is known of the office at one instant."""

    number: int
    """Grows with every change."""
    here: bool
    """The desk is connected; otherwise `live` is the last it said."""
    live: Live | None
    """None until the desk has spoken for the first time."""


class Desk(Protocol):
    """Whoever carries the page's words to the desk. Its methods may be called from any thread."""

    def ask(self, message: Ask) -> Answer:
        """Send one ask (its `ask` number is given here) and wait for its answer.

        Raises:
            DeskAway: not connected, or no answer in time; whether it was done is then unknown.
        """

    def news(self, after: int, patience: float) -> News:
        """The latest news. Waits up to `patience` seconds for some with a number above `after`."""


AnswerT = TypeVar("AnswerT", bound=Answer)


def ask_for(desk: Desk, message: Ask, kind: type[AnswerT]) -> AnswerT:
    """Ask, and expect an answer of this kind.

    Raises:
        Refused: the desk said no.
        DeskAway: it did not answer, or with something else.
    """
    answer = desk.ask(message)
    if isinstance(answer, asks.No):
        raise Refused(answer.words, answer.about)
    if not isinstance(answer, kind):
        raise DeskAway(f"{type(message).__name__} was answered by {type(answer).__name__}")
    return answer


def do(desk: Desk, message: Ask) -> asks.Done:
    """Ask for something to be done, and safe on disk.

    Raises:
        Refused: the desk said no.
        DeskAway: it did not answer.
    """
    return ask_for(desk, message, asks.Done)


OUTRUN = "version"
"""What a `No` is about when somebody else has changed the settings since they were read."""


def change_settings(desk: Desk, who: str, what: str, edit: Callable[[Settings], Settings]) -> asks.Done:
    """Put `edit(settings in force)` in force; what changes nothing is not kept as a change.

    When somebody else was faster, `edit` is applied to what they left.

    Raises:
        Refused: what comes out contradicts itself; or `edit` itself refused.
        DeskAway: the desk did not answer.
    """
    for patience in (2, 1, 0):
        now = ask_for(desk, asks.SeeSettings(0), SettingsAre)
        wanted = edit(now.settings)
        if wanted == now.settings:
            return asks.Done(0)
        try:
            return do(desk, asks.ChangeSettings(0, who, what, now.version, wanted))
        except Refused as no:
            if no.about != OUTRUN or not patience:
                raise
    raise AssertionError("the last try returns or raises")


class Firm:
    """The settings for pages that only read: a second old at most, or the last known while the desk is away."""

    FRESH = 1.0

    def __init__(self, desk: Desk, clock: Callable[[], float]) -> None:
        self._desk = desk
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[float, SettingsAre] | None = None

    def seen(self) -> SettingsAre:
        """The settings as far as known.

        Raises:
            DeskAway: there never were any.
        """
        now = self._clock()
        with self._lock:
            seen = self._seen
        if seen is not None and 0 <= now - seen[0] < self.FRESH:
            return seen[1]
        try:
            return self.fresh()
        except DeskAway:
            if seen is None:
                raise
            return seen[1]

    def fresh(self) -> SettingsAre:
        """The settings in force at this instant.

        Raises:
            DeskAway: the desk did not answer.
        """
        answer = ask_for(self._desk, asks.SeeSettings(0), SettingsAre)
        with self._lock:
            self._seen = (self._clock(), answer)
        return answer
