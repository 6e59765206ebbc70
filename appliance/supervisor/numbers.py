"""Telephone numbers: read in whichever way they are written, and written as others want them.

All of it knows the firm's country. Short numbers, emergency numbers and names stay as they are: nobody writes `112` with a
country in front.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.switchboard.settings import NumberFormat, Reach

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

RUSSIA = 7
"""The country code Russia shares with Kazakhstan; between the two one dials as within either."""

DEAR_CODES = frozenset({870, 878, 881, 882, 883, 979})
"""Country codes of no country (ITU-T E.164, annex D): satellites, ships, networks in the sky, premium rate."""

_FULL = {NumberFormat.E164, NumberFormat.DIGITS, NumberFormat.ZEROS}
"""Who writes numbers so means the country's code when a number begins with one."""


def canonical_in(country: str) -> Callable[[str], str]:
    """Writes a number as E.164 (+355…) where it can be read as one of `country` or of the world; else as it is."""

    @lru_cache(maxsize=4096)
    def canonical(number: str) -> str:
        parsed = _parse(number, country)
        return number if parsed is None else _e164(parsed)

    return canonical


def kind_in(country: str) -> Callable[[str], Reach | None]:
    """Says what kind of number outside one is, dialled from `country`; None when nothing is known of it."""

    @lru_cache(maxsize=4096)
    def kind(number: str) -> Reach | None:
        parsed = _parse(number, country)
        if parsed is None:
            return None
        return _kind(parsed, country) if _whole(parsed, number, country) else _short_kind(number, country)

    return kind


def written(number: str, as_: NumberFormat, country: str) -> str:
    """A number as a provider wants it. What is no whole telephone number is left as it was dialled."""
    parsed = _parse(number, country)
    if parsed is None or not _whole(parsed, number, country):
        return number
    digits = _e164(parsed).removeprefix("+")
    match as_:
        case NumberFormat.E164:
            return f"+{digits}"
        case NumberFormat.DIGITS:
            return digits
        case NumberFormat.ZEROS:
            return f"00{digits}"
        case NumberFormat.EIGHT_TEN if parsed.country_code == RUSSIA:
            return f"8{digits.removeprefix(str(RUSSIA))}"
        case NumberFormat.EIGHT_TEN:
            return f"810{digits}"
        case NumberFormat.NATIONAL:
            return _as_dialled_in(country, parsed)


def understood(number: str, as_: NumberFormat, country: str) -> str:
    """A number that a provider tells, as E.164. What cannot be read stays as it came.

    `355421234567` from a provider that leaves out the plus is no number of the next town.
    """
    bare = "".join(sign for sign in number if sign not in " ()-./~")
    if not re.fullmatch(r"\+?\d+", bare):
        return number
    for reading in _readings(bare, as_, country):
        if reading is not None and _is_known(reading):
            return _e164(reading)
    return number


def _readings(number: str, as_: NumberFormat, country: str) -> tuple[PhoneNumber | None, ...]:
    """The ways in which the number may be meant, the likeliest first."""
    home = "RU" if as_ is NumberFormat.EIGHT_TEN else country
    here, world = _parse(number, home), _parse(f"+{number.removeprefix('+').removeprefix('00')}", home)
    if number.startswith(("+", "00")):
        return world, here
    return (world, here) if as_ in _FULL else (here, world)


def _parse(number: str, country: str) -> PhoneNumber | None:
    import phonenumbers  # noqa: PLC0415  some megabytes that the first call may wait for, but not the start

    try:
        return phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None


def _e164(parsed: PhoneNumber) -> str:
    import phonenumbers  # noqa: PLC0415

    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _whole(parsed: PhoneNumber, number: str, country: str) -> bool:
    """With its area code, and neither too long nor too short: no short number, which a country may allow as well."""
    import phonenumbers  # noqa: PLC0415

    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return False
    return _is_known(parsed) or not _is_short(number, country)


def _is_short(number: str, country: str) -> bool:
    from phonenumbers import parse, shortnumberinfo  # noqa: PLC0415

    if not number.isdecimal():
        return False
    return bool(shortnumberinfo.is_valid_short_number_for_region(parse(number, country), country))


def _is_known(parsed: PhoneNumber) -> bool:
    import phonenumbers  # noqa: PLC0415

    return bool(phonenumbers.is_valid_number(parsed))


def _as_dialled_in(country: str, parsed: PhoneNumber) -> str:
    import phonenumbers  # noqa: PLC0415

    words = phonenumbers.format_out_of_country_calling_number(parsed, country)
    if words.startswith("+"):  # a country nobody knows
        words = f"00{words}"
    return "".join(sign for sign in words if sign.isdecimal())


def _kind(parsed: PhoneNumber, country: str) -> Reach:
    import phonenumbers  # noqa: PLC0415

    kinds = phonenumbers.PhoneNumberType
    dear = {kinds.PREMIUM_RATE, kinds.SHARED_COST, kinds.PERSONAL_NUMBER, kinds.PAGER}
    code = parsed.country_code or 0
    if code in DEAR_CODES or phonenumbers.number_type(parsed) in dear:
        return Reach.PREMIUM
    # Islands that share a country's code are abroad by price, and loved by those who steal calls: ask for the region.
    region = phonenumbers.region_code_for_number(parsed)
    if region is None:  # a range that is newer than what we know of that country
        region = phonenumbers.region_code_for_country_code(code)
    return Reach.NATIONAL if region == country else Reach.ABROAD


def _short_kind(number: str, country: str) -> Reach | None:
    """Of a number for which no area code is dialled."""
    from phonenumbers import parse, shortnumberinfo  # noqa: PLC0415

    match shortnumberinfo.expected_cost_for_region(parse(number, country), country):
        case shortnumberinfo.ShortNumberCost.PREMIUM_RATE:
            return Reach.PREMIUM
        case shortnumberinfo.ShortNumberCost.STANDARD_RATE | shortnumberinfo.ShortNumberCost.TOLL_FREE:
            return Reach.NATIONAL
    return None
