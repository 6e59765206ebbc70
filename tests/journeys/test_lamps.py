"""A key on a desk phone shows who talks, whatever restarts meanwhile."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tests.journeys.house import House, password, site
from tests.journeys.processes import TooLate, wait_for
from tests.journeys.sipp import a_key_that_watches, begin


def test_a_key_follows_a_call_through_restarts_of_door_and_desk(house: House) -> None:
    box = house.box(site("101 102 103")).start()
    ana, besim = house.phone(box, "101"), house.phone(box, "102")
    states = house.folder / "states"
    watching = a_key_that_watches("103", password("103"), states)
    key = begin(watching, house.folder / "key", box.telephones, "101")
    try:

        def shows(*wanted: str) -> None:
            """So far, in this order."""
            with contextlib.suppress(TooLate):
                wait_for("the key shows something else", lambda: len(states_in(states)) >= len(wanted))
            assert states_in(states) == list(wanted)

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


def states_in(written: Path) -> list[str]:
    """What was shown, without what was said twice."""
    states = written.read_text().split() if written.exists() else []
    return [state for at, state in enumerate(states) if at == 0 or state != states[at - 1]]
