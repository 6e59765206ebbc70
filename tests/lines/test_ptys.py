"""The driver and the virtual modem on real ptys: few, and in real time."""

from __future__ import annotations

import asyncio
import json
import os
import random
import stat
import sys
import termios
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from appliance.calls.events import KeyPressed, LegEnded, LegRangAgain, LineChanged, LineRang, LineState
from appliance.calls.names import Cause, LegId, LineId
from appliance.lines.effects import Posted, SoundOver, SoundWanted
from appliance.lines.port import Line, open_port
from appliance.lines.settings import Adopted, LineSettings
from appliance.lines.virtual import console, control, sounds
from appliance.lines.virtual.caller import NotNow, VirtualCaller
from appliance.lines.virtual.manners import Manners
from appliance.lines.virtual.modem import VirtualModem
from appliance.lines.virtual.pty import PtyPort

QUICK = Manners(
    delay=0.002, delays={}, sim_busy=0.1, registers=0.1, ring_every=0.6, clip_after=0.05, pcm_settles=0.05, reboot=1.5
)


class Desk:
    """Runs a line and keeps what it says."""

    def __init__(self, folder: Path, adopt: Adopted | None = None) -> None:
        self.posted: list[Posted] = []
        settings = LineSettings(LineId("gsm1"), at=str(folder / "gsm1-at"), sound=str(folder / "gsm1-sound"))
        self.line = Line(settings, self.hear, adopt=adopt)
        self.task = asyncio.create_task(self.line.run())

    def hear(self, posted: Sequence[Posted]) -> None:
        self.posted += posted

    async def until(self, true: Callable[[Desk], bool], limit: float = 10.0) -> None:
        async with asyncio.timeout(limit):
            while not true(self):
                assert not self.task.done(), self.task.exception()
                await asyncio.sleep(0.01)

    async def said(self, kind: type[Posted], limit: float = 10.0) -> Any:
        await self.until(lambda desk: any(isinstance(one, kind) for one in desk.posted), limit)
        return [one for one in self.posted if isinstance(one, kind)][-1]

    async def up(self, limit: float = 10.0) -> None:
        await self.until(lambda desk: desk.health is LineState.UP, limit)

    @property
    def health(self) -> LineState | None:
        told = [one.state for one in self.posted if isinstance(one, LineChanged)]
        return told[-1] if told else None

    def calls(self) -> list[Posted]:
        return [one for one in self.posted if not isinstance(one, LineChanged | LegRangAgain)]

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def talk(self, modem: VirtualModem) -> LegId:
        modem.ring("+355672000001")
        leg: LegId = (await self.said(LineRang)).leg
        self.line.answer(leg)
        await self.said(SoundWanted)
        return leg


def story(
    folder: Path, told: Callable[[VirtualModem, Desk], Coroutine[Any, Any, None]], manners: Manners = QUICK
) -> None:
    async def run() -> None:
        modem = VirtualModem("gsm1", folder, manners)
        modem.start()
        desk = Desk(folder)
        try:
            async with asyncio.timeout(40):
                await desk.up()
                await told(modem, desk)
        finally:
            await desk.stop()
            modem.stop()

    asyncio.run(run())


class Engine:
    """What the sound engine does with the port: opens it, and answers each frame it reads with one of its own."""

    def __init__(self, path: str, say: bytes) -> None:
        self.port = open_port(path)
        self.heard = b""
        self.say = say
        self.answered = 0
        asyncio.get_running_loop().add_reader(self.port.fileno(), self.pump)

    def pump(self) -> None:
        self.heard += os.read(self.port.fileno(), 4096)
        while self.answered + 320 <= len(self.heard):
            frame = self.say[self.answered : self.answered + 320]
            self.answered += 320
            os.write(self.port.fileno(), frame.ljust(320, b"\0"))

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.port.fileno())
        self.port.close()


