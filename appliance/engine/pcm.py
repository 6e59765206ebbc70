"""A modem's sound port in use: a thread that reads and writes it at the modem's pace, and two elastic buffers.

The modem's clock paces the port: for each 20 ms read, 20 ms are written. The bridge takes and gives at its own pace on
the other side of the buffers, and neither ever waits for the other.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass

from appliance.engine.dtmf import KeyEar
from appliance.engine.elastic import Elastic
from appliance.engine.sound_tty import PortGone, SoundTty
from appliance.engine.sound_watch import SoundWatch


@dataclass(frozen=True, slots=True, eq=False)
class SoundFlows:
    """The first sample has come."""

    sound: ModemSound


@dataclass(frozen=True, slots=True, eq=False)
class SoundTrouble:
    """Something is wrong, but the port is still there."""

    sound: ModemSound
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class SoundGone:
    """The port cannot be used (any more); the thread has ended."""

    sound: ModemSound
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class KeyHeard:
    """A key was heard in the sound."""

    sound: ModemSound
    key: str


SoundNews = SoundFlows | SoundTrouble | SoundGone | KeyHeard

Clock = Callable[[], float]


class ModemSound:
    """One open sound port. `give` and `take` are for the bridge's thread, the rest for the engine's."""

    BEHIND = 8
    """Frames the driver may hold unsent before we leave one out: what it holds is delay."""
    TICK_MS = 100

    def __init__(
        self, device: str, rate: int, clock: Clock, news: Callable[[SoundNews], None], *, listen_for_keys: bool
    ) -> None:
        """`news` is called on this port's own thread."""
        self._device = device
        self._clock = clock
        self._news = news
        self._frame = rate // 50 * 2
        self._from_modem = _Shared(self._frame)
        self._to_modem = _Shared(self._frame)
        self._cutter = FrameCutter(self._frame)
        self._writer: FrameWriter | None = None
        self._ear = KeyEar(rate) if listen_for_keys else None
        self._ear_open_at = 0.0
        self._watch = SoundWatch(rate, clock())
        self._silence = bytes(self._frame)
        self._flows = False
        self._stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.received = 0
        """Bytes from the modem so far."""
        self.spoken_at = clock()
        """When we last sent the modem anything but silence."""
        self._thread = threading.Thread(target=self._run, name=f"sound {device}", daemon=True)
        self._thread.start()

    @property
    def sent(self) -> int:
        """Bytes the modem has taken so far."""
        return self._writer.sent if self._writer is not None else 0

    @property
    def lost(self) -> int:
        """Frames it did not take in time."""
        return self._writer.lost if self._writer is not None else 0

    @property
    def slips(self) -> int:
        """Frames left out or put in, both ways, because the clocks differ."""
        return self._from_modem.slips + self._to_modem.slips

    def take(self) -> bytes:
        """The next frame from the modem, for the bridge."""
        return self._from_modem.take()

    def give(self, frame: bytes) -> None:
        """A frame of the bridge, for the modem."""
        self._to_modem.put(frame)

    def close_ear(self, until: float) -> None:
        """Do not listen for keys for a while: we are pressing some ourselves, and lines echo."""
        self._ear_open_at = until

    def close(self) -> None:
        """End it; the port is free when this returns."""
        os.eventfd_write(self._stop, 1)
        self._thread.join()
        os.close(self._stop)

    def _run(self) -> None:
        try:
            port = SoundTty(self._device)
        except PortGone as gone:
            self._news(SoundGone(self, str(gone)))
            return
        self._writer = FrameWriter(port, self.BEHIND * self._frame)
        try:
            self._pump(port, self._writer)
        except PortGone as gone:
            self._news(SoundGone(self, str(gone)))
        finally:
            port.close()

    def _pump(self, port: SoundTty, writer: FrameWriter) -> None:
        poll = select.poll()
        poll.register(port, select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        while True:
            ready = dict(poll.poll(self.TICK_MS))
            if self._stop in ready:
                return
            now = self._clock()
            data = port.read() if ready else b""
            if not data:
                if any(state & ~select.POLLIN for state in ready.values()):
                    raise PortGone("modem's sound port is gone")
                self._complain(self._watch.tick(now))
                continue
            self._note(data, now)
            for frame in self._cutter.cut(data):
                self._from_modem.put(frame)
                self._listen(frame, now)
                self._write(writer, now)

    def _note(self, data: bytes, now: float) -> None:
        self.received += len(data)
        if not self._flows:
            self._flows = True
            self._news(SoundFlows(self))
        blank = data.count(0) == len(data)
        self._complain(self._watch.received(len(data), now, blank=blank))

    def _write(self, writer: FrameWriter, now: float) -> None:
        frame = self._to_modem.take()
        if frame != self._silence:
            self.spoken_at = now
        writer.write(frame)

    def _listen(self, frame: bytes, now: float) -> None:
        if self._ear is not None and now >= self._ear_open_at:
            for key in self._ear.hear(frame):
                self._news(KeyHeard(self, key))

    def _complain(self, troubles: list[str]) -> None:
        for words in troubles:
            self._news(SoundTrouble(self, words))


class FrameCutter:
    """Cuts what was read, in whatever sizes, into frames; a sample torn between two reads is whole again."""

    def __init__(self, frame_bytes: int) -> None:
        self._frame = frame_bytes
        self._rest = b""

    def cut(self, data: bytes) -> list[bytes]:
        """The frames that are complete now."""
        data = self._rest + data
        whole = len(data) - len(data) % self._frame
        self._rest = data[whole:]
        return [data[start : start + self._frame] for start in range(0, whole, self._frame)]


class FrameWriter:
    """Writes frames without ever waiting. A frame that finds no room is lost; a torn one is finished first."""

    def __init__(self, port: SoundTty, most_queued: int) -> None:
        self._port = port
        self._most_queued = most_queued
        self._torn = b""
        self.sent = 0
        self.lost = 0

    def write(self, frame: bytes) -> None:
        """Send `frame` now or never."""
        if self._port.queued() > self._most_queued:
            self.lost += 1
            return
        if self._torn:
            self._torn = self._send(self._torn)
        if self._torn:
            self.lost += 1
            return
        rest = self._send(frame)
        if len(rest) == len(frame):
            self.lost += 1
        else:
            self._torn = rest  # the samples after it would be noise if it were left out

    def _send(self, data: bytes) -> bytes:
        taken = self._port.write(data)
        self.sent += taken
        return data[taken:]


class _Shared:
    """An elastic buffer between two threads."""

    def __init__(self, frame_bytes: int) -> None:
        self._lock = threading.Lock()
        self._frames: Elastic = Elastic(frame_bytes)

    def put(self, frame: bytes) -> None:
        with self._lock:
            self._frames.put(frame)

    def take(self) -> bytes:
        with self._lock:
            return self._frames.take()

    @property
    def slips(self) -> int:
        return self._frames.slips
