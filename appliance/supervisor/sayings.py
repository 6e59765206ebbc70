"""Everything the box may have to say with these settings, so that it can be made into sound beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from appliance.calls.prompt import Music, Phrase, Prompt, Say
from appliance.switchboard.settings import Settings

PHRASES = ("please_wait", "wrong_key", "no_key", "not_available")
"""The sentences of the house that the switchboard and the call flow use."""


def everything_said(settings: Settings) -> tuple[Prompt, ...]:
    """Texts of menus and announcements, the house's sentences in the languages in use, and the music."""
    languages = {settings.language, *(line.language for line in settings.lines)}
    languages |= {person.language for person in settings.people}
    phrases = (Phrase(name, language) for language in sorted(languages - {""}) for name in PHRASES)
    return (*_texts(settings), *phrases, Music())


def _texts(settings: Settings) -> Iterator[Say]:
    for menu in settings.flow.menus:
        yield from _said(menu.texts)
    for announcement in settings.flow.announcements:
        yield from _said(announcement.texts)


def _said(texts: Mapping[str, str]) -> Iterator[Say]:
    for language, text in texts.items():
        if text.strip():
            yield Say(text, language)
