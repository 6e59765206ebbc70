"""A desk and an archive in memory that keep the contract: they check, they count versions, they remember."""

from __future__ import annotations

import math
import struct
import threading
import wave
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from appliance.calls.events import OperatorWish
from appliance.calls.facts import OperatorState
from appliance.calls.lookup import CallPage, CallQuery
from appliance.calls.names import CallId, Extension
from appliance.calls.record import CallRecord
from appliance.switchboard import asks
from appliance.switchboard.asks import AccountIs, Answer, Ask, Change, Done, No
from appliance.switchboard.checking import check
from appliance.switchboard.settings import Settings
from appliance.switchboard.views import Live
from tests.webui.front import FRONT_ASKS, FrontDoor
from webui import DeskAway, DoneTask, News


class Clock:
    """A clock the test moves."""

    def __init__(self, now: float = 1_795_262_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class MemoryDesk:
    """Answers every ask as the real desk promises to."""

    clock: Callable[[], float]
    settings: Settings
    live: Live
    sounds: Path
    version: int = 1
    token: str = ""
    accounts: dict[str, AccountIs] = field(default_factory=dict)
    is_away: bool = False
    asked: list[Ask] = field(default_factory=list)
    key: str = "00" * 32
    front: FrontDoor = field(default_factory=FrontDoor)
    _before: dict[int, tuple[Change, Settings]] = field(default_factory=dict)
    _number: int = 1
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def ask(self, message: Ask) -> Answer:
        if self.is_away:
            raise DeskAway("away")
        with self._changed:
            self.asked.append(message)
            return self._answer(message)

    def news(self, after: int, patience: float) -> News:
        with self._changed:
            if patience:
                self._changed.wait_for(lambda: self._number > after, patience)
            return News(self._number, not self.is_away, self.live)

    def show(self, live: Live) -> None:
        """Something has happened in the office."""
        with self._changed:
            self.live = live
            self._tell()

    def go(self, *, away: bool) -> None:
        """The desk goes away, or comes back."""
        with self._changed:
            self.is_away = away
            self._tell()

    def speak(self, message: asks.Speak) -> Answer:
        """Say it into a file."""
        path = self.sounds / f"{abs(hash(message.text))}.wav"
        write_sound(path, 1.0, channels=1)
        return asks.Spoken(message.ask, str(path))

    def _tell(self) -> None:
        self._number += 1
        self._changed.notify_all()

    def _answer(self, message: Ask) -> Answer:
        match message:
            case asks.SeeSettings(ask=ask):
                history = tuple(change for change, _ in reversed(self._before.values()))
                return asks.SettingsAre(ask, self.version, self.settings, history)
            case asks.ChangeSettings(ask=ask):
                return self._change(message) or Done(ask, self.version)
            case asks.UndoSettings(ask=ask, who=who, version=version):
                if version not in self._before:
                    return No(ask, "That change is too old to be taken back.", "version")
                self._put(who, f"Undo: back to how it was before change {version}", self._before[version][1])
                return Done(ask, self.version)
            case asks.NewPhonePassword(ask=ask, extension=extension):
                if all(person.extension != extension for person in self.settings.people):
                    return No(ask, f"Nobody has the extension {extension}.", "extension")
                return asks.PhonePassword(ask, extension, "vjollca-47-mal-det", "192.168.1.20", 5060, 5061)
            case asks.AskOperator(ask=ask):
                return self._operator(message) or Done(ask)
            case asks.CloseTask(ask=ask, task=task):
                left = tuple(each for each in self.live.tasks if each.task != task)
                if len(left) == len(self.live.tasks):
                    return No(ask, "This caller has been dealt with already.", "task")
                self.live = replace(self.live, tasks=left)
                self._tell()
                return Done(ask)
            case asks.Speak():
                return self.speak(message)
            case asks.SeeSecret(ask=ask):
                return asks.SecretIs(ask, self.key)
            case asks.SaveProviderPassword(ask=ask, line=line):
                if all(one.name != line for one in self.settings.lines):
                    return No(ask, f"there is no line {line}", "line")
                return self.front.answer(message)
            case _ if isinstance(message, FRONT_ASKS):
                return self.front.answer(message)
            case _:
                return self._answer_about_logins(message)

    def _answer_about_logins(self, message: Ask) -> Answer:
        match message:
            case asks.SeeAccount(ask=ask, name=name):
                found = self.accounts.get(name.casefold())
                return No(ask, "There is no such login.", "name") if found is None else replace(found, ask=ask)
            case asks.EndSession(ask=ask, name=name, session=session):
                found = self.accounts.get(name.casefold())
                if found is None:
                    return No(ask, "There is no such login.", "name")
                self.accounts[name.casefold()] = replace(found, ended=(*found.ended, session))
                return Done(ask)
            case asks.LinkIsGood(ask=ask, token=token):
                return (
                    Done(ask)
                    if token and token == self.token
                    else No(ask, "This link has been used, or is from an earlier start of the box.", "token")
                )
            case asks.MakeOwner(ask=ask, token=token, name=name, password=password, language=language):
                if not token or token != self.token:
                    return No(ask, "This link has been used, or is from an earlier start of the box.", "token")
                self.token = ""
                self.accounts[name.casefold()] = AccountIs(0, name, "owner", password, Extension(""), language)
                return Done(ask)
            case asks.SaveAccount(ask=ask):
                return self._save_account(message) or Done(ask)
            case asks.RemoveAccount(ask=ask, name=name):
                owners = [each for each in self.accounts.values() if each.role == "owner"]
                found = self.accounts.get(name.casefold())
                if found is None or (owners == [found]):
                    return No(ask, "The last owner stays: without one, nobody could change anything.", "name")
                del self.accounts[name.casefold()]
                return Done(ask)
            case asks.SeeAccounts(ask=ask):
                rows = (asks.Login(each.name, each.role, each.extension) for each in self.accounts.values())
                return asks.AccountsAre(ask, tuple(rows))
            case _:
                raise AssertionError(f"nobody answers {message}")

    def _change(self, message: asks.ChangeSettings) -> No | None:
        if message.based_on != self.version:
            return No(
                message.ask, "Somebody else has changed the settings meanwhile. Please look at theirs first.", "version"
            )
        problems = check(message.settings)
        if problems:
            return No(message.ask, problems[0].words, problems[0].where)
        self._put(message.who, message.what, message.settings)
        return None

    def _put(self, who: str, what: str, settings: Settings) -> None:
        self.version += 1
        self._before[self.version] = (Change(self.version, self.clock(), who, what), self.settings)
        self.settings = settings
        self.live = replace(self.live, firm=settings.firm)
        self._tell()

    def _operator(self, message: asks.AskOperator) -> No | None:
        states = {
            OperatorWish.READY: OperatorState.READY,
            OperatorWish.PAUSED: OperatorState.PAUSED,
            OperatorWish.LOGGED_OUT: OperatorState.LOGGED_OUT,
        }
        if all(one.extension != message.extension for one in self.live.operators):
            return No(message.ask, f"Nobody has the extension {message.extension}.", "extension")
        operators = tuple(
            replace(one, state=states[message.wish], reason=message.reason, since=self.clock())
            if one.extension == message.extension
            else one
            for one in self.live.operators
        )
        self.live = replace(self.live, operators=operators)
        self._tell()
        return None

    def _save_account(self, message: asks.SaveAccount) -> No | None:
        before = self.accounts.get(message.name.casefold())
        if before is None and not message.password:
            return No(message.ask, "A login needs a name and a password.")
        password = message.password or (before.password if before else "")
        version = (before.version if before else 0) + (1 if message.password else 0)
        self.accounts[message.name.casefold()] = AccountIs(
            0, message.name, message.role, password, message.extension, message.language, version
        )
        return None


@dataclass
class MemoryArchive:
    """Past calls in a list."""

    calls: list[CallRecord] = field(default_factory=list)
    done: list[DoneTask] = field(default_factory=list)

    def search(self, query: CallQuery) -> CallPage:
        fitting = [call for call in sorted(self.calls, key=lambda each: -each.began) if _fits(call, query)]
        first = int(query.before) if query.before.isdecimal() else 0
        page = tuple(fitting[first : first + query.limit])
        more = first + query.limit < len(fitting)
        return CallPage(page, str(first + query.limit) if more else "")

    def call(self, call: CallId) -> CallRecord | None:
        return next((each for each in self.calls if each.call == call), None)

    def done_tasks(self, limit: int) -> list[DoneTask]:
        return self.done[:limit]


def _fits(call: CallRecord, query: CallQuery) -> bool:
    digits = "".join(sign for sign in query.text if sign.isdecimal())
    words = query.text.casefold()
    text = (
        not query.text
        or (bool(digits) and any(digits in each for each in (call.caller, call.dialled, *call.operators)))
        or words in call.caller_name.casefold() != ""
    )
    number = not query.number or any(each.endswith(query.number[-8:]) for each in (call.caller, call.dialled))
    return (
        text
        and number
        and (query.direction is None or call.direction is query.direction)
        and (query.result is None or call.result is query.result)
        and (not query.operator or query.operator in {*call.operators, call.caller, call.dialled})
        and (query.since is None or call.began >= query.since)
        and (query.until is None or call.began < query.until)
    )


def write_sound(path: Path, seconds: float, channels: int = 2, rate: int = 8000) -> None:
    """A WAV file in which two sides take turns, as people do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(_frames(int(seconds * rate), channels, rate))


@cache
def _frames(count: int, channels: int, rate: int) -> bytes:
    return b"".join(_frame(index, channels, rate) for index in range(count))


def _frame(index: int, channels: int, rate: int) -> bytes:
    at = index / rate
    turn = math.sin(at * 0.55) > -0.15
    breath = abs(math.sin(at * 3.1)) * abs(math.sin(at * 11.3 + 1)) * (0.4 + 0.6 * abs(math.sin(at * 0.9)))
    wobble = math.sin(at * 2 * math.pi * 180) * breath * 20000
    sides = (wobble if turn else wobble * 0.02, wobble * 0.02 if turn else wobble * 0.85)
    return struct.pack(f"<{channels}h", *(int(side) for side in sides[:channels]))
