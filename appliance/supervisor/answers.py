"""What the desk answers to the page's asks."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import replace
from typing import Protocol

from appliance.calls import events
from appliance.calls.edge import Account
from appliance.calls.names import Extension, TaskId
from appliance.calls.prompt import Say
from appliance.switchboard import asks
from appliance.switchboard.asks import AccountIs, Answer, Ask, Change, Done, Login, No
from appliance.switchboard.checking import check
from appliance.switchboard.settings import Settings

log = logging.getLogger("qendra.desk")

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits nobody confuses when typing them on the keys of a telephone."""

LONGEST_SPOKEN = 2000
"""Signs of a text that is spoken for trial."""


class SettingsBook(Protocol):
    """Where the settings are kept, with their history."""

    @property
    def version(self) -> int:
        """Of those in force."""

    @property
    def settings(self) -> Settings:
        """Those in force."""

    def save(self, settings: Settings, who: str, what: str) -> int:
        """Put these in force, safe on disk; the new version."""

    def before(self, version: int) -> Settings | None:
        """What was in force before `version`, if that is still known."""

    def history(self) -> tuple[Change, ...]:
        """Changes, newest first."""


class AccountBook(Protocol):
    """Who may log in to the page."""

    def find(self, name: str) -> AccountIs | None:
        """The login of this name, whatever its letters' case."""

    def all(self) -> tuple[AccountIs, ...]:
        """Every login."""

    def save(self, account: AccountIs) -> None:
        """Make or change a login, safe on disk."""

    def remove(self, name: str) -> None:
        """Take it away."""


class SecretBook(Protocol):
    """The box's secrets."""

    @property
    def realm(self) -> str:
        """Of digest: part of every telephone's password."""

    @property
    def session_key(self) -> str:
        """Hex, 32 bytes."""

    @property
    def link(self) -> str:
        """SHA-256 of the owner's one-time link, or empty."""

    def use_up_link(self) -> None:
        """There is no link any more."""

    def phones(self) -> dict[Extension, Account]:
        """What telephones have to know."""

    def save_phone(self, account: Account) -> None:
        """A telephone's new password."""


class Office(Protocol):
    """What the desk does on behalf of the page."""

    def apply(self, settings: Settings) -> None:
        """Put these in force for the next call."""

    def tell_accounts(self) -> None:
        """The telephones' passwords have changed."""

    def ask_operator(self, asked: events.OperatorAsked) -> None:
        """An operator wants something."""

    def close_task(self, task: TaskId, who: str, note: str) -> bool:
        """Close it; False when there is no such open task."""

    def owner_changed(self, who: str, what: str, version: int) -> None:
        """Put it in the journal."""

    async def speak(self, say: Say) -> str:
        """The path of a sound file.

        Raises:
            ValueError: it could not be made; says why in plain words.
        """

    def address(self) -> tuple[str, int]:
        """Where telephones find the box."""


