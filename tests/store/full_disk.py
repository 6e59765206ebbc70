"""What happens on a disk of its own, small enough to be full: `python -m tests.store.full_disk SCENARIO`.

Each scenario runs in a process and a mount namespace of its own, so that nothing of it is left behind.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.calls.facts import FACTS
from appliance.calls.names import CallId, Direction
from appliance.calls.record import CallRecord
from appliance.store.calls import CallShelves
from appliance.store.journal import ALMOST_FULL, IN_MEMORY, Journal
from appliance.store.settings import SettingsShelf
from appliance.store.storage import AppendStorage, Sync
from appliance.store.table import AppendDB
from appliance.store.trouble import StoreTrouble
from appliance.switchboard.settings import Settings
from tests.store.saying import SATURDAY, began, everything

MEGABYTE = 1 << 20
SIZE = 2 * MEGABYTE


def fill(disk: Path, leave: int = 0) -> Path:
    """A recording that takes all but `leave` bytes."""
    path = disk / "recording"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave))
    return path


def wait_for(true: Callable[[], object]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def the_reserve_lets_calls_in_progress_be_recorded(disk: Path) -> None:
    said: list[str] = []
    Journal.LOOK_AGAIN = 0.1
    journal, _ = Journal.open(disk / "journal", FACTS, SATURDAY, said.append, reserve=MEGABYTE // 4)
    journal.append(began(0)).result(5)
    recording = fill(disk)
    for number in range(1, 500):
        journal.append(began(number))
    assert journal.flush(5), "the reserve was given up"
    assert said == [ALMOST_FULL]
    recording.unlink()
    wait_for((disk / "journal" / "reserve").exists)
    wait_for(lambda: said == [ALMOST_FULL, ""])
    assert journal.close()
    assert everything(Journal.open(disk / "journal", FACTS, SATURDAY)[1]) == [began(n) for n in range(500)]


def facts_wait_in_memory_until_there_is_room(disk: Path) -> None:
    said: list[str] = []
    journal, _ = Journal.open(disk / "journal", FACTS, SATURDAY, said.append, reserve=4096)
    journal.append(began(0)).result(5)
    recording = fill(disk)
    futures = [journal.append(began(number)) for number in range(1, 2000)]
    wait_for(lambda: len(said) == 2)
    assert said == [ALMOST_FULL, f"The disk is full. {IN_MEMORY}"]
    assert not journal.flush(0.2)
    assert not futures[-1].done()
    rotated = journal.rotate([began(1999)], SATURDAY)
    futures.append(journal.append(began(2000)))
    recording.unlink()
    rotated.result(10)
    assert all(future.result(10) is None for future in futures)
    wait_for(lambda: said[-1] == "")
    older = (disk / "journal" / "2026-11-21.journal").read_bytes()
    assert all(f'"c-{number}"'.encode() in older for number in range(2000))
    assert journal.close()
    assert everything(Journal.open(disk / "journal", FACTS, SATURDAY)[1]) == [began(1999), began(2000)]


def a_box_that_stops_with_a_full_disk_says_what_it_could_not_keep(disk: Path) -> None:
    journal, _ = Journal.open(disk / "journal", FACTS, SATURDAY, reserve=4096)
    journal.append(began(0)).result(5)
    fill(disk)
    future = [journal.append(began(number)) for number in range(1, 2000)][-1]
    wait_for(lambda: not (disk / "journal" / "reserve").exists())
    assert not journal.close()
    assert isinstance(future.exception(1), StoreTrouble)
    again, replay = Journal.open(disk / "journal", FACTS, SATURDAY)
    kept = everything(replay)
    assert kept == [began(number) for number in range(len(kept))]
    assert kept
    again.close()


def a_journal_can_be_begun_on_a_full_disk(disk: Path) -> None:
    recording = fill(disk)
    said: list[str] = []
    journal, _ = Journal.open(disk / "journal", FACTS, SATURDAY, said.append)
    kept = journal.append(began(1))
    wait_for(lambda: f"The disk is full. {IN_MEMORY}" in said)
    recording.unlink()
    kept.result(10)
    assert journal.close()


def an_insert_that_did_not_fit_has_not_happened(disk: Path) -> None:
    db = AppendDB(disk / "customers.tdb")
    db.insert({"name": "Arta"})
    recording = fill(disk)
    with pytest.raises(StoreTrouble, match="the disk is full"):
        db.insert_multiple({"name": "x" * 900} for _ in range(100))
    there = [dict(document) for document in db.all()]
    recording.unlink()
    db.insert({"name": "Besa"})
    db.close()
    with AppendDB(disk / "customers.tdb") as again:
        assert [dict(document) for document in again.all()] == [*there, {"name": "Besa"}]


def a_compaction_that_does_not_fit_leaves_the_old_file(disk: Path) -> None:
    db = AppendDB(disk / "customers.tdb", sync=Sync.FLUSH)
    for _ in range(8):
        for number in range(100):
            db.upsert({"name": number, "note": "x" * 1000}, lambda document, n=number: document["name"] == n)
        db.update({"note": "y" * 1000})
    size = (disk / "customers.tdb").stat().st_size
    recording = fill(disk, 20_000)
    storage = db.storage
    assert isinstance(storage, AppendStorage)
    with pytest.raises(StoreTrouble, match="the disk is full"):
        storage.compact()
    assert len(db) == 100
    assert (disk / "customers.tdb").stat().st_size == size
    assert not (disk / "customers.tdb.new").exists()
    db.insert({"name": 100})
    db.close()
    with AppendDB(disk / "customers.tdb") as again:
        assert len(again) == 101
        recording.unlink()
        assert isinstance(again.storage, AppendStorage)
        again.storage.compact()
        assert len(again) == 101
    assert (disk / "customers.tdb").stat().st_size < size / 2


def a_call_the_disk_refuses_is_put_later(disk: Path) -> None:
    said: list[str] = []
    shelves = CallShelves(disk / "calls", said.append)
    records = [
        CallRecord(CallId(f"c-{n}"), Direction.IN, f"+35569{n:06}", began=SATURDAY.utc + n, ended=1.0)
        for n in range(400)
    ]
    recording = fill(disk, 8192)
    for record in records:
        shelves.put(record)
    assert shelves.held > 300
    assert "the disk is full" in said[0]
    assert shelves.call("c-399") == records[399]
    with pytest.raises(StoreTrouble, match="the disk is full"):
        shelves.flush()
    recording.unlink()
    shelves.flush()
    assert said[-1] == ""
    assert shelves.held == 0
    shelves.close()
    again = CallShelves(disk / "calls")
    assert [again.call(record.call) for record in records] == records


def settings_that_do_not_fit_are_refused_in_words(disk: Path) -> None:
    shelf = SettingsShelf(disk / "settings.tdb", Settings)
    shelf.save(Settings(firm="Arta"), who="Arta", what="begun", at=1.0, based_on=0)
    recording = fill(disk)
    with pytest.raises(StoreTrouble, match=r"^settings\.tdb cannot be written: the disk is full\.$"):
        shelf.save(Settings(firm="B" * 10_000), who="Arta", what="renamed", at=2.0, based_on=1)
    in_force = shelf.current()
    recording.unlink()
    shelf.close()
    with SettingsShelf(disk / "settings.tdb", Settings) as again:
        assert again.current() == in_force
        assert again.repaired == ()


SCENARIOS = (
    the_reserve_lets_calls_in_progress_be_recorded,
    facts_wait_in_memory_until_there_is_room,
    a_box_that_stops_with_a_full_disk_says_what_it_could_not_keep,
    a_journal_can_be_begun_on_a_full_disk,
    an_insert_that_did_not_fit_has_not_happened,
    a_compaction_that_does_not_fit_leaves_the_old_file,
    a_call_the_disk_refuses_is_put_later,
    settings_that_do_not_fit_are_refused_in_words,
)


def main(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True)
        try:
            {scenario.__name__: scenario for scenario in SCENARIOS}[name](Path(folder))
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
