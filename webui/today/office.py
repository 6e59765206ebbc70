"""The live page in pieces, each rendered once per change for everybody who sees the same."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from flask import render_template

from appliance.calls.names import Direction, Extension
from appliance.switchboard.views import Live, LiveCall
from webui.desk import News
from webui.language import language
from webui.logins import OWNER, me
from webui.saying import settings
from webui.today.forms import REASONS

PAGES = {
    "today": ("banner", "headline", "calls", "callbacks", "operators", "queues", "lines", "marks"),
    "tasks": ("banner", "tasks", "marks"),
    "lines": ("plates", "marks"),
}
"""The pieces of each page that is live; each is a template `today/_NAME.html` and an element `piece-NAME`."""

OF_THE_OWNER = frozenset({"lines"})
"""Pages that operators do not see."""

_ELSEWHERE = {"plates": "lines/_plates.html"}
"""Pieces whose template stands in another room."""

_ORDER = {"waiting": 0, "offered": 0, "ringing": 1, "in menu": 2, "dialling": 3, "on hold": 4, "talking": 5}

Viewer = tuple[str, bool, Extension]
"""Language, whether it is the owner, and the viewer's own extension: who is equal in these sees the same."""


@dataclass
class Office:
    """Pieces of the latest news, for each kind of viewer."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _number: int = -1
    _pieces: dict[tuple[Viewer, str], str] = field(default_factory=dict)

    def pieces(self, news: News, page: str) -> dict[str, str]:
        """Name and HTML of each piece of `page` for whoever asks."""
        viewer = (language(), me().role == OWNER, me().extension)
        with self._lock:
            if self._number != news.number:
                self._number = news.number
                self._pieces.clear()
            return {name: self._piece(viewer, name, news) for name in PAGES[page]}

    def _piece(self, viewer: Viewer, name: str, news: News) -> str:
        found = self._pieces.get((viewer, name))
        if found is None:
            _, whole, extension = viewer
            office = news.live or Live(0.0, "")
            seen = calls_in_order(office, None if whole else extension)
            found = render_template(
                _ELSEWHERE.get(name, f"today/_{name}.html"),
                office=office,
                calls_now=seen,
                here=news.here,
                reasons=REASONS,
                firm=settings,
            )
            self._pieces[viewer, name] = found
        return found


def calls_in_order(live: Live, only: Extension | None) -> list[LiveCall]:
    """Who waits longest comes first, talks come last. An operator sees who waits, and their own calls."""
    seen = [call for call in live.calls if only is None or only in call.operators or _is_anybodys(call)]
    return sorted(seen, key=lambda call: (_ORDER.get(call.stage, 3), call.since))


def _is_anybodys(call: LiveCall) -> bool:
    """A caller from outside whom nobody has answered yet."""
    return call.direction is Direction.IN and call.stage not in {"talking", "on hold"}
