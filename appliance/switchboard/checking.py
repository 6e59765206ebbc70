"""Does what the owner describes make sense? Asked before anything goes live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from appliance.callflow.hours import minutes
from appliance.callflow.settings import HANG_UP, Hours, Place
from appliance.switchboard.checking_outside import check_outside
from appliance.switchboard.problem import Problem
from appliance.switchboard.settings import Settings

KEYS = "0123456789*#"


def check(settings: Settings) -> list[Problem]:
    """Everything that would leave a caller in the dark; an empty list means it can go live."""
    return [
        *_check_firm(settings),
        *_check_numbers(settings),
        *_check_queues(settings),
        *_check_flow(settings),
        *_check_circles(settings),
        *check_outside(settings),
    ]


def places(settings: Settings) -> list[Place]:
    """Every place a key or a line may lead to, in the order in which people think of them."""
    flow = settings.flow
    return [
        *(f"hours {hours.name}" for hours in flow.hours),
        *(f"menu {menu.name}" for menu in flow.menus),
        *(f"queue {queue.name}" for queue in settings.queues),
        *(f"phone {person.extension}" for person in settings.people),
        *(f"say {announcement.name}" for announcement in flow.announcements),
        HANG_UP,
    ]


def _check_firm(settings: Settings) -> Iterator[Problem]:
    try:
        ZoneInfo(settings.timezone)
    except (KeyError, ValueError, OSError):
        yield Problem("timezone", f"there is no time zone {settings.timezone!r}; a good one is Europe/Tirane")
    prefix = settings.record_prefix
    if prefix and not prefix.isdecimal():
        yield Problem("record_prefix", f"{prefix!r} is not a number that can be dialled")
    elif prefix:
        yield from _check_prefix(settings)


def _check_prefix(settings: Settings) -> Iterator[Problem]:
    """Behind the prefix nobody could tell what is meant: an extension that begins so, or a call to another one."""
    prefix = settings.record_prefix
    for _, number, who in _numbers(settings):
        if number.startswith(prefix):
            yield Problem("record_prefix", f"the extension {number} of {who} begins with {prefix}: choose another")
    for person in settings.people:
        if prefix + person.extension in settings.emergency_numbers:
            number = prefix + person.extension
            yield Problem("record_prefix", f"{number} would be a recorded call, and is an emergency number")


def _check_numbers(settings: Settings) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for where, number, who in _numbers(settings):
        if not number.isdecimal() or not 2 <= len(number) <= 6:
            yield Problem(where, f"{number!r} is not an extension: 2 to 6 digits are")
        elif number in settings.emergency_numbers:
            yield Problem(where, f"{number} is an emergency number and cannot be an extension")
        elif number in taken:
            yield Problem(where, f"{number} is already the extension of {taken[number]}")
        taken.setdefault(number, who)


def _numbers(settings: Settings) -> Iterator[tuple[str, str, str]]:
    for person in settings.people:
        yield f"people.{person.extension}.extension", person.extension, person.name or person.extension
    for queue in settings.queues:
        if queue.extension:
            yield f"queues.{queue.name}.extension", queue.extension, f"the queue {queue.name}"
    for menu in settings.flow.menus:
        if menu.extension:
            yield f"menus.{menu.name}.extension", menu.extension, f"the menu {menu.name}"


def _check_queues(settings: Settings) -> Iterator[Problem]:
    people = {person.extension for person in settings.people}
    for queue in settings.queues:
        where = f"queues.{queue.name}"
        for operator in queue.operators:
            if operator not in people:
                yield Problem(f"{where}.operators", f"nobody has the extension {operator}")
        for field in ("ring_seconds", "longest_wait_seconds"):
            if not getattr(queue, field) > 0:
                yield Problem(f"{where}.{field}", "has to be more than 0 seconds")
        for field in ("wrap_up_seconds", "set_aside_seconds"):
            if getattr(queue, field) < 0:
                yield Problem(f"{where}.{field}", "cannot be less than 0 seconds")
        if queue.when_too_long == f"queue {queue.name}":
            yield Problem(f"{where}.when_too_long", "leads back to the same queue")


def _check_flow(settings: Settings) -> Iterator[Problem]:
    known = set(places(settings))
    for where, place in _ways(settings):
        if place not in known:
            yield Problem(where, f"there is no place {place!r}")
    yield from _check_names(settings)
    for menu in settings.flow.menus:
        yield from _check_texts(f"menus.{menu.name}", menu.texts)
        pressed: set[str] = set()
        for choice in menu.choices:
            where = f"menus.{menu.name}.choices.{choice.key}"
            if choice.key not in KEYS or len(choice.key) != 1:
                yield Problem(f"{where}.key", f"{choice.key!r} is not a key: 0 to 9, * and # are")
            elif choice.key in pressed:
                yield Problem(f"{where}.key", f"the key {choice.key} leads to two places")
            pressed.add(choice.key)
        if not menu.choices:
            yield Problem(f"menus.{menu.name}.choices", "a menu needs at least one key")
        if menu.tries < 1 or not 0 < menu.seconds <= 60:
            yield Problem(f"menus.{menu.name}.tries", "ask at least once, and wait up to 60 seconds for a key")
    for announcement in settings.flow.announcements:
        yield from _check_texts(f"announcements.{announcement.name}", announcement.texts)
    for hours in settings.flow.hours:
        yield from _check_hours(hours)


def _check_names(settings: Settings) -> Iterator[Problem]:
    flow = settings.flow
    kinds: tuple[tuple[str, Iterable[str]], ...] = (
        ("queues", (queue.name for queue in settings.queues)),
        ("menus", (menu.name for menu in flow.menus)),
        ("announcements", (announcement.name for announcement in flow.announcements)),
        ("hours", (hours.name for hours in flow.hours)),
        ("lines", (line.name for line in settings.lines)),
    )
    for kind, names in kinds:
        seen: set[str] = set()
        for name in names:
            if not name.strip() or name != name.strip():
                yield Problem(f"{kind}.{name}", "needs a name")
            elif name in seen:
                yield Problem(f"{kind}.{name}", f"there are two {kind} with the name {name}")
            seen.add(name)


def _check_texts(where: str, texts: object) -> Iterator[Problem]:
    if not isinstance(texts, dict) or not any(str(text).strip() for text in texts.values()):
        yield Problem(f"{where}.texts", "has nothing to say: callers would hear silence")


def _check_hours(hours: Hours) -> Iterator[Problem]:
    where = f"hours.{hours.name}"
    for span in hours.week:
        yield from _check_span(f"{where}.week", span.begins, span.ends)
        if span.day not in range(7):
            yield Problem(f"{where}.week", f"{span.day} is not a day of the week")
    for special in hours.special:
        for begins, ends in special.spans:
            yield from _check_span(f"{where}.special.{special.date}", begins, ends)


def _check_span(where: str, begins: str, ends: str) -> Iterator[Problem]:
    try:
        if minutes(begins) >= minutes(ends):
            yield Problem(where, f"{begins}-{ends} ends before it begins; write hours past midnight as two days")
    except ValueError as error:
        yield Problem(where, str(error))


def _ways(settings: Settings) -> Iterator[tuple[str, Place]]:
    """Every arrow of the flow, with where it is written."""
    for menu in settings.flow.menus:
        yield f"menus.{menu.name}.then", menu.then
        for choice in menu.choices:
            yield f"menus.{menu.name}.choices.{choice.key}.to", choice.to
    for announcement in settings.flow.announcements:
        yield f"announcements.{announcement.name}.then", announcement.then
    for hours in settings.flow.hours:
        yield f"hours.{hours.name}.open", hours.open
        yield f"hours.{hours.name}.closed", hours.closed
    for queue in settings.queues:
        yield f"queues.{queue.name}.when_too_long", queue.when_too_long
    for line in settings.lines:
        yield f"lines.{line.name}.enters", line.enters
        for route in line.numbers:
            yield f"lines.{line.name}.numbers", route.enters


def _check_circles(settings: Settings) -> Iterator[Problem]:
    """A way that leads on by itself must come to an end: a caller cannot be led in a circle without doing anything."""
    onward: dict[Place, tuple[Place, ...]] = {f"say {one.name}": (one.then,) for one in settings.flow.announcements}
    onward |= {f"hours {one.name}": (one.open, one.closed) for one in settings.flow.hours}
    onward |= {f"menu {one.name}": (one.then,) for one in settings.flow.menus}
    for start in onward:
        if _leads_back(start, onward):
            kind, _, name = start.partition(" ")
            room = {"say": "announcements", "menu": "menus"}.get(kind, kind)
            yield Problem(f"{room}.{name}", "a caller who does nothing would be led in a circle and never leave")


def _leads_back(start: Place, onward: dict[Place, tuple[Place, ...]]) -> bool:
    seen: set[Place] = set()
    ahead = list(onward[start])
    while ahead:
        place = ahead.pop()
        if place == start:
            return True
        if place in onward and place not in seen:
            seen.add(place)
            ahead += onward[place]
    return False
