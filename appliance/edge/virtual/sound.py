"""What a telephone in software says and hears: G.711 µ-law in RTP, 20 ms a packet (RFC 3550, RFC 3551, RFC 4733)."""

from __future__ import annotations

import array
import struct
import sys

FRAME = 160
"""Samples in 20 ms."""
SILENCE = b"\xff"
"""µ-law zero."""
EVENTS = "0123456789*#ABCD"
EVENT_TYPE = 101


def _expand(code: int) -> int:
    """One µ-law code as a 16-bit sample (ITU-T G.711)."""
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 0x07)) - 0x84
    return -magnitude if code & 0x80 else magnitude


_TO_LINEAR = array.array("h", (_expand(code) for code in range(256)))


def _compress(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 0x84
    exponent = max(0, magnitude.bit_length() - 8)
    return ~(sign | exponent << 4 | (magnitude >> (exponent + 3)) & 0x0F) & 0xFF


_TO_MULAW = bytes(_compress((index << 2) - 32768) for index in range(16384))


def mulaw(samples: array.array[int]) -> bytes:
    """16-bit samples as µ-law."""
    return bytes(_TO_MULAW[(sample + 32768) >> 2] for sample in samples)


def linear(codes: bytes) -> array.array[int]:
    """µ-law as 16-bit samples."""
    return array.array("h", (_TO_LINEAR[code] for code in codes))


def little_endian(samples: array.array[int]) -> bytes:
    """Samples as WAV files have them."""
    if sys.byteorder == "big":
        samples = array.array("h", samples)
        samples.byteswap()
    return samples.tobytes()


class Mouth:
    """Makes one RTP packet each 20 ms: what there is to say, then silence; a key goes first."""

    def __init__(self, source: int) -> None:
        self._source = source
        self._sequence = 0
        self._time = 0
        self._words = b""
        self._said = 0
        self._loop = False
        self._keys: list[str] = []
        self._key_left = 0
        self._key_began = 0

    def say(self, samples: array.array[int], *, loop: bool = False) -> None:
        """Say this from now on, once or over and over, instead of what was being said."""
        self._words, self._said, self._loop = mulaw(samples), 0, loop

    def press(self, keys: str) -> None:
        """Press these keys, one after the other, 100 ms each with 60 ms between."""
        self._keys += [key for key in keys if key in EVENTS]

    def packet(self) -> bytes:
        """The next 20 ms."""
        self._sequence = self._sequence + 1 & 0xFFFF
        kind, payload, stamp = self._next()
        self._time = self._time + FRAME & 0xFFFFFFFF
        return struct.pack("!BBHII", 0x80, kind, self._sequence, stamp, self._source) + payload

    def _next(self) -> tuple[int, bytes, int]:
        if self._keys:
            if self._key_left == 0:
                self._key_left, self._key_began = 11, self._time
            self._key_left -= 1
            if self._key_left >= 3:
                return self._event(ended=self._key_left < 6)
            if self._key_left == 0:
                self._keys.pop(0)
        return 0, self._speech(), self._time

    def _event(self, *, ended: bool) -> tuple[int, bytes, int]:
        lasted = min(self._time - self._key_began + FRAME & 0xFFFFFFFF, 5 * FRAME)
        marked = (0x80 if ended else 0) | 10
        payload = struct.pack("!BBH", EVENTS.index(self._keys[0]), marked, lasted)
        return EVENT_TYPE, payload, self._key_began

    def _speech(self) -> bytes:
        piece = self._words[self._said : self._said + FRAME]
        self._said += FRAME
        if self._said >= len(self._words) and self._loop:
            self._said = 0
        return piece.ljust(FRAME, SILENCE)


class Ear:
    """Keeps the last seconds of what arrives, gaps filled with silence."""

    def __init__(self, seconds: float = 30.0) -> None:
        self._limit = int(seconds * 8000)
        self._heard = bytearray()
        self._next: int | None = None
        self.packets = 0
        self.keys = ""
        """Keys the far side pressed (RFC 4733)."""
        self._key_at = -1

    def packet(self, data: bytes) -> None:
        """Take one datagram; what is no RTP is dropped."""
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        kind = data[1] & 0x7F
        sequence, stamp = struct.unpack_from("!HI", data, 2)
        payload = data[12 + 4 * (data[0] & 0x0F) :]
        if kind == EVENT_TYPE and len(payload) >= 4:
            if stamp != self._key_at and payload[0] < len(EVENTS):
                self._key_at = stamp
                self.keys += EVENTS[payload[0]]
            return
        if kind != 0:
            return
        self.packets += 1
        if self._next is not None and 0 < (lost := sequence - self._next & 0xFFFF) < 50:
            self._heard += SILENCE * FRAME * lost
        self._next = sequence + 1 & 0xFFFF
        self._heard += payload
        if len(self._heard) > 2 * self._limit:
            del self._heard[: -self._limit]

    def heard(self, seconds: float) -> array.array[int]:
        """The latest samples."""
        return linear(bytes(self._heard[-int(seconds * 8000) :]))

    def forget(self) -> None:
        """Begin anew."""
        self._heard.clear()
        self.keys = ""
