"""Words that come from the desk and its rooms in English, said in the reader's language.

The desk speaks plain English with names and figures in it: ``registered at Vodafone AL, signal 67 %``. Each sentence
the page knows is a template here; one it does not know is shown as it came, which is still plain words.
"""

from __future__ import annotations

import re
from functools import cache

from webui.heard_words import TEMPLATES
from webui.language import _
from webui.saying import place, upper_first

_HOLE = re.compile(r"%\((\w+)\)s")


def heard(words: str) -> str:
    """`words` in the reader's language, when they are a sentence the page knows; what fills its holes likewise."""
    template, holes = understood(words)
    if not template:
        return _as_sentence(words)
    said = {name: place(value) if name == "place" else heard(value) for name, value in holes.items()}
    return _(template, **said)


def understood(words: str) -> tuple[str, dict[str, str]]:
    """The template that `words` are made from, and what fills its holes; empty when the page does not know it."""
    for pattern, template in _patterns():
        if found := pattern.fullmatch(words):
            return template, found.groupdict()
    return "", {}


def _as_sentence(words: str) -> str:
    """`The disk is full.` is known as `the disk is full`."""
    bare = words[:1].lower() + words[1:-1]
    if not words.endswith(".") or not words[:1].isupper() or (said := heard(bare)) == bare:
        return words
    return f"{upper_first(said)}."


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Sentences without holes first, then the most particular ones."""
    in_order = sorted(TEMPLATES, key=lambda template: (len(_HOLE.findall(template)) > 0, -len(_HOLE.sub("", template))))
    return tuple((_pattern(template), template) for template in in_order)


def _pattern(template: str) -> re.Pattern[str]:
    pattern, end = "", 0
    for hole in _HOLE.finditer(template):
        pattern += re.escape(template[end : hole.start()].replace("%%", "%")) + f"(?P<{hole[1]}>.+?)"
        end = hole.end()
    return re.compile(pattern + re.escape(template[end:].replace("%%", "%")), re.DOTALL)
