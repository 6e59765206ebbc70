"""Joins the switchboard to the rooms with muscles: its commands go to whoever can do them, their events come back to it.

A call on a modem has two halves: the line dials, answers and hangs up, the engine has its sound. Toward the switchboard
they are one leg: it is up when the engine has the sound, and gone when the line says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from appliance.calls import commands, events
from appliance.calls.commands import Command
from appliance.calls.engine import CallDevice, CallTrunk, OpenSound, PlayFiles, SoundNoted
from appliance.calls.events import Event
from appliance.calls.names import Cause, LegId, LineId
from appliance.calls.prompt import Prompt
from appliance.lines.effects import Posted, SoundOver, SoundWanted
from firmware_hooks.board import Panel

log = logging.getLogger("qendra.desk")


class Engine(Protocol):
    """The way to the engine."""

    @property
    def up(self) -> bool:
        """It is there."""

    def send(self, message: object) -> None:
        """Tell it, if it is there."""


class Line(Protocol):
    """One line's driver."""

    def answer(self, leg: LegId) -> None:
        """Take the call that rings."""

    def dial(self, leg: LegId, number: str) -> None:
        """Call a number."""

    def hang_up(self, leg: LegId, cause: Cause = Cause.NORMAL, detail: str = "") -> None:
        """End the call; LegEnded with this cause follows, unless one has been said already."""

    def send_keys(self, leg: LegId, keys: str) -> None:
        """Press keys toward the far end."""

    def sound_trouble(self, leg: LegId) -> None:
        """The sound of this leg is not right."""


class Ways(Protocol):
    """Whoever knows the telephones and the providers, which are the engine's to call."""

    def to_phone(self, command: commands.DialPhone) -> CallDevice:
        """The call, with what is known of the telephone."""

    def to_provider(self, command: commands.DialLine) -> CallTrunk | None:
        """The call in the provider's words; None when the line is no provider."""

    def from_provider(self, event: events.LineRang) -> events.LineRang:
        """A call in with its numbers as we write them."""

    def show(self, command: commands.ShowWatched | commands.ShowMessages) -> None:
        """On telephones that watch."""


class Voice(Protocol):
    """Whoever turns prompts into files."""

    def cached(self, prompts: tuple[Prompt, ...]) -> tuple[str, ...] | None:
        """The files, when all of them are there."""

    async def files(self, prompts: tuple[Prompt, ...]) -> tuple[str, ...]:
        """The files, made when they were not there."""


@dataclass(slots=True)
class _Halves:
    """A leg on a line: forgotten when the line has said its last word and the engine has no sound of it any more."""

    line: LineId
    sound: bool = False
    """The engine has its sound port, or was asked to open it."""
    over: bool = False


