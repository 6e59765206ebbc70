"""Everything the pages say, in all three languages."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from appliance.callcenter.settings import QueueSettings
from appliance.callflow.settings import Announcement, Choice, FlowSettings, Hours, Menu, OpenSpan
from appliance.calls.facts import EndedBy, OperatorState
from appliance.calls.names import Cause, Direction, Encryption, Extension, LineId
from appliance.calls.record import Result
from appliance.lines.health import Health
from appliance.switchboard.checking import check
from appliance.switchboard.settings import Caps, LineOptions, NumberRoute, Person, Price, Provider, Settings
from tests.webui import catalogs
from tests.webui.conftest import Browser
from webui import saying
from webui.heard import heard

TEMPLATES = sorted((catalogs.WEBUI).rglob("templates/**/*.html"))


@pytest.mark.parametrize("language", catalogs.LANGUAGES)
def test_every_word_is_translated(language: str) -> None:
    there = {message.id: message for message in catalogs.read(language) if message.id}
    wanted = {message.id for message in catalogs.wanted() if message.id}
    assert wanted - set(there) == set(), "run python -m tests.webui.catalogs, then translate"
    assert set(there) - wanted == set(), "run python -m tests.webui.catalogs"
    for words, message in there.items():
        assert not message.fuzzy, words
        assert all(catalogs.words_of(message)), words


@pytest.mark.parametrize("language", catalogs.LANGUAGES)
def test_translations_keep_the_holes_and_the_ends(language: str) -> None:
    for message in catalogs.read(language):
        if not message.id:
            continue
        one = message.id if isinstance(message.id, str) else message.id[1]
        for words in catalogs.words_of(message):
            allowed = catalogs.holes(one)
            assert catalogs.holes(words) <= allowed, words
            assert allowed - catalogs.holes(words) <= {"num"}, words
            assert one.endswith(".") == words.endswith("."), words
            assert words == words.strip(), words
            assert "%%" not in words or "%%" in one, words


@pytest.mark.parametrize("language", catalogs.LANGUAGES)
def test_translations_are_in_their_language(language: str) -> None:
    """A word left in English by accident would have letters of the wrong alphabet, or be the English one."""
    same = {"Server", "Port", "Menu", "operator", "Operator"}
    for message in catalogs.read(language):
        for words in catalogs.words_of(message) if message.id else ():
            bare = re.sub(r"%\(\w+\)s|\W|[A-Z]{2,}|\./qendra doctor|Europe/Tirane", "", words)
            if language == "ru" and bare:
                assert re.search("[а-яё]", bare, re.IGNORECASE), words
            assert words not in (message.id, *message.id) or words in same or not re.search("[a-z]{3}", bare), words


class _Literals(HTMLParser):
    """Text, and attributes people read, that is not made by the template."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found += re.findall(r"[^\W\d_]{2,}[^\n]*", data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        for name, value in attrs:
            if name in {"alt", "title", "aria-label", "placeholder"} and value and re.search(r"[^\W\d_]{2,}", value):
                self.found.append(value)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_anything_untranslated(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"^.*?(?=<)", "", text, count=1, flags=re.DOTALL)
    literals = _Literals()
    literals.feed(text)
    assert [words for words in literals.found if not _is_no_word(words.strip())] == []


def _is_no_word(words: str) -> bool:
    """The product's name, a class of a block, an attribute a macro makes."""
    return words in {"Qendra", "alone"} or words.startswith("aria-")


def test_every_value_has_a_word() -> None:
    for table, kind in (
        ("state", OperatorState), ("result", Result), ("direction", Direction), ("cause", Cause), ("ended_by", EndedBy)
    ):  # fmt: skip
        assert set(saying.WORDS[table]) == {each.value for each in kind}, table


ODD = Settings(
    timezone="Mars/Base",
    record_prefix="a",
    emergency_numbers=("9999",),
    people=(Person(Extension("1"), "x"), Person(Extension("9999"), "y"), Person(Extension("101"), "z")),
    queues=(
        QueueSettings("a", "", (Extension("5"),), Extension("101"), 0.0, -1.0, -1.0, 0.0, "queue a"),
        QueueSettings("a", "", ()),
    ),
    flow=FlowSettings(
        menus=(
            Menu("m", {}, (Choice("x", "menu gone"), Choice("1", "hang up"), Choice("1", "hang up")), tries=0),
            Menu("", {"en": "x"}, ()),
            Menu("loop", {"en": "x"}, (Choice("1", "hang up"),), then="menu loop"),
        ),
        announcements=(Announcement("s", {}),),
        hours=(
            Hours(
                "h", (OpenSpan(9, "10:00", "09:00"), OpenSpan(1, "x", "25:00"), OpenSpan(1, "1:00", "25:00")), "a", "b"
            ),
        ),
    ),
    lines=(LineOptions(LineId("l"), "menu gone"),),
)

