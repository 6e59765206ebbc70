"""TinyDB's own promises, over our storage: with our tables, and with TinyDB's."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tinydb import Query, TinyDB, where
from tinydb.operations import add, decrement, delete, increment, subtract
from tinydb.operations import set as put
from tinydb.storages import MemoryStorage
from tinydb.table import Document, Table

from appliance.store.storage import AppendStorage
from appliance.store.table import AppendDB
from appliance.store.trouble import StoreTrouble

Open = Callable[[], TinyDB]


@pytest.fixture(params=["our tables", "TinyDB's tables", "TinyDB alone"])
def open_db(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same data each time. TinyDB alone is the measure: what it does, the others do."""
    path = tmp_path / "x.tdb"
    match request.param:
        case "our tables":
            return lambda: AppendDB(path)
        case "TinyDB's tables":
            return lambda: TinyDB(path, storage=AppendStorage)
        case _:
            memory = MemoryStorage()  # type: ignore[no-untyped-call]
            return lambda: TinyDB(storage=lambda: memory)


@pytest.fixture
def db(open_db: Open) -> Iterator[TinyDB]:
    """Three documents, as TinyDB's own tests have them."""
    with open_db() as opened:
        opened.insert_multiple({"int": 1, "char": char} for char in "abc")
        yield opened


def test_all(db: TinyDB) -> None:
    assert db.all() == [{"int": 1, "char": char} for char in "abc"]
    assert [document.doc_id for document in db.all()] == [1, 2, 3]
    assert all(isinstance(document, Document) for document in db)


def test_insert(db: TinyDB) -> None:
    assert db.insert({"int": 2}) == 4
    assert db.get(doc_id=4) == {"int": 2}
    assert db.insert({}) == 5
    with pytest.raises(ValueError, match="not a Mapping"):
        db.insert(["no", "mapping"])


def test_insert_with_a_number(db: TinyDB) -> None:
    assert db.insert(Document({"int": 9}, 77)) == 77
    assert db.insert({"int": 10}) == 78
    with pytest.raises(ValueError, match="already exists"):
        db.insert(Document({}, 77))
    assert db.get(doc_id=77) == {"int": 9}


def test_insert_multiple(db: TinyDB) -> None:
    assert db.insert_multiple([{"int": number} for number in range(3)]) == [4, 5, 6]
    assert db.insert_multiple([Document({"int": 7}, 12), Document({"int": 8}, 11)]) == [12, 11]
    assert len(db) == 8


def test_insert_multiple_is_all_or_nothing(open_db: Open) -> None:
    with open_db() as db:
        db.insert({"int": 1})
        with pytest.raises(ValueError, match="already exists"):
            db.insert_multiple([Document({"int": 2}, 5), Document({"int": 3}, 1)])
        with pytest.raises(ValueError, match="not a Mapping"):
            db.insert_multiple([{"int": 2}, "three"])


def test_update(db: TinyDB) -> None:
    assert db.update({"int": 2}, where("char") == "a") == [1]
    assert db.count(where("int") == 1) == 2
    assert db.update({"int": 3}) == [1, 2, 3]
    assert db.update({"int": 4}, doc_ids=[1, 2]) == [1, 2]
    assert db.update({"int": 5}, where("char") == "z") == []
    assert [document["int"] for document in db] == [4, 4, 3]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (delete("int"), {"char": "a"}),
        (put("int", 5), {"int": 5, "char": "a"}),
        (increment("int"), {"int": 2, "char": "a"}),
        (decrement("int"), {"int": 0, "char": "a"}),
        (add("int", 2.5), {"int": 3.5, "char": "a"}),
        (subtract("int", 5), {"int": -4, "char": "a"}),
    ],
)
def test_update_by_operations(db: TinyDB, operation: Any, expected: dict[str, Any]) -> None:
    db.update(operation, where("char") == "a")
    assert db.get(doc_id=1) == expected
    assert db.all()[1:] == [{"int": 1, "char": "b"}, {"int": 1, "char": "c"}]


