"""What the calls of one line do, as the owner fills it in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from appliance.callflow.settings import Place
from appliance.switchboard.checking_outside import MOST_CALLS
from appliance.switchboard.settings import LineOptions, NumberRoute, Settings
from webui.desk import Refused
from webui.forms import Form
from webui.language import LANGUAGES, N_, _
from webui.lines import spending
from webui.lines.provider import read_provider, shown_provider
from webui.numbers import read_number
from webui.saving import GONE
from webui.ways import choices

FIELDS = {
    name: name
    for name in (
        "enters",
        "calls_at_once",
        "numbers",
        "prices",
        "calls_per_hour",
        "minutes_per_day",
        "cost_per_day",
        "longest_minutes",
        "domain",
        "proxy",
        "transport",
        "user",
        "login",
        "addresses",
        "main_number",
        "expires",
        "ping_seconds",
        "encryption",
    )
}
"""Where the desk's words about a line belong."""

MOST_NUMBERS = 100


def shown(line: LineOptions) -> dict[str, str | list[str]]:
    """The fields of a line."""
    fields: dict[str, str | list[str]] = {
        "enters": line.enters,
        "answer_after_rings": str(line.answer_after_rings),
        "language": line.language,
        "record_calls_out": "yes" if line.record_calls_out else "",
        **spending.shown(line.caps),
    }
    if line.provider is not None:
        fields |= {"calls_at_once": str(line.calls_at_once), **shown_provider(line.provider)}
        for row, route in enumerate(line.numbers):
            fields |= {f"number-{row}": route.number, f"to-{row}": route.enters}
    return fields


def read_line(form: Form, settings: Settings, before: LineOptions) -> LineOptions:
    """The line of the form, which was `before` until now."""
    line = replace(
        before,
        enters=form.choice("enters", [place for place, _words in choices(settings, before.enters)]),
        answer_after_rings=form.number("answer_after_rings", 1, 10),
        language=form.choice("language", {"", *LANGUAGES}),
        record_calls_out=form.has("record_calls_out"),
        caps=spending.read_caps(form),
    )
    if before.provider is None:
        return line
    return replace(
        line,
        calls_at_once=form.number("calls_at_once", 1, MOST_CALLS),
        numbers=tuple(_read_numbers(form, settings, before)),
        provider=read_provider(form, before.provider, settings.country),
    )


def _read_numbers(form: Form, settings: Settings, before: LineOptions) -> Iterator[NumberRoute]:
    known = [place for place, _words in choices(settings, *(route.enters for route in before.numbers))]
    seen: set[str] = set()
    for row in form.rows("number")[:MOST_NUMBERS]:
        number = read_number(form, f"number-{row}", settings.country)
        if number in seen:
            form.fault(f"number-{row}", _("This number is there twice."))
        seen.add(number)
        yield NumberRoute(number, Place(form.choice(f"to-{row}", known)))


def changed(settings: Settings, line: LineOptions) -> Settings:
    """The firm with this line changed."""
    if find(settings, line.name) is None:
        raise Refused(GONE)
    return replace(settings, lines=tuple(line if one.name == line.name else one for one in settings.lines))


def added(settings: Settings, line: LineOptions) -> Settings:
    """The firm with one line more."""
    if any(one.name.casefold() == line.name.casefold() for one in settings.lines):
        raise Refused(N_("There is one with this name already."), "lines.name")
    return replace(settings, lines=(*settings.lines, line))


def without(settings: Settings, name: str) -> Settings:
    """The firm without this line."""
    return replace(settings, lines=tuple(one for one in settings.lines if one.name != name))


def find(settings: Settings, name: str) -> LineOptions | None:
    """The line of this name."""
    return next((one for one in settings.lines if one.name == name), None)
