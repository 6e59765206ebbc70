"""What a sound file holds, measured: for the tests of whatever makes sound."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np

Samples = np.ndarray[Any, np.dtype[np.float64]]

RATE = 8000


def heard(path: str | Path) -> Samples:
    """The samples, -1.0 to 1.0. Fails unless this is the one format the engine plays."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        data = file.readframes(file.getnframes())
        assert len(data) == 2 * file.getnframes()
    return np.frombuffer(data, "<i2").astype(np.float64) / 32768


def seconds(path: str | Path) -> float:
    return len(heard(path)) / RATE


def decibels(value: float) -> float:
    return float(20 * np.log10(max(value, 1e-9)))


def level(samples: Samples) -> float:
    """Root mean square in dBFS."""
    return decibels(float(np.sqrt(np.mean(samples**2))))


def peak(samples: Samples) -> float:
    return decibels(float(np.max(np.abs(samples))))


def share(samples: Samples, low: float, high: float) -> float:
    """How much of the energy lies between two frequencies."""
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(spectrum[(hertz >= low) & (hertz <= high)].sum() / spectrum.sum())


def loudest(samples: Samples) -> float:
    """Hertz of the strongest frequency."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE / len(samples))
