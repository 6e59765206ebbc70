"""The main job, told as a person would tell it; the switchboard cannot know that the office is made of software."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.callcenter.settings import QueueSettings
from appliance.calls import commands, events, facts
from appliance.calls.events import LineState, OperatorWish
from appliance.calls.facts import EndedBy, OperatorState
from appliance.calls.names import Cause, Direction, Extension, LegId
from appliance.calls.prompt import Music, Phrase, Say, Tone
from appliance.calls.record import Result
from appliance.switchboard.live import live
from appliance.switchboard.settings import Person
from tests.switchboard.office import GSM, Office, firm


@pytest.fixture
def office() -> Office:
    return Office()


def state(office: Office, extension: str) -> OperatorState:
    return office.board.center.operators[Extension(extension)].state


def lamp(office: Office, extension: str) -> str:
    return office.lamps[Extension(extension)]


def buzzing(office: Office) -> bool:
    return office.buzzer


def test_a_caller_is_led_to_an_operator_and_it_is_on_record(office: Office) -> None:
    caller = office.ring()
    office.run(1.0)
    assert not office.sound.up, "the box answers on the second ring, not the first"
    office.happen(events.LegRangAgain(caller, 2))
    assert caller in office.sound.up
    assert office.sound.playing[caller].prompts == (Say("Press 1 for the office, 2 for Ana.", "en"),)
    office.run(3.0)
    office.key(caller, "1")
    phone = office.phone_of("101")
    assert office.sound.playing[caller].prompts == (Phrase("please_wait", "en"),)
    assert buzzing(office)
    assert lamp(office, "101") == "ringing"
    office.heard(caller)
    assert office.sound.playing[caller].prompts == (Music(),)
    office.run(5.0)
    office.pick_up(phone)
    assert office.sound.bridged == {caller: phone, phone: caller}
    assert lamp(office, "101") == "busy"
    assert not buzzing(office)
    office.run(60.0)
    office.hang_up(caller)
    assert not office.sound.up, "a hang-up on one side ends both"
    assert state(office, "101") is OperatorState.WRAP_UP
    office.run(10.0)
    assert state(office, "101") is OperatorState.READY

    record = office.record()
    assert record.result is Result.ANSWERED
    assert record.operators == ("101",)
    assert record.waited == pytest.approx(5.0)
    assert record.talked == pytest.approx(60.0)
    assert record.recording == f"2026/11/18/{record.call}"
    assert record.ended_by is EndedBy.CALLER
    assert office.story() == [
        "call_began +355672000001 gsm1",
        "call_answered",
        "place_reached hours office",
        "place_reached menu main open",
        "key_taken 1 menu main",
        "place_reached queue office Office",
        "queue_joined office",
        "operator_offered 101",
        "queue_left office answered",
        "talk_began 101 office",
        "recording_began",
        "call_ended caller normal",
        "recording_kept",
    ]
    assert not office.board.calls


def test_an_operator_who_does_not_answer_is_set_aside_and_the_caller_keeps_waiting(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    office.phone_of("101")
    office.run(14.9)
    office.phone_of("101")
    office.run(0.2)
    assert not office.ringing_at("101")
    assert state(office, "101") is OperatorState.SET_ASIDE
    assert lamp(office, "101") == "paused"
    office.pick_up(office.phone_of("102"))
    assert "operator_missed 101 no answer" in office.story()
    office.hang_up(caller)
    office.happen(events.OperatorAsked(Extension("101"), OperatorWish.READY))
    assert state(office, "101") is OperatorState.READY


def test_the_operator_hangs_up(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    phone = office.phone_of("101")
    office.pick_up(phone)
    office.run(5)
    office.hang_up(phone)
    assert office.record().ended_by is EndedBy.CALLED
    assert caller not in office.sound.up


def test_a_caller_who_gives_up_waiting_is_an_open_task(office: Office) -> None:
    caller = office.ring_twice("+355672000007")
    office.key(caller, "1")
    office.run(7.0)
    office.hang_up(caller)
    assert not office.sound.ringing, "nobody goes on ringing for a caller who has gone"
    assert office.record().result is Result.MISSED
    (task,) = live(office.board, office.now).tasks
    assert (task.number, task.queue) == ("+355672000007", "office")
    assert task.waited == pytest.approx(7.0)
    assert state(office, "101") is OperatorState.READY, "that was not their fault"


def test_the_same_caller_lost_again_is_the_same_task_and_speaking_closes_it(office: Office) -> None:
    for _ in range(3):
        caller = office.ring_twice("+355672000007")
        office.hang_up(caller)
    (task,) = live(office.board, office.now).tasks
    assert task.lost_calls == 3
    phone = office.dial("102", "+355672000007")
    (leg,) = office.sound.ringing
    office.hang_up(leg, Cause.NO_ANSWER)
    assert live(office.board, office.now).tasks[0].tries == 1
    phone = office.dial("102", "+355672000007")
    (leg,) = office.sound.ringing
    office.pick_up(leg)
    assert not live(office.board, office.now).tasks
    office.hang_up(phone)
    closed = [fact for fact in office.facts if isinstance(fact, facts.TaskClosed)]
    assert [(fact.how, fact.who) for fact in closed] == [("we called", "102")]


def test_the_longest_idle_operator_is_rung(office: Office) -> None:
    for operator in ("101", "102", "103", "101"):
        caller = office.ring_twice()
        office.key(caller, "1")
        office.pick_up(office.phone_of(operator))
        office.hang_up(caller)
        office.run(30.0)


def test_keys_that_mean_nothing_and_no_key_at_all(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "9")
    assert office.sound.playing[caller].prompts[0] == Phrase("wrong_key", "en")
    office.heard(caller)
    office.run(6.0)
    assert office.sound.playing[caller].prompts[0] == Phrase("no_key", "en")
    office.heard(caller)
    office.run(6.0)
    assert "queue_joined office" in office.story(), "after three tries the menu leads where it is told to"


def test_an_announcement_then_the_box_hangs_up_and_nobody_was_missed(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "3")
    assert office.sound.playing[caller].prompts == (Say("We are closed.", "en"),)
    office.heard(caller)
    assert caller not in office.sound.up
    assert office.record().result is Result.INFORMED
    assert not live(office.board, office.now).tasks


def test_a_menu_key_rings_one_person_and_the_caller_hears_it_ring(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "2")
    assert office.sound.playing[caller].prompts == (Tone("ringback"),)
    office.hang_up(office.phone_of("101"), Cause.BUSY)
    assert office.sound.playing[caller].prompts == (Phrase("not_available", "en"),)
    office.heard(caller)
    assert caller not in office.sound.up
    assert office.record().result is Result.MISSED


def test_colleagues_call_each_other(office: Office) -> None:
    caller = office.dial("101", "102")
    assert commands.Ring(caller) in office.done
    phone = office.phone_of("102")
    office.pick_up(phone)
    assert office.sound.bridged == {caller: phone, phone: caller}
    assert state(office, "101") is state(office, "102") is OperatorState.BUSY
    office.hang_up(phone)
    record = office.record()
    assert (record.direction, record.result, record.recording) == (Direction.INTERNAL, Result.ANSWERED, "")
    assert state(office, "101") is state(office, "102") is OperatorState.READY


def test_an_inside_call_is_recorded_by_its_prefix(office: Office) -> None:
    office.dial("101", "8102")
    office.pick_up(office.phone_of("102"))
    assert office.record().recording


def test_all_telephones_of_a_person_ring_and_the_first_to_answer_has_the_call(office: Office) -> None:
    office.happen(events.PhonesChanged(Extension("102"), ("desk", "kitchen")))
    office.dial("101", "102")
    first, second = office.ringing_at("102")
    office.hang_up(first, Cause.REFUSED)
    office.pick_up(second)
    assert second in office.sound.bridged


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        ("555", Cause.UNKNOWN_NUMBER),
        ("104", Cause.UNKNOWN_NUMBER),
        ("101", Cause.BUSY),
        ("12ab34567", Cause.UNKNOWN_NUMBER),
    ],
)
def test_numbers_that_lead_nowhere(office: Office, number: str, cause: Cause) -> None:
    caller = office.dial("101", number)
    assert commands.Hangup(caller, cause) in office.done
    assert not office.board.calls


def test_a_person_without_a_telephone_cannot_be_called(office: Office) -> None:
    office.happen(events.PhonesChanged(Extension("102"), ()))
    assert state(office, "102") is OperatorState.UNREACHABLE
    caller = office.dial("101", "102")
    assert commands.Hangup(caller, Cause.UNREACHABLE) in office.done


def test_calling_out_over_the_line(office: Office) -> None:
    phone = office.dial("103", "0672000009")
    (leg,) = office.sound.ringing
    assert office.sound.ringing[leg] == commands.DialLine(leg, GSM, "0672000009")
    office.pick_up(leg)
    assert office.sound.bridged[phone] == leg
    assert live(office.board, office.now).lines[0].busy
    second = office.dial("102", "0672000010")
    assert commands.Hangup(second, Cause.UNREACHABLE) in office.done, "the only line is in use"
    office.hang_up(leg)
    record = office.record(0)
    assert (record.direction, record.result, record.line) == (Direction.OUT, Result.ANSWERED, GSM)


def test_who_may_not_call_out_may_still_call_for_help() -> None:
    people = (Person(Extension("101"), "Trainee", may_call_out=False),)
    queue = QueueSettings("office", "Office", (Extension("101"),))
    office = Office(firm(people=people, queues=(queue,)))
    phone = office.dial("101", "0672000009")
    office.heard(phone)
    assert commands.Hangup(phone, Cause.REFUSED) in office.done
    office.happen(events.LineChanged(GSM, LineState.DOWN, "no network"))
    office.dial("101", "199")
    (command,) = office.sound.ringing.values()
    assert isinstance(command, commands.DialLine)
    assert command.number == "199"


def test_a_telephone_enters_menu_and_queue(office: Office) -> None:
    caller = office.dial("103", "600")
    office.key(caller, "1")
    office.pick_up(office.phone_of("101"))
    assert office.record().talked == 0.0
    office.hang_up(caller)
    second = office.dial("103", "700")
    office.pick_up(office.phone_of("102"))
    assert second in office.sound.bridged


def test_hold_plays_music_to_the_other_side(office: Office) -> None:
    caller = office.dial("101", "102")
    phone = office.phone_of("102")
    office.pick_up(phone)
    office.happen(events.LegHeld(phone, held=True))
    assert office.sound.playing[caller].prompts == (Music(),)
    office.happen(events.LegHeld(phone, held=False))
    assert caller not in office.sound.playing


def test_paused_operators_get_no_calls_and_callers_wait_for_one_who_is_ready(office: Office) -> None:
    for operator in ("101", "102", "103"):
        office.happen(events.OperatorAsked(Extension(operator), OperatorWish.PAUSED, "lunch"))
    assert office.board.center.operators[Extension("101")].reason == "lunch"
    caller = office.ring_twice()
    office.key(caller, "1")
    office.run(100.0)
    assert not office.sound.ringing
    office.happen(events.OperatorAsked(Extension("102"), OperatorWish.READY))
    office.pick_up(office.phone_of("102"))


def test_who_waits_too_long_goes_where_the_owner_says() -> None:
    queue = replace(firm().queues[0], longest_wait_seconds=60.0, when_too_long="say closed")
    office = Office(firm(queues=(queue,)))
    for operator in ("101", "102", "103"):
        office.happen(events.OperatorAsked(Extension(operator), OperatorWish.LOGGED_OUT))
    caller = office.ring_twice()
    office.key(caller, "1")
    office.run(61.0)
    assert office.sound.playing[caller].prompts == (Say("We are closed.", "en"),)
    assert "queue_left office waited too long" in office.story()


def test_outside_opening_hours_callers_hear_that_we_are_closed() -> None:
    hours = replace(firm().flow.hours[0], week=())
    office = Office(firm(flow=replace(firm().flow, hours=(hours,))))
    caller = office.ring_twice()
    assert office.sound.playing[caller].prompts == (Say("We are closed.", "en"),)


def test_a_change_of_the_menu_is_for_the_next_caller(office: Office) -> None:
    caller = office.ring_twice()
    menu = replace(office.settings.flow.menus[0], texts={"en": "Something new."})
    changed = replace(office.settings, flow=replace(office.settings.flow, menus=(menu,)))
    office.take(office.board.configure(changed, office.board.zone, office.now))
    office.key(caller, "9")
    assert Say("Press 1 for the office, 2 for Ana.", "en") in office.sound.playing[caller].prompts
    office.hang_up(caller)
    later = office.ring_twice()
    assert office.sound.playing[later].prompts == (Say("Something new.", "en"),)


def test_a_telephone_that_answers_too_late_is_hung_up(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    phone = office.phone_of("101")
    office.post(events.LegAnswered(phone))
    office.sound.up.add(phone)
    del office.sound.ringing[phone]
    office.take(office.board.handle(events.LegEnded(caller, Cause.NORMAL), office.now))
    office.run()
    assert phone not in office.sound.up
    assert state(office, "101") is OperatorState.READY


def test_the_engine_dies_and_its_calls_are_ended_by_us(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    office.pick_up(office.phone_of("101"))
    office.engine_dies()
    record = office.record()
    assert (record.ended_by, record.cause, record.cause_detail) == (
        EndedBy.BOX,
        Cause.FAULT,
        "the sound engine stopped",
    )
    assert record.recording_fault == "the sound engine stopped"
    assert commands.Hangup(caller, Cause.FAULT) in office.done, "the modem is told to hang up"
    assert not live(office.board, office.now).sound_up
    waiting = office.ring()
    office.run(4.0)
    office.happen(events.LegRangAgain(waiting, 2))
    assert waiting not in office.sound.up, "nobody is answered into silence"
    office.happen(events.EngineUp())
    assert waiting in office.sound.up


def test_a_call_that_begins_just_when_the_engine_comes_up_is_not_doubted(office: Office) -> None:
    office.engine_dies()
    office.happen(events.EngineUp())
    caller = office.dial("101", "102")
    office.pick_up(office.phone_of("102"))
    office.run(5.0)
    assert caller in office.sound.bridged


def test_the_desk_dies_in_mid_conversation_and_the_record_is_complete(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    phone = office.phone_of("101")
    office.pick_up(phone)
    office.run(20.0)
    office.restart()
    office.run(2.0)
    assert office.sound.bridged == {caller: phone, phone: caller}, "they go on talking"
    assert state(office, "101") is OperatorState.TALKING
    office.run(20.0)
    office.hang_up(caller)
    record = office.record()
    assert record.talked == pytest.approx(42.0)
    assert record.ended_by is EndedBy.CALLER
    assert [step.what for step in record.steps].count("call_ended") == 1
    assert state(office, "101") is OperatorState.WRAP_UP


@pytest.mark.parametrize("lines_first", [False, True])
def test_nobody_is_said_to_have_hung_up_when_the_power_went(office: Office, lines_first: bool) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    phone = office.phone_of("101")
    office.pick_up(phone)
    for leg in (caller, phone):
        office.drop(leg)
    office.restart(lines_first=lines_first)
    record = office.record()
    assert (record.ended_by, record.cause) == (EndedBy.BOX, Cause.FAULT)
    assert record.cause_detail == "it ended while the box was restarting"


def test_a_power_cut_does_not_make_the_talk_longer(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    phone = office.phone_of("101")
    office.pick_up(phone)
    office.run(30.0)
    office.facts.append(facts.StillHere(office.now))
    for leg in (caller, phone):
        office.drop(leg)
    office.now = office.now.after(3600.0)
    office.restart()
    office.run(2.0)
    record = office.record()
    assert record.talked == pytest.approx(30.0)
    assert record.length < 60.0


def test_a_key_pressed_in_a_talk_reaches_the_other(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    phone = office.phone_of("101")
    office.key(caller, "7")
    assert not any(isinstance(one, commands.SendKeys) for one in office.done), "nobody there yet"
    office.pick_up(phone)
    office.key(phone, "5")
    office.key(caller, "#")
    assert [one for one in office.done if isinstance(one, commands.SendKeys)] == [
        commands.SendKeys(caller, "5"),
        commands.SendKeys(phone, "#"),
    ]


def test_a_recording_that_died_with_the_box_is_closed_at_the_next_start(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    phone = office.phone_of("101")
    office.pick_up(phone)
    for leg in (caller, phone):
        office.drop(leg)
    office.sound.recording.clear()
    office.restart()
    office.run(2.0)
    assert office.record().recording_fault == "the sound engine stopped"
    assert not office.board.calls


def test_a_telephone_that_hung_up_while_the_desk_was_away_did_so(office: Office) -> None:
    caller = office.dial("101", "102")
    office.pick_up(office.phone_of("102"))
    office.run(10.0)
    office.drop(caller)
    office.restart()
    office.take(office.board.handle(events.LegEnded(caller, Cause.NORMAL), office.now))
    assert (office.record().ended_by, office.record().cause) == (EndedBy.CALLER, Cause.NORMAL)


def test_who_waits_when_the_desk_dies_keeps_the_place(office: Office) -> None:
    for operator in ("101", "102", "103"):
        office.happen(events.OperatorAsked(Extension(operator), OperatorWish.PAUSED, "meeting"))
    first = office.ring_twice("+355672000001")
    office.key(first, "1")
    office.run(30.0)
    office.restart()
    office.run(2.0)
    assert state(office, "101") is OperatorState.PAUSED, "what operators asked for is remembered"
    office.happen(events.OperatorAsked(Extension("101"), OperatorWish.READY))
    office.pick_up(office.phone_of("101"))
    assert office.record().waited == pytest.approx(32.0)


def test_who_hung_up_while_the_desk_was_dead_is_on_record(office: Office) -> None:
    caller = office.ring_twice("+355672000002")
    office.key(caller, "1")
    office.drop(caller)
    office.restart()
    office.run(2.0)
    record = office.record()
    assert record.result is Result.MISSED
    assert [task.number for task in live(office.board, office.now).tasks] == ["+355672000002"]
    assert not office.board.calls


def test_a_new_journal_recreates_what_is_open(office: Office) -> None:
    lost = office.ring_twice("+355672000003")
    office.hang_up(lost)
    office.happen(events.OperatorAsked(Extension("103"), OperatorWish.PAUSED, "lunch"))
    caller = office.ring_twice()
    office.key(caller, "1")
    office.pick_up(office.phone_of("101"))
    before = live(office.board, office.now)
    office.facts = office.board.carried(office.now)
    office.restart()
    office.run(2.0)
    after = live(office.board, office.now)
    assert after.tasks == before.tasks
    assert [call.call for call in after.calls] == [call.call for call in before.calls]
    assert [operator.state for operator in after.operators] == [operator.state for operator in before.operators]


def test_a_caller_whose_number_comes_late_is_named(office: Office) -> None:
    caller = office.ring("")
    office.run(1.0)
    office.happen(events.CallerKnown(caller, "+355672000005"))
    assert office.record().caller == "+355672000005"


def test_a_telephone_that_is_never_answered_nor_ends_does_not_stay_for_ever(office: Office) -> None:
    leg = office.dial("101", "600")
    office.restart()
    office.sound.up.discard(leg)
    office.take(office.board.handle(events.PhoneRang(LegId("p-lost"), Extension("102"), "600"), office.now))
    office.run(100.0)
    assert office.record().cause_detail == "the call could not be taken"
    assert state(office, "102") is OperatorState.READY


def test_a_sentence_that_never_ends_is_not_waited_for(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "2")
    office.hang_up(office.phone_of("101"), Cause.BUSY)
    assert state(office, "101") is OperatorState.READY, "whose telephone rings no more is free at once"
    office.run(31.0)
    assert caller not in office.sound.up
    assert office.record().cause is Cause.BUSY


def test_a_telephone_of_nobody_is_refused(office: Office) -> None:
    leg = office.dial("999", "101")
    assert commands.Hangup(leg, Cause.REFUSED) in office.done
    assert not office.board.calls


def test_a_queue_that_was_taken_away_while_its_menu_spoke_is_said_to_be_out_of_reach(office: Office) -> None:
    caller = office.ring_twice()
    office.take(office.board.configure(replace(office.settings, queues=()), office.board.zone, office.now))
    office.key(caller, "1")
    assert office.sound.playing[caller].prompts == (Phrase("not_available", "en"),)


def test_todays_talks_are_counted_on_after_a_restart(office: Office) -> None:
    office.dial("101", "102")
    office.pick_up(office.phone_of("102"))
    office.restart()
    office.board.count_talks({Extension("102"): 4}, office.now)
    counts = {operator.extension: operator.calls_today for operator in live(office.board, office.now).operators}
    assert counts == {"101": 0, "102": 5, "103": 0}


def test_what_is_never_closed_is_closed_after_a_minute(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    phone = office.phone_of("101")
    office.pick_up(phone)
    office.sound.recording.clear()
    office.sound.up.discard(phone)
    office.hang_up(caller)
    assert office.board.calls
    office.run(61.0)
    assert not office.board.calls
    assert office.record().recording_fault == "the sound engine never closed it"


def test_the_page_sees_where_a_call_is(office: Office) -> None:
    def stage() -> tuple[str, tuple[str, ...]]:
        (call,) = live(office.board, office.now).calls
        return call.stage, call.operators

    caller = office.ring()
    office.run()
    assert stage() == ("ringing", ())
    office.happen(events.LegRangAgain(caller, 2))
    assert stage() == ("in menu", ())
    office.key(caller, "1")
    assert stage() == ("offered", ("101",))
    for who in ("101", "102", "103"):
        office.happen(events.OperatorAsked(Extension(who), OperatorWish.PAUSED))
    office.hang_up(office.phone_of("101"), Cause.REFUSED)
    assert stage() == ("waiting", ())
    office.happen(events.OperatorAsked(Extension("102"), OperatorWish.READY))
    phone = office.phone_of("102")
    office.pick_up(phone)
    assert stage() == ("talking", ("102",))
    office.happen(events.LegHeld(phone, held=True))
    assert stage() == ("on hold", ("102",))
    office.hang_up(caller)
    office.dial("101", "0672000009")
    assert stage() == ("dialling", ("101",))
