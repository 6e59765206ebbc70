"""What the desk answers to the page's asks about the front door and the providers behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from appliance.calls.edge import Reached
from appliance.store.secret_file import SecretFile
from appliance.store.settings import SettingsShelf
from appliance.supervisor.doorbook import DoorBook
from appliance.supervisor.profiles import profiles
from appliance.supervisor.site_lines import is_password
from appliance.supervisor.trunks import providers
from appliance.switchboard import asks
from appliance.switchboard.asks import Answer, Done, No
from appliance.switchboard.settings import Settings

DoorAsk = asks.SeeDoor | asks.LiftBan | asks.CheckReach | asks.SeeProfiles | asks.SaveProviderPassword

AWAY = "The telephones' door is restarting; try again in a moment."


class Door(Protocol):
    """The front door, as far as the page has to do with it."""

    @property
    def is_there(self) -> bool:
        """It can be told something now."""

    @property
    def book(self) -> DoorBook:
        """Who was turned away."""

    @property
    def reached(self) -> Reached:
        """Whether we can be reached from outside."""

    def tell_accounts(self) -> None:
        """The telephones' passwords have changed."""

    def tell_providers(self) -> None:
        """A provider's password has changed."""

    def lift(self, source: str, extension: str, who: str) -> bool:
        """Hear them again. False when there is no such ban."""

    def check_reach(self) -> None:
        """Look whether we can be reached from outside; what is found comes to `reached`."""


class DoorAnswers:
    """A part of `Answers`."""

    def __init__(
        self, door: Door, settings: SettingsShelf[Settings], secrets: SecretFile, note: Callable[[str, str], None]
    ) -> None:
        """`note` puts on record who has done what."""
        self._door = door
        self._settings = settings
        self._secrets = secrets
        self._note = note

    def answer(self, ask: DoorAsk) -> Answer:
        """The answer, which carries the number of the ask.

        Raises:
            StoreTrouble: the disk refuses.
        """
        match ask:
            case asks.SeeDoor():
                book = self._door.book
                return asks.DoorIs(ask.ask, book.unheard(), book.turned_away(), self._door.reached)
            case asks.LiftBan():
                return self._lift(ask)
            case asks.CheckReach():
                if not self._door.is_there:
                    return No(ask.ask, AWAY)
                self._door.check_reach()
                return Done(ask.ask)
            case asks.SeeProfiles(language=language):
                known = tuple(one.told_in(language) for one in profiles())
                return asks.ProfilesAre(ask.ask, known, tuple(self._secrets.lines()))
            case asks.SaveProviderPassword():
                return self._save_password(ask)

    def _lift(self, ask: asks.LiftBan) -> Answer:
        """It is lifted when the front door says so, which puts it on record with who wanted it."""
        if not self._door.is_there:
            return No(ask.ask, AWAY)
        if not self._door.lift(ask.source, ask.extension, ask.who):
            return No(ask.ask, "They are heard again already.")
        return Done(ask.ask)

    def _save_password(self, ask: asks.SaveProviderPassword) -> Answer:
        now = self._settings.current()
        if now is None or ask.line not in providers(now.settings):
            return No(ask.ask, f"No provider has the line {ask.line}.", "line")
        if not is_password(ask.password):
            return No(
                ask.ask, "This cannot be a password: it is too long, or has signs that cannot be typed.", "password"
            )
        self._secrets.save_lines({ask.line: ask.password})
        self._door.tell_providers()
        self._note(ask.who, f"{'New' if ask.password else 'No'} password for the line {ask.line}")
        return Done(ask.ask)
