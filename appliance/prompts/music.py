"""The hold music `calm`: one minute, written and played by this file, so it is nobody's but ours.

Soft chords, a plucked figure over them and a sparse melody, in G major at 64 beats a minute. It is mixed on a ring: what
rings on beyond the last bar sounds under the first, so the minute repeats for ever without a seam. Always the same
samples; some seconds of work on a small board, which is why it is done once, by a process of its own:
`python -m appliance.prompts.music FILE`.
"""

from __future__ import annotations

import array
import math
import random
import sys
from dataclasses import dataclass
from functools import cache
from operator import add, mul
from pathlib import Path

from appliance.prompts.sound import RATE, ratio, rms, to_samples, write_wav

VERSION = 1
"""Grows with every change that can be heard: the file is made anew."""

LEVEL = ratio(-24.0)
"""Root mean square over the minute: well below a voice, so that an announcement stands out."""

BEAT = 60 * RATE // 64
"""Samples."""

BEATS = 64
LENGTH = BEAT * BEATS

CHORDS = (
    # One a bar: bass and the four tones above it, the lowest first.
    "G2 G3 B3 D4 F#4",
    "E2 G3 B3 D4 E4",
    "C3 G3 B3 C4 E4",
    "D3 F#3 A3 D4 E4",
    "G2 G3 B3 D4 F#4",
    "B2 F#3 A3 B3 D4",
    "C3 G3 B3 C4 E4",
    "D3 G3 A3 D4 F#4",
    "E2 G3 B3 D4 E4",
    "C3 G3 B3 C4 E4",
    "B2 G3 B3 D4 G4",
    "A2 G3 A3 C4 E4",
    "C3 G3 B3 C4 E4",
    "D3 F#3 A3 D4 E4",
    "E2 G3 B3 D4 F#4",
    "D3 G3 A3 C4 D4",
)

FIGURES = (
    # Which tone of the chord is plucked on each half beat, an octave higher; -1 rests.
    (0, 1, 2, 3, 2, 1, 2, -1),
    (0, 2, 1, 3, 2, 3, 1, -1),
)

MELODY = (
    # Bar, beat in the bar, tone.
    (0, 2.0, "D5"),
    (1, 1.0, "B4"),
    (1, 3.0, "D5"),
    (2, 1.0, "E5"),
    (3, 0.0, "D5"),
    (3, 2.5, "A4"),
    (4, 2.0, "B4"),
    (5, 1.0, "D5"),
    (5, 3.0, "F#5"),
    (6, 1.0, "E5"),
    (6, 3.0, "G5"),
    (7, 1.0, "D5"),
    (8, 2.0, "G5"),
    (9, 0.5, "E5"),
    (9, 2.5, "C5"),
    (10, 1.0, "D5"),
    (10, 3.0, "B4"),
    (11, 1.0, "C5"),
    (12, 1.0, "E5"),
    (12, 3.0, "G5"),
    (13, 1.0, "F#5"),
    (13, 2.5, "D5"),
    (14, 1.0, "B4"),
    (15, 1.0, "A4"),
)


@dataclass(frozen=True, slots=True)
class Instrument:
    """A sum of sines: strength of each partial, and how they swell and die away (seconds)."""

    partials: tuple[float, ...]
    seconds: float
    swell: float
    fade: float
    """After this time a partial has fallen to 1/e; the higher ones fall faster."""
    strength: float


CHORD = Instrument((0.8, 0.6, 0.25, 0.1), seconds=5.0, swell=0.9, fade=2.6, strength=0.13)
BASS = Instrument((0.4, 1.0, 0.6, 0.3), seconds=4.0, swell=0.03, fade=1.4, strength=0.12)
PLUCK = Instrument((1.0, 0.45, 0.25, 0.12, 0.06), seconds=2.0, swell=0.006, fade=0.5, strength=0.20)
BELL = Instrument((1.0, 0.12, 0.18, 0.05), seconds=3.0, swell=0.012, fade=0.9, strength=0.30)

HIGHEST = 3200
"""Hertz: the telephone carries no more, and near half of our 8 kHz nothing should be."""

