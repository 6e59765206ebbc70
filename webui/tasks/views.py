"""Lost callers: the list, one of them, and closing a task with a note."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.calls.lookup import CallQuery
from appliance.calls.names import TaskId
from appliance.switchboard import asks
from appliance.switchboard.views import LiveTask
from webui.answers import done, refused
from webui.calls.views import may_see
from webui.desk import DeskAway, Refused, do
from webui.forms import Form
from webui.house import house
from webui.language import _
from webui.logins import me
from webui.saying import telephone

tasks = Blueprint("tasks", __name__, template_folder="templates")

CALLS_SHOWN = 10
DONE_SHOWN = 10


@tasks.get("/tasks", endpoint="tasks")
def open_tasks() -> str:
    """All open tasks, the oldest first; live."""
    pieces = house().office.pieces(house().desk.news(0, 0.0), "tasks")
    return render_template("tasks/tasks.html", pieces=pieces, page="tasks", done=house().archive.done_tasks(DONE_SHOWN))


@tasks.get("/tasks/<task>")
def task(task: str) -> str:
    """One lost caller, with what is known of them."""
    found = _find(task)
    if found is None:
        abort(404)
    calls = house().archive.search(CallQuery(number=found.number, limit=CALLS_SHOWN)).calls if found.number else ()
    return render_template("tasks/task.html", task=found, calls=calls, may_see=may_see, form=Form({}))


@tasks.post("/tasks/<task>/close")
def close(task: str) -> Response:
    """A person says it is dealt with."""
    form = Form(request.form)
    note = form.paragraph("note", longest=500)
    found = _find(task)
    try:
        if not form.is_good:
            raise Refused(form.faults["note"])
        do(house().desk, asks.CloseTask(0, me().name, TaskId(task), note))
    except Refused as no:
        return refused(no, url_for("tasks.tasks"))
    except DeskAway:
        return refused(Refused(_("The switchboard is restarting. Try again in a moment.")), url_for("tasks.tasks"))
    name = telephone(found.number) if found is not None else ""
    return done(_("Done: %(number)s", number=name), url_for("tasks.tasks"))


def _find(task: str) -> LiveTask | None:
    live = house().desk.news(0, 0.0).live
    return next((each for each in live.tasks if each.task == task), None) if live is not None else None
