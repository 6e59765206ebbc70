"""The desk's answers to the page, over real books on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.calls import events
from appliance.calls.edge import Ban, Reach, Reached, Refusal, Refused
from appliance.calls.events import OperatorWish
from appliance.calls.names import Extension, LineId, TaskId
from appliance.calls.prompt import Say
from appliance.prompts.fault import PromptFault
from appliance.supervisor import clock
from appliance.supervisor.answers import ALPHABET, Answers, account_of, link_hash
from appliance.supervisor.books import Books
from appliance.supervisor.doorbook import DoorBook
from appliance.supervisor.site import Site
from appliance.switchboard import asks
from appliance.switchboard.asks import Answer, Ask, Done, No
from appliance.switchboard.settings import LineOptions, Provider, Settings
from tests.switchboard.office import firm

HASH = "$argon2id$made-up"
ANA = Extension("101")


class Office:
    """Notes what it is asked to do."""

    def __init__(self) -> None:
        self.applied: list[Settings] = []
        self.asked: list[events.OperatorAsked] = []
        self.journal: list[tuple[str, str]] = []
        self.owner = False

    def apply(self, settings: Settings) -> None:
        self.applied.append(settings)

    def ask_operator(self, asked: events.OperatorAsked) -> None:
        self.asked.append(asked)

    def close_task(self, task: TaskId, who: str, note: str) -> bool:
        return (task, who, note) == ("t-1", "Ana", "done")

    def owner_changed(self, who: str, what: str, version: int) -> None:
        assert version >= 0
        self.journal.append((who, what))

    def owner_is_there(self) -> None:
        self.owner = True

    async def speak(self, say: Say) -> str:
        if say.text == "dumb":
            raise PromptFault("There is no voice.")
        return f"/speech/{say.language}/{say.text}.wav"

    def address(self) -> tuple[str, int, int]:
        return "192.0.2.1", 5060, 5061


class Door:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.is_there = True
        self.accounts_told = 0
        self.providers_told = 0
        self.checks = 0
        self.book = DoorBook()
        self.reached = Reached(Reach.BAD, "no answer at office.example.com")

    def tell_accounts(self) -> None:
        self.accounts_told += 1

    def tell_providers(self) -> None:
        self.providers_told += 1

    def lift(self, source: str, extension: str, who: str) -> bool:
        return self.book.lift(source, extension, who)

    def check_reach(self) -> None:
        self.checks += 1


class Counter:
    """The page's side of the counter."""

    def __init__(self, data: Path) -> None:
        self.books = Books(data, clock.now())
        self.books.take_site(Site(firm(), digest="first"), clock.now())
        self.office = Office()
        self.door = Door()
        books = self.books
        self._answers = Answers(self.office, self.door, books.settings, books.accounts, books.secrets, books.edge)

    def ask(self, ask: Ask) -> Answer:
        return asyncio.run(self._answers.answer(ask))

    def refused(self, ask: Ask) -> No:
        answer = self.ask(ask)
        assert isinstance(answer, No), answer
        assert answer.ask == ask.ask
        return answer

    def done(self, ask: Ask) -> Done:
        answer = self.ask(ask)
        assert isinstance(answer, Done), answer
        assert answer.ask == ask.ask
        return answer

    def settings(self) -> asks.SettingsAre:
        answer = self.ask(asks.SeeSettings(1))
        assert isinstance(answer, asks.SettingsAre)
        return answer

    def owner(self) -> None:
        self.books.secrets.save_link(link_hash("the-link"))
        self.done(asks.MakeOwner(1, "the-link", "Ana", HASH, "sq"))


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    counter = Counter(tmp_path)
    yield counter
    counter.books.close()


def test_a_change_is_in_force_at_once_and_has_a_history(counter: Counter) -> None:
    before = counter.settings()
    changed = replace(before.settings, firm="New name")
    done = counter.done(asks.ChangeSettings(2, "Ana", "A new name", before.version, changed))
    after = counter.settings()
    assert (after.version, after.settings) == (done.version, changed)
    assert (after.history[0].who, after.history[0].what) == ("Ana", "A new name")
    assert counter.office.applied == [changed]
    assert counter.door.accounts_told == 1
    assert ("Ana", "A new name") in counter.office.journal


def test_who_comes_second_is_told(counter: Counter) -> None:
    before = counter.settings()
    counter.done(asks.ChangeSettings(2, "Ana", "first", before.version, replace(before.settings, firm="A")))
    no = counter.refused(asks.ChangeSettings(3, "Besim", "second", before.version, before.settings))
    assert no.about == "version"
    assert counter.settings().settings.firm == "A"


