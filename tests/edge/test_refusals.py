from __future__ import annotations

from appliance.calls.edge import Refusal
from appliance.edge.refusals import MOST, MOST_OF_ONE, WINDOW, Refusals
from tests.edge.house import udp


def test_the_first_of_a_kind_is_told_at_once_and_the_others_together() -> None:
    refusals = Refusals()
    first = refusals.add(Refusal.STRANGER, udp(7), "asked what we are", 0.0)
    assert first is not None
    assert (first.source, first.detail, first.times) == (str(udp(7)), "asked what we are", 1)
    assert refusals.add(Refusal.STRANGER, udp(7, 6000), "asked what we are", 1.0) is None
    assert refusals.add(Refusal.STRANGER, udp(7), "asked what we are", 2.0) is None
    assert refusals.tick(WINDOW - 0.1) == []
    [folded] = refusals.tick(WINDOW)
    assert (folded.source, folded.times) == (str(udp(7)), 2)
    assert refusals.next_deadline() is None


def test_one_address_with_ever_new_words_is_told_in_a_few() -> None:
    refusals = Refusals()
    told = [refusals.add(Refusal.STRANGER, udp(7), f"M{number} without a proof", 0.0) for number in range(5000)]
    assert sum(each is not None for each in told) == MOST_OF_ONE + 1
    folded = refusals.tick(WINDOW)
    assert [each.times for each in folded] == [5000 - MOST_OF_ONE - 1]


def test_noise_does_not_drown_what_matters() -> None:
    refusals = Refusals()
    for number in range(5000):
        refusals.add(Refusal.STRANGER, udp(7), f"M{number} without a proof", 0.0)
    banned = refusals.add(Refusal.BANNED, udp(7), "too many wrong passwords for extension 101", 1.0)
    assert banned is not None
    assert banned.detail == "too many wrong passwords for extension 101"


def test_ever_new_addresses_are_told_as_many() -> None:
    refusals = Refusals()
    told = [refusals.add(Refusal.FLOOD, udp(number % 250, number), f"{number}", 0.0) for number in range(9000)]
    assert sum(each is not None for each in told) == MOST + 1
    [folded] = refusals.tick(WINDOW)
    assert (folded.detail, folded.times) == ("from many addresses", 9000 - MOST - 1)


def test_a_flood_does_not_drown_who_guesses_passwords() -> None:
    refusals = Refusals()
    for number in range(9000):
        refusals.add(Refusal.FLOOD, udp(number % 250, number), f"{number}", 0.0)
    told = refusals.add(Refusal.GUESSING, udp(7), "wrong passwords for several extensions", 1.0)
    assert told is not None
    assert (told.source, told.detail) == (str(udp(7)), "wrong passwords for several extensions")
    refusals.tick(99.0)
    assert not refusals._alike
