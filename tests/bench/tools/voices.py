"""Sound for many telephones at once: each speaks a tone of its own, so that what it hears tells whose voice it is.

One task moves all packets, in four groups 5 ms apart, as unrelated telephones are; that costs a fraction of what a task
for each would.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import math
import socket
import struct
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from appliance.edge.virtual.sound import FRAME, linear, mulaw

RATE = 8000
GROUPS = 4
FRAME_SECONDS = FRAME / RATE
LOUDNESS = 8000
BLOCK = 4000
"""Samples, half a second, that are judged together; the spectrum's lines are 2 Hz apart then."""
NEAR = 10
"""Hz: a frame that is lost or repeated breaks the tone, which moves the peak of its half second a little."""

_TO_LINEAR = np.array(linear(bytes(range(256))), dtype=np.int16)

Samples = npt.NDArray[np.int16]


class Voice:
    """One telephone's sound."""

    def __init__(self, host: str, hertz: int) -> None:
        """It says a tone of so many `hertz`, well within the telephone's band."""
        self.hertz = hertz
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self.port = int(self._socket.getsockname()[1])
        tone = mulaw(
            array.array("h", (round(LOUDNESS * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(RATE)))
        )
        self._frames = [tone[start : start + FRAME] for start in range(0, RATE, FRAME)]
        self._number = 0
        self._heard: list[bytes] = []
        self.to: tuple[str, int] | None = None
        """Where it speaks to, while it does."""
        self.listens = False

    def move(self) -> None:
        """Say the next 20 ms, take what has come."""
        if self.to is not None:
            frame = self._frames[self._number % len(self._frames)]
            stamp = self._number * FRAME & 0xFFFFFFFF
            packet = struct.pack("!BBHII", 0x80, 0, self._number & 0xFFFF, stamp, self.hertz) + frame
            with contextlib.suppress(OSError):  # nobody listens there: what is heard will tell
                self._socket.sendto(packet, self.to)
            self._number += 1
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self._socket.recv(2048)
                if self.listens and len(data) == 12 + FRAME and data[1] & 0x7F == 0:
                    self._heard.append(data[12:])

    def heard(self) -> Samples:
        """All that came while it listened."""
        return _TO_LINEAR[np.frombuffer(b"".join(self._heard), dtype=np.uint8)]

    def forget(self) -> None:
        """Begin anew."""
        self._heard.clear()

    def close(self) -> None:
        """Fall silent for ever."""
        self._socket.close()


async def keep_talking(voices: list[Voice]) -> None:
    """Move the sound of all of them until cancelled. Absolute deadlines: a late packet makes no other late."""
    loop = asyncio.get_running_loop()
    at, group = loop.time(), 0
    while True:
        for voice in voices[group::GROUPS]:
            voice.move()
        group = (group + 1) % GROUPS
        at += FRAME_SECONDS / GROUPS
        await asyncio.sleep(max(0.0, at - loop.time()))


def is_voice_of(samples: Samples, hertz: int, least: float) -> bool:
    """Whether that tone above all is what was heard in every half second of at least `least` seconds."""
    blocks = [samples[start : start + BLOCK] for start in range(0, len(samples) - BLOCK + 1, BLOCK)]
    return (
        len(samples) >= least * RATE and bool(blocks) and all(abs(_loudest(block) - hertz) <= NEAR for block in blocks)
    )


def _loudest(block: Samples) -> int:
    """The frequency of the strongest tone; 0 for (nearly) nothing."""
    if np.abs(block).max() < LOUDNESS // 4:
        return 0
    spectrum = np.abs(np.fft.rfft(block * np.hanning(len(block))))
    return int(spectrum.argmax()) * RATE // BLOCK


def recorded(file: Path) -> tuple[Samples, Samples]:
    """Both sides of a recording."""
    with wave.open(str(file)) as sound:
        both = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").reshape(-1, sound.getnchannels())
    return both[:, 0], both[:, -1]