def test_what_contradicts_itself_is_refused_with_its_place(counter: Counter) -> None:
    before = counter.settings()
    queue = replace(before.settings.queues[0], operators=(Extension("999"),))
    wrong = replace(before.settings, queues=(queue,))
    no = counter.refused(asks.ChangeSettings(2, "Ana", "oops", before.version, wrong))
    assert (no.about, no.words) == ("queues.office.operators", "nobody has the extension 999")
    assert not counter.office.applied


def test_undo(counter: Counter) -> None:
    before = counter.settings()
    done = counter.done(asks.ChangeSettings(2, "Ana", "x", before.version, replace(before.settings, firm="A")))
    counter.done(asks.UndoSettings(3, "Ana", done.version))
    assert counter.settings().settings == before.settings
    assert counter.refused(asks.UndoSettings(4, "Ana", 0)).words


def test_a_site_file_is_put_in_force_once(counter: Counter) -> None:
    before = counter.settings()
    counter.done(asks.ChangeSettings(2, "Ana", "x", before.version, replace(before.settings, firm="A")))
    assert not counter.books.take_site(Site(firm(), digest="first"), clock.now()), "the owner's changes stand"
    assert counter.settings().settings.firm == "A"
    assert counter.books.take_site(Site(firm(firm="B"), passwords={ANA: "long-enough"}, digest="second"), clock.now())
    assert counter.settings().settings.firm == "B"
    assert counter.books.take_site(Site(firm(), digest="first"), clock.now()), "the installer goes back to the first"
    assert counter.books.secrets.phones()[ANA] == account_of(ANA, "qendra", "long-enough")


def test_a_telephone_password_is_made_shown_once_and_kept_as_a_hash(counter: Counter, tmp_path: Path) -> None:
    answer = counter.ask(asks.NewPhonePassword(5, "Ana", ANA))
    assert isinstance(answer, asks.PhonePassword)
    assert (answer.ask, answer.server, answer.port, answer.tls_port) == (5, "192.0.2.1", 5060, 5061)
    assert len(answer.password) == 16
    assert set(answer.password) <= set(ALPHABET)
    assert counter.books.secrets.phones()[ANA] == account_of(ANA, counter.books.secrets.realm, answer.password)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert answer.password.encode() not in kept
    assert counter.refused(asks.NewPhonePassword(6, "Ana", Extension("999"))).about == "extension"


def test_digest_hashes_are_those_of_the_rfc() -> None:
    """RFC 7616, 3.9.1: user Mufasa, realm http-auth@example.org, password Circle of Life."""
    account = account_of(Extension("Mufasa"), "http-auth@example.org", "Circle of Life")
    assert account.md5 == "3d78807defe7de2157e2b0b6573a855f"
    assert account.sha256 == "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"


def test_operators_and_tasks(counter: Counter) -> None:
    counter.done(asks.AskOperator(1, "Ana", ANA, OperatorWish.PAUSED, "lunch" * 50))
    (asked,) = counter.office.asked
    assert (asked.wish, len(asked.reason)) == (OperatorWish.PAUSED, 100)
    assert counter.refused(asks.AskOperator(2, "Ana", Extension("999"), OperatorWish.READY)).about == "extension"
    counter.done(asks.CloseTask(3, "Ana", TaskId("t-1"), "done"))
    counter.refused(asks.CloseTask(4, "Ana", TaskId("t-2"), "done"))


@pytest.mark.parametrize("text", ["", "   ", "dumb", "x" * 2001])
def test_what_cannot_be_spoken(counter: Counter, text: str) -> None:
    assert counter.refused(asks.Speak(1, text, "en")).about == "text"


def test_speaking(counter: Counter) -> None:
    assert counter.ask(asks.Speak(1, "hello", "en")) == asks.Spoken(1, "/speech/en/hello.wav")


def test_the_owners_link_works_once(counter: Counter) -> None:
    counter.books.secrets.save_link(link_hash("the-link"))
    counter.refused(asks.LinkIsGood(1, "another"))
    counter.refused(asks.LinkIsGood(1, ""))
    counter.done(asks.LinkIsGood(1, "the-link"))
    counter.refused(asks.MakeOwner(2, "another", "Eve", HASH, "en"))
    counter.refused(asks.MakeOwner(2, "the-link", "  ", HASH, "en"))
    counter.done(asks.MakeOwner(2, "the-link", " Ana ", HASH, "sq"))
    assert counter.office.owner
    counter.refused(asks.MakeOwner(3, "the-link", "Eve", HASH, "en"))
    made = counter.ask(asks.SeeAccount(4, "ana"))
    assert isinstance(made, asks.AccountIs)
    assert replace(made, version=1) == asks.AccountIs(4, "Ana", "owner", HASH, Extension(""), "sq")


