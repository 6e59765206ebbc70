"""On which line of a TOML text each key stands. The standard library reads TOML but does not tell."""

from __future__ import annotations

import re
import tomllib

Path = tuple[str | int, ...]
"""Keys, and numbers from 0 for the elements of arrays: `("menus", 0, "choices", 1, "to")`."""

_STRING = re.compile(
    r'"""(?:\\[\s\S]|[^\\])*?"{3,5}'  # its last three quotes end it; up to two more before them are content
    r"|'''[\s\S]*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_GAP = re.compile(r"[ \t]*")
_GAP_OVER_LINES = re.compile(r"(?:\s|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}#\n]*")


def key_lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key, table and array element. `text` has to be TOML that `tomllib` accepts."""
    return _Walk(text).lines


class _Walk:
    """One walk over a valid document; it knows shapes only, never what a value means."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._arrays: dict[Path, int] = {}
        self._counted_to = (0, 1)
        self._document()

    def _document(self) -> None:
        table: Path = ()
        while self._skip(_GAP_OVER_LINES) < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        line = self._line()
        is_array = self._text.startswith("[[", self._at)
        self._at += 1 + is_array
        *above, last = self._key()
        self._at += 1 + is_array
        path: Path = ()
        for part in above:
            path = self._latest((*path, part))
        path = (*path, last)
        if is_array:
            self._arrays[path] = self._arrays.get(path, -1) + 1
            path = (*path, self._arrays[path])
        self._note(path, line)
        return path

    def _latest(self, path: Path) -> Path:
        """Below an array of tables, a header speaks of its last element."""
        return (*path, self._arrays[path]) if path in self._arrays else path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = (*table, *self._key())
        self._at += 1
        self._note(path, line)
        self._value(path)

    def _key(self) -> tuple[str, ...]:
        """A dotted key; afterwards we stand on the sign that follows it."""
        parts = []
        while True:
            self._skip(_GAP)
            if found := _STRING.match(self._text, self._at):
                parts.append(str(tomllib.loads(f"key = {found.group()}")["key"]))
            else:
                found = _BARE.match(self._text, self._at)
                assert found, "tomllib accepted this text"
                parts.append(found.group())
            self._at = found.end()
            self._skip(_GAP)
            if not self._text.startswith(".", self._at):
                return tuple(parts)
            self._at += 1

    def _value(self, path: Path) -> None:
        self._skip(_GAP)
        sign = self._text[self._at]
        if sign == "[":
            self._elements(path)
        elif sign == "{":
            self._inline_table(path)
        else:
            self._skip(_STRING if sign in "\"'" else _SCALAR)

    def _elements(self, path: Path) -> None:
        self._at += 1
        index = 0
        while not self._closes("]"):
            self._note((*path, index), self._line())
            self._value((*path, index))
            index += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while not self._closes("}"):
            self._pair(path)

    def _closes(self, sign: str) -> bool:
        self._skip(_GAP_OVER_LINES)
        if self._text.startswith(",", self._at):
            self._at += 1
            self._skip(_GAP_OVER_LINES)
        if self._text.startswith(sign, self._at):
            self._at += 1
            return True
        return False

    def _note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        assert found, "tomllib accepted this text"
        self._at = found.end()
        return self._at

    def _line(self) -> int:
        position, line = self._counted_to
        self._counted_to = (self._at, line + self._text.count("\n", position, self._at))
        return self._counted_to[1]
