"""Subscriptions outlive the edge, and whatever was in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.calls.edge import LampState
from appliance.calls.moment import Moment
from appliance.edge import keep
from appliance.edge.notifier.keeping import FILE, subscriptions, subscriptions_bytes
from appliance.edge.notifier.notifier import KEEP_WITHIN
from tests.edge.house import House, tcp
from tests.edge.notifier.watching import Watcher, lamp, mailbox, state_of

UTC = 1_800_000_000.0


def restarted(house: House, folder: Path, away: float = 2.0) -> House:
    """The edge again, with what was on disk, `away` seconds later; no desk yet."""
    now = Moment(house.now, UTC)
    keep.write(folder / FILE, subscriptions_bytes(house.proxy.notifier.standing(), now))
    keep.write(folder / "bindings.json", keep.bindings_bytes(house.proxy.registrar, now))
    return from_disk(folder, now.after(away))


def from_disk(folder: Path, now: Moment) -> House:
    anew = House()
    anew.now = now.mono
    anew.proxy.restore(keep.bindings(folder, now), now.mono)
    anew.proxy.notifier.restore(subscriptions(folder, now))
    return anew


def moved_to(house: House, phone: Watcher) -> Watcher:
    """The same telephone, which has noticed nothing."""
    phone.house = house
    return phone


def test_a_restart_is_noticed_by_nobody_but_for_the_present_state(tmp_path: Path) -> None:
    house = House()
    phone = Watcher(house)
    granted = phone.subscribe()
    phone.answer()
    mine = phone.subscribe(b"101", b"message-summary", dialog=b"m1")
    phone.answer()
    assert mine.status == 200
    house = restarted(house, tmp_path)
    phone = moved_to(house, phone)
    assert len(house.proxy.notifier) == 2
    assert phone.notified() == [], "what is so is not known before the desk has spoken"
    lamp(house, LampState.ON)
    (notify,) = phone.notified()
    assert state_of(notify) == "confirmed"
    assert notify.number > 1
    assert b'version="%d"' % (notify.number - 1) in notify.body
    assert notify.caller.tag == granted.first(b"to").rpartition(b"tag=")[2]
    phone.answer()
    mailbox(house, 0)
    assert phone.notified()[-1].body.startswith(b"Messages-Waiting: no"), "each watcher is told, news or not"
    phone.answer()
    refreshed = phone.again(granted)
    assert refreshed is not None
    assert refreshed.status == 200


def test_a_telephone_on_a_connection_is_told_when_it_is_back(tmp_path: Path) -> None:
    house = House()
    phone = Watcher(house, flow=tcp(11))
    phone.subscribe()
    phone.answer()
    house = restarted(house, tmp_path)
    phone = moved_to(house, phone)
    assert lamp(house, LampState.RINGING) == 0
    phone.flow = tcp(11, 41000)
    house.take(house.proxy.connected(phone.flow, house.now))
    phone.register()
    assert [state_of(each) for each in phone.notified()] == ["early"]


def test_numbers_never_come_twice(tmp_path: Path) -> None:
    """The file is not written for each NOTIFY, but before their numbers could run into those of the next life."""
    house = House()
    phone = Watcher(house)
    phone.subscribe(expires=b"3600")
    phone.answer()
    house.pass_time(KEEP_WITHIN + 1)
    kept, anew = house.proxy.notifier.revision, restarted(house, tmp_path)
    sent = 1
    while house.proxy.notifier.revision == kept:
        house.sent.clear()
        sent += lamp(house, LampState.ON if sent % 2 else LampState.RINGING)
        phone.answer()
    lamp(anew, LampState.OFF)
    moved_to(anew, phone)
    assert sent < phone.notified()[-1].number


def test_a_refresh_alone_is_kept_in_its_own_time() -> None:
    house = House()
    phone = Watcher(house)
    granted = phone.subscribe()
    phone.answer()
    house.pass_time(KEEP_WITHIN + 1)
    before = house.proxy.notifier.revision
    for _ in range(20):
        phone.again(granted)
        phone.answer()
    assert house.proxy.notifier.revision == before
    house.pass_time(KEEP_WITHIN + 1)
    assert house.proxy.notifier.revision == before + 1
    lamp(house, LampState.ON)
    phone.answer()
    house.pass_time(KEEP_WITHIN + 1)
    assert house.proxy.notifier.revision == before + 1, "a lamp is nothing to keep"


def test_who_lately_ended_in_the_file_may_have_refreshed_since(tmp_path: Path) -> None:
    house = House()
    phone = Watcher(house)
    phone.subscribe(expires=b"100")
    phone.answer()
    house = restarted(house, tmp_path, away=130)
    assert len(house.proxy.notifier) == 1
    house.pass_time(61)
    phone = moved_to(house, phone)
    assert phone.notified()[-1].first(b"subscription-state") == b"terminated;reason=timeout"
    assert len(from_disk(tmp_path, Moment(house.now + 1000, UTC + 1100)).proxy.notifier) == 0


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"\xff", b'{"mono": 1}', b'{"mono":1,"utc":1,"subscriptions":[{}]}',
     b'{"mono":"x","utc":1,"subscriptions":[]}', b'{"mono":1,"utc":1,"subscriptions":3}'],
)  # fmt: skip
def test_a_damaged_file_is_set_aside(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    assert subscriptions(tmp_path, Moment(5.0, UTC)) == []
    assert (tmp_path / (FILE + ".damaged")).exists()


@pytest.mark.parametrize("field", ["package", "flow", "device", "number", "left", "call_id"])
def test_a_row_that_makes_no_sense(tmp_path: Path, field: str) -> None:
    house = House()
    Watcher(house).subscribe()
    said = json.loads(subscriptions_bytes(house.proxy.notifier.standing(), Moment(house.now, UTC)))
    said["subscriptions"][0][field] = {"flow": ["udp", "nowhere", 1]}.get(field, "nonsense \u20ac")
    (tmp_path / FILE).write_text(json.dumps(said))
    assert subscriptions(tmp_path, Moment(house.now, UTC)) == []
