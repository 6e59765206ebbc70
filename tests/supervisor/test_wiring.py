"""The two halves of a call on a modem, and prompts that take time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from appliance.calls import commands, events
from appliance.calls.engine import CallDevice, CallTrunk, OpenSound, PlayFiles, SoundNoted
from appliance.calls.events import Event
from appliance.calls.names import Cause, Extension, LegId, LineId
from appliance.calls.prompt import Prompt, Say, Tone
from appliance.lines.effects import SoundOver, SoundWanted
from appliance.supervisor.wiring import Wiring

GSM, TRUNK = LineId("gsm1"), LineId("trunk")
LEG, PHONE = LegId("in-1"), LegId("d-1")
RANG = events.LineRang(LEG, GSM, "+355672000001")
WANTED = SoundWanted(LEG, "/dev/sound")


@dataclass
class Engine:
    up: bool = True
    heard: list[object] = field(default_factory=list)

    def send(self, message: object) -> None:
        self.heard.append(message)


@dataclass
class Line:
    did: list[str] = field(default_factory=list)

    def answer(self, leg: LegId) -> None:
        self.did.append(f"answer {leg}")

    def dial(self, leg: LegId, number: str) -> None:
        self.did.append(f"dial {leg} {number}")

    def hang_up(self, leg: LegId, cause: Cause = Cause.NORMAL, detail: str = "") -> None:
        self.did.append(" ".join(filter(None, ("hang up", leg, cause.value, detail))))

    def send_keys(self, leg: LegId, keys: str) -> None:
        self.did.append(f"keys {leg} {keys}")

    def sound_trouble(self, leg: LegId) -> None:
        self.did.append(f"trouble {leg}")


class Voice:
    """Tones are there; what is said takes until `ready`."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()

    def cached(self, prompts: tuple[Prompt, ...]) -> tuple[str, ...] | None:
        return ("tone.wav",) if isinstance(prompts[0], Tone) else None

    async def files(self, prompts: tuple[Prompt, ...]) -> tuple[str, ...]:
        await self.ready.wait()
        return tuple("said.wav" for _ in prompts)


class Ways:
    """`trunk` is a provider; all it says comes with a plus."""

    def __init__(self) -> None:
        self.shown: list[object] = []

    def to_phone(self, command: commands.DialPhone) -> CallDevice:
        return CallDevice(command.leg, command.extension, command.device, command.caller, here="192.0.2.1")

    def to_provider(self, command: commands.DialLine) -> CallTrunk | None:
        return CallTrunk(command.leg, command.line, f"+{command.number}") if command.line == TRUNK else None

    def from_provider(self, event: events.LineRang) -> events.LineRang:
        return replace(event, caller=f"+{event.caller}")

    def show(self, command: commands.ShowWatched | commands.ShowMessages) -> None:
        self.shown.append(command)


