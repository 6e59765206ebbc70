"""What the desk answers to the page's asks."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from appliance.calls import events
from appliance.calls.edge import Account
from appliance.calls.names import Extension, TaskId
from appliance.calls.prompt import Say
from appliance.prompts.fault import PromptFault
from appliance.store.accounts import OWNER, AccountShelf
from appliance.store.secret_file import SecretFile
from appliance.store.settings import ChangedMeanwhile, SettingsShelf
from appliance.store.trouble import StoreTrouble
from appliance.supervisor import clock
from appliance.supervisor.certificate_answers import Certificates
from appliance.supervisor.door_answers import Door, DoorAnswers
from appliance.switchboard import asks
from appliance.switchboard.asks import AccountIs, Answer, Ask, Done, No
from appliance.switchboard.checking import check
from appliance.switchboard.settings import Settings

log = logging.getLogger("qendra.desk")

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits nobody confuses when typing them on the keys of a telephone."""

LONGEST_REASON = 100
LONGEST_SPOKEN = 2000
"""Signs of a text that is spoken for trial."""


class Office(Protocol):
    """What the desk does on behalf of the page."""

    def apply(self, settings: Settings) -> None:
        """Put these in force for the next call."""

    def ask_operator(self, asked: events.OperatorAsked) -> None:
        """An operator wants something."""

    def close_task(self, task: TaskId, who: str, note: str) -> bool:
        """Close it; False when there is no such open task."""

    def owner_changed(self, who: str, what: str, version: int) -> None:
        """Put it in the journal."""

    def owner_is_there(self) -> None:
        """The one-time link is not wanted any more."""

    async def speak(self, say: Say) -> str:
        """The path of a sound file.

        Raises:
            PromptFault: it could not be made.
        """

    def address(self) -> tuple[str, int, int]:
        """Where telephones find the box: host, port, and the port for encrypted ones (0: there is none)."""


