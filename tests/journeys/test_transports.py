"""Telephones that come over connections: within TLS, over TCP, from a browser."""

from __future__ import annotations

import json

from tests.journeys.box import Box
from tests.journeys.browser_phone import BrowserPhone
from tests.journeys.house import VOICES, House, password, site
from tests.journeys.phones import BaresipPhone
from tests.journeys.processes import wait_for
from tests.journeys.reader import chromium


def test_one_calls_encrypted_and_the_other_does_not(house: House) -> None:
    """A telephone on TLS and one on TCP talk with each other, whoever calls, and the sound of the first is encrypted."""
    firm = site("101 102", lines="").replace("101 = { ", '101 = { encryption = "required", ')
    box = house.box(firm).start()
    ana = house.phone(box, "101", transport="tls", encrypts="srtp-mand")
    besim = house.phone(box, "102", transport="tcp")
    besim.dial("101")
    ana.rings()
    ana.answer()
    besim.talks()
    besim.hears(ana.hz)
    ana.hears(besim.hz)
    ana.hang_up()
    besim.is_over()
    ana.dial("102")
    besim.rings()
    besim.answer()
    ana.talks()
    ana.hears(besim.hz)
    besim.hang_up()
    ana.is_over()
    wait_for("both are registered as they came", lambda: came_by(box) == {("101", "tls"), ("102", "tcp")})
    box.stop()


def test_telephones_on_both_kinds_of_addresses_talk(house: House) -> None:
    """One is reached by IPv6 alone, the other by IPv4: whoever calls, they hear each other."""
    box = house.box(site("101 102", lines=""))
    box.also = "::1"
    box.start()
    besim = house.phone(box, "102")
    folder = house.folder / "phone-v6"
    ana = BaresipPhone("101", password("101"), ("::1", box.ports.sip), folder, hz=VOICES["101"], host="::1")
    house.keep(ana)
    ana.register()
    for caller, called in ((ana, besim), (besim, ana)):
        caller.dial(called.extension)
        called.rings()
        called.answer()
        caller.talks()
        caller.hears(called.hz)
        called.hears(caller.hz)
        caller.hang_up()
        called.is_over()
    box.stop()


def came_by(box: Box) -> set[tuple[str, str]]:
    """What carries each extension's signalling, as the edge keeps it."""
    told = json.loads((box.data / "edge" / "bindings.json").read_text(encoding="utf-8"))
    return {(each["extension"], each["flow"][0]) for each in told["bindings"]}


def test_a_telephone_in_a_browser(house: House) -> None:
    """Over a WebSocket, plain and within TLS: it registers, is rung and calls, and each side hears how that ends."""
    box = house.box(site("101 102", lines="")).start()
    besim = house.phone(box, "102")
    with chromium() as browser:
        plain = BrowserPhone(browser, box, "101")
        plain.expect("registered")
        besim.dial("101")
        plain.expect("rings", "102")
        besim.hang_up()
        plain.expect("failed", "remote Canceled")
        plain.close()
        ana = BrowserPhone(browser, box, "101", encrypted=True)
        ana.expect("registered")
        wait_for("it came by a WebSocket within TLS", lambda: ("101", "wss") in came_by(box))
        besim.dial("101")
        ana.expect("rings", "102")
        besim.expect("CALL_RINGING")
        ana.refuse()
        assert besim.is_over()
        ana.dial("102")
        besim.rings()
        ana.expect("progress")
        besim.hang_up()
        ana.expect("failed", "remote Busy")
        ana.leave()
        wait_for("it has signed off", lambda: ("101", "wss") not in came_by(box))
    box.stop()
