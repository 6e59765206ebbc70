"""The driver of a telephone in software: two UDP sockets, and a clock that sends 20 ms of sound at a time."""

from __future__ import annotations

import array
import asyncio
import contextlib
import socket
from collections.abc import Callable
from random import Random
from typing import cast

from appliance.edge.virtual.sound import Ear, Mouth
from appliance.edge.virtual.telephone import Effect, FarRings, Over, Rings, Send, Signed, Talks, Telephone

Noticed = Signed | Rings | FarRings | Talks | Over


class DeskPhone:
    """A telephone that can be used from asyncio. `noticed` is called with what a person would notice."""

    def __init__(
        self,
        extension: str,
        password: str,
        box: tuple[str, int],
        dice: Random,
        noticed: Callable[[Noticed], None] = lambda _: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sip, self._rtp = _socket(box[0]), _socket(box[0])
        me = cast("tuple[str, int]", self._sip.getsockname())
        media = cast("tuple[str, int]", self._rtp.getsockname())
        self._sip.connect(box)
        self._telephone = Telephone(extension, password, box, me, media[1], dice)
        self._tell = noticed
        self._dice = dice
        self._far: tuple[str, int] | None = None
        self._waking: asyncio.TimerHandle | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._waiting: list[tuple[Callable[[Noticed], bool], asyncio.Future[Noticed]]] = []
        self.extension = extension
        self.mouth, self.ear = Mouth(dice.getrandbits(32)), Ear()
        self.talking = False
        self._loop.add_reader(self._sip, self._sip_came)
        self._loop.add_reader(self._rtp, self._rtp_came)

    # ---- what a person does

    async def register(self, patience: float = 5.0) -> Signed:
        """Sign on, and stay signed on."""
        return cast(
            "Signed", await self._after(self._telephone.register, lambda seen: isinstance(seen, Signed), patience)
        )

    async def unregister(self, patience: float = 5.0) -> Signed:
        """Sign off."""

        def sign_off(now: float) -> list[Effect]:
            return self._telephone.register(now, 0)

        return cast("Signed", await self._after(sign_off, lambda seen: isinstance(seen, Signed), patience))

    def dial(self, number: str) -> None:
        """Call somebody."""
        self._do(self._telephone.dial(number, self._now()))

    def answer(self) -> None:
        """Lift the receiver."""
        self._do(self._telephone.answer(self._now()))

    def refuse(self, status: int = 486) -> None:
        """Do not take the call."""
        self._do(self._telephone.refuse(status))

    def hang_up(self) -> None:
        """Put the receiver down."""
        self._do(self._telephone.hang_up(self._now()))

    def say(self, samples: array.array[int], *, loop: bool = False) -> None:
        """Speak into the receiver."""
        self.mouth.say(samples, loop=loop)

    async def wait(self, kind: type[Noticed], patience: float = 10.0) -> Noticed:
        """The next of this kind that is noticed.

        Raises:
            TimeoutError: it did not come.
        """
        return await self._noticing(lambda seen: isinstance(seen, kind), patience)

    def close(self) -> None:
        """Pull the plug: nobody is told."""
        self._stop_speaking()
        if self._waking:
            self._waking.cancel()
        for each in (self._sip, self._rtp):
            self._loop.remove_reader(each)
            each.close()

    # ---- inside

    def _now(self) -> float:
        return self._loop.time()

    async def _after(
        self, deed: Callable[[float], list[Effect]], fits: Callable[[Noticed], bool], patience: float
    ) -> Noticed:
        noticing = asyncio.ensure_future(self._noticing(fits, patience))
        await asyncio.sleep(0)
        self._do(deed(self._now()))
        return await noticing

    async def _noticing(self, fits: Callable[[Noticed], bool], patience: float) -> Noticed:
        future: asyncio.Future[Noticed] = self._loop.create_future()
        self._waiting.append((fits, future))
        return await asyncio.wait_for(future, patience)

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                with contextlib.suppress(OSError):  # the box is away: it is sent again
                    self._sip.send(effect.data)
            else:
                self._happened(effect)
        if self._waking:
            self._waking.cancel()
        deadline = self._telephone.next_deadline()
        self._waking = None if deadline is None else self._loop.call_at(deadline, self._wake)

    def _happened(self, noticed: Noticed) -> None:
        match noticed:
            case Talks(host=host, port=port):
                self.talking, self._far = True, (host, port)
                if self._speaking is None:
                    self._speaking = self._loop.create_task(self._speak())
            case Over():
                self.talking = False
                self._stop_speaking()
            case _:
                pass
        for fits, future in list(self._waiting):
            if future.done():
                self._waiting.remove((fits, future))
            elif fits(noticed):
                future.set_result(noticed)
        self._tell(noticed)

    def _wake(self) -> None:
        self._do(self._telephone.tick(self._now()))

    def _stop_speaking(self) -> None:
        if self._speaking:
            self._speaking.cancel()
            self._speaking = None

    async def _speak(self) -> None:
        """Absolute deadlines: a late packet does not make the next one late."""
        at = self._now()
        while True:
            if self._far and self._far[1]:
                with contextlib.suppress(OSError):  # nobody listens there: the call's end will say so
                    self._rtp.sendto(self.mouth.packet(), self._far)
            at += 0.02
            await asyncio.sleep(max(0.0, at - self._now()))

    def _sip_came(self) -> None:
        try:
            data = self._sip.recv(65535)
        except OSError:
            return
        self._do(self._telephone.receive(data, self._now()))

    def _rtp_came(self) -> None:
        try:
            self.ear.packet(self._rtp.recv(2048))
        except OSError:
            return


def _socket(box: str) -> socket.socket:
    """A UDP socket on the address from which the box is reached."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((box, 9))
        here = probe.getsockname()[0]
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((here, 0))
    made.setblocking(False)
    return made
