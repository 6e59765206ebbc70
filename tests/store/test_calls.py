from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tinydb import TinyDB, where

from appliance.calls.facts import EndedBy
from appliance.calls.lookup import CallQuery
from appliance.calls.names import CallId, Cause, Direction, Extension, LineId
from appliance.calls.record import CallRecord, Result, Step
from appliance.store.calls import CallArchive, CallShelves, month_of
from appliance.store.storage import AppendStorage
from appliance.store.trouble import StoreTrouble
from tests.store.saying import DAY, SATURDAY

MONTH = 30 * DAY


def a_call(number: int, began: float = SATURDAY.utc, **more: object) -> CallRecord:
    record = CallRecord(
        call=CallId(f"c-{number}"),
        direction=Direction.IN,
        caller=f"+35569{number:07}",
        line=LineId("gsm1"),
        began=began,
        ended=began + 60,
        queue="office",
        operators=(Extension("101"),),
        result=Result.ANSWERED,
        ended_by=EndedBy.CALLER,
        cause=Cause.NORMAL,
        steps=(Step(0.0, "call_began", f"+35569{number:07}", "gsm1"), Step(1.5, "queue_joined", "office")),
    )
    return replace(record, **more)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "calls"


def names(calls: tuple[CallRecord, ...]) -> list[str]:
    return [record.call for record in calls]


def test_a_record_comes_back_as_it_was(folder: Path) -> None:
    shelves = CallShelves(folder)
    record = a_call(1, answered_after=None, recording="2026/11/21/c-1")
    shelves.put(record)
    assert shelves.call("c-1") == record
    assert shelves.call("c-2") is None
    shelves.close()
    archive = CallArchive(folder)
    assert archive.call("c-1") == record
    assert archive.search(CallQuery()).calls == (record,)
    archive.close()


def test_putting_twice_changes_nothing_and_putting_anew_replaces(folder: Path) -> None:
    shelves = CallShelves(folder)
    shelves.put(a_call(1))
    shelves.flush()
    size = (folder / "2026-11.tdb").stat().st_size
    shelves.put(a_call(1))
    assert (folder / "2026-11.tdb").stat().st_size == size
    shelves.put(a_call(1, recorded=12.5, result=Result.MISSED))
    assert shelves.call("c-1") == a_call(1, recorded=12.5, result=Result.MISSED)
    assert len(shelves.search(CallQuery()).calls) == 1
    assert shelves.search(CallQuery(result=Result.ANSWERED)).calls == ()
    shelves.close()
    again = CallShelves(folder)
    again.put(a_call(1))
    assert again.search(CallQuery()).calls == (a_call(1),)
    again.close()


def test_each_month_has_its_file_and_search_goes_over_all_newest_first(folder: Path) -> None:
    shelves = CallShelves(folder)
    numbers = list(range(60))
    random.Random(1).shuffle(numbers)
    for number in numbers:
        shelves.put(a_call(number, SATURDAY.utc - number * MONTH / 10))
    assert shelves.months() == ["2026-11", "2026-10", "2026-09", "2026-08", "2026-07", "2026-06", "2026-05"]
    assert names(shelves.search(CallQuery(limit=100)).calls) == [f"c-{number}" for number in range(60)]
    assert shelves.call("c-59", SATURDAY.utc - 59 * MONTH / 10) is not None
    assert shelves.call("c-59") is not None
    assert shelves.call("c-59", SATURDAY.utc + MONTH) is not None, "about when is a hint, not a condition"
    assert len(shelves._open) == 3
    shelves.close()


