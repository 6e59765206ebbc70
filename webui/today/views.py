"""The page of today, and its stream of changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, abort, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.calls.names import Extension
from appliance.switchboard import asks
from webui.answers import done, inside, refused
from webui.desk import DeskAway, News, Refused, do
from webui.house import House, house
from webui.language import _
from webui.logins import is_owner, me
from webui.saying import person
from webui.today.forms import read_wish
from webui.today.office import OF_THE_OWNER, PAGES
from webui.today.way_out import way_out

today = Blueprint("today", __name__, template_folder="templates")
today.add_app_template_filter(way_out)

LONGEST_STREAM = 600.0
"""Seconds after which a stream ends; the browser opens the next by itself."""


@today.get("/", endpoint="today")
def today_page() -> str:
    """The office now."""
    pieces = house().office.pieces(house().desk.news(0, 0.0), "today")
    return render_template("today/today.html", pieces=pieces, page="today")


@today.get("/today/look")
def look() -> dict[str, object]:
    """All pieces as they are now, for a browser that gets no stream."""
    news = house().desk.news(0, 0.0)
    return _as_json(news, house().office.pieces(news, _page()))


@today.get("/today/stream")
def stream() -> BaseResponse:
    """Pieces as they change, as server-sent events. 503 when enough streams are open."""
    page = _page()
    if not house().streams.acquire(blocking=False):
        return Response(_("Too many pages are open."), 503)
    changes = Response(stream_with_context(_changes(house(), page)), mimetype="text/event-stream")
    changes.headers["Cache-Control"] = "no-store"
    changes.headers["X-Accel-Buffering"] = "no"
    changes.call_on_close(house().streams.release)
    return changes


def _changes(home: House, page: str) -> Iterator[str]:
    """Each change of a piece once; a comment as a sign of life; an end when the login has ended, or the browser left."""
    has_left: Callable[[], bool] = request.environ.get("waitress.client_disconnected", lambda: False)
    began = spoke = home.config.clock()
    sent: dict[str, str] = {}
    number = -1
    yield "retry: 3000\n\n"
    while home.config.clock() - began < LONGEST_STREAM and not has_left():
        news = home.desk.news(number, home.config.glance)
        changed: dict[str, str] = {}
        if news.number != number:
            number = news.number
            changed = {name: html for name, html in home.office.pieces(news, page).items() if sent.get(name) != html}
            sent |= changed
        if changed:
            yield f"event: office\ndata: {json.dumps(_as_json(news, changed))}\n\n"
            spoke = home.config.clock()
        elif home.config.clock() - spoke >= home.config.heartbeat:
            yield ": here\n\n"
            spoke = home.config.clock()
        if not _still_logged_in(home):
            yield "event: over\ndata: {}\n\n"
            return
        home.config.rest(home.config.pace)


def _as_json(news: News, pieces: dict[str, str]) -> dict[str, object]:
    return {"now": house().config.clock(), "here": news.here, "pieces": pieces}


def _page() -> str:
    page = request.args.get("page", "today")
    if page not in PAGES:
        abort(404)
    if page in OF_THE_OWNER and not is_owner():
        abort(403)
    return page


def _still_logged_in(home: House) -> bool:
    try:
        return home.logins.of_session() is not None
    except DeskAway:
        return True


@today.post("/today/operators/<extension>")
def state(extension: str) -> BaseResponse:
    """Set an operator ready, on a break, or not at work. Operators may set themselves."""
    if not is_owner() and extension != me().extension:
        abort(403)
    onward = inside(request.form.get("back"), url_for("today.today"))
    asked = read_wish(request.form.get("wish", ""))
    if asked is None:
        abort(400)
    wish, reason = asked
    try:
        do(house().desk, asks.AskOperator(0, me().name, Extension(extension), wish, reason))
    except Refused as no:
        return refused(no, onward)
    except DeskAway:
        return refused(Refused(_("The switchboard is restarting. Try again in a moment.")), onward)
    words = {
        "ready": _("%(name)s is ready.", name=person(extension)),
        "paused": _("%(name)s is on a break.", name=person(extension)),
        "logged out": _("%(name)s is not at work.", name=person(extension)),
    }
    return done(words[wish.value], onward)
