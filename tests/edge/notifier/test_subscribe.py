"""SUBSCRIBE: who may, for how long, and what is no subscription (RFC 6665 section 4.2.1)."""

from __future__ import annotations

import pytest

from appliance.calls.edge import LampState
from appliance.edge.notifier import watchers
from tests.edge.house import House, accounts, tcp, udp
from tests.edge.notifier.watching import Watcher, lamp, sends, state_of


def test_nothing_is_shown_without_a_proof() -> None:
    house = House()
    phone = Watcher(house)
    found = phone.ask(phone.message(b"SUBSCRIBE", b"sip:102@192.168.1.1", more=[b"Event: dialog"]))
    assert found is not None
    assert found.status == 407
    assert phone.notified() == []


def test_a_subscription_is_granted_and_told_at_once() -> None:
    house = House()
    phone = Watcher(house)
    lamp(house, LampState.ON)
    granted = phone.subscribe()
    assert (granted.status, granted.first(b"expires")) == (200, b"600")
    assert granted.first(b"contact") == b"<sip:102@192.168.1.1:5060>"
    assert granted.first(b"to").startswith(b"<sip:102@192.168.1.1>;tag=qe")
    (notify,) = phone.notified()
    assert notify.uri == phone.contact
    assert notify.caller.tag == granted.first(b"to").rpartition(b"tag=")[2]
    assert (notify.called.tag, notify.call_id, notify.number) == (b"f101", b"w1", 1)
    assert notify.first(b"event") == b"dialog"
    assert notify.first(b"subscription-state") == b"active;expires=600"
    assert notify.first(b"contact") == b"<sip:102@192.168.1.1:5060>"
    assert notify.first(b"content-type") == b"application/dialog-info+xml"
    assert state_of(notify) == "confirmed"


def test_the_event_id_comes_back() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe(event=b"dialog;id=k7;shared")
    assert phone.notified()[0].first(b"event") == b"dialog;id=k7"


@pytest.mark.parametrize("event", [b"refer", b"Dialog", b"", b";", b'dialog;id="a b"', b"dialog;id=" + b"x" * 65,
                                   b"\xff\xfe", b"dialog,presence", b"dialog\x01"])  # fmt: skip
def test_events_nobody_knows(event: bytes) -> None:
    house = House()
    phone = Watcher(house)
    found = phone.subscribe(event=event)
    assert (found.status, found.first(b"allow-events")) == (489, b"dialog, message-summary, presence")
    assert phone.notified() == []


def test_two_events_in_one_request_are_none() -> None:
    house = House()
    assert Watcher(house).subscribe(more=[b"Event: presence"]).status == 489


@pytest.mark.parametrize(
    ("accept", "status"),
    [(b"", 200), (b"Accept: */*", 200), (b"Accept: application/*;q=0.5, text/plain", 200), (b"Accept:", 200),
     (b"Accept: text/plain", 406), (b"Accept: ;;;,\xff", 406), (b"Accept: APPLICATION/Dialog-Info+XML;v=1", 200)],
)  # fmt: skip
def test_what_a_telephone_can_read(accept: bytes, status: int) -> None:
    assert Watcher(House()).subscribe(accept=accept).status == status


@pytest.mark.parametrize(
    ("expires", "granted"),
    [(b"600", b"600"), (None, b"3600"), (b"99999999999999999999", b"3600"), (b"-5", b"3600"), (b"soon", b"3600"),
     (b"60", b"60"), (b"7200", b"3600")],
)  # fmt: skip
def test_how_long(expires: bytes | None, granted: bytes) -> None:
    assert Watcher(House()).subscribe(expires=expires).first(b"expires") == granted


def test_too_short() -> None:
    found = Watcher(House()).subscribe(expires=b"59")
    assert (found.status, found.first(b"min-expires")) == (423, b"60")


def test_asking_once() -> None:
    house = House()
    phone = Watcher(house)
    assert phone.subscribe(expires=b"0").first(b"expires") == b"0"
    (notify,) = phone.notified()
    assert notify.first(b"subscription-state") == b"terminated;reason=timeout"
    phone.answer()
    assert len(house.proxy.notifier) == 0
    assert lamp(house, LampState.ON) == 0


