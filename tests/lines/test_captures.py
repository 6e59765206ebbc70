"""What modems said, replayed: the switchboard hears the same story however the bytes are cut. See tests/captures."""

from __future__ import annotations

import random
from collections import deque
from pathlib import Path

import pytest

from appliance.calls import events
from appliance.calls.names import LegId, LineId
from appliance.lines.effects import Effect, Posted, Reopen, SoundOver, SoundWanted, WriteBytes
from appliance.lines.gsm import GsmLine, Phase
from appliance.lines.reports import call_row
from appliance.lines.settings import LineSettings
from appliance.lines.sim7600 import Sim7600

CAPTURES = sorted((Path(__file__).parents[1] / "captures").glob("sim7600-*.txt"))
PATIENCE = 15.0

OBLIGING = {
    "AT+CPIN?": ["+CPIN: READY"],
    "AT+CREG?": ["+CREG: 2,1"],
    "AT+CEREG?": ["+CEREG: 2,1"],
    "AT+COPS?": ['+COPS: 0,0,"Test",7'],
    "AT+CSQ": ["+CSQ: 20,99"],
    "AT+CPCMREG?": ["+CPCMREG: 1"],
}


class Replay:
    """A line, and a modem that says what the trace says and is obliging where the trace is silent."""

    def __init__(self, trace: str, seed: int) -> None:
        self.steps = deque(line for line in trace.splitlines() if line and not line.startswith("#"))
        self.dice = random.Random(seed)
        self.now = 0.0
        self.line = GsmLine(LineSettings(LineId("gsm1"), sound="/dev/sound"), Sim7600(), lambda: LegId("in"))
        self.asked: deque[str] = deque()
        self.written: list[str] = []
        self.posted: deque[Posted] = deque()
        self.rows: dict[int, str] = {}
        self.dials = 0
        self.leg = LegId("in")

    def play(self) -> None:
        self.do(self.line.opened(self.now))
        while self.line.phase is not Phase.READY:
            self.oblige()
            self.wait(0.1)
        self.posted.clear()
        while self.steps:
            self.step(self.steps.popleft())
        self.wait(10.0)
        assert not self.calls(), self.posted
        assert self.line.idle

    def step(self, step: str) -> None:
        sign, _, rest = step.partition(" ")
        match sign:
            case ">":
                self.expect_command(rest)
            case "!":
                assert rest not in self.written
            case "<":
                self.say(rest)
            case ".":
                self.wait(float(rest))
            case "=":
                self.expect(rest)
            case "dial":
                self.dials += 1
                self.leg = LegId(f"out-{self.dials}")
                self.do(self.line.dial(self.leg, rest, self.now))
            case "answer":
                self.do(self.line.answer(self.leg, self.now))
            case "hang":
                self.do(self.line.hang_up(self.leg, self.now))
            case _:
                raise AssertionError(step)

    # ---- both sides

    def say(self, *lines: str) -> None:
        for line in lines:
            if (row := call_row(line)) is not None:
                self.rows[row.index] = line
                if row.status == row.RELEASED:
                    del self.rows[row.index]
            if line.startswith(("NO CARRIER", "BUSY", "NO ANSWER", "VOICE CALL: END")):
                self.rows.clear()
        data = "".join(f"\r\n{line}\r\n" for line in lines).encode()
        while data:
            cut = self.dice.randint(1, len(data))
            self.do(self.line.receive(data[:cut], self.now))
            data = data[cut:]

    def expect_command(self, text: str) -> None:
        """Commands before it are answered; it is left for the trace to answer, if that does so at once."""
        end = self.now + PATIENCE
        while self.now < end:
            while self.asked:
                command = self.asked.popleft()
                if command == text:
                    self.answer_unless_traced(text)
                    return
                self.answer_obligingly(command)
            self.pass_time(0.1)
        raise AssertionError(f"{text} was never written")

    def answer_unless_traced(self, text: str) -> None:
        rest = [step for step in self.steps if step[0] in "<=>."]
        traced = any(step[2:].startswith(("OK", "ERROR", "+CME", "NO ", "BUSY")) for step in _answer_part(rest))
        if not traced:
            self.answer_obligingly(text)

    def answer_obligingly(self, command: str) -> None:
        self.say(*(self.rows.values() if command == "AT+CLCC" else OBLIGING.get(command, [])), "OK")

    def oblige(self) -> None:
        while self.asked:
            self.answer_obligingly(self.asked.popleft())

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.oblige()
            self.pass_time(min(0.1, end - self.now))
        self.oblige()

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        if (at := self.line.next_deadline()) is not None and at <= self.now:
            self.do(self.line.tick(self.now))

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case WriteBytes(data=data):
                    commands = [text.strip("\x1b") for text in data.decode().split("\r") if text]
                    self.asked += commands
                    self.written += commands
                case Reopen():
                    raise AssertionError("the line lost patience")
                case _:
                    self.posted.append(effect)

    # ---- what the switchboard hears

    def calls(self) -> list[Posted]:
        return [one for one in self.posted if not isinstance(one, events.LineChanged)]

    def expect(self, wanted: str) -> None:
        end = self.now + PATIENCE
        while not self.calls():
            assert self.now < end, f"{wanted} was never said"
            self.oblige()
            self.pass_time(0.1)
        while isinstance(self.posted[0], events.LineChanged):
            self.posted.popleft()
        assert _in_words(self.posted.popleft()) == wanted


def _answer_part(steps: list[str]) -> list[str]:
    part = []
    for step in steps:
        if not step.startswith("<"):
            break
        part.append(step)
    return part


def _in_words(posted: Posted) -> str:
    name = type(posted).__name__
    match posted:
        case events.LineRang(caller=what) | events.CallerKnown(caller=what) | events.KeyPressed(key=what):
            return f"{name} {what}".strip()
        case events.LegRangAgain(rings=rings):
            return f"{name} {rings}"
        case events.LegEnded(cause=cause, detail=detail):
            return f"{name} {cause} {detail}".strip()
        case SoundWanted() | SoundOver() | events.LegRinging():
            return name
        case _:
            raise AssertionError(posted)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_captures(capture: Path) -> None:
    for seed in range(20):
        Replay(capture.read_text(), seed).play()


def test_there_are_captures() -> None:
    assert len(CAPTURES) >= 9
