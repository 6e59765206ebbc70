"""The missed-call ledger as people look at it: each task with all that was tried, folded from the same facts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from tinydb.table import Document

from appliance.calls import facts
from appliance.calls.facts import Fact
from appliance.calls.names import CallId, Extension, TaskId
from appliance.store.shelves import Shelf, as_document, read_as
from appliance.store.storage import Sync
from appliance.store.trouble import StoreTrouble

log = logging.getLogger("qendra.store")

TABLE = "tasks"


@dataclass(frozen=True, slots=True)
class Try:
    """Somebody called back and reached nobody."""

    at: float
    call: CallId
    extension: Extension


@dataclass(frozen=True, slots=True)
class Task:
    """One lost caller. Times are UTC seconds."""

    task: TaskId
    number: str
    """Empty when withheld."""
    opened: float
    calls: tuple[CallId, ...]
    """All calls they were lost in, first to last."""
    queue: str = ""
    waited: float = 0.0
    """In the first of those calls."""
    tries: tuple[Try, ...] = ()
    closed: float = 0.0
    """0 while it is open."""
    how: str = ""
    """`they called`, `we called` or `by hand`."""
    who: str = ""
    note: str = ""
    spoken_in: CallId = CallId("")
    """The call in which somebody has spoken with them."""


class TaskShelf(Shelf):
    """`tasks.tdb`. Taking a fact twice changes nothing, so that a journal can be replayed over it.

    `take` is quick; `flush` makes durable and may run in another thread.
    """

    def __init__(self, path: Path, *, follow: bool = False, trouble: Callable[[str], None] = lambda _: None) -> None:
        """`trouble` hears in plain words when the disk refuses, and an empty text when all is written again.

        Raises:
            StoreTrouble: it cannot be opened.
        """
        self._index = _Index()
        super().__init__(path, follow=follow, sync=Sync.FLUSH, listener=self._index)
        self._table = self.db.table(TABLE)
        self._trouble = trouble
        self._held: list[Fact] = []
        self._lock = threading.RLock()

    def take(self, fact: Fact) -> None:
        """Apply a fact about a task; others are none of its business. What the disk refuses is held in memory."""
        match fact:
            case facts.TaskOpened() | facts.TaskRepeated() | facts.TaskTried() | facts.TaskClosed():
                with self._lock:
                    self._held.append(fact)
                    self._try_held()
            case _:
                pass

    def flush(self) -> None:
        """Return when everything taken is durable. Only after that may the journal be rotated.

        Raises:
            StoreTrouble: some is not; try again later.
        """
        with self._lock:
            if self._held:
                self._take_held()
                self._trouble("")
        super().flush()

    def get(self, task: str) -> Task | None:
        """One task, open or closed."""
        self.storage.picture()
        number = self._index.numbers.get(task)
        return None if number is None else self._read(number)

    def open(self) -> list[Task]:
        """What is still to do, the longest lost first."""
        self.storage.picture()
        return sorted(self._read_all(sorted(self._index.open)), key=lambda task: task.opened)

    def latest(self, limit: int = 50, before: str = "") -> list[Task]:
        """Tasks in the order they were opened, newest first; `before` is the last task of the page before."""
        self.storage.picture()
        numbers = sorted(self._index.numbers.values(), reverse=True)
        end = self._index.numbers.get(before)
        return self._read_all([number for number in numbers if end is None or number < end][:limit])

    def _try_held(self) -> None:
        try:
            self._take_held()
        except StoreTrouble as error:
            self._trouble(str(error))

    def _take_held(self) -> None:
        while self._held:
            self._apply(self._held[0])
            del self._held[0]

    def _apply(self, fact: Fact) -> None:
        match fact:
            case facts.TaskOpened(at=at, task=name, call=call, number=number):
                if name not in self._index.numbers:
                    self._put(Task(name, number, at.utc, (call,), fact.queue, fact.waited))
            case facts.TaskRepeated(task=name, call=call):
                self._change(name, lambda task: _lost_again(task, call))
            case facts.TaskTried(task=name):
                self._change(name, lambda task: _tried(task, Try(fact.at.utc, fact.call, fact.extension)))
            case facts.TaskClosed(task=name):
                self._change(name, lambda task: _closed(task, fact))
            case _:
                pass

    def _change(self, name: TaskId, change: Callable[[Task], Task]) -> None:
        task = self.get(name)
        if task is None:
            log.warning("a fact about the unknown task %s", name)
        elif (changed := change(task)) != task:
            self._put(changed)

    def _put(self, task: Task) -> None:
        document = as_document(task)
        number = self._index.numbers.get(task.task)
        if number is None:
            self._table.insert(document)
        else:
            self._table.upsert(Document(document, number))

    def _read(self, number: int) -> Task | None:
        document = self._table.get(doc_id=number)
        return None if document is None else read_as(Task, document)

    def _read_all(self, numbers: list[int]) -> list[Task]:
        return [task for task in map(self._read, numbers) if task]


def _lost_again(task: Task, call: CallId) -> Task:
    return task if call in task.calls else replace(task, calls=(*task.calls, call))


def _tried(task: Task, attempt: Try) -> Task:
    """The head of a journal says how often it was tried in the name of the lost call: that is known already."""
    known = attempt.call in task.calls or any(attempt.call == other.call for other in task.tries)
    return task if known else replace(task, tries=(*task.tries, attempt))


def _closed(task: Task, fact: facts.TaskClosed) -> Task:
    if task.closed:
        return task
    return replace(task, closed=fact.at.utc, how=fact.how, who=fact.who, note=fact.note, spoken_in=fact.call)


class _Row(msgspec.Struct, gc=False):
    task: str
    closed: float = 0.0


class _Index:
    """Which task is which document, and which are open."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.open: set[int] = set()

    def cleared(self) -> None:
        self.numbers.clear()
        self.open.clear()

    def put(self, table: str, number: int, document: bytes) -> None:
        if table != TABLE:
            return
        row = _row_decoder.decode(document)
        self.numbers[row.task] = number
        if row.closed:
            self.open.discard(number)
        else:
            self.open.add(number)

    def gone(self, table: str, number: int) -> None:
        if table == TABLE:
            self.open.discard(number)
            self.numbers = {task: other for task, other in self.numbers.items() if other != number}


_row_decoder = msgspec.json.Decoder(_Row)
