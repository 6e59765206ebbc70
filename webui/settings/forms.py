"""The firm as the owner fills it in."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import replace
from functools import cache

from babel import Locale
from babel.numbers import get_currency_name, get_territory_currencies
from flask_babel import get_locale

from appliance.switchboard.settings import Settings
from webui.forms import Form
from webui.language import LANGUAGES, _
from webui.saying import upper_first

FIELDS = {"timezone": "timezone", "record_prefix": "record_prefix"}


def countries() -> list[tuple[str, str]]:
    """Code and name of every country, by name in the reader's language."""
    names = Locale.parse(str(get_locale() or "en")).territories
    found = [(code, name) for code, name in names.items() if re.fullmatch("[A-Z]{2}", code) and code not in _NO_COUNTRY]
    return sorted(found, key=lambda pair: pair[1].casefold())


_NO_COUNTRY = {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"}
"""Codes in the list that are no country with telephones of its own."""


def currencies(now: str) -> list[tuple[str, str]]:
    """Code and name of every currency people pay with, by name in the reader's language; first none."""
    locale = get_locale() or "en_GB"
    codes = {code for country, _name in countries() for code in get_territory_currencies(country)} | {now} - {""}
    found = [(code, f"{upper_first(get_currency_name(code, locale=locale))} ({code})") for code in codes]
    return [("", _("none")), *sorted(found, key=lambda pair: pair[1].casefold())]


@cache
def timezones() -> list[str]:
    """Every time zone that is a place."""
    places = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return sorted(name for name in zoneinfo.available_timezones() if name.startswith(places))


def shown(settings: Settings) -> dict[str, str | list[str]]:
    """The fields of the firm."""
    return {
        "firm": settings.firm,
        "language": settings.language,
        "country": settings.country,
        "timezone": settings.timezone,
        "currency": settings.currency,
        "record_prefix": settings.record_prefix,
        "emergency_numbers": ", ".join(settings.emergency_numbers),
    }


def read_firm(form: Form, before: Settings) -> Settings:
    """The firm of the form; what is not on it stays as it was."""
    return replace(
        before,
        firm=form.text("firm", longest=60),
        language=form.choice("language", LANGUAGES),
        country=form.choice("country", {before.country, *(code for code, _name in countries())}),
        timezone=form.choice("timezone", {before.timezone, *timezones()}),
        currency=form.choice("currency", {code for code, _name in currencies(before.currency)}),
        record_prefix=_read_prefix(form),
        emergency_numbers=_read_numbers(form),
    )


def _read_prefix(form: Form) -> str:
    prefix = form.text("record_prefix", needed=False)
    if not re.fullmatch(r"[0-9]{0,4}", prefix):
        form.fault("record_prefix", _("One to four digits, or nothing."))
    return prefix


def _read_numbers(form: Form) -> tuple[str, ...]:
    numbers = re.split(r"[\s,;]+", form.text("emergency_numbers", needed=False, longest=200))
    wanted = tuple(dict.fromkeys(number for number in numbers if number))
    if not all(re.fullmatch(r"[0-9]{2,6}", number) for number in wanted):
        form.fault("emergency_numbers", _("Numbers of 2 to 6 digits with commas between them, please."))
    return wanted


def part(settings: Settings) -> tuple[object, ...]:
    """What this page changes, to notice when another has."""
    return (
        settings.firm,
        settings.language,
        settings.country,
        settings.timezone,
        settings.currency,
        settings.record_prefix,
        settings.emergency_numbers,
    )
