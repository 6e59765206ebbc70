"""Numbers outside, and beginnings of them, as people write them: kept in international form, `+39`."""

from __future__ import annotations

import re

from webui.forms import Form
from webui.language import _

MOST = 50
LONGEST = 600


def read_beginnings(form: Form, name: str) -> tuple[str, ...]:
    """What stands in a field with commas between; a slip is said at the field."""
    words = re.split(r"[,;\n]+", form.text(name, needed=False, longest=LONGEST))
    found = [(word.strip(), beginning(word)) for word in words if word.strip()]
    for word, known in found:
        if known is None:
            form.fault(name, _("“%(word)s” does not begin with + and the code of a country.", word=word[:20]))
    if len(found) > MOST:
        form.fault(name, _("At most %(number)s, please.", number=MOST))
    return tuple(dict.fromkeys(known for _word, known in found if known is not None))


def beginning(words: str) -> str | None:
    """`00 39 06` and `+39 (06)` are `+3906`; None when it is no beginning of an international number."""
    digits = re.sub(r"[\s()./-]", "", words)
    digits = "+" + digits[2:] if digits.startswith("00") else digits
    return digits if re.fullmatch(r"\+[1-9][0-9]{0,14}", digits, re.ASCII) else None


def read_number(form: Form, name: str, country: str) -> str:
    """One of our own numbers, as the country writes it or with +; nothing when nothing stands there."""
    words = form.text(name, needed=False, longest=30)
    found = number(words, country) if words else ""
    if found is None:
        form.fault(name, _("This is not a telephone number."))
    return found or ""


def number(words: str, country: str) -> str | None:
    """`042 123 456` in Albania is `+35542123456`; None when it can be no number at all."""
    import phonenumbers  # noqa: PLC0415 -- loaded with the first number

    try:
        parsed = phonenumbers.parse(words, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def listed(beginnings: tuple[str, ...]) -> str:
    """As they stand in the field."""
    return ", ".join(beginnings)
