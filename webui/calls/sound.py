"""Recordings: where they are, and a picture of their sound."""

from __future__ import annotations

import wave
from array import array
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

COLUMNS = 240
LOOKS = 6
"""Places looked at in each column: a picture of an hour of talk costs as much as one of a minute."""
GLANCE = 160
"""Frames at each place: 20 ms of telephone sound."""


def recording_path(folder: Path, name: str) -> Path | None:
    """The file of the recording called `name` under `folder`, if there is one. Names cannot lead out of the folder."""
    parts = PurePosixPath(name).parts
    if not name or name.startswith("/") or "\\" in name or "\0" in name or ".." in parts:
        return None
    root = folder.resolve()
    path = (root / f"{name}.wav").resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


@dataclass(frozen=True, slots=True)
class Picture:
    """How loud each side is over time: columns from 0 (silence) to 1."""

    seconds: float
    caller: tuple[float, ...]
    operator: tuple[float, ...]


def picture(path: Path) -> Picture | None:
    """The sound of a 16-bit recording; a single channel is shown for both sides. None when it cannot be read."""
    try:
        with wave.open(str(path), "rb") as sound:
            if sound.getsampwidth() != 2 or not sound.getnframes():
                return None
            frames = sound.getnframes()
            columns = [_loudest(sound, column * frames // COLUMNS, frames // COLUMNS) for column in range(COLUMNS)]
            seconds = frames / sound.getframerate()
    except (OSError, EOFError, wave.Error):
        return None
    return Picture(seconds, tuple(left for left, _ in columns), tuple(right for _, right in columns))


def _loudest(sound: wave.Wave_read, first: int, width: int) -> tuple[float, float]:
    """The greatest swing on each side in the column that begins at frame `first`."""
    channels = sound.getnchannels()
    looks = max(1, min(LOOKS, width // GLANCE))
    left = right = 0
    for look in range(looks):
        sound.setpos(min(first + look * width // looks, sound.getnframes()))
        samples = array("h", sound.readframes(min(GLANCE, max(1, width))))
        left = max(left, _swing(samples[0::channels]))
        right = max(right, _swing(samples[channels - 1 :: channels]))
    return left / 32768, right / 32768


def _swing(samples: array[int]) -> int:
    return max(map(abs, samples), default=0)


def outline(columns: tuple[float, ...], height: float, *, up: bool) -> str:
    """An SVG path of bars that stand on (or hang from) a line at 0; quiet speech is lifted so that it can be seen."""
    sign = -1 if up else 1
    return "".join(
        f"M{index + 0.5:g} {sign * 0.5:g}V{sign * (0.5 + (height - 0.5) * level**0.5):.1f}"
        for index, level in enumerate(columns)
        if level > 0.004
    )
