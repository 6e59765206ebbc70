"""NOTIFY: one on its way at a time, the latest state wins, repeats over UDP, and telephones that move or go."""

from __future__ import annotations

import pytest

from appliance.calls.edge import LampState
from appliance.edge.notifier.notifier import SETTLE
from tests.edge.house import House, Phone, tcp, udp
from tests.edge.notifier.watching import Watcher, lamp, mailbox, sends, state_of


def test_fifty_quick_changes_make_few_messages_and_the_right_end() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    for count in range(50):
        lamp(house, LampState.RINGING if count % 2 else LampState.ON)
    lamp(house, LampState.RINGING)
    assert len(phone.notified()) == 1, "the first is not answered yet"
    phone.answer()
    assert [state_of(each) for each in phone.notified()] == ["terminated", "early"]
    phone.answer()
    house.pass_time(60)
    assert len(phone.notified()) == 2


def test_what_came_back_to_where_it_was_is_no_news() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    lamp(house, LampState.ON)
    lamp(house, LampState.OFF)
    phone.answer()
    assert len(phone.notified()) == 1
    assert lamp(house, LampState.OFF, note="lunch", reachable=False) == 0, "a busy lamp shows no notes"


def test_a_change_goes_to_all_who_watch_and_nobody_else() -> None:
    house = House()
    watching = [Watcher(house, each) for each in ("101", "103")]
    for each in watching:
        each.subscribe(dialog=b"w" + each.extension)
        each.answer()
    watching[0].subscribe(b"103", dialog=b"other")
    watching[0].answer()
    assert lamp(house, LampState.RINGING) == 2
    assert [state_of(each.notified()[-1]) for each in watching] == ["early", "early"]


def test_versions_and_numbers_count() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    for state in (LampState.RINGING, LampState.ON, LampState.OFF):
        phone.answer()
        lamp(house, state)
    assert [each.number for each in phone.notified()] == [1, 2, 3, 4]
    assert [b'version="%d"' % each in found.body for each, found in enumerate(phone.notified())] == [True] * 4


def test_repeats_until_somebody_answers() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    began = house.now
    sent = [began]
    while house.now < began + 31:
        before = len(sends(house, phone.flow))
        house.pass_time(0.5)
        if len(sends(house, phone.flow)) > before:
            sent.append(house.now)
    assert [each - began for each in sent] == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5]
    notifies = [each.data for each in sends(house, phone.flow) if each.data.startswith(b"NOTIFY")]
    assert (len(notifies), len(set(notifies))) == (10, 1), "a repeat is the same, byte for byte"
    phone.answer()
    before = len(sends(house, phone.flow))
    house.pass_time(100)
    assert len(sends(house, phone.flow)) == before
    assert len(house.proxy.notifier) == 1


def test_a_telephone_that_does_not_answer_has_gone() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    house.pass_time(33)
    assert len(house.proxy.notifier) == 0
    assert lamp(house, LampState.ON) == 0


def test_trying_slows_the_repeats() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    phone.answer(b"100 Trying")
    before = len(sends(house, phone.flow))
    house.pass_time(3.9)
    assert len(sends(house, phone.flow)) == before
    house.pass_time(0.2)
    assert len(sends(house, phone.flow)) == before + 1


@pytest.mark.parametrize("status", [b"481 Nobody Here", b"404 Not Found", b"489 Bad Event", b"501 Not Implemented"])
def test_answers_that_end_it(status: bytes) -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    phone.answer(status)
    assert len(house.proxy.notifier) == 0


def test_a_telephone_in_trouble_is_left_in_peace_and_asked_again() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    phone.answer(b"503 Busy", [b"Retry-After: 20 (starting);duration=5"])
    assert lamp(house, LampState.ON) == 0
    house.pass_time(19)
    assert len(phone.notified()) == 1
    house.pass_time(2)
    assert state_of(phone.notified()[-1]) == "confirmed"
    assert len(phone.notified()) == 2


def test_refusals_without_a_reason_are_suffered_thrice() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    for state in (LampState.ON, LampState.OFF):
        phone.answer(b"500 Oh")
        assert len(house.proxy.notifier) == 1
        lamp(house, state)
    phone.answer(b"500 Oh")
    assert len(house.proxy.notifier) == 0


def test_an_end_waits_for_the_message_before_it() -> None:
    house = House()
    phone = Watcher(house)
    granted = phone.subscribe()
    phone.again(granted, expires=b"0")
    assert len(phone.notified()) == 1
    phone.answer()
    assert phone.notified()[-1].first(b"subscription-state") == b"terminated;reason=timeout"
    assert len(house.proxy.notifier) == 1
    phone.answer()
    assert len(house.proxy.notifier) == 0


