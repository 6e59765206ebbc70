"""Lines with room, our several numbers, and the next line when one does not carry a call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls import commands, events, facts
from appliance.calls.events import LineState
from appliance.calls.names import Cause, LegId, LineId
from appliance.calls.prompt import Say
from appliance.calls.record import Result
from appliance.switchboard.live import live
from appliance.switchboard.settings import NumberRoute, Settings
from tests.switchboard.office import GSM, VOIP, Office, firm, provider

SPARE = LineId("spare")
MENU = Say("Press 1 for the office, 2 for Ana.", "en")


def two_ways(**changes: object) -> Settings:
    """A provider with room for two calls, then the GSM modem, then another provider."""
    gsm = firm().lines[0]
    return firm(lines=(provider(**changes), gsm, provider(SPARE, calls_at_once=1)))


@pytest.fixture
def office() -> Office:
    return Office(two_ways())


def dialled(office: Office) -> list[LineId]:
    return [one.line for one in office.done if isinstance(one, commands.DialLine)]


def test_a_provider_carries_as_many_calls_as_it_has_room_for(office: Office) -> None:
    first, second = office.ring("+355672000001", VOIP), office.ring("+355672000002", VOIP)
    office.run()
    assert {first, second} <= office.sound.up
    third = office.ring("+355672000003", VOIP)
    office.run()
    assert commands.Hangup(third, Cause.BUSY) in office.done
    record = office.record()
    assert (record.result, record.cause_detail) == (Result.MISSED, "voip has no room for more than 2 calls")
    assert [task.number for task in live(office.board, office.now).tasks] == ["+355672000003"], "to be called back"
    office.hang_up(first)
    fourth = office.ring("+355672000004", VOIP)
    office.run()
    assert fourth in office.sound.up


def test_only_modems_take_up_their_calls_again(office: Office) -> None:
    office.ring(line=VOIP)
    office.dial("101", "0672000009")
    caller = office.ring("+355672000001")
    office.run()
    assert office.board.line_legs() == {GSM: (caller, "+355672000001")}


def test_the_page_sees_how_full_a_line_is(office: Office) -> None:
    office.ring(line=VOIP)
    office.run()
    (line,) = (line for line in live(office.board, office.now).lines if line.name == VOIP)
    assert (line.calls, line.room, line.busy) == (1, 2, True)


def test_a_providers_caller_hears_it_ring_until_the_box_answers() -> None:
    office = Office(two_ways(answer_after_rings=3))
    caller = office.ring(line=VOIP)
    office.run()
    assert commands.Ring(caller) in office.done
    office.run(9.9)
    assert caller not in office.sound.up
    office.run(0.2)
    assert caller in office.sound.up
    assert office.sound.playing[caller].prompts == (MENU,)


def test_a_provider_may_be_answered_at_once(office: Office) -> None:
    caller = office.ring(line=VOIP)
    office.run()
    assert caller in office.sound.up
    assert commands.Ring(caller) not in office.done


def test_a_caller_who_gives_up_while_it_rings_is_lost() -> None:
    office = Office(two_ways(answer_after_rings=3))
    caller = office.ring(line=VOIP)
    office.run(6.0)
    office.hang_up(caller)
    office.run(20.0)
    assert office.record().result is Result.MISSED
    assert not office.board.calls


@pytest.mark.parametrize("seconds", [2.0, 60.0])
def test_a_providers_caller_rings_on_over_a_restart_of_the_desk(seconds: float) -> None:
    office = Office(two_ways(answer_after_rings=3))
    caller = office.ring(line=VOIP)
    office.run(1.0)
    office.now = office.now.after(seconds)
    office.restart()
    office.run(max(0.0, 10.0 - 1.0 - seconds) + 0.1)
    assert caller in office.sound.up
    assert office.sound.playing[caller].prompts == (MENU,)


def test_a_provider_who_was_answered_just_before_the_restart_is_led_on() -> None:
    office = Office(two_ways())
    caller = LegId("v-1")
    office.sound.calling.add(caller)
    office.take(office.board.handle(events.LineRang(caller, VOIP, "+355672000001"), office.now))
    assert caller in office.sound.up
    office.restart()
    assert office.sound.playing[caller].prompts == (MENU,)
    assert office.story().count("call_answered") == 1


def test_a_provider_whose_call_was_gone_after_the_restart_has_its_end() -> None:
    office = Office(two_ways(answer_after_rings=3))
    caller = office.ring(line=VOIP)
    office.run(1.0)
    office.drop(caller)
    office.restart()
    office.run(2.0)
    assert office.record().result is Result.MISSED
    assert not office.board.calls


def test_the_engine_takes_a_providers_ringing_calls_with_it() -> None:
    office = Office(two_ways(answer_after_rings=3))
    office.ring(line=VOIP)
    office.run(1.0)
    office.engine_dies()
    assert office.record().cause_detail == "the sound engine stopped"
    assert not office.board.calls
    assert not live(office.board, office.now).lines[0].calls


@pytest.mark.parametrize("called", ["+35542000002", "0035542000002", "042000002"])
def test_each_of_our_numbers_leads_to_its_own_place(called: str) -> None:
    routes = (NumberRoute("+35542000001", "queue office"), NumberRoute("042000002", "say closed"))
    office = Office(two_ways(numbers=routes))
    caller = office.ring("+355672000001", VOIP, called)
    office.run()
    assert office.sound.playing[caller].prompts == (Say("We are closed.", "en"),)
    office.restart()
    office.run(2.0)
    assert office.sound.playing[caller].prompts == (Say("We are closed.", "en"),)
    other = office.ring("+355672000001", VOIP, "+35542000009")
    office.run()
    assert office.sound.playing[other].prompts == (MENU,), "a number without a way of its own goes the line's"


def test_who_sent_the_caller_on_is_on_record(office: Office) -> None:
    office.ring(line=VOIP, diverted_by="+355672000009", caller_name="Besa")
    office.run()
    (began,) = (fact for fact in office.facts if isinstance(fact, facts.CallBegan))
    assert (began.diverted_by, began.caller_name) == ("+355672000009", "Besa")
    assert office.record().caller_name == "Besa"
    assert office.record().diverted_by == "+355672000009"


def test_a_call_on_a_line_that_is_not_ours_is_refused(office: Office) -> None:
    caller = office.ring(line=LineId("gone"))
    office.run()
    assert commands.Hangup(caller, Cause.REFUSED) in office.done
    assert not office.board.calls


def test_calls_out_take_the_first_line_with_room_in_the_owners_order(office: Office) -> None:
    for number in range(5):
        office.dial(f"10{number % 3 + 1}", f"067200000{number}")
    assert dialled(office) == [VOIP, VOIP, GSM, SPARE]
    assert office.record().cause_detail == "no line is free"
    office.happen(events.LineChanged(VOIP, LineState.DOWN, "no answer from 192.0.2.1"))
    for leg in office.dialled(VOIP):
        office.hang_up(leg, Cause.BUSY)
    office.dial("103", "0672000009")
    assert dialled(office) == [VOIP, VOIP, GSM, SPARE], "a line that is down is passed over"


def test_a_line_that_fails_before_it_rang_is_followed_by_the_next(office: Office) -> None:
    office.silent = {VOIP, GSM}
    phone = office.dial("101", "0672000009")
    office.hang_up(office.dialled(VOIP)[0], Cause.UNREACHABLE)
    office.hang_up(office.dialled(GSM)[0], Cause.FAULT)
    office.pick_up(office.dialled(SPARE)[0])
    assert phone in office.sound.bridged
    office.hang_up(phone)
    assert [step for step in office.story() if step.startswith("leg_")] == [
        "leg_joined 0672000009 voip",
        "leg_left unreachable",
        "leg_joined 0672000009 gsm1",
        "leg_left fault",
        "leg_joined 0672000009 spare",
    ]
    assert office.record().line == SPARE


def test_each_line_is_tried_once(office: Office) -> None:
    office.silent = {VOIP, GSM, SPARE}
    phone = office.dial("101", "0672000009")
    for line in (VOIP, GSM, SPARE):
        office.hang_up(office.dialled(line)[0], Cause.UNREACHABLE)
    assert dialled(office) == [VOIP, GSM, SPARE]
    assert commands.Hangup(phone, Cause.UNREACHABLE) in office.done


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.UNKNOWN_NUMBER, Cause.REFUSED, Cause.NO_ANSWER])
def test_what_the_called_side_says_is_believed(office: Office, cause: Cause) -> None:
    office.silent = {VOIP}
    phone = office.dial("101", "0672000009")
    office.hang_up(office.dialled(VOIP)[0], cause)
    assert dialled(office) == [VOIP]
    assert commands.Hangup(phone, cause) in office.done


def test_a_number_that_rang_was_reached_by_that_line(office: Office) -> None:
    office.dial("101", "0672000009")
    office.hang_up(office.dialled(VOIP)[0], Cause.FAULT)
    assert dialled(office) == [VOIP]


def test_an_emergency_goes_over_one_line_after_the_other_whatever_they_say(office: Office) -> None:
    for line in (VOIP, SPARE):
        office.happen(events.LineChanged(line, LineState.DOWN, "no answer"))
    office.dial("101", "199")
    for line, cause in ((GSM, Cause.BUSY), (VOIP, Cause.REFUSED)):
        office.hang_up(office.dialled(line)[0], cause)
    office.run(121.0)
    assert dialled(office) == [GSM, VOIP, SPARE]
    assert not office.board.calls


def test_an_emergency_goes_over_a_provider_whose_room_is_taken() -> None:
    office = Office(firm(lines=(provider(calls_at_once=1),)))
    office.ring(line=VOIP)
    office.run()
    phone = office.dial("101", "199")
    office.pick_up(office.dialled(VOIP)[0])
    assert phone in office.sound.bridged


def test_keys_for_the_network_are_no_number() -> None:
    office = Office(two_ways())
    for number in ("*21*0900123456#", "**21#", "12+345678"):
        phone = office.dial("101", number)
        assert commands.Hangup(phone, Cause.UNKNOWN_NUMBER) in office.done
    assert not dialled(office)


def test_a_provider_that_is_taken_away_is_forgotten_and_its_calls_go_on(office: Office) -> None:
    phone = office.dial("101", "0672000009")
    leg = office.dialled(VOIP)[0]
    office.pick_up(leg)
    settings = replace(office.settings, lines=office.settings.lines[1:])
    office.take(office.board.configure(settings, office.board.zone, office.now))
    assert [line.name for line in live(office.board, office.now).lines] == [GSM, SPARE]
    assert office.sound.bridged[phone] == leg
    office.hang_up(leg)
    assert office.record().result is Result.ANSWERED
