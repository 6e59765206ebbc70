"""The way of a call as the owner draws it: named places that lead to one another.

A place is written as people say it: `menu main`, `hours office`, `say closed`, `queue office`, `phone 101`, `hang up`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.calls.names import Extension

Place = str
HANG_UP: Place = "hang up"

Texts = Mapping[str, str]
"""Language code to words. A language that is missing is spoken in the firm's own."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One key of a menu."""

    key: str
    to: Place
    title: str = ""
    """What the key means, for the page and the record."""


@dataclass(frozen=True, slots=True)
class Menu:
    """Words, and keys that lead on."""

    name: str
    texts: Texts
    choices: tuple[Choice, ...]
    extension: Extension = Extension("")
    """Dialled inside the firm; empty when it cannot be."""
    seconds: float = 6.0
    """How long to wait for a key after the words have ended."""
    tries: int = 3
    then: Place = HANG_UP
    """Where a caller goes who has pressed no valid key in all tries."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """Words, and then on."""

    name: str
    texts: Texts
    then: Place = HANG_UP


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """Open from `begins` to `ends` on a weekday; times are local, `HH:MM`; an end of `24:00` is midnight."""

    day: int
    """0 is Monday, 6 is Sunday."""
    begins: str
    ends: str


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """One date with hours of its own; no spans: closed."""

    date: str
    """`2026-11-28`."""
    spans: tuple[tuple[str, str], ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """A fork by opening hours."""

    name: str
    week: tuple[OpenSpan, ...]
    open: Place
    closed: Place
    special: tuple[SpecialDay, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class FlowSettings:
    """Everything callers can be led through."""

    menus: tuple[Menu, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    hours: tuple[Hours, ...] = ()