def test_update_multiple(db: TinyDB) -> None:
    done = db.update_multiple([({"int": 2}, where("char") == "a"), (increment("int"), where("char") == "b")])
    assert done == [1, 2]
    assert [document["int"] for document in db] == [2, 2, 1]


def test_upsert(db: TinyDB) -> None:
    assert db.upsert({"int": 5, "char": "a"}, where("char") == "a") == [1]
    assert db.upsert({"int": 6, "char": "d"}, where("char") == "d") == [4]
    assert db.upsert(Document({"more": 1}, 1)) == [1]
    assert db.upsert(Document({"int": 8}, 100)) == [100]
    assert db.get(doc_id=1) == {"int": 5, "char": "a", "more": 1}
    with pytest.raises(ValueError, match="doc_id"):
        db.upsert({"int": 1})


def test_remove(db: TinyDB) -> None:
    assert db.remove(where("char") == "b") == [2]
    assert [document.doc_id for document in db] == [1, 3]
    assert db.remove(doc_ids=[1]) == [1]
    assert db.remove(where("char") == "b") == []
    assert len(db) == 1
    with pytest.raises(RuntimeError, match="truncate"):
        db.remove()


def test_numbers_are_not_used_twice_while_open(db: TinyDB) -> None:
    db.insert({})
    db.remove(doc_ids=[4])
    assert db.insert({}) == 5


def test_truncate(db: TinyDB) -> None:
    db.truncate()
    assert len(db) == 0
    assert db.tables() == {"_default"}
    assert db.insert({"int": 1}) == 1


def test_search(db: TinyDB) -> None:
    one = Query()
    assert db.search(one.int == 1) == db.all()
    assert [document.doc_id for document in db.search((one.int == 1) & (one.char != "b"))] == [1, 3]
    assert db.search(one.char.test(lambda char: char > "b")) == [{"int": 1, "char": "c"}]
    assert db.search(~(one.int == 1)) == []
    db.insert({"int": 1, "char": "d"})
    assert len(db.search(one.int == 1)) == 4, "the query's cache knows of the change"


def test_get_count_contains(db: TinyDB) -> None:
    assert db.get(where("char") == "b") == {"int": 1, "char": "b"}
    assert db.get(where("char") == "z") is None
    assert db.get(doc_id=9) is None
    assert db.get(doc_id=float("nan")) is None
    assert [document.doc_id for document in db.get(doc_ids=[3, 1, 9])] == [1, 3]
    assert db.count(where("int") == 1) == 3
    assert db.contains(where("char") == "a")
    assert db.contains(doc_id=3)
    assert not db.contains(doc_id=4)
    with pytest.raises(RuntimeError, match="pass either"):
        db.get()


def test_what_is_handed_out_is_not_the_data(db: TinyDB) -> None:
    document = db.get(doc_id=1)
    document["int"] = 99
    assert db.count(where("int") == 99) in {0, 1}  # TinyDB in memory shares nested data; files never do
    if not isinstance(db.storage, MemoryStorage):
        assert db.get(doc_id=1) == {"int": 1, "char": "a"}


def test_tables_are_apart(db: TinyDB) -> None:
    one, other = db.table("one"), db.table("other")
    one.insert({"a": 1})
    other.insert_multiple([{"b": 1}, {"b": 2}])
    assert db.tables() == {"_default", "one", "other"}
    assert (len(db), len(one), len(other)) == (3, 1, 2)
    assert db.table("one") is one
    db.drop_table("one")
    assert db.tables() == {"_default", "other"}
    assert len(db.table("one")) == 0
    db.drop_tables()
    assert db.tables() == set()
    assert db.all() == []


def test_an_empty_table_can_persist(open_db: Open) -> None:
    with open_db() as db:
        db.table("empty", persist_empty=True)
        db.table("nothing")
        assert db.tables() == {"empty"}
    with open_db() as db:
        assert db.tables() == {"empty"}


