"""The missed-call ledger: each lost caller is one open task until somebody has spoken with them.

Tasks are folded by number: who calls five times in vain is one person to call back, not five.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.calls import facts
from appliance.calls.facts import OtherFact
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Extension, TaskId


@dataclass(slots=True)
class OpenTask:
    """A lost caller nobody has spoken with yet."""

    opened: facts.TaskOpened
    lost_calls: int = 1
    tries: int = 0

    def facts(self) -> list[OtherFact]:
        """What recreates it in a new journal."""
        task, at, call = self.opened.task, self.opened.at, self.opened.call
        again = [facts.TaskRepeated(at, task, call) for _ in range(self.lost_calls - 1)]
        tried = [facts.TaskTried(at, task, call, Extension("")) for _ in range(self.tries)]
        return [self.opened, *again, *tried]


class Ledger:
    """All open tasks. Methods return the facts that follow; the ledger itself changes only by facts."""

    def __init__(self, canonical: Callable[[str], str], name: Callable[[], str]) -> None:
        """`canonical` writes a number in one way however it came; `name` makes a new task's name."""
        self._canonical = canonical
        self._name = name
        self.open: dict[TaskId, OpenTask] = {}
        self._by_number: dict[str, TaskId] = {}

    def write_as(self, canonical: Callable[[str], str]) -> None:
        """From now on numbers are written in this way, those of the open tasks too."""
        self._canonical = canonical
        numbers = ((task.opened.number, name) for name, task in self.open.items())
        self._by_number = {canonical(number): name for number, name in numbers if number}

    def lost(
        self, call: CallId, number: str, queue: str, waited: float, now: Moment, extension: Extension | None = None
    ) -> list[OtherFact]:
        """A caller from outside was lost, in this queue or at the own number of the person with this extension. Withheld
        numbers cannot be folded: each is a task of its own.
        """
        known = self._by_number.get(self._canonical(number)) if number else None
        if known is not None:
            return self._did(facts.TaskRepeated(now, known, call))
        return self._did(
            facts.TaskOpened(now, TaskId(self._name()), call, number, queue, waited, extension or Extension(""))
        )

    def spoke(self, call: CallId, number: str, how: str, who: Extension, now: Moment) -> list[OtherFact]:
        """Somebody of us has spoken with this number (`they called` or `we called`)."""
        task = self._by_number.get(self._canonical(number)) if number else None
        return [] if task is None else self._did(facts.TaskClosed(now, task, how, who, call=call))

    def tried(self, call: CallId, number: str, who: Extension, now: Moment) -> list[OtherFact]:
        """Somebody of us called this number and reached nobody."""
        task = self._by_number.get(self._canonical(number)) if number else None
        return [] if task is None else self._did(facts.TaskTried(now, task, call, who))

    def close(self, task: TaskId, who: str, note: str, now: Moment) -> list[OtherFact]:
        """A person says it is dealt with. Nothing when there is no such open task."""
        return self._did(facts.TaskClosed(now, task, "by hand", who, note)) if task in self.open else []

    def take(self, fact: OtherFact) -> None:
        """Apply a fact: one of our own just made, or one from the journal."""
        match fact:
            case facts.TaskOpened(task=task, number=number):
                self.open[task] = OpenTask(fact)
                if number:
                    self._by_number[self._canonical(number)] = task
            case facts.TaskRepeated(task=task) if task in self.open:
                self.open[task].lost_calls += 1
            case facts.TaskTried(task=task) if task in self.open:
                self.open[task].tries += 1
            case facts.TaskClosed(task=task) if task in self.open:
                number = self.open.pop(task).opened.number
                if number:
                    self._by_number.pop(self._canonical(number), None)
            case _:
                pass

    def _did(self, fact: OtherFact) -> list[OtherFact]:
        self.take(fact)
        return [fact]
