"""A key on a desk phone shows who talks, whatever restarts meanwhile."""

from __future__ import annotations

import re
from pathlib import Path

from tests.journeys.house import House, password, site
from tests.journeys.processes import wait_for
from tests.journeys.sipp import a_key_that_watches, begin


def test_a_key_follows_a_call_through_restarts_of_door_and_desk(house: House) -> None:
    box = house.box(site("101 102 103")).start()
    ana, besim = house.phone(box, "101"), house.phone(box, "102")
    folder = house.folder / "key"
    key = begin(a_key_that_watches("103", password("103")), folder, box.telephones, "101")
    try:

        def shows(*states: str) -> None:
            """In this order, with nothing between."""
            wait_for(f"the key shows {states}", lambda: states_in(folder / "messages") == list(states))

        shows("terminated")
        besim.dial("101")
        ana.rings()
        shows("terminated", "early")
        ana.answer()
        shows("terminated", "early", "confirmed")

        box.kill("desk")
        box.is_back("The desk")
        box.kill("edge")
        box.is_back("The telephones' door (edge)")
        besim.hang_up()
        ana.is_over()
        shows("terminated", "early", "confirmed", "terminated")
    finally:
        key.end()
    box.stop()


def states_in(messages: Path) -> list[str]:
    """The states in the NOTIFYs, without what was said twice."""
    said = messages.read_text(errors="replace") if messages.exists() else ""
    states = re.findall(r"<state>(\w+)</state>", said)
    return [state for at, state in enumerate(states) if at == 0 or state != states[at - 1]]
