"""Every error in plain words: what happened, whose side it is on, and what to do."""

from __future__ import annotations

import logging

from flask import Flask, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from webui.archive import ArchiveTrouble
from webui.desk import DeskAway, Refused
from webui.heard import heard
from webui.language import _

log = logging.getLogger("qendra.web")

Page = tuple[str, int]


def explain(app: Flask) -> None:
    """Let `app` answer every error with a page."""
    app.register_error_handler(DeskAway, _desk_away)
    app.register_error_handler(ArchiveTrouble, _unreadable)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(HTTPException, _known)
    app.register_error_handler(Exception, _unknown)


def _desk_away(error: DeskAway) -> Page:
    log.info("desk away: %s", error)
    title = _("One moment: the switchboard is starting")
    words = _(
        "The part of the box that directs calls is starting. People who are talking go on talking. "
        "This page tries again by itself."
    )
    return _page(503, title, words, again=request.method == "GET")


def _unreadable(error: ArchiveTrouble) -> Page:
    log.error("%s", error)
    return _page(503, _("Past calls cannot be read at the moment"), heard(str(error)))


def _refused(error: Refused) -> Page:
    return _page(409, _("That did not work"), heard(error.words))


def _stale(error: CSRFError) -> Page:
    log.info("a form without its token: %s", error.description)
    return _page(
        400,
        _("This page is too old"),
        _(
            "It was opened before you logged in, or in another window. Go back, load it again, and send the form once more."
        ),
    )


def _known(error: HTTPException) -> Page:
    known = {
        401: (_("Please log in"), _("Your login has ended.")),
        403: (_("This page is the owner’s"), _("You are logged in as an operator. Ask the owner if you need it.")),
        404: (_("There is no such page"), _("It may have been removed, or the address has a slip in it.")),
        405: (_("There is no such page"), _("It may have been removed, or the address has a slip in it.")),
        413: (_("That is too much"), _("What you sent is larger than this page takes.")),
        421: (
            _("This box does not go by that name"),
            _("Open it by its address in your network, or let the installer set its public name."),
        ),
    }
    title, words = known.get(error.code or 500, (_("That did not work"), _("Your browser asked for something odd.")))
    return _page(error.code or 500, title, words)


def _unknown(error: Exception) -> Page:
    # The view, not the address: in that may stand the owner's link, or line ends.
    log.error("%s %s failed", request.method, request.endpoint, exc_info=error)
    return _page(
        500,
        _("Something broke on our side"),
        _("Calls are not touched by it. Try again; if it happens again, tell the installer what you did and when."),
    )


def _page(code: int, title: str, words: str, *, again: bool = False) -> Page:
    g.setdefault("me", None)
    return render_template("error.html", code=code, title=title, words=words, again=again), code
