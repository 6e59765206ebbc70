"""Keys heard in the sound of a line (ITU-T Q.23, Q.24), for modems that do not report them.

Two sines must stand out of everything else, be about equally loud, have no overtones (a voice has them) and last. The
windows of 20 ms overlap by half, so a key of 50 ms is found and a pause of 45 ms parts two equal ones.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from operator import mul

ROWS = (697, 770, 852, 941)
COLUMNS = (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")

_Waves = tuple[Sequence[float], Sequence[float]]
"""Cosine and sine of one frequency over a window."""


class KeyEar:
    """Hears keys in one line's sound, frame by frame."""

    LOUDEST_APART = 10 ** (9 / 10)
    """The column (high) tone may be this much softer or louder in power than the row's: 9 dB, Q.24 asks for 4 to 8."""
    STANDS_OUT = 10 ** (6 / 10)
    """A tone's power over that of any other of its group."""
    SHARE = 0.70
    """Of the window's power that the two tones must hold. Speech seldom gives more than half."""
    LIKELY = 0.40
    """The same at the nominal frequencies, before it is worth looking beside them."""
    DETUNED = (0.985, 1.0, 1.015)
    """Where a telephone's tone may lie around its nominal frequency (Q.24 accepts 1.5 %, refuses 3.5 %)."""
    OVERTONE = 0.10
    """Of a tone's power that its octave may have."""
    SOFTEST = 60.0
    """Root mean square below which nobody pressed a key (-55 dB)."""
    SURE = 3
    """Windows in a row that must agree before a key counts."""
    GONE = 4
    """Windows in a row without it after which the key is let go."""

    def __init__(self, rate: int) -> None:
        """`rate`: samples a second, 8000 or 16000."""
        self._window = rate // 50
        self._hop = rate // 100
        self._tones = {hertz: _waves(hertz, rate, self._window) for hertz in (*ROWS, *COLUMNS)}
        self._near = {
            hertz: [_waves(hertz * factor, rate, self._window) for factor in self.DETUNED] for hertz in self._tones
        }
        self._octaves = {hertz: _waves(2 * hertz, rate, self._window) for hertz in self._tones}
        self._rest: array[int] = array("h")
        self._candidate = ""
        self._agreed = 0
        self._held = ""

    def hear(self, frame: bytes) -> list[str]:
        """The keys that became certain with these 16-bit samples, each once."""
        self._rest.frombytes(frame)
        keys = []
        while len(self._rest) >= self._window:
            if key := self._counted(self._key_in(self._rest[: self._window])):
                keys.append(key)
            del self._rest[: self._hop]
        return keys

    def _counted(self, key: str) -> str:
        """`key` if this window makes it certain, else nothing."""
        if key != self._candidate:
            self._candidate, self._agreed = key, 0
        self._agreed += 1
        if key == self._held or self._agreed < (self.SURE if key else self.GONE):
            return ""
        self._held = key
        return key

    def _key_in(self, samples: Sequence[int]) -> str:
        energy = float(sum(map(mul, samples, samples)))
        if energy < self.SOFTEST**2 * len(samples):
            return ""
        # A sine of amplitude a has energy a²n/2 and meets its own waves with (an/2)²: hence the 2/n.
        unit = energy * len(samples) / 2
        row, low = self._loudest(samples, ROWS)
        if low < 0.1 * unit:
            return ""
        column, high = self._loudest(samples, COLUMNS)
        if low + high < self.LIKELY * unit:
            return ""
        low, high = (max(_power(samples, waves) for waves in self._near[hertz]) for hertz in (row, column))
        if low + high < self.SHARE * unit or not 1 / self.LOUDEST_APART < high / low < self.LOUDEST_APART:
            return ""
        if _power(samples, self._octaves[row]) > self.OVERTONE * low:
            return ""
        if _power(samples, self._octaves[column]) > self.OVERTONE * high:
            return ""
        return KEYS[ROWS.index(row)][COLUMNS.index(column)]

    def _loudest(self, samples: Sequence[int], group: tuple[int, ...]) -> tuple[int, float]:
        """The loudest tone of a group and its power; power 0 if it does not stand out."""
        powers = sorted(((_power(samples, self._tones[hertz]), hertz) for hertz in group), reverse=True)
        (power, hertz), (next_power, _) = powers[:2]
        return hertz, power if power > self.STANDS_OUT * next_power else 0.0


def _waves(hertz: float, rate: int, length: int) -> _Waves:
    steps = [2 * math.pi * hertz * n / rate for n in range(length)]
    return tuple(map(math.cos, steps)), tuple(map(math.sin, steps))


def _power(samples: Sequence[int], waves: _Waves) -> float:
    cosine, sine = waves
    along, across = sum(map(mul, samples, cosine)), sum(map(mul, samples, sine))
    return float(along * along + across * across)