def test_who_may_watch_what() -> None:
    house = House()
    phone = Watcher(house)
    assert phone.subscribe(b"699").status == 480, "the desk has not said yet which queues there are"
    lamp(house, LampState.OFF, "600")
    assert phone.subscribe(b"600", dialog=b"w2").status == 200
    assert phone.subscribe(b"699", dialog=b"w3").status == 404
    assert phone.subscribe(b"101", dialog=b"w4").status == 200
    assert phone.subscribe(b"101", b"message-summary", dialog=b"w5").status == 200
    assert phone.subscribe(b"102", b"message-summary", dialog=b"w6").status == 403
    assert phone.subscribe(b"600", b"message-summary", dialog=b"w7").status == 403


@pytest.mark.parametrize("contact", [b"tel:+355", b"sip:", b"sip:a@b:99999999", b"sip:101@192.168.1.11?x=y%0d%0aA:b"])
def test_contacts(contact: bytes) -> None:
    house = House()
    phone = Watcher(house)
    found = phone.subscribe(contact=contact)
    if found.status == 200:
        assert phone.notified()[0].uri == b"sip:101@192.168.1.11"
    else:
        assert found.status == 400


def test_what_is_too_long_is_not_kept() -> None:
    house = House()
    phone = Watcher(house)
    assert phone.subscribe(more=[b"Record-Route: <sip:%b@h;lr>" % (b"r" * 2100)]).status == 400
    assert len(house.proxy.notifier) == 0


def test_routes_of_a_proxy_before_the_telephone() -> None:
    house = House()
    phone = Watcher(house)
    routes = [b"<sip:p1.example;lr>", b"<sip:p2.example;lr>"]
    granted = phone.subscribe(more=[b"Record-Route: " + b", ".join(routes)])
    assert granted.all(b"record-route") == routes
    assert phone.notified()[0].all(b"route") == routes


def test_a_required_extension_we_do_not_know() -> None:
    found = Watcher(House()).subscribe(more=[b"Require: eventlist"])
    assert (found.status, found.first(b"unsupported")) == (420, b"eventlist")


def test_refreshing_and_ending_in_the_dialog() -> None:
    house = House()
    phone = Watcher(house)
    granted = phone.subscribe()
    phone.answer()
    house.pass_time(500)
    refreshed = phone.again(granted)
    assert refreshed is not None
    assert (refreshed.status, refreshed.first(b"to")) == (200, granted.first(b"to"))
    assert len(phone.notified()) == 2, "a refresh is answered by the state, too"
    phone.answer()
    house.pass_time(500)
    assert len(house.proxy.notifier) == 1
    ended = phone.again(granted, expires=b"0")
    assert ended is not None
    assert (ended.status, ended.first(b"expires")) == (200, b"0")
    assert phone.notified()[-1].first(b"subscription-state") == b"terminated;reason=timeout"
    phone.answer()
    assert len(house.proxy.notifier) == 0
    after = phone.again(granted)
    assert after is not None
    assert after.status == 481


def test_a_repeat_changes_nothing() -> None:
    house = House()
    phone = Watcher(house)
    granted = phone.subscribe()
    phone.answer()
    data = phone.message(
        b"SUBSCRIBE", b"sip:102@192.168.1.1:5060", to=granted.first(b"to"), call_id=b"w1",
        more=[b"Event: dialog", b"Contact: <%b>" % phone.contact, b"Expires: 600"],
    )  # fmt: skip
    first, second = phone.ask(data), phone.ask(data)
    assert first is not None
    assert second is not None
    assert (first.lines, len(phone.notified())) == (second.lines, 2)
    older = phone.ask(
        data.replace(b"CSeq: %d" % phone.number, b"CSeq: 1").replace(b"branch=z9hG4bK", b"branch=z9hG4bKo")
    )
    assert older is not None
    assert older.status == 500