def test_pages_go_on_where_the_last_one_ended_whatever_comes_in_between(folder: Path) -> None:
    shelves = CallShelves(folder)
    for number in range(95):
        shelves.put(a_call(number, SATURDAY.utc - (number // 5) * 2 * DAY))  # five at once, over two months
    expected = names(shelves.search(CallQuery(limit=1000)).calls)
    seen: list[str] = []
    page = shelves.search(CallQuery(limit=7))
    while True:
        seen += names(page.calls)
        shelves.put(a_call(1000 + len(seen), SATURDAY.utc + len(seen)))
        if not page.older:
            break
        page = shelves.search(CallQuery(limit=7, before=page.older))
    assert seen == expected
    assert len(set(seen)) == 95
    shelves.close()


@pytest.mark.parametrize("before", ["nonsense", "nan c-1", "inf c-1", "1e999 c-1", "x c-1"])
def test_a_made_up_place_to_go_on_from_is_the_beginning(folder: Path, before: str) -> None:
    shelves = CallShelves(folder)
    shelves.put(a_call(1))
    assert names(shelves.search(CallQuery(before=before)).calls) == ["c-1"]
    shelves.close()


@pytest.fixture
def some_calls(folder: Path) -> CallShelves:
    shelves = CallShelves(folder)
    shelves.put(a_call(1, SATURDAY.utc, caller="+355 69 123 4567", caller_name="Taksi Ёлка"))
    shelves.put(a_call(2, SATURDAY.utc + DAY, caller="", result=Result.MISSED, operators=()))
    outgoing = {
        "direction": Direction.OUT,
        "caller": "102",
        "dialled": "0682223344",
        "queue": "",
        "line": LineId("gsm2"),
    }
    shelves.put(a_call(3, SATURDAY.utc + 2 * DAY, operators=(Extension("102"),), **outgoing))
    inside = {"direction": Direction.INTERNAL, "caller": "101", "dialled": "103", "queue": "", "line": LineId("")}
    shelves.put(a_call(4, SATURDAY.utc + 3 * DAY, operators=(Extension("103"),), steps=(), **inside))
    return shelves


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (CallQuery(), [4, 3, 2, 1]),
        (CallQuery(direction=Direction.OUT), [3]),
        (CallQuery(result=Result.MISSED), [2]),
        (CallQuery(queue="office"), [2, 1]),
        (CallQuery(line="gsm2"), [3]),
        (CallQuery(operator="101"), [4, 1]),
        (CallQuery(operator="102"), [3]),
        (CallQuery(operator="103"), [4]),
        (CallQuery(number="0691234567"), [1]),
        (CallQuery(number="00355 69-123"), [1]),
        (CallQuery(number="222 33"), [3]),
        (CallQuery(number="no digits"), []),
        (CallQuery(since=SATURDAY.utc + DAY), [4, 3, 2]),
        (CallQuery(until=SATURDAY.utc + DAY), [1]),
        (CallQuery(since=SATURDAY.utc + DAY, until=SATURDAY.utc + 3 * DAY), [3, 2]),
        (CallQuery(since=SATURDAY.utc + 100 * DAY), []),
        (CallQuery(text="ёлка"), [1]),
        (CallQuery(text="taksi"), [1]),
        (CallQuery(text="69 12 34"), [1]),
        (CallQuery(text="gsm1"), [3, 2, 1]),
        (CallQuery(text="OFFICE"), [3, 2, 1]),
        (CallQuery(text="caller"), []),
        (CallQuery(text="office", direction=Direction.IN, result=Result.ANSWERED), [1]),
        (CallQuery(limit=0), []),
    ],
)
def test_search_finds_what_is_asked_for(some_calls: CallShelves, query: CallQuery, found: list[int]) -> None:
    assert names(some_calls.search(query).calls) == [f"c-{number}" for number in found]
    some_calls.close()


@pytest.mark.parametrize(
    ("since", "counted"),
    [
        (SATURDAY.utc, {"101": 1, "102": 1, "103": 1}),
        (SATURDAY.utc + 2 * DAY, {"102": 1, "103": 1}),
        (SATURDAY.utc + 3 * DAY + 1, {}),
    ],
)
def test_how_many_have_been_answered_is_counted_by_who_answered(
    some_calls: CallShelves, since: float, counted: dict[str, int]
) -> None:
    assert some_calls.talks(since) == counted
    some_calls.put(a_call(5, since + MONTH))
    assert some_calls.talks(since) == counted | {"101": counted.get("101", 0) + 1}
    some_calls.close()


def test_whatever_is_asked_it_is_what_looking_at_each_would_find(folder: Path) -> None:
    dice = random.Random(5)
    shelves = CallShelves(folder)
    records = [
        a_call(
            number,
            SATURDAY.utc + dice.uniform(-2, 1) * MONTH,
            result=dice.choice(list(Result)),
            direction=dice.choice(list(Direction)),
            operators=tuple(Extension(dice.choice(["101", "102"])) for _ in range(dice.randrange(3))),
            queue=dice.choice(["", "office", "taxi"]),
        )
        for number in range(300)
    ]
    for record in records:
        shelves.put(record)
    records.sort(key=lambda record: record.began, reverse=True)
    for _ in range(100):
        since = dice.choice([None, SATURDAY.utc + dice.uniform(-2, 1) * MONTH])
        result, operator = dice.choice([None, *Result]), dice.choice(["", "101", "102"])
        queue, number = dice.choice(["", "taxi"]), dice.choice(["", "12", "7"])
        query = CallQuery(since=since, result=result, operator=operator, queue=queue, number=number, limit=20)
        expected = [
            record
            for record in records
            if (since is None or record.began >= since)
            and result in {None, record.result}
            and (not operator or operator in record.operators)
            and queue in {"", record.queue}
            and number in record.caller
        ]
        page = shelves.search(query)
        assert page.calls == tuple(expected[:20])
        assert bool(page.older) == (len(expected) > 20)
    shelves.close()


def test_the_page_sees_each_call_as_it_is_put(folder: Path) -> None:
    archive = CallArchive(folder)
    assert archive.search(CallQuery()).calls == ()
    shelves = CallShelves(folder)
    for number in range(30):
        shelves.put(a_call(number, SATURDAY.utc + number * 2 * DAY))
        assert names(archive.search(CallQuery(limit=1)).calls) == [f"c-{number}"]
        shelves.put(a_call(number, SATURDAY.utc + number * 2 * DAY, recorded=3.0))
        latest = archive.call(f"c-{number}")
        assert latest
        assert latest.recorded == 3.0
        if number % 10 == 9:
            for month in shelves._open.values():
                month.storage.compact()
    assert archive.search(CallQuery(limit=100)) == shelves.search(CallQuery(limit=100))
    shelves.close()
    archive.close()


def test_a_month_is_a_tinydb_file_anybody_may_look_into(folder: Path) -> None:
    shelves = CallShelves(folder)
    shelves.put(a_call(1))
    shelves.close()
    with TinyDB(folder / "2026-11.tdb", storage=AppendStorage) as db:
        found = db.table("calls").search(where("result") == "answered")
    assert [document["caller"] for document in found] == ["+355690000001"]
    assert msgspec.convert(dict(found[0]), CallRecord) == a_call(1)


def test_a_record_of_a_newer_version_does_not_hide_the_others(folder: Path) -> None:
    shelves = CallShelves(folder)
    shelves.put(a_call(1))
    shelves.put(a_call(2))
    shelves.close()
    with TinyDB(folder / "2026-11.tdb", storage=AppendStorage) as db:
        db.table("calls").update({"result": "taken by a robot", "robot": 7}, doc_ids=[1])
    shelves = CallShelves(folder)
    assert names(shelves.search(CallQuery()).calls) == ["c-2"]
    shelves.put(a_call(3))
    assert names(shelves.search(CallQuery()).calls) == ["c-3", "c-2"]
    shelves.close()


def test_a_torn_shelf_opens_and_says_so(folder: Path) -> None:
    shelves = CallShelves(folder)
    for number in range(3):
        shelves.put(a_call(number))
    shelves.close()
    path = folder / "2026-11.tdb"
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 10)
    shelves = CallShelves(folder)
    assert names(shelves.search(CallQuery()).calls) == ["c-1", "c-0"]
    assert "its end was torn" in shelves.repaired[0]
    shelves.put(a_call(2))
    assert len(shelves.search(CallQuery()).calls) == 3
    shelves.close()


