"""Opening hours by the wall clock of the firm, over the days when that clock jumps."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from appliance.callflow.hours import is_open, minutes, opens_next
from appliance.callflow.settings import Hours, OpenSpan, SpecialDay

TIRANA = ZoneInfo("Europe/Tirane")
WEEK = (*(OpenSpan(day, "09:00", "18:00") for day in range(5)), OpenSpan(5, "10:00", "14:00"))
OFFICE = Hours(
    "office",
    WEEK,
    "menu main",
    "say closed",
    (
        SpecialDay("2026-11-27", (), "Holiday"),
        SpecialDay("2026-11-29", (("10:00", "12:00"),), "Fair"),
    ),
)


def at(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=TIRANA, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("when", "opened"),
    [
        ("2026-11-18 08:59", False),
        ("2026-11-18 09:00", True),
        ("2026-11-18 17:59", True),
        ("2026-11-18 18:00", False),
        ("2026-11-21 13:00", True),
        ("2026-11-22 13:00", False),
        ("2026-11-27 12:00", False),
        ("2026-11-29 11:00", True),
    ],
)
def test_open_or_closed(when: str, opened: bool) -> None:
    assert is_open(OFFICE, at(when), TIRANA) is opened


def test_the_hour_that_exists_twice_and_the_one_that_does_not() -> None:
    night = Hours("night", tuple(OpenSpan(day, "02:00", "03:00") for day in range(7)), "a", "b")
    assert is_open(night, at("2026-10-25 02:30", fold=0), TIRANA)
    assert is_open(night, at("2026-10-25 02:30", fold=1), TIRANA)
    before, after = at("2026-03-29 01:59"), at("2026-03-29 03:00")
    assert after - before == 60
    assert not is_open(night, before, TIRANA)
    assert not is_open(night, after, TIRANA)


def test_until_midnight() -> None:
    late = Hours("late", (OpenSpan(4, "20:00", "24:00"),), "a", "b")
    assert is_open(late, at("2026-11-20 23:59"), TIRANA)
    assert not is_open(late, at("2026-11-21 00:00"), TIRANA)


@pytest.mark.parametrize(
    ("when", "next_opening"),
    [
        ("2026-11-18 08:00", "2026-11-18 09:00"),
        ("2026-11-18 12:00", "2026-11-19 09:00"),
        ("2026-11-26 19:00", "2026-11-28 10:00"),
        ("2026-11-28 15:00", "2026-11-29 10:00"),
    ],
)
def test_when_it_opens_next(when: str, next_opening: str) -> None:
    opening = opens_next(OFFICE, at(when), TIRANA)
    assert opening is not None
    assert opening.timestamp() == at(next_opening)


def test_a_firm_that_never_opens() -> None:
    assert opens_next(Hours("never", (), "a", "b"), at("2026-11-18 08:00"), TIRANA) is None


@pytest.mark.parametrize("clock", ["9", "9:5", "25:00", "24:01", "09:60", "nine", "", "-1:00"])
def test_times_of_day_that_are_none(clock: str) -> None:
    with pytest.raises(ValueError, match=r"time of day|later than"):
        minutes(clock)
