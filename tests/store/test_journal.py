from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls import facts
from appliance.calls.facts import FACTS
from appliance.calls.moment import Moment
from appliance.calls.names import CallId
from appliance.store.journal import Journal
from appliance.store.journal_file import JournalName, Words, journals
from appliance.store.lines import seal, unseal
from appliance.store.reserve import Reserve
from appliance.store.trouble import StoreTrouble
from tests.store.saying import DAY, SATURDAY, began, everything, key, names, newest, open_journal


def a_fact(word: type) -> st.SearchStrategy[object]:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    moments = st.builds(Moment, finite, finite)
    many = st.lists(finite, max_size=3).map(tuple)
    given_types: dict[object, st.SearchStrategy[object]] = {Moment: moments, float: finite, tuple[float, ...]: many}
    hints = get_type_hints(word)
    return st.builds(word, **{name: given_types[kind] for name, kind in hints.items() if kind in given_types})


@pytest.mark.parametrize("word", FACTS)
@given(data=st.data())
def test_every_kind_of_fact_comes_back_as_it_was(word: type, data: st.DataObject) -> None:
    words, fact = Words(FACTS), data.draw(a_fact(word))
    opened = unseal(words.line(fact))
    assert opened
    assert words.fact(opened[1]) == fact


def test_facts_come_back_in_order(tmp_path: Path) -> None:
    journal, replay = open_journal(tmp_path)
    assert everything(replay) == []
    said = [began(1), key(1), began(2)]
    for fact in said:
        journal.append(fact)
    assert journal.close()
    journal, replay = open_journal(tmp_path)
    assert replay.facts == tuple(said)
    assert replay.head == replay.repaired == ()
    journal.append(key(2))
    assert journal.close()
    assert open_and_read(tmp_path) == [*said, key(2)]


def open_and_read(folder: Path, now: Moment = SATURDAY) -> list[object]:
    journal, replay = open_journal(folder, now)
    assert journal.close()
    return everything(replay)


