from __future__ import annotations

from pathlib import Path

import pytest

from appliance.callcenter.ledger import OpenTask
from appliance.calls import facts
from appliance.calls.facts import Fact
from appliance.calls.names import CallId, Extension, TaskId
from appliance.store.tasks import Task, TaskShelf, Try
from tests.store.saying import SATURDAY, began


def opened(number: int) -> facts.TaskOpened:
    return facts.TaskOpened(SATURDAY.after(number), TaskId(f"t-{number}"), CallId(f"c-{number}"), "069", "office", 12.0)


STORY: list[Fact] = [
    opened(1),
    began(7),
    facts.TaskRepeated(SATURDAY.after(10), TaskId("t-1"), CallId("c-10")),
    opened(2),
    facts.TaskTried(SATURDAY.after(20), TaskId("t-1"), CallId("c-20"), Extension("101")),
    facts.TaskTried(SATURDAY.after(30), TaskId("t-1"), CallId("c-30"), Extension("102")),
    facts.TaskClosed(SATURDAY.after(40), TaskId("t-1"), "we called", "101", "will come", CallId("c-40")),
    facts.TaskRepeated(SATURDAY.after(50), TaskId("t-9"), CallId("c-50")),
]
DONE = Task(
    TaskId("t-1"),
    "069",
    SATURDAY.after(1).utc,
    (CallId("c-1"), CallId("c-10")),
    "office",
    12.0,
    (
        Try(SATURDAY.after(20).utc, CallId("c-20"), Extension("101")),
        Try(SATURDAY.after(30).utc, CallId("c-30"), Extension("102")),
    ),
    SATURDAY.after(40).utc,
    "we called",
    "101",
    "will come",
    CallId("c-40"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tasks.tdb"


def test_a_task_is_the_fold_of_its_facts(path: Path) -> None:
    with TaskShelf(path) as shelf:
        for fact in STORY:
            shelf.take(fact)
        assert shelf.get("t-1") == DONE
        assert shelf.get("t-9") is None
        assert [task.task for task in shelf.open()] == ["t-2"]
        assert [task.task for task in shelf.latest()] == ["t-2", "t-1"]
    with TaskShelf(path, follow=True) as shelf:
        assert shelf.get("t-1") == DONE


@pytest.mark.parametrize("again_from", range(len(STORY)))
def test_a_journal_replayed_over_it_changes_nothing(path: Path, again_from: int) -> None:
    with TaskShelf(path) as shelf:
        for fact in STORY:
            shelf.take(fact)
        shelf.flush()
        size = path.stat().st_size
        for fact in STORY[again_from:]:
            shelf.take(fact)
        assert path.stat().st_size == size
        assert shelf.get("t-1") == DONE


def test_the_head_of_a_journal_adds_nothing(path: Path) -> None:
    """It says how often, in the name of the first call; who and when is on the shelf already."""
    head = OpenTask(opened(1), lost_calls=2, tries=2).facts()
    with TaskShelf(path) as shelf:
        for fact in STORY[:-2]:
            shelf.take(fact)
        before = shelf.get("t-1")
        for fact in head:
            shelf.take(fact)
        assert shelf.get("t-1") == before


def test_the_page_sees_tasks_come_and_go(path: Path) -> None:
    with TaskShelf(path) as shelf, TaskShelf(path, follow=True) as page:
        for number in range(1, 30):
            shelf.take(opened(number))
            assert len(page.open()) == min(number, 2)
            if number > 1:
                shelf.take(facts.TaskClosed(SATURDAY, TaskId(f"t-{number - 1}"), "by hand", "Arta"))
                assert [task.task for task in page.open()] == [f"t-{number}"]
        assert [task.task for task in page.latest(3)] == ["t-29", "t-28", "t-27"]
        assert [task.task for task in page.latest(2, before="t-28")] == ["t-27", "t-26"]
