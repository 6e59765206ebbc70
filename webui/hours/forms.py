"""Opening hours as the owner fills them in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from appliance.callflow.hours import Span, minutes
from appliance.callflow.settings import HANG_UP, Hours, OpenSpan, SpecialDay
from appliance.switchboard.settings import Settings
from webui.desk import Refused
from webui.forms import Form
from webui.language import N_, _
from webui.saving import GONE
from webui.ways import choices

DAYS = range(7)
MOST_SPANS = 4
MOST_SPECIAL = 200

BLANK = Hours(
    name="",
    week=tuple(OpenSpan(day, "09:00", "17:00") for day in range(5)),
    open=HANG_UP,
    closed=HANG_UP,
)


def shown(hours: Hours) -> dict[str, str | list[str]]:
    """The fields of hours that are there."""
    fields: dict[str, str | list[str]] = {"open": hours.open, "closed": hours.closed}
    for day in DAYS:
        spans = sorted((span.begins, span.ends) for span in hours.week if span.day == day)
        fields |= _span_fields(f"{day}", spans)
    for row, special in enumerate(sorted(hours.special, key=lambda each: each.date)):
        fields |= {f"date-{row}": special.date, f"title-{row}": special.title}
        fields |= _span_fields(f"s{row}", sorted(special.spans))
    return fields


def _span_fields(where: str, spans: list[Span]) -> dict[str, str | list[str]]:
    fields: dict[str, str | list[str]] = {}
    for slot, (begins, ends) in enumerate(spans):
        fields[f"begins-{where}-{slot}"] = begins
        fields[f"ends-{where}-{slot}"] = ends
    return fields


def slots(form: Form, where: str) -> int:
    """How many spans to show for a day: as many as are filled in, and two at least (before and after a break)."""
    filled = [slot for slot in range(MOST_SPANS) if form.value(f"begins-{where}-{slot}")]
    return max(2, max(filled, default=0) + 1)


def special_rows(form: Form) -> list[int]:
    """The rows of special days that hold something, in order."""
    found = (name.removeprefix("date-") for name in form.names() if name.startswith("date-"))
    numbers = sorted(int(row) for row in found if row.isdecimal() and len(row) < 5)
    return [row for row in numbers if form.value(f"date-{row}") or form.value(f"title-{row}")][:MOST_SPECIAL]


def read_hours(form: Form, settings: Settings, before: Hours) -> Hours:
    """The hours of the form, which were `before` until now."""
    places = [place for place, _words in choices(settings, before.open, before.closed, without=f"hours {before.name}")]
    week = tuple(OpenSpan(day, *span) for day in DAYS for span in _read_spans(form, f"{day}", f"day-{day}"))
    return replace(
        before,
        week=week,
        open=form.choice("open", places),
        closed=form.choice("closed", places),
        special=_read_special(form),
    )


def _read_special(form: Form) -> tuple[SpecialDay, ...]:
    found: dict[str, SpecialDay] = {}
    for row in special_rows(form):
        day = form.value(f"date-{row}")
        try:
            date.fromisoformat(day)
        except ValueError:
            form.fault(f"date-{row}", _("Which day?"))
            continue
        if day in found:
            form.fault(f"date-{row}", _("This day is there twice."))
        spans = tuple(_read_spans(form, f"s{row}", f"date-{row}"))
        found[day] = SpecialDay(day, spans, form.text(f"title-{row}", needed=False, longest=60))
    return tuple(found[day] for day in sorted(found))


def _read_spans(form: Form, where: str, field: str) -> list[Span]:
    spans = []
    for slot in range(MOST_SPANS):
        begins, ends = (_clock(form.value(f"{name}-{where}-{slot}")) for name in ("begins", "ends"))
        if not begins and not ends:
            continue
        if not begins or not ends:
            form.fault(field, _("Both a beginning and an end, please."))
            continue
        ends = "24:00" if ends == "00:00" else ends
        if span := _good_span(form, field, begins, ends):
            spans.append(span)
    spans.sort()
    if any(minutes(one[1]) > minutes(other[0]) for one, other in pairwise(spans)):
        form.fault(field, _("These times overlap."))
    return spans


def _clock(sent: str) -> str:
    """`9`, `930` and `9.30` as people type them are `09:00` and `09:30`; what is no time of day stays as it is."""
    found = re.fullmatch(r"([01]?[0-9]|2[0-4])(?:[:.]?([0-5][0-9]))?", sent.strip(), re.ASCII)
    return f"{int(found[1]):02}:{found[2] or '00'}" if found else sent.strip()[:5]


def _good_span(form: Form, field: str, begins: str, ends: str) -> Span | None:
    try:
        if minutes(begins) < minutes(ends):
            return begins, ends
        form.fault(field, _("It ends before it begins. Hours past midnight are written on two days."))
    except ValueError:
        form.fault(field, _("A time looks like 09:30."))
    return None


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of an open day in a picture 1440 wide."""

    x: int
    width: int


def bars(spans: Iterable[Span]) -> list[Bar]:
    """The open times of a day to draw; times that make no sense are left out."""
    drawn = []
    for begins, ends in spans:
        try:
            drawn.append(Bar(minutes(begins), max(0, minutes(ends) - minutes(begins))))
        except ValueError:
            continue
    return drawn


def find(settings: Settings, name: str) -> Hours | None:
    """The hours of this name."""
    return next((each for each in settings.flow.hours if each.name == name), None)


def added(settings: Settings, hours: Hours) -> Settings:
    """The firm with one more table of hours."""
    if find(settings, hours.name) is not None:
        raise Refused(N_("There is one with this name already."), "name")
    return replace(settings, flow=replace(settings.flow, hours=(*settings.flow.hours, hours)))


def changed(settings: Settings, hours: Hours) -> Settings:
    """The firm with these hours changed."""
    if find(settings, hours.name) is None:
        raise Refused(GONE)
    table = tuple(hours if each.name == hours.name else each for each in settings.flow.hours)
    return replace(settings, flow=replace(settings.flow, hours=table))


def without(settings: Settings, name: str) -> Settings:
    """The firm without these hours."""
    left = tuple(each for each in settings.flow.hours if each.name != name)
    return replace(settings, flow=replace(settings.flow, hours=left))