def test_without_a_link_no_link_is_good(counter: Counter) -> None:
    counter.refused(asks.LinkIsGood(1, ""))


def test_logins(counter: Counter) -> None:
    counter.owner()
    counter.refused(asks.SaveAccount(1, "Ana", "Besim", "king", HASH, ANA, "en"))
    counter.refused(asks.SaveAccount(1, "Ana", "Besim", "operator", "", ANA, "en"))
    counter.done(asks.SaveAccount(1, "Ana", "Besim", "operator", HASH, ANA, "en"))
    counter.done(asks.SaveAccount(1, "Ana", "besim", "operator", "", Extension("102"), "ru"))
    kept = counter.ask(asks.SeeAccount(2, "Besim"))
    assert isinstance(kept, asks.AccountIs)
    assert (kept.password, kept.extension) == (HASH, "102")
    counter.done(asks.SaveAccount(1, "Ana", "Besim", "operator", HASH + "2", Extension("102"), "ru"))
    changed = counter.ask(asks.SeeAccount(2, "Besim"))
    assert isinstance(changed, asks.AccountIs)
    assert changed.version == kept.version + 1, "older sessions end"
    answer = counter.ask(asks.SeeAccounts(3))
    assert isinstance(answer, asks.AccountsAre)
    assert {(login.name.lower(), login.role) for login in answer.logins} == {("ana", "owner"), ("besim", "operator")}
    counter.done(asks.RemoveAccount(4, "Ana", "Besim"))
    counter.refused(asks.RemoveAccount(4, "Ana", "Besim"))


def test_a_session_ends_for_good(counter: Counter) -> None:
    counter.owner()
    counter.done(asks.EndSession(1, "ana", "s1"))
    counter.refused(asks.EndSession(1, "Nobody", "s1"))
    counter.done(asks.SaveAccount(2, "Ana", "Ana", "owner", "", ANA, "ru"))
    after = counter.ask(asks.SeeAccount(3, "Ana"))
    assert isinstance(after, asks.AccountIs)
    assert (after.language, after.ended) == ("ru", ("s1",))
    counter.done(asks.SaveAccount(4, "Ana", "Ana", "owner", HASH + "2", ANA, "ru"))
    after = counter.ask(asks.SeeAccount(5, "Ana"))
    assert isinstance(after, asks.AccountIs)
    assert after.ended == (), "a new password has ended them all"


def test_a_new_login_of_an_old_name_does_not_take_up_old_sessions(counter: Counter) -> None:
    counter.owner()
    login = asks.SaveAccount(1, "Ana", "Besim", "operator", HASH, ANA, "en")
    counter.done(login)
    before = counter.ask(asks.SeeAccount(2, "Besim"))
    counter.done(asks.RemoveAccount(3, "Ana", "Besim"))
    counter.done(replace(login, role="owner"))
    after = counter.ask(asks.SeeAccount(4, "Besim"))
    assert isinstance(before, asks.AccountIs)
    assert isinstance(after, asks.AccountIs)
    assert before.version != after.version


def test_somebody_remains_the_owner(counter: Counter) -> None:
    counter.owner()
    counter.refused(asks.RemoveAccount(1, "Ana", "Ana"))
    counter.refused(asks.SaveAccount(1, "Ana", "Ana", "operator", "", ANA, "en"))
    assert counter.books.accounts.find("Ana") is not None


def test_the_session_key_is_the_same_over_restarts(tmp_path: Path) -> None:
    first = Counter(tmp_path)
    one = first.ask(asks.SeeSecret(1))
    first.books.close()
    second = Counter(tmp_path)
    assert second.ask(asks.SeeSecret(1)) == one
    second.books.close()


