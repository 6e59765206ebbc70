"""How a form is answered: to a browser with scripts by a short yes or no, to one without by the next page."""

from __future__ import annotations

from flask import flash, make_response, redirect, request
from werkzeug.wrappers import Response

from webui.desk import Refused
from webui.heard import heard


def is_quiet() -> bool:
    """The page asked by itself and stays where it is."""
    return request.headers.get("X-Qendra") == "quiet"


def done(words: str, onward: str) -> Response:
    """It worked: say so, and go on."""
    if is_quiet():
        return make_response({"words": words})
    flash(words, "done")
    return redirect(onward, 303)


def refused(no: Refused, onward: str) -> Response:
    """It did not: say why."""
    words = heard(no.words)
    if is_quiet():
        return make_response({"words": words}, 409)
    flash(words, "fault")
    return redirect(onward, 303)


def inside(address: str | None, otherwise: str) -> str:
    """`address` when it is a path of this box; an address elsewhere could send people to a false login."""
    # Browsers drop tabs and line ends before they read an address, and take a backslash for a slash.
    if address and address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable():
        return address
    return otherwise
