"""The parts of SIP header fields that an edge has to understand (RFC 3261 section 25), on bytes.

All functions answer None for what is not well-formed; none raises. The expressions use possessive repetition, so
that no input can make them try twice.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_TOKEN = rb"[A-Za-z0-9\-.!%*_+`'~]"
_SPACE = rb"[ \t\r\n]"
_QUOTED = rb'"(?:[^"\\]|\\.)*+"'
_HOST = rb"[A-Za-z0-9.\-_]+|\[[0-9A-Fa-f:.]+\]"
_PARAMS = (
    rb"(?:" + _SPACE + rb"*+;" + _SPACE + rb"*+" + _TOKEN + rb"++"
    rb"(?:" + _SPACE + rb"*+=" + _SPACE + rb"*+(?:[A-Za-z0-9\-.!%*_+`'~:\[\]/]++|" + _QUOTED + rb"))?+)*+" + _SPACE + rb"*+"
)  # fmt: skip

TOKEN = re.compile(_TOKEN + rb"+\Z")
_CSEQ = re.compile(_SPACE + rb"*(\d{1,10})" + _SPACE + rb"+(" + _TOKEN + rb"+)" + _SPACE + rb"*\Z")
_VIA = re.compile(
    rb"SIP" + _SPACE + rb"*/" + _SPACE + rb"*2\.0" + _SPACE + rb"*/" + _SPACE + rb"*(" + _TOKEN + rb"+)" + _SPACE + rb"+"
    rb"(" + _HOST + rb")(?:" + _SPACE + rb"*:" + _SPACE + rb"*(\d{1,5}))?+(" + _PARAMS + rb")\Z",
    re.IGNORECASE | re.DOTALL,
)  # fmt: skip
_SENT_BY = re.compile(
    _SPACE + rb"*+SIP" + _SPACE + rb"*+/" + _SPACE + rb"*+\d++\.\d++" + _SPACE + rb"*+/" + _SPACE
    + rb"*+([A-Za-z]{1,8})" + _SPACE + rb"++(" + _HOST + rb")(:\d{1,5})?+",
    re.IGNORECASE,
)  # fmt: skip
_BRANCH = re.compile(rb";branch=[A-Za-z0-9\-.!%*_+`'~]++", re.IGNORECASE)
# An unquoted display name may hold letters of any language: telephones write them so, though RFC 3261 wants quotes.
_NAME_ADDR = re.compile(
    rb"(?:" + _QUOTED + rb"|[A-Za-z0-9\-.!%*_+`'~ \t\r\n\x80-\xff]*+)" + _SPACE + rb"*+"
    rb"<([^<>\s\"]++)>(" + _PARAMS + rb")\Z",
    re.DOTALL,
)  # fmt: skip
_ADDR_SPEC = re.compile(rb"([^<>\s\";?,]++)(" + _PARAMS + rb")\Z", re.DOTALL)
_ANY_URI = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20<>\"\x7f]+\Z")
_SIP_URI = re.compile(
    rb"sips?:(?:([A-Za-z0-9\-_.!~*'()&=+$,;?/%#]*)(?::[A-Za-z0-9\-_.!~*'()&=+$,%]*)?@)?"
    rb"(" + _HOST + rb")(?::(\d{1,5}))?((?:;[A-Za-z0-9\-_.!~*'()\[\]/:&+$%=]*)*)(\?[^\s<>]*)?\Z",
    re.IGNORECASE,
)  # fmt: skip
_PARAM = re.compile(
    rb";" + _SPACE + rb"*(" + _TOKEN + rb"+)(?:" + _SPACE + rb"*=" + _SPACE + rb"*([^\s;\",]+|" + _QUOTED + rb"))?",
    re.DOTALL,
)  # fmt: skip
_ITEM = re.compile(rb'(?:[^,"<]|' + _QUOTED + rb"|<[^>]*+>)+", re.DOTALL)
_SHORT = 200
"""Bytes of an address that is worth remembering."""
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_TAG = re.compile(rb";" + _SPACE + rb"*tag" + _SPACE + rb"*=" + _SPACE + rb"*([^\s;]+)", re.IGNORECASE)


class Via(NamedTuple):
    """One Via value: who sent the request, and the branch that names its transaction."""

    transport: bytes
    host: bytes
    port: int
    """0 when none is written."""
    params: bytes
    branch: bytes
    """Empty when there is none (RFC 2543)."""

    @property
    def sent_by(self) -> bytes:
        """Host and port as written."""
        return b"%s:%d" % (self.host.lower(), self.port)


class Address(NamedTuple):
    """A From, To, Contact or Route value: the URI, and the parameters of the field (not of the URI)."""

    uri: bytes
    params: bytes

    @property
    def tag(self) -> bytes:
        """The tag; empty when there is none."""
        if b'"' in self.params:
            return param(self.params, b"tag") or b""
        found = _TAG.search(self.params)
        return found[1] if found else b""


class SipUri(NamedTuple):
    """A SIP or SIPS URI taken apart. `user` and `host` as written."""

    user: bytes
    host: bytes
    port: int
    """0 when none is written."""
    params: bytes
    headers: bytes


def via(value: bytes) -> Via | None:
    """One Via value, without others after a comma."""
    found = _VIA.match(value.strip())
    if found is None:
        return None
    transport, host, written, params = found.groups()
    port = int(written or 0)
    return Via(transport, host, port, params, param(params, b"branch") or b"") if port < 65536 else None


def mended_via(value: bytes) -> bytes:
    """What can be saved of a Via that is none: enough to tell its sender so. Empty when there is nothing."""
    found = _SENT_BY.match(value)
    branch = _BRANCH.search(value)
    if found is None:
        return b""
    return b"SIP/2.0/%b %b%b%b" % (found[1], found[2], found[3] or b"", branch[0] if branch else b"")


def cseq(value: bytes) -> tuple[int, bytes] | None:
    """Number and method; the number is below 2**31 (section 8.1.1.5)."""
    found = _CSEQ.match(value)
    if found is None:
        return None
    number = int(found[1])
    return (number, found[2]) if number < 1 << 31 else None


def address(value: bytes) -> Address | None:
    """A name-addr or addr-spec with its parameters. Without `<>` the parameters belong to the field (section 20.10)."""
    return _remembered(value) if len(value) < _SHORT else _address(value)


def _address(value: bytes) -> Address | None:
    value = value.strip()
    found = _NAME_ADDR.match(value) if b"<" in value else _ADDR_SPEC.match(value)
    if found is None:
        return None
    return Address(found[1], found[2]) if well_formed(found[1]) else None


_remembered = lru_cache(maxsize=4096)(_address)
"""A telephone names itself and those it calls in the same words each time."""


@lru_cache(maxsize=512)
def well_formed(uri: bytes) -> bool:
    """Is it a SIP URI, or an absolute URI of another scheme?"""
    sip = uri[:4].lower() == b"sip:" or uri[:5].lower() == b"sips:"
    return (_SIP_URI if sip else _ANY_URI).match(uri) is not None


@lru_cache(maxsize=512)
def sip_uri(uri: bytes) -> SipUri | None:
    """None for anything but sip: and sips:."""
    found = _SIP_URI.match(uri)
    if found is None:
        return None
    port = int(found[3] or 0)
    return SipUri(found[1] or b"", found[2], port, found[4], found[5] or b"") if port < 65536 else None


def param(params: bytes, name: bytes) -> bytes | None:
    """The value of one parameter, without quotes; b"" when it has none; None when it is not there."""
    if b'"' not in params:
        plain = _param_named(name).search(params)
        return (plain[1] or b"") if plain else None
    for found in _PARAM.finditer(params):
        if found[1].lower() == name:
            return unquoted(found[2] or b"")
    return None


@lru_cache(maxsize=64)
def _param_named(name: bytes) -> re.Pattern[bytes]:
    """Finds this parameter where nothing is quoted."""
    return re.compile(
        rb";" + _SPACE + rb"*+" + re.escape(name) + rb"(?!" + _TOKEN + rb")"
        rb"(?:" + _SPACE + rb"*+=" + _SPACE + rb"*+([^\s;,\"]++))?+",
        re.IGNORECASE,
    )  # fmt: skip


def unquoted(value: bytes) -> bytes:
    """The text of a quoted string; anything else as it is."""
    if value[:1] != b'"':
        return value
    return unescaped(value[1:-1])


def unescaped(text: bytes) -> bytes:
    """What stands between the quotes of a quoted string, as it is meant (section 25.1, quoted-pair)."""
    return _ESCAPED.sub(rb"\1", text) if b"\\" in text else text


def items(value: bytes) -> list[bytes]:
    """The values of a comma-separated field; commas in quotes and in `<>` part nothing."""
    if b"," not in value:
        return [value]
    return [item for item in (found.strip() for found in _ITEM.findall(value)) if item]


def printable(value: bytes, limit: int) -> str:
    """Bytes from outside as text for a log line or a page: shortened, without control characters."""
    text = value[: limit * 2].decode("utf-8", "replace")
    if text.isprintable():
        return text[:limit]
    return "".join(letter if letter.isprintable() else "·" for letter in text)[:limit]
