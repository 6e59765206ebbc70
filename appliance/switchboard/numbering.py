"""What a dialled number means inside the firm."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.callflow.settings import Place
from appliance.calls.names import Extension
from appliance.switchboard.settings import Settings


@dataclass(frozen=True, slots=True)
class CallPerson:
    """A colleague."""

    extension: Extension
    record: bool = False


@dataclass(frozen=True, slots=True)
class EnterFlow:
    """A menu or a queue of our own, reached from inside."""

    place: Place


@dataclass(frozen=True, slots=True)
class CallOutside:
    """A number in the outside world, over a line."""

    number: str
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class Nobody:
    """No such number."""


Meaning = CallPerson | EnterFlow | CallOutside | Nobody


def meaning(settings: Settings, dialled: str) -> Meaning:
    """Read a dialled number. Emergency numbers come before everything else the owner may have set up."""
    number = "".join(sign for sign in dialled if sign in "0123456789*#+")
    if number in settings.emergency_numbers:
        return CallOutside(number, emergency=True)
    if inside := _inside(settings, number):
        return inside
    prefix = settings.record_prefix
    if prefix and number.startswith(prefix):
        colleague = _inside(settings, number.removeprefix(prefix))
        if isinstance(colleague, CallPerson):
            return CallPerson(colleague.extension, record=True)
    # Not what begins with * or #: to a provider that may be an order, such as sending all our calls elsewhere.
    if number != dialled or not number.removeprefix("+").isdecimal() or len(number) <= longest_extension(settings):
        return Nobody()
    return CallOutside(number)


def longest_extension(settings: Settings) -> int:
    """Digits of the longest number inside the firm: what is no longer and unknown is a slip of the finger."""
    numbers = [
        *(person.extension for person in settings.people),
        *(queue.extension for queue in settings.queues),
        *(menu.extension for menu in settings.flow.menus),
    ]
    return max(map(len, numbers), default=0)


def _inside(settings: Settings, number: str) -> CallPerson | EnterFlow | None:
    for person in settings.people:
        if person.extension == number:
            return CallPerson(person.extension)
    for queue in settings.queues:
        if queue.extension and queue.extension == number:
            return EnterFlow(f"queue {queue.name}")
    for menu in settings.flow.menus:
        if menu.extension and menu.extension == number:
            return EnterFlow(f"menu {menu.name}")
    return None
