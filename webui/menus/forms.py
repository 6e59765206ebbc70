"""Menus and messages as the owner fills them in."""

from __future__ import annotations

import re
from dataclasses import replace

from appliance.callflow.settings import HANG_UP, Announcement, Choice, FlowSettings, Menu, Texts
from appliance.calls.names import Extension
from appliance.switchboard.checking import KEYS
from appliance.switchboard.settings import Settings
from webui.desk import Refused
from webui.forms import Form
from webui.language import LANGUAGES, N_, _
from webui.saving import GONE
from webui.ways import choices

MOST_ROWS = len(KEYS)
SECONDS = (3, 4, 5, 6, 8, 10, 15, 20)
TRIES = (1, 2, 3, 4, 5)


def languages_for(settings: Settings, texts: Texts) -> list[str]:
    """The languages to write in: the firm's first, then the others of the house, then any that is there besides."""
    return list(dict.fromkeys((settings.language, *LANGUAGES, *texts)))


def read_name(form: Form) -> str:
    """What a new menu or message is called: a word or a few."""
    name = form.text("name", longest=30)
    if name and not re.fullmatch(r"\w[\w -]*", name):
        form.fault("name", _("Letters, digits, spaces and dashes only, please."))
    return name


def shown_menu(menu: Menu) -> dict[str, str | list[str]]:
    """The fields of a menu that is there."""
    fields: dict[str, str | list[str]] = {f"text-{code}": words for code, words in menu.texts.items()}
    for row, choice in enumerate(menu.choices):
        fields |= {f"key-{row}": choice.key, f"to-{row}": choice.to, f"title-{row}": choice.title}
    return fields | {
        "extension": menu.extension,
        "seconds": f"{menu.seconds:g}",
        "tries": str(menu.tries),
        "then": menu.then,
    }


def rows(form: Form) -> list[int]:
    """The rows of keys on the form that hold something, in order."""
    found = {name.removeprefix("key-") for name in form.names() if name.startswith("key-")}
    numbers = sorted(int(row) for row in found if row.isdecimal() and len(row) < 4)
    return [row for row in numbers if form.value(f"key-{row}") or form.value(f"title-{row}")][:MOST_ROWS]


def read_menu(form: Form, settings: Settings, before: Menu) -> Menu:
    """The menu of the form, which was `before` until now."""
    places = [place for place, _words in choices(settings, before.then, *(choice.to for choice in before.choices))]
    found = tuple(_read_choice(form, row, places) for row in rows(form))
    pressed = [choice.key for choice in found]
    for row, key in zip(rows(form), pressed, strict=True):
        if key and pressed.count(key) > 1:
            form.fault(f"key-{row}", _("The key %(key)s is there twice.", key=key))
    if not found:
        form.fault("choices", _("A menu needs at least one key."))
    return replace(
        before,
        texts=_read_texts(form, settings, before.texts),
        choices=found,
        extension=Extension(form.extension("extension", needed=False)),
        seconds=_read_seconds(form, before.seconds),
        tries=form.number("tries", 1, 9),
        then=form.choice("then", places),
    )


def _read_choice(form: Form, row: int, places: list[str]) -> Choice:
    key = form.value(f"key-{row}")
    if key not in set(KEYS):
        form.fault(f"key-{row}", _("Which key?"))
    return Choice(key, form.choice(f"to-{row}", places), form.text(f"title-{row}", needed=False, longest=40))


def _read_seconds(form: Form, before: float) -> float:
    value = form.choice("seconds", {*(str(each) for each in SECONDS), f"{before:g}"})
    return float(value) if "seconds" not in form.faults else before


def _read_texts(form: Form, settings: Settings, before: Texts) -> dict[str, str]:
    texts = {code: form.paragraph(f"text-{code}", longest=1500) for code in languages_for(settings, before)}
    kept = {code: words for code, words in texts.items() if words}
    if not kept:
        form.fault(f"text-{settings.language}", _("Callers would hear silence. Please write what the box shall say."))
    return kept


def shown_message(message: Announcement) -> dict[str, str | list[str]]:
    """The fields of a message that is there."""
    return {**{f"text-{code}": words for code, words in message.texts.items()}, "then": message.then}


def read_message(form: Form, settings: Settings, before: Announcement) -> Announcement:
    """The message of the form, which was `before` until now."""
    places = [place for place, _words in choices(settings, before.then, without=f"say {before.name}")]
    return replace(before, texts=_read_texts(form, settings, before.texts), then=form.choice("then", places))


BLANK_MENU = Menu(name="", texts={}, choices=())
BLANK_MESSAGE = Announcement(name="", texts={}, then=HANG_UP)


def find_menu(settings: Settings, name: str) -> Menu | None:
    """The menu of this name."""
    return next((one for one in settings.flow.menus if one.name == name), None)


def find_message(settings: Settings, name: str) -> Announcement | None:
    """The message of this name."""
    return next((one for one in settings.flow.announcements if one.name == name), None)


def added(settings: Settings, one: Menu | Announcement) -> Settings:
    """The firm with one more menu or message."""
    flow = settings.flow
    there = find_menu(settings, one.name) if isinstance(one, Menu) else find_message(settings, one.name)
    if there is not None:
        raise Refused(N_("There is one with this name already."), "name")
    if isinstance(one, Menu):
        return replace(settings, flow=replace(flow, menus=(*flow.menus, one)))
    return replace(settings, flow=replace(flow, announcements=(*flow.announcements, one)))


def changed(settings: Settings, one: Menu | Announcement) -> Settings:
    """The firm with this menu or message changed."""
    there = find_menu(settings, one.name) if isinstance(one, Menu) else find_message(settings, one.name)
    if there is None:
        raise Refused(GONE)
    return replace(settings, flow=_with(settings.flow, one))


def _with(flow: FlowSettings, one: Menu | Announcement) -> FlowSettings:
    if isinstance(one, Menu):
        return replace(flow, menus=tuple(one if each.name == one.name else each for each in flow.menus))
    return replace(flow, announcements=tuple(one if each.name == one.name else each for each in flow.announcements))


def without(settings: Settings, one: Menu | Announcement) -> Settings:
    """The firm without this menu or message."""
    flow = settings.flow
    if isinstance(one, Menu):
        return replace(settings, flow=replace(flow, menus=tuple(m for m in flow.menus if m.name != one.name)))
    left = tuple(each for each in flow.announcements if each.name != one.name)
    return replace(settings, flow=replace(flow, announcements=left))
