"""The folder of made sound stays in its bounds and survives bad ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.prompts import cache
from appliance.prompts.cache import SoundCache
from appliance.prompts.sound import to_samples, write_wav

SIZE = 44 + 2 * 100


def put(shelf: SoundCache, name: str) -> None:
    with shelf.making(name) as path:
        write_wav(path, to_samples([0.0] * 100))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def few_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "IN_USE", 2)


@pytest.mark.usefixtures("few_in_use")
def test_what_was_unused_longest_goes_first(tmp_path: Path) -> None:
    shelf = SoundCache(tmp_path, most_bytes=3 * SIZE)
    for name in ("a.wav", "b.wav", "c.wav"):
        put(shelf, name)
    assert shelf.find("a.wav")
    put(shelf, "d.wav")
    assert names(tmp_path) == {"a.wav", "c.wav", "d.wav"}
    assert shelf.find("b.wav") is None
    assert shelf.total_bytes == 3 * SIZE


@pytest.mark.usefixtures("few_in_use")
def test_the_order_of_use_outlives_a_restart(tmp_path: Path) -> None:
    shelf = SoundCache(tmp_path, most_bytes=3 * SIZE)
    for age, name in enumerate(("a.wav", "b.wav", "c.wav")):
        put(shelf, name)
        os.utime(tmp_path / name, (1_000_000 + age, 1_000_000 + age))
    again = SoundCache(tmp_path, most_bytes=3 * SIZE)
    assert again.find("a.wav")
    again = SoundCache(tmp_path, most_bytes=3 * SIZE)
    put(again, "d.wav")
    assert names(tmp_path) == {"a.wav", "c.wav", "d.wav"}


def test_files_in_use_stay_however_small_the_room(tmp_path: Path) -> None:
    shelf = SoundCache(tmp_path, most_bytes=0)
    for number in range(cache.IN_USE + 10):
        put(shelf, f"{number}.wav")
    assert len(names(tmp_path)) == cache.IN_USE
    assert shelf.find(f"{cache.IN_USE + 9}.wav")


def test_a_smaller_room_is_kept_from_the_start(tmp_path: Path) -> None:
    shelf = SoundCache(tmp_path, most_bytes=1000 * SIZE)
    for number in range(100):
        put(shelf, f"{number}.wav")
    assert SoundCache(tmp_path, most_bytes=70 * SIZE).total_bytes == 70 * SIZE
    assert len(names(tmp_path)) == 70


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    shelf = SoundCache(tmp_path, most_bytes=1 << 20)

    def fail() -> None:
        with shelf.making("a.wav") as path:
            write_wav(path, to_samples([0.0] * 100))
            assert shelf.find("a.wav") is None
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path) == set()
    with pytest.raises(OSError, match="not whole"), shelf.making("a.wav") as path:
        path.write_bytes(b"RIFF")
    assert names(tmp_path) == set()


def test_what_a_power_failure_left_is_cleared_away(tmp_path: Path) -> None:
    shelf = SoundCache(tmp_path, most_bytes=1 << 20)
    put(shelf, "whole.wav")
    put(shelf, "torn.wav")
    (tmp_path / "torn.wav").write_bytes((tmp_path / "torn.wav").read_bytes()[:-10])
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / f".{os.getpid()}-0-x.wav").write_bytes(b"of an earlier process with our number")
    (tmp_path / ".4194305-0-y.raw").write_bytes(b"no process has so high a number")
    (tmp_path / ".1-0-z.wav").write_bytes(b"its process lives: another one is at work here")
    SoundCache(tmp_path, most_bytes=1 << 20)
    assert names(tmp_path) == {"whole.wav", ".1-0-z.wav"}


def test_a_file_somebody_removed_is_not_offered(tmp_path: Path) -> None:
    shelf = SoundCache(tmp_path, most_bytes=1 << 20)
    put(shelf, "a.wav")
    (tmp_path / "a.wav").unlink()
    assert shelf.find("a.wav") is None
    assert shelf.total_bytes == 0


def test_a_file_another_process_made_is_found(tmp_path: Path) -> None:
    ours = SoundCache(tmp_path, most_bytes=1 << 20)
    put(SoundCache(tmp_path, most_bytes=1 << 20), "a.wav")
    assert ours.find("a.wav") == tmp_path / "a.wav"
    assert ours.total_bytes == SIZE


def test_nobody_else_may_listen(tmp_path: Path) -> None:
    SoundCache(tmp_path / "speech", most_bytes=1)
    assert (tmp_path / "speech").stat().st_mode & 0o077 == 0
