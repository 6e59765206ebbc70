"""The people of a site file, and the passwords of their telephones."""

from __future__ import annotations

import re

from appliance.calls.names import Encryption, Extension
from appliance.supervisor.site_reader import LANGUAGES, Table
from appliance.switchboard.settings import Person, Reach

SHORTEST_PASSWORD = 8


def people(table: Table, passwords: dict[Extension, str]) -> tuple[Person, ...]:
    """`people` says who they are, `phones` which passwords their telephones have; either is enough."""
    found = [_person(one, passwords) for one in table.each("people", "extension", "name")]
    for one in table.each("phones", "extension", "password"):
        extension = Extension(one.digits("extension"))
        _password(one, extension, passwords)
        one.close()
        if extension not in {person.extension for person in found}:
            found.append(Person(extension, extension))
            table.notes.known_as(f"people.{extension}", one.path)
    return tuple(found)


def _person(table: Table, passwords: dict[Extension, str]) -> Person:
    extension = Extension(table.digits("extension"))
    person = Person(
        extension=extension,
        name=table.text("name", extension),
        language=table.text("language", of=("", *LANGUAGES)),
        may_call_out=table.yes_no("may_call_out", True),
        reaches=tuple(Reach(kind) for kind in table.some("reaches", tuple(Reach), (Reach.NATIONAL,))),
        also=_beginnings(table, "also"),
        never=_beginnings(table, "never"),
        encryption=Encryption(table.text("encryption", Encryption.OFF, of=tuple(Encryption))),
    )
    _password(table, extension, passwords)
    table.close()
    return person


def _beginnings(table: Table, key: str) -> tuple[str, ...]:
    found = table.texts(key)
    for path, begins in found:
        if not re.fullmatch(r"\+\d{1,15}", begins):
            table.notes.add(path, f"{begins!r} is no beginning of a number in international form, like +39")
    return tuple(begins for _, begins in found)


def _password(table: Table, extension: Extension, passwords: dict[Extension, str]) -> None:
    """A password is never repeated in what we say about it."""
    if not table.has("password"):
        return
    password = table.text("password")
    if len(password) < SHORTEST_PASSWORD or not re.fullmatch(r"[!-~]+", password):
        table.bad(
            "password",
            f"needs at least {SHORTEST_PASSWORD} plain letters, digits or signs, without spaces; "
            "leave it out and the box makes one",
        )
    elif extension in passwords:
        table.bad("password", f"of {extension} is given twice")
    passwords[extension] = password
