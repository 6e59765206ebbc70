"""The three languages of the page: a typed skin over flask-babel."""

from __future__ import annotations

from flask import g, request, session
from flask_babel import get_locale, gettext, ngettext

LANGUAGES = {"en": "English", "ru": "Русский", "sq": "Shqip"}
"""Every language the page and the box speak, in its own words."""

_REGIONS = {"en": "en_GB"}
"""English without a country would write dates as in the United States."""


def _(words: str, **values: object) -> str:
    """`words` in the reader's language, with `%(name)s` replaced."""
    return str(gettext(words, **values))


def many(one: str, other: str, n: int, **values: object) -> str:
    """The form for `n` things; `%(num)s` is the number."""
    return str(ngettext(one, other, n, **values))


def N_(words: str) -> str:  # noqa: N802 -- the name every catalogue tool knows
    """Mark words for the catalogue that are translated later."""
    return words


def language() -> str:
    """Two letters of the reader's language."""
    return str(get_locale() or "en")[:2]


def choose() -> str:
    """What flask-babel asks for each request: chosen here and now, by login, or by the browser."""
    chosen = request.args.get("language", "")
    if chosen not in LANGUAGES:
        chosen = str(session.get("language", ""))
    if chosen not in LANGUAGES:
        me = g.get("me")
        chosen = me.language if me is not None else ""
    if chosen not in LANGUAGES:
        chosen = request.accept_languages.best_match(list(LANGUAGES)) or "en"
    return _REGIONS.get(chosen, chosen)
