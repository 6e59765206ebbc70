"""Both ends of the wire in one test, without a pty: the line core, the virtual modem's core, and bytes between them
that come split, merged and late. Time is a number that jumps to the next thing that happens.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from appliance.calls.events import LegEnded, LineChanged, LineState
from appliance.calls.names import LegId, LineId
from appliance.lines.effects import Effect, Posted, Reopen, SoundWanted, WriteBytes
from appliance.lines.gsm import GsmLine
from appliance.lines.settings import Adopted, LineSettings
from appliance.lines.sim7600 import Sim7600
from appliance.lines.virtual.inside import Gone, KeyTone, Outcome, Said, SoundOff, SoundOn
from appliance.lines.virtual.manners import Manners
from appliance.lines.virtual.persona import Persona

STEPS = 200_000
RETRY = 1.0


@dataclass
class Wire:
    """One direction: keeps the order of bytes, and nothing else."""

    dice: random.Random
    worst_delay: float
    parcels: list[tuple[float, bytes]] = field(default_factory=list)

    def send(self, data: bytes, now: float) -> None:
        while data:
            cut = self.dice.randint(1, len(data)) if self.dice.random() < 0.5 else len(data)
            earliest = self.parcels[-1][0] if self.parcels else now
            at = max(earliest, now + self.dice.uniform(0.0, self.worst_delay))
            self.parcels.append((at, data[:cut]))
            data = data[cut:]

    def next(self) -> float | None:
        return self.parcels[0][0] if self.parcels else None

    def due(self, now: float) -> bytes:
        """Everything whose time has come, merged."""
        ready = [data for at, data in self.parcels if at <= now]
        del self.parcels[: len(ready)]
        return b"".join(ready)


class World:
    def __init__(
        self,
        seed: int = 0,
        manners: Manners | None = None,
        settings: LineSettings | None = None,
        adopt: Adopted | None = None,
        worst_delay: float = 0.02,
        plugged: bool = True,
    ) -> None:
        self.dice = random.Random(seed)
        self.now = 1000.0
        self.settings = settings or LineSettings(LineId("gsm1"))
        self.modem = Persona(manners or Manners(), self.dice)
        names = count(1)
        self.new_leg = lambda: LegId(f"in-{next(names)}")
        self.line = GsmLine(self.settings, Sim7600(), self.new_leg, adopt)
        self.to_modem, self.to_line = Wire(self.dice, worst_delay), Wire(self.dice, worst_delay)
        self.posted: list[Posted] = []
        self.times: list[float] = []
        self.written = b""
        self.outcomes: list[Outcome] = []
        self.plugged = False
        self.open = False
        self.open_at: float | None = self.now
        self.back_at: float | None = None
        self.actions: list[tuple[float, Callable[[], None]]] = []
        if plugged:
            self.plug()

    # ---- time

    def run(self, seconds: float) -> World:
        until = self.now + seconds
        for _ in range(STEPS):
            at = self._next()
            if at is None or at > until:
                self.now = until
                return self
            self.now = max(self.now, at)
            self._step()
        raise AssertionError("the world does not come to rest")

    def until(self, said: Callable[[World], bool], limit: float = 120.0) -> World:
        end = self.now + limit
        for _ in range(STEPS):
            if said(self):
                return self
            at = self._next()
            assert at is not None, "nothing will ever happen"
            assert at <= end, f"did not happen in time; posted: {self.posted[-6:]}"
            self.now = max(self.now, at)
            self._step()
        raise AssertionError("the world does not come to rest")

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self.actions.append((self.now + seconds, action))
        self.actions.sort(key=lambda entry: entry[0])

    def _next(self) -> float | None:
        moments = [self.to_modem.next(), self.to_line.next(), self.open_at, self.back_at]
        moments += [self.line.next_deadline(), self.modem.next_deadline() if self.plugged else None]
        moments += [self.actions[0][0]] if self.actions else []
        return min((moment for moment in moments if moment is not None), default=None)

    def _step(self) -> None:
        if self.back_at is not None and self.now >= self.back_at:
            self.plug()
        if self.open_at is not None and self.now >= self.open_at:
            self._try_open()
        if self.actions and self.now >= self.actions[0][0]:
            self.actions.pop(0)[1]()
        if data := self.to_modem.due(self.now):
            self.modem_does(self.modem.receive(data, self.now))
        if data := self.to_line.due(self.now):
            self.line_does(self.line.receive(data, self.now))
        if self.plugged and _due(self.modem.next_deadline(), self.now):
            self.modem_does(self.modem.tick(self.now))
        if _due(self.line.next_deadline(), self.now):
            self.line_does(self.line.tick(self.now))

    # ---- the plug and the driver

    def plug(self) -> None:
        self.plugged, self.back_at = True, None
        if self.open_at is not None:  # the driver sees it come back, however long it meant to rest
            self.open_at = min(self.open_at, self.now + RETRY)
        self.modem_does(self.modem.boot(self.now))

    def unplug(self, seconds: float | None = None) -> None:
        """The modem's ports vanish, for good or for a while."""
        self.plugged = False
        self.back_at = None if seconds is None else self.now + seconds
        self.to_modem.parcels.clear()
        self.to_line.parcels.clear()
        if self.open:
            self.open = False
            self.open_at = self.now + RETRY
            self.line_does(self.line.lost("modem unplugged", self.now))

    def pull(self, seconds: float | None = None) -> None:
        self.modem_does(self.modem.vanish(self.now))
        self.unplug(seconds)

    def _try_open(self) -> None:
        if self.plugged:
            self.open, self.open_at = True, None
            self.to_line.parcels.clear()
            self.line_does(self.line.opened(self.now, "/dev/sound"))
        else:
            self.open_at = self.now + RETRY
            self.line_does(self.line.lost("the modem is not plugged in", self.now))

    # ---- what follows

    def line_does(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case WriteBytes(data=data):
                    self.written += data
                    if self.open and self.plugged:
                        self.to_modem.send(data, self.now)
                case Reopen(after=after):
                    self.open, self.open_at = False, self.now + after
                    self.to_line.parcels.clear()
                case _:
                    self.posted.append(effect)
                    self.times.append(self.now)

    def modem_does(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self.outcomes.append(outcome)
            match outcome:
                case Said(data=data):
                    if self.open:
                        self.to_line.send(data, self.now)
                case Gone(seconds=seconds):
                    self.unplug(seconds)
                case _:
                    pass

    # ---- orders

    def ring(self, number: str = "+355672000001") -> None:
        self.modem_does(self.modem.ring(number, self.now))

    def far_answers(self) -> None:
        self.modem_does(self.modem.answer(self.now))

    def far_hangs_up(self, word: str = "NO CARRIER") -> None:
        self.modem_does(self.modem.hang_up(self.now, word))

    def presses(self, key: str) -> None:
        self.modem_does(self.modem.press(key, self.now))

    def answer(self, leg: LegId) -> None:
        self.line_does(self.line.answer(leg, self.now))

    def hang_up(self, leg: LegId) -> None:
        self.line_does(self.line.hang_up(leg, self.now))

    def dial(self, leg: str, number: str) -> LegId:
        self.line_does(self.line.dial(LegId(leg), number, self.now))
        return LegId(leg)

    # ---- what was seen

    def all(self, kind: type[Posted]) -> list[Posted]:
        return [one for one in self.posted if isinstance(one, kind)]

    def has(self, kind: type[Posted]) -> Callable[[World], bool]:
        seen = len(self.all(kind))
        return lambda world: len(world.all(kind)) > seen

    def calls(self) -> list[Posted]:
        """Everything about calls, without the line's health."""
        return [one for one in self.posted if not isinstance(one, LineChanged)]

    @property
    def health(self) -> LineChanged:
        return [one for one in self.posted if isinstance(one, LineChanged)][-1]

    @property
    def up(self) -> bool:
        return any(isinstance(one, LineChanged) for one in self.posted) and self.health.state is LineState.UP

    def until_up(self) -> World:
        return self.until(lambda world: world.up)

    def wanted(self) -> list[SoundWanted]:
        return [one for one in self.posted if isinstance(one, SoundWanted)]

    def ended(self) -> list[LegEnded]:
        return [one for one in self.posted if isinstance(one, LegEnded)]


def _due(deadline: float | None, now: float) -> bool:
    return deadline is not None and deadline <= now


__all__ = ["KeyTone", "SoundOff", "SoundOn", "Wire", "World"]
