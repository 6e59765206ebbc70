"""What the owner is told before anything goes live."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.callflow.settings import Announcement, Choice, FlowSettings, Hours, Menu, OpenSpan, SpecialDay
from appliance.calls.names import Extension
from appliance.switchboard.checking import check, places
from appliance.switchboard.settings import Person, Settings
from tests.switchboard.office import firm

GOOD = firm()
MENU = GOOD.flow.menus[0]
QUEUE = GOOD.queues[0]


def flow(**changes: object) -> Settings:
    return replace(GOOD, flow=replace(GOOD.flow, **changes))  # type: ignore[arg-type]


def test_a_sensible_firm_has_no_problems() -> None:
    assert check(GOOD) == []
    assert places(GOOD) == [
        "hours office",
        "menu main",
        "queue office",
        "phone 101",
        "phone 102",
        "phone 103",
        "say closed",
        "hang up",
    ]


@pytest.mark.parametrize(
    ("settings", "where", "words"),
    [
        (replace(GOOD, timezone="Europe/Nowhere"), "timezone", "there is no time zone 'Europe/Nowhere'"),
        (replace(GOOD, record_prefix="*8"), "record_prefix", "not a number that can be dialled"),
        (replace(GOOD, people=(*GOOD.people, Person(Extension("101"), "Twin"))), "people.101.extension", "already"),
        (replace(GOOD, people=(*GOOD.people, Person(Extension("x1"), "X"))), "people.x1.extension", "2 to 6 digits"),
        (replace(GOOD, people=(*GOOD.people, Person(Extension("199"), "X"))), "people.199.extension", "emergency"),
        (replace(GOOD, people=(*GOOD.people, Person(Extension("700"), "X"))), "queues.office.extension", "already"),
        (replace(GOOD, queues=(replace(QUEUE, operators=(Extension("999"),)),)), "queues.office.operators", "999"),
        (replace(GOOD, queues=(replace(QUEUE, ring_seconds=0),)), "queues.office.ring_seconds", "more than 0"),
        (replace(GOOD, queues=(replace(QUEUE, ring_seconds=float("nan")),)), "queues.office.ring_seconds", "more than"),
        (replace(GOOD, queues=(replace(QUEUE, wrap_up_seconds=-1),)), "queues.office.wrap_up_seconds", "less than 0"),
        (replace(GOOD, queues=(replace(QUEUE, when_too_long="queue office"),)), "queues.office.when_too_long", "same"),
        (replace(GOOD, queues=(QUEUE, QUEUE)), "queues.office", "two queues"),
        (flow(menus=(replace(MENU, texts={"en": " "}),)), "menus.main.texts", "nothing to say"),
        (flow(menus=(replace(MENU, choices=()),)), "menus.main.choices", "at least one key"),
        (flow(menus=(replace(MENU, tries=0),)), "menus.main.tries", "at least once"),
        (flow(menus=(replace(MENU, choices=(Choice("12", "hang up"),)),)), "menus.main.choices.12.key", "not a key"),
        (
            flow(menus=(replace(MENU, choices=(Choice("1", "hang up"), Choice("1", "queue office"))),)),
            "menus.main.choices.1.key",
            "two places",
        ),
        (
            flow(menus=(replace(MENU, choices=(Choice("1", "menu mian"),)),)),
            "menus.main.choices.1.to",
            "no place 'menu mian'",
        ),
        (flow(menus=(replace(MENU, then="menu main"),)), "menus.main", "in a circle"),
        (
            flow(
                announcements=(
                    Announcement("closed", {"en": "a"}, then="say more"),
                    Announcement("more", {"en": "b"}, then="say closed"),
                )
            ),
            "announcements.closed",
            "in a circle",
        ),
        (
            flow(hours=(Hours("office", (OpenSpan(0, "18:00", "09:00"),), "menu main", "say closed"),)),
            "hours.office.week",
            "ends before it begins",
        ),
        (
            flow(hours=(Hours("office", (OpenSpan(9, "09:00", "18:00"),), "menu main", "say closed"),)),
            "hours.office.week",
            "not a day",
        ),
        (
            flow(
                hours=(Hours("office", (), "menu main", "say closed", (SpecialDay("2026-12-24", (("9", "12:00"),)),)),)
            ),
            "hours.office.special.2026-12-24",
            "not a time of day",
        ),
        (replace(GOOD, lines=(replace(GOOD.lines[0], enters="menu other"),)), "lines.gsm1.enters", "no place"),
    ],
)
def test_each_contradiction_is_named_with_its_place(settings: Settings, where: str, words: str) -> None:
    problems = check(settings)
    assert any(problem.where == where and words in problem.words for problem in problems), problems


def test_a_menu_that_leads_on_through_another_menu_and_back_is_a_circle() -> None:
    other = Menu("other", {"en": "Other."}, (Choice("1", "queue office"),), then="menu main")
    settings = replace(GOOD, flow=FlowSettings(menus=(replace(MENU, then="menu other"), other)), lines=())
    assert {problem.where for problem in check(settings) if "circle" in problem.words} == {"menus.main", "menus.other"}
