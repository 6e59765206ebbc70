"""The words of the pages and their translations.

`python -m tests.webui.catalogs` brings new words into each `messages.po`, where somebody then translates them.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import IO

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

WEBUI = Path(__file__).parents[2] / "webui"
TRANSLATIONS = WEBUI / "translations"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "many": (1, 2), "N_": None}
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
LANGUAGES = ("ru", "sq")


def wanted() -> Catalog:
    """Every word of the pages, as the sources have them now."""
    catalog = Catalog(project="qendra", charset="utf-8")
    options = {"**/templates/**.html": {"trimmed": "true"}}
    found = extract_from_dir(str(WEBUI), METHODS, options, KEYWORDS)
    for file, _line, words, comments, context in sorted(found, key=lambda each: (each[0], each[1])):
        catalog.add(words, locations=[(f"webui/{file}", None)], auto_comments=comments, context=context)  # type: ignore[list-item]
    return catalog


def path_of(language: str) -> Path:
    """The catalog people edit."""
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """What is translated."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def compile_all() -> None:
    """Make the `.mo` files the pages read, as set-up does."""
    for language in LANGUAGES:
        compiled = path_of(language).with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < path_of(language).stat().st_mtime:
            buffer = io.BytesIO()
            write_mo(buffer, read(language))
            compiled.write_bytes(buffer.getvalue())


def holes(words: str) -> set[str]:
    """The names in `%(name)s`."""
    return set(re.findall(r"%\((\w+)\)s", words))


def words_of(message: Message) -> tuple[str, ...]:
    """The translations of one message, one per plural form."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def write(catalog: Catalog, file: IO[bytes]) -> None:
    """The catalog as people edit it. Its head says what the plural forms are, and nothing about machines."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=120, include_lineno=False, sort_by_file=True)
    kept = [line for line in buffer.getvalue().splitlines(keepends=True) if not line.startswith(_USELESS)]
    file.write(b"".join(kept))


_USELESS = tuple(
    f'"{name}:'.encode()
    for name in (
        "Project-Id-Version",
        "Report-Msgid-Bugs-To",
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
    )
)


def update() -> None:
    """Bring the words of today into every catalog; guesses are not made."""
    template = wanted()
    for language in LANGUAGES:
        path = path_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog = read(language) if path.exists() else Catalog(locale=language, project="qendra", charset="utf-8")
        catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
        catalog.obsolete.clear()
        catalog.header_comment = (
            "# What the pages say. `python -m tests.webui.catalogs` adds the words that are new in the sources."
        )
        catalog.fuzzy = False
        with path.open("wb") as file:
            write(catalog, file)


if __name__ == "__main__":
    update()