def test_a_call_with_sound_both_ways_frame_by_frame(tmp_path: Path) -> None:
    async def told(modem: VirtualModem, desk: Desk) -> None:
        leg = await desk.talk(modem)
        wanted = await desk.said(SoundWanted)
        engine = Engine(wanted.device, sounds.to_bytes(sounds.counting(6.0)))
        await asyncio.sleep(0.2)
        modem.say(sounds.counting(1.0))
        await asyncio.sleep(1.4)
        engine.close()
        counters = modem.state.counters
        here = _steps(sounds.from_bytes(engine.heard))
        assert len(here) > 40
        assert _missing(here) <= counters["unread"], here
        there = _steps(modem.heard(1.0))
        assert len(there) > 30
        assert _missing(there) <= counters["overruns"], there
        modem.press("5")
        assert await desk.said(KeyPressed) == KeyPressed(leg, "5")
        modem.hang_up()
        assert await desk.said(LegEnded) == LegEnded(leg, Cause.NORMAL, "NO CARRIER")
        assert [type(one) for one in desk.calls()] == [LineRang, SoundWanted, KeyPressed, SoundOver, LegEnded]

    story(tmp_path, told)


def _steps(samples: array[int]) -> list[int]:
    """The staircase as it was heard; gaps and the line's hiss are no steps."""
    return [step for step in sounds.counted(samples) if step >= 0]


def _missing(steps: list[int]) -> int:
    """Frames lost between those heard: none on a quiet machine, and never more than were counted."""
    return sum((other - one - 1) % sounds.COUNTING_STEPS for one, other in pairwise(steps))


def test_a_port_nobody_reads_is_not_filled_behind_our_back(tmp_path: Path) -> None:
    async def told(modem: VirtualModem, desk: Desk) -> None:
        await desk.talk(modem)
        await asyncio.sleep(1.0)
        assert modem.state.counters["unread"] > 30, "a pty would have kept them all"

    story(tmp_path, told)


def test_the_port_is_ours_alone(tmp_path: Path) -> None:
    async def told(modem: VirtualModem, desk: Desk) -> None:
        assert modem.state.plugged
        with pytest.raises(OSError, match="another program has"):
            open_port(str(tmp_path / "gsm1-at"))
        other = Desk(tmp_path)
        try:
            await other.until(lambda desk: desk.health is LineState.DOWN)
            assert "another program has" in str(other.posted[-1])
        finally:
            await other.stop()
        assert desk.health is LineState.UP

    story(tmp_path, told)


@pytest.mark.parametrize("away", [0.3, 1.5])
def test_unplugged_in_the_middle_of_a_call_and_back(tmp_path: Path, away: float) -> None:
    async def told(modem: VirtualModem, desk: Desk) -> None:
        leg = await desk.talk(modem)
        modem.unplug(away)
        ended = await desk.said(LegEnded, 2.0)
        assert ended == LegEnded(leg, Cause.FAULT, "the modem was unplugged")
        assert desk.health is LineState.DOWN
        await desk.up()
        desk.posted.clear()
        await desk.talk(modem)

    story(tmp_path, told)


def test_the_second_call_is_degraded_and_the_modem_restarted_for_it(tmp_path: Path) -> None:
    async def told(modem: VirtualModem, desk: Desk) -> None:
        for _ in range(2):
            desk.posted.clear()
            await desk.talk(modem)
            modem.hang_up()
            await desk.said(LegEnded)
        await desk.until(lambda desk: desk.health is LineState.STARTING)
        await desk.up()
        assert modem.state.starts == 2

    story(tmp_path, told, Manners(**{**_fields(QUICK), "second_call_degraded": True}))


def _fields(manners: Manners) -> dict[str, Any]:
    return {name: getattr(manners, name) for name in Manners.__dataclass_fields__}


def test_a_call_outlives_the_desk(tmp_path: Path) -> None:
    async def told(modem: VirtualModem, desk: Desk) -> None:
        leg = await desk.talk(modem)
        await desk.stop()
        await asyncio.sleep(0.2)
        again = Desk(tmp_path, Adopted(leg, "+355672000001"))
        try:
            await again.up()
            assert modem.state.call == "active"
            assert modem.state.sound
            modem.press("3")
            assert await again.said(KeyPressed) == KeyPressed(leg, "3")
            again.line.hang_up(leg)
            await again.said(LegEnded)
            assert again.calls() == [KeyPressed(leg, "3"), SoundOver(leg), LegEnded(leg, Cause.NORMAL)]
        finally:
            await again.stop()

    story(tmp_path, told)


