"""Writes down what happens: every fact to the journal, every call that is over to its shelf."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.calls import facts
from appliance.calls.facts import CallFact, Fact
from appliance.calls.names import CallId
from appliance.calls.record import CallRecord, RecordInProgress
from appliance.store.calls import CallShelves
from appliance.store.tasks import TaskShelf


class Archivist:
    """Folds facts to records as they come. What is put twice, after a restart, is there once."""

    def __init__(self, shelf: CallShelves, tasks: TaskShelf) -> None:
        self._shelf = shelf
        self._tasks = tasks
        self._open: dict[CallId, RecordInProgress] = {}

    def resume(self, head: Iterable[Fact], since: Iterable[Fact]) -> None:
        """After a start: the shelves have had all of `head`, and perhaps some of what happened `since`."""
        for fact in head:
            if isinstance(fact, CallFact):
                self.take(fact)
        for fact in since:
            self.take(fact)

    def take(self, fact: Fact) -> None:
        """Take one fact, after all earlier ones of its call."""
        match fact:
            case facts.TaskOpened() | facts.TaskRepeated() | facts.TaskTried() | facts.TaskClosed():
                self._tasks.take(fact)
            case facts.CallBegan(call=call):
                self._open[call] = RecordInProgress.begin(fact)
            case _ if (story := self._open.get(getattr(fact, "call", CallId("")))) is not None:
                story.add(fact)  # type: ignore[arg-type]  # it names a call and is no task's
                self._shelve(story.record)

    def _shelve(self, record: CallRecord) -> None:
        """A call goes to its shelf when it is over, and once more when its recording has closed."""
        if not record.ended:
            return
        self._shelf.put(record)
        closed = any(step.what == "recording_kept" for step in record.steps)
        if closed or not record.recording:
            self._open.pop(record.call, None)
