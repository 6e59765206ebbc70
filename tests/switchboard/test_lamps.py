"""What keys that watch somebody show, message lamps, and whether a call is encrypted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.callflow.settings import Choice
from appliance.calls import commands, events, facts
from appliance.calls.commands import ShowMessages, ShowWatched
from appliance.calls.events import OperatorWish
from appliance.calls.names import Cause, Encryption, Extension, LegId
from appliance.switchboard.live import live
from appliance.switchboard.settings import Provider
from tests.switchboard.office import VOIP, Office, firm, provider


@pytest.fixture
def office() -> Office:
    return Office()


def lamp(office: Office, extension: str) -> tuple[str, str]:
    shown = office.watched[Extension(extension)]
    return shown.state, shown.note


def messages(office: Office, extension: str) -> tuple[int, int]:
    shown = office.messages[Extension(extension)]
    return shown.new, shown.old


def test_a_person_is_seen_ready_ringing_talking_and_writing_things_down(office: Office) -> None:
    assert lamp(office, "101") == ("off", "ready")
    caller = office.ring_twice()
    office.key(caller, "1")
    assert lamp(office, "101") == ("ringing", "ringing")
    office.pick_up(office.phone_of("101"))
    assert lamp(office, "101") == ("on", "talking")
    office.hang_up(caller)
    assert lamp(office, "101") == ("off", "wrap-up")
    office.run(11.0)
    assert lamp(office, "101") == ("off", "ready")


def test_who_is_called_by_a_colleague_rings_and_then_talks(office: Office) -> None:
    phone = office.dial("101", "102")
    assert (lamp(office, "101"), lamp(office, "102")) == (("on", "on a call"), ("ringing", "ringing"))
    office.pick_up(office.phone_of("102"))
    assert lamp(office, "102") == ("on", "on a call")
    office.hang_up(phone)
    assert (lamp(office, "101"), lamp(office, "102")) == (("off", "ready"), ("off", "ready"))


def test_who_talks_and_is_called_besides_is_seen_talking(office: Office) -> None:
    office.dial("101", "102")
    office.pick_up(office.phone_of("102"))
    office.dial("103", "102")
    assert lamp(office, "102") == ("on", "on a call")


def test_a_break_is_seen_with_its_reason(office: Office) -> None:
    office.happen(events.OperatorAsked(Extension("101"), OperatorWish.PAUSED, "lunch"))
    assert lamp(office, "101") == ("on", "paused: lunch")
    office.happen(events.OperatorAsked(Extension("101"), OperatorWish.LOGGED_OUT))
    assert lamp(office, "101") == ("off", "logged out")


def test_who_has_no_telephone_cannot_be_reached_even_in_a_call(office: Office) -> None:
    office.dial("101", "102")
    office.pick_up(office.phone_of("102"))
    office.happen(events.PhonesChanged(Extension("102"), ()))
    assert office.watched[Extension("102")] == ShowWatched(Extension("102"), "on", "on a call", reachable=False)


def test_a_queue_blinks_while_somebody_is_rung_and_is_lit_while_callers_only_wait(office: Office) -> None:
    assert lamp(office, "700") == ("off", "nobody waits")
    first = office.ring_twice()
    office.key(first, "1")
    assert lamp(office, "700") == ("ringing", "1 waiting")
    for operator in ("101", "102", "103"):
        office.happen(events.OperatorAsked(Extension(operator), OperatorWish.PAUSED, "meeting"))
        for leg in office.ringing_at(operator):
            office.hang_up(leg, Cause.REFUSED)
    assert lamp(office, "700") == ("on", "1 waiting")
    office.dial("102", "700")
    second = office.dial("103", "700")
    assert lamp(office, "700") == ("on", "3 waiting")
    office.hang_up(second)
    office.hang_up(first)
    assert lamp(office, "700") == ("on", "1 waiting")


def test_a_queue_that_nobody_serves_cannot_be_reached(office: Office) -> None:
    office.happen(events.PhonesChanged(Extension("101"), ()))
    office.happen(events.OperatorAsked(Extension("102"), OperatorWish.LOGGED_OUT))
    office.happen(events.OperatorAsked(Extension("103"), OperatorWish.PAUSED, "lunch"))
    assert office.watched[Extension("700")].reachable
    office.happen(events.OperatorAsked(Extension("103"), OperatorWish.LOGGED_OUT))
    assert not office.watched[Extension("700")].reachable
    office.happen(events.PhonesChanged(Extension("101"), ("phone-101",)))
    assert office.watched[Extension("700")].reachable


def test_lost_callers_light_the_message_lamp_of_whoever_could_have_answered() -> None:
    settings = firm()
    queue = replace(settings.queues[0], operators=(Extension("101"), Extension("102")))
    office = Office(firm(queues=(queue,)))
    assert messages(office, "101") == (0, 0)
    caller = office.ring_twice("+355672000007")
    office.key(caller, "1")
    office.hang_up(caller)
    assert [messages(office, who) for who in ("101", "102", "103")] == [(1, 0), (1, 0), (0, 0)]
    office.dial("103", "+355672000007")
    office.hang_up(next(iter(office.sound.ringing)), Cause.BUSY)
    assert messages(office, "102") == (0, 1), "somebody has tried"
    office.dial("101", "+355672000007")
    office.pick_up(next(iter(office.sound.ringing)))
    assert messages(office, "102") == (0, 0)


def test_who_was_called_at_their_own_number_has_the_message() -> None:
    menu = replace(firm().flow.menus[0], choices=(Choice("2", "phone 102"),))
    office = Office(firm(flow=replace(firm().flow, menus=(menu,))))
    caller = office.ring_twice("+355672000008")
    office.key(caller, "2")
    office.hang_up(caller)
    assert [messages(office, who) for who in ("101", "102")] == [(0, 0), (1, 0)]
    office.facts = office.board.carried(office.now)
    office.restart()
    assert messages(office, "102") == (1, 0)
    (task,) = live(office.board, office.now).tasks
    office.take(office.board.close_task(task.task, "ana", "", office.now))
    assert messages(office, "102") == (0, 0)


def test_a_front_door_that_comes_back_is_told_everything(office: Office) -> None:
    assert office.watched.keys() == {"101", "102", "103", "700"}, "from the start"
    assert office.messages.keys() == {"101", "102", "103"}
    office.happen(events.OperatorAsked(Extension("101"), OperatorWish.PAUSED, "lunch"))
    office.dial("102", "103")
    told = office.board.watched()
    assert told == [*office.watched.values(), *office.messages.values()]


def test_who_leaves_the_firm_goes_dark(office: Office) -> None:
    office.happen(events.OperatorAsked(Extension("103"), OperatorWish.PAUSED, "lunch"))
    settings = firm(operators=2, queues=(replace(firm(operators=2).queues[0], extension=Extension("701")),))
    office.take(office.board.configure(settings, office.board.zone, office.now))
    assert office.watched[Extension("103")] == ShowWatched(Extension("103"), "off", "", reachable=False)
    assert office.messages[Extension("103")] == ShowMessages(Extension("103"), 0)
    assert not office.watched[Extension("700")].reachable
    assert lamp(office, "701") == ("off", "nobody waits")


# ---- encryption


def lit(office: Office) -> list[str]:
    return sorted(who for who, on in office.encrypted.items() if on)


def encrypt(office: Office, leg: LegId, *, encrypted: bool = True) -> None:
    office.happen(events.LegEncrypted(leg, encrypted))


def test_the_lamp_is_lit_while_both_sides_are_encrypted(office: Office) -> None:
    caller = office.dial("101", "102")
    phone = office.phone_of("102")
    encrypt(office, caller)
    office.pick_up(phone)
    assert not lit(office)
    assert live(office.board, office.now).calls[0].encrypted == "part"
    encrypt(office, phone)
    assert lit(office) == ["101", "102"]
    assert live(office.board, office.now).calls[0].encrypted == "whole"
    office.hang_up(phone)
    assert not lit(office)
    assert office.record().encrypted == "whole"
    assert [step for step in office.story() if step.startswith("encrypted")] == ["encrypted 101", "encrypted 102"]


def test_a_caller_on_a_modem_makes_it_half_a_secret(office: Office) -> None:
    caller = office.ring_twice()
    office.key(caller, "1")
    phone = office.phone_of("101")
    encrypt(office, phone)
    office.pick_up(phone)
    assert not lit(office)
    office.hang_up(caller)
    assert office.record().encrypted == "part"


def test_a_call_that_was_plain_for_a_while_was_not_wholly_encrypted(office: Office) -> None:
    caller = office.dial("101", "102")
    phone = office.phone_of("102")
    office.pick_up(phone)
    for encrypted in (True, False, True):
        encrypt(office, caller)
        encrypt(office, phone, encrypted=encrypted)
        assert lit(office) == (["101", "102"] if encrypted else [])
    office.hang_up(phone)
    assert office.record().encrypted == "part"


def test_what_is_said_twice_is_on_record_once(office: Office) -> None:
    caller = office.dial("101", "102")
    for _ in range(2):
        encrypt(office, caller)
    encrypt(office, LegId("nobody"))
    assert len([fact for fact in office.facts if isinstance(fact, facts.EncryptionChanged)]) == 1


def test_who_is_in_two_talks_sees_the_lamp_only_when_both_are_encrypted(office: Office) -> None:
    first, second = office.dial("101", "102"), office.dial("101", "103")
    for leg in (first, office.phone_of("102"), second):
        encrypt(office, leg)
    office.pick_up(office.phone_of("102"))
    assert lit(office) == ["101", "102"]
    office.pick_up(office.phone_of("103"))
    assert lit(office) == ["102"]
    office.hang_up(second)
    assert lit(office) == ["101", "102"]


def test_it_is_known_after_a_restart(office: Office) -> None:
    caller = office.dial("101", "102")
    phone = office.phone_of("102")
    encrypt(office, caller)
    encrypt(office, phone)
    office.pick_up(phone)
    office.restart()
    office.run(2.0)
    assert lit(office) == ["101", "102"]
    encrypt(office, phone, encrypted=False)
    assert not lit(office)


@pytest.mark.parametrize("who", ["101", "102"])
def test_where_encryption_is_required_no_call_goes_on_without_it(who: str) -> None:
    people = tuple(
        replace(one, encryption=Encryption.REQUIRED) if one.extension == who else one for one in firm().people
    )
    office = Office(firm(people=people))
    caller = office.dial("101", "102")
    phone = office.phone_of("102")
    leg = caller if who == "101" else phone
    encrypt(office, leg)
    office.pick_up(phone)
    encrypt(office, leg, encrypted=False)
    assert not office.sound.up
    record = office.record()
    assert (record.cause, record.cause_detail) == (Cause.REFUSED, f"the call of {who} is not encrypted any more")


def test_a_provider_may_have_to_be_encrypted_too() -> None:
    secret = Provider(domain="sip.example.net", encryption=Encryption.REQUIRED)
    office = Office(firm(lines=(provider(provider=secret),)))
    phone = office.dial("101", "0672000009")
    (leg,) = office.dialled(VOIP)
    encrypt(office, leg)
    encrypt(office, leg, encrypted=False)
    assert commands.Hangup(leg, Cause.REFUSED) in office.done
    office.run()
    assert phone not in office.sound.up


@pytest.mark.parametrize("dialled", ["600", "102", "999"])
def test_who_has_to_be_encrypted_is_answered_so_or_not_at_all(dialled: str) -> None:
    people = tuple(
        replace(one, encryption=Encryption.REQUIRED) if one.extension == "101" else one for one in firm().people
    )
    office = Office(firm(people=people))
    caller = office.dial("101", dialled)
    if dialled == "102":
        office.pick_up(office.phone_of("102"))
    answers = [each for each in office.done if isinstance(each, commands.Answer)]
    assert answers == ([commands.Answer(caller, encrypted_only=True)] if dialled != "999" else [])
    other = office.dial("103", "600")
    assert commands.Answer(other) in office.done
