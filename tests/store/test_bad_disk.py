from __future__ import annotations

import contextlib
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB
from tinydb.storages import MemoryStorage
from tinydb.table import Document

from appliance.calls.facts import FACTS
from appliance.store.journal import Journal
from appliance.store.storage import AppendStorage, Sync
from appliance.store.table import AppendDB
from appliance.store.trouble import StoreTrouble
from tests.store.bad_disk import BadDisk
from tests.store.saying import SATURDAY, began, everything


@pytest.mark.parametrize("seed", range(8))
def test_the_journal_loses_nothing_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    disk = BadDisk(monkeypatch, seed, 0.3)
    monkeypatch.setattr(threading.Event, "wait", lambda self, *_: self.is_set())  # no pauses between tries
    said: list[str] = []
    journal, _ = Journal.open(tmp_path, FACTS, SATURDAY, said.append, gather=0, reserve=4096)
    futures = []
    for number in range(60):
        futures.append(journal.append(began(number)))
        if number == 30:
            journal.rotate([began(number) for number in range(31)], SATURDAY)
        if number % 3 == 0:
            futures[-1].result(10)
    assert journal.flush()
    assert disk.faults > 10
    disk.rate = 0
    journal.append(began(60)).result(10)
    assert said[-1] == ""
    assert journal.close()
    _, replay = Journal.open(tmp_path, FACTS, SATURDAY)
    assert everything(replay) == [began(number) for number in range(61)]
    assert replay.repaired == ()


@pytest.mark.parametrize("sync", Sync)
@pytest.mark.parametrize("seed", range(6))
def test_a_change_of_a_table_has_happened_or_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, sync: Sync
) -> None:
    dice = random.Random(seed)
    path = tmp_path / "x.tdb"
    db, model = AppendDB(path, sync=sync), TinyDB(storage=MemoryStorage)
    disk = BadDisk(monkeypatch, seed, 0.2)
    for number in range(400):
        change = a_change(dice, number)
        try:
            change(db)
        except StoreTrouble:
            db.table("_default")._next_id = None
        else:
            change(model)
        if number % 50 == 49:
            check_same(db, model)
        if number % 20 == 19:
            storage = db.storage
            assert isinstance(storage, AppendStorage)
            with contextlib.suppress(StoreTrouble):
                dice.choice([storage.flush, storage.compact])()
    assert disk.faults > 20
    disk.rate = 0
    db.close()
    with AppendDB(path) as again:
        check_same(again, model)


def a_change(dice: random.Random, number: int) -> Any:
    some, text = dice.randrange(1, 40), "x" * dice.randrange(200)
    match dice.randrange(4):
        case 0 | 1:
            return lambda db: db.upsert(Document({"n": number, "text": text}, some))
        case 2:
            return lambda db: db.remove(doc_ids=[some])
        case _:
            return lambda db: db.update({"text": text}, lambda document: document["n"] % 5 == some % 5)


def check_same(db: TinyDB, model: TinyDB) -> None:
    assert {document.doc_id: document for document in db} == {document.doc_id: document for document in model}