def new_password() -> str:
    """A password for a telephone: sixteen signs, 79 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(16))


def account_of(extension: Extension, realm: str, password: str) -> Account:
    """What digest needs of a password (RFC 7616, section 3.4.2: A1 without a session)."""
    a1 = f"{extension}:{realm}:{password}".encode()
    md5 = hashlib.md5(a1, usedforsecurity=False)  # digest's own, for telephones that know nothing better
    return Account(extension, md5.hexdigest(), hashlib.sha256(a1).hexdigest())


def link_hash(token: str) -> str:
    """What is kept of the one-time link."""
    return hashlib.sha256(token.encode()).hexdigest()


class Answers:
    """Answers each ask once. Nothing here takes long; speaking a text is awaited."""

    def __init__(self, office: Office, settings: SettingsBook, accounts: AccountBook, secret: SecretBook) -> None:
        self._office = office
        self._settings = settings
        self._accounts = accounts
        self._secrets = secret

    async def answer(self, ask: Ask) -> Answer:
        """The answer, which carries the number of the ask. A fault of our own is answered with `No`, and logged."""
        try:
            if isinstance(ask, asks.Speak):
                return await self._speak(ask)
            return self._answer(ask)
        except Exception:
            log.exception("cannot answer %s", type(ask).__name__)
            return No(ask.ask, "Something went wrong on the box. Its log says what.")

    def _answer(self, ask: Ask) -> Answer:
        match ask:
            case asks.SeeSettings():
                book = self._settings
                return asks.SettingsAre(ask.ask, book.version, book.settings, book.history())
            case asks.ChangeSettings():
                return self._change(ask)
            case asks.UndoSettings():
                return self._undo(ask)
            case asks.NewPhonePassword():
                return self._new_phone_password(ask)
            case asks.AskOperator():
                return self._ask_operator(ask)
            case asks.CloseTask(task=task, who=who, note=note):
                closed = self._office.close_task(task, who, note)
                return Done(ask.ask) if closed else No(ask.ask, "This caller has been dealt with already.")
            case asks.SeeSecret():
                return asks.SecretIs(ask.ask, self._secrets.session_key)
            case asks.Speak():
                raise AssertionError("speaking is awaited")
            case _:
                return self._answer_login(ask)

    def _answer_login(self, ask: Ask) -> Answer:
        match ask:
            case asks.SeeAccount(name=name):
                account = self._accounts.find(name)
                return replace(account, ask=ask.ask) if account else No(ask.ask, "There is no such login.", "name")
            case asks.SeeAccounts():
                logins = (Login(one.name, one.role, one.extension) for one in self._accounts.all())
                return asks.AccountsAre(ask.ask, tuple(logins))
            case asks.LinkIsGood(token=token):
                return Done(ask.ask) if self._good(token) else self._spent(ask.ask)
            case asks.MakeOwner():
                return self._make_owner(ask)
            case asks.SaveAccount():
                return self._save_account(ask)
            case asks.RemoveAccount():
                return self._remove_account(ask)
            case _:
                raise AssertionError(ask)

    # ---- settings

    def _change(self, ask: asks.ChangeSettings) -> Answer:
        if ask.based_on != self._settings.version:
            return No(ask.ask, "Somebody else has changed the settings in the meantime. Please look again.", "version")
        return self._put_in_force(ask.ask, ask.settings, ask.who, ask.what)

    def _undo(self, ask: asks.UndoSettings) -> Answer:
        before = self._settings.before(ask.version)
        if before is None:
            return No(ask.ask, "That change is too old to be taken back.")
        return self._put_in_force(ask.ask, before, ask.who, f"Undo: back to before version {ask.version}")

    def _put_in_force(self, ask: int, settings: Settings, who: str, what: str) -> Answer:
        problems = check(settings)
        if problems:
            return No(ask, problems[0].words, problems[0].where)
        version = self._settings.save(settings, who, what)
        self._office.apply(settings)
        self._office.tell_accounts()
        self._office.owner_changed(who, what, version)
        return Done(ask, version)

    # ---- people

    def _new_phone_password(self, ask: asks.NewPhonePassword) -> Answer:
        if all(person.extension != ask.extension for person in self._settings.settings.people):
            return No(ask.ask, f"Nobody has the extension {ask.extension}.", "extension")
        password = new_password()
        self._secrets.save_phone(account_of(ask.extension, self._secrets.realm, password))
        self._office.tell_accounts()
        self._office.owner_changed(ask.who, f"New telephone password for {ask.extension}", self._settings.version)
        server, port = self._office.address()
        return asks.PhonePassword(ask.ask, ask.extension, password, server, port)

    def _ask_operator(self, ask: asks.AskOperator) -> Answer:
        if all(person.extension != ask.extension for person in self._settings.settings.people):
            return No(ask.ask, f"Nobody has the extension {ask.extension}.", "extension")
        self._office.ask_operator(events.OperatorAsked(ask.extension, ask.wish, ask.reason[:100]))
        return Done(ask.ask)

    async def _speak(self, ask: asks.Speak) -> Answer:
        if not ask.text.strip():
            return No(ask.ask, "There is nothing to say.", "text")
        if len(ask.text) > LONGEST_SPOKEN:
            return No(ask.ask, f"That is longer than {LONGEST_SPOKEN} signs; callers would not listen so long.", "text")
        try:
            return asks.Spoken(ask.ask, await self._office.speak(Say(ask.text, ask.language)))
        except ValueError as error:
            return No(ask.ask, str(error), "text")

    # ---- logins

    def _good(self, token: str) -> bool:
        link = self._secrets.link
        return bool(link) and hmac.compare_digest(link, link_hash(token))

    def _spent(self, ask: int) -> No:
        return No(ask, "This link has been used, or is from an earlier start of the box.")

    def _make_owner(self, ask: asks.MakeOwner) -> Answer:
        if not self._good(ask.token):
            return self._spent(ask.ask)
        if not ask.name.strip() or not ask.password.startswith("$argon2"):
            return No(ask.ask, "A login needs a name and a password.", "name")
        self._accounts.save(AccountIs(ask.ask, ask.name.strip(), "owner", ask.password, Extension(""), ask.language))
        self._secrets.use_up_link()
        self._office.owner_changed(ask.name.strip(), "The owner's login was made", self._settings.version)
        return Done(ask.ask)

    def _save_account(self, ask: asks.SaveAccount) -> Answer:
        name, old = ask.name.strip(), self._accounts.find(ask.name)
        if not name or ask.role not in ("owner", "operator"):
            return No(ask.ask, "A login needs a name.", "name")
        if old is None and not ask.password:
            return No(ask.ask, "A new login needs a password.", "password")
        if old is not None and old.role == "owner" and ask.role != "owner" and self._owners() == 1:
            return No(ask.ask, "Somebody has to remain the owner.", "role")
        fresh = AccountIs(ask.ask, name, ask.role, ask.password, ask.extension, ask.language)
        if old is not None:
            kept = ask.password or old.password
            fresh = replace(fresh, name=old.name, password=kept, version=old.version + bool(ask.password))
        self._accounts.save(fresh)
        self._office.owner_changed(ask.who, f"The login {fresh.name} was {'changed' if old else 'made'}", 0)
        return Done(ask.ask)

    def _remove_account(self, ask: asks.RemoveAccount) -> Answer:
        old = self._accounts.find(ask.name)
        if old is None:
            return No(ask.ask, "There is no such login.", "name")
        if old.role == "owner" and self._owners() == 1:
            return No(ask.ask, "Somebody has to remain the owner.", "name")
        self._accounts.remove(old.name)
        self._office.owner_changed(ask.who, f"The login {old.name} was removed", 0)
        return Done(ask.ask)

    def _owners(self) -> int:
        return sum(one.role == "owner" for one in self._accounts.all())
