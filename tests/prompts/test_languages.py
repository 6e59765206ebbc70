"""The sentences of the house."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from babel import Locale
from babel.dates import get_day_names

from appliance.prompts.fault import PromptFault
from appliance.prompts.language import DAYS, PHRASES, Language, languages, placeholders

HOUSE = Path(__file__).parents[2]
SPOKEN = languages()
VALUES = {
    "firm": "Agron",
    "position": "21",
    "minutes": "23",
    "day": "tuesday",
    "time": "13:05",
    "extension": "101",
}


def test_english_russian_and_albanian_are_found() -> None:
    assert {code: language.name for code, language in SPOKEN.items()} == {
        "en": "English",
        "ru": "Русский",
        "sq": "Shqip",
    }


@pytest.mark.parametrize("code", SPOKEN)
def test_every_language_has_the_same_sentences_with_the_same_values(code: str) -> None:
    def shape(language: Language) -> dict[str, set[str]]:
        return {name: set(placeholders(words)) for name, words in language.sentences.items()}

    assert shape(SPOKEN[code]) == shape(SPOKEN["en"])


@pytest.mark.parametrize("code", SPOKEN)
def test_every_sentence_is_whole(code: str) -> None:
    for name in SPOKEN[code].sentences:
        words = SPOKEN[code].sentence(name, VALUES)
        assert words[0].isupper(), words
        assert words[-1] == ".", words
        assert not re.search(r"[{}0-9]|  ", words), words


def test_every_sentence_the_house_asks_for_exists() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (HOUSE / "appliance").rglob("*.py"))
    asked = set(re.findall(r"""Phrase\(\s*["'](\w+)["']""", code))
    assert asked <= set(SPOKEN["en"].sentences)


@pytest.mark.parametrize(
    ("code", "minutes", "words"),
    [
        ("en", 1, "about one minute."),
        ("en", 21, "about twenty-one minutes."),
        ("en", 105, "about one hundred and five minutes."),
        ("ru", 1, "ожидания: одна минута."),
        ("ru", 2, "ожидания: две минуты."),
        ("ru", 5, "ожидания: пять минут."),
        ("ru", 11, "ожидания: одиннадцать минут."),
        ("ru", 12, "ожидания: двенадцать минут."),
        ("ru", 21, "ожидания: двадцать одна минута."),
        ("ru", 24, "ожидания: двадцать четыре минуты."),
        ("ru", 111, "ожидания: сто одиннадцать минут."),
        ("ru", 122, "ожидания: сто двадцать две минуты."),
        ("sq", 1, "rreth një minutë."),
        ("sq", 3, "rreth tri minuta."),
        ("sq", 13, "rreth trembëdhjetë minuta."),
        ("sq", 43, "rreth dyzet e tri minuta."),
    ],
)
def test_minutes_are_counted_as_people_count(code: str, minutes: int, words: str) -> None:
    assert SPOKEN[code].sentence("waiting_time", {"minutes": str(minutes)}).endswith(words)


@pytest.mark.parametrize("code", SPOKEN)
def test_plural_forms_agree_with_the_unicode_rules(code: str) -> None:
    rule = Locale.parse(code).plural_form
    forms: dict[str, set[str]] = {}
    for number in range(1000):
        words = SPOKEN[code].sentence("waiting_time_long", {"minutes": str(number)})
        noun = next(word for word in re.findall(r"\w+", words) if word.startswith(("minut", "минут")))
        forms.setdefault(rule(number), set()).add(noun)
    assert all(len(nouns) == 1 for nouns in forms.values()), forms
    assert len(set.union(*forms.values())) == len(forms)


@pytest.mark.parametrize("code", SPOKEN)
def test_no_two_numbers_sound_alike(code: str) -> None:
    numbers = SPOKEN[code].numbers
    assert len({numbers.words(number) for number in range(1000)}) == 1000
    assert numbers.words(1000) == "1000"


@pytest.mark.parametrize("code", SPOKEN)
def test_weekdays_are_the_days_they_say(code: str) -> None:
    """The day in the sentence («в среду») has the stem of the dictionary («среда»)."""
    names = get_day_names("wide", locale=code)
    for index, day in enumerate(DAYS[2:]):
        said = SPOKEN[code].days[day].split()[-1].casefold()
        name = names[index].split()[-1].casefold()
        assert said[:4] == name[:4], (said, name)


@pytest.mark.parametrize(
    ("code", "time", "words"),
    [
        ("en", "09:00", "We open again tomorrow at nine AM."),
        ("en", "00:30", "We open again tomorrow at twelve thirty AM."),
        ("en", "13:05", "We open again tomorrow at one oh five PM."),
        ("ru", "09:00", "Мы откроемся завтра в девять часов."),
        ("ru", "22:00", "Мы откроемся завтра в двадцать два часа."),
        ("ru", "9:30", "Мы откроемся завтра в девять тридцать."),
        ("ru", "10:05", "Мы откроемся завтра в десять ноль пять."),
        ("sq", "08:00", "Do të hapemi nesër në orën tetë."),
        ("sq", "08:45", "Do të hapemi nesër në orën tetë e dyzet e pesë."),
    ],
)
def test_times_are_said_as_people_say_them(code: str, time: str, words: str) -> None:
    assert SPOKEN[code].sentence("closed_until", {"day": "tomorrow", "time": time}).endswith(words)


def test_a_value_of_the_wrong_kind_is_read_as_it_is() -> None:
    sentence = SPOKEN["en"].sentence
    assert sentence("waiting_time", {"minutes": "a few"}) == "The waiting time is about a few."
    assert sentence("closed_until", {"day": "soon", "time": "25:61"}).endswith("We open again soon at 25:61.")
    assert sentence("extension_busy", {"extension": "10x"}) == "Extension one zero x is busy."
    assert sentence("greeting", {"firm": "{firm} & {0}"}) == "Hello. You have reached {firm} & {0}."


def test_what_is_missing_is_named() -> None:
    with pytest.raises(PromptFault, match="no sentence “hello” in Русский"):
        SPOKEN["ru"].sentence("hello", {})
    with pytest.raises(PromptFault, match="“greeting” needs a value for 'firm'"):
        SPOKEN["sq"].sentence("greeting", {})


def test_a_language_is_added_by_adding_a_file(tmp_path: Path) -> None:
    english = (PHRASES / "en.toml").read_text("utf-8")
    (tmp_path / "it.toml").write_text(english.replace('"English"', '"Italiano"').replace('"en-gb"', '"it"'), "utf-8")
    assert languages(tmp_path)["it"].voice == "it"


@pytest.mark.parametrize(
    ("find", "put", "said"),
    [
        ('voice = "ru"', "", "ru.toml: 'voice' is missing"),
        ("sunday", "sontag", "ru.toml: 'sunday' is missing"),
        ("[numbers]", "[numbers", "ru.toml cannot be read as a language"),
        ('"ноль", ', "", r"needs 20 words in `small`"),
        ("{minutes:minutes}", "{minutes:minuten}", "asks for `minuten`, which is not in this file"),
        ('    { words = "{n} минут" },\n', "", "the last line of `minutes` must be for all other numbers"),
        ("words_per_minute = 150", 'words_per_minute = "fast"', "ru.toml cannot be read as a language"),
        ("[counted]", "[counted]\nyears = 3", "ru.toml cannot be read as a language"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, find: str, put: str, said: str) -> None:
    shutil.copy(PHRASES / "ru.toml", tmp_path)
    file = tmp_path / "ru.toml"
    before = file.read_text("utf-8")
    file.write_text(before.replace(find, put), "utf-8")
    assert file.read_text("utf-8") != before
    with pytest.raises(PromptFault, match=said):
        languages(tmp_path)
