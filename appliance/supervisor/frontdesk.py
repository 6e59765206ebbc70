"""Everything of the desk that lives while its process does: the switchboard in the middle, the rooms around it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from appliance.callflow.hours import local
from appliance.calls import commands, events, facts
from appliance.calls.events import Event
from appliance.calls.facts import Fact
from appliance.calls.moment import Moment
from appliance.calls.names import LegId, LineId, TaskId
from appliance.calls.prompt import Say
from appliance.prompts.fault import PromptFault
from appliance.prompts.library import Prompts
from appliance.supervisor import clock
from appliance.supervisor.alarms import Alarms, cap_alarms, line_alarms, reach_alarm
from appliance.supervisor.answers import Answers
from appliance.supervisor.archivist import Archivist
from appliance.supervisor.books import Books
from appliance.supervisor.frontdoor import FrontDoor
from appliance.supervisor.links import Link
from appliance.supervisor.numbers import canonical_in, kind_in
from appliance.supervisor.sayings import languages_in_use, texts
from appliance.supervisor.trunks import providers
from appliance.supervisor.wiring import Wiring
from appliance.switchboard.asks import WEB_SAYS
from appliance.switchboard.live import live
from appliance.switchboard.settings import Settings
from appliance.switchboard.switchboard import Switchboard
from appliance.switchboard.table import Output
from appliance.wire.peer import Peer, serve
from appliance.wire.seams import EDGE, ENGINE, WEB
from firmware_hooks.board import Panel

log = logging.getLogger("qendra.desk")

LIVE_PAUSE = 0.1
"""Seconds between two pictures for the page: ten a second at most."""


LIFE_PAUSE = 10.0
"""Seconds between two signs of life in the journal, while there are calls."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where telephones find the box."""

    host: str
    port: int
    tls_port: int = 0
    """For those that call encrypted; 0: none can."""