def test_the_answer_that_was_lost() -> None:
    """A telephone that did not hear our 200 subscribes anew in the same dialog, and has one subscription."""
    house = House()
    phone = Watcher(house)
    first = phone.subscribe()
    second = phone.subscribe()
    assert (first.first(b"to"), second.status) == (second.first(b"to"), 200)
    assert len(house.proxy.notifier) == 1


def test_another_event_in_the_same_dialog() -> None:
    house = House()
    phone = Watcher(house)
    granted = phone.subscribe()
    other = phone.again(granted, event=b"presence")
    assert other is not None
    assert other.status == 481


def test_from_another_address_only_with_a_proof() -> None:
    house = House()
    phone = Watcher(house)
    granted = phone.subscribe()
    phone.answer()
    phone.flow = udp(77)
    asked = phone.again(granted, expires=b"0")
    assert asked is not None
    assert asked.status == 407
    assert len(house.proxy.notifier) == 1
    stranger = Watcher(house, "103")
    stranger.call_id = b"x"
    theft = stranger.again(granted, expires=b"0")
    assert theft is not None
    assert theft.status == 481


def test_a_subscription_that_is_not_refreshed_ends() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    phone.answer()
    house.pass_time(605)
    assert len(house.proxy.notifier) == 1, "a late refresh is still in time"
    house.pass_time(10)
    assert phone.notified()[-1].first(b"subscription-state") == b"terminated;reason=timeout"
    phone.answer()
    assert len(house.proxy.notifier) == 0


def test_whoever_may_not_stay_is_told_so() -> None:
    house = House()
    phone, other = Watcher(house), Watcher(house, "103")
    phone.subscribe()
    phone.answer()
    other.subscribe(b"101", dialog=b"w9")
    other.answer()
    house.take(house.proxy.accept(accounts(["102", "103"]), house.now))
    assert phone.notified()[-1].first(b"subscription-state") == b"terminated;reason=rejected"
    assert other.notified()[-1].first(b"subscription-state") == b"terminated;reason=noresource"
    phone.answer()
    other.answer()
    assert len(house.proxy.notifier) == 0


def test_a_flood_of_subscriptions_finds_an_end() -> None:
    house = House()
    phone = Watcher(house)
    for count in range(watchers.MOST_OF_ONE):
        assert phone.subscribe(event=b"dialog;id=%d" % count, dialog=b"flood-%d" % count).status == 200
    refused = phone.subscribe(event=b"dialog;id=new", dialog=b"one-too-many")
    assert (refused.status, refused.first(b"retry-after")) == (480, b"60")
    assert len(house.proxy.notifier) == watchers.MOST_OF_ONE
    assert Watcher(house, "103").subscribe(dialog=b"other").status == 200, "others do not suffer"
    # The same telephone, started again: what it watched before makes room.
    assert phone.subscribe(event=b"dialog;id=7", dialog=b"again").status == 200
    assert len(house.proxy.notifier) == watchers.MOST_OF_ONE + 1


def test_over_a_connection() -> None:
    house = House()
    phone = Watcher(house, "101", tcp(11))
    granted = phone.subscribe()
    assert granted.first(b"contact") == b"<sip:102@192.168.1.1:5060;transport=tcp>"
    assert phone.notified()[0].all(b"via")[0].startswith(b"SIP/2.0/TCP ")
    before = len(sends(house, phone.flow))
    house.pass_time(20)
    assert len(sends(house, phone.flow)) == before, "a connection loses nothing"


def test_answers_that_nobody_waits_for() -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe()
    sent = next(each for each in house.sent if each.data.startswith(b"NOTIFY"))
    gone = b"SIP/2.0 481 Gone\r\n" + sent.data.partition(b"\r\n")[2]
    house.hear(gone.replace(b"branch=z9hG4bK", b"branch=z9hG4bK0"), phone.flow)
    house.hear(gone, udp(66))
    assert len(house.proxy.notifier) == 1
    phone.answer()
    phone.answer(b"481 Subscription Does Not Exist")
    assert len(house.proxy.notifier) == 1, "an answer counts once"
