"""What the calls of one line do, as the owner fills it in."""

from __future__ import annotations

from dataclasses import replace

from appliance.switchboard.settings import LineOptions, Settings
from webui.desk import Refused
from webui.forms import Form
from webui.language import LANGUAGES
from webui.saving import GONE
from webui.ways import choices

FIELDS = {"enters": "enters"}


def shown(line: LineOptions) -> dict[str, str | list[str]]:
    """The fields of a line."""
    return {
        "enters": line.enters,
        "answer_after_rings": str(line.answer_after_rings),
        "language": line.language,
        "record_calls_out": "yes" if line.record_calls_out else "",
    }


def read_line(form: Form, settings: Settings, before: LineOptions) -> LineOptions:
    """The line of the form, which was `before` until now."""
    return replace(
        before,
        enters=form.choice("enters", [place for place, _words in choices(settings, before.enters)]),
        answer_after_rings=form.number("answer_after_rings", 1, 10),
        language=form.choice("language", {"", *LANGUAGES}),
        record_calls_out=form.has("record_calls_out"),
    )


def changed(settings: Settings, line: LineOptions) -> Settings:
    """The firm with this line changed."""
    if find(settings, line.name) is None:
        raise Refused(GONE)
    return replace(settings, lines=tuple(line if one.name == line.name else one for one in settings.lines))


def find(settings: Settings, name: str) -> LineOptions | None:
    """The line of this name."""
    return next((one for one in settings.lines if one.name == name), None)
