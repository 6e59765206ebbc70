"""What every template may use: icons, addresses of static files, and how things are said."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, g, url_for
from markupsafe import Markup

from webui import saying
from webui.heard import heard
from webui.house import house
from webui.language import LANGUAGES, language
from webui.logins import OWNER

STATIC = Path(__file__).parent / "static"

_FILTERS: tuple[Callable[..., str], ...] = (
    saying.ago,
    saying.clock_time,
    saying.day,
    saying.day_heading,
    saying.exact_time,
    saying.in_words,
    saying.lasted,
    saying.long_date,
    saying.money,
    saying.person,
    saying.place,
    saying.queue_title,
    saying.somebody,
    saying.telephone,
    saying.weekday,
    saying.upper_first,
    saying.when,
    saying.word,
    heard,
)


def dress(app: Flask) -> None:
    """Give the templates of `app` their words and pictures."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    for each in _FILTERS:
        app.jinja_env.filters[each.__name__] = each
    app.jinja_env.globals.update(icon=icon, file=file_address, languages=LANGUAGES, now=saying.now)
    app.context_processor(_always)


def _always() -> dict[str, Any]:
    me = g.get("me")
    news = house().desk.news(0, 0.0)
    return {
        "me": me,
        "is_owner": me is not None and me.role == OWNER,
        "language": language(),
        "news": news,
        "live": news.live,
        "firm_name": news.live.firm if news.live is not None else "Qendra",
    }


def icon(name: str) -> Markup:
    """A picture that takes the colour of the words around it, and that a screen reader passes over."""
    return Markup('<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{}</svg>').format(_drawing(name))


@cache
def _drawing(name: str) -> Markup:
    """The inside of one icon file. The files come with set-up and are as trusted as the templates."""
    try:
        text = (STATIC / "vendor" / "icons" / f"{name}.svg").read_text("utf-8")
    except OSError:
        return Markup("")
    return Markup(re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", text, flags=re.DOTALL).strip())  # noqa: S704


def file_address(name: str) -> str:
    """The address of a static file, which changes with the file: browsers may keep it for good."""
    return url_for("static", filename=name, v=_version(name))


@cache
def _version(name: str) -> str:
    try:
        return f"{(STATIC / name).stat().st_mtime_ns:x}"
    except OSError:
        return "0"
