"""Tones, and who hears them: sounds are judged by their spectrum, never by ear."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 8000
FRAME = 160
"""Samples in 20 ms."""
Samples = npt.NDArray[np.float64]
"""From -1 to 1."""

CLEAR = 0.8
"""The share of all power that a tone has when it is heard clearly: the rest is quantisation and the window."""
SILENT = 0.003
"""-50 dB: nobody hears that on a telephone."""


def tone(hz: float, seconds: float, level: float = 0.3) -> Samples:
    """A steady tone."""
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def write_wav(path: Path, samples: Samples) -> None:
    """One channel, 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def read_wav(path: Path) -> tuple[Samples, ...]:
    """Each channel, at its own rate which has to be ours."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2), file.getparams()
        channels = file.getnchannels()
        samples = from_bytes(file.readframes(file.getnframes()))
    return tuple(samples[channel::channels] for channel in range(channels))


def from_bytes(data: bytes) -> Samples:
    """Little-endian 16-bit samples; an odd last byte is left out."""
    return np.frombuffer(data[: len(data) & ~1], "<i2").astype(np.float64) / 32768


def loudness(samples: Samples) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def share(samples: Samples, hz: float, around: float = 15.0) -> float:
    """How much of all power lies within `around` of `hz`, from 0 to 1; 0 in silence."""
    if len(samples) < 2 * FRAME or loudness(samples) < SILENT:
        return 0.0
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    where = np.fft.rfftfreq(len(samples), 1 / RATE)
    around = max(around, 2.5 * RATE / len(samples))
    return float(power[np.abs(where - hz) <= around].sum() / power.sum())


def is_tone(samples: Samples, hz: float) -> bool:
    """Is this the tone, and hardly anything else?"""
    return share(samples, hz) >= CLEAR


def breaks(samples: Samples, hz: float) -> int:
    """How often a tone breaks off or jumps, looked at every 20 ms: what was lost, invented or left out shows.

    `hz` must not go a whole number of times into 20 ms, or a frame more or less would fit without a seam.
    """
    assert 0.1 < hz / 50 % 1 < 0.9, hz
    count = len(samples) // FRAME
    frames = samples[: count * FRAME].reshape(count, FRAME)
    turns = np.exp(-2j * np.pi * hz * np.arange(count * FRAME) / RATE).reshape(count, FRAME)
    found = (frames * turns).mean(axis=1)
    usual = float(np.median(np.abs(found)))
    there = np.abs(found) > usual / 2
    jumps = np.abs(np.angle(found[1:] * np.conj(found[:-1]))) > 0.4
    return int((jumps | (there[1:] != there[:-1])).sum()) if usual > SILENT else count


def longest_pause(samples: Samples, hz: float) -> float:
    """Seconds of the longest stretch without the tone."""
    longest = here = 0
    for there in _has_tone(samples, hz):
        here = 0 if there else here + 1
        longest = max(longest, here)
    return longest * FRAME / RATE


def from_first(samples: Samples, hz: float) -> Samples:
    """Without what was before the tone began."""
    first = next((number for number, there in enumerate(_has_tone(samples, hz)) if there), 0)
    return samples[first * FRAME :]


def _has_tone(samples: Samples, hz: float) -> list[bool]:
    """For each 20 ms, whether the tone is in it."""
    frames = (samples[start : start + FRAME] for start in range(0, len(samples) - FRAME + 1, FRAME))
    return [loudness(one) > SILENT and share(np.tile(one, 2), hz, around=150.0) > CLEAR / 2 for one in frames]


def is_silent(samples: Samples) -> bool:
    """Nothing to be heard but a click."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return int((np.abs(frames).max(axis=1, initial=0.0) > 3 * SILENT).sum()) < 5


def sounds_like_speech(samples: Samples) -> bool:
    """Loud and soft in turn, and of many frequencies at once: a voice (or music), no tone and no noise."""
    if len(samples) < RATE or loudness(samples) < 0.01:
        return False
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    levels = np.sqrt((frames**2).mean(axis=1))
    lively = float(levels.std() / levels.mean()) > 0.3
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    return lively and float(spectrum.max() / spectrum.sum()) < 0.3


def likeness(one: Samples, other: Samples) -> float:
    """How alike two sounds are, wherever in `one` the other begins: 1 for the same, near 0 for strangers."""
    if len(one) < len(other) or not loudness(other):
        return 0.0
    size = 1 << (len(one) + len(other)).bit_length()
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)[
        : len(one) - len(other) + 1
    ]
    energy = np.concatenate(([0.0], np.cumsum(one**2)))
    window = energy[len(other) :] - energy[: len(energy) - len(other)]
    scale = np.sqrt(np.maximum(window, 1e-9) * float(np.sum(other**2)))
    return float((product / scale).max())
