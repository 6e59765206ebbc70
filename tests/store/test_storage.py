from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tinydb import where
from tinydb.table import Document

from appliance.store import storage as storage_room
from appliance.store.lines import seal
from appliance.store.storage import AppendStorage, Sync
from appliance.store.table import AppendDB, AppendTable
from appliance.store.trouble import StoreTrouble

Everything = dict[str, dict[str, Any]]


def store(db: AppendDB) -> AppendStorage:
    assert isinstance(db.storage, AppendStorage)
    return db.storage


def read(path: Path) -> Everything:
    with AppendDB(path, follow=True) as db:
        return store(db).read() or {}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.tdb"


# ---- the power goes


@pytest.fixture
def history(path: Path) -> list[tuple[int, Everything]]:
    """A file and, change by change, its length and what it says from then on."""
    states: list[tuple[int, Everything]] = [(0, {})]
    dice = random.Random(1)
    with AppendDB(path) as db:
        for number in range(65):
            table = db.table(dice.choice(["_default", "tasks"]))
            match dice.randrange(7):
                case 0 | 1:
                    table.insert({"n": number, "text": dice.choice(["", "Ёлка", "}}\n"])})
                case 2:
                    table.insert_multiple({"n": number, "part": part} for part in range(3))
                case 3:
                    table.upsert(Document({"n": number}, dice.randrange(1, 9)))
                case 4 | 5:
                    table.remove(doc_ids=[one for one in (1, 4, 7) if table.contains(doc_id=one)])
                case _:
                    table.update({"seen": number}, where("n") > 10)
            states.append((path.stat().st_size, store(db).read() or {}))
        db.drop_table("tasks")
        states.append((path.stat().st_size, store(db).read() or {}))
    return states


def test_cut_at_every_byte_it_says_what_was_said_by_then(path: Path, history: list[tuple[int, Everything]]) -> None:
    content = path.read_bytes()
    assert len(content) > 5000
    for cut in range(len(content), -1, -1):
        os.truncate(path, cut)
        expected = [state for length, state in history if length <= cut][-1]
        assert read(path) == expected, f"cut at {cut}"


def test_a_cut_file_is_mended_and_goes_on(path: Path, history: list[tuple[int, Everything]]) -> None:
    content = path.read_bytes()
    lengths = {length for length, _ in history}
    for cut in random.Random(2).sample(range(len(content)), 150):
        path.write_bytes(content[:cut])
        expected = [state for length, state in history if length <= cut][-1]
        with AppendDB(path) as db:
            assert (store(db).read() or {}) == expected
            assert bool(store(db).repaired) == (cut not in lengths)
            db.table("after").insert({"a": 1})
        with AppendDB(path) as db:
            assert store(db).read() == {**expected, "after": {"1": {"a": 1}}}
            assert store(db).repaired == ()


def test_damage_costs_only_the_documents_it_touches(path: Path) -> None:
    documents = [{"n": number, "text": "x" * 20} for number in range(60)]
    with AppendDB(path) as db:
        for document in documents:
            db.insert(document)
    content = path.read_bytes()
    dice = random.Random(3)
    for _ in range(800):
        at, length = dice.randrange(len(content)), dice.choice([1, 5, 200])
        damaged = bytearray(content)
        length = min(length, len(content) - at)
        damaged[at : at + length] = dice.choice([bytes(length), dice.randbytes(length)])
        path.write_bytes(damaged)
        whole = set(bytes(damaged).splitlines(keepends=True))
        expected = [
            document
            for document, line in zip(documents, content.splitlines(keepends=True)[-60:], strict=True)
            if line in whole
        ]
        assert list(read(path).get("_default", {}).values()) == expected


def test_damage_in_the_middle_is_said_and_a_copy_is_kept(path: Path) -> None:
    with AppendDB(path) as db:
        db.insert_multiple({"n": number} for number in range(5))
        db.insert({"n": 5})
    damaged = path.read_bytes().replace(b'"n":2', b'"n":7')
    path.write_bytes(damaged)
    with AppendDB(path) as db:
        assert [document["n"] for document in db] == [0, 1, 3, 4, 5]
        assert store(db).repaired == ("x.tdb: 1 damaged lines were left out; the next compaction keeps a copy",)
        store(db).compact()
        assert [document["n"] for document in db] == [0, 1, 3, 4, 5]
    assert path.with_name("x.tdb.damaged").read_bytes() == damaged
    with AppendDB(path) as db:
        assert store(db).repaired == ()