Ring = list[float]


def hertz(tone: str) -> float:
    """Of a tone such as `F#4`, in equal temperament with A4 at 440."""
    semitones = {"C": -9, "D": -7, "E": -5, "F": -4, "G": -2, "A": 0, "B": 2}[tone[0]]
    return 440.0 * math.pow(2.0, (semitones + tone.count("#") + 12 * (int(tone[-1]) - 4)) / 12.0)


@cache
def _note(tone: str, instrument: Instrument) -> tuple[float, ...]:
    """One note of full strength, from silence to silence."""
    count = round(instrument.seconds * RATE)
    total = [0.0] * count
    for number, share in enumerate(instrument.partials, start=1):
        frequency = hertz(tone) * number
        if frequency <= HIGHEST:
            total = list(map(add, total, _partial(frequency, share, instrument.fade / math.sqrt(number), count)))
    return tuple(map(mul, total, _envelope(count, round(instrument.swell * RATE))))


def _partial(frequency: float, share: float, fade: float, count: int) -> list[float]:
    """A dying sine, each sample from the two before it: a rotation that shrinks."""
    turn = 2 * math.pi * frequency / RATE
    shrink = math.exp(-1.0 / (fade * RATE))
    twice, back = 2 * shrink * math.cos(turn), shrink * shrink
    before, now = 0.0, share * math.sin(turn)
    samples = []
    for _ in range(count):
        samples.append(before)
        before, now = now, twice * now - back * before
    return samples


@cache
def _envelope(count: int, swell: int) -> tuple[float, ...]:
    """Rises in a half cosine, stands, and closes to nothing over the last quarter of a second."""
    close = RATE // 4
    rising = [0.5 - 0.5 * math.cos(math.pi * n / swell) for n in range(swell)]
    closing = [0.5 + 0.5 * math.cos(math.pi * n / close) for n in range(close)]
    return (*rising, *[1.0] * (count - swell - close), *closing)


def _mix(ring: Ring, start: int, sound: tuple[float, ...], strength: float) -> None:
    """Add a sound from `start` on; what goes beyond the end goes on at the beginning."""
    start %= LENGTH
    louder = [strength * sample for sample in sound]
    first = min(len(louder), LENGTH - start)
    ring[start : start + first] = map(add, ring[start : start + first], louder[:first])
    if rest := louder[first:]:
        ring[: len(rest)] = map(add, ring[: len(rest)], rest)


def _echo(ring: Ring) -> Ring:
    """A little room: the ring heard again, softer, three quarters of a beat and two beats later."""
    total = ring
    for delay, strength in ((3 * BEAT // 4, 0.22), (2 * BEAT, 0.10)):
        total = list(map(add, total, (strength * sample for sample in ring[-delay:] + ring[:-delay])))
    return total


def compose() -> array.array[int]:
    """The minute at 8 kHz."""
    hand = random.Random(64)  # no player strikes two notes alike
    ring: Ring = [0.0] * LENGTH
    for bar, chord in enumerate(CHORDS):
        bass, *tones = chord.split()
        start = 4 * bar * BEAT
        _mix(ring, start, _note(bass, BASS), BASS.strength)
        for tone in tones:
            _mix(ring, start, _note(tone, CHORD), CHORD.strength)
        for half, which in enumerate(FIGURES[bar % 2]):
            if which >= 0:
                touch = PLUCK.strength * hand.uniform(0.7, 1.0)
                _mix(
                    ring, start + half * BEAT // 2 + hand.randrange(120), _note(_octave_up(tones[which]), PLUCK), touch
                )
    for bar, beat, tone in MELODY:
        touch = BELL.strength * hand.uniform(0.8, 1.0)
        _mix(ring, round((4 * bar + beat) * BEAT) + hand.randrange(160), _note(tone, BELL), touch)
    ring = _echo(ring)
    return to_samples(ring, LEVEL / rms(ring))


def _octave_up(tone: str) -> str:
    return tone[:-1] + str(int(tone[-1]) + 1)


if __name__ == "__main__":
    write_wav(Path(sys.argv[1]), compose())
