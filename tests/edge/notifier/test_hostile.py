"""SUBSCRIBEs that somebody with a password has broken on purpose: refused or granted, never more, and nothing of theirs
leaves us malformed.
"""

from __future__ import annotations

import random
from xml.etree import ElementTree as ET

from appliance.calls.edge import LampState
from appliance.edge.binding import Denied
from appliance.edge.flows import Send
from appliance.edge.message import Garbled, Request, Response, parse
from appliance.edge.notifier import watchers
from tests.edge.house import House, Phone, reply, udp
from tests.edge.notifier.watching import lamp, mailbox
from tests.edge.test_fuzz import mutated

TURNS = 6000


def seeds(phone: Phone) -> list[bytes]:
    """Good ones, of each kind."""
    return [
        phone.message(
            b"SUBSCRIBE", b"sip:%b@192.168.1.1" % watched, to=b"<sip:%b@192.168.1.1>" % watched, call_id=b"h-" + event,
            more=[b"Event: " + event + b";id=k", b"Contact: <sip:101@192.168.1.7:5060;x=y>", b"Expires: 600",
                  b"Accept: application/*", b"Record-Route: <sip:p.example;lr>"],
        )
        for watched, event in ((b"102", b"dialog"), (b"101", b"message-summary"), (b"102", b"presence"))
    ]  # fmt: skip


def well_formed(send: Send) -> None:
    message = parse(send.data)
    assert not isinstance(message, Garbled), (message, send.data)
    if isinstance(message, Request) and message.first(b"content-type").endswith(b"+xml"):
        ET.fromstring(message.body)


def test_broken_subscriptions() -> None:
    house, dice = House(), random.Random(6665)
    phone = Phone(house, "101", udp(7))
    granted = notified = 0
    good = seeds(phone)
    for turn in range(TURNS):
        message = parse(mutated(dice.choice(good).replace(b"Call-ID: h", b"Call-ID: h%d" % turn), dice))
        if not isinstance(message, Request):
            continue
        try:
            outputs = house.proxy.notifier.subscribe(message, b"101", phone.flow, "", house.now)
        except Denied:
            continue
        granted += 1
        for output in outputs:
            assert isinstance(output, Send)
            well_formed(output)
            asked = parse(output.data)
            if isinstance(asked, Request):
                notified += 1
                answer = parse(mutated(reply(output.data, b"200 OK"), dice))
                if isinstance(answer, Response):
                    house.take(house.proxy.notifier.answered(answer, house.now))
        if turn % 100 == 0:
            lamp(house, dice.choice(list(LampState)), note=str(turn))
            mailbox(house, turn)
            house.pass_time(dice.random() * 20)
    assert granted > TURNS / 20
    assert notified > TURNS / 20
    assert len(house.proxy.notifier) <= watchers.MOST_OF_ONE
    for sent in house.sent:
        well_formed(sent)
    house.pass_time(4000)
    assert len(house.proxy.notifier) == 0, "everything ends"
