"""What somebody looks for in the call log."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from appliance.calls.lookup import CallQuery
from appliance.calls.names import Direction, Extension
from appliance.calls.record import Result
from webui.forms import Form
from webui.language import _
from webui.saying import zone

SEARCHED = ("text", "from", "to", "direction", "result", "operator")
"""The fields of the search line."""

SHOWN_RESULTS = (Result.ANSWERED, Result.MISSED, Result.INFORMED, Result.NOT_REACHED)


def read_query(form: Form, only: Extension | None) -> CallQuery:
    """The query of the search line. Days are days of the firm; `only` is set for an operator, who sees their own calls.

    A field that makes no sense is left out and said so.
    """
    direction = form.value("direction")
    result = form.value("result")
    return CallQuery(
        text=form.text("text", needed=False, longest=60),
        direction=Direction(direction) if direction in set(Direction) else None,
        result=Result(result) if result in SHOWN_RESULTS else None,
        operator=only if only is not None else Extension(form.value("operator")[:6]),
        since=_day(form, "from"),
        until=_day(form, "to", 1),
        before=form.value("before")[:80],
    )


def is_narrowed(query: CallQuery, only: Extension | None) -> bool:
    """Whether somebody looks for something particular."""
    particular = (query.text, query.direction, query.result, query.since, query.until)
    return any(each is not None and each != "" for each in particular) or bool(query.operator and only is None)


def _day(form: Form, name: str, later: int = 0) -> float | None:
    """The UTC second at which a day of the firm begins, `later` days on."""
    value = form.value(name)
    if not value:
        return None
    try:
        day = date.fromisoformat(value) + timedelta(days=later)
        return datetime.combine(day, time(), zone()).timestamp()
    except (ValueError, OverflowError):
        form.fault(name, _("This is not a day."))
        return None
