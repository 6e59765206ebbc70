"""A language of the house: its sentences, and how it says numbers, times and days. One file each in `phrases/`.

Everything a language needs is in its file (see `phrases/README.md`); nothing here knows any language by name.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.prompts.fault import PromptFault

PHRASES = Path(__file__).parent / "phrases"

DAYS = ("today", "tomorrow", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""What a value spoken as `day` may be."""

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How 0 to 999 are said."""

    small: tuple[str, ...]
    """0 to 19."""
    tens: tuple[str, ...]
    """20 to 90."""
    hundreds: tuple[str, ...]
    """100 to 900."""
    after_tens: str
    after_hundreds: str
    genders: Mapping[str, Mapping[int, str]]
    """Name of a gender to the last words that differ in it."""

    def words(self, number: int, gender: str = "") -> str:
        """The number in words; one beyond 999 stays in digits, for the voice to read as it can."""
        if not 0 <= number <= 999:
            return str(number)
        if number >= 100:
            hundreds = self.hundreds[number // 100 - 1]
            return hundreds if number % 100 == 0 else hundreds + self.after_hundreds + self.words(number % 100, gender)
        if number >= 20:
            tens = self.tens[number // 10 - 2]
            return tens if number % 10 == 0 else tens + self.after_tens + self.words(number % 10, gender)
        return self.genders.get(gender, {}).get(number, self.small[number])


@dataclass(frozen=True, slots=True)
class Form:
    """One way to count a thing: `{n} minutes`, and for which numbers."""

    words: str
    exactly: tuple[int, ...] = ()
    ends_in: tuple[str, ...] = ()

    def fits(self, number: int) -> bool:
        """Whether this form is for `number`; a form that names no numbers is for all."""
        if self.exactly or self.ends_in:
            return number in self.exactly or str(number).endswith(self.ends_in)
        return True


@dataclass(frozen=True, slots=True)
class Clock:
    """How a time of day is said."""

    whole: str
    under_ten: str
    other: str
    half: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Language:
    """One file of `phrases/`."""

    code: str
    """Two letters."""
    name: str
    """As its speakers call it."""
    voice: str
    """Of espeak-ng."""
    words_per_minute: int
    pitch: int
    sentences: Mapping[str, str]
    numbers: Numbers
    counted: Mapping[str, tuple[Form, ...]]
    days: Mapping[str, str]
    clock: Clock

    def sentence(self, name: str, values: Values) -> str:
        """The sentence with its values spoken.

        A value of the wrong kind (no number where one is counted) is read as it is: a caller may hear an odd sentence,
        but hears it.

        Raises:
            PromptFault: there is no such sentence, or one of its values is missing.
        """
        if name not in self.sentences:
            raise PromptFault(f"There is no sentence “{name}” in {self.name}.")
        try:
            return self._filled(self.sentences[name], values)
        except KeyError as missing:
            raise PromptFault(f"The sentence “{name}” needs a value for {missing}.") from missing

    def _filled(self, template: str, values: Values) -> str:
        """Raises KeyError with the name of a missing value."""
        said = []
        for words, field, manner, _ in string.Formatter().parse(template):
            said.append(words)
            if field is not None:
                said.append(self._said(values[field], manner or ""))
        return "".join(said)

    def _said(self, value: str, manner: str) -> str:
        if manner == "":
            return value
        if manner == "digits":
            return " ".join(self.numbers.words(int(sign)) if sign in string.digits else sign for sign in value)
        if manner == "day":
            return self.days.get(value, value)
        if manner == "clock":
            return self._time(value)
        if not _is_number(value):
            return value
        if manner in self.counted:
            return self._count(int(value), self.counted[manner])
        return self.numbers.words(int(value), manner)

    def _count(self, number: int, forms: tuple[Form, ...]) -> str:
        words = next(form.words for form in forms if form.fits(number))
        return self._filled(words.replace("{n}", "{n:number}"), {"n": str(number)})

    def _time(self, value: str) -> str:
        time = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", value)
        if time is None:
            return value
        hour, minute = int(time[1]), int(time[2])
        clock = self.clock
        template = clock.whole if minute == 0 else clock.under_ten if minute < 10 else clock.other
        half = clock.half[hour // 12] if clock.half else ""
        return self._filled(
            template, {"hour": str(hour), "hour12": str(hour % 12 or 12), "minute": str(minute), "half": half}
        )


def _is_number(value: str) -> bool:
    return re.fullmatch("[0-9]{1,9}", value) is not None


def placeholders(template: str) -> dict[str, str]:
    """The values a sentence needs, each with the manner it is spoken in."""
    return {field: manner or "" for _, field, manner, _ in string.Formatter().parse(template) if field is not None}


def languages(folder: Path = PHRASES) -> dict[str, Language]:
    """All languages of the house by code, in the order of their codes.

    Raises:
        PromptFault: a file is not as it should be; names the file and what is wrong.
    """
    return {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}


def _read(path: Path) -> Language:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        language = _language(path.stem, content)
        _check(language)
    except PromptFault:
        raise
    except KeyError as missing:
        raise PromptFault(f"{path.name}: {missing} is missing.") from missing
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise PromptFault(f"{path.name} cannot be read as a language: {error}") from error
    return language


def _language(code: str, content: dict[str, Any]) -> Language:
    numbers = content["numbers"]
    clock = content["clock"]
    return Language(
        code=code,
        name=str(content["name"]),
        voice=str(content["voice"]),
        words_per_minute=int(content["words_per_minute"]),
        pitch=int(content["pitch"]),
        sentences={name: str(words) for name, words in content["sentences"].items()},
        numbers=Numbers(
            small=tuple(numbers["small"]),
            tens=tuple(numbers["tens"]),
            hundreds=tuple(numbers["hundreds"]),
            after_tens=str(numbers["after_tens"]),
            after_hundreds=str(numbers["after_hundreds"]),
            genders={
                name: {int(number): str(word) for number, word in words.items()}
                for name, words in numbers.items()
                if isinstance(words, dict)
            },
        ),
        counted={thing: tuple(_form(form) for form in forms) for thing, forms in content["counted"].items()},
        days={day: str(content["days"][day]) for day in DAYS},
        clock=Clock(
            whole=str(clock["whole"]),
            under_ten=str(clock["under_ten"]),
            other=str(clock["other"]),
            half=tuple(clock.get("half", ())),
        ),
    )


def _form(form: dict[str, Any]) -> Form:
    return Form(str(form["words"]), tuple(form.get("exactly", ())), tuple(form.get("ends_in", ())))


def _check(language: Language) -> None:
    """What the types of a file do not show: counts of words, forms for every number, manners that exist."""
    numbers = language.numbers
    if (len(numbers.small), len(numbers.tens), len(numbers.hundreds)) != (20, 8, 9):
        raise ValueError("[numbers] needs 20 words in `small`, 8 in `tens`, 9 in `hundreds`")
    if len(language.clock.half) not in {0, 2}:
        raise ValueError("[clock] needs two words in `half`, or none")
    for thing, forms in language.counted.items():
        if not forms or forms[-1].exactly or forms[-1].ends_in:
            raise ValueError(f"[counted] the last line of `{thing}` must be for all other numbers")
    known = {"", "number", "digits", "day", "clock", *language.counted, *numbers.genders}
    clock = (language.clock.whole, language.clock.under_ten, language.clock.other)
    forms_words = [form.words for forms in language.counted.values() for form in forms]
    for template in (*language.sentences.values(), *clock, *forms_words):
        for manner in placeholders(template).values():
            if manner not in known:
                raise ValueError(f"“{template}” asks for `{manner}`, which is not in this file")