class Panel:
    def __init__(self) -> None:
        self.shown: list[object] = []

    def handle(self, command: commands.ShowLamp | commands.ShowEncrypted | commands.Buzz) -> None:
        self.shown.append(command)

    def state(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        pass


class Room:
    def __init__(self) -> None:
        self.engine, self.line, self.voice, self.panel = Engine(), Line(), Voice(), Panel()
        self.posted: list[Event] = []
        self.ways = Ways()
        self.wiring = Wiring(self.engine, self.voice, self.panel, self.ways, lambda event, _: self.posted.append(event))
        self.wiring.lines[GSM] = self.line


@pytest.fixture
def room() -> Room:
    return Room()


def answered(room: Room) -> None:
    room.wiring.line_said(GSM, [RANG])
    room.wiring.obey(commands.Answer(LEG))
    room.wiring.line_said(GSM, [WANTED])
    room.wiring.engine_said(events.LegAnswered(LEG), 0.0)


def test_a_call_on_a_line_is_up_when_the_engine_has_its_sound(room: Room) -> None:
    answered(room)
    assert room.line.did == [f"answer {LEG}"]
    assert room.engine.heard == [OpenSound(LEG, "/dev/sound", 8000, keys_by_sound=False)]
    assert room.posted == [RANG, events.LegAnswered(LEG)]


def test_the_caller_hangs_up_and_the_engine_lets_go(room: Room) -> None:
    answered(room)
    room.wiring.line_said(GSM, [SoundOver(LEG)])
    room.wiring.line_said(GSM, [events.LegEnded(LEG, Cause.NORMAL, "NO CARRIER")])
    room.wiring.engine_said(events.LegEnded(LEG, Cause.NORMAL), 0.0)
    assert set(room.engine.heard[1:]) == {commands.Hangup(LEG)}
    ends = [event for event in room.posted if isinstance(event, events.LegEnded)]
    assert ends == [events.LegEnded(LEG, Cause.NORMAL, "NO CARRIER")]


def test_we_hang_up_both_halves_and_the_line_says_when_it_is_over(room: Room) -> None:
    answered(room)
    room.wiring.obey(commands.Hangup(LEG))
    assert room.line.did[-1] == f"hang up {LEG} normal"
    assert room.engine.heard[-1] == commands.Hangup(LEG)
    room.wiring.engine_said(events.LegEnded(LEG, Cause.NORMAL), 0.0)
    assert not [event for event in room.posted if isinstance(event, events.LegEnded)]
    room.wiring.line_said(GSM, [events.LegEnded(LEG, Cause.NORMAL)])
    assert room.posted[-1] == events.LegEnded(LEG, Cause.NORMAL)


def test_sound_that_breaks_is_the_reason_told(room: Room) -> None:
    answered(room)
    room.wiring.engine_said(events.LegEnded(LEG, Cause.FAULT, "the modem's sound port is gone"), 0.0)
    assert room.line.did[-1] == f"hang up {LEG} fault the modem's sound port is gone"


def test_sound_that_is_not_right_is_told_to_the_line(room: Room) -> None:
    answered(room)
    room.wiring.engine_said(SoundNoted(LEG, "no sound from the modem for 2 s", 0, 0, 0, 0), 0.0)
    assert room.line.did[-1] == f"trouble {LEG}"


def test_a_call_that_gets_its_sound_while_the_engine_is_away_is_hung_up(room: Room) -> None:
    room.wiring.line_said(GSM, [RANG])
    room.engine.up = False
    room.wiring.line_said(GSM, [WANTED])
    assert room.line.did == [f"hang up {LEG} fault the sound engine is away"]


def test_dialling_a_line_that_is_not_there(room: Room) -> None:
    room.wiring.obey(commands.DialLine(LEG, LineId("gsm9"), "0672000001"))
    assert room.posted == [events.LegEnded(LEG, Cause.UNREACHABLE, "there is no line gsm9")]


def test_dialling_out(room: Room) -> None:
    room.wiring.obey(commands.DialLine(LEG, GSM, "0672000001"))
    assert room.line.did == [f"dial {LEG} 0672000001"]
    room.wiring.obey(commands.Ring(LEG))
    room.wiring.obey(commands.SendKeys(LEG, "12#"))
    assert room.line.did[-1] == f"keys {LEG} 12#"
    assert not room.engine.heard


def test_telephones_are_the_engines_affair(room: Room) -> None:
    dial = commands.DialPhone(PHONE, Extension("101"), "desk", "102")
    for command in (dial, commands.Answer(PHONE), commands.Ring(PHONE), commands.Hangup(PHONE)):
        room.wiring.obey(command)
    assert len(room.engine.heard) == 4
    assert room.line.did == []


def test_a_call_over_a_provider_is_the_engines_alone(room: Room) -> None:
    room.wiring.obey(commands.DialLine(PHONE, TRUNK, "355672000001"))
    room.wiring.obey(commands.SendKeys(PHONE, "1"))
    room.wiring.engine_said(events.LegAnswered(PHONE), 1.0)
    room.wiring.obey(commands.Hangup(PHONE))
    room.wiring.engine_said(events.LegEnded(PHONE, Cause.NORMAL), 2.0)
    assert room.engine.heard == [
        CallTrunk(PHONE, TRUNK, "+355672000001"),
        commands.SendKeys(PHONE, "1"),
        commands.Hangup(PHONE),
    ]
    assert room.posted == [events.LegAnswered(PHONE), events.LegEnded(PHONE, Cause.NORMAL)]
    assert room.line.did == []


def test_a_call_from_a_provider_is_told_in_our_words_and_answered_by_the_engine(room: Room) -> None:
    room.wiring.engine_said(events.LineRang(LEG, TRUNK, "355672000001"), 1.0)
    room.wiring.obey(commands.Ring(LEG))
    room.wiring.obey(commands.Answer(LEG))
    assert room.posted == [events.LineRang(LEG, TRUNK, "+355672000001")]
    assert room.engine.heard == [commands.Ring(LEG), commands.Answer(LEG)]


def test_a_telephone_is_called_with_what_is_known_of_it(room: Room) -> None:
    room.wiring.obey(commands.DialPhone(PHONE, Extension("101"), "desk", "102"))
    assert room.engine.heard == [CallDevice(PHONE, Extension("101"), "desk", "102", here="192.0.2.1")]


def test_what_telephones_watch_goes_to_them(room: Room) -> None:
    shown: list[commands.Command] = [
        commands.ShowWatched(Extension("101"), "on", "talking", reachable=True),
        commands.ShowMessages(Extension("101"), 2),
    ]
    for command in shown:
        room.wiring.obey(command)
    assert room.ways.shown == shown
    assert room.panel.shown == []


def test_lamps_go_to_the_panel(room: Room) -> None:
    room.wiring.obey(commands.ShowLamp(Extension("101"), "busy"))
    room.wiring.obey(commands.ShowEncrypted(Extension("101"), on=True))
    room.wiring.obey(commands.Buzz(on=True))
    assert len(room.panel.shown) == 3


def say(leg: LegId, playing: int) -> commands.Play:
    return commands.Play(leg, playing, (Say("Hello.", "en"),))


def test_a_prompt_that_is_there_is_played_at_once(room: Room) -> None:
    room.wiring.obey(commands.Play(PHONE, 1, (Tone("busy"),), loop=True))
    assert room.engine.heard == [PlayFiles(PHONE, 1, ("tone.wav",), loop=True)]


@pytest.mark.parametrize(
    "meanwhile",
    [
        commands.StopPlaying(PHONE),
        commands.Bridge(PHONE, LEG),
        commands.Hangup(PHONE),
        commands.Play(PHONE, 2, (Tone("busy"),)),
    ],
)
def test_a_prompt_that_is_ready_too_late_is_not_played(meanwhile: commands.Command) -> None:
    async def story() -> Room:
        room = Room()
        room.wiring.obey(say(PHONE, 1))
        await asyncio.sleep(0)
        room.wiring.obey(meanwhile)
        room.voice.ready.set()
        await asyncio.sleep(0.01)
        return room

    played = [message for message in asyncio.run(story()).engine.heard if isinstance(message, PlayFiles)]
    assert ("said.wav",) not in [message.files for message in played]


def test_a_prompt_that_takes_time_is_played_when_it_is_ready() -> None:
    async def story() -> Room:
        room = Room()
        room.wiring.obey(say(PHONE, 1))
        room.voice.ready.set()
        await asyncio.sleep(0.01)
        return room

    assert asyncio.run(story()).engine.heard == [PlayFiles(PHONE, 1, ("said.wav",))]


def test_after_a_restart_the_line_has_its_leg_again(room: Room) -> None:
    room.wiring.adopt(LEG, GSM)
    room.wiring.obey(commands.Hangup(LEG))
    assert room.line.did == [f"hang up {LEG} normal"]
    assert room.engine.heard == [commands.Hangup(LEG)]


def test_how_the_sound_fared_is_kept_by_line(room: Room) -> None:
    answered(room)
    room.wiring.line_said(GSM, [events.LegEnded(LEG, Cause.NORMAL, "NO CARRIER")])
    noted = SoundNoted(LEG, "", 16000, 16000, 1, 0)
    room.wiring.engine_said(noted, 0.0)
    assert room.wiring.sound == {GSM: noted}, "the engine tells it after the line has ended the call"
