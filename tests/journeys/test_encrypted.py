"""Telephones that encrypt their sound, beside such that do not."""

from __future__ import annotations

from tests.journeys.box import Box
from tests.journeys.hearing import sounds_like_speech
from tests.journeys.house import House, site
from tests.journeys.processes import wait_for
from tests.journeys.test_telephones import talk


def firm(**encryption: str) -> str:
    """A firm in which these people's telephones encrypt so."""
    text = site("101 102 103 104 105", lines="")
    for who, how in encryption.items():
        number = who.removeprefix("of_")
        text = text.replace(f"{number} = {{ ", f'{number} = {{ encryption = "{how}", ')
    return text


def encryption(box: Box, caller: str, called: str) -> str:
    """Of a call that is over, by the records; SIP over UDP leaves the keys of the sound for everybody to read."""
    return box.record(lambda call: (call.caller, call.dialled) == (caller, called)).encrypted


def test_whoever_can_encrypt_does_and_whoever_must_is_held_to_it(house: House) -> None:
    """A menu is heard through SRTP; optional, required and off meet each other; a plain telephone where none may be."""
    box = house.box(firm(of_101="optional", of_102="required", of_104="required", of_105="optional")).start()
    office = house.watch(box)
    maybe = house.phone(box, "101", encrypts="srtp", transport="tls")
    always = house.phone(box, "102", encrypts="srtp-mand", transport="tls")
    never = house.phone(box, "103")
    stubborn = house.phone(box, "105", encrypts="srtp-mand")
    plain = house.phone(box, "104")
    for extension in ("101", "102", "103", "105"):
        office.operator(extension, "ready")

    maybe.dial("600")
    maybe.talks()
    wait_for("the menu is heard", lambda: sounds_like_speech(maybe.heard(1.5)))
    maybe.hang_up()

    always.dial("600")
    always.talks()
    wait_for("the menu is heard", lambda: sounds_like_speech(always.heard(1.5)))
    always.hang_up()

    plain.dial("600")
    assert "488" in plain.is_over()

    talk(never, maybe, "101")
    never.hang_up()
    maybe.is_over()
    talk(maybe, always, "102")
    maybe.hang_up()
    always.is_over()
    wait_for("the record", lambda: encryption(box, "101", "102") == "whole")
    talk(never, stubborn, "105")
    never.hang_up()
    stubborn.is_over()
    talk(always, never, "103")
    always.hang_up()
    never.is_over()
    wait_for("the record", lambda: encryption(box, "102", "103") == "part")
    assert encryption(box, "103", "105") == ""
    box.stop()
