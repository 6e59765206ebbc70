"""The few pieces of SIP text the engine reads and writes itself; the library does the rest."""

from __future__ import annotations

import re
from urllib.parse import unquote

_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()")
_IN_USER = _UNRESERVED | frozenset(b"&=+$,;?/")
_IN_PARAMETER = _UNRESERVED | frozenset(b"[]/:&+$")
"""RFC 3261 §25.1: what needs no escape in the user part and in a parameter of an address."""

_REQUEST_LINE = re.compile(r"[A-Z]+ +sips?:(?P<user>[^@;?> ]*)(?:;[^@?> ]*)?@", re.IGNORECASE)


def escaped_user(text: str) -> str:
    """`text` as the user part of a SIP address, whatever it holds."""
    return _escaped(text, _IN_USER)


def escaped_parameter(text: str) -> str:
    """`text` as the value of a parameter of a SIP address, whatever it holds."""
    return _escaped(text, _IN_PARAMETER)


def _escaped(text: str, plain: frozenset[int]) -> str:
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in text.encode())


def quoted_name(text: str) -> str:
    """`text` as a display name in quotes; control characters, line ends among them, become spaces."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'


def party(number: str, name: str, host: str) -> str:
    """The From of a call we make: RFC 3323's anonymous one when `number` is empty."""
    if not number:
        return '"Anonymous" <sip:anonymous@anonymous.invalid>'
    address = f"<sip:{escaped_user(number)}@{host}>"
    return f"{quoted_name(name)} {address}" if name else address


def dialled_user(message: str) -> str:
    """Whom a request asks for: the user part of its request line, unescaped; empty when it has none."""
    found = _REQUEST_LINE.match(message)
    return unquote(found["user"]) if found else ""


def header_values(message: str, name: str) -> list[str]:
    """The values of all headers of that name, in order. What continues another header (RFC 3261, section 7.3.1) is none,
    whatever it looks like: the edge takes away what strangers write under its names, but not out of their own words.
    """
    values = []
    wanted = name.lower()
    for line in message.split("\r\n")[1:]:
        if not line:
            break
        key, colon, value = line.partition(":")
        if colon and line[0] not in " \t" and key.strip().lower() == wanted:
            values.append(value.strip())
    return values
