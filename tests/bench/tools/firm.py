"""The firm that is measured: many telephones, one menu, one queue; as short as a site file can say it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

MENU, KEY, QUEUE, RECORDED = "600", "1", "700", "8"
"""The numbers that lead into the menu and the queue, the menu's one key, the prefix of a recorded call."""


def telephones(first: int, count: int) -> dict[str, str]:
    """Extensions in a row from `first`, each with a password of its own."""
    return {str(first + index): secrets.token_hex(8) for index in range(count)}


def site(passwords: Mapping[str, str], operators: Sequence[str]) -> str:
    """The site file: the menu's key leads to the first of `operators`, who all answer the queue."""
    return f"""\
record_prefix = "{RECORDED}"
emergency_numbers = []      # telephones in a row may have such numbers, and nothing here calls outside

[queues.office]
extension = "{QUEUE}"
operators = [{", ".join(f'"{one}"' for one in operators)}]
wrap_up_seconds = 0

[menus.main]
extension = "{MENU}"
texts = "Good day. To speak with us, press 1. If you would rather wait, stay on the line and listen to this again."
choices.{KEY} = "phone {operators[0]}"

[phones]
""" + "".join(f'{extension} = "{password}"\n' for extension, password in passwords.items())


def lines(text: str) -> int:
    """Lines somebody has to write: not blank, not a comment."""
    return sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
