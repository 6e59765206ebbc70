"""From an alarm to the page that helps."""

from __future__ import annotations

from flask import url_for
from markupsafe import Markup

from webui.heard import understood
from webui.language import N_, _

_PAGES: dict[str, tuple[str, str]] = {
    "Somebody at %(address)s is guessing telephone passwords (%(times)s times).": ("door.door", N_("The front door")),
    "Somebody at %(address)s was guessing telephone passwords and is not heard until %(time)s.": (
        "door.door",
        N_("The front door"),
    ),
    "%(count)s more addresses are guessing telephone passwords.": ("door.door", N_("The front door")),
    "%(count)s more telephones have a wrong password.": ("door.door", N_("The front door")),
    "A telephone at %(address)s has a wrong password for extension %(extension)s: type it in anew there, or make a new "
    "one.": ("operators.operator", N_("Make a new password")),
    "A telephone at %(address)s wants to sign on as %(name)s, which nobody here has.": (
        "operators.operators",
        N_("The operators"),
    ),
    "Extension %(extension)s was not let out %(times)s times within an hour, last to %(number)s: %(why)s.": (
        "operators.operator",
        N_("Whom they may call"),
    ),
    "The line %(line)s has been down since %(time)s: %(why)s.": ("lines.line", N_("The line")),
    "The line %(line)s takes no more calls out for now: %(why)s.": ("lines.line", N_("What it may spend")),
    "The certificate that telephones are shown runs out in %(days)s days: put in a new one.": (
        "door.certificate",
        N_("The certificate"),
    ),
    "The certificate that telephones are shown has run out: put in a new one.": (
        "door.certificate",
        N_("The certificate"),
    ),
    "Telephones outside the firm do not reach the box: %(why)s": ("door.outside", N_("Look what to do")),
}
"""The page that helps, and what stands on the way there, by the alarm as the desk says it."""


def way_out(alarm: str) -> Markup:
    """A link to where the owner can do something about `alarm`; empty when there is no such page."""
    template, holes = understood(alarm)
    if template not in _PAGES:
        return Markup("")
    endpoint, words = _PAGES[template]
    match endpoint:
        case "operators.operator":
            address = url_for(endpoint, extension=holes["extension"])
        case "lines.line":
            address = url_for(endpoint, name=holes["line"])
        case _:
            address = url_for(endpoint)
    return Markup('<a href="{}">{}</a>').format(address, _(words))
