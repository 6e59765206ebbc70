"""`./qendra demo`: callers and operators made of software, so that the page is alive.

They use the box as people do: operators have telephones that register and ring, callers dial in on the virtual lines,
listen, press keys, wait, talk and lose patience. Nothing in the box knows that they are not real.
"""

from __future__ import annotations

import argparse
import array
import asyncio
import contextlib
import logging
import secrets
import signal
import sys
import wave
from pathlib import Path
from random import Random

from appliance.calls.events import OperatorWish
from appliance.calls.facts import OperatorState
from appliance.calls.prompt import Say
from appliance.edge.virtual.desk_phone import DeskPhone, Noticed
from appliance.edge.virtual.telephone import Over, Rings, Talks
from appliance.lines.virtual.caller import NotNow, VirtualCaller
from appliance.prompts.library import Prompts, PromptSettings
from appliance.supervisor.demo_provider import LINE, DemoProvider, with_line
from appliance.supervisor.links import Link
from appliance.switchboard import asks
from appliance.switchboard.asks import Answer, Ask, Done, PhonePassword, SettingsAre
from appliance.switchboard.settings import Person, Settings
from appliance.switchboard.views import Live
from appliance.wire.seams import WEB

log = logging.getLogger("qendra.demo")

CALLERS = tuple(f"+3556900000{n:02}" for n in range(1, 25))
"""Numbers of nobody."""

WORDS = {
    "en": (
        "Hello, thank you for calling. How can I help you?",
        "Good day. I would like to know when my order will come.",
    ),
    "ru": ("Здравствуйте, чем могу помочь?", "Добрый день. Я хотел бы узнать, когда придёт мой заказ."),
    "sq": ("Mirëdita, si mund t'ju ndihmoj?", "Mirëdita. Dua të di kur vjen porosia ime."),
}
PAUSES = ("lunch", "coffee", "meeting")


class Counter:
    """Asks the desk what a page would ask."""

    def __init__(self, run: Path) -> None:
        self.live = Live(0.0, "")
        self._here = asyncio.Event()
        self._link = Link(WEB, run / "desk.sock", self._heard, self._here.set, self._here.clear)
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._number = 0

    async def keep(self) -> None:
        """Stay connected until cancelled."""
        await self._link.keep()

    def next_number(self) -> int:
        """For the next ask."""
        self._number += 1
        return self._number

    async def ask(self, ask: Ask) -> Answer:
        """The desk's answer.

        Raises:
            TimeoutError: there was none.
        """
        await self._here.wait()
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[ask.ask] = answered
        self._link.send(ask)
        try:
            return await asyncio.wait_for(answered, 10)
        finally:
            del self._asked[ask.ask]

    def _heard(self, message: object, _: float) -> None:
        if isinstance(message, Live):
            self.live = message
            return
        answered = self._asked.get(getattr(message, "ask", 0))
        if answered is not None and not answered.done():
            answered.set_result(message)  # type: ignore[arg-type]  # what is not Live is an answer


class Voices:
    """What they say, as samples."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts

    async def path(self, language: str, *, caller: bool) -> Path:
        """A file with a sentence of a caller or of an operator."""
        return await self._prompts.sound(Say(WORDS.get(language, WORDS["en"])[caller], language))

    async def samples(self, language: str, *, caller: bool) -> array.array[int]:
        """The same as samples, with a breath behind it."""
        with wave.open(str(await self.path(language, caller=caller))) as file:
            said = array.array("h", file.readframes(file.getnframes()))
        if sys.byteorder == "big":
            said.byteswap()
        return said + array.array("h", bytes(2 * 16000))


class Operator:
    """Somebody at a telephone: mostly answers, sometimes does not, talks a while, takes a break."""

    def __init__(self, person: Person, counter: Counter, voices: Voices, dice: Random) -> None:
        self._person, self._counter, self._voices, self._dice = person, counter, voices, dice
        self._phone: DeskPhone | None = None
        self._deeds: set[asyncio.Task[None]] = set()

    async def work(self, box: tuple[str, int], language: str) -> None:
        """Register, and do a day's work, until cancelled."""
        password = await self._counter.ask(
            asks.NewPhonePassword(self._counter.next_number(), "demo", self._person.extension)
        )
        assert isinstance(password, PhonePassword), password
        phone = DeskPhone(self._person.extension, password.password, box, self._dice, self._noticed)
        self._phone = phone
        try:
            await phone.register()
            phone.say(await self._voices.samples(self._person.language or language, caller=False), loop=True)
            await self._spend_the_day(phone)
        finally:
            phone.close()

    async def _spend_the_day(self, phone: DeskPhone) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(20, 60))
            await self._come_back()
            if phone.talking:
                continue
            match self._dice.randrange(6):
                case 0:
                    await self._wish(OperatorWish.PAUSED, self._dice.choice(PAUSES))
                    await asyncio.sleep(self._dice.uniform(15, 40))
                    await self._wish(OperatorWish.READY)
                case 1:
                    await self._chat(phone)
                case _:
                    pass

    async def _come_back(self) -> None:
        """Notice that the telephone had rung, and say so."""
        mine = (one for one in self._counter.live.operators if one.extension == self._person.extension)
        if any(one.state is OperatorState.SET_ASIDE for one in mine):
            await self._wish(OperatorWish.READY)

    async def _chat(self, phone: DeskPhone) -> None:
        """Call a colleague."""
        others = [one.extension for one in self._counter.live.operators if one.state is OperatorState.READY]
        others = [one for one in others if one != self._person.extension]
        if others and not phone.talking:
            phone.dial(self._dice.choice(others))
            await asyncio.sleep(self._dice.uniform(10, 25))
            phone.hang_up()

    async def _wish(self, wish: OperatorWish, reason: str = "") -> None:
        number = self._counter.next_number()
        with contextlib.suppress(TimeoutError):
            await self._counter.ask(asks.AskOperator(number, "demo", self._person.extension, wish, reason))

    def _noticed(self, noticed: Noticed) -> None:
        match noticed:
            case Rings() if self._dice.random() < 0.85:
                self._later(self._dice.uniform(1.5, 6), "answer")
            case Talks():
                self._later(self._dice.uniform(15, 70), "hang_up")
            case Over():
                for deed in self._deeds:
                    deed.cancel()
            case _:
                pass

    def _later(self, seconds: float, deed: str) -> None:
        task = asyncio.ensure_future(self._do(seconds, deed))
        self._deeds.add(task)
        task.add_done_callback(self._deeds.discard)

    async def _do(self, seconds: float, deed: str) -> None:
        await asyncio.sleep(seconds)
        assert self._phone is not None
        if deed == "answer":
            self._phone.answer()
        else:
            self._phone.hang_up()


