"""What callers hear."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.callflow.settings import Announcement, Menu
from appliance.switchboard import asks
from appliance.switchboard.checking import KEYS
from appliance.switchboard.settings import Settings
from webui.desk import DeskAway, Refused, ask_for
from webui.forms import Form, mark
from webui.heard import heard
from webui.house import house
from webui.language import LANGUAGES, N_, _
from webui.menus import forms
from webui.menus.tree import PICTURES, trees
from webui.saving import Edit, check_unchanged, save
from webui.saying import settings
from webui.ways import choices, leads_to

menus = Blueprint("menus", __name__, template_folder="templates")

Page = BaseResponse | str | tuple[str, int]

MENU_FIELDS = {
    "texts": "",
    "choices": "choices",
    "tries": "tries",
    "extension": "extension",
    "then": "then",
    "name": "name",
}
ADDED = N_("Made: %(place)s")
CHANGED = N_("Changed: %(place)s")
REMOVED = N_("Removed: %(place)s")

LONGEST_SAMPLE = 32 << 20
"""Bytes of speech sent to a browser: over half an hour."""


@menus.get("/menus", endpoint="menus")
def everything() -> str:
    """The way of a call, drawn as a tree."""
    return render_template("menus/menus.html", trees=trees(settings()), pictures=PICTURES)


@menus.route("/menus/menu/add", methods=["GET", "POST"])
def add_menu() -> Page:
    """One more menu."""
    form = Form(forms.shown_menu(forms.BLANK_MENU) if request.method == "GET" else request.form)
    if request.method == "POST":
        name = forms.read_name(form)
        menu = forms.read_menu(form, settings(), Menu(name=name, texts={}, choices=()))
        if _is_saved(form, ADDED, f"menu {name}", lambda now: forms.added(now, menu)):
            flash(_("The menu is there. Now let something lead to it."), "done")
            return redirect(url_for("menus.menus"), 303)
    return _menu_page(form, forms.BLANK_MENU, is_new=True)


@menus.route("/menus/menu/<name>", methods=["GET", "POST"])
def menu(name: str) -> Page:
    """One menu: its words, its keys."""
    found = forms.find_menu(settings(), name)
    if found is None:
        abort(404)
    form = Form(forms.shown_menu(found) if request.method == "GET" else request.form)
    if request.method == "POST":
        wanted = forms.read_menu(form, settings(), found)

        def edit(now: Settings) -> Settings:
            check_unchanged(form, forms.find_menu(now, name))
            return forms.changed(now, wanted)

        if _is_saved(form, CHANGED, f"menu {name}", edit):
            flash(_("Saved. It holds from the next call on."), "done")
            return redirect(url_for("menus.menus"), 303)
    return _menu_page(form, forms.find_menu(settings(), name) or found, is_new=False)


def _is_saved(form: Form, what: str, place: str, edit: Edit) -> bool:
    return form.is_good and save(form, what % {"place": place}, edit, MENU_FIELDS)


def _menu_page(form: Form, menu: Menu, *, is_new: bool) -> Page:
    firm = settings()
    filled = forms.rows(form)
    page = render_template(
        "menus/menu.html",
        form=form,
        menu=menu,
        is_new=is_new,
        seen=mark(menu),
        rows=[*filled, *_blank_rows(filled, 3 if is_new and not filled else 1)],
        keys=KEYS,
        codes=forms.languages_for(firm, menu.texts),
        places=choices(firm, menu.then, *(choice.to for choice in menu.choices)),
        seconds=sorted({*forms.SECONDS, menu.seconds}),
        tries=sorted({*forms.TRIES, menu.tries}),
        from_where=leads_to(firm, f"menu {menu.name}"),
    )
    return page if request.method == "GET" else (page, 422)


def _blank_rows(filled: list[int], wanted: int) -> list[int]:
    first = max(filled, default=-1) + 1
    return list(range(first, first + max(0, min(wanted, forms.MOST_ROWS - len(filled)))))


@menus.route("/menus/message/add", methods=["GET", "POST"])
def add_message() -> Page:
    """One more message."""
    form = Form(forms.shown_message(forms.BLANK_MESSAGE) if request.method == "GET" else request.form)
    if request.method == "POST":
        name = forms.read_name(form)
        message = forms.read_message(form, settings(), Announcement(name=name, texts={}))
        if _is_saved(form, ADDED, f"say {name}", lambda now: forms.added(now, message)):
            flash(_("The message is there. Now let something lead to it."), "done")
            return redirect(url_for("menus.menus"), 303)
    return _message_page(form, forms.BLANK_MESSAGE, is_new=True)


@menus.route("/menus/message/<name>", methods=["GET", "POST"])
def message(name: str) -> Page:
    """One message: its words, and what comes then."""
    found = forms.find_message(settings(), name)
    if found is None:
        abort(404)
    form = Form(forms.shown_message(found) if request.method == "GET" else request.form)
    if request.method == "POST":
        wanted = forms.read_message(form, settings(), found)

        def edit(now: Settings) -> Settings:
            check_unchanged(form, forms.find_message(now, name))
            return forms.changed(now, wanted)

        if _is_saved(form, CHANGED, f"say {name}", edit):
            flash(_("Saved. It holds from the next call on."), "done")
            return redirect(url_for("menus.menus"), 303)
    return _message_page(form, forms.find_message(settings(), name) or found, is_new=False)


def _message_page(form: Form, message: Announcement, *, is_new: bool) -> Page:
    firm = settings()
    page = render_template(
        "menus/message.html",
        form=form,
        message=message,
        is_new=is_new,
        seen=mark(message),
        codes=forms.languages_for(firm, message.texts),
        places=choices(firm, message.then, without=f"say {message.name}"),
        from_where=leads_to(firm, f"say {message.name}"),
    )
    return page if request.method == "GET" else (page, 422)


@menus.post("/menus/menu/<name>/remove")
def remove_menu(name: str) -> BaseResponse:
    """Take a menu away that nothing leads to any more."""
    return _remove(forms.find_menu(settings(), name), f"menu {name}", url_for("menus.menu", name=name))


@menus.post("/menus/message/<name>/remove")
def remove_message(name: str) -> BaseResponse:
    """Take a message away that nothing leads to any more."""
    return _remove(forms.find_message(settings(), name), f"say {name}", url_for("menus.message", name=name))


def _remove(found: Menu | Announcement | None, place: str, back: str) -> BaseResponse:
    if found is None:
        abort(404)
    if ways := leads_to(settings(), place):
        flash(_("Not removed: %(way)s leads here. Lead it elsewhere first.", way=ways[0]), "fault")
        return redirect(back, 303)
    form = Form({})
    if not save(form, REMOVED % {"place": place}, lambda now: forms.without(now, found)):
        flash(form.faults[""], "fault")
        return redirect(back, 303)
    flash(_("Removed. You can undo it in the history."), "done")
    return redirect(url_for("menus.menus"), 303)


@menus.post("/menus/listen")
def listen() -> BaseResponse:
    """The words of one language as the box would say them, before anything is saved."""
    code = request.form.get("listen", "")
    words = Form(request.form).paragraph(f"text-{code}", longest=1500)
    if code not in LANGUAGES or not words:
        return Response(_("There is nothing to say yet."), 422, mimetype="text/plain")
    try:
        spoken = ask_for(house().desk, asks.Speak(0, words, code), asks.Spoken)
        sample = _sample(Path(spoken.path))
    except (Refused, DeskAway, OSError) as error:
        why = (
            heard(error.words) if isinstance(error, Refused) else _("The voice does not answer. Try again in a moment.")
        )
        return Response(why, 503, mimetype="text/plain")
    return Response(sample, mimetype="audio/wav")


def _sample(path: Path) -> bytes:
    """The desk names the file, and only speech is ever read: a WAV file of sensible size."""
    if path.suffix != ".wav" or not path.is_file() or path.stat().st_size > LONGEST_SAMPLE:
        raise OSError(f"{path} is not a spoken sample")
    return path.read_bytes()
