"""What gives and takes sound on the library's bridge: silence, files, recordings, ports of our own."""

from __future__ import annotations

import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pjsua2 as pj

from appliance.engine.pj.guard import guarded

log = logging.getLogger("qendra.engine")

Source = Callable[[], bytes]
"""Gives the next frame, on the sound clock's thread; must not wait."""
Sink = Callable[[bytes], None]
"""Takes a frame, on the sound clock's thread; must not wait."""

_ASSIGNS = hasattr(pj.ByteVector, "assign_from_bytes")
"""pjsua2 2.17 copies frames in 0.4 µs; older ones in 10 and 159."""


class SoundFault(Exception):
    """A sound file or recording cannot be had; says why, for the log and the owner."""


_TOO_MANY = 70010
"""PJ_ETOOMANY: the library's table for these is full."""


def _why(error: Any) -> str:
    return "there are too many of them at once" if error.status == _TOO_MANY else str(error.reason)


class SoundEnd(ABC):
    """One place on the bridge."""

    @abstractmethod
    def media(self) -> Any | None:
        """The library's handle, for use at once and never to be kept; None while there is no sound. For this package."""

    def loudness(self) -> int:
        """How loud what comes from here is just now, 0 to 100."""
        media = self.media()
        return 0 if media is None else int(media.getRxLevel())


def connect(source: SoundEnd, sink: SoundEnd) -> None:
    """Let `sink` hear `source` from the next tick on; nothing while either has no sound."""
    giver, taker = source.media(), sink.media()
    if giver is not None and taker is not None:
        with contextlib.suppress(pj.Error):  # one of them has just been removed
            giver.startTransmit(taker)


def disconnect(source: SoundEnd, sink: SoundEnd) -> None:
    """The reverse; harmless when they were not connected."""
    giver, taker = source.media(), sink.media()
    if giver is not None and taker is not None:
        with contextlib.suppress(pj.Error):
            giver.stopTransmit(taker)


class Silence(SoundEnd):
    """Nothing to hear, for ever. Whoever is connected to it is sent sound even when nobody speaks.

    A telephone then gets an unbroken stream of packets, and a recorder, which skips the time in which nobody at all is
    connected to it, keeps counting.
    """

    def __init__(self, rate: int) -> None:
        self._raw = pj.ToneGenerator()
        self._raw.createToneGenerator(rate, 1)

    def media(self) -> Any:
        return self._raw


class _LoopingPlayer(pj.AudioMediaPlayer):  # type: ignore[misc]  # an untyped library
    """Plays for ever; the library's own end-of-file event goes nowhere."""


class _PlayerOnce(pj.AudioMediaPlayer):  # type: ignore[misc]
    def __init__(self, over: Callable[[], None]) -> None:
        super().__init__()
        self._over = over

    @guarded
    def onEof2(self) -> None:
        """On the library's event thread."""
        self._over()


class Player(SoundEnd):
    """One sound file. It plays while somebody listens and waits otherwise."""

    def __init__(self, file: str, *, loop: bool, over: Callable[[Player], None]) -> None:
        """`over` is called at the end, unless it loops, on a thread of the library.

        Raises:
            SoundFault: no such file, not a WAV file of 16-bit samples, or too many players at once.
        """
        self._over = over
        self._told = False
        self._unheard = 0
        raw = _LoopingPlayer() if loop else _PlayerOnce(self._at_end)
        try:
            raw.createPlayer(file, 0 if loop else pj.PJMEDIA_FILE_NO_LOOP)
        except pj.Error as error:
            raise SoundFault(f"cannot play {file}: {_why(error)}") from None
        self._raw: Any = raw

    def media(self) -> Any | None:
        return self._raw

    def _at_end(self) -> None:
        self._over(self)
        self._told = True

    LOOKS_AFTER_THE_END = 5
    LOOKS_WITHOUT = 100
    """Looks of the graveyard, 20 ms apart or more, before a player that nobody hears may go: its last event may be on
    its way on another thread (on a box that is too busy, for more than 100 ms), and would find no player. Looks are
    counted instead of time, because a process that was stopped for a while wakes with all its threads late."""

    def may_go(self) -> bool:
        """One look of the graveyard; lets the library's object go when that is safe, and says so."""
        if self._raw.getPortInfo().listeners:
            self._unheard = 0
            return False
        self._unheard += 1
        if self._unheard < (self.LOOKS_AFTER_THE_END if self._told else self.LOOKS_WITHOUT):
            return False
        self._raw = None
        return True


