"""The far end in a program's hands: `await caller.ring("+355672000001")`, for tests and the demo."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.lines.virtual.inside import Fault, NotNow
from appliance.lines.virtual.modem import State
from appliance.lines.virtual.network import FarManner

__all__ = ["Heard", "NotNow", "VirtualCaller"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the far end heard."""

    seconds: float
    loudness: float
    """RMS, in dB below a full-scale tone."""
    levels: dict[float, float]
    """dB below a full-scale tone, by frequency."""


class VirtualCaller:
    """Speaks to the control socket of a virtual modem, a connection a request; any number at once.

    Every method raises NotNow when the modem says it cannot be, and OSError when nobody listens.
    """

    def __init__(self, control: Path) -> None:
        self._control = control

    async def ring(self, number: str | None = None) -> None:
        """Call the SIM; without a number it is withheld."""
        await self.ask("ring", number=number or "")

    async def answer(self) -> None:
        """Take the box's call (when the far end does not answer by itself)."""
        await self.ask("answer")

    async def far(self, manner: FarManner, after: float | None = 2.0) -> None:
        """How the box's calls are taken: `answers` so many seconds after the first ring (None: on `answer`), …"""
        await self.ask("far", **{"is": manner, "after": after})

    async def hang_up(self) -> None:
        """Put the phone down, or give up."""
        await self.ask("hangup")

    async def key(self, keys: str) -> None:
        """Press keys."""
        await self.ask("key", key=keys)

    async def say(self, wav: Path) -> float:
        """Speak a WAV file; the seconds it takes from now."""
        return float((await self.ask("say", wav=str(wav)))["seconds"])

    async def tone(self, hz: float | Sequence[float], seconds: float) -> float:
        """Sing one tone, or several at once; the seconds it takes from now."""
        return float(
            (await self.ask("tone", hz=hz if isinstance(hz, int | float) else list(hz), seconds=seconds))["seconds"]
        )

    async def hush(self) -> None:
        """Stop speaking."""
        await self.ask("hush")

    async def hear(self, seconds: float = 1.0, hz: Sequence[float] = (), wav: Path | None = None) -> Heard:
        """What was heard in the last seconds, and how loud these frequencies in it; written to `wav` when given."""
        said = await self.ask("hear", seconds=seconds, hz=list(hz), wav=str(wav) if wav else "")
        return Heard(said["seconds"], said["loudness"], {float(one): level for one, level in said["levels"].items()})

    async def record(self, wav: Path | None) -> None:
        """Record both sides to a stereo file until the call's sound ends, or until None."""
        await self.ask("record", wav=str(wav) if wav else "")

    async def state(self) -> State:
        """How the modem is now."""
        return _state(await self.ask("state"))

    async def wait_registered(self, seconds: float = 30.0) -> State:
        """Until the modem is on the network."""
        return await self._wait("registered", seconds)

    async def wait_answered(self, seconds: float = 30.0) -> State:
        """Until the call is up and its sound is on, so that what is said is heard."""
        await self._wait("answered", seconds)
        return await self._wait("sound", seconds)

    async def wait_dialled(self, seconds: float = 30.0) -> State:
        """Until the box calls somebody: `number` says whom."""
        return await self._wait("dialled", seconds)

    async def wait_over(self, seconds: float = 30.0) -> State:
        """Until there is no call."""
        return await self._wait("over", seconds)

    async def fault(self, fault: Fault | str) -> None:
        """`error`, `silent`, `hang`, `network`, `mute`, `dead`, `blank`, `noise`; `none` ends them."""
        await self.ask("fault", **{"is": fault})

    async def signal(self, strength: int) -> None:
        """Of +CSQ: 0 to 31, 99 unknown."""
        await self.ask("signal", strength=strength)

    async def unplug(self, seconds: float | None = None) -> None:
        """Pull the modem out; with seconds, it comes back."""
        await self.ask("unplug", **({} if seconds is None else {"seconds": seconds}))

    async def plug(self) -> None:
        """Put it back."""
        await self.ask("plug")

    async def ask(self, what: str, **more: Any) -> dict[str, Any]:
        """Any order of `orders.py`."""
        reader, writer = await asyncio.open_unix_connection(str(self._control))
        try:
            writer.write(json.dumps({"do": what, **more}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline() or b'{"ok": false, "why": "it has gone"}')
        finally:
            writer.close()
        if not answer.pop("ok"):
            raise NotNow(answer["why"])
        return answer

    async def _wait(self, word: str, seconds: float) -> State:
        return _state(await self.ask("wait", **{"for": word, "seconds": seconds}))


def _state(answer: dict[str, Any]) -> State:
    return State(**answer)
