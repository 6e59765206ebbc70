"""The desk as it lives, with real books, real seams and pins in software; the engine and the edge are the test's."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from appliance.calls import commands, events, facts
from appliance.calls.edge import (
    Accounts,
    Ban,
    Bans,
    Device,
    Lamp,
    Reach,
    Reached,
    Refusal,
    Refused,
    Registered,
    TrunkIs,
    Trunks,
)
from appliance.calls.engine import CallDevice, CallTrunk, PlayFiles, TrunkAccounts
from appliance.calls.lookup import CallQuery
from appliance.calls.names import Cause, Extension, LegId, LineId
from appliance.prompts.library import Prompts, PromptSettings
from appliance.supervisor import clock
from appliance.supervisor.books import Books
from appliance.supervisor.examine_desk import desk
from appliance.supervisor.frontdesk import Address, FrontDesk
from appliance.supervisor.site import Site
from appliance.switchboard.settings import LineOptions, NumberFormat, NumberRoute, Provider, Settings
from appliance.switchboard.views import Live, LiveLine
from appliance.wire.blocking import BlockingServer
from appliance.wire.peer import Peer, connect, serve
from appliance.wire.seams import EDGE, ENGINE, WEB
from firmware_hooks.board import LampSettings
from firmware_hooks.pins import GpioPanel, mock_pins
from tests.switchboard.office import firm

ANA = Extension("101")
CALLER, PHONE = LegId("phone-1"), LegId("")


class House:
    """A desk with everything around it for the length of one story."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.settings = settings
        (folder / "run").mkdir(exist_ok=True)
        self.folder = folder
        self.heard: list[Any] = []
        self.told: list[Any] = []
        """What the edge was told."""
        self.pictures: list[Live] = []
        self.pins = mock_pins()
        self._edge_peer: Peer | None = None

    async def open(self) -> None:
        run = self.folder / "run"
        self.engine = BlockingServer(ENGINE, run / "engine.sock", time.monotonic, self.heard.append, events.EngineUp)
        self.edge = await serve(EDGE, run / "edge.sock", time.monotonic, self._edge_met)
        self.books = Books(self.folder, clock.now())
        self.books.take_site(self.site(), clock.now())
        self.panel = GpioPanel(LampSettings(((ANA, 22),), buzzer=17), self.pins, lambda _: None)
        self.prompts = Prompts(PromptSettings(self.folder / "speech"))
        self.desk = FrontDesk(self.books, self.prompts, self.panel, run, Address("127.0.0.1", 5060))
        self._living = asyncio.create_task(self.desk.live())
        await self.until(lambda: bool(self.told))
        page = await connect(WEB, run / "desk.sock", time.monotonic())
        self._looking = asyncio.create_task(page.listen(self._seen))
        await self.until(lambda: bool(self.pictures) and self.pictures[-1].sound_up)

    async def close(self) -> None:
        for task in (self._living, self._looking):
            task.cancel()
        await asyncio.gather(self._living, self._looking, return_exceptions=True)
        await self.prompts.close()
        self.panel.close()
        self.books.close()
        self.engine.close()
        self.edge.close()
        await asyncio.sleep(0.05)

    async def _edge_met(self, peer: Peer) -> None:
        self._edge_peer = peer
        await peer.listen(lambda message, _: self.told.append(message))

    def _seen(self, message: Any, _: float) -> None:
        if isinstance(message, Live):
            self.pictures.append(message)

    def forget_edge(self) -> None:
        """The edge dies and is there again at once."""
        assert self._edge_peer is not None
        self._edge_peer.close()

    def edge_says(self, message: object) -> None:
        assert self._edge_peer is not None
        self._edge_peer.send(message, time.monotonic())

    async def until(self, true: Callable[[], bool], patience: float = 5.0) -> None:
        deadline = time.monotonic() + patience
        while not true():
            assert time.monotonic() < deadline, f"waited in vain; the engine has heard {self.heard}"
            await asyncio.sleep(0.005)

    async def hear(self, kind: type[Any]) -> Any:
        """The latest of this kind that the engine was told; waits for one."""
        await self.until(lambda: any(isinstance(message, kind) for message in self.heard))
        return self.heard_of(kind)

    def site(self) -> Site:
        providers = {line.name: "made-up" for line in self.settings.lines if line.provider}
        return Site(self.settings, passwords={ANA: "made-up-password"}, line_passwords=providers, digest="one")

    def heard_of(self, kind: type[Any]) -> Any:
        """The latest of this kind that the engine was told."""
        return next(message for message in reversed(self.heard) if isinstance(message, kind))

    async def told_of(self, kind: type[Any]) -> Any:
        """The latest of this kind that the edge was told; waits for one."""
        await self.until(lambda: any(isinstance(message, kind) for message in self.told))
        return next(message for message in reversed(self.told) if isinstance(message, kind))

    def line(self) -> LiveLine:
        return self.pictures[-1].lines[0]

    def lit(self, pin: int) -> bool:
        return bool(self.pins.pin(pin).state)