ODD_OUTSIDE = Settings(
    record_prefix="10",
    emergency_numbers=("10102",),
    people=(Person(Extension("101"), "x", also=("39",)), Person(Extension("102"), "y")),
    lines=(
        LineOptions(
            LineId("l"),
            "hang up",
            calls_at_once=0,
            numbers=(NumberRoute("x", "hang up"), NumberRoute("042", "hang up"), NumberRoute("042", "hang up")),
            caps=Caps(calls_per_hour=-1, cost_per_day=1.0, prices=(Price("", 0.0), Price("", 0.0), Price("+1", 0.0))),
            provider=Provider(
                proxy="?", user="@", transport="x", addresses=("?",), expires=0, ping_seconds=-1.0, main_number="x"
            ),
        ),
        LineOptions(
            LineId("m"),
            "hang up",
            caps=Caps(prices=(Price("+1", 0.0), Price("+1", 0.0))),
            provider=Provider(domain="x", transport="udp", encryption=Encryption.REQUIRED),
        ),
    ),
    outside_name="?",
    outside_port=-1,
)


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("language", catalogs.LANGUAGES)
def test_whatever_the_check_of_the_settings_says_is_translated(app: Flask, language: str) -> None:
    problems = [*check(ODD), *check(ODD_OUTSIDE)]
    assert len(problems) > 20
    with app.test_request_context(), force_locale(language):
        for problem in problems:
            assert heard(problem.words) != problem.words, problem


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("language", catalogs.LANGUAGES)
def test_whatever_a_line_says_of_itself_is_translated(app: Flask, language: str) -> None:
    health = Health(LineId("gsm-1"))
    said = [health.news()]
    health.ready, health.starting, health.circuit, health.operator, health.signal = True, "", 1, "Vodafone AL", 67
    said.append(health.news())
    for circuit, signal in ((5, 40), (3, None), (2, None)):
        health.circuit, health.signal = circuit, signal
        said.append(health.news())
    health.trouble = "the modem is silent; trying again in 15 s"
    said.append(health.news())
    with app.test_request_context(), force_locale(language):
        for news in said:
            assert news is not None
            assert heard(news.words) != news.words, news


@pytest.mark.usefixtures("owner")
def test_names_and_figures_in_a_sentence_stay(app: Flask) -> None:
    with app.test_request_context(), force_locale("ru"):
        assert heard("registered at Vodafone AL, signal 67 %") == "в сети Vodafone AL, сигнал 67 %"
        assert heard("Changed: menu main") == "Изменено: Меню «main»"
        assert heard(
            "The disk is full. What happens now is kept in memory only, and written as soon as the disk takes it."
        ) == ("Диск заполнен. Происходящее хранится только в памяти и будет записано, как только диск его примет.")
        assert "too many" not in heard("too many wrong passwords for extension 101")
        assert heard("a sentence of a newer box") == "a sentence of a newer box"
        assert heard("") == ""
        assert heard("<b>lunch</b>") == "<b>lunch</b>"


@pytest.mark.parametrize(
    "page", ["/", "/calls", "/calls/past-0", "/tasks", "/operators", "/menus", "/hours", "/settings/box"]
)
def test_a_russian_page_has_no_english_on_it(owner: Browser, page: str) -> None:
    """Names and words of the owner are Albanian or Russian here; the rest has to be Russian."""
    text = owner.get(f"{page}?language=ru").text
    body = re.sub(r"<(script|svg|head).*?</\1>", "", text, flags=re.DOTALL)
    words = re.sub(r"<[^>]+>|«.*?»|<h2.*?</h2>", " ", body)
    for english in (
        "the",
        "and",
        "call",
        "calls",
        "waiting",
        "operator",
        "ready",
        "open",
        "closed",
        "answered",
        "line",
    ):
        assert not re.search(rf"\b{english}\b", words), english


@pytest.mark.usefixtures("owner")
def test_russian_counts(app: Flask) -> None:
    with app.test_request_context(), force_locale("ru"):
        assert [saying.in_words(seconds) for seconds in (1, 2, 5, 11, 21, 60, 120, 300)] == [
            "1 секунда", "2 секунды", "5 секунд", "11 секунд", "21 секунда", "1 минута", "2 минуты", "5 минут",
        ]  # fmt: skip


@pytest.mark.usefixtures("owner")
def test_times_as_people_say_them(app: Flask) -> None:
    at = 1_795_262_000.0  # Saturday, 2026-11-21, 12:53:20 in Tirana
    with app.test_request_context(), force_locale("en_GB"):
        assert saying.when(at) == "12:53"
        assert saying.when(at - 86400) == "yesterday 12:53"
        assert saying.when(at - 4 * 86400) == "Tue 17 Nov, 12:53"
        assert saying.when(at - 400 * 86400) == "17 Oct 2025, 13:53"
        assert saying.day_heading(at - 4 * 86400) == "Tuesday, 17 November"
        assert [saying.lasted(seconds) for seconds in (None, -3, 0, 42, 725, 3730)] == [
            "",
            "0:00",
            "0:00",
            "0:42",
            "12:05",
            "1:02:10",
        ]
        assert saying.telephone("+355690001234") == "+355 69 000 1234"
        assert saying.telephone("0690001234") == "+355 69 000 1234"
        assert saying.telephone("101") == "101"
        assert saying.telephone("abc@example") == "abc@example"
        assert saying.telephone("") == "number withheld"
    with app.test_request_context(), force_locale("sq"):
        assert saying.weekday(0) == "E hënë"


@pytest.mark.usefixtures("owner")
def test_an_odd_time_zone_is_no_trouble(app: Flask) -> None:
    firm = app.extensions["qendra"].firm
    with app.test_request_context():
        at, seen = firm._seen
        firm._seen = (at, replace(seen, settings=replace(seen.settings, timezone="Mars/Base")))
        assert saying.clock_time(0.0) == "00:00"
