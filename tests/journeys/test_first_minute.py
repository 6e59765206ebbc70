"""Somebody tries the box for the first time, with nothing attached."""

from __future__ import annotations

from tests.journeys.box import run_and_read
from tests.journeys.house import House


def test_the_box_comes_to_life_with_nothing_attached(house: House) -> None:
    """Without a site file: an example firm, a line in software that is on the network, and a link for its owner."""
    box = house.box()
    status, words = run_and_read(box.command("doctor"))
    assert (status, words.splitlines()[-1]) == (0, "All is well."), words
    assert f"Port {box.ports.sip}" in words
    box.start()
    office = house.watch(box)
    office.line("gsm1", "up")
    assert [operator.name for operator in office.now.operators] == ["Ana", "Besim", "Vera"]
    outside = house.outside(box)
    outside.ring("+355690000001")
    outside.is_answered()
    outside.hears_something()
    outside.hang_up()
    office.quiet()
    assert box.owner_link.startswith(box.page)
    status, words = run_and_read(box.command("doctor"))
    assert status == 0, words
    assert "all parts run" in words
    box.stop()


def test_the_demo_is_alive_within_a_minute(house: House) -> None:
    box = house.box(name="demo")
    box.word = "demo"
    box.start()
    office = house.watch(box)
    live = office.until(
        "somebody talks with a caller", lambda live: any(one.stage == "talking" for one in live.calls), 60.0
    )
    assert sum(operator.phones for operator in live.operators) >= 2
    office.until(
        "a caller of the provider is in the menu",
        lambda live: any((one.line, one.place) == ("internet", "menu main") for one in live.calls),
        60.0,
    )
    box.stop()
