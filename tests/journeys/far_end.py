"""Somebody outside: the caller (or the called) at the far end of a virtual modem."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from appliance.lines.virtual.caller import NotNow, VirtualCaller
from appliance.lines.virtual.modem import State
from tests.journeys.hearing import RATE, Samples, breaks, is_silent, is_tone, read_wav
from tests.journeys.processes import wait_for

Result = TypeVar("Result")

__all__ = ["FarEnd", "Loop", "NotNow"]


class Loop:
    """An event loop on a thread of its own, for what speaks asyncio in a story that does not."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, deed: Coroutine[Any, Any, Result], seconds: float = 60.0) -> Result:
        """Have it done, and wait for what comes of it."""
        return asyncio.run_coroutine_threadsafe(deed, self._loop).result(seconds)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        self._loop.close()


class FarEnd:
    """Rings, speaks, presses keys and hears, through the control socket of the modem."""

    def __init__(self, control: Path, loop: Loop, folder: Path) -> None:
        """`folder` is for what it hears."""
        self._caller = VirtualCaller(control)
        self._control = control
        self._loop = loop
        self._folder = folder

    def is_there(self, seconds: float = 15.0) -> None:
        """Wait until the modem is on the network."""
        wait_for(f"{self._control.name} listens", self._control.exists, seconds)
        self._loop.do(self._caller.wait_registered(seconds))

    def ring(self, number: str = "") -> None:
        """Call; without a number it is withheld. Busy and not reachable raise NotNow."""
        self._loop.do(self._caller.ring(number or None))

    def is_answered(self, seconds: float = 20.0) -> None:
        """Wait until the call is up and its sound is on."""
        self._loop.do(self._caller.wait_answered(seconds))

    def press(self, keys: str) -> None:
        self._loop.do(self._caller.key(keys))

    def sing(self, hz: float, seconds: float = 60.0) -> None:
        """A tone from now on."""
        self._loop.do(self._caller.tone(hz, seconds))

    def hush(self) -> None:
        self._loop.do(self._caller.hush())

    def hang_up(self) -> None:
        self._loop.do(self._caller.hang_up())

    def is_over(self, seconds: float = 15.0) -> State:
        """Wait until there is no call."""
        return self._loop.do(self._caller.wait_over(seconds))

    def is_called(self, seconds: float = 15.0) -> str:
        """Wait until the box calls; returns whom."""
        return self._loop.do(self._caller.wait_dialled(seconds)).number

    def will(self, manner: str, after: float | None = 1.0) -> None:
        """How it takes calls from now on: `answers`, `silent`, `busy`, `refuses`, `unreachable`."""
        self._loop.do(self._caller.far(manner, after))  # type: ignore[arg-type]  # the modem checks it

    def fault(self, kind: str) -> None:
        self._loop.do(self._caller.fault(kind))

    def unplug(self, seconds: float | None = None) -> None:
        self._loop.do(self._caller.unplug(seconds))

    @property
    def state(self) -> State:
        return self._loop.do(self._caller.state())

    @property
    def story(self) -> list[str]:
        """What happened to the modem, in its own words."""
        return list(self._loop.do(self._caller.ask("story"))["story"])

    def heard(self, seconds: float) -> Samples:
        """The last it heard of the present or last call."""
        wav = self._folder / f"far-end-{time.monotonic_ns()}.wav"
        self._loop.do(self._caller.hear(seconds, wav=wav))
        try:
            return read_wav(wav)[0]
        finally:
            wav.unlink()

    def hears(self, hz: float, seconds: float = 15.0) -> None:
        """Wait until it hears this tone, and nothing else, for half a second."""
        wait_for(f"the far end hears {hz:.0f} Hz", lambda: is_tone(self.heard(0.5), hz), seconds, every=0.1)

    def hears_cleanly(self, hz: float, seconds: float = 15.0) -> None:
        """Wait for a whole second of this tone with nothing lost or invented: a busy machine may need some tries."""

        def look() -> bool:
            heard = self.heard(1.0)
            return is_tone(heard, hz) and not breaks(heard, hz)

        wait_for(f"the far end hears {hz:.0f} Hz without a break", look, seconds, every=0.2)

    def hears_something(self, seconds: float = 15.0) -> None:
        """Wait until somebody speaks: more than the last frames of the call before, which a modem keeps for the next."""
        begins = round(0.3 * RATE)
        wait_for("the far end hears something", lambda: not is_silent(self.heard(60.0)[begins:]), seconds, every=0.1)
