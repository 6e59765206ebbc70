"""Joining the two sides of a recording, and what can go wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.engine import stereo
from appliance.engine.stereo import BLOCK, CannotJoin, is_closed, join, samples_in, side_paths, sweep


def write(path: Path, samples: NDArray[np.int16], rate: int = 8000) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def read(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)


def ramp(length: int, start: int = 0) -> NDArray[np.int16]:
    return ((np.arange(length) + start) % 30000).astype(np.int16)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return tmp_path / "a.b.wav"


@pytest.mark.parametrize("length", [0, 1, 160, BLOCK, BLOCK + 1, 3 * BLOCK + 77])
def test_left_is_left_and_right_is_right_to_the_sample(whole: Path, length: int) -> None:
    left, right = side_paths(whole)
    write(left, ramp(length))
    write(right, ramp(length, 500))
    assert join(left, right, whole) == length / 8000
    sound = read(whole)
    assert (sound[:, 0] == ramp(length)).all()
    assert (sound[:, 1] == ramp(length, 500)).all()
    assert sorted(path.name for path in whole.parent.iterdir()) == ["a.b.wav"]


def test_a_left_side_that_began_a_tick_earlier(whole: Path) -> None:
    left, right = side_paths(whole)
    write(left, ramp(8160))
    write(right, ramp(8000, 160))
    join(left, right, whole)
    sound = read(whole)
    assert (sound[160:, 0] == sound[160:, 1]).all()
    assert not sound[:160, 1].any()


def test_a_right_side_that_ended_a_tick_later(whole: Path) -> None:
    left, right = side_paths(whole)
    write(left, ramp(8000))
    write(right, ramp(8160))
    join(left, right, whole)
    sound = read(whole)
    assert (sound[:8000, 0] == sound[:8000, 1]).all()
    assert not sound[8000:, 0].any()


def test_sides_cut_off_by_a_power_failure(whole: Path) -> None:
    """No lengths in the header, and half a sample at the end."""
    left, right = side_paths(whole)
    for path in (left, right):
        write(path, ramp(8000))
        data = bytearray(path.read_bytes())
        data[4:8] = data[40:44] = bytes(4)
        path.write_bytes(data + b"x")
        assert not is_closed(path)
    join(left, right, whole)
    assert len(read(whole)) == 8000


def test_closed_files_are_known_by_their_header(whole: Path) -> None:
    left, _ = side_paths(whole)
    write(left, ramp(800))
    assert is_closed(left)
    with left.open("ab") as file:
        file.write(b"\0\0")
    assert not is_closed(left)
    left.write_bytes(b"RI")
    assert not is_closed(left)


def test_what_is_no_recording_is_left_alone(whole: Path) -> None:
    left, right = side_paths(whole)
    left.write_bytes(b"not a sound file, though long enough to be one in its length alone")
    write(right, ramp(100))
    with pytest.raises(CannotJoin, match="is not a recording of one side"):
        join(left, right, whole)
    assert left.exists()
    assert right.exists()
    assert not whole.exists()


def test_a_disk_that_writes_something_else_is_noticed(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = side_paths(whole)
    write(left, ramp(8000))
    write(right, ramp(8000))

    def flip(descriptor: int) -> None:
        os.pwrite(descriptor, b"\x55", 1000)

    monkeypatch.setattr("os.fsync", flip)
    with pytest.raises(CannotJoin, match="failing"):
        join(left, right, whole)
    assert left.exists()
    assert not whole.exists()


def test_the_sweep_joins_what_a_dead_engine_left_and_nothing_newer(tmp_path: Path) -> None:
    old, lonely, new = tmp_path / "2026" / "old.wav", tmp_path / "lonely.wav", tmp_path / "new.wav"
    old.parent.mkdir()
    for path in side_paths(old):
        write(path, ramp(800))
        os.utime(path, (1000, 1000))
    only, _ = side_paths(lonely)
    write(only, ramp(800))
    os.utime(only, (1000, 1000))
    for path in side_paths(new):
        write(path, ramp(800))
    assert sweep(tmp_path, time.time() - 100) == []
    assert len(read(old)) == len(read(lonely)) == 800
    assert not new.exists()
    assert all(path.exists() for path in side_paths(new))


def test_the_command_line_is_a_process_of_its_own(whole: Path) -> None:
    left, right = side_paths(whole)
    write(left, ramp(8000))
    write(right, ramp(8000))
    program = [sys.executable, "-I", "-S", stereo.__file__]
    subprocess.run([*program, left, right, whole], check=True, timeout=20)
    assert samples_in(whole) == 16000
    assert whole.stat().st_mode & 0o777 == 0o600
    again = subprocess.run([*program, left, right, whole], check=False, capture_output=True, timeout=20, text=True)
    assert again.returncode == 1
    assert "No such file" in again.stderr
    assert subprocess.run([*program, left], check=False, capture_output=True, timeout=20).returncode == 2


def test_two_helpers_at_once_do_each_other_no_harm(whole: Path) -> None:
    left, right = side_paths(whole)
    write(left, ramp(800_000))
    write(right, ramp(800_000, 7))
    program = [sys.executable, "-I", "-S", stereo.__file__, str(left), str(right), str(whole)]
    both = [subprocess.Popen(program, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert sorted(process.wait(20) for process in both) == [0, 1]
    sound = read(whole)
    assert (sound[:, 1] == ramp(800_000, 7)).all()
