"""SIP's ways to write who somebody is: header fields that hold addresses (RFC 3261 section 20.10, RFC 3966)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
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
    value = value.strip()
    quoted = _QUOTED.match(value)
    name = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value.partition("<")[0].strip()
    before, bracket, after = value[quoted.end() if quoted else 0 :].partition("<")
    if bracket:
        uri, closing, parameters = after.partition(">")
        return _party(uri, name, parameters) if closing else None
    uri, semicolon, parameters = before.partition(";")
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


def _apart(value: str) -> Iterator[str]:
    """At the commas that stand neither in quotes nor in brackets. In one pass: it is strangers who write this."""
    began, within, escaped = 0, "", False
    for at, letter in enumerate(value):
        if escaped:
            escaped = False
        elif within == '"' and letter == "\\":
            escaped = True
        elif within:
            within = "" if letter == within else within
        elif letter in '"<':
            within = '"' if letter == '"' else ">"
        elif letter == ",":
            yield value[began:at]
            began = at + 1
    yield value[began:]
