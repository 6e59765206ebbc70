"""Providers: called by number, calling out as each wants numbers written, all its room taken, and silent."""

from __future__ import annotations

from appliance.calls.record import Result
from tests.journeys.house import House, site

NUMBER = "+355690000002"


def test_providers(house: House) -> None:
    first, second = house.provider("first"), house.provider("second")
    lines = first.line(
        "voip", 'enters = "menu main"', "calls_at_once = 2", 'numbers_as = "digits"', 'main_number = "+35542222222"',
        'numbers = [{ number = "+35542222223", enters = "queue office" }]',
    ) + second.line("spare", 'enters = "menu main"', 'numbers_as = "zeros"')  # fmt: skip
    box = house.box(site("101 102", operators="102", lines=lines)).start()
    office = house.watch(box)
    ana, besim = house.phone(box, "101"), house.phone(box, "102", transport="tcp")
    assert office.line("voip", "up").words == f"registered with 127.0.0.1:{first.port}"
    office.line("spare", "up")

    # Out, with the number as this provider wants it; the provider sends the sound back.
    ana.dial(NUMBER)
    assert first.is_called() == "called 355690000002 by 35542222222"
    ana.talks()
    ana.hears(ana.hz)

    # In, by number to the queue; with that, the line has no room left.
    caller = first.caller("35542222223", box.telephones)
    besim.rings()
    besim.answer()
    besim.talks()
    besim.hears(besim.hz)
    first.caller("35542222223", box.telephones)
    busy = box.record(lambda call: "no room" in call.cause_detail)
    assert (busy.caller, busy.line) == ("+355691112223", "voip")
    besim.hang_up()
    assert caller.wait(15.0) == 0, caller.words
    answered = box.record(lambda call: call.line == "voip" and call.result is Result.ANSWERED and call.caller != "101")
    assert (answered.caller, answered.dialled) == ("+355691112223", "+35542222223")
    ana.hang_up()
    office.quiet()

    # In, by the main number to the menu.
    first.caller("35542222222", box.telephones)
    assert office.call("in menu").place == "menu main"

    # The provider falls silent: the next one takes the call, with the number as that one wants it.
    first.falls_silent()
    ana.dial(NUMBER)
    assert second.is_called().startswith("called 00355690000002 ")
    ana.talks()
    ana.hang_up()
    assert "no answer" in office.line("voip", "down").words
    second.falls_silent()
    office.line("spare", "down")
    ana.dial(NUMBER)
    assert ana.is_over(5.0).startswith("480"), "nobody waits for a line that is down"
    box.record(lambda call: call.cause_detail == "no line is free")
    box.stop()
