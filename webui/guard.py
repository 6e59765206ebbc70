"""Who may come in: the host's name, the login, the role, the CSRF token, and what every answer tells the browser."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, current_app, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import MisdirectedRequest
from werkzeug.wrappers import Response as BaseResponse

from appliance.switchboard import asks
from webui.desk import DeskAway, Refused, ask_for
from webui.house import house
from webui.language import LANGUAGES
from webui.logins import OWNER

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Request

EVERYBODY = frozenset({"static", "welcome.welcome", "welcome.login", "door.authority"})
"""Views that need no login."""

OPERATORS = frozenset(
    {
        "welcome.logout",
        "welcome.mine",
        "today.today",
        "today.stream",
        "today.look",
        "today.state",
        "calls.calls",
        "calls.call",
        "calls.recording",
        "tasks.tasks",
        "tasks.task",
        "tasks.close",
    }
)
"""Views an operator may see; each of them shows operators only what is theirs. All others are the owner's."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; media-src 'self' blob:; manifest-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


_HOST = re.compile(
    r"(?:(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?", re.IGNORECASE | re.ASCII
)
"""A host as browsers write it (RFC 9110, section 7.2). The framework breaks on some that are none."""


def protect(app: Flask) -> None:
    """Put the guard before every view of `app`. In this order: a stranger's request stops at the first it fails."""
    app.wsgi_app = _Hosts(app.wsgi_app)  # type: ignore[method-assign]
    app.session_interface = _Sessions()
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="qendra",
        PERMANENT_SESSION_LIFETIME=7 * 86400,
        # The token lives as long as the session: a page left open over lunch still works.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        MAX_CONTENT_LENGTH=256 * 1024,
        MAX_FORM_MEMORY_SIZE=256 * 1024,
    )
    app.before_request(_check_host)
    app.before_request(_need_key)
    app.before_request(_keep_language)
    app.before_request(_who_asks)
    app.before_request(_may_they)
    CSRFProtect(app)
    app.after_request(_tell_browser)


class _Hosts:
    """Turns away a request whose Host is none, before anything is made of it."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        if not host or _HOST.fullmatch(host):
            return self._app(environ, start_response)
        start_response("400 Bad Request", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return []


class _Sessions(SecureCookieSessionInterface):
    """Sessions in signed cookies; the desk keeps the key, so that a restart of the page logs nobody out."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:  # type: ignore[override]
        if not app.secret_key:
            app.secret_key = _key_from_desk(app)
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        del app
        return request.is_secure


def _key_from_desk(app: Flask) -> bytes | None:
    desk = app.extensions["qendra"].desk
    try:
        return bytes.fromhex(ask_for(desk, asks.SeeSecret(0), asks.SecretIs).key)
    except (DeskAway, Refused, ValueError):
        return None


def _check_host() -> None:
    """Refuse names of the wide Internet: a page elsewhere could point its own name at the box (DNS rebinding)."""
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    if not _is_ours(host.strip("[]").rstrip(".").casefold(), house().config.public_name.casefold()):
        raise MisdirectedRequest


def _is_ours(host: str, public_name: str) -> bool:
    if host == public_name or "." not in host or host.endswith((".local", ".lan", ".home", ".internal", ".home.arpa")):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _need_key() -> None:
    if current_app.secret_key is None and request.endpoint != "static":
        raise DeskAway("no key for sessions yet")


def _keep_language() -> None:
    chosen = request.args.get("language", "")
    if chosen in LANGUAGES and session.get("language") != chosen:
        session["language"] = chosen


def _who_asks() -> None:
    g.me = None
    if request.endpoint != "static":
        g.me = house().logins.of_session()


def _may_they() -> BaseResponse | None:
    endpoint = request.endpoint
    if endpoint is None or endpoint in EVERYBODY:
        return None
    if g.me is None:
        if endpoint in {"today.stream", "today.look"}:
            abort(401)
        session.pop("name", None)
        return redirect(
            url_for("welcome.login", next=request.full_path.rstrip("?") if request.method == "GET" else None)
        )
    if g.me.role != OWNER and endpoint not in OPERATORS:
        abort(403)
    return None


def _tell_browser(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static":
        response.cache_control.public = True
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response
