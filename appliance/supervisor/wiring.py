"""Joins the switchboard to the rooms with muscles: its commands go to whoever can do them, their events come back to it.

A call on a modem has two halves: the line dials, answers and hangs up, the engine has its sound. Toward the switchboard
they are one leg: it is up when the engine has the sound, and gone when the line says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from appliance.calls import commands, events
from appliance.calls.commands import Command
from appliance.calls.engine import OpenSound, PlayFiles, SoundNoted
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


class Voice(Protocol):
    """Whoever turns prompts into files."""

    def cached(self, prompts: tuple[Prompt, ...]) -> tuple[str, ...] | None:
        """The files, when all of them are there."""

    async def files(self, prompts: tuple[Prompt, ...]) -> tuple[str, ...]:
        """The files, made when they were not there."""


class Wiring:
    """Commands out, events in. `post` takes events to the switchboard, with the monotonic second they happened at."""

    def __init__(self, engine: Engine, voice: Voice, panel: Panel, post: Callable[[Event, float | None], None]) -> None:
        self._engine = engine
        self._voice = voice
        self._panel = panel
        self._post = post
        self.lines: dict[LineId, Line] = {}
        self.sound: dict[LineId, SoundNoted] = {}
        """How each line's sound fared last."""
        self._on_line: dict[LegId, LineId] = {}
        self._with_sound: set[LegId] = set()
        """Legs of lines whose sound port the engine has, or was asked to open."""
        self._speaking: dict[LegId, int] = {}
        """What each leg should be hearing now: a prompt that is ready too late is not played."""
        self._making: set[asyncio.Task[None]] = set()

    def adopt(self, leg: LegId, line: LineId) -> None:
        """After a restart: this leg lives on this line, and the engine has its sound."""
        self._on_line[leg] = line
        self._with_sound.add(leg)

    # ---- commands

    def obey(self, command: Command) -> None:
        """Have it done."""
        match command:
            case commands.DialLine(leg=leg, line=name, number=number):
                self._dial_line(leg, name, number)
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
            case commands.ShowLamp() | commands.Buzz():
                self._panel.handle(command)
            case _:
                self._engine.send(command)

    def _line_of(self, leg: LegId) -> Line | None:
        name = self._on_line.get(leg)
        return None if name is None else self.lines.get(name)

    def _dial_line(self, leg: LegId, name: LineId, number: str) -> None:
        line = self.lines.get(name)
        if line is None:
            self._post(events.LegEnded(leg, Cause.UNREACHABLE, f"there is no line {name}"), None)
            return
        self._on_line[leg] = name
        line.dial(leg, number)

    def _hang_up(self, command: commands.Hangup) -> None:
        leg = command.leg
        self._speaking.pop(leg, None)
        if leg not in self._on_line:
            self._engine.send(command)
            return
        if leg in self._with_sound:
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
            case events.LegEnded(leg=leg) if leg in self._on_line:
                self._with_sound.discard(leg)
                if line := self._line_of(leg):
                    line.hang_up(leg, message.cause, message.detail)
            case events.LegEnded(leg=leg):
                self._speaking.pop(leg, None)
                self._post(message, at)
            case events.Played(leg=leg, playing=playing):
                if self._speaking.get(leg) == playing:
                    del self._speaking[leg]
                self._post(message, at)
            case _:
                self._post(message, at)

    def _sound_noted(self, noted: SoundNoted) -> None:
        name = self._on_line.get(noted.leg)
        if name is not None:
            self.sound[name] = noted
        if noted.words and (line := self._line_of(noted.leg)):
            line.sound_trouble(noted.leg)
        log.info(
            "sound of %s: %s (received %d, sent %d bytes, %d slips, %d lost)",
            name or noted.leg,
            noted.words or "well",
            noted.received,
            noted.sent,
            noted.slips,
            noted.lost,
        )

    def engine_lost(self) -> None:
        """The engine has gone, and all sound with it."""
        self._speaking.clear()
        self._with_sound.clear()

    def line_said(self, line: LineId, some: Sequence[Posted]) -> None:
        """A line reports, in order."""
        for posted in some:
            self._line_said(line, posted)

    def _line_said(self, line: LineId, posted: Posted) -> None:
        match posted:
            case SoundWanted(leg=leg, device=device, rate=rate, keys_by_sound=keys_by_sound):
                self._with_sound.add(leg)
                if self._engine.up:
                    self._engine.send(OpenSound(leg, device, rate, keys_by_sound))
                elif modem := self._line_of(leg):
                    modem.hang_up(leg, Cause.FAULT, "the sound engine is away")
            case SoundOver(leg=leg):
                if leg in self._with_sound:
                    self._with_sound.discard(leg)
                    self._engine.send(commands.Hangup(leg))
            case events.LineRang(leg=leg):
                self._on_line[leg] = line
                self._post(posted, None)
            case events.LegEnded(leg=leg):
                self._leg_of_line_ended(posted)
            case _:
                self._post(posted, None)

    def _leg_of_line_ended(self, ended: events.LegEnded) -> None:
        leg = ended.leg
        self._speaking.pop(leg, None)
        if leg in self._with_sound:
            self._with_sound.discard(leg)
            self._engine.send(commands.Hangup(leg))
        self._on_line.pop(leg, None)
        self._post(ended, None)
