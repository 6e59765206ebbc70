"""A telephone that lost its power, or was started again, ends no call by itself."""

from __future__ import annotations

import time

from appliance.calls.engine import CallDevice
from appliance.calls.names import Cause, Extension, LegId
from appliance.engine.engine import Engine
from tests.engine.bench import Bench
from tests.engine.peer import Message, Phone

TWO_LOOKS = 2 * Engine.QUIET + 5.0


def silent_phone(box: Bench) -> tuple[Phone, LegId]:
    """In a call, and not one packet of sound comes from it."""
    leg = box.new_leg()
    box.desk.tell(CallDevice(leg, Extension("102"), "dev-2", "101"))
    phone = box.edge.next_invite()
    phone._sound_to = lambda sdp: None  # type: ignore[method-assign]  # noqa: ARG005
    phone.answer()
    box.answered(leg)
    return phone, leg


def asked(message: Message) -> bool:
    return message.method == "OPTIONS"


def test_who_sends_no_sound_is_asked_and_who_knows_of_no_call_has_left_it(box: Bench) -> None:
    talking, talking_leg = box.call_in_answered()
    held, held_leg = silent_phone(box)
    started_again, lost_leg = silent_phone(box)
    usual = started_again.take

    def knows_of_no_call(message: Message) -> None:
        if message.method == "OPTIONS":
            started_again.all.append(message)
            started_again.reply(message, 481, "Call/Transaction Does Not Exist")
        else:
            usual(message)

    started_again.take = knows_of_no_call  # type: ignore[method-assign]
    assert box.ended(lost_leg, TWO_LOOKS).cause is Cause.FAULT
    held.wait(asked, Engine.QUIET)
    time.sleep(0.5)
    assert not any(map(asked, talking.all))
    for phone, leg in ((talking, talking_leg), (held, held_leg)):
        phone.bye()
        assert box.ended(leg).cause is Cause.NORMAL