def play(folder: Path, story: Callable[[House], Coroutine[Any, Any, None]], settings: Settings | None = None) -> None:
    async def whole() -> None:
        house = House(folder, settings or firm())
        await house.open()
        try:
            await story(house)
        finally:
            await house.close()

    asyncio.run(asyncio.wait_for(whole(), 30))


async def caller_of_the_queue(house: House) -> LegId:
    """Besim's telephone calls the queue; Ana's rings. The leg that rings."""
    house.edge_says(Registered(ANA, (Device("desk", "udp 127.0.0.1:5062"),)))
    await house.until(lambda: any(one.phones == 1 for one in house.pictures[-1].operators))
    house.engine.send(events.PhoneRang(CALLER, Extension("102"), "700"))
    await house.hear(commands.Answer)
    house.engine.send(events.LegAnswered(CALLER))
    dial = await house.hear(CallDevice)
    assert (dial.extension, dial.device, dial.caller) == (ANA, "desk", "102")
    return LegId(dial.leg)


def test_a_call_through_the_queue_with_lamp_and_buzzer_on_their_pins(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        accounts = house.told[0]
        assert isinstance(accounts, Accounts)
        assert [account.extension for account in accounts.accounts] == [ANA]
        phone = await caller_of_the_queue(house)
        prompt = await house.hear(PlayFiles)
        assert [file.rpartition(".")[2] for file in prompt.files] == ["wav"]
        await house.until(lambda: house.lit(17))
        assert house.panel.state()[ANA] == "ringing"
        house.engine.send(events.LegAnswered(phone))
        assert (await house.hear(commands.Bridge)) == commands.Bridge(CALLER, phone)
        await house.until(lambda: house.lit(22) and not house.lit(17))
        record = await house.hear(commands.Record)
        await house.until(lambda: [call.stage for call in house.pictures[-1].calls] == ["talking"])
        house.engine.send(events.LegEnded(CALLER, Cause.NORMAL))
        await house.hear(commands.StopRecording)
        house.engine.send(events.LegEnded(phone, Cause.NORMAL))
        house.engine.send(events.RecordingEnded(record.call, 1.5))
        await house.until(lambda: not house.pictures[-1].calls)
        await house.until(lambda: any(one.recorded for one in house.books.calls.search(CallQuery()).calls))
        (kept,) = house.books.calls.search(CallQuery()).calls
        assert (kept.operators, kept.recorded, kept.queue) == ((ANA,), 1.5, "office")
        assert house.pictures[-1].operators[0].calls_today == 1

    play(tmp_path, story)


def test_after_a_restart_the_talk_is_still_there_and_ends_as_one_record(tmp_path: Path) -> None:
    legs: list[LegId] = []

    async def before(house: House) -> None:
        phone = await caller_of_the_queue(house)
        house.engine.send(events.LegAnswered(phone))
        await house.hear(commands.Record)
        house.books.journal.flush()
        legs.extend((CALLER, phone))

    async def after(house: House) -> None:
        assert [call.stage for call in house.pictures[-1].calls] == ["talking"]
        for leg in legs:
            house.engine.send(events.LegEnded(leg, Cause.NORMAL))
        house.engine.send(events.RecordingEnded(house.pictures[-1].calls[0].call, 2.0))
        await house.until(lambda: bool(house.books.calls.search(CallQuery()).calls))
        await house.until(lambda: not house.pictures[-1].calls)
        (kept,) = house.books.calls.search(CallQuery()).calls
        assert kept.operators == (ANA,)
        assert [step.what for step in kept.steps].count("call_ended") == 1

    play(tmp_path, before)
    play(tmp_path, after)


def test_the_engine_dies_and_the_call_is_ended_by_us(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        phone = await caller_of_the_queue(house)
        house.engine.send(events.LegAnswered(phone))
        await house.hear(commands.Record)
        house.engine.close()
        await house.until(lambda: not house.pictures[-1].sound_up)
        (kept,) = house.books.calls.search(CallQuery()).calls
        assert (kept.cause, kept.cause_detail) == (Cause.FAULT, "the sound engine stopped")
        assert kept.recording_fault
        run = house.folder / "run"
        house.engine = BlockingServer(ENGINE, run / "engine.sock", time.monotonic, house.heard.append, events.EngineUp)
        await house.until(lambda: house.pictures[-1].sound_up)

    play(tmp_path, story)


def test_keys_that_watch_show_how_it_is_also_after_a_restart_of_either_side(tmp_path: Path) -> None:
    def lamps(house: House) -> dict[str, str]:
        return {lamp.extension: lamp.state.value for lamp in house.told if isinstance(lamp, Lamp)}

    async def before(house: House) -> None:
        await house.until(lambda: lamps(house) == {"101": "off", "102": "off", "103": "off", "700": "off"})
        phone = await caller_of_the_queue(house)
        await house.until(lambda: (lamps(house)["101"], lamps(house)["102"]) == ("ringing", "on"))
        house.engine.send(events.LegAnswered(phone))
        await house.until(lambda: lamps(house)["101"] == "on")
        house.told.clear()
        house.forget_edge()
        await house.until(lambda: lamps(house) == {"101": "on", "102": "on", "103": "off", "700": "off"})
        house.books.journal.flush()

    async def after(house: House) -> None:
        await house.until(lambda: lamps(house) == {"101": "on", "102": "on", "103": "off", "700": "off"})

    play(tmp_path, before)
    play(tmp_path, after)


def test_guessing_passwords_is_said_on_the_page_and_in_the_journal(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for extension in (101, 102, 103):
            house.edge_says(Refused(Refusal.WRONG_PASSWORD, "udp 203.0.113.9:5071", f"extension {extension}", 2))
        await house.until(lambda: bool(house.pictures[-1].trouble))
        assert house.pictures[-1].trouble == ("Somebody at 203.0.113.9 is guessing telephone passwords (6 times).",)

    play(tmp_path, story)
    books = Books(tmp_path, clock.now())
    replay = books.take_replay()
    refused = [fact for fact in (*replay.head, *replay.facts) if isinstance(fact, facts.PhoneRefused)]
    books.close()
    assert [fact.times for fact in refused] == [2, 2, 2]


def test_the_doctor_hears_from_the_desk_how_lines_and_door_are(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.edge_says(TrunkIs(TRUNK, up=False, words="no answer from 192.0.2.1"))
        house.edge_says(Reached(Reach.BAD, "office.example.com leads nowhere"))
        house.edge_says(Bans((Ban("203.0.113.9", "", 2e9, "guessing"), Ban("192.0.2.7", "101", 2e9, "mistyped"))))
        await house.until(lambda: house.line().state == "down" and bool(house.pictures[-1].trouble))
        found = await asyncio.to_thread(lambda: list(desk(house.folder / "run" / "desk.sock")))
        assert [(one.what, one.state.value) for one in found[:3]] == [
            ("Line trunk", "bad"),
            ("Front door", "good"),
            ("From outside", "bad"),
        ]
        assert found[0].words == "down: no answer from 192.0.2.1"
        assert found[1].words.startswith("addresses not heard: 1; telephones slowed for a wrong password: 1")
        assert {one.what for one in found[3:]} == {"Look at this"}

    line = LineOptions(TRUNK, "hours office", provider=Provider(domain="sip.example.com", user="f"))
    play(tmp_path, story, firm(lines=(line,)))
    (gone,) = desk(tmp_path / "run" / "desk.sock")
    assert (gone.what, gone.state.value) == ("Desk", "bad")


def test_a_new_journal_is_begun_at_start_and_the_old_one_is_not_needed(tmp_path: Path) -> None:
    async def nothing(house: House) -> None:
        await house.until(lambda: len(list((house.folder / "journal").glob("*.journal"))) > 1)

    play(tmp_path, nothing)


TRUNK = LineId("trunk")


def no_names(host: str, *_: object, **__: object) -> list[object]:
    pytest.fail(f"somebody waits for the DNS to say where {host} is")


def test_calls_over_a_provider_in_and_out_and_nobody_asks_for_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for asking in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        monkeypatch.setattr(socket, asking, no_names)

    async def story(house: House) -> None:
        await house.until(lambda: house.line().state == "starting")
        told = await house.told_of(Trunks)
        assert (told.trunks[0].domain, told.trunks[0].password) == ("sip.example.com", "made-up")
        house.edge_says(TrunkIs(TRUNK, up=True, words="registered", here="203.0.113.5", contact="sip:f@203.0.113.5"))
        await house.until(lambda: house.line().state == "up")
        await house.until(lambda: house.heard_of(TrunkAccounts).trunks[0].contact == "sip:f@203.0.113.5")

        house.engine.send(events.LineRang(LegId("in-1"), TRUNK, "355672000001", "35542345679"))
        await house.hear(commands.Answer)
        await house.until(lambda: [call.caller for call in house.pictures[-1].calls] == ["+355672000001"])
        house.engine.send(events.LegAnswered(LegId("in-1")))
        await house.until(lambda: house.pictures[-1].calls[0].place == "queue office")
        house.engine.send(events.LegEnded(LegId("in-1"), Cause.NORMAL))
        await house.until(lambda: not house.pictures[-1].calls)

        house.engine.send(events.PhoneRang(CALLER, ANA, "0672000001"))
        call = await house.hear(CallTrunk)
        assert (call.line, call.number, call.caller, call.here) == (
            TRUNK,
            "355672000001",
            "35542345678",
            "203.0.113.5",
        )
        house.engine.send(events.LegEnded(call.leg, Cause.BUSY, "486 Busy Here"))
        house.engine.send(events.LegEnded(CALLER, Cause.BUSY))
        await house.until(lambda: not house.pictures[-1].calls)

    provider = Provider(domain="sip.example.com", user="f", numbers_as=NumberFormat.DIGITS, main_number="+35542345678")
    enters = NumberRoute("+35542345679", "queue office")
    line = LineOptions(TRUNK, "hours office", answer_after_rings=1, numbers=(enters,), provider=provider)
    play(tmp_path, story, firm(lines=(line,)))
