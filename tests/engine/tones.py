"""Tones to send, and which tone was heard: sound is judged by its spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 8000

Samples = NDArray[np.int16]


def tone(hertz: float, seconds: float, loudness: float = 8000, rate: int = RATE) -> Samples:
    when = np.arange(int(rate * seconds)) / rate
    return (loudness * np.sin(2 * np.pi * hertz * when)).astype(np.int16)


def strength(samples: Samples, hertz: float, rate: int = RATE) -> float:
    """The share of the sound's power that lies within 15 Hz of this tone."""
    if len(samples) < rate // 10:
        return 0.0
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / rate)
    total = float(power.sum())
    return float(power[np.abs(frequency - hertz) < 15].sum()) / total if total > 0 else 0.0


def loudness(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2))) if len(samples) else 0.0


def _ulaw_table() -> Samples:
    codes = ~np.arange(256, dtype=np.uint8)
    sign = np.where(codes & 0x80, -1, 1)
    exponent = (codes >> 4) & 7
    mantissa = codes & 15
    values: Samples = (sign * (((mantissa.astype(int) * 2 + 33) << exponent) - 33) * 4).astype(np.int16)
    return values


ULAW = _ulaw_table()
_ORDER = np.argsort(ULAW, kind="stable")


def to_ulaw(samples: Samples) -> bytes:
    at = np.searchsorted(ULAW[_ORDER], samples).clip(0, 255)
    return bytes(_ORDER[at].astype(np.uint8))


def from_ulaw(data: bytes) -> Samples:
    return ULAW[np.frombuffer(data, dtype=np.uint8)]
