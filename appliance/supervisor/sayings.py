"""Everything the box may have to say with these settings, so that it can be made into sound beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from appliance.calls.prompt import Say
from appliance.switchboard.settings import Settings


def languages_in_use(settings: Settings) -> tuple[str, ...]:
    """What callers and our own people may be spoken to in, the firm's language first."""
    others = (*(line.language for line in settings.lines), *(person.language for person in settings.people))
    return tuple(dict.fromkeys((settings.language, *filter(None, others))))


def texts(settings: Settings) -> Iterator[Say]:
    """The owner's own words, in menus and announcements."""
    for menu in settings.flow.menus:
        yield from _said(menu.texts)
    for announcement in settings.flow.announcements:
        yield from _said(announcement.texts)


def _said(by_language: Mapping[str, str]) -> Iterator[Say]:
    for language, text in by_language.items():
        if text.strip():
            yield Say(text, language)
