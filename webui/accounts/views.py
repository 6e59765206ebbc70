"""Logins to the page."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.switchboard import asks
from appliance.switchboard.asks import AccountIs
from webui.accounts.forms import ROLES, WantedLogin, read_login
from webui.desk import DeskAway, Refused, ask_for, do
from webui.forms import Form
from webui.heard import heard
from webui.house import house
from webui.language import _, language
from webui.logins import OPERATOR, hash_password, me
from webui.saying import person, settings
from webui.welcome.forms import read_name

accounts = Blueprint("accounts", __name__, template_folder="templates")

Page = Response | str | tuple[str, int]


@accounts.get("/logins", endpoint="accounts")
def all_logins() -> str:
    """Everybody who may open the page."""
    logins = ask_for(house().desk, asks.SeeAccounts(0), asks.AccountsAre).logins
    return render_template("accounts/accounts.html", logins=sorted(logins, key=lambda one: one.name.casefold()))


@accounts.route("/logins/add", methods=["GET", "POST"])
def add() -> Page:
    """One more login."""
    if request.method == "GET":
        extension = request.args.get("extension", "")
        name = person(extension).split(" ")[0] if extension else ""
        form = Form({"role": OPERATOR, "extension": extension, "name": name})
        return render_template("accounts/add.html", form=form, people=settings().people, roles=ROLES)
    form = Form(request.form)
    name = read_name(form)
    wanted = read_login(form, settings(), name, is_new=True)
    if form.is_good and house().logins.find(name) is not None:
        form.fault("name", _("There is a login with this name already."))
    if form.is_good and _save(form, name, wanted, settings().language or language()):
        flash(_("%(name)s can log in now. Tell them the password; it is not shown again.", name=name), "done")
        return redirect(url_for("accounts.accounts"), 303)
    return render_template("accounts/add.html", form=form, people=settings().people, roles=ROLES), 422


@accounts.route("/logins/<name>", methods=["GET", "POST"])
def account(name: str) -> Page:
    """One login: what it may see, and a new password."""
    found = _find(name)
    if request.method == "GET":
        form = Form({"role": found.role, "extension": found.extension})
        return render_template("accounts/account.html", form=form, login=found, people=settings().people, roles=ROLES)
    form = Form(request.form)
    wanted = read_login(form, settings(), name, is_new=False)
    if form.is_good and _save(form, found.name, wanted, found.language):
        flash(_("Saved."), "done")
        return redirect(url_for("accounts.accounts"), 303)
    page = render_template("accounts/account.html", form=form, login=found, people=settings().people, roles=ROLES)
    return page, 422


@accounts.post("/logins/<name>/remove")
def remove(name: str) -> Response:
    """Take a login away; whoever uses it is logged out."""
    try:
        do(house().desk, asks.RemoveAccount(0, me().name, name))
    except Refused as no:
        flash(heard(no.words), "fault")
        return redirect(url_for("accounts.account", name=name), 303)
    house().logins.forget(name)
    flash(_("%(name)s cannot log in any more.", name=name), "done")
    return redirect(url_for("accounts.accounts"), 303)


def _find(name: str) -> AccountIs:
    found = house().logins.find(name)
    if found is None:
        abort(404)
    return found


def _save(form: Form, name: str, wanted: WantedLogin, its_language: str) -> bool:
    hashed = hash_password(wanted.password) if wanted.password else ""
    ask = asks.SaveAccount(0, me().name, name, wanted.role, hashed, wanted.extension, its_language)
    try:
        do(house().desk, ask)
    except Refused as no:
        form.take_refusal(no.words, no.about, {"name": "name", "role": "role", "extension": "extension"})
        return False
    except DeskAway:
        form.fault("", _("The switchboard is restarting, so nothing is saved yet. Try again in a moment."))
        return False
    house().logins.forget(name)
    return True
