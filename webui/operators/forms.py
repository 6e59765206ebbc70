"""A person of the firm as the owner fills them in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from appliance.calls.names import Encryption, Extension
from appliance.switchboard.settings import Person, Reach, Settings
from webui.desk import Refused
from webui.forms import Form
from webui.language import LANGUAGES, N_
from webui.numbers import listed, read_beginnings
from webui.saving import GONE

FIELDS = {
    "extension": "extension",
    "operators": "queues",
    "name": "name",
    "also": "also",
    "never": "never",
    "encryption": "encryption",
}
"""Where the desk's words about a person belong."""

ENCRYPTIONS = tuple(each.value for each in Encryption)


@dataclass(frozen=True, slots=True)
class Operator:
    """One person with the queues they answer."""

    person: Person
    queues: frozenset[str]

    def added_to(self, settings: Settings) -> Settings:
        """The firm with one more."""
        if self.person.extension in _taken(settings):
            raise Refused(N_("This number is taken."), "people.extension")
        people = sorted((*settings.people, self.person), key=lambda one: (len(one.extension), one.extension))
        return self._in_queues(replace(settings, people=tuple(people)))

    def put_into(self, settings: Settings) -> Settings:
        """The firm with this person changed."""
        if all(one.extension != self.person.extension for one in settings.people):
            raise Refused(GONE)
        people = tuple(self.person if one.extension == self.person.extension else one for one in settings.people)
        return self._in_queues(replace(settings, people=people))

    def _in_queues(self, settings: Settings) -> Settings:
        queues = []
        for queue in settings.queues:
            others = tuple(one for one in queue.operators if one != self.person.extension)
            wanted = queue.name in self.queues
            if wanted != (self.person.extension in queue.operators):
                operators = (*others, self.person.extension) if wanted else others
                queues.append(replace(queue, operators=operators))
            else:
                queues.append(queue)
        return replace(settings, queues=tuple(queues))


def read_operator(form: Form, settings: Settings, extension: Extension | None = None) -> Operator:
    """The person of the form; with `extension` the one who has it already."""
    encryption = form.choice("encryption", ENCRYPTIONS)
    person = Person(
        extension=extension or Extension(form.extension("extension")),
        name=form.text("name", longest=60),
        language=form.choice("language", {"", *LANGUAGES}),
        may_call_out=form.has("may_call_out"),
        reaches=tuple(reach for reach in Reach if form.has("reaches", reach.value)),
        also=read_beginnings(form, "also"),
        never=read_beginnings(form, "never"),
        encryption=Encryption(encryption) if encryption in ENCRYPTIONS else Encryption.OFF,
    )
    known = {queue.name for queue in settings.queues}
    return Operator(person, frozenset(known.intersection(form.values("queues"))))


def shown(operator: Operator) -> dict[str, str | list[str]]:
    """The fields of somebody who is there already."""
    person = operator.person
    return {
        "name": person.name,
        "extension": person.extension,
        "language": person.language,
        "may_call_out": "yes" if person.may_call_out else "",
        "reaches": [reach.value for reach in person.reaches],
        "also": listed(person.also),
        "never": listed(person.never),
        "encryption": person.encryption.value,
        "queues": sorted(operator.queues),
    }


def find(settings: Settings, extension: str) -> Operator | None:
    """Who has this extension."""
    for person in settings.people:
        if person.extension == extension:
            queues = frozenset(queue.name for queue in settings.queues if person.extension in queue.operators)
            return Operator(person, queues)
    return None


def without(settings: Settings, extension: str) -> Settings:
    """The firm without this person; its queues too."""
    people = tuple(one for one in settings.people if one.extension != extension)
    queues = tuple(
        replace(queue, operators=tuple(one for one in queue.operators if one != extension))
        if extension in queue.operators
        else queue
        for queue in settings.queues
    )
    return replace(settings, people=people, queues=queues)


def free_extension(settings: Settings) -> str:
    """The number after the highest that people have, or 101."""
    taken = _taken(settings)
    number = max((int(one.extension) for one in settings.people if one.extension.isdecimal()), default=100) + 1
    while str(number) in taken:
        number += 1
    return str(number)


def _taken(settings: Settings) -> set[str]:
    """Every number that means something inside the firm already."""
    people = {str(person.extension) for person in settings.people}
    queues = {str(queue.extension) for queue in settings.queues}
    menus = {str(menu.extension) for menu in settings.flow.menus}
    return people | queues | menus | set(settings.emergency_numbers)
