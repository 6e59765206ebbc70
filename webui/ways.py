"""The way of a call as pages need it: where a key may lead, and what leads to a place."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.callflow.settings import Place
from appliance.switchboard.checking import places
from appliance.switchboard.settings import Settings
from webui.language import _
from webui.saying import place as place_words
from webui.saying import queue_title, telephone


def choices(settings: Settings, *now: Place, without: Place = "") -> list[tuple[Place, str]]:
    """Every place with its words, for a list to choose from. What is set `now` is in it even when it is gone."""
    known = [place for place in places(settings) if place != without]
    known += [place for place in dict.fromkeys(now) if place and place not in known]
    return [(place, place_words(place)) for place in known]


def leads_to(settings: Settings, place: Place) -> list[str]:
    """What leads to `place`, in words: it cannot be removed as long as something does."""
    return [words for words, to in _arrows(settings) if to == place]


def _arrows(settings: Settings) -> Iterator[tuple[str, Place]]:
    for line in settings.lines:
        yield _("the line %(name)s", name=line.name), line.enters
        for route in line.numbers:
            yield _("the number %(number)s", number=telephone(route.number)), route.enters
    for hours in settings.flow.hours:
        for place in (hours.open, hours.closed):
            yield _("the opening hours “%(name)s”", name=hours.name), place
    for menu in settings.flow.menus:
        yield _("the menu “%(name)s”", name=menu.name), menu.then
        for choice in menu.choices:
            yield _("key %(key)s of the menu “%(name)s”", key=choice.key, name=menu.name), choice.to
    for announcement in settings.flow.announcements:
        yield _("the message “%(name)s”", name=announcement.name), announcement.then
    for queue in settings.queues:
        yield _("the queue “%(name)s”", name=queue_title(queue.name)), queue.when_too_long
