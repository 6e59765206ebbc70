"""Many desk telephones in one process that put a box to work and take down when what happened."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appliance.edge.virtual.telephone import Effect, FarRings, Over, Rings, Send, Signed, Talks, Telephone
from tests.bench.tools.voices import Voice

LOOK_EVERY = 0.05
"""Seconds between two looks for what has to be sent again."""


@dataclass(slots=True)
class Attempt:
    """One call as its caller sees it. Times are the loop's seconds; 0 is for what has not happened."""

    dialled: float
    rang: float = 0.0
    answered: float = 0.0
    over: bool = False
    status: int = 0
    """Why it was refused, as SIP says it."""


class Phone:
    """One telephone. It answers at once whoever calls it."""

    def __init__(self, extension: str, password: str, box: tuple[str, int], hertz: int) -> None:
        dice = random.Random()
        self.extension = extension
        self.voice = Voice(box[0], hertz)
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.connect(box)
        self._socket.setblocking(False)
        self._telephone = Telephone(extension, password, box, self._socket.getsockname(), self.voice.port, dice)
        self._loop.add_reader(self._socket, self._came)
        self._changed = asyncio.Event()
        self.registered = False
        self.attempt: Attempt | None = None

    @property
    def busy(self) -> bool:
        """Whether it is in a call, at whatever stage."""
        return self._telephone.busy

    def register(self) -> None:
        """Sign on, and stay so."""
        self._do(self._telephone.register(self._loop.time()))

    def dial(self, number: str) -> Attempt:
        """Call somebody."""
        self.attempt = Attempt(self._loop.time())
        self._do(self._telephone.dial(number, self.attempt.dialled))
        return self.attempt

    def hang_up(self) -> None:
        """End whatever call there is."""
        self._do(self._telephone.hang_up(self._loop.time()))

    async def signs_on(self, patience: float) -> bool:
        """Wait until the box has taken the registration; False when it has not in time."""
        return await self.until(lambda: self.registered, patience)

    async def falls_quiet(self, patience: float) -> bool:
        """Wait until there is no call; False when there still is one."""
        return await self.until(lambda: not self.busy, patience)

    async def until(self, fits: Callable[[], bool], patience: float) -> bool:
        """Wait until something has made it so; False when it did not come in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not fits():
                    self._changed.clear()
                    await self._changed.wait()
        return fits()

    def tick(self) -> None:
        """Send again what was not answered."""
        due = self._telephone.next_deadline()
        if due is not None and due <= self._loop.time():
            self._do(self._telephone.tick(self._loop.time()))

    def close(self) -> None:
        """Pull the plug."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self.voice.close()

    def _came(self) -> None:
        with contextlib.suppress(OSError):  # the box is away for a moment: it is sent again
            self._do(self._telephone.receive(self._socket.recv(65535), self._loop.time()))

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                with contextlib.suppress(OSError):
                    self._socket.send(effect.data)
            else:
                self._note(effect)
                self._changed.set()

    def _note(self, noticed: Signed | Rings | FarRings | Talks | Over) -> None:
        now = self._loop.time()
        match noticed:
            case Signed(registered=registered):
                self.registered = registered
            case Rings():
                self._do(self._telephone.answer(now))
            case FarRings():
                if self.attempt and not self.attempt.rang:
                    self.attempt.rang = now
            case Talks(host=host, port=port):
                self.voice.to = (host, port)
                if self.attempt and not self.attempt.answered:
                    self.attempt.answered = now
            case Over(status=status):
                self.voice.to = None
                if self.attempt:
                    self.attempt.over, self.attempt.status = True, status
                    self.attempt = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two telephones of which the first calls the second."""

    caller: Phone
    called: Phone

    @property
    def free(self) -> bool:
        """Whether neither is in a call."""
        return not (self.caller.busy or self.called.busy)

    async def connect(self, prefix: str = "", patience: float = 5.0) -> Attempt:
        """Call; returns when it is answered, refused, or `patience` is over."""
        attempt = self.caller.dial(prefix + self.called.extension)
        await self.caller.until(lambda: bool(attempt.answered) or attempt.over, patience)
        return attempt

    async def part(self, patience: float = 5.0) -> bool:
        """The caller hangs up; whether both are free after that."""
        self.caller.hang_up()
        return await self.called.until(lambda: self.free, patience)


def pairs_of(passwords: Mapping[str, str], box: tuple[str, int]) -> list[Pair]:
    """A telephone for each password: the first half calls, the second half is called. Tones are 40 Hz apart."""
    phones = [
        Phone(extension, password, box, 400 + 40 * number)
        for number, (extension, password) in enumerate(passwords.items())
    ]
    half = len(phones) // 2
    return [Pair(*both) for both in zip(phones[:half], phones[half:], strict=True)]


async def keep_ticking(phones: list[Phone]) -> None:
    """Be their clock until cancelled."""
    while True:
        for phone in phones:
            phone.tick()
        await asyncio.sleep(LOOK_EVERY)