def test_what_the_modem_says_is_not_echoed_back_to_it(tmp_path: Path) -> None:
    port = PtyPort(tmp_path / "x")
    port.write(b"\r\nRING\r\n\x11\x13\x03")
    for _ in range(100):
        if port.unread() == 11:
            break
        time.sleep(0.01)  # the kernel hands it over in its own time
    assert port.unread() == 11
    assert port.read() == b""
    modes = termios.tcgetattr(port._slave)
    modes[2] |= termios.HUPCL  # as a USB port has it
    termios.tcsetattr(port._slave, termios.TCSANOW, modes)
    opened = open_port(str(tmp_path / "x"))
    os.write(opened.fileno(), b"\x11\x13\x03\r")
    assert port.read() == b"\x11\x13\x03\r"
    assert not termios.tcgetattr(opened.fileno())[2] & termios.HUPCL, "closing it would hang up"
    opened.close()
    port.close()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("path", ["none", "file"])
def test_a_path_that_is_no_modem_is_waited_for_with_words(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("hello")

    async def run() -> None:
        posted: list[Posted] = []
        line = Line(LineSettings(LineId("gsm1"), at=str(tmp_path / path)), posted.extend)
        task = asyncio.create_task(line.run())
        await asyncio.sleep(0.1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        [told] = posted
        assert isinstance(told, LineChanged)
        assert told.state is LineState.DOWN
        assert told.words == "the modem is not plugged in" if path == "none" else "file" in told.words

    asyncio.run(run())


# ---- the control socket and the program


@asynccontextmanager
async def controlled(folder: Path) -> AsyncIterator[tuple[VirtualModem, VirtualCaller]]:
    modem = VirtualModem("gsm1", folder, QUICK)
    modem.start()
    server = await control.serve(modem, folder / "gsm1.sock")
    try:
        yield modem, VirtualCaller(folder / "gsm1.sock")
    finally:
        server.close()
        modem.stop()


def in_controlled(folder: Path, told: Callable[[VirtualModem, VirtualCaller], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(30), controlled(folder) as (modem, caller):
            await told(modem, caller)

    asyncio.run(run())


def test_a_caller_plays_a_whole_call(tmp_path: Path) -> None:
    sounds.write_wav(tmp_path / "hello.wav", sounds.tone([700], 0.5))

    async def told(_: VirtualModem, caller: VirtualCaller) -> None:
        desk = Desk(tmp_path)
        await caller.wait_registered()
        await desk.up()
        await caller.ring("+355672000001")
        leg = (await desk.said(LineRang)).leg
        desk.line.answer(leg)
        state = await caller.wait_answered()
        assert (state.call, state.number) == ("active", "+355672000001")
        engine = Engine((await desk.said(SoundWanted)).device, sounds.to_bytes(sounds.tone([1000], 3.0)))
        await caller.record(tmp_path / "both.wav")
        assert await caller.say(tmp_path / "hello.wav") == pytest.approx(0.5)
        assert 0.3 <= await caller.tone([440, 480], 0.3) < 0.9
        await caller.key("1#")
        await asyncio.sleep(1.2)
        heard = await caller.hear(0.5, [1000, 440], tmp_path / "heard.wav")
        assert heard.levels[1000] > -16
        assert heard.levels[440] < heard.levels[1000] - 12  # a busy machine leaves gaps, and gaps have a sound
        assert sounds.level_db(sounds.read_wav(tmp_path / "heard.wav"), 1000) > -16
        here = sounds.from_bytes(engine.heard)
        assert max(sounds.level_db(here[n : n + 800], 700) for n in range(0, len(here), 800)) > -12
        await caller.hang_up()
        await caller.wait_over()
        await desk.said(LegEnded)
        engine.close()
        assert sounds.loudness_db(sounds.read_wav(tmp_path / "both.wav")) > -30
        assert [one.key for one in desk.posted if isinstance(one, KeyPressed)] == ["1", "#"]
        await caller.far("answers", None)
        desk.line.dial(LegId("out"), "0672000009")
        assert (await caller.wait_dialled()).number == "0672000009"
        await desk.until(lambda desk: any(type(one).__name__ == "LegRinging" for one in desk.posted))
        await caller.answer()
        await caller.wait_answered()
        desk.line.hang_up(LegId("out"))
        await caller.wait_over()
        await desk.stop()

    in_controlled(tmp_path, told)


def test_what_the_caller_cannot_do_is_said(tmp_path: Path) -> None:
    async def told(modem: VirtualModem, caller: VirtualCaller) -> None:
        await caller.wait_registered()
        with pytest.raises(NotNow, match="no call is up"):
            await caller.key("1")
        with pytest.raises(NotNow, match="sound is off"):
            await caller.tone(440, 1)
        with pytest.raises(NotNow, match="cannot be read"):
            await caller.say(tmp_path / "none.wav")
        with pytest.raises(NotNow, match="faults are"):
            await caller.fault("gremlins")
        with pytest.raises(NotNow, match=r"not ringing within 0\.1 s"):
            await caller.ask("wait", **{"for": "ringing", "seconds": 0.1})
        with pytest.raises(NotNow, match="no order 'dance'"):
            await caller.ask("dance")
        with pytest.raises(NotNow, match="no request"):
            await caller.ask("signal", strength="loud")
        await caller.unplug()
        assert not (await caller.state()).plugged
        await caller.plug()
        await caller.fault("noise")
        assert modem.state.starts == 2

    in_controlled(tmp_path, told)


def test_the_control_socket_is_its_owners_and_takes_any_nonsense(tmp_path: Path) -> None:
    async def told(modem: VirtualModem, caller: VirtualCaller) -> None:
        path = tmp_path / "gsm1.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(OSError, match="in use"):
            await control.serve(modem, path)
        reader, writer = await asyncio.open_unix_connection(str(path))
        dice = random.Random(1)
        for nonsense in (b"hello\n", b"[1]\n", b"{}\n", b'{"do": []}\n', b'{"do": "hear", "hz": 3}\n', b"\xff\xfe\n"):
            writer.write(nonsense)
            assert json.loads(await reader.readline())["ok"] is False
        writer.write(dice.randbytes(200_000).replace(b"\n", b""))
        assert await reader.read() == b""
        writer.close()
        assert (await caller.state()).plugged

    in_controlled(tmp_path, told)


async def _program(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "appliance.lines.virtual", "--name", "v1", "--dir", str(folder), "--boot", "0.1", *arguments),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def _first_word(caller: VirtualCaller) -> None:
    for _ in range(500):
        with suppress(OSError):
            await caller.wait_registered()
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the program never listened")


def test_the_program_serves_until_it_is_ended_and_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        program = await _program(tmp_path, "--control", str(tmp_path / "v1.sock"))
        caller = VirtualCaller(tmp_path / "v1.sock")
        async with asyncio.timeout(20):
            await _first_word(caller)
            assert _names(tmp_path) == ["v1-at", "v1-sound", "v1.sock"]
            program.terminate()
            out, err = await program.communicate()
        assert (program.returncode, out, err) == (0, b"", b"")
        assert _names(tmp_path) == []

    asyncio.run(run())


def test_the_program_at_a_terminal(tmp_path: Path) -> None:
    async def run() -> None:
        program = await _program(tmp_path)
        async with asyncio.timeout(20):
            assert program.stdout is not None
            said = ""
            while "● registered at Virtual GSM" not in said:
                said += (await program.stdout.readline()).decode()
            out, err = await program.communicate(b"ring +355672000001\nkey 1\nsignal x\nhangup\nstate\nquit\n")
        said += out.decode()
        assert err == b""
        for words in ("● rings: +355672000001", "no: no call is up", "registered: True"):
            assert words in said
        assert "a number was expected" in said
        assert program.returncode == 0

    asyncio.run(run())


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    async def run() -> None:
        program = await _program(tmp_path / "file" / "x")
        _, err = await program.communicate()
        assert program.returncode == 1
        assert err.startswith(b"virtual line v1: ")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("ring +355672000001", {"do": "ring", "number": "+355672000001"}),
        ("ring withheld", {"do": "ring", "number": "withheld"}),
        ("key 1 2 #", {"do": "key", "key": "12#"}),
        ("say my file.wav", {"do": "say", "wav": "my file.wav"}),
        ("tone 440 2", {"do": "tone", "hz": 440.0, "seconds": 2.0}),
        ("hear 2 440 1000", {"do": "hear", "seconds": 2.0, "hz": [440.0, 1000.0]}),
        ("far answers 2", {"do": "far", "is": "answers", "after": 2.0}),
        ("unplug 3", {"do": "unplug", "seconds": 3.0}),
        ("hangup", {"do": "hangup"}),
    ],
)
def test_typed_orders(line: str, request_: dict[str, object]) -> None:
    assert console.request(line) == request_
