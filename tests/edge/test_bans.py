"""Wrong passwords: the telephone that is set up wrong, the guesser, and all who must not suffer for either."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType

import pytest

from appliance.calls.edge import Account, Accounts, Bans, LiftBan, Refusal
from appliance.edge.bans import MOST, MOST_OF_ONE, Rules, Standing
from appliance.edge.bans import Bans as Table
from appliance.edge.flows import Flow
from tests.edge.house import REALM, UNLIMITED, House, Phone, account, accounts, proof, tcp, udp

FAR = "203.0.113.9"
SILENCE = None


def far(port: int = 5060, host: str = FAR) -> Flow:
    return Flow("udp", host, port)


def guess(house: House, flow: Flow, extension: str = "101", password: str = "wrong") -> int | None:
    """One attempt with its challenge; the status of the last answer, None for silence."""
    phone = Phone(house, extension, flow)
    challenge = phone.ask(phone.message(b"REGISTER"))
    if challenge is None:
        return None
    header = proof(challenge, b"REGISTER", b"sip:192.168.1.1", extension, password)
    found = phone.ask(phone.message(b"REGISTER", more=[b"Contact: <%b>" % phone.contact, header]))
    return found.status if found else None


def guesses(house: House, flow: Flow, extensions: Iterable[str]) -> list[int | None]:
    return [guess(house, flow, each) for each in extensions]


def kinds(house: House) -> set[str]:
    return {each.refusal.value for each in house.refusals()}


# ---- a mistyped password


@pytest.mark.parametrize("flow", [udp(66), far(), tcp(66), Flow("udp", "fd00::9", 5060)])
def test_a_mistyped_password_slows_that_extension_there_and_nobody_else(flow: Flow) -> None:
    house = House()
    assert guesses(house, flow, ["101"] * 10) == [403] * 10
    assert house.bans() == [(flow.host, "101")]
    assert kinds(house) == {"wrong password", "mistyped"}
    assert guess(house, flow) is SILENCE
    assert guess(house, flow, "102", "pw102") == 200, "the second telephone of the shop"
    assert guess(house, udp(67), "101", "pw101") == 200, "the same extension elsewhere"


def test_whoever_corrects_the_password_on_the_telephone_is_in_within_a_minute() -> None:
    house = House()
    guesses(house, udp(66), ["101"] * 10)
    assert guess(house, udp(66), "101", "pw101") is SILENCE
    house.pass_time(60)
    assert guess(house, udp(66), "101", "pw101") == 200
    house.pass_time(2)
    assert house.bans() == []
    assert guess(house, udp(66), "101", "pw101") == 200


def test_a_slowed_extension_has_one_try_a_minute() -> None:
    house = House()
    guesses(house, far(), ["101"] * 10)
    heard = 0
    for _ in range(360):
        house.pass_time(5)
        heard += guess(house, far()) is not SILENCE
    assert heard == 30, "half an hour"


def test_a_telephone_left_alone_with_a_wrong_password_never_locks_out_its_house() -> None:
    house = House()
    for _ in range(24 * 60):
        house.pass_time(60)
        guess(house, far())
    assert guess(house, far(), "102", "pw102") == 200
    house.pass_time(60)
    assert guess(house, far(), "101", "pw101") == 200


def test_two_mistyped_telephones_of_a_remote_shop_do_not_lock_out_the_third() -> None:
    house = House()
    guesses(house, far(), ["101", "102"] * 10)
    house.pass_time(2)
    assert sorted(house.bans()) == [(FAR, "101"), (FAR, "102")]
    assert guess(house, far(), "103", "pw103") == 200


def test_the_owners_new_password_ends_it_at_once() -> None:
    house = House()
    guesses(house, far(), ["101"] * 10 + ["102"] * 10)
    changed = Account(account("101").extension, account("101", "better").md5)
    others = [each for each in accounts().accounts if each.extension != "101"]
    house.pass_time(2)
    house.take(house.proxy.accept(Accounts(REALM, (changed, *others)), house.now))
    assert house.bans() == [(FAR, "102")]
    assert guess(house, far(), "101", "better") == 200


def test_the_same_accounts_said_again_lift_nothing() -> None:
    house = House()
    guesses(house, far(), ["101"] * 10)
    house.take(house.proxy.accept(accounts(), house.now))
    assert guess(house, far(), "101", "pw101") is SILENCE


@pytest.mark.parametrize("extension", ["101", ""])
def test_the_owner_lifts_it(extension: str) -> None:
    house = House()
    guesses(house, far(), ["101"] * 10)
    house.pass_time(2)
    house.take(house.proxy.lift(LiftBan(FAR, extension), house.now))
    assert house.bans() == []
    assert guesses(house, far(), ["101"] * 9) == [403] * 9, "the failures before are forgotten"
    assert guess(house, far(), "101", "pw101") == 200


def test_wrong_passwords_spread_over_a_day_are_nothing() -> None:
    house = House()
    for _ in range(30):
        house.pass_time(120)
        assert guess(house, far()) == 403
    assert house.bans() == []


def test_a_registered_telephone_need_not_wait_for_somebody_elses_tries() -> None:
    """Somebody at the same address tries its extension: it goes on refreshing and calling from its own port."""
    house = House()
    phone = Phone(house, "101", far(40_000))
    phone.register()
    guesses(house, far(50_000), ["101"] * 12)
    assert house.bans() == [(FAR, "101")]
    assert phone.register().status == 200
    phone.invite(b"600")
    assert house.to_engine


# ---- guessing


def test_somebody_who_guesses_is_not_heard_for_an_hour() -> None:
    house = House()
    assert guesses(house, far(), [f"{100 + each}" for each in range(10)]) == [403] * 10
    assert house.bans() == [(FAR, "")]
    assert "guessing" in kinds(house)
    assert guess(house, far(6000), "101", "pw101") is SILENCE
    assert guess(house, far(host="203.0.113.10"), "101", "pw101") == 200
    assert "banned" in kinds(house)
    house.pass_time(3601)
    assert house.bans() == []
    assert guess(house, far(), "101", "pw101") == 200


def test_who_has_one_address_of_ipv6_has_them_all() -> None:
    house = House()
    heard = [guess(house, far(host=f"2001:db8:0:1::{each:x}"), f"{100 + each}") for each in range(1, 13)]
    assert heard == [403] * 10 + [SILENCE] * 2
    assert house.bans() == [("2001:db8:0:1::/64", "")]
    assert guess(house, far(host="2001:db8:0:2::1"), "101", "pw101") == 200
    house.pass_time(2)
    house.take(house.proxy.lift(LiftBan("2001:db8:0:1::/64", ""), house.now))
    assert guess(house, far(host="2001:db8:0:1::77"), "101", "pw101") == 200


def test_the_owner_lets_a_guesser_in_again() -> None:
    house = House()
    guesses(house, far(), [f"{100 + each}" for each in range(10)])
    house.pass_time(2)
    house.take(house.proxy.lift(LiftBan(FAR, ""), house.now))
    assert guess(house, far(), "101", "pw101") == 200


@pytest.mark.parametrize("flow", [udp(66), far()])
def test_where_our_own_live_only_what_was_tried_is_slowed(flow: Flow) -> None:
    house = House(people=[str(each) for each in range(101, 121)])
    Phone(house, "120", flow).register()
    guesses(house, flow, [str(each) for each in range(101, 111)])
    assert len(house.bans()) == 10
    assert guess(house, flow, "101", "pw101") is SILENCE
    assert guess(house, flow, "119", "pw119") == 200, "one nobody tried"
    assert guess(house, flow, "118") == 403, "the next one that is tried wrongly"
    assert guess(house, flow, "118", "pw118") is SILENCE, "is slowed at once"
    assert guess(house, flow, "120", "pw120") == 200


def test_the_firms_own_network_is_never_silenced_whole() -> None:
    house = House()
    for each in range(500):
        guess(house, udp(66), f"{each}")
    assert guess(house, udp(66), "101", "pw101") in {200, SILENCE}
    house.pass_time(60)
    assert guess(house, udp(66), "102", "pw102") == 200


def test_one_who_guesses_pushes_out_only_their_own() -> None:
    house = House(limits=UNLIMITED)
    guesses(house, far(), ["101"] * 10)
    for each in range(2000):
        guess(house, udp(66), f"{each}")
    house.pass_time(2)
    assert house.bans().count((FAR, "101")) == 1
    assert len(house.bans()) <= MOST_OF_ONE + 1


# ---- what must not be told, and to whom


def test_nobody_can_have_somebody_else_banned() -> None:
    """A forger does not see the challenge, so it cannot use a nonce given to the address it forges."""
    house = House()
    own = Phone(house, "101", far(host="203.0.113.66"))
    challenge = own.ask(own.message(b"REGISTER"))
    assert challenge is not None
    header = proof(challenge, b"REGISTER", b"sip:192.168.1.1", "101", "wrong")
    victim = Phone(house, "101", far())
    for _ in range(20):
        victim.ask(victim.message(b"REGISTER", more=[header]))
    assert house.bans() == []
    house.pass_time(60)
    assert guess(house, far(), "101", "pw101") == 200


def test_a_name_nobody_has_is_treated_as_an_extension_is() -> None:
    """Else its being silenced sooner or later would tell which extensions there are."""

    def story(name: str) -> list[int | None]:
        house = House()
        heard = guesses(house, far(), [name] * 12)
        house.pass_time(60)
        heard += guesses(house, far(), [name, name, "999", "998"])
        return [*heard, len(house.bans())]

    assert story("101") == story("404")


@pytest.mark.parametrize("sha256", [False, True])
def test_known_and_unknown_cost_the_same_work_before_the_answer(sha256: bool) -> None:
    """The same functions are called, in the same order: what the clock could tell is what stands in their tables."""

    def work(name: str, method: bytes) -> list[str]:
        house = House()
        house.take(house.proxy.accept(accounts(sha256=sha256), house.now))
        guess(house, far(), "555")  # whatever is made on first use is made
        guess(house, far(), "556")
        phone = Phone(house, name, far())
        asked = phone.ask(phone.message(method))
        assert asked is not None
        header = proof(asked, method, b"sip:192.168.1.1", name, "wrong", algorithm="SHA-256" if sha256 else "MD5")
        first, second = phone.message(method), phone.message(method, more=[header])
        called: list[str] = []

        def watch(frame: FrameType, event: str, _: object) -> None:
            if event == "call" and "/appliance/" in frame.f_code.co_filename:
                called.append(frame.f_code.co_name)

        for data in (first, second):
            sys.setprofile(watch)
            try:
                house.hear(data, phone.flow)
            finally:
                sys.setprofile(None)
        return called

    for method in (b"REGISTER", b"INVITE"):
        assert work("101", method) == work("777", method)


def test_an_empty_name_does_not_stand_for_the_whole_address() -> None:
    house = House()
    guesses(house, far(), [""] * 12)
    assert (FAR, "") not in house.bans()
    assert guess(house, far(), "101", "pw101") == 200


def test_the_desk_hears_the_whole_list_in_plain_words_and_not_too_often() -> None:
    house = House()
    guesses(house, far(), ["101"] * 10)
    guesses(house, udp(66), ["102"] * 10)
    told = [each for each in house.told if isinstance(each, Bans)]
    assert [len(each.bans) for each in told] == [1], "the second a moment later"
    house.pass_time(1)
    told = [each for each in house.told if isinstance(each, Bans)]
    assert [each.extension for each in told[-1].bans] == ["102", "101"]
    assert told[-1].bans[1].why == "10 wrong passwords for extension 101"
    assert told[-1].bans[1].until == 1000.0 + 3600.0


# ---- the table


def test_the_table_is_bounded_and_outlives_a_restart() -> None:
    table = Table(Rules(failures=3))
    for each in range(MOST + 50):
        for name in (b"1", b"2", b"3"):
            table.failed(f"198.51.{each // 250}.{each % 250}", name, 1.0, spared=False)
    assert len(table.standing()) == MOST
    again = Table(Rules())
    again.restore([*table.standing(), Standing("192.0.2.1", "", 0.5, "over")], 5.0)
    assert again.standing() == table.standing()
    assert again.silenced("198.51.2.10")
    assert not again.silenced("192.0.2.1")


def test_the_reasons_have_their_own_kinds() -> None:
    assert Table(Rules(failures=1)).failed("192.0.2.1", b"101", 0.0, spared=False) is Refusal.MISTYPED
    assert Table(Rules(failures=1, names=1)).failed("192.0.2.1", b"101", 0.0, spared=False) is Refusal.GUESSING
