"""Lines to the outside."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.switchboard.settings import Settings
from appliance.switchboard.views import LiveLine
from webui.forms import Form, mark
from webui.house import house
from webui.language import N_, _
from webui.lines.forms import FIELDS, changed, find, read_line, shown
from webui.saving import check_unchanged, save
from webui.saying import settings
from webui.ways import choices

lines = Blueprint("lines", __name__, template_folder="templates")

Page = Response | str | tuple[str, int]

CHANGED = N_("Changed the line %(name)s")


def _live() -> dict[str, LiveLine]:
    live = house().desk.news(0, 0.0).live
    return {one.name: one for one in live.lines} if live is not None else {}


@lines.get("/lines", endpoint="lines")
def all_lines() -> str:
    """Every line: how it is, and where its callers begin."""
    return render_template("lines/lines.html", lines=settings().lines, states=_live())


@lines.route("/lines/<name>", methods=["GET", "POST"])
def line(name: str) -> Page:
    """One line."""
    found = find(settings(), name)
    if found is None:
        abort(404)
    form = Form(shown(found) if request.method == "GET" else request.form)
    if request.method == "POST":
        wanted = read_line(form, settings(), found)

        def edit(now: Settings) -> Settings:
            check_unchanged(form, find(now, name))
            return changed(now, wanted)

        if form.is_good and save(form, CHANGED % {"name": name}, edit, FIELDS):
            flash(_("Saved. It holds from the next call on."), "done")
            return redirect(url_for("lines.lines"), 303)
    found = find(settings(), name) or found
    page = render_template(
        "lines/line.html",
        form=form,
        line=found,
        seen=mark(found),
        state=_live().get(name),
        places=choices(settings(), found.enters),
        rings=range(1, 11),
    )
    return page if request.method == "GET" else (page, 422)
