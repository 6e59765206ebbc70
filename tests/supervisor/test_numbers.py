"""Numbers as people dial them, as providers want them and as providers tell them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.supervisor.numbers import canonical_in, kind_in, understood, written
from appliance.switchboard.settings import NumberFormat, Reach

E164, DIGITS, ZEROS, NATIONAL, EIGHT_TEN = NumberFormat


@pytest.mark.parametrize(
    ("country", "dialled", "style", "wanted"),
    [
        ("AL", "0672000001", E164, "+355672000001"),
        ("AL", "+355672000001", DIGITS, "355672000001"),
        ("AL", "00355672000001", ZEROS, "00355672000001"),
        ("AL", "+355672000001", NATIONAL, "0672000001"),
        ("AL", "+393331234567", NATIONAL, "00393331234567"),
        ("RU", "+74951234567", EIGHT_TEN, "84951234567"),
        ("RU", "84951234567", E164, "+74951234567"),
        ("RU", "+355672000001", EIGHT_TEN, "810355672000001"),
        ("RU", "+355672000001", NATIONAL, "810355672000001"),
        ("AL", "0672000001", EIGHT_TEN, "810355672000001"),
        ("ZZ", "+393331234567", NATIONAL, "00393331234567"),
    ],
)
def test_a_number_is_written_as_the_provider_wants_it(
    country: str, dialled: str, style: NumberFormat, wanted: str
) -> None:
    assert written(dialled, style, country) == wanted


@pytest.mark.parametrize("style", NumberFormat)
@pytest.mark.parametrize(("country", "dialled"), [("AL", "1188"), ("DE", "11833"), ("AL", "*100#"), ("AL", "")])
def test_what_is_no_whole_number_is_left_as_it_was_dialled(country: str, dialled: str, style: NumberFormat) -> None:
    assert written(dialled, style, country) == dialled
    assert understood(dialled, style, country) == dialled


@pytest.mark.parametrize(
    ("country", "told", "style", "meant"),
    [
        ("AL", "+355 67 200 0001", E164, "+355672000001"),
        ("AL", "355672000001", DIGITS, "+355672000001"),
        ("AL", "393331234567", E164, "+393331234567"),
        ("AL", "00393331234567", NATIONAL, "+393331234567"),
        ("AL", "0672000001", DIGITS, "+355672000001"),
        ("AL", "0672000001", NATIONAL, "+355672000001"),
        ("RU", "84951234567", EIGHT_TEN, "+74951234567"),
        ("RU", "8~10355672000001", EIGHT_TEN, "+355672000001"),
        ("RU", "4951234567", NATIONAL, "+74951234567"),
        ("AL", "74951234567", EIGHT_TEN, "+74951234567"),
        ("US", "2125550123", NATIONAL, "+12125550123"),
        ("AL", "anonymous", E164, "anonymous"),
        ("AL", "1188", E164, "1188"),
    ],
)
def test_what_a_provider_tells_is_understood(country: str, told: str, style: NumberFormat, meant: str) -> None:
    assert understood(told, style, country) == meant


@pytest.mark.parametrize("style", NumberFormat)
@pytest.mark.parametrize("number", ["+355672000001", "+35542345678", "+393331234567", "+74951234567", "+442079460000"])
def test_what_is_written_so_is_understood_so(number: str, style: NumberFormat) -> None:
    for country in ("AL", "RU"):
        assert understood(written(number, style, country), style, country) == number


@pytest.mark.parametrize(
    ("country", "number", "kind"),
    [
        ("AL", "0672000001", Reach.NATIONAL),
        ("AL", "+35542345678", Reach.NATIONAL),
        ("AL", "0900123", Reach.PREMIUM),
        ("GB", "09012345678", Reach.PREMIUM),
        ("GB", "07012345678", Reach.PREMIUM),
        ("AL", "+447012345678", Reach.PREMIUM),
        ("AL", "+881612345678", Reach.PREMIUM),
        ("AL", "+870773123456", Reach.PREMIUM),
        ("AL", "+979123456789", Reach.PREMIUM),
        ("AL", "+393331234567", Reach.ABROAD),
        ("US", "+18095551234", Reach.ABROAD),
        ("RU", "+77272123456", Reach.ABROAD),
        ("RU", "84951234567", Reach.NATIONAL),
        ("AL", "+35569", None),
        ("AL", "*100#", None),
        ("AL", "", None),
        ("AL", "nonsense", None),
    ],
)
def test_what_a_call_to_a_number_may_cost(country: str, number: str, kind: Reach | None) -> None:
    assert kind_in(country)(number) is kind


def test_one_way_of_writing() -> None:
    canonical = canonical_in("AL")
    assert canonical("067 200 0001") == canonical("+355672000001") == "+355672000001"
    assert canonical("") == ""


DIALLED = st.text("+0123456789*# ()-~٣", max_size=40) | st.text(max_size=20)
"""What a telephone or a provider may send as a number."""


@given(DIALLED, st.sampled_from(["AL", "RU", "US", "DE", "GB", "ZZ"]), st.sampled_from(NumberFormat))
def test_nothing_that_is_dialled_or_told_is_too_strange(number: str, country: str, style: NumberFormat) -> None:
    assert isinstance(written(number, style, country), str)
    assert isinstance(understood(number, style, country), str)
    assert isinstance(canonical_in(country)(number), str)
    assert kind_in(country)(number) in {None, *Reach}
