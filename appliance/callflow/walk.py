"""One caller's way through the flow.

The walk keeps the flow it began with: an owner who changes a menu changes it for the next caller. It is the code that
answers calls and the code that answers "what would I hear on Sunday at six?".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol, TypeVar

from appliance.callflow.hours import is_open
from appliance.callflow.settings import HANG_UP, Announcement, Choice, FlowSettings, Menu, Place, Texts
from appliance.calls.moment import Moment
from appliance.calls.names import Extension
from appliance.calls.prompt import Phrase, Prompt, Say


@dataclass(frozen=True, slots=True)
class Reached:
    """The caller is at this place now."""

    place: Place
    words: str = ""


@dataclass(frozen=True, slots=True)
class Speak:
    """Let them hear this, then call `spoken`."""

    prompts: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop speaking: they have chosen."""


@dataclass(frozen=True, slots=True)
class Chose:
    """They pressed a key the menu listens for."""

    key: str
    place: Place


@dataclass(frozen=True, slots=True)
class ToQueue:
    """The walk is over: let them wait here."""

    queue: str


@dataclass(frozen=True, slots=True)
class ToPhone:
    """The walk is over: ring this person."""

    extension: Extension


@dataclass(frozen=True, slots=True)
class Over:
    """The walk is over: hang up."""


Step = Reached | Speak | Hush | Chose | ToQueue | ToPhone | Over

MOST_PLACES = 50
"""A caller led through more places than this without a key or a word to hear is in a circle: hang up."""


class Walk:
    """Where one caller is. After `ToQueue`, `ToPhone` or `Over` the walk says nothing more."""

    def __init__(self, flow: FlowSettings, language: str, fallback: str, zone: tzinfo) -> None:
        """`fallback` is the language of texts that do not exist in `language`."""
        self._flow = flow
        self._language = language
        self._fallback = fallback
        self._zone = zone
        self._here: Menu | Announcement | None = None
        self._tries_left = 0
        self._deadline: float | None = None
        self._places = 0

    def start(self, place: Place, now: Moment) -> list[Step]:
        """Enter the flow at `place`."""
        self._places = 0
        return self._go(place, "", now)

    def key(self, key: str, now: Moment) -> list[Step]:
        """The caller pressed a key; outside a menu it means nothing."""
        here = self._here
        if not isinstance(here, Menu):
            return []
        self._deadline = None
        self._places = 0
        choice = _chosen(here, key)
        if choice is None:
            return [Hush(), *self._again("wrong_key", now)]
        return [Hush(), Chose(key, _place_of(here)), *self._go(choice.to, choice.title, now)]

    def spoken(self, now: Moment) -> list[Step]:
        """What `Speak` asked for has been heard to its end."""
        match self._here:
            case Menu(seconds=seconds):
                self._deadline = now.mono + seconds
                return []
            case Announcement(then=then):
                return self._go(then, "", now)
            case None:
                return []

    def next_deadline(self) -> float | None:
        """When `tick` is wanted, on the monotonic clock."""
        return self._deadline

    def tick(self, now: Moment) -> list[Step]:
        """A caller who presses nothing is asked again, and led on when they never answer."""
        if self._deadline is None or now.mono < self._deadline:
            return []
        self._deadline = None
        return self._again("no_key", now)

    def _go(self, place: Place, words: str, now: Moment) -> list[Step]:
        self._here, self._deadline = None, None
        self._places += 1
        if self._places > MOST_PLACES:
            return [Reached(HANG_UP, "the flow runs in a circle"), Over()]
        kind, _, name = place.partition(" ")
        reached = Reached(place, words)
        match kind:
            case "queue":
                return [reached, ToQueue(name)]
            case "phone":
                return [reached, ToPhone(Extension(name))]
            case "menu" if menu := _named(self._flow.menus, name):
                return [reached, *self._enter_menu(menu)]
            case "say" if announcement := _named(self._flow.announcements, name):
                self._here = announcement
                return [reached, Speak((self._say(announcement.texts),))]
            case "hours" if hours := _named(self._flow.hours, name):
                open_now = is_open(hours, now.utc, self._zone)
                fork = self._go(hours.open if open_now else hours.closed, "open" if open_now else "closed", now)
                return [reached, *fork]
            case _:
                return [reached, Over()]

    def _enter_menu(self, menu: Menu) -> list[Step]:
        self._here = menu
        self._tries_left = menu.tries
        return [Speak((self._say(menu.texts),))]

    def _again(self, phrase: str, now: Moment) -> list[Step]:
        assert isinstance(self._here, Menu)
        self._tries_left -= 1
        if self._tries_left <= 0:
            return self._go(self._here.then, "no choice made", now)
        return [Speak((Phrase(phrase, self._language), self._say(self._here.texts)))]

    def _say(self, texts: Texts) -> Say:
        for language in (self._language, self._fallback, *texts):
            if texts.get(language):
                return Say(texts[language], language)
        return Say("", self._language)


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


NamedT = TypeVar("NamedT", bound=_HasName)


def _named(items: tuple[NamedT, ...], name: str) -> NamedT | None:
    return next((item for item in items if item.name == name), None)


def _chosen(menu: Menu, key: str) -> Choice | None:
    return next((choice for choice in menu.choices if choice.key == key), None)


def _place_of(menu: Menu) -> Place:
    return f"menu {menu.name}"
