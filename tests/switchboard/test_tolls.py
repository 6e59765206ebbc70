"""Who may call where, and what a line may spend: against toll fraud, and against forgetting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls import commands, facts
from appliance.calls.facts import EndedBy
from appliance.calls.moment import Moment
from appliance.calls.names import Cause, Extension, LegId, LineId
from appliance.calls.prompt import Phrase
from appliance.calls.record import Result
from appliance.switchboard.live import live
from appliance.switchboard.settings import Caps, LineOptions, Person, Price, Reach
from appliance.switchboard.tolls import Charged, Destination, Tolls, destination, forbidden, price
from appliance.switchboard.views import LiveLine
from tests.switchboard.office import GSM, NOON, VOIP, ZONE, Office, canonical, firm, kind, provider

CHEAP = Price("+355", 0.1)
ABROAD = Price("", 1.5)


def capped(**caps: object) -> Office:
    """An office with one provider that has these caps and room for two."""
    return Office(firm(lines=(provider(caps=Caps(**caps)),)))  # type: ignore[arg-type]


def forbidden_facts(office: Office) -> list[tuple[str, str]]:
    return [(fact.number, fact.why) for fact in office.facts if isinstance(fact, facts.CallForbidden)]


def line(office: Office, name: LineId = VOIP) -> LiveLine:
    return next(line for line in live(office.board, office.now).lines if line.name == name)


def talk(office: Office, who: str = "101", number: str = "0672000009") -> LegId:
    """Somebody of us calls a number outside, and it is answered."""
    phone = office.dial(who, number)
    office.pick_up(next(iter(office.sound.ringing)))
    return phone


# ---- where a person may call


@pytest.mark.parametrize(
    ("number", "written", "reach"),
    [
        ("0672000001", "+355672000001", Reach.NATIONAL),
        ("+393331234567", "+393331234567", Reach.ABROAD),
        ("0900123", "+355900123", Reach.PREMIUM),
        ("1188", "1188", Reach.NATIONAL),
        ("+1188", "+1188", Reach.ABROAD),
        ("0039" + "1" * 20, "+39" + "1" * 20, Reach.ABROAD),
        ("81039" + "1" * 20, "81039" + "1" * 20, Reach.ABROAD),
    ],
)
def test_where_a_number_leads(number: str, written: str, reach: Reach) -> None:
    assert destination(number, canonical, kind) == Destination(written, reach)


def test_what_cannot_be_read_is_abroad_when_it_was_dialled_so() -> None:
    assert destination("0039", lambda number: number, lambda _: None) == Destination("+39", Reach.ABROAD)


@pytest.mark.parametrize(
    ("changes", "number", "why"),
    [
        ({}, "0672000001", ""),
        ({}, "+393331234567", "101 may not call abroad"),
        ({}, "0900123", "101 may not call numbers that cost extra"),
        ({"reaches": (Reach.ABROAD,)}, "0672000001", "101 may not call numbers of this country"),
        ({"also": ("+39",)}, "+393331234567", ""),
        ({"also": ("+39",)}, "+493331234567", "101 may not call abroad"),
        ({"never": ("+35567",)}, "0672000001", "101 may not call numbers that begin with +35567"),
        ({"never": ("+3933",), "also": ("+39",)}, "+393331234567", "101 may not call numbers that begin with +3933"),
        ({"may_call_out": False, "also": ("+39",)}, "+393331234567", "101 may not call numbers outside"),
    ],
)
def test_who_may_call_where(changes: dict[str, object], number: str, why: str) -> None:
    person = replace(Person(Extension("101"), "Ana"), **changes)  # type: ignore[arg-type]
    assert forbidden(person, destination(number, canonical, kind)) == why


def test_who_may_not_call_there_hears_it_and_it_is_on_record() -> None:
    office = capped()
    phone = office.dial("101", "+393331234567")
    assert office.sound.playing[phone].prompts == (Phrase("number_refused", "en"),)
    office.heard(phone)
    assert commands.Hangup(phone, Cause.REFUSED) in office.done
    assert forbidden_facts(office) == [("+393331234567", "101 may not call abroad")]
    record = office.record()
    assert (record.result, record.cause, record.cause_detail) == (
        Result.NOT_REACHED,
        Cause.REFUSED,
        "101 may not call abroad",
    )
    assert "call_forbidden +393331234567 101 may not call abroad" in office.story()
    assert not [one for one in office.done if isinstance(one, commands.DialLine)]


def test_a_machine_that_dials_on_and_on_is_not_talked_to() -> None:
    office = capped()
    office.dial("101", "+393331234567")
    second = office.dial("101", "+393331234568")
    assert commands.Hangup(second, Cause.REFUSED) in office.done
    assert len(forbidden_facts(office)) == 2


def test_a_firm_that_moves_reads_numbers_anew() -> None:
    office = capped()
    office.board.write_numbers(lambda number: f"+39{number[1:]}", lambda _: Reach.ABROAD)
    office.dial("101", "0672000009")
    assert forbidden_facts(office) == [("0672000009", "101 may not call abroad")]


# ---- what a line may spend


def test_the_longest_beginning_gives_the_price() -> None:
    caps = Caps(prices=(ABROAD, CHEAP, Price("+35569", 0.3)))
    assert [price(caps, to) for to in ("+355690001", "+355420001", "+39333")] == [0.3, 0.1, 1.5]
    assert price(Caps(prices=(CHEAP,)), "+39333") == 0.0


def test_a_line_makes_so_many_calls_an_hour() -> None:
    office = capped(calls_per_hour=2)
    for _ in range(2):
        office.hang_up(talk(office))
    assert (line(office).calls_this_hour, line(office).capped) == (2, "voip has made its 2 calls of this hour")
    phone = office.dial("101", "0672000009")
    assert office.sound.playing[phone].prompts == (Phrase("calls_capped", "en"),)
    assert forbidden_facts(office) == [("0672000009", "voip has made its 2 calls of this hour")]
    office.run(3599.0)
    assert line(office).capped
    office.run(2.0)
    assert (line(office).calls_this_hour, line(office).capped) == (0, "")
    office.dial("102", "0672000009")
    assert office.dialled(VOIP)


def test_a_capped_line_is_passed_over_for_the_next() -> None:
    office = Office(firm(lines=(provider(caps=Caps(calls_per_hour=1)), firm().lines[0])))
    office.hang_up(talk(office))
    office.dial("101", "0672000009")
    assert office.dialled(GSM)
    assert not forbidden_facts(office)


def test_when_the_only_other_line_is_capped_the_call_fails_for_what_the_first_said() -> None:
    office = Office(firm(lines=(provider(), provider(LineId("spare"), caps=Caps(calls_per_hour=1)))))
    office.silent = {VOIP}
    office.board.tolls.dialled(LineId("spare"), LegId("x"), 0.0, office.now)
    phone = office.dial("101", "0672000009")
    office.hang_up(office.dialled(VOIP)[0], Cause.UNREACHABLE)
    assert commands.Hangup(phone, Cause.UNREACHABLE) in office.done
    assert forbidden_facts(office) == [("0672000009", "spare has made its 1 calls of this hour")]


def test_minutes_count_as_they_begin_and_a_call_is_warned_and_ended() -> None:
    office = capped(minutes_per_day=3)
    office.hang_up(talk(office))
    phone = talk(office)
    office.run(104.9)
    assert phone not in office.sound.playing
    office.run(0.2)
    assert office.sound.playing[phone].prompts == (Phrase("call_ends_soon", "en"),)
    office.run(14.8)
    assert phone in office.sound.bridged
    office.run(0.2)
    record = office.record()
    assert (record.ended_by, record.cause, record.cause_detail) == (
        EndedBy.BOX,
        Cause.REFUSED,
        "voip has used its 3 minutes of today",
    )
    assert record.talked == pytest.approx(120.0)
    assert forbidden_facts(office) == [("0672000009", "voip has used its 3 minutes of today")]
    office.dial("102", "0672000009")
    assert not office.dialled(VOIP)


def test_the_day_ends_at_midnight_where_the_firm_is() -> None:
    office = capped(minutes_per_day=2)
    office.run(11 * 3600 + 53 * 60)  # 23:59:40 in Tirana
    phone = talk(office)
    office.run(179.0)
    assert phone in office.sound.bridged, "its first minute was yesterday's"
    office.run(2.0)
    assert phone not in office.sound.bridged


def test_money_is_spent_to_the_last_coin_and_no_further() -> None:
    office = capped(cost_per_day=1.0, prices=(CHEAP, ABROAD))
    phone = talk(office)
    office.run(10 * 60 - 1.0)
    assert phone in office.sound.bridged
    office.run(2.0)
    assert phone not in office.sound.bridged
    assert line(office).spent_today == pytest.approx(1.0)
    assert line(office).capped == "voip has spent its 1 of today"


def test_what_costs_more_than_is_left_is_not_begun() -> None:
    people = (Person(Extension("101"), "Ana", reaches=tuple(Reach)),)
    office = Office(
        firm(people=people, queues=(), lines=(provider(caps=Caps(cost_per_day=1.0, prices=(CHEAP, ABROAD))),))
    )
    office.dial("101", "+393331234567")
    assert forbidden_facts(office) == [("+393331234567", "voip has spent its 1 of today")]
    office.dial("101", "0672000009")
    assert office.dialled(VOIP)


def test_two_calls_do_not_share_the_last_minute() -> None:
    office = capped(minutes_per_day=1)
    office.dial("101", "0672000009")
    office.dial("102", "0672000008")
    assert len(office.dialled(VOIP)) == 1
    office.hang_up(office.dialled(VOIP)[0], Cause.BUSY)
    office.dial("102", "0672000008")
    assert len(office.dialled(VOIP)) == 1, "what nobody answered costs nothing"


def test_no_call_lasts_longer_than_the_line_allows() -> None:
    office = capped(longest_minutes=2)
    phone = talk(office)
    office.run(119.0)
    assert phone in office.sound.bridged
    office.run(2.0)
    assert office.record().cause_detail == "voip carries no call for more than 2 minutes"


def test_a_cap_that_is_raised_in_time_lets_the_call_go_on() -> None:
    office = capped(longest_minutes=1)
    phone = talk(office)
    office.run(50.0)
    settings = firm(lines=(provider(caps=Caps(longest_minutes=0)),))
    office.take(office.board.configure(settings, ZONE, office.now))
    office.run(600.0)
    assert phone in office.sound.bridged


def test_calls_that_come_in_cost_nothing() -> None:
    office = capped(minutes_per_day=1, longest_minutes=1, calls_per_hour=1)
    caller = office.ring(line=VOIP)
    office.run()
    office.key(caller, "1")
    office.pick_up(office.phone_of("101"))
    office.run(600.0)
    assert caller in office.sound.bridged
    assert not line(office).calls_this_hour


def test_an_emergency_is_neither_capped_nor_counted() -> None:
    office = capped(minutes_per_day=1, longest_minutes=1, calls_per_hour=1)
    phone = talk(office, number="199")
    office.run(600.0)
    assert phone in office.sound.bridged
    office.hang_up(phone)
    assert not line(office).calls_this_hour
    office.hang_up(talk(office))
    assert line(office).capped
    assert talk(office, number="199") in office.sound.bridged


# ---- over a restart


def test_a_restart_forgets_no_call_and_no_coin() -> None:
    office = capped(calls_per_hour=9, cost_per_day=9.0, prices=(CHEAP,))
    phone = talk(office)
    office.run(150.0)
    office.hang_up(phone)
    office.hang_up(talk(office, number="199"))
    talk(office)
    office.run(30.0)
    before = line(office)
    assert before.calls_this_hour == 2
    assert before.spent_today == pytest.approx(0.4)
    office.restart()
    after = line(office)
    assert after.calls_this_hour == 2
    assert after.spent_today == pytest.approx(0.4)
    office.facts = office.board.carried(office.now)
    office.run(40.0)
    office.restart()
    office.run(2.0)
    after = line(office)
    assert after.calls_this_hour == 2
    assert after.spent_today == pytest.approx(0.5)
    office.run(3600.0)
    assert line(office).calls_this_hour == 0


def test_a_call_that_is_on_is_ended_by_its_cap_after_a_restart_too() -> None:
    office = capped(minutes_per_day=3)
    phone = talk(office)
    office.run(70.0)
    office.restart()
    office.run(109.0)
    assert phone in office.sound.bridged
    office.run(2.0)
    assert office.record().cause_detail == "voip has used its 3 minutes of today"


def test_what_began_while_the_desk_was_away_is_counted() -> None:
    office = capped(minutes_per_day=9)
    talk(office)
    office.run(30.0)
    office.now = office.now.after(200.0)
    office.restart()
    office.run(1.0)
    assert office.board.tolls.carried(office.now)[0].minutes == 4


def test_yesterdays_minutes_are_not_todays() -> None:
    tolls = Tolls(ZONE)
    morning = Moment(1000.0, NOON)
    charged = Charged(VOIP, 1.0, morning.after(-24 * 3600.0))
    tolls.catch_up(charged, morning, morning)
    since_midnight = 12 * 60 + 6 + 40 / 60
    (spent,) = tolls.carried(morning)
    assert charged.minutes == 24 * 60
    assert abs(spent.minutes - since_midnight) <= 1


def test_a_line_without_caps_takes_everything() -> None:
    tolls = Tolls(ZONE)
    free = LineOptions(VOIP, "hang up", caps=Caps(0, 0, 0.0, 0))
    now = Moment(1000.0, NOON)
    for number in range(100):
        tolls.dialled(VOIP, LegId(str(number)), 1.0, now)
    charged = tolls.answered(VOIP, LegId("5"), now)
    assert charged is not None
    charged.minutes = 10_000
    assert (tolls.refusal(free, 1.0, now), tolls.may_go_on(free, charged, now)) == ("", "")