def test_what_a_newer_version_wrote_is_said_and_a_copy_is_kept(path: Path) -> None:
    with AppendDB(path) as db:
        db.insert({"n": 1})
    with path.open("ab") as file:
        file.write(seal(b'["a line of the future"]'))
        file.write(seal(b'{"calls":{"one":{}}}'))
        file.write(seal(b'{"calls":{"1":{},"2":{}}}'))
    newer = path.read_bytes()
    with AppendDB(path) as db:
        assert store(db).repaired == ("x.tdb: 3 lines are of a newer version and not used",)
        store(db).compact()
        assert db.all() == [{"n": 1}]
    assert path.with_name("x.tdb.damaged").read_bytes() == newer


def test_an_end_the_disk_does_not_read_is_kept_aside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with AppendDB(path) as db:
        for number in range(200):
            db.insert({"n": number, "text": "x" * 100})
    before = path.read_bytes()
    real, bad = os.pread, path.stat().st_ino

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        if os.fstat(descriptor).st_ino == bad and offset + length > 3 * 4096 and offset < len(before):
            raise OSError(5, "Input/output error")
        return real(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", pread)
    with AppendDB(path) as db:
        kept = len(db)
        assert 10 < kept < 200
        assert "the disk does not read its last" in store(db).repaired[0]
        db.insert({"n": 1000})
    assert path.with_name("x.tdb.damaged").read_bytes() == before
    with AppendDB(path) as db:
        assert len(db) == kept + 1
        assert store(db).repaired == ()


@pytest.mark.parametrize("content", [b'{"_default": {"1": {"a": 1}}}', b"Name,Number\nArta,069\n", b"\x89PNG\r\n" * 50])
def test_a_file_that_is_not_ours_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreTrouble, match="not a file of this box"):
        AppendDB(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"1c2", b"1c291ca3", b'1c291ca3 {"calls', bytes(5000), b"1c291ca3 {}\n"])
