"""What the desk tells the front door and the engine of telephones and providers, and what it makes of their answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.calls import commands, facts
from appliance.calls.edge import (
    Accounts,
    Ban,
    Bans,
    Device,
    Lamp,
    LampState,
    LiftBan,
    Mailbox,
    Outside,
    Refusal,
    Refused,
    Registered,
    Trunk,
    TrunkIs,
    Trunks,
)
from appliance.calls.engine import CallDevice, CallTrunk, TrunkAccount, TrunkAccounts
from appliance.calls.events import Event, LineChanged, LineRang, LineState, PhonesChanged
from appliance.calls.facts import Fact
from appliance.calls.names import Encryption, Extension, LegId, LineId, Transport
from appliance.store.secret_file import SecretFile
from appliance.supervisor.alarms import Alarms
from appliance.supervisor.frontdoor import ASKING, AWAY, FrontDoor
from appliance.switchboard.settings import LineOptions, NumberFormat, Provider, Settings
from tests.switchboard.office import firm

ANA, BESIM = Extension("101"), Extension("102")
LEG = LegId("out-1")
TRUNK = LineId("trunk")
PROVIDER = Provider(
    domain="sip.example.com",
    user="firm",
    main_number="+35542345678",
    numbers_as=NumberFormat.ZEROS,
    encryption=Encryption.OPTIONAL,
)
UP = TrunkIs(
    TRUNK, up=True, words="registered", here="203.0.113.5", contact="sip:firm@203.0.113.5:5060", transport=Transport.TCP
)


def with_provider(provider: Provider = PROVIDER) -> Settings:
    settings = firm()
    return replace(settings, lines=(*settings.lines, LineOptions(TRUNK, "hours office", provider=provider)))


class Desk:
    """Notes what the front door has for it."""

    def __init__(self) -> None:
        self.posted: list[Event] = []
        self.facts: list[Fact] = []
        self.edge: list[object] = []
        self.engine: list[object] = []

    def post(self, event: Event, at: float | None = None) -> None:
        assert at is None
        self.posted.append(event)

    def note(self, fact: Fact) -> None:
        self.facts.append(fact)

    def tell_engine(self, message: object) -> None:
        self.engine.append(message)

    def tell_edge(self, message: object) -> None:
        self.edge.append(message)

    def watched(self) -> list[commands.ShowWatched | commands.ShowMessages]:
        return [commands.ShowWatched(ANA, "on", "talking", reachable=False), commands.ShowMessages(BESIM, 2)]

    @property
    def edge_up(self) -> bool:
        return True

    def look_again(self) -> None:
        pass


class Room:
    def __init__(self, folder: Path) -> None:
        self.secrets = SecretFile(folder / "secrets")
        self.secrets.save_lines({TRUNK: "made-up"})
        self.desk = Desk()
        self.door = FrontDoor(with_provider(), self.secrets, Alarms(), self.desk)

    def says(self, message: object) -> None:
        self.door.said(message, 0.0)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_the_front_door_hears_everything_anew_whenever_it_is_met(room: Room) -> None:
    room.door.met()
    accounts, providers, *others = room.desk.edge
    assert isinstance(accounts, Accounts)
    assert providers == Trunks((Trunk(TRUNK, "sip.example.com", user="firm", password="made-up"),))
    assert others == [Outside(), Lamp(ANA, LampState.ON, "talking", open=False), Mailbox(BESIM, 2)]


def test_a_provider_is_a_line_that_starts_comes_up_and_goes_down_with_the_front_door(room: Room) -> None:
    room.door.begin()
    room.says(UP)
    room.says(replace(UP, up=False, words="no answer from 192.0.2.1"))
    room.door.lost()
    assert room.desk.posted == [
        LineChanged(TRUNK, LineState.STARTING, ASKING),
        LineChanged(TRUNK, LineState.UP, "registered"),
        LineChanged(TRUNK, LineState.DOWN, "no answer from 192.0.2.1"),
        LineChanged(TRUNK, LineState.DOWN, AWAY),
    ]


def test_a_provider_that_is_none_of_ours_any_more_is_nobodys_line(room: Room) -> None:
    room.door.apply(firm())
    room.says(UP)
    assert room.desk.posted == []
    assert room.desk.edge[-2:] == [Trunks(()), Outside()]


def test_the_engine_hears_of_providers_when_it_comes_and_when_something_has_changed(room: Room) -> None:
    room.door.engine_met()
    room.says(UP)
    room.says(replace(UP, words="registered, next 0:04:12"))
    room.door.engine_met()
    bare = TrunkAccount(TRUNK, "sip.example.com", "firm", password="made-up", encryption=Encryption.OPTIONAL)
    seen = replace(bare, contact="sip:firm@203.0.113.5:5060", here="203.0.113.5")
    assert room.desk.engine == [TrunkAccounts((bare,)), TrunkAccounts((seen,)), TrunkAccounts((seen,))]


def test_a_new_password_reaches_both(room: Room) -> None:
    room.secrets.save_lines({TRUNK: "another"})
    room.door.tell_providers()
    (told,) = (message for message in room.desk.edge if isinstance(message, Trunks))
    assert told.trunks[0].password == "another"
    (heard,) = (message for message in room.desk.engine if isinstance(message, TrunkAccounts))
    assert heard.trunks[0].password == "another"


def test_a_call_out_has_every_number_as_the_provider_wants_it(room: Room) -> None:
    room.says(UP)
    dialled = commands.DialLine(LEG, TRUNK, "0672000001", diverted_by="+393331234567")
    assert room.door.to_provider(dialled) == CallTrunk(
        LEG, TRUNK, "00355672000001", "0035542345678", diverted_by="00393331234567", here="203.0.113.5"
    )
    assert room.door.to_provider(replace(dialled, line=LineId("gsm1"))) is None


def test_an_emergency_number_goes_as_it_was_dialled(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.door.apply(replace(with_provider(), emergency_numbers=("042345678",)))  # nobody's: made up for the test
    call = room.door.to_provider(commands.DialLine(LEG, TRUNK, "042345678"))
    assert call is not None
    assert call.number == "042345678"


def test_a_call_in_has_its_numbers_as_we_write_them(room: Room) -> None:
    came = LineRang(LEG, TRUNK, "00355672000001", "0035542345678", "042345679", "Arta")
    assert room.door.from_provider(came) == LineRang(
        LEG, TRUNK, "+355672000001", "+35542345678", "+35542345679", "Arta"
    )
    assert room.door.from_provider(replace(came, caller="")).caller == ""


def test_a_telephone_is_called_at_our_address_as_it_sees_it_and_as_its_owner_wants_it_kept(room: Room) -> None:
    people = (replace(with_provider().people[0], encryption=Encryption.REQUIRED), *with_provider().people[1:])
    room.door.apply(replace(with_provider(), people=people))
    far = Device("far", "tls 198.51.100.7:40001", transport=Transport.TLS, here="203.0.113.5")
    room.says(Registered(ANA, (far, Device("near", "udp 192.0.2.7:5060", here="192.0.2.1"))))
    assert room.desk.posted[-1] == PhonesChanged(ANA, ("far", "near"))
    dial = commands.DialPhone(LEG, ANA, "far", "102", "Besim")
    called = CallDevice(LEG, ANA, "far", "102", "Besim", Encryption.REQUIRED, "203.0.113.5")
    assert room.door.to_phone(dial) == called
    assert room.door.to_phone(replace(dial, device="gone")) == replace(called, device="gone", here="")
    assert room.door.to_phone(replace(dial, extension=BESIM)).encryption is Encryption.OFF


def test_a_telephone_that_lapsed_while_the_front_door_was_away_is_not_called(room: Room) -> None:
    desk = Device("desk", "udp 192.0.2.7:5060")
    for extension in (ANA, BESIM):
        room.says(Registered(extension, (desk,)))
    room.door.lost()
    room.desk.posted.clear()
    room.door.met()
    room.says(Registered(ANA, (desk,)))
    assert room.desk.posted == [PhonesChanged(ANA, ("desk",))]
    room.says(Bans(()))
    room.says(Bans(()))
    assert room.desk.posted[1:] == [PhonesChanged(BESIM, ())]


BAN = Ban("203.0.113.9", "101", 1_800_000_000.0, "10 wrong passwords for extension 101")


def changes(room: Room) -> list[tuple[str, bool, str]]:
    return [(fact.source, fact.banned, fact.who) for fact in room.desk.facts if isinstance(fact, facts.BanChanged)]


def test_a_ban_is_on_record_once_when_it_begins_and_when_it_ends(room: Room) -> None:
    for bans in ((BAN,), (BAN,), ()):
        room.says(Bans(bans))
    assert changes(room) == [(BAN.source, True, ""), (BAN.source, False, "")]


def test_who_has_lifted_a_ban_is_on_record(room: Room) -> None:
    assert not room.door.lift(BAN.source, "101", "Ana")
    room.says(Bans((BAN,)))
    assert room.door.book.unheard() == (BAN,)
    assert not room.door.lift(BAN.source, "", "Ana")
    assert room.door.lift(BAN.source, "101", "Ana")
    assert room.desk.edge[-1] == LiftBan(BAN.source, ANA)
    assert room.door.book.unheard() == (), "the page does not show whom it has just let in"
    room.says(Bans(()))
    assert changes(room)[-1] == (BAN.source, False, "Ana")


def test_whoever_forgives_an_address_forgives_its_extensions_and_time_forgives_by_itself(room: Room) -> None:
    whole = Ban(BAN.source, "", BAN.until, "wrong passwords for several extensions")
    room.says(Bans((BAN, whole)))
    assert room.door.lift(BAN.source, "", "Ana")
    room.says(Bans((BAN, whole)))
    room.says(Bans(()))
    assert changes(room)[2:] == [(BAN.source, False, "Ana"), (BAN.source, False, "Ana")]
    room.says(Bans((BAN,)))
    assert room.door.lift(BAN.source, "101", "Ana")
    room.door.lost()
    room.says(Bans(()))
    assert changes(room)[-1] == (BAN.source, False, "")


def test_a_restarted_desk_still_knows_whom_the_door_has_turned_away(room: Room, tmp_path: Path) -> None:
    room.says(Refused(Refusal.STRANGER, "udp 198.51.100.1:5060", "INVITE"))
    room.says(Refused(Refusal.WRONG_PASSWORD, "udp 203.0.113.9:5060", "REGISTER for 101", 3))
    room.says(Bans((BAN,)))
    now = room.desk.facts[-1].at
    again = Room(tmp_path / "again")
    again.door.book.restore(room.door.book.carried(now))
    assert again.door.book.turned_away() == room.door.book.turned_away()
    assert [one.times for one in again.door.book.turned_away()] == [3, 1]
    again.says(Bans((BAN,)))
    assert changes(again) == [], "it is on record already"
    again.says(Bans(()))
    assert changes(again) == [(BAN.source, False, "")]
    assert not again.door.book.carried(now.after(2 * 86400.0))


def test_the_book_of_refusals_ends_somewhere(room: Room) -> None:
    for number in range(1000):
        room.says(Refused(Refusal.STRANGER, f"udp 198.51.100.1:{number}", "INVITE"))
    kept = room.door.book.turned_away()
    assert (len(kept), kept[0].source) == (200, "udp 198.51.100.1:999")
