"""Tones as the country's callers know them, and the hold music."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from appliance.prompts import music, tones
from appliance.prompts.sound import is_whole, write_wav
from tests.prompts.listening import RATE, Samples, heard, level, loudest, peak, share


def tone(tmp_path: Path, country: str, name: str) -> Samples:
    write_wav(tmp_path / "tone.wav", tones.render(tones.of(country)[name]))
    return heard(tmp_path / "tone.wav")


@pytest.mark.parametrize(
    ("country", "name", "on", "off"),
    [
        ("AL", "ringback", 1.2, 4.65),
        ("AL", "busy", 0.5, 0.5),
        ("AL", "congestion", 0.15, 0.15),
        ("RU", "ringback", 1.0, 4.0),
        ("RU", "busy", 0.35, 0.35),
        ("RU", "congestion", 0.175, 0.175),
        ("EU", "ringback", 1.0, 4.0),
        ("EU", "busy", 0.5, 0.5),
        ("EU", "congestion", 0.25, 0.25),
        ("DE", "busy", 0.5, 0.5),
    ],
)
def test_a_tone_has_the_pitch_cadence_and_level_of_its_country(
    tmp_path: Path, country: str, name: str, on: float, off: float
) -> None:
    samples = tone(tmp_path, country, name)
    sounding = samples[: round(on * RATE)]
    assert len(samples) == round((on + off) * RATE)
    assert abs(loudest(sounding) - 425) < 1 / on + 1
    assert share(sounding, 375, 475) > 0.98
    assert -21 < level(sounding) < -17
    assert not samples[round(on * RATE) :].any()


def test_a_tone_repeats_without_a_click(tmp_path: Path) -> None:
    """No step anywhere, the seam included, is larger than the steepest step of the sine itself."""
    steepest = tones.LEVEL * 2 * np.pi * 425 / RATE
    for country in tones.COUNTRIES:
        for name in ("ringback", "busy", "congestion"):
            twice = np.tile(tone(tmp_path, country, name), 2)
            assert np.max(np.abs(np.diff(twice))) <= steepest * 1.01


def test_the_beep_is_a_short_whistle(tmp_path: Path) -> None:
    beep = tone(tmp_path, "AL", "beep")
    assert len(beep) == round(0.3 * RATE)
    assert abs(loudest(beep) - 1000) < 5


def test_a_file_that_lost_its_end_is_known(tmp_path: Path) -> None:
    file = tmp_path / "tone.wav"
    write_wav(file, tones.render(tones.of("AL")["beep"]))
    assert is_whole(file)
    whole = file.read_bytes()
    for length in (0, 3, 20, 43, 44, 45, len(whole) - 1):
        file.write_bytes(whole[:length])
        assert not is_whole(file), length


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    file = tmp_path_factory.mktemp("music") / "calm.wav"
    began = time.process_time()
    write_wav(file, music.compose())
    print(f"music made in {time.process_time() - began:.2f} s of CPU")
    return heard(file)


def test_the_music_is_a_quiet_minute(calm: Samples) -> None:
    assert len(calm) == 60 * RATE
    assert abs(level(calm) + 24) < 0.1
    assert peak(calm) < -6
    assert abs(float(np.mean(calm))) < 1e-4


def test_the_music_suits_a_telephone(calm: Samples) -> None:
    """Most of it is where a telephone hears, nothing is where sampling would fold it."""
    assert share(calm, 300, 3400) > 0.6
    assert share(calm, 3500, 4000) < 1e-5


def test_the_music_never_stops_nor_shouts(calm: Samples) -> None:
    parts = [level(calm[start : start + RATE]) for start in range(0, len(calm), RATE)]
    assert min(parts) > -31
    assert max(parts) < -18


def test_the_music_repeats_without_a_seam(calm: Samples) -> None:
    """Around the seam the curve is as smooth as anywhere: its second difference shows a click as a spike."""
    ring = np.concatenate([calm[-RATE:], calm[:RATE]])
    roughness = np.abs(np.diff(ring, 2))
    at_the_seam = roughness[RATE - 20 : RATE + 20].max()
    assert at_the_seam < np.percentile(np.abs(np.diff(calm, 2)), 99.9)


def test_the_music_is_in_tune() -> None:
    assert music.hertz("A4") == 440
    assert music.hertz("A3") == pytest.approx(220)
    assert music.hertz("C4") == pytest.approx(261.63, abs=0.01)
    assert music.hertz("F#5") == pytest.approx(739.99, abs=0.01)


def test_the_music_is_the_same_every_time() -> None:
    assert music.compose() == music.compose()