def test_a_fault_of_our_own_is_answered_too(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> tuple[str, int, int]:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(counter.office, "address", broken)
    assert "secret detail" not in counter.refused(asks.NewPhonePassword(1, "Ana", ANA)).words


BAN = Ban("203.0.113.9", "101", 1_800_000_000.0, "10 wrong passwords for extension 101")
TRUNK = LineId("trunk")


def test_who_came_to_the_front_door(counter: Counter) -> None:
    book, now = counter.door.book, clock.now()
    book.refused(Refused(Refusal.STRANGER, "udp 198.51.100.1:5060", "INVITE"), now)
    book.refused(Refused(Refusal.WRONG_PASSWORD, "udp 203.0.113.9:5071", "REGISTER for 101", 3), now)
    book.bans_are((BAN,), now)
    seen = counter.ask(asks.SeeDoor(7))
    assert isinstance(seen, asks.DoorIs)
    assert (seen.ask, seen.bans, seen.reached) == (7, (BAN,), counter.door.reached)
    newest = asks.TurnedAway(now.utc, "wrong password", "udp 203.0.113.9:5071", "REGISTER for 101", 3)
    assert seen.turned_away[0] == newest
    assert len(seen.turned_away) == 2


def test_a_ban_is_lifted_once_and_only_while_the_door_is_there(counter: Counter) -> None:
    counter.door.book.bans_are((BAN,), clock.now())
    counter.door.is_there = False
    counter.refused(asks.LiftBan(1, "Ana", BAN.source, "101"))
    counter.refused(asks.CheckReach(2))
    counter.door.is_there = True
    counter.refused(asks.LiftBan(3, "Ana", BAN.source, ""))
    counter.done(asks.LiftBan(4, "Ana", BAN.source, "101"))
    counter.done(asks.CheckReach(5))
    assert counter.door.checks == 1


@pytest.mark.parametrize(("language", "title"), [("en", "Any "), ("ru", "Любой "), ("sq", "Çdo "), ("xx", "Any ")])
def test_the_providers_the_box_knows(counter: Counter, language: str, title: str) -> None:
    answer = counter.ask(asks.SeeProfiles(1, language))
    assert isinstance(answer, asks.ProfilesAre)
    assert answer.profiles[0].title.startswith(title)
    assert len(answer.profiles) >= 5
    assert all(one.note and one.provider.profile == one.name for one in answer.profiles)


def test_a_providers_password_is_kept_apart_and_never_said(counter: Counter, tmp_path: Path) -> None:
    counter.refused(asks.SaveProviderPassword(1, "Ana", TRUNK, "made-up-secret"))
    before = counter.settings()
    provider = Provider(domain="sip.example.com", user="firm")
    changed = replace(before.settings, lines=(LineOptions(TRUNK, "hours office", provider=provider),))
    version = counter.done(asks.ChangeSettings(2, "Ana", "A provider", before.version, changed)).version
    counter.refused(asks.SaveProviderPassword(3, "Ana", TRUNK, "x" * 1000))
    counter.refused(asks.SaveProviderPassword(4, "Ana", TRUNK, "two\nlines"))
    counter.done(asks.SaveProviderPassword(5, "Ana", TRUNK, "made-up-secret"))
    assert counter.door.providers_told == 1
    assert counter.books.secrets.lines() == {TRUNK: "made-up-secret"}
    known = counter.ask(asks.SeeProfiles(6))
    assert isinstance(known, asks.ProfilesAre)
    assert known.passwords == (TRUNK,)
    assert counter.office.journal[-1] == ("Ana", "New password for the line trunk")
    holders = [path.name for path in tmp_path.rglob("*") if path.is_file() and b"made-up-secret" in path.read_bytes()]
    assert holders == ["secrets"]
    counter.done(asks.UndoSettings(6, "Ana", version))
    assert counter.books.secrets.lines() == {TRUNK: "made-up-secret"}, "the line can still come back by undo"
    assert "made-up-secret" not in repr(asks.SaveProviderPassword(7, "Ana", TRUNK, "made-up-secret"))


def test_a_removed_line_s_password_is_forgotten_with_the_last_version_that_has_the_line(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counter.settings()
    with_line = replace(
        before.settings, lines=(LineOptions(TRUNK, "hours office", provider=Provider(domain="x.example", user="u")),)
    )
    version = counter.done(asks.ChangeSettings(1, "Ana", "A provider", before.version, with_line)).version
    counter.done(asks.SaveProviderPassword(2, "Ana", TRUNK, "made-up-secret"))
    version = counter.done(asks.ChangeSettings(3, "Ana", "No provider", version, before.settings)).version
    counter.books.forget_passwords(counter.books.lines_for_ever_gone())
    assert counter.books.secrets.lines() == {TRUNK: "made-up-secret"}
    monkeypatch.setattr("appliance.store.settings.KEPT", 2)
    for number in range(3):
        what = replace(before.settings, firm=str(number))
        version = counter.done(asks.ChangeSettings(4, "Ana", "A name", version, what)).version
    counter.books.forget_passwords(counter.books.lines_for_ever_gone())
    assert counter.books.secrets.lines() == {}
