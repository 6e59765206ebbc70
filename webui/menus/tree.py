"""The way of a call as a tree: from each line through hours and menus to queues and telephones."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from appliance.callflow.settings import HANG_UP, Choice, Place, Texts
from appliance.switchboard.settings import Settings
from webui.language import _
from webui.menus.forms import find_menu, find_message
from webui.saying import place as place_words

PICTURES = {
    "menu": "diagram-3",
    "say": "volume-up",
    "hours": "clock",
    "queue": "hourglass-split",
    "phone": "telephone",
    "hang": "telephone-x",
    "line": "sim",
}


@dataclass(frozen=True, slots=True)
class Branch:
    """One place, how a caller gets there, and where they can go on to."""

    how: str
    """`2` for a key, words for anything else; empty at the root."""
    is_key: bool
    title: str
    """What the key means, as the owner named it."""
    words: str
    says: str
    picture: str
    address: str
    again: bool
    """It is drawn elsewhere already."""
    onward: tuple[Branch, ...]


def trees(settings: Settings) -> list[Branch]:
    """One tree per line, then everything that no line leads to."""
    drawn: set[Place] = set()
    roots = [
        Branch(
            "",
            is_key=False,
            title="",
            words=_("Line %(name)s", name=line.name),
            says="",
            picture="line",
            again=False,
            address=url_for("lines.line", name=line.name),
            onward=(_branch(settings, line.enters, drawn),),
        )
        for line in settings.lines
    ]
    loose = [f"hours {each.name}" for each in settings.flow.hours]
    loose += [f"menu {each.name}" for each in settings.flow.menus]
    loose += [f"say {each.name}" for each in settings.flow.announcements]
    return roots + [_branch(settings, place, drawn) for place in loose if place not in drawn]


def _branch(
    settings: Settings, place: Place, drawn: set[Place], how: str = "", title: str = "", *, is_key: bool = False
) -> Branch:
    kind, _space, name = place.partition(" ")
    again = place in drawn and kind in {"menu", "say", "hours", "queue"}
    drawn.add(place)
    says, onward = ("", ()) if again else _onward(settings, kind, name, drawn)
    return Branch(how, is_key, title, place_words(place), says, kind, _address(kind, name), again, onward)


def _onward(settings: Settings, kind: str, name: str, drawn: set[Place]) -> tuple[str, tuple[Branch, ...]]:
    match kind:
        case "menu" if menu := find_menu(settings, name):
            keys = tuple(_key(settings, choice, drawn) for choice in menu.choices)
            silent = _branch(settings, menu.then, drawn, _("no choice"))
            return _says(settings, menu.texts), (*keys, silent)
        case "say" if message := find_message(settings, name):
            then = () if message.then == HANG_UP else (_branch(settings, message.then, drawn, _("then")),)
            return _says(settings, message.texts), then
        case "hours":
            for hours in settings.flow.hours:
                if hours.name == name:
                    return "", (
                        _branch(settings, hours.open, drawn, _("open")),
                        _branch(settings, hours.closed, drawn, _("closed")),
                    )
    return "", ()


def _key(settings: Settings, choice: Choice, drawn: set[Place]) -> Branch:
    return _branch(settings, choice.to, drawn, choice.key, choice.title, is_key=True)


def _says(settings: Settings, texts: Texts) -> str:

    return next((texts[code] for code in (settings.language, *texts) if texts.get(code)), "")


def _address(kind: str, name: str) -> str:
    match kind:
        case "menu":
            return url_for("menus.menu", name=name)
        case "say":
            return url_for("menus.message", name=name)
        case "hours":
            return url_for("hours.hours_of", name=name)
        case "queue":
            return url_for("queues.queue", name=name)
        case "phone":
            return url_for("operators.operator", extension=name)
        case _:
            return ""
