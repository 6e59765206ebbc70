"""The sound side of the virtual modem, by the clock of the test."""

from __future__ import annotations

import random
from array import array
from pathlib import Path

import pytest

from appliance.lines.virtual import sounds
from appliance.lines.virtual.airtime import AirTime
from appliance.lines.virtual.manners import Manners


def air(manners: Manners | None = None) -> AirTime:
    started = AirTime(manners or Manners(), random.Random(1))
    started.start(0.0)
    return started


def play(one: AirTime, seconds: float, step: float = 0.005, box: bytes | None = None, begin: float = 0.0) -> bytes:
    """What the modem sends; the box answers each frame with `box`."""
    out = b""
    for n in range(1, round(seconds / step) + 1):
        data = one.tick(begin + n * step)
        if box is not None:
            for _ in range(len(data) // len(box)):
                one.take(box)
        out += data
    return out


def test_silence_not_absence_when_nobody_speaks() -> None:
    one = air()
    heard = sounds.from_bytes(play(one, 2.0))
    assert len(heard) == 16000
    assert -90 < sounds.loudness_db(heard) < -70, "a quiet line hisses"
    assert one.counters.sent == 100
    one.blank = True
    assert play(one, 1.0, begin=2.0) == bytes(16000)


@pytest.mark.parametrize(("ppm", "bytes_in_100_s"), [(0, 1_600_000), (500, 1_600_640), (-500, 1_599_040)])
def test_its_clock_is_its_own(ppm: float, bytes_in_100_s: int) -> None:
    assert len(play(air(Manners(ppm=ppm)), 100.0)) == pytest.approx(bytes_in_100_s, abs=320)


@pytest.mark.parametrize("burst", [1, 2, 5])
def test_bursts(burst: int) -> None:
    one = air(Manners(burst=burst))
    sizes = {len(data) for n in range(1, 400) if (data := one.tick(n * 0.005))}
    assert sizes == {320 * burst}


def test_what_the_far_end_says_reaches_the_box_in_order() -> None:
    one = air()
    one.say(sounds.counting(1.0))
    heard = sounds.counted(sounds.from_bytes(play(one, 1.2)))
    assert heard[:50] == [n % sounds.COUNTING_STEPS for n in range(50)]
    assert set(heard[50:]) == {-1}


def test_what_the_box_says_reaches_the_far_end_in_order_whatever_its_sizes() -> None:
    one = air()
    said = sounds.to_bytes(sounds.counting(1.0))
    dice = random.Random(3)
    play(one, 0.02)
    for n in range(50):
        part = said[n * 320 : n * 320 + 320]
        cut = dice.randrange(321)
        one.take(part[:cut])
        one.take(part[cut:])
        one.tick(0.04 + n * 0.02)
    heard = sounds.counted(one.heard(1.0))
    assert heard == [n % sounds.COUNTING_STEPS for n in range(50)]
    assert (one.counters.overruns, one.counters.underruns) == (0, 0)


def test_a_box_that_is_too_fast_overruns_and_one_that_is_late_leaves_gaps() -> None:
    fast = air(Manners(buffered=4))
    for _ in range(10):
        fast.take(bytes(320))
    assert fast.counters.overruns == 6
    late = air()
    late.take(bytes(320))
    play(late, 0.1)
    assert (late.counters.received, late.counters.underruns) == (1, 4)


def test_before_the_box_has_spoken_nothing_is_late() -> None:
    one = air()
    play(one, 1.0)
    assert one.counters.underruns == 0


def test_the_next_call_begins_with_sound_of_the_last() -> None:
    one = air(Manners(stale=5))
    one.say(sounds.tone([440], 1.0))
    play(one, 0.5)
    one.stop()
    assert one.next_deadline() is None
    one.start(10.0)
    first = sounds.from_bytes(play(one, 0.2, begin=10.0))
    assert sounds.level_db(first[: 5 * 160], 440) > -12
    assert sounds.loudness_db(first[6 * 160 :]) < -70


def test_keys_are_two_tones_and_come_before_speech() -> None:
    one = air()
    one.say(sounds.tone([440], 2.0))
    one.press("5")
    heard = sounds.from_bytes(play(one, 0.4))
    key = heard[:800]
    assert sounds.level_db(key, 770) > -14
    assert sounds.level_db(key, 1336) > -14
    assert sounds.level_db(key, 440) < -40
    assert sounds.level_db(heard[1700:3000], 440) > -12


def test_a_degraded_call_is_choppy_though_its_bytes_look_healthy() -> None:
    one = AirTime(Manners(), random.Random(1))
    one.start(0.0, degraded=True)
    one.say(sounds.tone([440], 2.0))
    heard = sounds.from_bytes(play(one, 2.0))
    assert len(heard) == 16000
    silent = sum(sounds.loudness_db(heard[n : n + 160]) < -60 for n in range(0, 16000, 160))
    assert 15 < silent < 45


def test_sixteen_kilohertz_is_twice_the_bytes() -> None:
    one = AirTime(Manners(), random.Random(1))
    one.start(0.0, wide=True)
    one.say(sounds.tone([440], 1.0))
    heard = sounds.from_bytes(play(one, 1.0))
    assert len(heard) == 16000
    assert sounds.level_db(heard, 440, 16000) > -12


def test_mute_loses_what_the_box_says_and_dead_sends_nothing() -> None:
    one = air()
    one.muted = True
    play(one, 0.5, box=sounds.to_bytes(sounds.tone([440], 0.02)))
    assert sounds.loudness_db(one.heard(0.5)) == -120
    assert one.counters.received > 20
    one.dead = True
    assert play(one, 0.5, begin=0.5) == b""


def test_what_was_heard_is_kept_for_two_minutes_and_no_longer() -> None:
    one = air()
    play(one, 130.0, 0.1)
    assert len(one.heard(1000.0)) <= 120 * 8000


def test_wav_files(tmp_path: Path) -> None:
    tone = sounds.tone([440], 0.5)
    sounds.write_wav(tmp_path / "tone.wav", tone)
    assert sounds.read_wav(tmp_path / "tone.wav") == tone
    sounds.write_wav(tmp_path / "wide.wav", sounds.tone([440], 0.5, 16000), 16000)
    assert sounds.level_db(sounds.read_wav(tmp_path / "wide.wav"), 440) == pytest.approx(-10, abs=0.3)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"hello, this is no sound at all, not in the least"])
def test_what_is_no_wav_file_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.wav").write_bytes(content)
    with pytest.raises(sounds.NotSound, match=r"x\.wav"):
        sounds.read_wav(tmp_path / "x.wav")
    with pytest.raises(sounds.NotSound, match=r"none\.wav"):
        sounds.read_wav(tmp_path / "none.wav")


def test_levels_are_what_they_say() -> None:
    tone = sounds.tone([1000], 1.0, level_db=-20.0)
    assert sounds.level_db(tone, 1000) == pytest.approx(-20, abs=0.1)
    assert sounds.loudness_db(tone) == pytest.approx(-20, abs=0.1)
    assert sounds.level_db(tone, 440) < -60
    assert sounds.level_db(array("h"), 440) == -120
