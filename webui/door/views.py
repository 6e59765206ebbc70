"""Is anybody guessing? Can people outside reach us? Whom do telephones speak with?"""

from __future__ import annotations

import re

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.calls.edge import Reached
from appliance.switchboard import asks
from appliance.switchboard.asks import CertificateIs, DoorIs
from appliance.switchboard.settings import Settings
from webui.desk import DeskAway, Refused, ask_for, do
from webui.door.forms import (
    CERTIFICATE_FIELDS,
    OUTSIDE_FIELDS,
    part,
    read_certificate,
    read_outside,
    shown,
)
from webui.door.words import HARMLESS, refusal, visitors, who_from
from webui.forms import Form, mark
from webui.heard import heard
from webui.house import house
from webui.language import N_, _
from webui.logins import me
from webui.saving import check_unchanged, save
from webui.saying import DAY, now, settings

door = Blueprint("door", __name__, template_folder="templates")
door.add_app_template_filter(refusal)
door.add_app_template_filter(who_from)

Page = Response | str | tuple[str, int]

CHANGED = N_("Changed how people outside reach the box")

LONGEST_LOOK = 20.0
"""Seconds the page waits for the answer."""

MOST_SHOWN = 50
"""Of those turned away; the journal has them all."""


@door.get("/door", endpoint="door")
def front_door() -> str:
    """Who came, and who is not heard."""
    seen = ask_for(house().desk, asks.SeeDoor(0), DoorIs)
    came = visitors(seen.turned_away)
    return render_template(
        "door/door.html",
        bans=sorted(seen.bans, key=lambda ban: ban.until),
        turned_away=came[:MOST_SHOWN],
        more=max(0, len(came) - MOST_SHOWN),
        guesses=any(one.refusal not in HARMLESS and now() - one.at < DAY for one in seen.turned_away),
        reached=seen.reached,
        certificate=_certificate(),
        firm=settings(),
    )


@door.post("/door/let-in")
def let_in() -> Response:
    """Hear somebody again."""
    source, extension = request.form.get("source", "")[:100], request.form.get("extension", "")[:10]
    try:
        do(house().desk, asks.LiftBan(0, me().name, source, extension))
        flash(_("%(who)s is let in again.", who=source), "done")
    except Refused as no:
        flash(heard(no.words), "fault")
    except DeskAway:
        flash(_("The switchboard is restarting. Try again in a moment."), "fault")
    return redirect(url_for("door.door"), 303)


@door.route("/door/outside", methods=["GET", "POST"])
def outside() -> Page:
    """The name by which telephones outside find the box, and whether they do."""
    before = settings()
    form = Form(shown(before) if request.method == "GET" else request.form)
    if request.method == "POST":
        read_outside(form, before)

        def edit(latest: Settings) -> Settings:
            check_unchanged(form, part(latest))
            return read_outside(form, latest)

        if form.is_good and save(form, CHANGED, edit, OUTSIDE_FIELDS):
            flash(_("Saved."), "done")
            return redirect(url_for("door.outside", since=int(now())), 303)
    seen = ask_for(house().desk, asks.SeeDoor(0), DoorIs)
    latest = settings()
    page = render_template(
        "door/outside.html",
        form=form,
        seen=mark(part(latest)),
        reached=seen.reached,
        in_force=latest,
        looking=request.method == "GET" and _is_looking(seen.reached),
    )
    return page if request.method == "GET" else (page, 422)


def _is_looking(reached: Reached) -> bool:
    """Whether the look that was asked for (`since`) is still going on. Whoever waits too long sees what is known."""
    asked = request.args.get("since", "")
    began = float(asked) if re.fullmatch("[0-9]{1,12}", asked) else 0.0
    return reached.at < began <= now() < began + LONGEST_LOOK


@door.post("/door/check")
def check() -> Response:
    """Look now."""
    began = now()
    try:
        do(house().desk, asks.CheckReach(0))
    except Refused as no:
        flash(heard(no.words), "fault")
    except DeskAway:
        flash(_("The switchboard is restarting. Try again in a moment."), "fault")
    return redirect(url_for("door.outside", since=int(began)), 303)


@door.route("/door/certificate", methods=["GET", "POST"])
def certificate() -> Page:
    """What telephones that call encrypted are shown, and putting in one's own."""
    form = Form(request.form)
    if request.method == "POST":
        wanted = read_certificate(form, request.files)
        if form.is_good and _replace(form, wanted):
            flash(_("Telephones are shown your certificate from now on."), "done")
            return redirect(url_for("door.certificate"), 303)
    page = render_template("door/certificate.html", form=form, certificate=_certificate())
    return page if request.method == "GET" else (page, 422)


def _replace(form: Form, wanted: tuple[str, str]) -> bool:
    try:
        do(house().desk, asks.ReplaceCertificate(0, me().name, *wanted))
    except Refused as no:
        form.take_refusal(no.words, no.about, CERTIFICATE_FIELDS)
    except DeskAway:
        form.fault("", _("The switchboard is restarting, so nothing is saved yet. Try again in a moment."))
    return form.is_good


@door.post("/door/certificate/own")
def certificate_of_the_box() -> Response:
    """Back to the one the box has made."""
    try:
        do(house().desk, asks.ReplaceCertificate(0, me().name, "", ""))
        flash(_("Telephones are shown the box’s own certificate again."), "done")
    except Refused as no:
        flash(heard(no.words), "fault")
    except DeskAway:
        flash(_("The switchboard is restarting. Try again in a moment."), "fault")
    return redirect(url_for("door.certificate"), 303)


@door.get("/qendra.crt")
def authority() -> Response:
    """The authority's certificate, which telephones have to trust. Without a login, so that a telephone can fetch it by
    itself: it is public, and its key never leaves the box.
    """
    found = _certificate()
    if found is None or not found.authority:
        abort(404)
    answer = make_response(found.authority)
    answer.mimetype = "application/x-x509-ca-cert"
    answer.headers["Content-Disposition"] = 'attachment; filename="qendra.crt"'
    return answer


def _certificate() -> CertificateIs | None:
    """What is in force; None while the box has none yet."""
    try:
        return ask_for(house().desk, asks.SeeCertificate(0), CertificateIs)
    except Refused:
        return None
