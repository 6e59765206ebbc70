"""Sound we make ourselves, as the engine wants it: 8 kHz, mono, 16 bits."""

from __future__ import annotations

import array
import math
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

RATE = 8000
"""Samples per second."""

FULL = 32767
"""The loudest sample; levels below are relative to it (dBFS), a sine at full scale having -3 dBFS."""


def ratio(decibels: float) -> float:
    """The factor on the amplitude."""
    return math.pow(10.0, decibels / 20.0)


def rms(samples: Sequence[float]) -> float:
    """Root of the mean square; 0 for no samples."""
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) if samples else 0.0


def to_samples(wave_form: Sequence[float], gain: float = 1.0) -> array.array[int]:
    """From -1.0 … 1.0 to 16 bits; what is louder is clipped."""
    scale = gain * FULL
    return array.array("h", [max(-FULL, min(FULL, round(value * scale))) for value in wave_form])


def write_wav(path: Path, samples: array.array[int]) -> None:
    """Raises OSError when it cannot be written."""
    if sys.byteorder == "big":
        samples = array.array("h", samples)
        samples.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def is_whole(path: Path, rate: int | None = RATE) -> bool:
    """Whether this is a mono 16-bit WAV file as long as its head says: one cut short (power, full disk) is not."""
    try:
        with wave.open(str(path), "rb") as file:
            fits = (file.getnchannels(), file.getsampwidth()) == (1, 2) and file.getframerate() == (
                rate or file.getframerate()
            )
            frames = file.getnframes()
        return fits and frames > 0 and path.stat().st_size >= 44 + 2 * frames
    except (OSError, EOFError, wave.Error):
        return False
