"""Telephones that come over connections: within TLS, over TCP, from a browser."""

from __future__ import annotations

import json

from tests.journeys.box import Box
from tests.journeys.house import House, site
from tests.journeys.processes import wait_for


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
    wait_for("both are registered as they came", lambda: came_by(box) == {"101": "tls", "102": "tcp"})
    box.stop()


def came_by(box: Box) -> dict[str, str]:
    """What carries each extension's signalling, as the edge keeps it."""
    told = json.loads((box.data / "edge" / "bindings.json").read_text(encoding="utf-8"))
    return {each["extension"]: each["flow"][0] for each in told["bindings"]}
