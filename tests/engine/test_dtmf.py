"""Keys heard in sound: all of them, and nothing else."""

from __future__ import annotations

import random
import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.engine.dtmf import COLUMNS, KEYS, ROWS, KeyEar

ALL = "1234567890*#ABCD"

Sound = NDArray[np.float64]


def key_tone(
    key: str, ms: float, *, detuned: float = 0.0, twist: float = 0.0, rate: int = 8000, phase: float = 0
) -> Sound:
    """`detuned` as a share of the frequency; `twist` in dB, the column's tone over the row's."""
    row = next(number for number, keys in enumerate(KEYS) if key in keys)
    when = np.arange(int(rate * ms / 1000)) / rate
    low = np.sin(2 * np.pi * ROWS[row] * (1 + detuned) * when + phase)
    high = np.sin(2 * np.pi * COLUMNS[KEYS[row].index(key)] * (1 + detuned) * when)
    result: Sound = 4000 * (low + 10 ** (twist / 20) * high)
    return result


def silence(ms: float, rate: int = 8000) -> Sound:
    return np.zeros(int(rate * ms / 1000))


def heard(sound: Sound, rate: int = 8000) -> str:
    ear = KeyEar(rate)
    data = np.clip(sound, -32767, 32767).astype("<i2").tobytes()
    frame = rate // 50 * 2
    return "".join(key for start in range(0, len(data), frame) for key in ear.hear(data[start : start + frame]))


def dialled(ms: float, pause: float, *, detuned: float = 0.0, rate: int = 8000, seed: int = 1) -> Sound:
    dice = random.Random(seed)
    parts = [silence(dice.uniform(10, 60), rate)]
    for key in ALL:
        parts += [key_tone(key, ms, detuned=detuned, rate=rate, phase=dice.uniform(0, 6)), silence(pause, rate)]
    noise = np.random.default_rng(seed).normal(0, 30, sum(map(len, parts)) + rate // 10)
    return np.concatenate([*parts, silence(100, rate)]) + noise


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("ms", [50, 60, 80, 100, 250])
@pytest.mark.parametrize("detuned", [-0.015, 0.0, 0.015])
def test_every_key_is_heard_once(rate: int, ms: float, detuned: float) -> None:
    for seed in range(3):
        assert heard(dialled(ms, 45, detuned=detuned, rate=rate, seed=seed), rate) == ALL


@pytest.mark.parametrize("detuned", [-0.035, 0.035])
def test_tones_of_other_frequencies_are_no_keys(detuned: float) -> None:
    assert heard(dialled(80, 45, detuned=detuned)) == ""


def test_a_click_is_no_key() -> None:
    assert heard(dialled(20, 45)) == ""


@pytest.mark.parametrize("twist", [-8, -4, 4, 8])
def test_lines_that_favour_one_tone(twist: float) -> None:
    assert heard(np.concatenate([silence(13), key_tone("5", 60, twist=twist), silence(60)])) == "5"


@pytest.mark.parametrize("twist", [-12, 12])
def test_one_tone_alone_is_no_key(twist: float) -> None:
    assert heard(np.concatenate([silence(13), key_tone("5", 60, twist=twist), silence(60)])) == ""


def test_the_same_key_again_after_the_shortest_pause() -> None:
    sound = [part for _ in range(10) for part in (key_tone("5", 50), silence(45))]
    assert heard(np.concatenate([*sound, silence(60)])) == "5" * 10


def test_a_key_held_long_with_a_hole_of_20_ms_is_one() -> None:
    held = key_tone("9", 600)
    held[2400:2560] = 0
    assert heard(np.concatenate([held, silence(60)])) == "9"


@pytest.mark.parametrize("snr", [20, 12, 8])
def test_keys_through_noise(snr: float) -> None:
    sound = np.concatenate([part for key in ALL for part in (silence(60), key_tone(key, 80))] + [silence(60)])
    noise = np.random.default_rng(3).normal(0, 4000 * 10 ** (-snr / 20), len(sound))
    assert heard(sound + noise) == ALL


@pytest.mark.parametrize("loudness", [0.03, 0.3, 1.9])
def test_soft_and_loud_keys(loudness: float) -> None:
    sound = np.concatenate([part for key in ALL for part in (silence(60), key_tone(key, 80))] + [silence(60)])
    assert heard(sound * loudness) == ALL


def test_dial_and_ringing_tones_and_noise_are_no_keys() -> None:
    when = np.arange(8000 * 5) / 8000
    for hertz in (350, 425, 440, 480, 620, 697, 852, 941, 1209, 1477, 2100):
        assert heard(8000 * np.sin(2 * np.pi * hertz * when)) == "", hertz
    assert heard(np.random.default_rng(1).normal(0, 5000, 8000 * 20)) == ""


def test_frames_may_be_cut_anywhere() -> None:
    data = dialled(80, 45).astype("<i2").tobytes()
    dice = random.Random(2)
    ear, keys, at = KeyEar(8000), "", 0
    while at < len(data):
        step = dice.randrange(2, 900, 2)
        keys += "".join(ear.hear(data[at : at + step]))
        at += step
    assert keys == ALL


SENTENCES = {
    "en-us": "Please hold the line while we find somebody to answer. Peter Piper picked a peck of pickled peppers. Hello, "
    "I would like to order two pizzas, delivered to the main street, number twenty two, at seven in the evening.",
    "ru": "Здравствуйте, я хотел бы узнать, когда будет доставлен мой заказ. Шла Саша по шоссе и сосала сушку. "
    "Пожалуйста, подождите на линии, вам ответит первый освободившийся оператор.",
    "sq": "Përshëndetje, dua të di kur do të vijë porosia ime. Ju lutem prisni në linjë, operatori i parë i lirë do t'ju "
    "përgjigjet. Faleminderit dhe mirupafshim, kalofshi një ditë të mbarë.",
}


@pytest.mark.parametrize("language", sorted(SENTENCES))
@pytest.mark.parametrize("variant", ["", "+f3", "+m7"])
def test_nobody_presses_keys_by_talking(language: str, variant: str, tmp_path: Path) -> None:
    """The talk-off test: machine voices are hard on a detector, their vowels are purer than people's."""
    assert shutil.which("espeak-ng"), "espeak-ng is missing"
    file = tmp_path / "speech.wav"
    subprocess.run(["espeak-ng", "-v", language + variant, "-w", str(file), SENTENCES[language]], check=True)
    with wave.open(str(file)) as speech:
        rate = speech.getframerate()
        samples = np.frombuffer(speech.readframes(speech.getnframes()), "<i2").astype(float)
    for faster in (0.8, 1.0, 1.25):
        length = int(len(samples) * 8000 / rate / faster)
        spectrum = np.fft.rfft(samples)[: length // 2 + 1]
        assert heard(np.fft.irfft(spectrum, length) * length / len(samples)) == ""