async def call_in(line: str, control: Path, language: str, voices: Voices, dice: Random) -> None:
    """One line's callers, one after the other, until cancelled."""
    said = await voices.path(language, caller=True)
    caller = VirtualCaller(control)
    while True:
        await asyncio.sleep(dice.uniform(2, 20))
        try:
            await _one_call(caller, said, dice)
        except (OSError, TimeoutError, NotNow) as error:
            log.info("a caller on %s gave up: %s", line, error)


async def call_in_over_the_internet(
    provider: DemoProvider, counter: Counter, settings: SettingsAre, voices: Voices, dice: Random
) -> None:
    """The provider's line is set up as an owner would do it, and its callers call, one after the other, until cancelled."""
    firm = with_line(settings.settings, provider.port)
    change = asks.ChangeSettings(counter.next_number(), "demo", f"Changed the line {LINE}", settings.version, firm)
    saved = await counter.ask(change)
    assert isinstance(saved, Done), saved
    await counter.ask(asks.SaveProviderPassword(counter.next_number(), "demo", LINE, provider.password))
    said = await voices.samples(firm.language, caller=True)
    try:
        while True:
            await asyncio.sleep(dice.uniform(2, 20))
            patience = dice.choice([15.0, 40.0, 80.0, 120.0])
            await provider.call(dice.choice(CALLERS), said, dice.choice("11112223"), patience)
    finally:
        provider.close()


async def _one_call(caller: VirtualCaller, said: Path, dice: Random) -> None:
    await caller.ring(None if dice.random() < 0.05 else dice.choice(CALLERS))
    await caller.wait_answered(30)
    await asyncio.sleep(dice.uniform(2, 8))
    await caller.key(dice.choice("11112223"))
    patience = dice.choice([8.0, 30.0, 60.0, 90.0, 120.0])
    while patience > 0 and (await caller.state()).call == "active":
        await asyncio.sleep(await caller.say(said) + 1.0)
        patience -= 5.0
    await caller.hang_up()


async def _play(wishes: argparse.Namespace) -> None:
    dice = Random(secrets.randbits(64))
    counter = Counter(wishes.run)
    prompts = Prompts(PromptSettings(wishes.data / "speech"))
    voices = Voices(prompts)
    stop = asyncio.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    acting = [asyncio.create_task(counter.keep())]
    settings = await counter.ask(asks.SeeSettings(counter.next_number()))
    assert isinstance(settings, SettingsAre), settings
    acting += _cast(settings.settings, counter, voices, wishes, dice)
    internet = call_in_over_the_internet(DemoProvider(dice), counter, settings, voices, dice)
    acting.append(asyncio.create_task(internet))
    acting.append(asyncio.create_task(_until(stop)))
    done, _ = await asyncio.wait(acting, return_when=asyncio.FIRST_COMPLETED)
    for task in acting:
        task.cancel()
    await asyncio.gather(*acting, return_exceptions=True)
    await prompts.close()
    for task in done:
        task.result()


def _cast(
    firm: Settings, counter: Counter, voices: Voices, wishes: argparse.Namespace, dice: Random
) -> list[asyncio.Task[None]]:
    box = (wishes.bind if wishes.bind != "0.0.0.0" else "127.0.0.1", wishes.sip_port)  # noqa: S104  compared only
    people = [Operator(person, counter, voices, dice).work(box, firm.language) for person in firm.people]
    controls = {line: wishes.run / "lines" / f"{line.name}.sock" for line in firm.lines}
    callers = [
        call_in(line.name, control, line.language or firm.language, voices, dice)
        for line, control in controls.items()
        if control.exists()
    ]
    return [asyncio.create_task(part) for part in (*people, *callers)]


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


def main(arguments: list[str] | None = None) -> int:
    """Act until told to stop."""
    parser = argparse.ArgumentParser(prog="qendra-demo")
    parser.add_argument("--bind", required=True)
    parser.add_argument("--sip-port", type=int, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    asyncio.run(_play(parser.parse_args(arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
