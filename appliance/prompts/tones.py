"""The tones of a telephone network, as callers of a country are used to them.

Figures: ITU list of national tones (Albania), ETSI TR 101 041-2 (elsewhere in Europe), common practice in Russia.
"""

from __future__ import annotations

import array
import math
from dataclasses import dataclass

from appliance.prompts.sound import RATE, ratio, to_samples

VERSION = 1
"""Grows when the same cadence shall sound otherwise."""

LEVEL = ratio(-16.0)
"""Peak: 0 dBm0 is a sine 3 dB below full scale (G.711), so this is -13 dBm0; networks use -10 to -20."""

EDGE = 40
"""Samples over which a burst swells and fades (5 ms): switching hard would click."""


@dataclass(frozen=True, slots=True)
class Burst:
    """A sine of `hertz` for `seconds`; 0 Hz is silence."""

    hertz: int
    seconds: float


Cadence = tuple[Burst, ...]


def _on_off(on: float, off: float) -> Cadence:
    return (Burst(425, on), Burst(0, off))


EVERYWHERE: dict[str, Cadence] = {
    "beep": (Burst(1000, 0.3),),
    "silence": (Burst(0, 0.2),),
}

COUNTRIES: dict[str, dict[str, Cadence]] = {
    "EU": {
        "ringback": _on_off(1.0, 4.0),
        "busy": _on_off(0.5, 0.5),
        "congestion": _on_off(0.25, 0.25),
    },
    "AL": {
        "ringback": _on_off(1.2, 4.65),
        "busy": _on_off(0.5, 0.5),
        "congestion": _on_off(0.15, 0.15),
    },
    "RU": {
        "ringback": _on_off(1.0, 4.0),
        "busy": _on_off(0.35, 0.35),
        "congestion": _on_off(0.175, 0.175),
    },
}


def of(country: str) -> dict[str, Cadence]:
    """All tones by name as this country knows them; a country without a table has those of the rest of Europe."""
    return {**EVERYWHERE, **COUNTRIES.get(country, COUNTRIES["EU"])}


def render(tone: Cadence) -> array.array[int]:
    """One period of the tone at 8 kHz. It begins and ends with silence, so it may be repeated as it is."""
    samples = array.array("h")
    for burst in tone:
        samples.extend(_samples(burst))
    return samples


def _samples(burst: Burst) -> array.array[int]:
    count = round(burst.seconds * RATE)
    if burst.hertz == 0:
        return array.array("h", bytes(2 * count))
    step = 2 * math.pi * burst.hertz / RATE
    wave_form = [math.sin(step * n) for n in range(count)]
    for n in range(EDGE):
        swell = 0.5 - 0.5 * math.cos(math.pi * n / EDGE)
        wave_form[n] *= swell
        wave_form[count - 1 - n] *= swell
    return to_samples(wave_form, LEVEL)
