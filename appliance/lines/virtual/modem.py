"""The virtual modem on the event loop: two ptys, a clock, and everything the far end may be told to do."""

from __future__ import annotations

import asyncio
import random
import wave
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.lines.virtual import sounds
from appliance.lines.virtual.airtime import AirTime
from appliance.lines.virtual.inside import Fault, Gone, KeyTone, Noted, NotNow, Outcome, Said, SoundOff, SoundOn
from appliance.lines.virtual.manners import Manners
from appliance.lines.virtual.network import ACTIVE, ALERTING, DIALLING, INCOMING, FarManner
from appliance.lines.virtual.persona import Persona
from appliance.lines.virtual.pty import PtyPort

_STATUS = {DIALLING: "dialling", ALERTING: "alerting", INCOMING: "ringing", ACTIVE: "active"}


@dataclass(frozen=True, slots=True)
class State:
    """What a watcher may want to know."""

    plugged: bool
    registered: bool
    call: str
    """`none`, `dialling`, `alerting`, `ringing` or `active`."""
    outgoing: bool
    number: str
    """Of the call, or of the last one."""
    keys: str
    """The box pressed in the call, or in the last one."""
    sound: bool
    calls: int
    """That were connected since the program began."""
    starts: int
    counters: dict[str, int]


class Recording:
    """A stereo WAV file that grows with the call."""

    def __init__(self, path: Path, rate: int) -> None:
        try:
            self._file = wave.open(str(path), "wb")  # noqa: SIM115 - it is open as long as the call
        except OSError as error:
            raise NotNow(f"{path} cannot be written: {error}") from error
        self._file.setnchannels(2)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    def add(self, said: array[int], heard: array[int]) -> None:
        """One frame of each side."""
        both = array("h", bytes(4 * len(said)))
        both[0::2], both[1::2] = said, heard
        self._file.writeframes(sounds.to_bytes(both))

    def close(self) -> None:
        self._file.close()