def new_password() -> str:
    """A password for a telephone: sixteen signs, 79 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(16))


def account_of(extension: Extension, realm: str, password: str) -> Account:
    """What digest needs of a password (RFC 7616, section 3.4.2: A1 without a session)."""
    a1 = f"{extension}:{realm}:{password}".encode()
    md5 = hashlib.md5(a1, usedforsecurity=False)  # digest's own, for telephones that know nothing better
    return Account(extension, md5.hexdigest(), hashlib.sha256(a1).hexdigest())


class Answers:
    """Answers each ask once. Nothing here takes long; speaking a text is awaited."""

    def __init__(
        self,
        office: Office,
        door: Door,
        settings: SettingsShelf[Settings],
        accounts: AccountShelf,
        secret: SecretFile,
        edge: Path,
    ) -> None:
        """`edge` is the folder where the edge keeps its certificates."""
        self._office = office
        self._door = door
        self._settings = settings
        self._accounts = accounts
        self._secrets = secret
        self.certificates = Certificates(edge, self._note)
        self._door_answers = DoorAnswers(door, settings, secret, self._note)

    async def answer(self, ask: Ask) -> Answer:
        """The answer, which carries the number of the ask. A fault of our own is answered with `No`, and logged."""
        try:
            if isinstance(ask, asks.Speak):
                return await self._speak(ask)
            if isinstance(ask, asks.ReplaceCertificate):
                return await self.certificates.replace(ask)
            return self._answer(ask)
        except ChangedMeanwhile as error:
            return No(ask.ask, str(error), "version")
        except StoreTrouble as error:
            return No(ask.ask, str(error))
        except Exception:
            log.exception("cannot answer %s", type(ask).__name__)
            return No(ask.ask, "Something went wrong on the box. Its log says what.")

    def _answer(self, ask: Ask) -> Answer:
        match ask:
            case asks.SeeSettings():
                return self._see_settings(ask)
            case asks.ChangeSettings():
                return self._put_in_force(ask.ask, ask.settings, ask.who, ask.what, ask.based_on)
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
            case asks.SeeCertificate():
                return self.certificates.see(ask)
            case asks.Speak() | asks.ReplaceCertificate():
                raise AssertionError("these are awaited")
            case asks.SeeDoor() | asks.LiftBan() | asks.CheckReach() | asks.SeeProfiles() | asks.SaveProviderPassword():
                return self._door_answers.answer(ask)
            case _:
                return self._answer_login(ask)

    def _answer_login(self, ask: Ask) -> Answer:
        match ask:
            case asks.SeeAccount(name=name):
                account = self._accounts.find(name)
                return replace(account, ask=ask.ask) if account else No(ask.ask, "There is no such login.", "name")
            case asks.SeeAccounts():
                logins = (asks.Login(one.name, one.role, one.extension) for one in self._accounts.all())
                return asks.AccountsAre(ask.ask, tuple(logins))
            case asks.EndSession(name=name, session=session):
                ended = self._accounts.end_session(name, session)
                return Done(ask.ask) if ended else No(ask.ask, "There is no such login.", "name")
            case asks.LinkIsGood(token=token):
                return Done(ask.ask) if self._is_link(token) else _spent(ask.ask)
            case asks.MakeOwner():
                return self._make_owner(ask)
            case asks.SaveAccount():
                return self._save_account(ask)
            case asks.RemoveAccount(name=name, who=who):
                if self._accounts.find(name) is None:
                    return No(ask.ask, "There is no such login.", "name")
                self._accounts.remove(name)
                self._note(who, f"The login {name} was removed")
                return Done(ask.ask)
            case _:
                raise AssertionError(ask)

    def _note(self, who: str, what: str) -> None:
        self._office.owner_changed(who, what, self._settings.version)

    # ---- settings

    def _see_settings(self, ask: asks.SeeSettings) -> Answer:
        now = self._settings.current()
        if now is None:
            return No(ask.ask, "There are no settings yet.")
        history = (asks.Change(one.version, one.at, one.who, one.what) for one in self._settings.history())
        return asks.SettingsAre(ask.ask, now.version, now.settings, tuple(history))

    def _undo(self, ask: asks.UndoSettings) -> Answer:
        before = self._settings.get(ask.version - 1)
        if before is None:
            return No(ask.ask, "That change is too old to be taken back.")
        what = f"Undo: back to how it was before change {ask.version}"
        return self._put_in_force(ask.ask, before.settings, ask.who, what, self._settings.version)

    def _put_in_force(self, ask: int, settings: Settings, who: str, what: str, based_on: int) -> Answer:
        problems = check(settings)
        if problems:
            return No(ask, problems[0].words, problems[0].where)
        version = self._settings.save(settings, who=who, what=what, at=clock.now().utc, based_on=based_on)
        self._office.apply(settings)
        self._door.tell_accounts()
        self._office.owner_changed(who, what, version)
        return Done(ask, version)

    # ---- people

    def _knows(self, extension: Extension) -> bool:
        now = self._settings.current()
        return now is not None and any(person.extension == extension for person in now.settings.people)

    def _new_phone_password(self, ask: asks.NewPhonePassword) -> Answer:
        if not self._knows(ask.extension):
            return No(ask.ask, f"Nobody has the extension {ask.extension}.", "extension")
        password = new_password()
        self._secrets.save_phone(account_of(ask.extension, self._secrets.realm, password))
        self._door.tell_accounts()
        self._note(ask.who, f"New telephone password for {ask.extension}")
        return asks.PhonePassword(ask.ask, ask.extension, password, *self._office.address())

    def _ask_operator(self, ask: asks.AskOperator) -> Answer:
        if not self._knows(ask.extension):
            return No(ask.ask, f"Nobody has the extension {ask.extension}.", "extension")
        self._office.ask_operator(events.OperatorAsked(ask.extension, ask.wish, ask.reason[:LONGEST_REASON]))
        return Done(ask.ask)

    async def _speak(self, ask: asks.Speak) -> Answer:
        if not ask.text.strip():
            return No(ask.ask, "There is nothing to say.", "text")
        if len(ask.text) > LONGEST_SPOKEN:
            return No(ask.ask, f"That is longer than {LONGEST_SPOKEN} signs; nobody would listen so long.", "text")
        try:
            return asks.Spoken(ask.ask, await self._office.speak(Say(ask.text, ask.language)))
        except PromptFault as fault:
            return No(ask.ask, str(fault), "text")

    # ---- logins

    def _is_link(self, token: str) -> bool:
        link = self._secrets.link
        return bool(link) and hmac.compare_digest(link, link_hash(token))

    def _make_owner(self, ask: asks.MakeOwner) -> Answer:
        if not self._is_link(ask.token):
            return _spent(ask.ask)
        name = ask.name.strip()
        owner = AccountIs(0, name, OWNER, ask.password, Extension(""), ask.language, _first_version())
        self._accounts.save(owner, clock.now().utc)
        self._secrets.use_up_link()
        self._office.owner_is_there()
        self._note(name, "The owner's login was made")
        return Done(ask.ask)

    def _save_account(self, ask: asks.SaveAccount) -> Answer:
        if ask.role not in (OWNER, "operator"):
            return No(ask.ask, f"There is no role {ask.role!r}.", "role")
        account = AccountIs(0, ask.name.strip(), ask.role, ask.password, ask.extension, ask.language)
        old = self._accounts.find(account.name)
        if old is not None:
            # A new password, or another role, ends the sessions that were opened with the old one.
            changed = bool(ask.password) or ask.role != old.role
            ended = () if changed else old.ended
            password = ask.password or old.password
            account = replace(account, password=password, version=old.version + changed, ended=ended)
        else:
            account = replace(account, version=_first_version())
        self._accounts.save(account, clock.now().utc)
        self._note(ask.who, f"The login {account.name} was {'changed' if old else 'made'}")
        return Done(ask.ask)


def _first_version() -> int:
    """Where the versions of a new login begin: nowhere an earlier login of that name has been, so that a browser which
    still carries the earlier one's session does not come in by the new one.
    """
    return secrets.randbelow(1 << 48)


def link_hash(token: str) -> str:
    """What is kept of the owner's one-time link."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _spent(ask: int) -> No:
    return No(ask, "This link has been used, or is from an earlier start of the box.")