def test_a_lost_connection_waits_for_the_telephone_to_come_back() -> None:
    house = House()
    phone = Watcher(house, flow=tcp(11))
    phone.subscribe()
    phone.answer()
    house.take(house.proxy.disconnected(phone.flow, house.now))
    assert lamp(house, LampState.RINGING) == 0
    assert lamp(house, LampState.ON) == 0
    house.pass_time(10)
    phone.flow = tcp(11, 40001)
    house.take(house.proxy.connected(phone.flow, house.now))
    assert phone.notified() == []
    phone.register()
    assert [state_of(each) for each in phone.notified()] == ["confirmed"]
    phone.answer()
    assert len(house.proxy.notifier) == 1


def test_what_was_on_its_way_when_the_connection_ended_is_told_again() -> None:
    house = House()
    phone = Watcher(house, flow=tcp(11))
    phone.subscribe()
    house.take(house.proxy.disconnected(phone.flow, house.now))
    phone.flow = tcp(11, 40001)
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register()
    (notify,) = phone.notified()
    assert notify.number == 2


def test_a_connection_nobody_registered_over_takes_its_subscriptions_along() -> None:
    house = House()
    phone = Watcher(house)
    phone.flow = tcp(99)
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.subscribe(contact=b"sip:101@192.168.1.99;transport=tcp")
    phone.answer()
    assert len(house.proxy.notifier) == 1
    house.take(house.proxy.disconnected(phone.flow, house.now))
    assert len(house.proxy.notifier) == 0


def test_a_telephone_behind_a_router_that_gets_another_port() -> None:
    """The router has forgotten the way; the telephone registers over a new one, and its lamps follow it there."""
    house = House()
    phone = Watcher(house, flow=udp(11, 30000))
    phone.contact = b"sip:101@10.0.0.5:5060"
    phone.register()
    phone.subscribe()
    phone.answer()
    lamp(house, LampState.RINGING)
    phone.flow = udp(11, 30999)
    lamp(house, LampState.ON)
    phone.register()
    assert [state_of(each) for each in phone.notified()] == ["confirmed"]
    phone.answer()
    house.pass_time(40)
    assert len(house.proxy.notifier) == 1


def test_messages() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe(b"101", b"message-summary", dialog=b"m1")
    phone.answer()
    mailbox(house, 2, 5)
    phone.answer()
    mailbox(house, 2, 5)
    mailbox(house, 0, 7)
    assert [each.body for each in phone.notified()] == [
        b"Messages-Waiting: no\r\nMessage-Account: sip:101@192.168.1.1\r\nVoice-Message: 0/0 (0/0)\r\n",
        b"Messages-Waiting: yes\r\nMessage-Account: sip:101@192.168.1.1\r\nVoice-Message: 2/5 (0/0)\r\n",
        b"Messages-Waiting: no\r\nMessage-Account: sip:101@192.168.1.1\r\nVoice-Message: 0/7 (0/0)\r\n",
    ]
    assert lamp(house, LampState.ON, "101") == 0, "a busy lamp is another matter"


def test_presence_tells_notes_too() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe(event=b"presence")
    phone.answer()
    assert lamp(house, LampState.OFF, note="paused: lunch", reachable=False) == 1
    body = phone.notified()[-1].body.decode()
    assert "<basic>closed</basic>" in body
    assert "<note>paused: lunch</note>" in body


def test_one_ordinary_call_of_two_watched_telephones_does_not_disturb_pings() -> None:
    """NOTIFY answers and OPTIONS answers come the same way, and each finds its own."""
    house = House()
    phone = Watcher(house, flow=udp(11, 30000))
    phone.contact = b"sip:101@10.0.0.5:5060"
    phone.register()
    phone.subscribe(expires=b"3600")
    phone.answer()
    for _ in range(10):
        house.pass_time(25)
    other = Phone(house, "102", udp(12))
    other.register()
    assert len(house.proxy.notifier) == 1


def test_a_desk_that_has_just_come_takes_stock_before_keys_change() -> None:
    house = House()
    phone = Watcher(house)
    lamp(house, LampState.ON)
    phone.subscribe()
    phone.answer()
    house.proxy.desk_came(house.now)
    assert lamp(house, LampState.OFF) == 0, "it has not asked the engine yet"
    assert lamp(house, LampState.ON) == 0
    house.pass_time(SETTLE + 1)
    assert len(phone.notified()) == 1, "nothing has changed"
    house.proxy.desk_came(house.now)
    lamp(house, LampState.OFF)
    other = Watcher(house, "103")
    other.subscribe(dialog=b"w3")
    assert state_of(other.notified()[0]) == "terminated", "who asks is told at once"
    house.pass_time(SETTLE + 1)
    assert [state_of(each) for each in phone.notified()] == ["confirmed", "terminated"]
    phone.answer()
    assert lamp(house, LampState.RINGING) == 1