class FrontDesk:
    """One event loop owns it all; nothing in it waits for a disk."""

    def __init__(self, books: Books, prompts: Prompts, panel: Panel, run: Path, address: Address) -> None:
        self._books = books
        self._prompts = prompts
        self._run = run
        self._address = address
        self._alarms = Alarms()
        self.door = FrontDoor(books.firm(), books.secrets, self._alarms, self)
        self._engine = Link(ENGINE, run / "engine.sock", self._engine_said, self.door.engine_met, self._engine_lost)
        self._edge = Link(EDGE, run / "edge.sock", self.door.said, self.door.met, self.door.lost)
        self.wiring = Wiring(self._engine, prompts, panel, self.door, self.post)
        self._archivist = Archivist(books.calls, books.tasks)
        self._answers = Answers(self, self.door, books.settings, books.accounts, books.secrets, books.edge)
        self._to_do: deque[Output] = deque()
        self._dealing = False
        self._pages: set[Peer] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waking: asyncio.TimerHandle | None = None
        self._drawing: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._board = self._take_up()
        books.troubled = lambda: self._loop.call_soon_threadsafe(self._draw_later)

    def _take_up(self) -> Switchboard:
        """The switchboard as the journal left it."""
        now, settings = clock.now(), self._books.firm()
        zone = ZoneInfo(settings.timezone)
        word, count = secrets.token_hex(3), iter(range(1, 1 << 62))
        board = Switchboard(
            settings,
            zone,
            lambda prefix: f"{prefix}-{word}-{next(count)}",
            canonical_in(settings.country),
            kind_in(settings.country),
            now,
        )
        replay = self._books.take_replay()
        self._archivist.resume(replay.head, replay.facts)
        self.door.book.restore((*replay.head, *replay.facts))
        for fact in (*replay.head, *replay.facts):
            self._alarms.take(fact)
        outputs = board.restore((*replay.head, *replay.facts), now)
        board.count_talks(self._books.talks_since_midnight(zone, now), now)
        for line, (leg, _) in board.line_legs().items():
            self.wiring.adopt(leg, line)
        self._loop.call_soon(lambda: self._deal(outputs))
        self._loop.call_soon(self.door.begin)
        return board

    async def live(self) -> None:
        """Run until cancelled."""
        server = await serve(WEB, self._run / "desk.sock", lambda: clock.now().mono, self._meet_page)
        self._warm(self._books.firm())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._engine.keep())
            group.create_task(self._edge.keep())
            group.create_task(self._keep_house())
            group.create_task(self._show_life())
            group.create_task(server.serve_forever())

    def adopted(self, line: LineId) -> tuple[LegId, str] | None:
        """The leg and number this line had before a restart."""
        return self._board.line_legs().get(line)

    # ---- events in, outputs out

    def post(self, event: Event, at: float | None = None) -> None:
        """Give the switchboard an event, which happened now or at an earlier monotonic second."""
        now = clock.now() if at is None else clock.moment_of(at)
        self._deal(self._board.handle(event, now))

    def _deal(self, outputs: Iterable[Output]) -> None:
        """Have all of it done: first what somebody waits for, then what is written down, each in its order.

        What a command brings about at once waits until all before it is done.
        """
        self._to_do.extend(sorted(outputs, key=lambda output: isinstance(output, Fact)))
        if self._dealing:
            return
        self._dealing = True
        try:
            while self._to_do:
                output = self._to_do.popleft()
                if isinstance(output, Fact):
                    self.note(output)
                else:
                    self.wiring.obey(output)
        finally:
            self._dealing = False
        self._wake_later()
        self._draw_later()

    def note(self, fact: Fact) -> None:
        """Put it on record."""
        self._books.journal.append(fact)
        self._alarms.take(fact)
        self._archivist.take(fact)

    def _wake_later(self) -> None:
        if self._waking is not None:
            self._waking.cancel()
        deadline = self._board.next_deadline()
        self._waking = None if deadline is None else self._loop.call_at(deadline, self._wake)

    def _wake(self) -> None:
        self._deal(self._board.tick(clock.now()))

    # ---- engine and edge

    def _engine_said(self, message: object, at: float) -> None:
        self.wiring.engine_said(message, at)  # type: ignore[arg-type]  # the seam has no other words

    def _engine_lost(self) -> None:
        self.wiring.engine_lost()
        self.post(events.EngineDown())

    def tell_engine(self, message: object) -> None:
        """The engine, if it is there."""
        self._engine.send(message)

    @property
    def edge_up(self) -> bool:
        """The front door is there."""
        return self._edge.up

    def tell_edge(self, message: object) -> None:
        """The front door, if it is there."""
        self._edge.send(message)

    def watched(self) -> Iterable[commands.ShowWatched | commands.ShowMessages]:
        """All that can be watched, as it is now."""
        return self._board.watched()

    def look_again(self) -> None:
        """The page has something new to show."""
        self._draw_later()

    # ---- the page

    async def _meet_page(self, peer: Peer) -> None:
        self._pages.add(peer)
        peer.send(self._picture(), clock.now().mono)
        try:
            await peer.listen(lambda ask, _: self._hear(peer, ask))
        finally:
            self._pages.discard(peer)

    def _hear(self, peer: Peer, ask: object) -> None:
        if not isinstance(ask, WEB_SAYS):
            return
        answering = asyncio.ensure_future(self._answer(peer, ask))
        self._tasks.add(answering)
        answering.add_done_callback(self._tasks.discard)

    async def _answer(self, peer: Peer, ask: object) -> None:
        answer = await self._answers.answer(ask)  # type: ignore[arg-type]  # WEB_SAYS are all asks
        peer.send(answer, clock.now().mono)

    def _picture(self) -> object:
        now, zone = clock.now(), self._board.zone
        picture = live(self._board, now)
        known = providers(self._board.settings)
        trouble = (
            *self._books.troubles,
            *self._alarms.words(now, zone),
            *line_alarms((line for line in picture.lines if line.name in known), now, zone),
            *cap_alarms(picture.lines),
            *reach_alarm(self.door.reached),
            *self._answers.certificates.alarm(now),
        )
        return replace(picture, trouble=trouble)

    def _draw_later(self) -> None:
        if self._drawing is None:
            self._drawing = self._loop.call_later(LIVE_PAUSE, self._draw)

    def _draw(self) -> None:
        self._drawing = None
        if self._pages:
            picture, at = self._picture(), clock.now().mono
            for page in self._pages:
                page.send(picture, at)

    # ---- what the page asks for (answers.Office)

    def apply(self, settings: Settings) -> None:
        """Put these in force for the next call."""
        self._board.write_numbers(canonical_in(settings.country), kind_in(settings.country))
        self._deal(self._board.configure(settings, ZoneInfo(settings.timezone), clock.now()))
        self.door.apply(settings)
        with contextlib.suppress(PromptFault):
            self._prompts.use(settings.language, settings.country)
        self._warm(settings)

    def ask_operator(self, asked: events.OperatorAsked) -> None:
        """An operator wants something."""
        self.post(asked)

    def close_task(self, task: TaskId, who: str, note: str) -> bool:
        """Close it; False when there is no such open task."""
        outputs = self._board.close_task(task, who, note, clock.now())
        self._deal(outputs)
        return bool(outputs)

    def owner_changed(self, who: str, what: str, version: int) -> None:
        """Put it in the journal."""
        self.note(facts.OwnerChanged(clock.now(), who, what, version))

    def owner_is_there(self) -> None:
        """The one-time link is not wanted any more."""
        (self._run / "owner-link").unlink(missing_ok=True)

    async def speak(self, say: Say) -> str:
        """The path of a sound file.

        Raises:
            PromptFault: it could not be made.
        """
        return str(await self._prompts.sound(say))

    def address(self) -> tuple[str, int, int]:
        """Where telephones find the box: host, port, and the port for encrypted ones (0: there is none)."""
        return self._address.host, self._address.port, self._address.tls_port

    def _warm(self, settings: Settings) -> None:
        """Make every sentence of the flow before somebody has to wait for it."""
        self._prompts.warm((*texts(settings), *self._prompts.standing(languages_in_use(settings))))

    # ---- housekeeping

    async def _keep_house(self) -> None:
        """A new journal at start and every day; shelves made durable, and compacted in the night."""
        day = ""
        while True:
            now = clock.now()
            today = f"{local(now.utc, self._board.zone):%Y-%m-%d}"
            if today != day:
                day = await self._turn_over(now, today)
            await self._rest()
            await asyncio.to_thread(self._books.flush)
            await asyncio.to_thread(self._answers.certificates.look)

    async def _rest(self) -> None:
        """A minute; while the disk is full only some seconds, for whoever makes room wants to see that it helped."""
        for _ in range(20):
            await asyncio.sleep(3)
            if self._books.troubles:
                return

    async def _show_life(self) -> None:
        """While there are calls, write now and then that we are here: that is when they ended, if the power goes."""
        while True:
            await asyncio.sleep(LIFE_PAUSE)
            if self._board.calls:
                self.note(facts.StillHere(clock.now()))
            self._draw_later()  # some words for the page come with time alone

    async def _turn_over(self, now: Moment, today: str) -> str:
        """Begin a new journal; "" when the shelves could not be made safe, and the old one has to stay in force."""
        if not await asyncio.to_thread(self._books.flush):
            return ""
        self._books.journal.rotate((*self.door.book.carried(now), *self._board.carried(now)), now)
        await asyncio.to_thread(self._books.tidy)
        self._books.forget_passwords(await asyncio.to_thread(self._books.lines_for_ever_gone))
        return today
