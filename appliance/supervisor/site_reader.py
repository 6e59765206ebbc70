"""Reading a site file key by key: what is missing, misspelt or of the wrong kind is noted with its line, not raised.

A list of things may be written in either way, whichever is shorter:

    [[queues]]                          [queues.office]
    name = "office"                     title = "Office"
    title = "Office"

and a thing that needs one word only, as `name = "word"`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from appliance.prompts.language import PHRASES
from appliance.supervisor.toml_lines import Path

LANGUAGES = tuple(sorted(file.stem for file in PHRASES.glob("*.toml")))
"""Of the house."""


@dataclass(frozen=True, slots=True)
class SiteProblem:
    """One thing in the file that has to be put right, in plain words. `line` counts from 1; 0: the file as a whole."""

    line: int
    words: str


class Notes:
    """What was found wrong so far, and where things stand."""

    def __init__(self, lines: dict[Path, int]) -> None:
        self._lines = lines
        self._known_as: dict[str, Path] = {}
        self._found: dict[SiteProblem, None] = {}

    @property
    def problems(self) -> tuple[SiteProblem, ...]:
        """In the order of the file."""
        return tuple(sorted(self._found, key=lambda problem: problem.line))

    def add(self, path: Path, words: str) -> None:
        """Note a problem with what stands at `path`, or with what should stand there."""
        self._found[SiteProblem(self._line_of(path), words)] = None

    def add_where(self, where: str, words: str) -> None:
        """Note a problem with something by its name in the settings, like `menus.main.choices.1.to`."""
        known, rest = where, ""
        while known and known not in self._known_as:
            known, _, last = known.rpartition(".")
            rest = f"{last}.{rest}" if rest else last
        path = (*self._known_as.get(known, ()), *(rest.split(".") if rest else ()))
        self.add(path, f"{where.replace('.', ' ')}: {words}")

    def known_as(self, where: str, path: Path) -> None:
        """The settings will call `where` what the file has at `path`."""
        self._known_as[where] = path

    def _line_of(self, path: Path) -> int:
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)


class Table:
    """One table of the file. Each key is asked for by its kind; `close` notes those nobody asked for."""

    def __init__(self, notes: Notes, values: dict[str, Any], path: Path, called: str, where: str = "") -> None:
        """`called` names the table in sentences, `where` in the settings."""
        self.notes = notes
        self.path = path
        self.where = where
        self._values = values
        self._called = called
        self._asked: dict[str, None] = {}

    def has(self, key: str) -> bool:
        """Whether the key is there. To ask is enough for it to be a known one."""
        self._asked[key] = None
        return key in self._values

    def bad(self, key: str, words: str) -> None:
        """Note a problem with the value of `key`."""
        self.notes.add((*self.path, key), f"{self._called}: {key} {words}")

    def text(self, key: str, default: str = "", *, of: tuple[str, ...] = ()) -> str:
        """A piece of text; with `of`, one of these words."""
        value = self._take(key, default)
        if not isinstance(value, str):
            self.bad(key, f"has to be text in quotation marks, not {_kind(value)}")
        elif of and value not in of:
            self.bad(key, f"cannot be {value!r}; it is one of {', '.join(filter(None, of))}{_perhaps(value, of)}")
        else:
            return value
        return default

    def digits(self, key: str, default: str = "") -> str:
        """A number that is dialled or pressed; the quotation marks may be left out."""
        return self._text_or_number(key, default, "a number to dial")

    def word(self, key: str, default: str = "") -> str:
        """A name or a password, which may be all digits: then the quotation marks may be left out."""
        return self._text_or_number(key, default, "text in quotation marks")

    def _text_or_number(self, key: str, default: str, what: str) -> str:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.bad(key, f"has to be {what}, not {_kind(value)}")
            return default
        return str(value)

    def all_digits(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of numbers to dial."""
        value = self._take(key, list(default))
        if not isinstance(value, list) or any(isinstance(one, bool) or not isinstance(one, str | int) for one in value):
            self.bad(key, 'has to be a list of numbers, like ["101", "102"]')
            return default
        return tuple(str(one) for one in value)

    def some(self, key: str, of: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of some of these words."""
        if not self.has(key):
            return default
        found = self.texts(key)
        for path, word in found:
            if word not in of:
                self.notes.add(
                    path, f"{self._called}: {key} cannot have {word!r}; of {', '.join(of)}{_perhaps(word, of)}"
                )
        return tuple(word for _, word in found if word in of)

    def texts(self, key: str) -> tuple[tuple[Path, str], ...]:
        """A list of pieces of text, each with its place in the file."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.bad(key, "has to be a list of texts, each in quotation marks")
            return ()
        return tuple(((*self.path, key, index), one) for index, one in enumerate(value))

    def seconds(self, key: str, default: float) -> float:
        """A length of time."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.bad(key, f"has to be a number of seconds, not {_kind(value)}")
            return default
        return float(value)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.bad(key, f"has to be a whole number from {low} to {high}")
            return default
        return value

    def amount(self, key: str, default: float) -> float:
        """So much of something: 0 or more."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            self.bad(key, "has to be a number, 0 or more")
            return default
        return float(value)

    def keys(self) -> tuple[str, ...]:
        """All there are."""
        return tuple(self._values)

    def pin(self, key: str) -> int | str:
        """A pin of the board: 0 to 27, or a name like GPIO17, BOARD11 or J8:11."""
        value = self._take(key, 0)
        if isinstance(value, str) and re.fullmatch(r"[A-Z]+\d*:?\d+", value):
            return value
        return self.whole(key, 0, 0, 27)

    def yes_no(self, key: str, default: bool) -> bool:  # noqa: FBT001  the default of a yes or no
        """A yes or a no."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            self.bad(key, f"has to be true or false, not {_kind(value)}")
            return default
        return value

    def by_language(self, key: str, usual: str, languages: tuple[str, ...]) -> dict[str, str]:
        """Words in several languages; a plain text is in the language `usual`."""
        value = self._take(key, {})
        if isinstance(value, str):
            return {usual: value}
        if not isinstance(value, dict):
            self.bad(key, f'has to be text, or a text for each language, like {key}.{usual} = "…"')
            return {}
        table = Table(self.notes, value, (*self.path, key), f"{self._called}: {key}")
        words = {language: table.text(language) for language in languages if table.has(language)}
        table.close()
        return words

    def table(self, key: str) -> Table | None:
        """A table in this one, if there is one."""
        if not self.has(key):
            return None
        value = self._values[key]
        if not isinstance(value, dict):
            self.bad(key, f"has to be a table, not {_kind(value)}")
            return None
        return Table(self.notes, value, (*self.path, key), key, key)

    def each(self, key: str, name: str, short: str = "") -> Iterator[Table]:
        """The things of a list. `name` is the key that names each, `short` the one that a plain text stands for."""
        value = self._take(key, {})
        match value:
            case dict():
                for one, inner in value.items():
                    yield from self._one(key, (*self.path, key, one), inner, name, short, one)
            case list():
                for index, inner in enumerate(value):
                    yield from self._one(key, (*self.path, key, index), inner, name, short, "")
            case _:
                self.bad(key, f"has to be a table for each, not {_kind(value)}")

    def _one(self, key: str, path: Path, inner: object, name: str, short: str, named: str) -> Iterator[Table]:
        if short and named and isinstance(inner, str):
            inner = {short: inner}
        if not isinstance(inner, dict):
            self.notes.add(
                path, f"{key} {named or path[-1]}: has to be a table{' or text' if short else ''}, not {_kind(inner)}"
            )
            return
        values = {name: named, **inner} if named else dict(inner)
        if not isinstance(values.get(name), str | int) or str(values[name]).strip() == "":
            self.notes.add(path, f"{key}: each needs {name} = …")
            return
        where = f"{self.where}.{key}.{values[name]}" if self.where else f"{key}.{values[name]}"
        self.notes.known_as(where, path)
        yield Table(self.notes, values, path, key, where)

    def close(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                guess = _perhaps(key, tuple(self._asked))
                self.notes.add((*self.path, key), f"{self._called} has no key {key!r}{guess}")

    def _take(self, key: str, default: Any) -> Any:
        self._asked[key] = None
        return self._values.get(key, default)


def _perhaps(word: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  only needed when something is wrong

    near = get_close_matches(word, known, 1)
    return f"; did you mean {str(near[0])!r}?" if near else ""


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a table"
    return "a date or time"
