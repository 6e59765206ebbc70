"""Queues."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.callcenter.settings import QueueSettings
from appliance.switchboard.settings import Settings
from webui.forms import Form, mark
from webui.language import N_, _
from webui.queues.forms import FIELDS, added, changed, find, lengths, new_name, read_queue, shown, without
from webui.saving import check_unchanged, save
from webui.saying import settings
from webui.ways import choices, leads_to

queues = Blueprint("queues", __name__, template_folder="templates")

Page = Response | str | tuple[str, int]

ADDED = N_("Made the queue %(name)s")
CHANGED = N_("Changed the queue %(name)s")
REMOVED = N_("Removed the queue %(name)s")


@queues.get("/queues", endpoint="queues")
def all_queues() -> str:
    """Every queue at a glance."""
    return render_template("queues/queues.html", queues=settings().queues)


@queues.route("/queues/add", methods=["GET", "POST"])
def add() -> Page:
    """One more."""
    firm = settings()
    blank = QueueSettings(name="", title="", operators=())
    form = Form(shown(blank) if request.method == "GET" else request.form)
    if request.method == "POST":
        title = form.text("title", longest=40)
        name = new_name(title, {queue.name for queue in firm.queues})
        queue = read_queue(form, firm, QueueSettings(name=name, title=title, operators=()))
        if form.is_good and save(form, ADDED % {"name": title}, lambda now: added(now, queue), FIELDS):
            flash(_("The queue is there. Now let a key of a menu lead to it."), "done")
            return redirect(url_for("queues.queues"), 303)
    page = _form_page(form, blank, is_new=True)
    return page if request.method == "GET" else (page, 422)


@queues.route("/queues/<name>", methods=["GET", "POST"])
def queue(name: str) -> Page:
    """One queue."""
    firm = settings()
    found = find(firm, name)
    if found is None:
        abort(404)
    form = Form(shown(found) if request.method == "GET" else request.form)
    if request.method == "POST":
        wanted = read_queue(form, firm, found)

        def edit(now: Settings) -> Settings:
            check_unchanged(form, find(now, name))
            return changed(now, wanted)

        if form.is_good and save(form, CHANGED % {"name": wanted.title}, edit, FIELDS):
            flash(_("Saved. It holds from the next call on."), "done")
            return redirect(url_for("queues.queues"), 303)
    page = _form_page(form, find(settings(), name) or found, is_new=False)
    return page if request.method == "GET" else (page, 422)


def _form_page(form: Form, queue: QueueSettings, *, is_new: bool) -> str:
    firm = settings()
    return render_template(
        "queues/queue.html",
        form=form,
        queue=queue,
        is_new=is_new,
        seen=mark(queue),
        people=firm.people,
        places=choices(firm, queue.when_too_long, without=f"queue {queue.name}"),
        lengths=lengths,
        from_where=leads_to(firm, f"queue {queue.name}"),
    )


@queues.post("/queues/<name>/remove")
def remove(name: str) -> Response:
    """Take a queue away that nothing leads to any more."""
    found = find(settings(), name)
    if found is None:
        abort(404)
    if ways := leads_to(settings(), f"queue {name}"):
        flash(_("Not removed: %(way)s leads here. Lead it elsewhere first.", way=ways[0]), "fault")
        return redirect(url_for("queues.queue", name=name), 303)
    form = Form({})
    if not save(form, REMOVED % {"name": found.title or name}, lambda now: without(now, name)):
        flash(form.faults[""], "fault")
        return redirect(url_for("queues.queue", name=name), 303)
    flash(_("Removed. You can undo it in the history."), "done")
    return redirect(url_for("queues.queues"), 303)
