"""What a line may spend: against toll fraud, and against a telephone that was left off its hook."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.switchboard.settings import Caps, Price
from webui.forms import Form, figures
from webui.language import _
from webui.numbers import beginning

MOST_PRICES = 200
MOST_COST = 1_000_000.0
MOST_PRICE = 10_000.0
DAY_MINUTES = 1440


def shown(caps: Caps) -> dict[str, str | list[str]]:
    """The fields; empty where there is no limit."""
    fields: dict[str, str | list[str]] = {
        "calls_per_hour": str(caps.calls_per_hour or ""),
        "minutes_per_day": str(caps.minutes_per_day or ""),
        "cost_per_day": figures(caps.cost_per_day),
        "longest_minutes": str(caps.longest_minutes or ""),
    }
    particular = [price for price in caps.prices if price.begins]
    for row, price in enumerate(particular):
        fields |= {f"begins-{row}": price.begins, f"costs-{row}": figures(price.per_minute) or "0"}
    others = [price for price in caps.prices if not price.begins]
    return fields | {"costs_else": (figures(others[0].per_minute) or "0") if others else ""}


def read_caps(form: Form) -> Caps:
    """The caps of the form; what is left empty is not limited."""
    caps = Caps(
        calls_per_hour=form.number("calls_per_hour", 1, 10_000, needed=False),
        minutes_per_day=form.number("minutes_per_day", 1, 500 * DAY_MINUTES, needed=False),
        cost_per_day=form.amount("cost_per_day", MOST_COST),
        longest_minutes=form.number("longest_minutes", 1, DAY_MINUTES, needed=False),
        prices=tuple(_read_prices(form)),
    )
    if caps.cost_per_day and not caps.prices:
        form.fault(
            "cost_per_day", _("To count what calls cost, the box has to know the prices: give at least one below.")
        )
    return caps


def _read_prices(form: Form) -> Iterator[Price]:
    seen: set[str] = set()
    for row in form.rows("begins", "costs")[:MOST_PRICES]:
        begins = beginning(form.text(f"begins-{row}", needed=False, longest=30))
        if begins is None:
            form.fault(f"begins-{row}", _("It begins with + and the code of a country, for instance +39."))
            continue
        if begins in seen:
            form.fault(f"begins-{row}", _("This beginning is there twice."))
        if not form.value(f"costs-{row}").strip():
            form.fault(f"costs-{row}", _("What does a minute cost?"))
        seen.add(begins)
        yield Price(begins, form.amount(f"costs-{row}", MOST_PRICE))
    if form.value("costs_else").strip():
        yield Price("", form.amount("costs_else", MOST_PRICE))
