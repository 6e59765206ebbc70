"""Sound as arrays of 16-bit samples: tones, keys, WAV files, and how loud a frequency is."""

from __future__ import annotations

import math
import sys
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path

RATE = 8000
FRAME = 160
"""Samples in 20 ms."""
FULL_SCALE = 32767

_LOW, _HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_KEYPAD = ("123A", "456B", "789C", "*0#D")
KEY_TONES = {key: (_LOW[y], _HIGH[x]) for y, row in enumerate(_KEYPAD) for x, key in enumerate(row)}
"""Q.23."""

COUNTING_STEPS = 40


class NotSound(ValueError):
    """A file that cannot be heard; says why."""


def silence(samples: int) -> array[int]:
    """So many samples of nothing."""
    return array("h", bytes(2 * samples))


def tone(hz: Sequence[float], seconds: float, rate: int = RATE, level_db: float = -10.0) -> array[int]:
    """These frequencies together, each at `level_db` below full scale."""
    loud = FULL_SCALE * 10 ** (level_db / 20)
    turns = [2 * math.pi * one / rate for one in hz]
    return array("h", (_clip(loud * sum(math.sin(turn * n) for turn in turns)) for n in range(round(seconds * rate))))


def key_tone(key: str, rate: int = RATE) -> array[int]:
    """One pressed key: 100 ms of its two tones, 100 ms of nothing."""
    return tone(KEY_TONES[key], 0.1, rate, -12.0) + silence(rate // 10)


def counting(seconds: float, rate: int = RATE) -> array[int]:
    """A staircase of tones, each 20 ms its own step: who hears it can tell which frames came, in what order."""
    steps = array("h")
    for n in range(round(seconds * 50)):
        steps += tone([_step_hz(n)], 0.02, rate)
    return steps


def counted(samples: Sequence[int], rate: int = RATE) -> list[int]:
    """The steps heard, frame by frame from the first sample on; -1 where there was none."""
    size = rate // 50
    return [_step_in(samples[start : start + size], rate) for start in range(0, len(samples) - size + 1, size)]


def level_db(samples: Sequence[int], hz: float, rate: int = RATE) -> float:
    """How loud one frequency is (Goertzel), in dB below a full-scale tone; -120 at the least."""
    if not samples:
        return -120.0
    factor = 2 * math.cos(2 * math.pi * hz / rate)
    one = two = 0.0
    for sample in samples:
        one, two = sample + factor * one - two, one
    power = one * one + two * two - factor * one * two
    return _db(2 * math.sqrt(max(power, 0.0)) / len(samples))


def loudness_db(samples: Sequence[int]) -> float:
    """Of everything together (RMS), in dB below a full-scale tone; -120 at the least."""
    if not samples:
        return -120.0
    return _db(math.sqrt(2 * sum(sample * sample for sample in samples) / len(samples)))


def read_wav(path: Path, rate: int = RATE) -> array[int]:
    """A WAV file as 16-bit mono at `rate`.

    Raises:
        NotSound: the file is missing, is no WAV file, or has another sample size.
    """
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise NotSound(f"{path} has {8 * file.getsampwidth()}-bit samples; 16 are wanted")
            samples, channels, its_rate = (
                from_bytes(file.readframes(file.getnframes())),
                file.getnchannels(),
                file.getframerate(),
            )
    except (OSError, wave.Error, EOFError) as error:
        raise NotSound(f"{path} cannot be read as a WAV file: {error}") from error
    return resampled(samples[::channels], its_rate, rate)


def write_wav(path: Path, samples: array[int], rate: int = RATE) -> None:
    """Write 16-bit mono.

    Raises:
        OSError: the file cannot be written.
    """
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(to_bytes(samples))


def resampled(samples: array[int], rate: int, wanted: int) -> array[int]:
    """At another rate, by straight lines between samples: good enough for a voice on the telephone."""
    if rate == wanted or not samples:
        return samples
    last = len(samples) - 1
    out = array("h")
    for n in range(len(samples) * wanted // rate):
        whole, part = divmod(n * rate, wanted)
        left, right = samples[min(whole, last)], samples[min(whole + 1, last)]
        out.append(left + (right - left) * part // wanted)
    return out


def from_bytes(data: bytes) -> array[int]:
    """Little-endian samples; an odd last byte is left out."""
    samples = array("h", data[: len(data) & ~1])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def to_bytes(samples: array[int]) -> bytes:
    """Little-endian."""
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def _step_hz(n: int) -> float:
    return 300.0 + 50.0 * (n % COUNTING_STEPS)


def _step_in(frame: Sequence[int], rate: int) -> int:
    if loudness_db(frame) < -30:
        return -1
    return max(range(COUNTING_STEPS), key=lambda n: level_db(frame, _step_hz(n), rate))


def _clip(value: float) -> int:
    return max(-FULL_SCALE, min(FULL_SCALE, round(value)))


def _db(amplitude: float) -> float:
    return max(-120.0, 20 * math.log10(amplitude / FULL_SCALE)) if amplitude > 0 else -120.0
