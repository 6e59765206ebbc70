"""Lines to the outside: modems and providers."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.calls.names import LineId
from appliance.switchboard import asks
from appliance.switchboard.asks import ProfilesAre, ProviderProfile
from appliance.switchboard.checking import places
from appliance.switchboard.settings import LineOptions, Provider, Settings
from appliance.switchboard.views import LiveLine
from webui.desk import DeskAway, Refused, ask_for, do
from webui.forms import Form, mark
from webui.heard import heard
from webui.house import house
from webui.language import N_, _, language
from webui.lines import provider as fine
from webui.lines.forms import FIELDS, added, changed, find, read_line, shown, without
from webui.logins import me
from webui.menus.forms import read_name
from webui.saving import check_unchanged, save
from webui.saying import settings
from webui.ways import choices

lines = Blueprint("lines", __name__, template_folder="templates")

Page = Response | str | tuple[str, int]

ADDED = N_("Added the line %(name)s")
CHANGED = N_("Changed the line %(name)s")
REMOVED = N_("Removed the line %(name)s")

BY_HAND = ProviderProfile("", "", "", Provider())
"""For a provider the box has no data file for."""

LONGEST_PASSWORD = 200


def _live() -> dict[str, LiveLine]:
    live = house().desk.news(0, 0.0).live
    return {one.name: one for one in live.lines} if live is not None else {}


def _profiles() -> ProfilesAre:
    return ask_for(house().desk, asks.SeeProfiles(0, language()), ProfilesAre)


@lines.get("/lines", endpoint="lines")
def all_lines() -> str:
    """Every line: how it is, and where its callers begin."""
    pieces = house().office.pieces(house().desk.news(0, 0.0), "lines")
    return render_template("lines/lines.html", pieces=pieces, firm=settings())


@lines.get("/lines/add")
def choose() -> str:
    """Which provider?"""
    # Providers by name first: who finds theirs need not think about kinds.
    profiles = sorted(_profiles().profiles, key=lambda one: not one.provider.domain)
    return render_template("lines/choose.html", profiles=profiles)


@lines.route("/lines/add/<profile>", methods=["GET", "POST"])
@lines.route("/lines/add/by-hand", methods=["GET", "POST"], defaults={"profile": ""})
def add(profile: str) -> Page:
    """A new line at a provider: what its data file does not know already."""
    chosen = next((one for one in (BY_HAND, *_profiles().profiles) if one.name == profile), None)
    if chosen is None:
        abort(404)
    new = _new_line(chosen)
    form = Form({**shown(new), "name": _free_name(chosen)} if request.method == "GET" else request.form)
    if request.method == "POST":
        name = read_name(form)
        if name.casefold() == "add":  # the address of its page is this page's
            form.fault("name", _("There is one with this name already."))
        wanted = read_line(form, settings(), replace(new, name=LineId(name)))
        password = _read_password(form)
        if wanted.provider is not None and wanted.provider.registers and not password:
            form.fault("password", _("Please fill this in."))
        if form.is_good and save(
            form, ADDED % {"name": name}, lambda now: added(now, wanted), FIELDS | {"name": "name"}
        ):
            _keep_password(LineId(name), password)
            flash(_("The line is there. Within seconds you see here whether the provider takes it."), "done")
            return redirect(url_for("lines.lines"), 303)
    page = _page("lines/add.html", form, new, profile=chosen)
    return page if request.method == "GET" else (page, 422)


def _new_line(profile: ProviderProfile) -> LineOptions:
    firm = settings()
    ways = [line.enters for line in firm.lines] or places(firm)
    made = replace(profile.provider, profile=profile.name)
    return LineOptions(LineId(""), ways[0], answer_after_rings=1, calls_at_once=2, provider=made)


def _free_name(profile: ProviderProfile) -> str:
    taken = {line.name.casefold() for line in settings().lines}
    wanted = profile.name or "provider"
    return next(
        name for name in (wanted, *(f"{wanted}-{one}" for one in range(2, 999))) if name.casefold() not in taken
    )


def _read_password(form: Form) -> str:
    password = form.value("password")
    if len(password) > LONGEST_PASSWORD or not password.isprintable():
        form.fault("password", _("This is not a password a provider would give."))
    return password


def _keep_password(line: LineId, password: str) -> None:
    """Send the password to the desk, which keeps it with the other secrets."""
    if not password:
        return
    try:
        do(house().desk, asks.SaveProviderPassword(0, me().name, line, password))
    except Refused as no:
        flash(heard(no.words), "fault")
    except DeskAway:
        flash(
            _("The line is saved, but its password is not: the switchboard is restarting. Enter it once more."), "fault"
        )


@lines.route("/lines/<name>", methods=["GET", "POST"])
def line(name: str) -> Page:
    """One line."""
    found = find(settings(), name)
    if found is None:
        abort(404)
    form = Form(shown(found) if request.method == "GET" else request.form)
    if request.method == "POST":
        wanted = read_line(form, settings(), found)
        password = _read_password(form) if found.provider is not None else ""

        def edit(now: Settings) -> Settings:
            check_unchanged(form, find(now, name))
            return changed(now, wanted)

        if form.is_good and save(form, CHANGED % {"name": name}, edit, FIELDS):
            _keep_password(found.name, password)
            flash(_("Saved. It holds from the next call on."), "done")
            return redirect(url_for("lines.lines"), 303)
    page = _page("lines/line.html", form, find(settings(), name) or found)
    return page if request.method == "GET" else (page, 422)


def _page(template: str, form: Form, shown_line: LineOptions, profile: ProviderProfile | None = None) -> str:
    firm = settings()
    return render_template(
        template,
        form=form,
        line=shown_line,
        profile=profile,
        seen=mark(shown_line),
        state=_live().get(shown_line.name),
        places=choices(firm, shown_line.enters, *(route.enters for route in shown_line.numbers)),
        rings=range(1, 11),
        currency=firm.currency,
        number_rows=[*form.rows("number"), _next(form.rows("number"))],
        price_rows=[*form.rows("begins", "costs"), _next(form.rows("begins", "costs"))],
        fine=fine,
        has_password=bool(shown_line.name) and _has_password(shown_line),
        on_top=fine.on_top(shown_line.provider) if shown_line.provider is not None else (),
        unfolded=any(name in form.faults for name in fine.ADVANCED),
    )


def _next(rows: list[int]) -> int:
    """The number of an empty row after these."""
    return max(rows, default=-1) + 1


def _has_password(of: LineOptions) -> bool:
    if of.provider is None:
        return False
    try:
        return of.name in _profiles().passwords
    except DeskAway:
        return False


@lines.post("/lines/<name>/remove")
def remove(name: str) -> Response:
    """Give a provider's line up. A modem's is the installer's affair: it would be there again at the next start."""
    found = find(settings(), name)
    if found is None or found.provider is None:
        abort(404)
    form = Form({})
    if not save(form, REMOVED % {"name": name}, lambda now: without(now, name)):
        flash(form.faults[""], "fault")
        return redirect(url_for("lines.line", name=name), 303)
    flash(_("The line %(name)s is removed. The history brings it back, with its password.", name=name), "done")
    return redirect(url_for("lines.lines"), 303)
