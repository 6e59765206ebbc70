from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from appliance.supervisor.toml_lines import key_lines

TEXT = '''\
# a firm
firm = "R # not a comment"
texts.en = """
one = 1
[[no.table]]
"quoted\\""""
'single quoted'."dou\\u0062le" = [
    1, # first
    { a = 2, b = [3,
       4] },
]
[[menus]]
name = "main"
  [[menus.choices]]
  key = "1"
  [[menus.choices]]
  key = "2"
[[menus]]
name = "second"
choices = { 1 = { to = "x" }, 2 = "y" }
[lamps.operators]
"101" = 22
[ spaced . out ]
when = 2026-11-28T10:00:00Z
last = \'\'\'
x\'\'\''''


def test_each_key_is_on_its_line() -> None:
    lines = key_lines(TEXT)
    assert lines["firm",] == 2
    assert lines["texts", "en"] == lines["texts",] == 3
    assert lines["single quoted", "double"] == 7
    assert lines["single quoted", "double", 0] == 8
    assert lines["single quoted", "double", 1, "b", 1] == 10
    assert lines["menus", 0] == 12
    assert lines["menus", 0, "choices", 1, "key"] == 17
    assert lines["menus", 1] == 18
    assert lines["menus", 1, "choices", "1", "to"] == lines["menus", 1, "choices", "2"] == 20
    assert lines["lamps", "operators", "101"] == 22
    assert lines["spaced", "out"] == 23
    assert lines["spaced", "out", "last"] == 25


def paths(value: Any, above: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    here = {above} if above else set()
    return here.union(*(paths(below, (*above, key)) for key, below in inner))


@pytest.mark.parametrize(
    "text",
    [TEXT, TEXT.replace("\n", "\r\n"), (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")],
)
def test_every_key_the_library_reads_has_a_line_and_no_other(text: str) -> None:
    assert set(key_lines(text)) == paths(tomllib.loads(text))
