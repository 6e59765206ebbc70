"""Names, passwords and languages of people who log in."""

from __future__ import annotations

from dataclasses import dataclass

from webui.forms import Form
from webui.language import LANGUAGES, _, many
from webui.logins import LONGEST_PASSWORD, SHORTEST_PASSWORD


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A login somebody makes for themselves."""

    name: str
    password: str
    language: str


def read_new_login(form: Form) -> NewLogin:
    """The owner's first login."""
    name = read_name(form)
    return NewLogin(name, read_password(form, name), form.choice("language", LANGUAGES))


def read_name(form: Form) -> str:
    """A name to log in with."""
    name = form.text("name", longest=40)
    if name and not all(sign.isalnum() or sign in " .-_@'’" for sign in name):
        form.fault("name", _("Letters, digits, spaces and . - _ @ only, please."))
    return name


def read_password(form: Form, name: str, field: str = "password") -> str:
    """A password long enough that it cannot be guessed, and not the name itself."""
    password = form.value(field)
    if len(password) < SHORTEST_PASSWORD:
        form.fault(
            field,
            many("At least %(num)s character, please.", "At least %(num)s characters, please.", SHORTEST_PASSWORD),
        )
    elif len(password) > LONGEST_PASSWORD:
        form.fault(
            field, many("At most %(num)s character, please.", "At most %(num)s characters, please.", LONGEST_PASSWORD)
        )
    elif len(set(password)) < 4 or (name and password.casefold().strip() == name.casefold()):
        form.fault(field, _("That is too easy to guess. Four unrelated words make a good password."))
    return password
