"""A buffer between two clocks: the modem's and the sound bridge's differ by some parts in a million, and one must give.

Frames wait here for one or two frame times. When the clocks have drifted apart by a frame, one is left out or said
twice, in a quiet moment if one comes; a modem that sends in bursts gets as much room as its bursts need, no more.
"""

from __future__ import annotations

from array import array
from collections import deque

QUIET = 200
"""Mean absolute sample below which a frame may be dropped or repeated without anybody hearing it (-44 dB)."""


class Elastic:
    """Frames in at one clock's pace, out at another's. All frames are of one size; nothing here looks at the time."""

    ENOUGH = 2
    """Frames collected before the first is given out."""
    SPARE = 1
    """Frames that should be left after the worst moment of a window: fewer risk a gap, more are only delay."""
    WINDOW = 50
    """Frames taken between two looks at how full the buffer was at its emptiest (1 s)."""
    PATIENCE = 3
    """Windows to wait for a quiet frame before one is dropped in mid-word."""
    MOST = 12
    """Frames held at the very most (240 ms); the oldest fall out."""
    STALLED = 5
    """Frames missing in a row after which the other side has stopped rather than slipped."""

    def __init__(self, frame_bytes: int) -> None:
        self._silence = bytes(frame_bytes)
        self._frames: deque[bytes] = deque()
        self._flowing = False
        self._last = self._silence
        self._missing = 0
        self._untaken = 0
        self._taken = 0
        self._emptiest = self.MOST
        self._surplus = 0
        self._patience = self.PATIENCE
        self.slips = 0
        """Frames left out or put in so far because the two sides were not in step."""

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, frame: bytes) -> None:
        """Add the newest frame. While nobody takes, only the freshest are kept: the rest would be delay to whoever
        begins to, and their loss in mid-word later.
        """
        self._frames.append(frame)
        self._untaken += 1
        if self._untaken > self.MOST:
            self._flowing = False
            while len(self._frames) > self.ENOUGH:
                self._frames.popleft()
        elif len(self._frames) > self.MOST:
            self._frames.popleft()
            self.slips += 1

    def take(self) -> bytes:
        """The next frame: always one, if need be an invented one."""
        self._untaken = 0
        if not self._flowing:
            if len(self._frames) < self.ENOUGH:
                return self._silence
            self._start()
        if not self._frames:
            return self._invented()
        self._missing = 0
        frame = self._frames.popleft()
        if self._surplus > 0 and self._frames and self._may_leave_out(frame):
            frame = self._frames.popleft()
            self._slipped(-1)
        elif self._surplus < 0 and quiet(frame):
            self._frames.appendleft(frame)
            self._slipped(+1)
        self._look()
        self._last = frame
        return frame

    def _start(self) -> None:
        self._flowing = True
        self._missing = 0
        self._taken = 0
        self._emptiest = self.MOST
        self._surplus = 0

    def _invented(self) -> bytes:
        """What to say when the next frame is late: the last one again, softer; after that, silence."""
        self._missing += 1
        if self._missing > self.STALLED:
            self._flowing = False
            self.slips -= self.STALLED  # it had stopped: those were no slips
            return self._silence
        self.slips += 1
        self._emptiest = 0
        return softer(self._last) if self._missing == 1 else self._silence

    def _may_leave_out(self, frame: bytes) -> bool:
        return self._patience <= 0 or quiet(frame)

    def _slipped(self, frames: int) -> None:
        self.slips += 1
        self._surplus += frames
        self._emptiest = max(0, self._emptiest + frames)

    def _look(self) -> None:
        """Once a window: how many frames were never needed?"""
        self._emptiest = min(self._emptiest, len(self._frames))
        self._taken += 1
        if self._taken < self.WINDOW:
            return
        self._surplus = self._emptiest - self.SPARE
        self._patience = self._patience - 1 if self._surplus > 0 else self.PATIENCE
        self._taken = 0
        self._emptiest = self.MOST


def quiet(frame: bytes) -> bool:
    """Whether nobody would miss this frame of 16-bit samples."""
    samples = array("h", frame)
    return sum(map(abs, samples)) < QUIET * len(samples)


def softer(frame: bytes) -> bytes:
    """The frame at half its loudness."""
    return array("h", [sample >> 1 for sample in array("h", frame)]).tobytes()
