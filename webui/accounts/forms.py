"""A login to the page as the owner fills it in."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.names import Extension
from appliance.switchboard.settings import Settings
from webui.forms import Form
from webui.language import _
from webui.logins import OPERATOR, OWNER
from webui.welcome.forms import read_password

ROLES = (OPERATOR, OWNER)


@dataclass(frozen=True, slots=True)
class WantedLogin:
    """What a login shall be."""

    role: str
    extension: Extension
    password: str
    """Empty: as it is."""


def read_login(form: Form, settings: Settings, name: str, *, is_new: bool) -> WantedLogin:
    """Role, telephone and password. A new login needs a password, another keeps its own when none is given."""
    role = form.choice("role", ROLES)
    extension = form.choice("extension", {"", *(one.extension for one in settings.people)})
    if role == OPERATOR and not extension:
        form.fault("extension", _("An operator needs a telephone: the page shows what happens on it."))
    given = form.value("password")
    password = read_password(form, name) if is_new or given else ""
    return WantedLogin(role, Extension(extension), password)
