"""What the parts of the virtual modem share: its instant, its agenda, its settings, and what comes of it all."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from appliance.lines.virtual.agenda import Agenda
from appliance.lines.virtual.manners import Manners

Fault = Literal["none", "error", "silent", "hang", "network"]


class NotNow(ValueError):
    """The far end or the network cannot do that now; says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """Bytes for the AT port."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """The modem restarts: its ports are gone, and it wants `boot` when they are back, after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SoundOn:
    """PCM flows from now on."""

    wide: bool
    degraded: bool


@dataclass(frozen=True, slots=True)
class SoundOff:
    """PCM has stopped."""


@dataclass(frozen=True, slots=True)
class KeyTone:
    """The far end presses a key, to be heard in the sound."""

    key: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something a person watching the modem would like to see."""

    words: str


Outcome = Said | Gone | SoundOn | SoundOff | KeyTone | Noted


@dataclass(slots=True)
class Settings:
    """What commands set and a restart forgets."""

    echo: bool = True
    numeric_errors: bool = False
    show_caller: bool = False
    say_cring: bool = False
    circuit_news: int = 0
    packet_news: int = 0
    call_states: bool = False
    hear_keys: bool = False
    wide: bool = False


class Inside:
    """The modem's insides."""

    def __init__(self, manners: Manners, dice: random.Random) -> None:
        self.manners = manners
        self.dice = dice
        self.now = 0.0
        self.settings = Settings()
        self.fault: Fault = "none"
        self.agenda = Agenda()
        self._out: list[Outcome] = []

    def say(self, *lines: str) -> None:
        """Whole lines on the AT port, each in CR LF, never cut by another's."""
        self.write("".join(f"\r\n{line}\r\n" for line in lines).encode("ascii", "replace"))

    def write(self, data: bytes) -> None:
        if self.fault not in {"silent", "hang"}:
            self._out.append(Said(data))

    def refuse(self, code: int) -> None:
        """An error of the mobile equipment, by number when the box asked for numbers."""
        self.say(f"+CME ERROR: {code}" if self.settings.numeric_errors else "ERROR")

    def note(self, words: str) -> None:
        self._out.append(Noted(words))

    def add(self, outcome: Outcome) -> None:
        self._out.append(outcome)

    def later(self, seconds: float, kind: str, action: Callable[[], None]) -> None:
        self.agenda.put(self.now + seconds, kind, action)

    def done(self) -> list[Outcome]:
        out, self._out = self._out, []
        return out