class VirtualModem:
    """A modem with its ports at `folder/name-at` and `folder/name-sound`, between `start` and `stop`."""

    def __init__(
        self, name: str, folder: Path, manners: Manners, seed: int = 0, noted: Callable[[str], None] | None = None
    ) -> None:
        """`noted` is told what happens, in words, as it happens."""
        self.name = name
        self.manners = manners
        self._folder = folder
        self._dice = random.Random(seed)
        self._persona = Persona(manners, self._dice)
        self._air = AirTime(manners, self._dice)
        self._noted = noted or (lambda _: None)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._at: PtyPort | None = None
        self._sound: PtyPort | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._back: asyncio.TimerHandle | None = None
        self._calls = 0
        self._was_active = False
        self._waiters: list[tuple[Callable[[State], bool], asyncio.Future[None]]] = []
        self._recording: Recording | None = None
        self.story: deque[str] = deque(maxlen=200)
        """The last things that happened."""

    def start(self) -> None:
        """Plug in, on the running event loop.

        Raises:
            OSError: the ptys or their links cannot be made.
        """
        self._loop = asyncio.get_running_loop()
        self.plug()

    def stop(self) -> None:
        """Take the ports away, for good."""
        for timer in (self._alarm, self._back):
            if timer is not None:
                timer.cancel()
        self.record(None)
        self._close_ports()

    # ---- the far end

    def ring(self, number: str) -> None:
        """Call the SIM; empty: number withheld.

        Raises:
            NotNow: the caller hears "busy" or "not reachable".
        """
        self._follow(self._persona.ring(number, self._now()))

    def answer(self) -> None:
        """Take the call the box makes.

        Raises:
            NotNow: nothing rings at the far end.
        """
        self._follow(self._persona.answer(self._now()))

    def hang_up(self, word: str = "NO CARRIER") -> None:
        """Put the phone down.

        Raises:
            NotNow: there is no call.
        """
        self._follow(self._persona.hang_up(self._now(), word))

    def press(self, keys: str) -> None:
        """Press keys.

        Raises:
            NotNow: no call is up, or one of them is no key.
        """
        if not keys or not set(keys) <= set(sounds.KEY_TONES):
            raise NotNow("keys are 0-9, *, # and A-D")
        for key in keys:
            self._follow(self._persona.press(key, self._now()))

    def say(self, samples: array[int]) -> float:
        """Speak; the seconds until it is said.

        Raises:
            NotNow: the modem's sound is off.
        """
        if not self._air.on:
            raise NotNow("the modem's sound is off: nobody would hear it")
        return self._air.say(samples)

    def hush(self) -> None:
        """Fall silent."""
        self._air.hush()

    def heard(self, seconds: float) -> array[int]:
        """What the far end has heard last, 8 kHz, 120 s at most of the present or last call."""
        return self._air.heard(seconds)

    def behave(self, far: FarManner, answer_after: float | None) -> None:
        """How the far end takes calls from now on."""
        self._persona.network.far = far
        self._persona.network.answer_after = answer_after

    # ---- the world

    def misbehave(self, fault: Fault) -> None:
        """See `Persona.misbehave`."""
        self._follow(self._persona.misbehave(fault, self._now()))

    def noise(self) -> None:
        """Garbage on the AT port."""
        self._follow(self._persona.noise(self._now()))

    def mute(self, *, on: bool) -> None:
        """What the box says is lost on the way, though its bytes are taken."""
        self._air.muted = on

    def deaden(self, *, on: bool) -> None:
        """No more sound to the box, though the call goes on."""
        self._air.dead = on

    def blank(self, *, on: bool) -> None:
        """Nothing but zeros to the box."""
        self._air.blank = on

    def signal(self, strength: int) -> None:
        """Of +CSQ: 0 to 31, 99 unknown."""
        self._persona.signal = strength

    def plug(self) -> None:
        """Put it in: its ports appear, and it starts."""
        if self._at is not None:
            return
        if self._back is not None:
            self._back.cancel()
            self._back = None
        assert self._loop is not None
        self._at = PtyPort(self._folder / f"{self.name}-at")
        self._sound = PtyPort(self._folder / f"{self.name}-sound")
        self._loop.add_reader(self._at.fileno(), self._at_readable)
        self._loop.add_reader(self._sound.fileno(), self._sound_readable)
        self._air.muted = self._air.dead = self._air.blank = False
        self._follow(self._persona.boot(self._now()))

    def unplug(self, seconds: float | None = None) -> None:
        """Pull it out, for good or for a while."""
        if self._at is not None:
            self._follow(self._persona.vanish(self._now()))
            self._vanish(seconds)

    # ---- watching

    @property
    def state(self) -> State:
        network = self._persona.network
        call, last = network.call, network.call or network.last_call
        return State(
            plugged=self._at is not None,
            registered=network.registered,
            call=_STATUS[call.status] if call else "none",
            outgoing=last.outgoing if last else False,
            number=last.number if last else "",
            keys=last.keys if last else "",
            sound=self._air.on,
            calls=self._calls,
            starts=self._persona.starts,
            counters=asdict(self._air.counters),
        )

    async def wait_for(self, true: Callable[[State], bool], seconds: float) -> bool:
        """Whether it came true in time."""
        if true(self.state):
            return True
        waiter = (true, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            await asyncio.wait_for(waiter[1], seconds)
        except TimeoutError:
            return False
        finally:
            self._waiters.remove(waiter)
        return True

    def record(self, path: Path | None) -> None:
        """Record the call's sound to a stereo file from now on: left what the far end says, right what it hears.

        It ends with the call's sound, or by None.

        Raises:
            NotNow: the sound is off, or the file cannot be written.
        """
        self._air.tap = None
        if self._recording is not None:
            self._recording.close()
            self._recording = None
        if path is not None:
            if not self._air.on:
                raise NotNow("the modem's sound is off: there is nothing to record")
            self._recording = Recording(path, self._air.rate)
            self._air.tap = self._recording.add

    # ---- inside

    def _now(self) -> float:
        return (self._loop or asyncio.get_running_loop()).time()

    def _at_readable(self) -> None:
        assert self._at is not None
        if data := self._at.read():
            self._follow(self._persona.receive(data, self._now()))

    def _sound_readable(self) -> None:
        assert self._sound is not None
        data = self._sound.read()
        if data and self._air.on:
            self._air.take(data)

    def _tick(self) -> None:
        now = self._now()
        if data := self._air.tick(now):
            self._send_sound(data)
        self._follow(self._persona.tick(now) if self._at is not None else [])

    def _send_sound(self, data: bytes) -> None:
        """A pty holds a second of sound and would hide a box that reads late; a modem holds some frames."""
        if self._sound is None:
            return
        frame = self._air.frame_bytes
        room = max(0, self.manners.buffered * frame - self._sound.unread())
        fits = min(len(data), room // frame * frame)
        sent = self._sound.write(data[:fits])
        if sent < len(data):
            self._air.unread((len(data) - sent + frame - 1) // frame)

    def _follow(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            match outcome:
                case Said(data=data):
                    if self._at is not None:
                        self._at.write(data)
                case SoundOn(wide=wide, degraded=degraded):
                    self._air.start(self._now(), wide=wide, degraded=degraded)
                case SoundOff():
                    self.record(None)
                    self._air.stop()
                case KeyTone(key=key):
                    self._air.press(key)
                case Gone(seconds=seconds):
                    self._vanish(seconds)
                case Noted(words=words):
                    self.story.append(words)
                    self._noted(words)
        active = self._persona.network.active
        self._calls += active and not self._was_active
        self._was_active = active
        self._wake_in_time()
        if outcomes:
            self._tell()

    def _wake_in_time(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        deadlines = [self._air.next_deadline(), self._persona.next_deadline() if self._at is not None else None]
        moments = [at for at in deadlines if at is not None]
        if moments and self._loop is not None:
            self._alarm = self._loop.call_at(min(moments), self._tick)

    def _tell(self) -> None:
        state = self.state
        for true, waiter in self._waiters:
            if not waiter.done() and true(state):
                waiter.set_result(None)

    def _vanish(self, seconds: float | None) -> None:
        self._close_ports()
        if seconds is not None and self._loop is not None:
            self._back = self._loop.call_later(seconds, self.plug)
        self._tell()

    def _close_ports(self) -> None:
        for port in (self._at, self._sound):
            if port is not None:
                if self._loop is not None:
                    self._loop.remove_reader(port.fileno())
                port.close()
        self._at = self._sound = None
