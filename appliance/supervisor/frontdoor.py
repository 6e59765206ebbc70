"""The desk's side of the front door: what it is told, what it tells, and what the desk has to remember of it.

The edge may come and go. Each time it is met it hears everything anew: who may register, the providers, the lamps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from appliance.calls import events
from appliance.calls.commands import DialLine, DialPhone, ShowMessages, ShowWatched
from appliance.calls.edge import (
    Account,
    Accounts,
    Bans,
    CheckReach,
    Device,
    Lamp,
    LampState,
    LiftBan,
    Mailbox,
    Outside,
    Reach,
    Reached,
    Refused,
    Registered,
    TrunkIs,
    Trunks,
)
from appliance.calls.engine import CallDevice, CallTrunk, TrunkAccounts
from appliance.calls.events import Event, LineChanged, LineRang, LineState
from appliance.calls.facts import Fact
from appliance.calls.names import Encryption, Extension, LineId
from appliance.store.secret_file import SecretFile
from appliance.supervisor import clock, trunks
from appliance.supervisor.alarms import Alarms
from appliance.supervisor.doorbook import DoorBook
from appliance.switchboard.settings import Settings

AWAY = "the telephones' door is restarting"
ASKING = "waiting for the telephones' door"
"""Of providers, while nobody can say how they are."""


class Desk(Protocol):
    """Whom the front door works for."""

    def post(self, event: Event, at: float | None = None) -> None:
        """Give the switchboard an event."""

    def note(self, fact: Fact) -> None:
        """Put it on record."""

    def tell_engine(self, message: object) -> None:
        """The engine, if it is there."""

    @property
    def edge_up(self) -> bool:
        """The front door is there."""

    def tell_edge(self, message: object) -> None:
        """The front door, if it is there."""

    def watched(self) -> Iterable[ShowWatched | ShowMessages]:
        """All that can be watched, as it is now."""

    def look_again(self) -> None:
        """The page has something new to show."""


class FrontDoor:
    """Knows every telephone and provider; puts the switchboard's calls into the engine's words."""

    def __init__(self, firm: Settings, secrets: SecretFile, alarms: Alarms, desk: Desk) -> None:
        self._firm = firm
        self._secrets = secrets
        self._alarms = alarms
        self._desk = desk
        self.book = DoorBook()
        self.reached = Reached(Reach.UNKNOWN, "")
        self._devices: dict[Extension, tuple[Device, ...]] = {}
        self._doubtful: set[Extension] = set()
        """Whose telephones the edge had, before it was met anew, and has not named again yet."""
        self._states: dict[LineId, TrunkIs] = {}
        self._engine_knows: TrunkAccounts | None = None

    # ---- what the edge is told

    def met(self) -> None:
        """The edge is there: it hears all of it."""
        self._doubtful = {extension for extension, devices in self._devices.items() if devices}
        self.tell_accounts()
        self.tell_providers()
        for command in self._desk.watched():
            self.show(command)

    def lost(self) -> None:
        """The edge has gone, and with it every way to a provider."""
        self._states.clear()
        self.book.nobody_lifts()
        self._say_of_all(LineState.DOWN, AWAY)

    def apply(self, firm: Settings) -> None:
        """The owner has changed something."""
        self._firm = firm
        self._states = {name: state for name, state in self._states.items() if name in trunks.providers(firm)}
        self.tell_providers()
        self.begin()

    def begin(self) -> None:
        """Providers nobody has said anything about yet are starting."""
        for name in trunks.providers(self._firm):
            if name not in self._states:
                self._desk.post(LineChanged(name, LineState.STARTING, ASKING))

    def tell_accounts(self) -> None:
        """Tell the edge who may register.

        With MD5 alone: baresip 1.0, as Debian 12 has it, gives up when it is offered SHA-256 as well, even second. What
        SHA-256 needs is kept for the day a telephone can be set to it (RFC 8760).
        """
        people = {person.extension for person in self._firm.people}
        known = self._secrets.phones()
        accounts = (Account(who, account.md5) for who, account in known.items() if who in people)
        self._desk.tell_edge(Accounts(self._secrets.realm, tuple(accounts)))

    def tell_providers(self) -> None:
        """Tell edge and engine of the providers, and of the way in from outside."""
        passwords = self._secrets.lines()
        all_of_them = trunks.providers(self._firm).items()
        self._desk.tell_edge(
            Trunks(tuple(trunks.trunk(name, one, passwords.get(name, "")) for name, one in all_of_them))
        )
        firm = self._firm
        self._desk.tell_edge(Outside(firm.outside_name, firm.outside_port, firm.outside_tls_port))
        self._tell_engine()

    def show(self, command: ShowWatched | ShowMessages) -> None:
        """What telephones that watch a number, or have a message lamp, are shown from now on."""
        match command:
            case ShowWatched(extension=extension, state=state, note=note, reachable=reachable):
                self._desk.tell_edge(Lamp(extension, LampState(state), note, reachable))
            case ShowMessages(extension=extension, new=new, old=old):
                self._desk.tell_edge(Mailbox(extension, new, old))

    @property
    def is_there(self) -> bool:
        """The edge can be told something now."""
        return self._desk.edge_up

    def lift(self, source: str, extension: str, who: str) -> bool:
        """Hear them again. False when there is no such ban."""
        there = self.book.lift(source, extension, who)
        if there:
            self._desk.tell_edge(LiftBan(source, Extension(extension)))
            self._alarms.forgive(source)
        return there

    def check_reach(self) -> None:
        """Look whether we can be reached from outside; what is found comes to `reached`."""
        self._desk.tell_edge(CheckReach())

    # ---- what the edge says

    def said(self, message: object, _: float) -> None:
        """The edge says something."""
        now = clock.now()
        match message:
            case Registered(extension=extension, devices=devices):
                self._doubtful.discard(extension)
                self._registered(extension, devices)
            case Refused():
                self._desk.note(self.book.refused(message, now))
            case Bans(bans=bans):
                self._settle_doubts()
                self._alarms.bans_are(bans)
                for change in self.book.bans_are(bans, now):
                    self._desk.note(change)
            case TrunkIs(name=name) if name in trunks.providers(self._firm):
                self._states[name] = message
                self._tell_engine()
                self._desk.post(trunks.changed(message))
            case Reached():
                self.reached = message
            case _:
                pass
        self._desk.look_again()

    def _registered(self, extension: Extension, devices: tuple[Device, ...]) -> None:
        self._devices[extension] = devices
        self._alarms.registered(extension, (device.address for device in devices))
        self._desk.post(events.PhonesChanged(extension, tuple(device.device for device in devices)))

    def _settle_doubts(self) -> None:
        """Who is banned is told after who is registered: a telephone not named by then has lapsed while nobody looked."""
        doubtful, self._doubtful = self._doubtful, set()
        for extension in sorted(doubtful):
            self._registered(extension, ())

    def _say_of_all(self, state: LineState, words: str) -> None:
        for name in trunks.providers(self._firm):
            self._desk.post(LineChanged(name, state, words))

    # ---- what the engine is told

    def engine_met(self) -> None:
        """The engine is there: it hears of all providers."""
        self._engine_knows = None
        self._tell_engine()

    def _tell_engine(self) -> None:
        passwords = self._secrets.lines()
        accounts = TrunkAccounts(
            tuple(
                trunks.account(name, one, passwords.get(name, ""), self._states.get(name))
                for name, one in trunks.providers(self._firm).items()
            )
        )
        if accounts != self._engine_knows:
            self._engine_knows = accounts
            self._desk.tell_engine(accounts)

    # ---- what the wiring asks for

    def to_phone(self, command: DialPhone) -> CallDevice:
        """The call, with what is known of the telephone."""
        devices = self._devices.get(command.extension, ())
        here = (device.here for device in devices if device.device == command.device)
        secrecy = (person.encryption for person in self._firm.people if person.extension == command.extension)
        return CallDevice(
            leg=command.leg,
            extension=command.extension,
            device=command.device,
            caller=command.caller,
            caller_name=command.caller_name,
            encryption=next(secrecy, Encryption.OFF),
            here=next(here, ""),
        )

    def to_provider(self, command: DialLine) -> CallTrunk | None:
        """The call in the provider's words; None when the line is no provider."""
        provider = trunks.providers(self._firm).get(command.line)
        if provider is None:
            return None
        return trunks.call(command, provider, self._firm, self._states.get(command.line))

    def from_provider(self, event: LineRang) -> LineRang:
        """A call in with its numbers as we write them."""
        provider = trunks.providers(self._firm).get(event.line)
        return event if provider is None else trunks.rang(event, provider, self._firm)
