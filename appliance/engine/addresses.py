"""SIP's ways to write who somebody is: header fields that hold addresses (RFC 3261 section 20.10, RFC 3966)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_WITH_BRACKETS = re.compile(
    r'^\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<name>[^<"]*))\s*<(?P<uri>[^>]*)>(?P<rest>.*)$', re.DOTALL
)
_SIP = re.compile(r"^sips?:(?:(?P<user>[^@]*)@)?(?P<host>[^;?>]*)(?P<rest>.*)$", re.IGNORECASE | re.DOTALL)
_TEL = re.compile(r"^tel:(?P<number>[^;?]*)(?P<rest>.*)$", re.IGNORECASE | re.DOTALL)
_SEPARATORS = re.compile(r"[-.()\s]")


@dataclass(frozen=True, slots=True)
class Party:
    """One address: who, and what they are called."""

    user: str
    """Number or name before the @, unescaped; empty when there is none."""
    host: str
    name: str
    uri_parameters: str
    parameters: str
    """What stands behind it in the header field, beginning with a semicolon."""


def party_in(value: str) -> Party | None:
    """The address in one value of a header field; None when it holds none we know."""
    found = _WITH_BRACKETS.match(value)
    if found:
        name = re.sub(r"\\(.)", r"\1", found["quoted"]) if found["quoted"] is not None else found["name"].strip()
        return _party(found["uri"], name, found["rest"])
    uri, semicolon, parameters = value.strip().partition(";")
    return _party(uri, "", semicolon + parameters)


def _party(uri: str, name: str, parameters: str) -> Party | None:
    if found := _TEL.match(uri.strip()):
        return Party(_SEPARATORS.sub("", found["number"]), "", _shown(name), found["rest"], parameters)
    if found := _SIP.match(uri.strip()):
        user = unquote((found["user"] or "").partition(";")[0].partition(":")[0])
        return Party(_shown(user), found["host"], _shown(name), found["rest"], parameters)
    return None


def _shown(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:120]


def entries(values: list[str]) -> list[str]:
    """All entries of a header field that may hold several, separated by commas, on one line or on several."""
    return [entry.strip() for value in values for entry in _apart(value) if entry.strip()]


def _apart(value: str) -> list[str]:
    """At the commas that stand neither in quotes nor in brackets."""
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+', value)
