"""Opening hours of a site file, as people write them: `mon-fri 09:00-13:00 14:00-18:00`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.callflow.settings import HANG_UP, Hours, OpenSpan, SpecialDay
from appliance.supervisor.site_reader import Table


def hours(table: Table) -> Hours:
    """One table under `hours`."""
    found = Hours(
        name=table.text("name"),
        week=tuple(span for path, words in table.texts("week") for span in _week(table, path, words)),
        open=table.text("open", HANG_UP),
        closed=table.text("closed", HANG_UP),
        special=tuple(_special_day(one) for one in table.each("special", "date", "hours")),
    )
    table.close()
    return found


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d?\d):(\d\d)\s*-\s*(\d?\d):(\d\d)")


def _week(table: Table, path: tuple[str | int, ...], words: str) -> Iterator[OpenSpan]:
    """`mon-fri 09:00-13:00 14:00-18:00`, or `sat,sun 10:00-14:00`."""
    days, _, times = words.strip().lower().partition(" ")
    numbers = _days(days)
    spans = _spans(times)
    if not numbers or not spans:
        table.notes.add(path, f"{words!r} is not a piece of a week; write it like 'mon-fri 09:00-18:00'")
    for day in numbers:
        for begins, ends in spans:
            yield OpenSpan(day, begins, ends)


def _days(words: str) -> list[int]:
    """Numbers of the days; none when the words make no sense. `sat-mon` goes over the weekend."""
    numbers: list[int] = []
    for part in words.split(","):
        first, _, last = part.partition("-")
        if first[:3] not in DAYS or (last or first)[:3] not in DAYS:
            return []
        begin, end = DAYS.index(first[:3]), DAYS.index((last or first)[:3])
        numbers += [(begin + step) % 7 for step in range((end - begin) % 7 + 1)]
    return numbers


def _spans(words: str) -> tuple[tuple[str, str], ...]:
    """Times of one day; none when there is anything else in the words."""
    if _SPAN.sub("", words).strip(" ,"):
        return ()
    return tuple((f"{found[1]:0>2}:{found[2]}", f"{found[3]:0>2}:{found[4]}") for found in _SPAN.finditer(words))


def _special_day(table: Table) -> SpecialDay:
    date, words = table.text("date"), table.text("hours", "closed")
    spans = _spans(words)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        table.bad("date", f"{date!r} is not a date; write it like 2026-11-28")
    if not spans and words != "closed":
        table.bad("hours", f"{words!r} makes no sense; write 'closed', or hours like '10:00-14:00'")
    special = SpecialDay(date, spans, table.text("title"))
    table.close()
    return special
