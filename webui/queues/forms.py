"""A queue as the owner fills it in."""

from __future__ import annotations

import re
from dataclasses import replace

from appliance.callcenter.settings import QueueSettings
from appliance.calls.names import Extension
from appliance.switchboard.settings import Settings
from webui.desk import Refused
from webui.forms import Form
from webui.language import N_, _
from webui.saving import GONE
from webui.saying import in_words
from webui.ways import choices

FIELDS = {
    "extension": "extension",
    "operators": "operators",
    "ring_seconds": "ring_seconds",
    "wrap_up_seconds": "wrap_up_seconds",
    "set_aside_seconds": "set_aside_seconds",
    "longest_wait_seconds": "longest_wait_seconds",
    "when_too_long": "when_too_long",
}

_OFFERED = {
    "ring_seconds": (10, 15, 20, 25, 30, 45, 60),
    "wrap_up_seconds": (0, 5, 10, 15, 20, 30, 60, 120, 180, 300),
    "set_aside_seconds": (60, 120, 300, 600, 900, 1800, 3600),
    "longest_wait_seconds": (120, 180, 300, 600, 900, 1200, 1800, 3600),
}


def lengths(field: str, now: str) -> list[tuple[str, str]]:
    """Lengths of time to choose from, with the one that is set."""
    seconds = {float(each) for each in _OFFERED[field]}
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", now):
        seconds.add(float(now))
    return [(f"{each:g}", _("none") if not each else in_words(each)) for each in sorted(seconds)]


def shown(queue: QueueSettings) -> dict[str, str | list[str]]:
    """The fields of a queue that is there."""
    return {
        "title": queue.title,
        "extension": queue.extension,
        "operators": list(queue.operators),
        **{field: f"{getattr(queue, field):g}" for field in _OFFERED},
        "when_too_long": queue.when_too_long,
        "record": "yes" if queue.record else "",
    }


def read_queue(form: Form, settings: Settings, before: QueueSettings) -> QueueSettings:
    """The queue of the form, which was `before` until now. Operators keep their order."""
    ticked = set(form.values("operators"))
    people = [person.extension for person in settings.people]
    operators = [one for one in before.operators if one in ticked]
    operators += [one for one in people if one in ticked and one not in operators]
    places = [place for place, _words in choices(settings, before.when_too_long, without=f"queue {before.name}")]
    return replace(
        before,
        title=form.text("title", longest=40),
        extension=Extension(form.extension("extension", needed=False)),
        operators=tuple(operators),
        ring_seconds=_seconds(form, "ring_seconds"),
        wrap_up_seconds=_seconds(form, "wrap_up_seconds"),
        set_aside_seconds=_seconds(form, "set_aside_seconds"),
        longest_wait_seconds=_seconds(form, "longest_wait_seconds"),
        when_too_long=form.choice("when_too_long", places),
        record=form.has("record"),
    )


def _seconds(form: Form, field: str) -> float:
    value = form.value(field)
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", value) or float(value) > 86400:
        form.fault(field, _("Please choose one of the list."))
        return 0.0
    return float(value)


def new_name(title: str, taken: set[str]) -> str:
    """A name for the flow made from a title: `Front office` is `front-office`, a second one `front-office-2`."""
    name = re.sub(r"[^\w]+", "-", title.casefold()).strip("-") or "new"
    number, base = 2, name
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def added(settings: Settings, queue: QueueSettings) -> Settings:
    """The firm with one more queue."""
    if any(one.name == queue.name for one in settings.queues):
        raise Refused(N_("Somebody else has just made one with this name. Choose another."))
    return replace(settings, queues=(*settings.queues, queue))


def changed(settings: Settings, queue: QueueSettings) -> Settings:
    """The firm with this queue changed."""
    if all(one.name != queue.name for one in settings.queues):
        raise Refused(GONE)
    return replace(settings, queues=tuple(queue if one.name == queue.name else one for one in settings.queues))


def without(settings: Settings, name: str) -> Settings:
    """The firm without this queue."""
    return replace(settings, queues=tuple(one for one in settings.queues if one.name != name))


def find(settings: Settings, name: str) -> QueueSettings | None:
    """The queue of this name."""
    return next((one for one in settings.queues if one.name == name), None)
