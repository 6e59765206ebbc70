"""The driver of a line core: one serial port on the event loop. It reads, writes and waits, and decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import termios
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import serial
from serial.tools import list_ports

from appliance.calls.names import Cause, LegId, LineId
from appliance.lines.discover import MAKERS, UsbPort, find
from appliance.lines.effects import Effect, Posted, Reopen, WriteBytes
from appliance.lines.gsm import GsmLine
from appliance.lines.settings import Adopted, LineSettings

log = logging.getLogger("qendra.lines")

LOOK_AT_PATH, LOOK_AT_USB = 1.0, 3.0
"""Seconds between two looks for a modem that is not there."""
REFUSED = 15.0
"""Seconds until a port that would not open is tried again."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a modem is now."""

    at: str
    sound: str


class Line:
    """One modem line on this event loop.

    `post` is given what the line has to say, in order, on the loop; it may call back into the line. The verbs do
    nothing for a leg that is not, or no longer, this line's.
    """

    def __init__(
        self,
        settings: LineSettings,
        post: Callable[[Sequence[Posted]], None],
        *,
        adopt: Adopted | None = None,
        new_leg: Callable[[], LegId] | None = None,
        comports: Callable[[], Iterable[UsbPort]] = list_ports.comports,
    ) -> None:
        """`new_leg` names each incoming call, never twice."""
        self.settings = settings
        self._post = post
        self._comports = comports
        self._core = GsmLine(settings, MAKERS[settings.kind], new_leg or _namer(settings.name), adopt)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._port: serial.Serial | None = None
        self._closed = asyncio.Event()
        self._rest = 0.0
        self._missing = "the modem is not plugged in"
        self._alarm: asyncio.TimerHandle | None = None
        self._draining: asyncio.Future[None] | None = None

    @property
    def name(self) -> LineId:
        return self.settings.name

    @property
    def idle(self) -> bool:
        """No call on it, and none being cleared."""
        return self._core.idle

    async def run(self) -> None:
        """Drive the line until cancelled. A modem that is missing, taken or broken is waited for, and said so."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                await self._open()
                await self._closed.wait()
                if self._draining is not None:
                    await self._draining
                await self._rest_a_while()
        finally:
            self._close()
            if self._alarm is not None:
                self._alarm.cancel()

    # ---- what the switchboard wants

    def answer(self, leg: LegId) -> None:
        """Take the ringing call: SoundWanted follows, or LegEnded."""
        self._do(self._core.answer(leg, self._now()))

    def hang_up(self, leg: LegId, cause: Cause = Cause.NORMAL, detail: str = "") -> None:
        """End the call: SoundOver when it had sound, then one LegEnded with this cause."""
        self._do(self._core.hang_up(leg, self._now(), cause, detail))

    def dial(self, leg: LegId, number: str) -> None:
        """Call a number: LegRinging may follow; then SoundWanted, or LegEnded."""
        self._do(self._core.dial(leg, number, self._now()))

    def send_keys(self, leg: LegId, keys: str) -> None:
        """Press keys toward the far end."""
        self._do(self._core.send_keys(leg, keys, self._now()))

    def sound_trouble(self, leg: LegId) -> None:
        """The engine noted that the sound of this leg is not right."""
        self._do(self._core.sound_trouble(leg, self._now()))

    # ---- the port

    async def _open(self) -> None:
        """Returns with the port open, however long that takes."""
        while True:
            ports = await self._find()
            try:
                if ports is None:
                    reason, rest = self._missing, LOOK_AT_USB
                else:
                    self._port = open_port(ports.at)
                    break
            except FileNotFoundError:
                reason, rest = self._missing, LOOK_AT_PATH
            except OSError as error:
                reason, rest = str(error), REFUSED
            self._do(self._core.lost(reason, self._now()))
            await asyncio.sleep(rest)
        self._closed.clear()
        assert self._loop is not None
        self._loop.add_reader(self._port.fileno(), self._readable)
        self._do(self._core.opened(self._now(), ports.sound))

    async def _rest_a_while(self) -> None:
        """As long as the core wished, but no longer once the modem has been away and is back."""
        end, gone = self._now() + self._rest, False
        while (left := end - self._now()) > 0:
            await asyncio.sleep(min(left, LOOK_AT_PATH if self._by_path else LOOK_AT_USB))
            there = os.path.exists(self.settings.at) if self._by_path else await self._find() is not None  # noqa: ASYNC240, PTH110
            if gone and there:
                return
            gone = gone or not there

    @property
    def _by_path(self) -> bool:
        return not self.settings.at.startswith("usb")

    async def _find(self) -> Ports | None:
        if self._by_path:
            return Ports(self.settings.at, self.settings.sound)
        modem = await asyncio.to_thread(find, self.settings.at, self.settings.kind, self._comports)
        return Ports(modem.at, modem.sound) if modem else None

    def _readable(self) -> None:
        assert self._port is not None
        try:
            data = os.read(self._port.fileno(), 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._do(self._core.receive(data, self._now()))
        else:
            self._unplugged()

    def _write(self, data: bytes) -> None:
        """Not through pyserial: its write without a limit of time spins for ever when the port is full."""
        if self._port is None:
            return
        try:
            written = os.write(self._port.fileno(), data)
        except BlockingIOError:
            written = 0
        except OSError:
            return  # the reader sees it too, and says so once
        if written < len(data):
            log.warning("%s: the modem does not take what we send", self.name)

    def _unplugged(self) -> None:
        self._close()
        self._rest = LOOK_AT_PATH
        self._missing = "the modem was unplugged"
        self._do(self._core.lost(self._missing, self._now()))

    def _close(self, *, drain: bool = False) -> None:
        """Let the port go; `drain` what was written last. A hung modem lets that take half a minute: in a thread."""
        port, self._port = self._port, None
        if port is None:
            return
        assert self._loop is not None
        self._loop.remove_reader(port.fileno())
        if drain:
            self._draining = self._loop.run_in_executor(None, _shut, port)
        else:
            with contextlib.suppress(OSError, termios.error):
                port.reset_output_buffer()
            _shut(port)
        self._closed.set()

    # ---- the core's wishes

    def _do(self, effects: Sequence[Effect]) -> None:
        posted: list[Posted] = []
        for effect in effects:
            match effect:
                case WriteBytes(data=data):
                    self._write(data)
                case Reopen(after=after):
                    self._rest = after
                    self._close(drain=True)
                case _:
                    posted.append(effect)
        self._wake_in_time()
        if posted:
            self._post(posted)

    def _wake_in_time(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        deadline = self._core.next_deadline()
        if deadline is not None and self._loop is not None:
            self._alarm = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._do(self._core.tick(self._now()))

    def _now(self) -> float:
        """The loop's clock is the machine's monotonic one."""
        return (self._loop or asyncio.get_running_loop()).time()


def open_port(path: str) -> serial.Serial:
    """An AT port for us alone: raw, without flow control that would eat bytes, without hanging up when it is closed.

    Raises:
        FileNotFoundError: it is not there.
        OSError: somebody else has it, we may not open it, or it is no serial port; says so in plain words.
    """
    try:
        port = serial.Serial(path, 115200, timeout=0, write_timeout=0, exclusive=True)
        attributes = termios.tcgetattr(port.fileno())
        attributes[2] &= ~termios.HUPCL  # dropping DTR when a desk dies would end its calls
        termios.tcsetattr(port.fileno(), termios.TCSANOW, attributes)
    except termios.error as error:
        raise OSError(f"{path} is not a serial port: {error}") from error
    except OSError as error:
        match error.errno:
            case errno.EAGAIN | errno.EBUSY:
                raise OSError(f"another program has {path} open: end it") from error
            case errno.EACCES | errno.EPERM:
                raise OSError(f"no right to open {path}: our user must be in the group dialout") from error
            case errno.ENOENT | errno.ENXIO | errno.ENODEV:
                raise FileNotFoundError(f"{path} is not there") from error
        raise OSError(f"{path} cannot be opened: {error}") from error
    return port


def _shut(port: serial.Serial) -> None:
    with contextlib.suppress(OSError, termios.error):
        port.close()


def _namer(line: LineId) -> Callable[[], LegId]:
    return lambda: LegId(f"{line}-{uuid.uuid4().hex[:16]}")


__all__ = ["Line", "open_port"]
