"""Opening hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.callflow.hours import is_open, minutes, opens_next, spans_of
from appliance.callflow.settings import Hours
from appliance.switchboard.settings import Settings
from webui.forms import Form, mark
from webui.hours.forms import (
    BLANK,
    DAYS,
    Bar,
    added,
    bars,
    changed,
    find,
    read_hours,
    shown,
    slots,
    special_rows,
    without,
)
from webui.language import N_, _
from webui.menus.forms import read_name
from webui.saving import check_unchanged, save
from webui.saying import day_of, local, now, settings, weekday, zone
from webui.ways import choices, leads_to

hours = Blueprint("hours", __name__, template_folder="templates")

Page = Response | str | tuple[str, int]

ADDED = N_("Made the opening hours %(name)s")
CHANGED = N_("Changed the opening hours %(name)s")
REMOVED = N_("Removed the opening hours %(name)s")


@hours.get("/hours", endpoint="hours")
def all_hours() -> str:
    """Every table of hours: open now? and the week as a picture."""
    today = local(now()).date()
    tables = [
        (each, is_open_now(each), in_short(each), _week(each, today), _coming(each, today))
        for each in settings().flow.hours
    ]
    return render_template("hours/hours.html", tables=tables)


def is_open_now(table: Hours) -> bool:
    """Whether the firm is open by this table."""
    return is_open(table, now(), zone())


def in_short(table: Hours) -> str:
    """`Open now, until 17:00`, `Closed now, opens tomorrow at 09:00`."""
    here = local(now())
    if is_open_now(table):
        return _open_words(here, _closes(table, here))
    opening = opens_next(table, now(), zone())
    if opening is None:
        return _("Closed now, and for two weeks at least")
    time = f"{opening:%H:%M}"
    if opening.date() == here.date():
        return _("Closed now, opens at %(time)s", time=time)
    if opening.date() == here.date() + timedelta(days=1):
        return _("Closed now, opens tomorrow at %(time)s", time=time)
    return _("Closed now, opens %(day)s at %(time)s", day=day_of(opening.date(), here.date()), time=time)


def _open_words(here: datetime, closing: tuple[date, str] | None) -> str:
    if closing is None:
        return _("Open day and night")
    day, time = closing
    if day == here.date():
        return _("Open now, until %(time)s", time=time)
    return _("Open now, until %(day)s, %(time)s", day=day_of(day, here.date()), time=time)


def _closes(table: Hours, here: datetime) -> tuple[date, str] | None:
    """When an open firm closes next; None when it does not within two weeks."""
    minute = here.hour * 60 + here.minute
    for ahead in range(15):
        day = here.date() + timedelta(days=ahead)
        ends = next((end for begin, end in spans_of(table, day) if minutes(begin) <= minute < minutes(end)), None)
        if ends is None:
            return day - timedelta(days=1), "24:00"
        if ends != "24:00":
            return day, ends
        minute = 0
    return None


def _week(table: Hours, today: date) -> list[tuple[str, bool, list[Bar], list[str]]]:
    """For each weekday: its name, whether it is today, its bars, its times."""
    week = []
    for day in DAYS:
        spans = sorted((span.begins, span.ends) for span in table.week if span.day == day)
        times = [f"{begins}–{ends}" for begins, ends in spans]
        week.append((weekday(day), day == today.weekday(), bars(spans), times))
    return week


def _coming(table: Hours, today: date) -> list[tuple[str, str, str]]:
    """Special days from today on: day, title, times."""
    coming = []
    for special in sorted(table.special, key=lambda each: each.date):
        if special.date >= today.isoformat():
            times = ", ".join(f"{begins}–{ends}" for begins, ends in special.spans) or _("closed")
            coming.append((day_of(date.fromisoformat(special.date), today), special.title, times))
    return coming


@hours.route("/hours/add", methods=["GET", "POST"])
def add() -> Page:
    """One more table of hours."""
    form = Form(shown(BLANK) if request.method == "GET" else request.form)
    if request.method == "POST":
        name = read_name(form)
        wanted = read_hours(form, settings(), Hours(name=name, week=(), open="", closed=""))
        what = ADDED % {"name": name}
        if form.is_good and save(form, what, lambda firm: added(firm, wanted), {"name": "name"}):
            flash(_("The opening hours are there. Now let a line lead to them."), "done")
            return redirect(url_for("hours.hours"), 303)
    return _form_page(form, BLANK, is_new=True)


@hours.route("/hours/<name>", methods=["GET", "POST"])
def hours_of(name: str) -> Page:
    """One table: the week, special days, where to."""
    found = find(settings(), name)
    if found is None:
        abort(404)
    form = Form(shown(found) if request.method == "GET" else request.form)
    if request.method == "POST":
        wanted = read_hours(form, settings(), found)

        def edit(firm: Settings) -> Settings:
            check_unchanged(form, find(firm, name))
            return changed(firm, wanted)

        if form.is_good and save(form, CHANGED % {"name": name}, edit):
            flash(_("Saved. It holds from the next call on."), "done")
            return redirect(url_for("hours.hours"), 303)
    return _form_page(form, find(settings(), name) or found, is_new=False)


def _form_page(form: Form, table: Hours, *, is_new: bool) -> Page:
    firm = settings()
    rows = special_rows(form)
    page = render_template(
        "hours/edit.html",
        form=form,
        table=table,
        is_new=is_new,
        seen=mark(table),
        days=[(day, weekday(day), slots(form, str(day))) for day in DAYS],
        rows=[(row, slots(form, f"s{row}")) for row in (*rows, max(rows, default=-1) + 1)],
        places=choices(firm, table.open, table.closed, without=f"hours {table.name}"),
        from_where=leads_to(firm, f"hours {table.name}"),
    )
    return page if request.method == "GET" else (page, 422)


@hours.post("/hours/<name>/remove")
def remove(name: str) -> Response:
    """Take a table away that nothing leads to any more."""
    if find(settings(), name) is None:
        abort(404)
    if ways := leads_to(settings(), f"hours {name}"):
        flash(_("Not removed: %(way)s leads here. Lead it elsewhere first.", way=ways[0]), "fault")
        return redirect(url_for("hours.hours_of", name=name), 303)
    form = Form({})
    if not save(form, REMOVED % {"name": name}, lambda firm: without(firm, name)):
        flash(form.faults[""], "fault")
        return redirect(url_for("hours.hours_of", name=name), 303)
    flash(_("Removed. You can undo it in the history."), "done")
    return redirect(url_for("hours.hours"), 303)
