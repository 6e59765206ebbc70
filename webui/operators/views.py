"""The people who answer."""

from __future__ import annotations

import contextlib

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.calls.names import Extension
from appliance.switchboard import asks
from appliance.switchboard.settings import Person, Settings
from webui.desk import DeskAway, Refused, ask_for, do
from webui.forms import Form, mark
from webui.house import house
from webui.language import N_, _
from webui.logins import OPERATOR, me
from webui.operators.forms import FIELDS, Operator, find, free_extension, read_operator, shown, without
from webui.saving import check_unchanged, save
from webui.saying import settings
from webui.ways import leads_to

operators = Blueprint("operators", __name__, template_folder="templates")

Page = Response | str | tuple[str, int]

ADDED = N_("Added %(name)s (%(extension)s)")
CHANGED = N_("Changed %(name)s (%(extension)s)")
REMOVED = N_("Removed %(name)s (%(extension)s)")
"""For the history; kept in English, shown in the reader's language."""


@operators.get("/operators", endpoint="operators")
def all_operators() -> str:
    """Everybody with a telephone."""
    live = house().desk.news(0, 0.0).live
    states = {one.extension: one for one in live.operators} if live is not None else {}
    people = [find(settings(), one.extension) for one in settings().people]
    return render_template(
        "operators/operators.html",
        people=people,
        states=states,
        logins=_logins_by_extension(),
        queues=settings().queues,
    )


def _logins_by_extension() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        for login in ask_for(house().desk, asks.SeeAccounts(0), asks.AccountsAre).logins:
            found.setdefault(login.extension, []).append(login.name)
    except DeskAway:
        pass
    return found


@operators.route("/operators/add", methods=["GET", "POST"])
def add() -> Page:
    """One more; their telephone's password is shown once."""
    firm = settings()
    if request.method == "GET":
        ticked = [queue.name for queue in firm.queues] if len(firm.queues) == 1 else []
        fields: dict[str, str | list[str]] = {
            "extension": free_extension(firm),
            "queues": ticked,
        }
        fields = {**shown(Operator(Person(Extension(""), ""), frozenset())), **fields}
        return render_template("operators/add.html", form=Form(fields), queues=firm.queues)
    form = Form(request.form)
    operator = read_operator(form, firm)
    person = operator.person
    what = ADDED % {"name": person.name, "extension": person.extension}
    if form.is_good and save(form, what, operator.added_to, FIELDS):
        return _show_password(person.extension, is_new=True)
    return render_template("operators/add.html", form=form, queues=firm.queues), 422


@operators.route("/operators/<extension>", methods=["GET", "POST"])
def operator(extension: str) -> Page:
    """One person: name, language, queues."""
    firm = settings()
    found = find(firm, extension)
    if found is None:
        abort(404)
    form = Form(shown(found) if request.method == "GET" else request.form)
    if request.method == "POST":
        wanted = read_operator(form, firm, found.person.extension)
        what = CHANGED % {"name": wanted.person.name, "extension": extension}

        def edit(now: Settings) -> Settings:
            check_unchanged(form, find(now, extension))
            return wanted.put_into(now)

        if form.is_good and save(form, what, edit, FIELDS):
            flash(_("Saved. It holds from the next call on."), "done")
            return redirect(url_for("operators.operators"), 303)
    live = house().desk.news(0, 0.0).live
    now = next((one for one in live.operators if one.extension == extension), None) if live is not None else None
    found = find(settings(), extension) or found
    page = render_template(
        "operators/operator.html",
        form=form,
        person=found.person,
        seen=mark(found),
        now_live=now,
        queues=settings().queues,
        logins=_logins_by_extension().get(extension, []),
    )
    return page if request.method == "GET" else (page, 422)


@operators.post("/operators/<extension>/password")
def password(extension: str) -> Page:
    """A new password for their telephones; shown once, the old one stops working."""
    if find(settings(), extension) is None:
        abort(404)
    return _show_password(Extension(extension), is_new=False)


def _show_password(extension: Extension, *, is_new: bool) -> Page:
    try:
        ask = asks.NewPhonePassword(0, me().name, extension)
        made = ask_for(house().desk, ask, asks.PhonePassword)
    except (DeskAway, Refused):
        flash(_("No password could be made for the telephone. Make a new one from this page."), "fault")
        return redirect(url_for("operators.operator", extension=extension), 303)
    everywhere = made.server in {"", "0.0.0.0", "::"}  # noqa: S104 -- the box listens on all its addresses
    server = request.host.rsplit(":", 1)[0] if everywhere else made.server
    return render_template("operators/password.html", made=made, server=server, is_new=is_new, firm=settings())


@operators.post("/operators/<extension>/remove")
def remove(extension: str) -> Response:
    """Take somebody out of the firm; their past calls stay."""
    found = find(settings(), extension)
    if found is None:
        abort(404)
    onward = url_for("operators.operator", extension=extension)
    if ways := leads_to(settings(), f"phone {extension}"):
        flash(_("Not removed: %(way)s leads to this telephone. Lead it elsewhere first.", way=ways[0]), "fault")
        return redirect(onward, 303)
    form = Form({})
    what = REMOVED % {"name": found.person.name, "extension": extension}
    if not save(form, what, lambda now: without(now, extension)):
        flash(form.faults[""], "fault")
        return redirect(onward, 303)
    _end_logins(extension)
    flash(_("%(name)s is removed. Past calls stay in the log.", name=found.person.name), "done")
    return redirect(url_for("operators.operators"), 303)


def _end_logins(extension: str) -> None:
    """An operator's login ends with their telephone; an owner's stays."""
    for name in _logins_by_extension().get(extension, []):
        account = house().logins.find(name)
        if account is not None and account.role == OPERATOR:
            with contextlib.suppress(Refused):
                do(house().desk, asks.RemoveAccount(0, me().name, name))
            house().logins.forget(name)
