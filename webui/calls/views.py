"""The call log, one call, and its recording."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, abort, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from appliance.calls.names import CallId, Extension
from appliance.calls.record import CallRecord
from webui.calls import sound
from webui.calls.forms import SEARCHED, SHOWN_RESULTS, is_narrowed, read_query
from webui.calls.story import story
from webui.forms import Form
from webui.house import house
from webui.logins import is_owner, me
from webui.saying import settings

calls = Blueprint("calls", __name__, template_folder="templates")


@calls.get("/calls", endpoint="calls")
def call_log() -> str:
    """Calls that fit, newest first, a page at a time."""
    only = None if is_owner() else me().extension
    form = Form(request.args)
    query = read_query(form, only)
    found = house().archive.search(query) if only != "" else None
    return render_template(
        "calls/calls.html",
        form=form,
        found=found.calls if found is not None else (),
        older=_older(form, found.older) if found is not None and found.older else "",
        first=not query.before,
        narrowed=is_narrowed(query, only),
        results=SHOWN_RESULTS,
        people=settings().people,
    )


def _older(form: Form, before: str) -> str:
    """The address of the next page of the same search."""
    asked = {name: form.value(name) for name in SEARCHED if form.value(name)}
    return f"{url_for('calls.calls')}?{urlencode(asked | {'before': before})}"


@calls.get("/calls/<call>")
def call(call: str) -> str:
    """One call with every step."""
    record = _record(call)
    path = sound.recording_path(house().config.recordings, record.recording)
    picture = sound.picture(path) if path is not None else None
    return render_template(
        "calls/call.html",
        call=record,
        story=story(record),
        has_sound=path is not None,
        picture=picture,
        outline=sound.outline,
    )


@calls.get("/calls/<call>/recording.wav")
def recording(call: str) -> Response:
    """The sound; browsers ask for the part they need (RFC 9110, section 14)."""
    record = _record(call)
    path = sound.recording_path(house().config.recordings, record.recording)
    if path is None:
        abort(404)
    name = f"{record.call}.wav"
    answer = send_file(
        path, mimetype="audio/wav", conditional=True, download_name=name, as_attachment="save" in request.args
    )
    answer.cache_control.no_cache = None
    answer.cache_control.private = True
    answer.cache_control.max_age = 3600
    return answer


def _record(call: str) -> CallRecord:
    record = house().archive.call(CallId(call))
    if record is None or not may_see(record):
        abort(404)
    return record


def may_see(record: CallRecord) -> bool:
    """Whether this call is any business of who asks: the owner's always, an operator's when they were in it."""
    return is_owner() or (bool(me().extension) and takes_part(record, me().extension))


def takes_part(record: CallRecord, extension: Extension) -> bool:
    """Whether somebody talked in this call, made it, or was called by it."""
    return extension in record.operators or extension in {record.caller, record.dialled}
