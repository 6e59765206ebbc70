"""The owner's first login, login, logout, and one's own page."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.switchboard import asks
from webui.answers import inside
from webui.desk import DeskAway, Refused, do
from webui.forms import Form
from webui.house import house
from webui.language import LANGUAGES, _, language, many
from webui.logins import begin_session, hash_password, me, password_fits
from webui.welcome.forms import read_new_login, read_password

welcome = Blueprint("welcome", __name__, template_folder="templates")

Page = Response | str | tuple[str, int]


@welcome.route("/welcome/<token>", methods=["GET", "POST"], endpoint="welcome")
def welcome_page(token: str) -> Page:
    """The one-time link: whoever opens it first makes the owner's login."""
    now, address = house().config.clock(), request.remote_addr or ""
    if house().limits.wait("", address, now):
        abort(429)
    try:
        do(house().desk, asks.LinkIsGood(0, token))
    except Refused:
        house().limits.failed("", address, now)
        return render_template("welcome/used.html"), 410
    form = Form(request.form if request.method == "POST" else {"language": language()})
    if request.method == "GET":
        return render_template("welcome/welcome.html", form=form)
    wanted = read_new_login(form)
    if form.is_good:
        try:
            hashed = hash_password(wanted.password)
            do(house().desk, asks.MakeOwner(0, token, wanted.name, hashed, wanted.language))
            _enter(wanted.name)
            return redirect(url_for("operators.operators"), 303)
        except Refused as no:
            form.take_refusal(no.words, no.about, {"name": "name"})
    return render_template("welcome/welcome.html", form=form), 422


@welcome.route("/login", methods=["GET", "POST"])
def login() -> Page:
    """Name and password."""
    onward = inside(request.args.get("next"), url_for("today.today"))
    if request.method == "GET":
        if g.me is not None:
            return redirect(onward)
        return render_template("welcome/login.html", form=Form({}))
    form = Form(request.form)
    # A name that is too long is nobody's, and is not kept whole among those who failed.
    name, password = form.text("name", needed=False, longest=40)[:41], form.value("password")[:1000]
    now, address = house().config.clock(), request.remote_addr or ""
    if wait := house().limits.attempt(name, address, now):
        form.fault("", _wait_words(wait))
        return render_template("welcome/login.html", form=form), 429
    account = house().logins.find(name) if form.is_good and name else None
    if not password_fits(account, password) or account is None:
        form.fault("", _("Name and password do not fit together. Mind capital letters and the keyboard’s language."))
        return render_template("welcome/login.html", form=form), 401
    house().limits.succeeded(name, address)
    house().logins.end_session()
    begin_session(account, request.args.get("language", ""))
    return redirect(onward, 303)


def _wait_words(seconds: float) -> str:
    if seconds < 60:
        return many(
            "Too many wrong tries. Please wait %(num)s second.",
            "Too many wrong tries. Please wait %(num)s seconds.",
            int(seconds) + 1,
        )
    return many(
        "Too many wrong tries. Please wait %(num)s minute.",
        "Too many wrong tries. Please wait %(num)s minutes.",
        int(seconds // 60) + 1,
    )


def _enter(name: str) -> None:
    account = house().logins.find(name)
    if account is not None:
        begin_session(account, "")


@welcome.post("/logout")
def logout() -> Response:
    """The session ends, here and on the box."""
    house().logins.end_session()
    return redirect(url_for("welcome.login"), 303)


@welcome.route("/me", methods=["GET", "POST"])
def mine() -> Page:
    """One's own language and password."""
    if request.method == "GET":
        return render_template("welcome/mine.html", form=Form({"language": me().language or language()}))
    form = Form(request.form)
    chosen = form.choice("language", LANGUAGES)
    new = form.value("password")
    if new:
        _check_old_password(form)
        read_password(form, me().name)
    if form.is_good:
        try:
            account = me()
            hashed = hash_password(new) if new else ""
            save = asks.SaveAccount(0, account.name, account.name, account.role, hashed, account.extension, chosen)
            do(house().desk, save)
            _enter(account.name)
            flash(_("Saved."), "done")
            return redirect(url_for("welcome.mine"), 303)
        except Refused as no:
            form.take_refusal(no.words, no.about, {"password": "password", "language": "language"})
        except DeskAway:
            form.fault("", _("The switchboard is restarting. Try again in a moment."))
    return render_template("welcome/mine.html", form=form), 422


def _check_old_password(form: Form) -> None:
    now, address, name = house().config.clock(), request.remote_addr or "", me().name
    if wait := house().limits.attempt(name, address, now):
        form.fault("old", _wait_words(wait))
    elif password_fits(me(), form.value("old")):
        house().limits.succeeded(name, address)
    else:
        form.fault("old", _("This is not your password of today."))
