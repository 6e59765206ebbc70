"""How every page of the owner puts a change in force: checked by the desk, said at the field, never over another's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from appliance.switchboard.settings import Settings
from webui.desk import DeskAway, Refused, change_settings
from webui.forms import Form, mark
from webui.house import house
from webui.language import N_, _
from webui.logins import me

Edit = Callable[[Settings], Settings]

CHANGED_MEANWHILE = N_(
    "Somebody else has changed this while you were looking at it. What you wrote is still here: save once more to put "
    "it in place of theirs, or leave it as it is."
)
GONE = N_("Somebody else has removed this meanwhile.")


def save(form: Form, what: str, edit: Edit, fields: Mapping[str, str] | None = None) -> bool:
    """Put `edit` in force for the next call. When it is refused, the reason stands in `form`, and False comes back.

    `what` is for the history, in plain English; `fields` says at which field the desk's words belong.
    """
    try:
        change_settings(house().desk, me().name, what, edit)
    except Refused as no:
        form.take_refusal(no.words, no.about, fields or {})
    except DeskAway:
        form.fault("", _("The switchboard is restarting, so nothing is saved yet. Try again in a moment."))
        return False
    with contextlib.suppress(DeskAway):
        house().firm.fresh()
    return form.is_good


def check_unchanged(form: Form, part: object) -> None:
    """Whether the part of the settings is still as it was when this page was opened (its field `seen`).

    Raises:
        Refused: somebody else has changed it.
    """
    if form.value("seen") != mark(part):
        raise Refused(CHANGED_MEANWHILE)