def test_a_done_future_means_the_fact_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worse than any power cut: all that was written after the last fdatasync is taken away."""
    durable = 0
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        nonlocal durable
        real(descriptor)
        durable = os.fstat(descriptor).st_size

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    journal, _ = open_journal(tmp_path)
    lengths: list[int] = []
    for number in range(200):
        journal.append(began(number)).add_done_callback(lambda _: lengths.append(durable))
        if number % 7 == 0:
            journal.flush()
    assert journal.close()
    whole = newest(tmp_path).read_bytes()
    assert len(lengths) == 200
    for number, length in enumerate(lengths):
        assert f'"c-{number}"'.encode() in whole[:length]


def test_facts_that_come_together_share_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        syncs.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    journal, _ = Journal.open(tmp_path, FACTS, SATURDAY, gather=0.02)
    futures = [journal.append(began(number)) for number in range(1000)]
    assert journal.close()
    assert all(future.result() is None for future in futures)
    assert len(syncs) < 50


def test_in_asyncio_one_may_wait_and_nobody_can_cancel_for_others(tmp_path: Path) -> None:
    async def desk() -> None:
        journal, _ = open_journal(tmp_path)
        impatient = asyncio.wrap_future(journal.append(began(1)))
        patient = asyncio.wrap_future(journal.append(began(2)))
        impatient.cancel()
        await asyncio.wait_for(patient, 5)
        await asyncio.to_thread(journal.close)

    asyncio.run(desk())
    assert open_and_read(tmp_path) == [began(1), began(2)]


def test_a_new_file_begins_with_what_is_open_and_is_all_that_is_read(tmp_path: Path) -> None:
    journal, _ = open_journal(tmp_path)
    journal.append(began(1))
    journal.append(began(2))
    journal.rotate([began(2)], SATURDAY.after(DAY))
    journal.append(key(2))
    assert journal.close()
    assert names(tmp_path) == ["2026-11-21.journal", "2026-11-22.journal"]
    journal, replay = open_journal(tmp_path)
    assert (replay.head, replay.facts) == ((began(2),), (key(2),))
    journal.close()


def test_files_keep_their_order_when_the_calendar_is_set_back(tmp_path: Path) -> None:
    journal, _ = open_journal(tmp_path)
    for number, now in enumerate([SATURDAY, Moment(5.0, 0.0), SATURDAY.after(DAY), SATURDAY], 1):
        journal.rotate([began(number)], now)
    assert journal.close()
    expected = ["2026-11-21", "2026-11-21-2", "2026-11-21-3", "2026-11-22", "2026-11-22-2"]
    assert names(tmp_path) == [f"{name}.journal" for name in expected]
    assert open_and_read(tmp_path, Moment(5.0, 0.0)) == [began(4)]


def test_the_tenth_file_of_a_day_comes_after_the_ninth() -> None:
    assert JournalName("2026-11-21", 9) < JournalName("2026-11-21", 10) < JournalName("2026-11-22")
    assert JournalName.read("2026-11-21-10.journal") == JournalName("2026-11-21", 10)
    assert all(JournalName.read(text) is None for text in ("reserve", "2026-11-21.journal.old", "x.journal"))


def test_damage_in_the_middle_costs_that_line_only_and_is_said(tmp_path: Path) -> None:
    journal, _ = open_journal(tmp_path)
    for number in range(5):
        journal.append(began(number))
    journal.close()
    content = newest(tmp_path).read_bytes()
    newest(tmp_path).write_bytes(content.replace(b'"c-2"', b'"c-9"'))
    journal, replay = open_journal(tmp_path)
    journal.append(began(5))
    journal.close()
    assert everything(replay) == [began(0), began(1), began(3), began(4)]
    assert replay.repaired == ("2026-11-21.journal: line 5 is damaged and left out",)
    assert open_and_read(tmp_path) == [began(0), began(1), began(3), began(4), began(5)]


def test_a_long_torn_end_is_gone_for_good(tmp_path: Path) -> None:
    journal, _ = open_journal(tmp_path)
    journal.append(began(1))
    journal.close()
    with newest(tmp_path).open("ab") as file:
        file.write(bytes(4096))
    journal, replay = open_journal(tmp_path)
    assert replay.repaired == ("2026-11-21.journal: its end was torn; 4096 bytes without a whole line were cut off",)
    journal.append(began(2))
    journal.close()
    journal, replay = open_journal(tmp_path)
    journal.close()
    assert replay.repaired == ()
    assert everything(replay) == [began(1), began(2)]


def test_a_damaged_end_of_the_head_does_not_bring_back_the_past(tmp_path: Path) -> None:
    journal, _ = open_journal(tmp_path)
    journal.append(began(1))
    journal.rotate([began(2)], SATURDAY)
    journal.append(key(2))
    journal.close()
    content = newest(tmp_path).read_bytes()
    newest(tmp_path).write_bytes(content.replace(b"HeadEnds", b"HeadEnde"))
    journal, replay = open_journal(tmp_path)
    journal.close()
    assert (replay.head, replay.facts) == ((began(2),), (key(2),))
    assert replay.repaired


def test_a_missing_fact_of_the_head_is_said(tmp_path: Path) -> None:
    journal, _ = open_journal(tmp_path)
    journal.rotate([began(1), began(2)], SATURDAY)
    journal.close()
    content = newest(tmp_path).read_bytes()
    newest(tmp_path).write_bytes(content.replace(b'"c-1"', b'"c-7"'))
    journal, replay = open_journal(tmp_path)
    journal.close()
    assert replay.head == (began(2),)
    assert "2026-11-21-2.journal: 1 facts of its head are missing" in replay.repaired


def test_a_newer_versions_words_stay_in_the_file_and_are_said(tmp_path: Path) -> None:
    journal, _ = open_journal(tmp_path)
    journal.append(began(1))
    journal.close()
    with newest(tmp_path).open("ab") as file:
        file.write(seal(b'["CallSneezed",{"at":{"mono":1.0,"utc":2.0}}]'))
        file.write(seal(b'["KeyTaken",{"pressed":"twice"}]'))
        file.write(seal(b'"no fact at all"'))
        later = json.loads(unseal(Words(FACTS).line(key(1)))[1])  # type: ignore[index]
        later[1]["colour"] = "green"
        file.write(seal(msgspec.json.encode(later)))
    before = newest(tmp_path).read_bytes()
    journal, replay = open_journal(tmp_path)
    journal.append(began(2))
    journal.close()
    assert everything(replay) == [began(1), key(1)]
    assert len(replay.repaired) == 3
    assert "line 4: CallSneezed is not known to this version" in replay.repaired[0]
    assert newest(tmp_path).read_bytes().startswith(before)


def test_bytes_that_are_no_letters_come_back_with_question_marks(tmp_path: Path) -> None:
    journal, _ = open_journal(tmp_path)
    journal.append(facts.CallerNamed(SATURDAY, CallId("c-1"), "caf\udce9"))
    journal.close()
    assert open_and_read(tmp_path) == [facts.CallerNamed(SATURDAY, CallId("c-1"), "caf?")]


def test_old_files_are_forgotten_but_never_the_newest(tmp_path: Path) -> None:
    journal, _ = open_journal(tmp_path)
    for day in range(1, 6):
        journal.rotate([began(day)], SATURDAY.after(day * DAY))
    journal.flush()
    assert len(journal.forget(3)) == 3
    assert len(journals(tmp_path)) == 3
    assert len(journal.forget(0)) == 1
    assert journal.close()
    assert open_and_read(tmp_path) == [began(5)]


def test_after_closing_nothing_is_taken_and_nothing_is_raised(tmp_path: Path) -> None:
    journal, _ = open_journal(tmp_path)
    assert journal.close()
    with pytest.raises(StoreTrouble, match="closed"):
        journal.append(began(1)).result(1)
    assert journal.close()


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "journal"
    journal, _ = open_journal(folder)
    journal.close()
    assert newest(folder).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_reserve_is_not_taken_from_a_disk_that_has_little_room(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    reserve = Reserve(tmp_path / "reserve", disk.f_bavail * disk.f_frsize // 3)
    assert not reserve.make()
    assert not reserve.give_up()
    assert list(tmp_path.iterdir()) == []
    small = Reserve(tmp_path / "reserve", 8192)
    assert small.make()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 8192
    assert Reserve(tmp_path / "reserve", 8192).make()
    assert small.give_up()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_cannot_be_read_at_all_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "2026-11-21.journal").mkdir()
    with pytest.raises(StoreTrouble, match="cannot be read"):
        open_journal(tmp_path)


def test_an_end_the_disk_does_not_read_is_left_alone_and_written_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, _ = open_journal(tmp_path)
    for number in range(100):
        journal.append(began(number))
    journal.close()
    before = newest(tmp_path).read_bytes()
    real = os.pread

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        if offset < len(before) and offset + length > 2 * 4096:
            raise OSError(5, "Input/output error")
        return real(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", pread)
    journal, replay = open_journal(tmp_path)
    journal.append(key(1))
    journal.append(key(2))
    assert journal.close()
    monkeypatch.undo()
    assert 10 < len(replay.facts) < 100
    assert "the disk does not read its last" in replay.repaired[-1]
    assert open_and_read(tmp_path) == [*map(began, range(100)), key(1), key(2)]
    assert newest(tmp_path).read_bytes().startswith(before)


def test_a_disk_that_reads_nothing_does_not_begin_a_new_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, _ = open_journal(tmp_path)
    journal.append(began(1))
    journal.close()

    def pread(*_: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", pread)
    with pytest.raises(StoreTrouble, match="card may be damaged"):
        open_journal(tmp_path)
    monkeypatch.undo()
    assert open_and_read(tmp_path) == [began(1)]