def test_everything_is_there_after_opening_again(open_db: Open) -> None:
    with open_db() as db:
        db.insert(
            {"text": 'quotes " and \\ and }} and Ёлка, ç, 電話 \n new line', "deep": {"list": [1, 2.5, None, True]}}
        )
        db.insert(Document({"a": 1}, 40))
        db.table('odd "name" }}').insert({"a": 1})
        db.remove(doc_ids=[40])
        before = db.all()
    with open_db() as db:
        assert db.all() == before
        assert db.table('odd "name" }}').all() == [{"a": 1}]
        assert db.insert({}) == 2


def test_keys_become_text_as_in_any_json_file(tmp_path: Path) -> None:
    with AppendDB(tmp_path / "x.tdb") as db:
        db.insert({"a": {1: "one"}, "b": (1, 2)})
        assert db.all() == [{"a": {"1": "one"}, "b": [1, 2]}]
        with pytest.raises(TypeError):
            db.insert({"a": object()})
        assert len(db) == 1


def test_an_update_that_fails_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    def fail_at_c(document: Any) -> None:
        document["int"] = 9
        if document["char"] == "c":
            raise ZeroDivisionError

    with AppendDB(tmp_path / "x.tdb") as db:
        db.insert_multiple({"int": 1, "char": char} for char in "abc")
        with pytest.raises(ZeroDivisionError):
            db.update(fail_at_c)
        assert [document["int"] for document in db] == [1, 1, 1]


def test_both_kinds_of_table_read_one_file(tmp_path: Path) -> None:
    with TinyDB(tmp_path / "x.tdb", storage=AppendStorage) as db:
        db.insert_multiple([{"a": 1}, {"a": 2}])
    with AppendDB(tmp_path / "x.tdb") as db:
        db.update({"b": 1}, doc_ids=[2])
    with TinyDB(tmp_path / "x.tdb", storage=AppendStorage) as db:
        assert db.all() == [{"a": 1}, {"a": 2, "b": 1}]
    with AppendDB(tmp_path / "x.tdb", follow=True) as db:
        assert db.all() == [{"a": 1}, {"a": 2, "b": 1}]
        with pytest.raises(StoreTrouble, match="reading only"):
            db.insert({})


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_done_it_is_what_tinydb_does(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    path = tmp_path / "x.tdb"
    model = TinyDB(storage=MemoryStorage)
    db: TinyDB = AppendDB(path)
    for number in range(300):
        name, do = dice.choice(["_default", "calls"]), an_action(dice, number)
        assert outcome(do, db.table(name)) == outcome(do, model.table(name))
        if dice.random() < 0.05:
            db.close()
            db = AppendDB(path) if dice.random() < 0.5 else TinyDB(path, storage=AppendStorage)
            for table in model.tables():
                model.table(table)._next_id = None
    assert db.tables() == model.tables()
    for name in model.tables():
        assert [(one.doc_id, one) for one in db.table(name)] == [(one.doc_id, one) for one in model.table(name)]
    db.close()


def an_action(dice: random.Random, number: int) -> Callable[[Table], Any]:
    some, few = dice.randrange(1, 30), [dice.randrange(1, 30) for _ in range(3)]
    third = where("n").test(lambda n: _is_third(n, some))
    return dice.choice([
        lambda table: table.insert({"n": number}),
        lambda table: table.insert(Document({"n": number}, some)),
        lambda table: table.insert_multiple([{"n": number}, Document({"n": -number}, some)]),
        lambda table: table.update({"m": number}, third),
        lambda table: table.update({"m": number}, doc_ids=[one for one in few if table.contains(doc_id=one)]),
        lambda table: table.upsert({"n": some, "m": number}, where("n") == some),
        lambda table: table.upsert(Document({"n": number}, some)),
        lambda table: table.remove(third),
        lambda table: table.search(third),
        lambda table: table.get(doc_ids=few),
        lambda table: table.truncate() if some < 3 else len(table),
        lambda table: table.all(),
    ])  # fmt: skip


def _is_third(n: Any, some: int) -> bool:
    return bool(n % 3 == some % 3)


def outcome(do: Callable[[Table], Any], table: Table) -> Any:
    try:
        return do(table)
    except ValueError as error:
        table._next_id = None  # TinyDB in memory keeps what a failed insert_multiple has done; numbers would differ
        return str(error)
