"""The firm, the history, the box."""

from __future__ import annotations

import contextlib

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.switchboard import asks
from appliance.switchboard.settings import Settings
from webui.desk import DeskAway, Refused, do
from webui.forms import Form, mark
from webui.heard import heard, understood
from webui.house import house
from webui.language import N_, _
from webui.logins import me
from webui.saving import check_unchanged, save
from webui.settings.forms import FIELDS, countries, currencies, part, read_firm, shown, timezones

settings = Blueprint("settings", __name__, template_folder="templates")

Page = Response | str | tuple[str, int]

CHANGED = N_("Changed the firm’s name, language or country")


@settings.route("/settings", methods=["GET", "POST"], endpoint="settings")
def firm() -> Page:
    """Name, language, country, and a few numbers."""
    now = house().firm.seen().settings
    form = Form(shown(now) if request.method == "GET" else request.form)
    if request.method == "POST":
        read_firm(form, now)

        def edit(latest: Settings) -> Settings:
            check_unchanged(form, part(latest))
            return read_firm(form, latest)

        if form.is_good and save(form, CHANGED, edit, FIELDS):
            flash(_("Saved. It holds from the next call on."), "done")
            return redirect(url_for("settings.settings"), 303)
    seen = mark(part(house().firm.seen().settings))
    page = render_template(
        "settings/settings.html",
        form=form,
        seen=seen,
        countries=countries(),
        currencies=currencies(now.currency),
        timezones=timezones(),
        now_in_force=now,
    )
    return page if request.method == "GET" else (page, 422)


SITE_FILE = "Site file %(mark)s"
"""What the box itself writes into the history when the installer's file is new; its mark says nothing to people."""


@settings.app_template_filter()
def changed(what: str) -> str:
    """A line of the history as a sentence in the reader's language."""
    if understood(what)[0] == SITE_FILE:
        return _("The installer’s site file was put in force")
    return heard(what)


@settings.get("/settings/history")
def history() -> str:
    """Who changed what, newest first, each with a way back."""
    seen = house().firm.seen()
    return render_template("settings/history.html", history=seen.history, version=seen.version)


@settings.post("/settings/history/<int:version>/undo")
def undo(version: int) -> Response:
    """Go back to what was in force before this change."""
    onward = url_for("settings.history")
    try:
        do(house().desk, asks.UndoSettings(0, me().name, version))
        with contextlib.suppress(DeskAway):
            house().firm.fresh()
        flash(_("It is as it was before. This, too, can be undone."), "done")
    except Refused as no:
        flash(heard(no.words), "fault")
    except DeskAway:
        flash(_("The switchboard is restarting, so nothing is changed. Try again in a moment."), "fault")
    return redirect(onward, 303)


@settings.get("/settings/box")
def box() -> str:
    """Is everything well with the box?"""
    news = house().desk.news(0, 0.0)
    return render_template("settings/box.html", office=news.live, here=news.here, version=house().config.version)
