"""The sound side of the virtual modem: its own clock, its small buffers, and what the far end hears.

Pure: samples and time in, bytes out.
"""

from __future__ import annotations

import random
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from appliance.lines.virtual import sounds
from appliance.lines.virtual.manners import Manners

HISS = 3
"""Of 32767: the noise of a quiet line."""
KEPT_SECONDS = 120
"""Of what the far end heard."""


@dataclass(slots=True)
class Counters:
    """Frames of 20 ms since the call's sound began, and bytes."""

    sent: int = 0
    received: int = 0
    overruns: int = 0
    """From the box, thrown away because it came faster than the modem's clock takes it."""
    underruns: int = 0
    """The box was late: the far end heard a gap."""
    unread: int = 0
    """To the box, thrown away because nobody read the port in time."""
    bytes_in: int = 0
    bytes_out: int = 0


class _Queue:
    """Samples waiting to be sent."""

    def __init__(self) -> None:
        self._pieces: deque[array[int]] = deque()
        self._position = 0

    def __len__(self) -> int:
        return sum(map(len, self._pieces)) - self._position

    def put(self, samples: array[int]) -> None:
        if samples:
            self._pieces.append(samples)

    def take(self, wanted: int) -> array[int]:
        """As many as there are, `wanted` at most."""
        out = array("h")
        while self._pieces and len(out) < wanted:
            piece = self._pieces[0]
            part = piece[self._position : self._position + wanted - len(out)]
            out += part
            self._position += len(part)
            if self._position >= len(piece):
                self._pieces.popleft()
                self._position = 0
        return out

    def clear(self) -> None:
        self._pieces.clear()
        self._position = 0


class AirTime:
    """The PCM of one modem. While it is on, `tick` gives a burst for the box and takes one from it, by its own clock."""

    def __init__(self, manners: Manners, dice: random.Random) -> None:
        self.counters = Counters()
        self.on = False
        self.degraded = False
        self.muted = False
        """What the box says is lost on the way to the network, though the bytes flow."""
        self.dead = False
        """No bytes to the box at all."""
        self.blank = False
        """Nothing but zeros to the box: a quiet line hisses, a dead one does not."""
        self.rate = sounds.RATE
        self.tap: Callable[[array[int], array[int]], None] | None = None
        """Is given each frame the far end says, with the one it hears."""
        self._manners = manners
        self._dice = dice
        self._speech, self._keys = _Queue(), _Queue()
        self._hiss = array("h", (dice.randint(-HISS, HISS) for _ in range(sounds.RATE)))
        self._inbox = bytearray()
        self._heard = array("h")
        self._left_over: list[bytes] = []
        self._last: deque[bytes] = deque(maxlen=manners.stale)
        self._began = 0.0
        self._bursts = 0
        self._box_speaks = False

    @property
    def frame_bytes(self) -> int:
        return self.rate // 50 * 2

    def start(self, now: float, *, wide: bool = False, degraded: bool = False) -> None:
        """CPCMREG=1."""
        self.rate = 16000 if wide else sounds.RATE
        self.on, self.degraded = True, degraded
        self.counters = Counters()
        self._began, self._bursts = now, 0
        self._box_speaks = False
        self._heard = array("h")

    def stop(self) -> None:
        """CPCMREG=0, or the call's end. Its last sound stays in the buffers, and comes out with the next call's."""
        if self.on:
            self.on = False
            self._left_over = list(self._last)
            self._speech.clear()
            self._keys.clear()

    def say(self, samples: array[int]) -> float:
        """The far end speaks; the seconds it will take from now, with what it had not finished yet."""
        self._speech.put(sounds.resampled(samples, sounds.RATE, self.rate))
        return len(self._speech) / self.rate

    def press(self, key: str) -> None:
        """The tones of a key, before anything else the far end has to say."""
        self._keys.put(sounds.key_tone(key, self.rate))

    def hush(self) -> None:
        """The far end stops speaking."""
        self._speech.clear()

    def unread(self, frames: int) -> None:
        """The port was full: so much for the box was thrown away."""
        self.counters.unread += frames

    def heard(self, seconds: float) -> array[int]:
        """The last seconds of what the far end heard, gaps and all, at 8 kHz."""
        return sounds.resampled(self._heard[-round(seconds * self.rate) :], self.rate, sounds.RATE)

    def take(self, data: bytes) -> None:
        """Bytes from the box, however they were cut."""
        self._inbox += data
        self.counters.bytes_in += len(data)
        self._box_speaks = True
        room = self._manners.buffered * self.frame_bytes
        while len(self._inbox) > room:
            del self._inbox[: self.frame_bytes]
            self.counters.overruns += 1

    def next_deadline(self) -> float | None:
        """When the modem's own clock has the next burst."""
        if not self.on:
            return None
        fast = 1.0 + self._manners.ppm / 1e6
        return self._began + (self._bursts + 1) * 0.02 * self._manners.burst / fast

    def tick(self, now: float) -> bytes:
        """What is due for the box at `now`; empty when it is early."""
        out = b"".join(self._left_over)
        self._left_over = []
        while (at := self.next_deadline()) is not None and at <= now:
            self._bursts += 1
            out += b"".join(self._frame() for _ in range(self._manners.burst))
        if self.dead:
            return b""
        self.counters.bytes_out += len(out)
        return out

    def _frame(self) -> bytes:
        heard = self._listen()
        samples = self._next_speech()
        if self.tap is not None:
            self.tap(samples, heard)
        if self.degraded and self._dice.random() < 0.3:
            samples = sounds.silence(len(samples))
        self.counters.sent += 1
        data = sounds.to_bytes(samples)
        self._last.append(data)
        return data

    def _next_speech(self) -> array[int]:
        """Silence, not absence, when nobody speaks; and silence on the telephone hisses."""
        wanted = self.rate // 50
        samples = self._keys.take(wanted) or self._speech.take(wanted)
        start = self._dice.randrange(len(self._hiss) - wanted)
        samples += self._hiss[start : start + wanted - len(samples)]
        return sounds.silence(wanted) if self.blank else samples

    def _listen(self) -> array[int]:
        size = self.frame_bytes
        if len(self._inbox) >= size:
            samples = sounds.from_bytes(bytes(self._inbox[:size]))
            del self._inbox[:size]
            self.counters.received += 1
        else:
            samples = sounds.silence(size // 2)
            self.counters.underruns += self._box_speaks
        if self.muted or (self.degraded and self._dice.random() < 0.3):
            samples = sounds.silence(size // 2)
        self._heard += samples
        if len(self._heard) > KEPT_SECONDS * self.rate:
            del self._heard[: self.rate]
        return samples