def test_flush_makes_every_open_month_durable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelves = CallShelves(folder)
    shelves.put(a_call(1))
    shelves.put(a_call(2, SATURDAY.utc - MONTH))
    synced: list[int] = []
    monkeypatch.setattr("os.fdatasync", synced.append)
    shelves.flush()
    shelves.flush()
    assert len(synced) == 2
    shelves.close()


def test_tidying_compacts_what_is_mostly_past(folder: Path) -> None:
    shelves = CallShelves(folder)
    for number in range(100):
        for version in range(4):
            shelves.put(a_call(number, recorded=float(version)))
    before, size = shelves.search(CallQuery(limit=100)), (folder / "2026-11.tdb").stat().st_size
    shelves.tidy()
    assert (folder / "2026-11.tdb").stat().st_size < size / 3
    assert shelves.search(CallQuery(limit=100)) == before
    shelves.close()


def test_looking_for_an_unknown_call_makes_no_file(folder: Path) -> None:
    shelves = CallShelves(folder)
    assert shelves.call("c-1", SATURDAY.utc) is None
    assert not folder.exists()


def test_a_month_somebody_else_writes_is_refused_but_kept_in_memory(folder: Path) -> None:
    said: list[str] = []
    first, second = CallShelves(folder), CallShelves(folder, said.append)
    first.put(a_call(1))
    second.put(a_call(2))
    assert "is open in another program" in said[0]
    assert second.call("c-2") == a_call(2)
    with pytest.raises(StoreTrouble):
        second.flush()
    first.close()
    second.flush()
    assert names(second.search(CallQuery()).calls) == ["c-2", "c-1"]
    assert said[-1] == ""
    second.close()


def test_a_clock_that_was_wrong_still_has_a_month() -> None:
    assert month_of(0.0) == "1970-01"
    assert month_of(-5.0) == "1970-01"
    assert month_of(1e300) > "9000"
