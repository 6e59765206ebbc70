"""Telephone numbers written in one way."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache


def canonical_in(country: str) -> Callable[[str], str]:
    """Writes a number as E.164 (+355…) where it can be read as one of `country` or of the world; else as it is."""

    @lru_cache(maxsize=4096)
    def canonical(number: str) -> str:
        import phonenumbers  # noqa: PLC0415  some megabytes that the first call may wait for, but not the start

        try:
            parsed = phonenumbers.parse(number, country)
        except phonenumbers.NumberParseException:
            return number
        return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))

    return canonical
