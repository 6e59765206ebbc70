from __future__ import annotations

from itertools import count

from appliance.callcenter.ledger import Ledger
from appliance.calls import facts
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Extension, TaskId

NOW = Moment(1.0, 1e9)


def ledger() -> Ledger:
    numbers = count(1)
    return Ledger(lambda number: number.removeprefix("+355").removeprefix("0"), lambda: f"t-{next(numbers)}")


def test_a_number_is_one_person_however_it_is_written() -> None:
    book = ledger()
    book.lost(CallId("a"), "+355672000001", "office", 3.0, NOW)
    assert isinstance(book.lost(CallId("b"), "0672000001", "office", 5.0, NOW)[0], facts.TaskRepeated)
    (closed,) = book.spoke(CallId("c"), "0672000001", "we called", Extension("101"), NOW)
    assert isinstance(closed, facts.TaskClosed)
    assert not book.open


def test_withheld_numbers_are_a_task_each() -> None:
    book = ledger()
    book.lost(CallId("a"), "", "office", 3.0, NOW)
    book.lost(CallId("b"), "", "office", 3.0, NOW)
    assert len(book.open) == 2
    assert book.spoke(CallId("c"), "", "they called", Extension("101"), NOW) == []


def test_closing_by_hand_and_being_lost_again_opens_a_new_task() -> None:
    book = ledger()
    book.lost(CallId("a"), "0672000001", "office", 3.0, NOW)
    assert book.close(TaskId("t-9"), "Ana", "", NOW) == []
    (closed,) = book.close(TaskId("t-1"), "Ana", "sent an e-mail", NOW)
    assert isinstance(closed, facts.TaskClosed)
    assert isinstance(book.lost(CallId("b"), "0672000001", "office", 3.0, NOW)[0], facts.TaskOpened)


def test_its_facts_recreate_it() -> None:
    book = ledger()
    book.lost(CallId("a"), "0672000001", "office", 3.0, NOW)
    book.lost(CallId("b"), "0672000001", "office", 3.0, NOW)
    book.tried(CallId("c"), "0672000001", Extension("101"), NOW)
    again = ledger()
    for task in book.open.values():
        for fact in task.facts():
            again.take(fact)
    assert again.open == book.open


def test_numbers_are_found_again_when_they_are_written_in_another_way() -> None:
    book = ledger()
    book.lost(CallId("a"), "0672000001", "office", 3.0, NOW)
    book.write_as(lambda number: number[-4:])
    assert book.spoke(CallId("b"), "00355672000001", "we called", Extension("101"), NOW)
