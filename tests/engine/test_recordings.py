"""Recordings of the real engine: the right side, the right length, and full disks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.calls import commands, events
from appliance.calls.names import CallId, LegId
from appliance.engine.stereo import side_paths
from tests.engine.bench import Bench, bench
from tests.engine.peer import Phone
from tests.engine.tones import loudness, strength

CALL = CallId("call-1")


def read(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)


def conversation(box: Bench) -> tuple[Phone, LegId, Phone, LegId]:
    one, first = box.call_in_answered()
    two, second = box.call_out_answered()
    box.desk.tell(commands.Bridge(first, second))
    one.sound.talk(440)
    two.sound.talk(1000)
    time.sleep(0.3)
    return one, first, two, second


def test_the_caller_is_left_the_operator_right_and_the_length_is_true(box: Bench) -> None:
    _, first, _, second = conversation(box)
    box.desk.tell(commands.Record(CALL, first, second, "2026/11/c-1"))
    time.sleep(3)
    box.desk.tell(commands.StopRecording(CALL))
    ended = box.desk.hears(events.RecordingEnded)
    assert ended.call == CALL
    assert ended.fault == ""
    assert abs(ended.seconds - 3) < 0.06
    sound = read(box.recordings / "2026/11/c-1.wav")
    assert len(sound) / 8000 == ended.seconds
    assert strength(sound[:, 0], 440) > 0.98
    assert strength(sound[:, 1], 1000) > 0.98
    assert strength(sound[:, 0], 1000) < 0.001
    assert [path.name for path in box.recordings.rglob("*") if path.is_file()] == ["c-1.wav"]
    assert (box.recordings / "2026/11/c-1.wav").stat().st_mode & 0o777 == 0o600


def test_silence_and_holds_shorten_nothing_and_shift_nothing(box: Bench) -> None:
    """The same pulses are given to both sides; they must lie at the same sample left and right, all the way."""
    one, first, two, second = conversation(box)
    one.sound.talk(0, 0)
    two.sound.talk(0, 0)
    box.desk.tell(commands.Record(CALL, first, second, "c-2"))
    began = time.monotonic()
    pulses = []
    for step in range(4):
        time.sleep(0.5)
        pulses.append(time.monotonic() - began)
        one.sound.talk(600)
        two.sound.talk(600)
        time.sleep(0.5)
        one.sound.talk(0, 0)
        two.sound.talk(0, 0)
        if step == 0:
            one.hold("inactive")
            time.sleep(0.5)
            one.hold("sendrecv")
        if step == 1:
            one.sound.quiet = two.sound.quiet = True
            time.sleep(0.5)
            one.sound.quiet = two.sound.quiet = False
    box.desk.tell(commands.StopRecording(CALL))
    lasted = time.monotonic() - began
    ended = box.desk.hears(events.RecordingEnded)
    assert abs(ended.seconds - lasted) < 0.06
    sound = read(box.recordings / "c-2.wav")
    for side in (0, 1):
        starts = _pulse_starts(sound[:, side])
        assert len(starts) == 4, starts
        for start, pulse in zip(starts, pulses, strict=True):
            assert abs(start / 8000 - pulse) < 0.2
    for left, right in zip(_pulse_starts(sound[:, 0]), _pulse_starts(sound[:, 1]), strict=True):
        assert abs(left - right) <= 480  # the two telephones' own jitter buffers, not the recording


def _pulse_starts(samples: NDArray[np.int16]) -> list[int]:
    loud = np.abs(samples.astype(int)) > 1000
    near = np.convolve(loud, np.ones(800), "same") > 0
    return [int(at) for at in np.flatnonzero(np.diff(near.astype(int)) == 1)]


def test_both_sides_are_aligned_to_the_sample(box: Bench) -> None:
    """One party is recorded on both sides: the two channels must be equal, recording after recording."""
    one, first = box.call_in_answered()
    one.sound.talk(443)
    time.sleep(0.3)
    for number in range(12):
        call = CallId(f"call-{number}")
        box.desk.tell(commands.Record(call, first, first, f"same-{number}"))
        time.sleep(0.25 + 0.013 * number)
        box.desk.tell(commands.StopRecording(call))
        box.recorded(call)
        sound = read(box.recordings / f"same-{number}.wav").astype(int)
        middle = sound[480:-480]
        assert len(middle) > 100
        assert (middle[:, 0] == middle[:, 1]).all()


@pytest.mark.parametrize("by_us", [True, False])
@pytest.mark.parametrize("side", [0, 1])
def test_a_recording_ends_with_either_party(box: Bench, by_us: bool, side: int) -> None:
    one, first, two, second = conversation(box)
    box.desk.tell(commands.Record(CALL, first, second, "c-3"))
    time.sleep(1)
    if by_us:
        box.desk.tell(commands.Hangup((first, second)[side]))
    else:
        (one, two)[side].bye()
    ended = box.desk.hears(events.RecordingEnded)
    assert ended.fault == ""
    assert abs(ended.seconds - 1) < 0.1
    box.desk.tell(commands.StopRecording(CALL))
    time.sleep(0.2)
    assert box.desk.count(events.RecordingEnded) == 1


def test_recordings_that_cannot_be_made_end_at_once_and_say_why(box: Bench) -> None:
    _, first, _, second = conversation(box)
    (box.recordings / "there.wav").write_bytes(b"")
    (box.recordings / "file").write_bytes(b"")
    for name, words in (
        ("there", "a recording of that name is there already"),
        ("../outside", "lies outside the recordings folder"),
        ("/etc/outside", "lies outside the recordings folder"),
        ("file/below", "there is no place for it: File exists"),
        ("x" * 300, "File name too long"),
    ):
        call = CallId(name)
        box.desk.tell(commands.Record(call, first, second, name))
        ended = box.recorded(call)
        assert words in ended.fault
        assert ended.seconds == 0
    box.desk.tell(commands.Record(CallId("gone"), first, LegId("never was"), "gone"))
    assert "a party had left" in box.recorded(CallId("gone")).fault
    box.desk.tell(commands.Record(CallId("good"), first, second, "good"))
    time.sleep(0.3)
    box.desk.tell(commands.StopRecording(CallId("good")), commands.StopRecording(CallId("never was")))
    assert box.recorded(CallId("good")).fault == ""


def test_asking_twice_records_once(box: Bench) -> None:
    _, first, _, second = conversation(box)
    box.desk.tell(commands.Record(CALL, first, second, "a"), commands.Record(CALL, first, second, "b"))
    time.sleep(0.3)
    box.desk.tell(commands.StopRecording(CALL))
    box.desk.hears(events.RecordingEnded)
    time.sleep(0.3)
    assert box.desk.count(events.RecordingEnded) == 1
    assert [path.name for path in box.recordings.iterdir()] == ["a.wav"]


def test_sigterm_in_mid_recording_keeps_what_was_said(tmp_path: Path) -> None:
    with_engine = Bench(tmp_path)
    try:
        _, first, _, second = conversation(with_engine)
        with_engine.desk.tell(commands.Record(CALL, first, second, "c-4"))
        time.sleep(1)
        assert with_engine.stop() < 1.0
        ended = with_engine.desk.hears(events.RecordingEnded)
        assert abs(ended.seconds - 1) < 0.1
        assert len(read(tmp_path / "recordings/c-4.wav")) > 7000
    finally:
        with_engine.close()


def test_kill_in_mid_recording_loses_a_quarter_second_at_most(tmp_path: Path) -> None:
    """The next engine finds the two sides, with no lengths in their headers, and joins them."""
    place = Bench(tmp_path)
    try:
        _, first, _, second = conversation(place)
        place.desk.tell(commands.Record(CALL, first, second, "2026/c-5"))
        time.sleep(2)
        place.process.send_signal(signal.SIGKILL)
        place.process.wait(5)
        whole = tmp_path / "recordings/2026/c-5.wav"
        assert all(path.exists() for path in side_paths(whole))
        place.process = place.start()
        until = time.monotonic() + 5
        while not whole.exists() and time.monotonic() < until:
            time.sleep(0.05)
        sound = read(whole)
        assert 1.7 < len(sound) / 8000 < 2.1
        assert strength(sound[:, 0], 440) > 0.95
        assert strength(sound[:, 1], 1000) > 0.95
    finally:
        place.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 3 MB."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.fail("this test mounts a small disk: run it as root, as CI does")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, leave: int) -> None:
    free = shutil.disk_usage(folder).free
    (folder / "ballast").write_bytes(bytes(max(0, free - leave)))


@pytest.mark.usefixtures("small_disk")
def test_no_recording_begins_on_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    with bench(tmp_path, "--disk-floor", "100") as box:
        _, first, two, second = conversation(box)
        box.desk.tell(commands.Record(CALL, first, second, "c-6"))
        assert "the disk is nearly full (3 MB left)" in box.desk.hears(events.RecordingEnded).fault
        assert strength(two.sound.heard(), 440) > 0.9


def test_recordings_stop_before_the_disk_is_full_and_the_call_goes_on(tmp_path: Path, small_disk: Path) -> None:
    with bench(tmp_path, "--disk-floor", "1") as box:
        _, first, two, second = conversation(box)
        box.desk.tell(commands.Record(CALL, first, second, "c-7"))
        time.sleep(1.5)
        fill(small_disk, 500_000)
        ended = box.desk.hears(events.RecordingEnded)
        assert ended.fault.startswith("the disk is nearly full (0 MB left), so the recording was stopped")
        assert ended.seconds > 1.3
        assert strength(read(small_disk / "c-7.wav")[:, 0], 440) > 0.9
        assert strength(two.sound.heard(), 440) > 0.9


def test_a_disk_that_fills_at_once_is_noticed_and_the_call_goes_on(tmp_path: Path, small_disk: Path) -> None:
    """Others may fill it between two looks; then writing fails, and the recording says so."""
    with bench(tmp_path, "--disk-floor", "0") as box:
        _, first, two, second = conversation(box)
        box.desk.tell(commands.Record(CALL, first, second, "c-8"))
        time.sleep(1)
        fill(small_disk, 0)
        time.sleep(2.5)
        assert strength(two.sound.heard(), 440) > 0.9
        box.desk.tell(commands.StopRecording(CALL))
        ended = box.desk.hears(events.RecordingEnded)
        assert "could not be written to the disk" in ended.fault
        assert "kept apart" in ended.fault
        assert 0.7 < ended.seconds < 1.6
        (small_disk / "ballast").unlink()
        box.desk.tell(commands.Record(CallId("again"), first, second, "c-9"))
        time.sleep(0.5)
        box.desk.tell(commands.StopRecording(CallId("again")))
        assert box.recorded(CallId("again")).fault == ""


def test_more_at_once_than_the_library_can_are_refused_one_by_one(tmp_path: Path) -> None:
    """It has room for 256 sides."""
    with bench(tmp_path) as box:
        _, leg = box.call_in_answered()
        for number in range(140):
            box.desk.tell(commands.Record(CallId(f"full-{number}"), leg, leg, f"full/{number}"))
        assert box.recorded(CallId("full-139")).fault.endswith("there are too many of them at once")
        refused = box.desk.count(events.RecordingEnded)
        assert 0 < refused <= 12
        assert len(list(box.recordings.rglob("*.left.wav"))) == 140 - refused
        assert len(list(box.recordings.rglob("*.right.wav"))) == 140 - refused


def test_thirty_at_once(box: Bench) -> None:
    """As many as a busy office has; all end together, and their joining does not disturb the sound."""
    pairs = []
    for number in range(30):
        _, first = box.call_in_answered(extension=f"{200 + number}")
        two, second = box.call_out_answered()
        box.desk.tell(commands.Bridge(first, second))
        pairs.append((first, second, two))
    for number, (first, second, _) in enumerate(pairs):
        box.desk.tell(commands.Record(CallId(f"many-{number}"), first, second, f"many/{number}"))
    time.sleep(2)
    for number in range(30):
        box.desk.tell(commands.StopRecording(CallId(f"many-{number}")))
    for number in range(30):
        ended = box.recorded(CallId(f"many-{number}"), 20)
        assert ended.fault == ""
        assert abs(ended.seconds - 2) < 0.3
    for _, _, phone in pairs:
        assert loudness(phone.sound.heard()) < 20