class Recorder(SoundEnd):
    """Writes what it hears to a file, 16-bit mono at the bridge's rate, in the library's own code."""

    def __init__(self, path: Path) -> None:
        """Make the file.

        Raises:
            SoundFault: the file cannot be made, or too many are being recorded at once.
        """
        self._raw: Any = pj.AudioMediaRecorder()
        try:
            self._raw.createRecorder(str(path))
        except pj.Error as error:
            raise SoundFault(f"cannot record to {path}: {_why(error)}") from None

    def media(self) -> Any | None:
        return self._raw

    def close(self) -> None:
        """Hear no more from the next tick on; the file is completed then, on the sound clock's thread."""
        self._raw = None


class _Port(pj.AudioMediaPort):  # type: ignore[misc]
    def __init__(self, port: SoundPort) -> None:
        super().__init__()
        self._port = port

    @guarded
    def onFrameRequested(self, frame: Any) -> None:
        source = self._port.source
        if source is None:
            frame.type = pj.PJMEDIA_FRAME_TYPE_NONE
            frame.size = 0
            return
        data = source()
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
        if _ASSIGNS:
            frame.buf.assign_from_bytes(data)
        else:
            frame.buf = pj.ByteVector(data)
        frame.size = len(data)

    @guarded
    def onFrameReceived(self, frame: Any) -> None:
        sink = self._port.sink
        if sink is None or not frame.size:
            return
        if _ASSIGNS:
            data = bytearray(frame.size)
            frame.buf.copy_to_bytearray(data)
            sink(bytes(data))
        else:
            sink(bytes(frame.buf))


class SoundPort(SoundEnd):
    """Sound of our own making: 20 ms of 16-bit samples each way at the bridge's pace. See `Library.sound_port`."""

    KEY_MS = 100
    PAUSE_MS = 100

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.source: Source | None = None
        self.sink: Sink | None = None
        self._tones: Any = None
        shape = pj.MediaFormatAudio()
        shape.init(pj.PJMEDIA_FORMAT_PCM, rate, 1, 20_000, 16)
        self._raw = _Port(self)
        self._raw.createPort(f"modem-{rate}", shape)

    def media(self) -> Any:
        return self._raw

    def fall_silent(self) -> None:
        """Forget keys not pressed yet, and whoever gave and took sound here."""
        self.source = self.sink = None
        if self._tones is not None:
            self._tones.stop()

    def press(self, keys: str) -> float:
        """Add the tones of `keys` to what the port is sent; returns how many seconds they last.

        At most 32 may be waiting: the library has no room for more, and drops these keys whole.
        """
        if self._tones is None:
            self._tones = pj.ToneGenerator()
            self._tones.createToneGenerator(self.rate, 1)
            self._tones.startTransmit(self._raw)
        digits = pj.ToneDigitVector()
        for key in keys:
            digit = pj.ToneDigit()
            digit.digit, digit.on_msec, digit.off_msec, digit.volume = key, self.KEY_MS, self.PAUSE_MS, 0
            digits.append(digit)
        try:
            self._tones.playDigits(digits)
        except pj.Error as error:
            log.error("%d keys were not pressed: %s", len(keys), error.reason)
            return 0.0
        return len(keys) * (self.KEY_MS + self.PAUSE_MS) / 1000