def test_a_file_that_was_just_being_begun_is_empty(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with AppendDB(path) as db:
        assert db.all() == []
        db.insert({"a": 1})
    assert read(path) == {"_default": {"1": {"a": 1}}}


# ---- when it is durable


def durable_lengths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    synced: list[int] = []
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        real(descriptor)
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    return synced


def test_with_sync_each_every_change_is_durable_when_it_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = durable_lengths(monkeypatch)
    with AppendDB(path) as db:
        for number in range(20):
            db.insert({"n": number})
            assert synced[-1] == path.stat().st_size
        assert len(synced) == 20


def test_with_sync_flush_nothing_waits_for_the_disk_until_flush(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = durable_lengths(monkeypatch)
    with AppendDB(path, sync=Sync.FLUSH) as db:
        for number in range(20):
            db.insert({"n": number})
        assert synced == []
        store(db).flush()
        store(db).flush()
        assert synced == [path.stat().st_size]
        db.insert({"n": 20})
    assert synced[1:] == [path.stat().st_size]


# ---- what it costs


def counted(what: str) -> int:
    with open("/proc/self/io", encoding="ascii") as file:  # noqa: PTH123 (there is nothing to be gained)
        return {name: int(value) for name, value in (line.split(": ") for line in file)}[what]


@pytest.mark.parametrize("size", [100, 20_000])
def test_a_change_writes_and_reads_what_it_changes_however_much_is_there(path: Path, size: int) -> None:
    record = {"n": 0, "text": "x" * 1000}
    with AppendDB(path, sync=Sync.FLUSH) as db:
        db.insert_multiple({**record, "n": number} for number in range(size))
        db.insert(record)
        numbers = iter(range(1, 40))
        actions: list[Callable[[], object]] = [
            lambda: db.insert(record),
            lambda: db.update({"n": 7}, doc_ids=[50]),
            lambda: db.get(doc_id=60),
            lambda: db.remove(doc_ids=[next(numbers)]),
            lambda: db.upsert(Document(record, size + 500)),
        ]
        for do in actions:
            wrote, read = counted("wchar"), counted("rchar")
            for _ in range(20):
                do()
            assert counted("wchar") - wrote < 20 * 1200 + 500
            assert counted("rchar") - read < 20 * 2400 + 4000


def test_with_tinydbs_tables_too_only_the_change_is_written(path: Path) -> None:
    from tinydb import TinyDB  # noqa: PLC0415 (only here)

    with TinyDB(path, storage=AppendStorage) as db:
        db.insert_multiple({"n": number, "text": "x" * 100} for number in range(500))
        size = path.stat().st_size
        db.insert({"n": 500})
        db.update({"n": 0}, where("n") == 7)
        assert path.stat().st_size - size < 300


# ---- compaction


def test_compaction_leaves_only_what_is_there(path: Path) -> None:
    with AppendDB(path) as db:
        db.table("empty", persist_empty=True)
        db.insert_multiple({"n": number, "text": "x" * 500} for number in range(100))
        for _ in range(3):
            db.update({"text": "y" * 500})
        db.remove(where("n") < 50)
        before, size = store(db).read(), path.stat().st_size
        assert store(db).garbage > 0.7
        store(db).compact()
        assert store(db).garbage < 0.05
        assert path.stat().st_size < size / 3
        assert store(db).read() == before
        db.insert({"n": 100})
        assert db.get(doc_id=101) == {"n": 100}
        after = store(db).read()
    assert read(path) == after
    assert [document.doc_id for document in AppendDB(path, follow=True)] == [*range(51, 102)]


def test_a_file_that_is_mostly_past_is_compacted_on_opening(path: Path) -> None:
    with AppendDB(path) as db:
        for number in range(100):
            db.upsert(Document({"n": number, "text": "x" * 1000}, 1))
    assert path.stat().st_size > 100_000
    with AppendDB(path) as db:
        assert db.all() == [{"n": 99, "text": "x" * 1000}]
    assert path.stat().st_size < 2000


def test_what_changes_during_compaction_is_taken_over(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = storage_room._copy

    def copy_while_the_calls_go_on(*arguments: Any) -> None:
        real(*arguments)
        db.insert_multiple([{"n": 100}, {"n": 101}])
        db.update({"n": 7}, doc_ids=[3])
        db.remove(doc_ids=[4, 101])
        db.drop_table("gone")
        db.table("new").insert({"a": 1})

    monkeypatch.setattr(storage_room, "_copy", copy_while_the_calls_go_on)
    with AppendDB(path) as db, AppendDB(path, follow=True) as follower:
        db.insert_multiple({"n": number} for number in range(100))
        db.table("gone").insert({"a": 1})
        store(db).compact()
        after = store(db).read() or {}
        assert after["_default"]["3"] == {"n": 7}
        assert after["_default"].keys() == {str(number) for number in range(1, 103) if number not in {4, 101}}
        assert after.keys() == {"_default", "new"}
        assert store(follower).read() == after
        assert db.insert({}) == 103
        after = store(db).read() or {}
    assert read(path) == after


def test_one_thread_may_compact_while_another_goes_on(path: Path) -> None:
    failures: list[BaseException] = []
    stop = threading.Event()

    def compact() -> None:
        try:
            while not stop.is_set():
                store(db).compact()
                store(db).flush()
        except BaseException as error:  # noqa: BLE001 (the test wants to see it, whatever it is)
            failures.append(error)

    with AppendDB(path, sync=Sync.FLUSH) as db:
        thread = threading.Thread(target=compact)
        thread.start()
        for number in range(2000):
            db.upsert(Document({"n": number}, number % 50 + 1))
            if number % 7 == 0:
                db.remove(doc_ids=[number % 50 + 1])
        stop.set()
        thread.join()
        expected = store(db).read() or {}
    assert failures == []
    assert read(path) == expected
    assert {document["n"] for document in expected["_default"].values()} <= set(range(1950, 2000))


@pytest.mark.parametrize("stop_at", ["write_all", "fsync", "replace", "sync_folder"])
def test_the_power_goes_during_compaction(path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: str) -> None:
    class Power(BaseException):
        pass

    def off(*_: Any) -> None:
        raise Power

    db = AppendDB(path)
    db.insert_multiple({"n": number} for number in range(100))
    db.remove(where("n") < 50)
    before = store(db).read()
    with monkeypatch.context() as patch:
        place = {
            "write_all": "appliance.store.storage.write_all",
            "fsync": "os.fsync",
            "replace": "pathlib.Path.replace",
        }
        patch.setattr(place.get(stop_at, "appliance.store.storage.sync_folder"), off)
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)  # who is dead tidies nothing up
        with pytest.raises(Power):
            store(db).compact()
    leftover = path.with_name("x.tdb.new")
    assert leftover.exists() == (stop_at != "sync_folder")
    db.close()
    with AppendDB(path) as again:
        assert store(again).read() == before
        assert not leftover.exists()


# ---- followers


@pytest.fixture
def pair(path: Path) -> Iterator[tuple[AppendDB, AppendDB]]:
    """Who writes, and who looks on from another process."""
    with AppendDB(path, follow=True) as follower, AppendDB(path) as writer:
        yield writer, follower


def test_a_follower_sees_each_change(pair: tuple[AppendDB, AppendDB]) -> None:
    writer, follower = pair
    assert follower.all() == []
    for number in range(50):
        writer.insert({"n": number})
        assert len(follower) == number + 1
        assert follower.count(where("n") >= 0) == number + 1, "not from an old query's cache"
    writer.update({"n": 7}, doc_ids=[3])
    writer.remove(doc_ids=[4])
    writer.table("tasks").insert({"a": 1})
    assert follower.get(doc_id=3) == {"n": 7}
    assert follower.get(doc_id=4) is None
    assert follower.tables() == {"_default", "tasks"}
    assert store(follower).read() == store(writer).read()


def test_a_follower_reads_only_what_is_new(pair: tuple[AppendDB, AppendDB]) -> None:
    writer, follower = pair
    writer.insert_multiple({"n": number, "text": "x" * 1000} for number in range(2000))
    assert len(follower) == 2000
    read = counted("rchar")
    for _ in range(20):
        writer.insert({"n": 1})
        assert follower.get(doc_id=2000) is not None
    assert counted("rchar") - read < 20 * 5000


def test_a_follower_sees_a_compacted_file(pair: tuple[AppendDB, AppendDB]) -> None:
    writer, follower = pair
    writer.insert_multiple({"n": number} for number in range(100))
    assert len(follower) == 100
    looking = iter(follower)
    next(looking)
    writer.remove(where("n") < 90)
    store(writer).compact()
    writer.insert({"n": 100})
    assert [document["n"] for document in follower] == list(range(90, 101))
    writer.insert_multiple({"n": number} for number in range(101, 400))
    assert [document["n"] for document in follower] == list(range(90, 400))
    store(writer).compact()
    writer.insert_multiple({"n": number} for number in range(400, 800))
    assert [document["n"] for document in follower] == list(range(90, 800)), "though it has only grown"
    assert len(list(looking)) == 99, "who has begun to look goes on looking at what was there"


def test_a_follower_waits_for_the_rest_of_a_change(path: Path) -> None:
    with AppendDB(path) as writer:
        writer.insert({"n": 1})
        size = path.stat().st_size
        writer.insert_multiple([{"n": 2}, {"n": 3}])
    content = path.read_bytes()
    os.truncate(path, size)
    with AppendDB(path, follow=True) as follower:
        for end in range(size, len(content)):
            with path.open("ab") as file:
                file.write(content[end : end + 1])
            assert len(follower) == (3 if end + 1 == len(content) else 1)


@pytest.mark.parametrize("looks_in_between", [True, False])
def test_a_follower_is_not_led_astray_by_a_change_that_was_taken_back(path: Path, looks_in_between: bool) -> None:
    with AppendDB(path) as writer, AppendDB(path, follow=True) as follower:
        writer.insert({"n": 1})
        size = path.stat().st_size
        writer.insert({"n": 2, "text": "was never acknowledged"})
        assert len(follower) == 2
        os.truncate(path, size)
        if looks_in_between:
            assert len(follower) == 1
        with path.open("ab") as file:
            file.write(seal(b'{"_default":{"2":{"n":%d}}}' % 10**60))
            file.write(seal(b'{"_default":{"3":{"n":3}}}'))
        assert [document.doc_id for document in follower] == [1, 2, 3]


def test_a_follower_stands_a_file_that_comes_and_goes(path: Path) -> None:
    with AppendDB(path, follow=True) as follower:
        assert follower.all() == []
        for number in range(3):
            with AppendDB(path) as writer:
                writer.insert({"n": number})
            assert follower.all() == [{"n": number}]
            path.unlink()
            assert follower.all() == []


def test_many_threads_may_look_while_one_writes(pair: tuple[AppendDB, AppendDB]) -> None:
    writer, follower = pair
    failures: list[BaseException] = []
    stop = threading.Event()

    def look() -> None:
        last = 0
        try:
            while not stop.is_set():
                numbers = [document["n"] for document in follower if "n" in document]
                assert numbers == list(range(len(numbers)))
                assert len(numbers) >= last
                last = len(numbers)
        except BaseException as error:  # noqa: BLE001 (the test wants to see it, whatever it is)
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(300):
        writer.insert({"n": number})
        writer.table("other").upsert(Document({"a": number}, 1))
        if number % 50 == 49:
            store(writer).compact()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(follower) == 300


# ---- one writer


def test_a_second_writer_is_refused_and_told(path: Path) -> None:
    with AppendDB(path) as db:
        with pytest.raises(StoreTrouble, match="is open in another program"):
            AppendDB(path)
        store(db).compact()
        with pytest.raises(StoreTrouble, match="is open in another program"):
            AppendDB(path)
    AppendDB(path).close()


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    with AppendDB(path) as db:
        db.insert({"n": 1})
        assert path.stat().st_mode & 0o777 == 0o600
        store(db).compact()
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_document_can_be_had_as_it_lies_in_the_file(path: Path) -> None:
    with AppendDB(path) as db:
        table = db.table("calls")
        assert isinstance(table, AppendTable)
        table.insert({"n": 1})
        assert table.raw(1) == b'{"n":1}'
        assert table.raw(2) is None