class Wiring:
    """Commands out, events in. `post` takes events to the switchboard, with the monotonic second they happened at."""

    def __init__(
        self, engine: Engine, voice: Voice, panel: Panel, ways: Ways, post: Callable[[Event, float | None], None]
    ) -> None:
        self._engine = engine
        self._ways = ways
        self._voice = voice
        self._panel = panel
        self._post = post
        self.lines: dict[LineId, Line] = {}
        self.sound: dict[LineId, SoundNoted] = {}
        """How each line's sound fared last."""
        self._on_line: dict[LegId, _Halves] = {}
        self._speaking: dict[LegId, int] = {}
        """What each leg should be hearing now: a prompt that is ready too late is not played."""
        self._making: set[asyncio.Task[None]] = set()

    def adopt(self, leg: LegId, line: LineId) -> None:
        """After a restart: this leg lives on this line, and the engine has its sound."""
        self._on_line[leg] = _Halves(line, sound=True)

    # ---- commands

    def obey(self, command: Command) -> None:
        """Have it done."""
        match command:
            case commands.DialPhone():
                self._engine.send(self._ways.to_phone(command))
            case commands.DialLine():
                self._dial_line(command)
            case commands.Answer(leg=leg) if line := self._line_of(leg):
                line.answer(leg)
            case commands.SendKeys(leg=leg, keys=keys) if line := self._line_of(leg):
                line.send_keys(leg, keys)
            case commands.Hangup(leg=leg):
                self._hang_up(command)
            case commands.Ring(leg=leg) if leg in self._on_line:
                pass  # the network has told the caller already
            case commands.Play():
                self._play(command)
            case commands.StopPlaying(leg=leg):
                self._speaking.pop(leg, None)
                self._engine.send(command)
            case commands.Bridge(one=one, other=other):
                self._speaking.pop(one, None)
                self._speaking.pop(other, None)
                self._engine.send(command)
            case commands.ShowWatched() | commands.ShowMessages():
                self._ways.show(command)
            case commands.ShowLamp() | commands.ShowEncrypted() | commands.Buzz():
                self._panel.handle(command)
            case _:
                self._engine.send(command)

    def _line_of(self, leg: LegId) -> Line | None:
        halves = self._on_line.get(leg)
        return None if halves is None else self.lines.get(halves.line)

    def _dial_line(self, command: commands.DialLine) -> None:
        leg, name = command.leg, command.line
        if over_provider := self._ways.to_provider(command):
            self._engine.send(over_provider)
            return
        line = self.lines.get(name)
        if line is None:
            self._post(events.LegEnded(leg, Cause.UNREACHABLE, f"there is no line {name}"), None)
            return
        self._on_line[leg] = _Halves(name)
        line.dial(leg, command.number)

    def _hang_up(self, command: commands.Hangup) -> None:
        leg = command.leg
        self._speaking.pop(leg, None)
        halves = self._on_line.get(leg)
        if halves is None or halves.sound:
            self._engine.send(command)
        if line := self._line_of(leg):
            line.hang_up(leg, command.cause)

    def _play(self, command: commands.Play) -> None:
        self._speaking[command.leg] = command.playing
        files = self._voice.cached(command.prompts)
        if files is not None:
            self._engine.send(PlayFiles(command.leg, command.playing, files, command.loop))
            return
        making = asyncio.ensure_future(self._make_and_play(command))
        self._making.add(making)
        making.add_done_callback(self._making.discard)

    async def _make_and_play(self, command: commands.Play) -> None:
        files = await self._voice.files(command.prompts)
        if self._speaking.get(command.leg) == command.playing:
            self._engine.send(PlayFiles(command.leg, command.playing, files, command.loop))

    # ---- events

    def engine_said(self, message: Event | SoundNoted, at: float) -> None:
        """The engine reports. What it says of a line's leg is half the truth."""
        match message:
            case SoundNoted():
                self._sound_noted(message)
            case events.LineRang():
                self._post(self._ways.from_provider(message), at)
            case events.LegEnded(leg=leg) if leg in self._on_line:
                self._sound_ended(message)
            case events.LegEnded(leg=leg):
                self._speaking.pop(leg, None)
                self._post(message, at)
            case events.Played(leg=leg, playing=playing):
                if self._speaking.get(leg) == playing:
                    del self._speaking[leg]
                self._post(message, at)
            case _:
                self._post(message, at)

    def _sound_ended(self, ended: events.LegEnded) -> None:
        """The engine has let go of a line's sound: because we wanted it, or because it broke."""
        halves = self._on_line[ended.leg]
        halves.sound = False
        if halves.over:
            del self._on_line[ended.leg]
        elif line := self._line_of(ended.leg):
            line.hang_up(ended.leg, ended.cause, ended.detail)

    def _sound_noted(self, noted: SoundNoted) -> None:
        halves = self._on_line.get(noted.leg)
        if halves is not None:
            self.sound[halves.line] = noted
        if noted.words and (line := self._line_of(noted.leg)):
            line.sound_trouble(noted.leg)
        log.info(
            "sound of %s: %s (received %d, sent %d bytes, %d slips, %d lost)",
            halves.line if halves else noted.leg,
            noted.words or "well",
            noted.received,
            noted.sent,
            noted.slips,
            noted.lost,
        )

    def engine_lost(self) -> None:
        """The engine has gone, and all sound with it."""
        self._speaking.clear()
        for leg, halves in list(self._on_line.items()):
            halves.sound = False
            if halves.over:
                del self._on_line[leg]

    def line_said(self, line: LineId, some: Sequence[Posted]) -> None:
        """A line reports, in order."""
        for posted in some:
            self._line_said(line, posted)

    def _line_said(self, line: LineId, posted: Posted) -> None:
        match posted:
            case SoundWanted():
                self._open_sound(posted)
            case SoundOver(leg=leg):
                if leg in self._on_line and self._on_line[leg].sound:
                    self._engine.send(commands.Hangup(leg))
            case events.LineRang(leg=leg):
                self._on_line[leg] = _Halves(line)
                self._post(posted, None)
            case events.LegEnded():
                self._call_ended(posted)
            case _:
                self._post(posted, None)

    def _open_sound(self, wanted: SoundWanted) -> None:
        if self._engine.up and wanted.leg in self._on_line:
            self._on_line[wanted.leg].sound = True
            self._engine.send(OpenSound(wanted.leg, wanted.device, wanted.rate, wanted.keys_by_sound))
        elif line := self._line_of(wanted.leg):
            line.hang_up(wanted.leg, Cause.FAULT, "the sound engine is away")

    def _call_ended(self, ended: events.LegEnded) -> None:
        """The line's last word about a leg. What the engine has to say about its sound may still come."""
        leg = ended.leg
        self._speaking.pop(leg, None)
        if halves := self._on_line.get(leg):
            halves.over = True
            if halves.sound:
                self._engine.send(commands.Hangup(leg))
            else:
                del self._on_line[leg]
        self._post(ended, None)
