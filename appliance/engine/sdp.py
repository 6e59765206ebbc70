"""The few lines of SDP (RFC 8866) the engine reads and writes itself: where sound goes, and whether it is encrypted."""

from __future__ import annotations

import re
from ipaddress import ip_address

from appliance.calls.names import Encryption

_CONNECTION = re.compile(r"^c=IN IP[46] (\S+)", re.MULTILINE)
_OURS = r"^(o=\S+ \S+ \S+ IN IP{0}|c=IN IP{0}|a=rtcp:\d+ IN IP{0}) \S+"
_PLAIN = re.compile(r"^(m=audio [\d/]+ RTP/)AVP(F?) ", re.MULTILINE)
_KEY_LINE = re.compile(r"^a=crypto:.*\r?\n", re.MULTILINE)
CIPHERS = ("AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_32")
"""What we speak, best liked first: the first is in every telephone that has any (RFC 4568 section 6.2), and some read no
further. Only the first two are offered: more would make the INVITE too long for one datagram."""
_KEY = re.compile(rf"^a=crypto:\d+ (?:{'|'.join(CIPHERS)}) ", re.MULTILINE)
_KEY_TOO_MANY = re.compile(rf"^a=crypto:\d+ (?:{'|'.join(CIPHERS[2:])}) .*\r?\n", re.MULTILINE)
_NOWHERE = {"0.0.0.0", "::"}  # noqa: S104 (ways to say "hold", RFC 2543)


def is_address(text: str) -> bool:
    """Is this an IP address, and no name?"""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def plain_address(text: str) -> str:
    """An IP address without the name of an interface, which means nothing to anybody else; empty when it is none."""
    return text.partition("%")[0] if is_address(text) else ""


def is_ip6(sdp: str) -> bool:
    """Is our own sound, in an SDP of the library's, on IPv6?"""
    return "\nc=IN IP6 " in sdp


def sound_address(sdp: str) -> str:
    """Where the other side wants its sound: the address of the first stream of sound that is not turned down.

    Empty when it does not say, or holds the call by no address.
    """
    session, *streams = re.split(r"^(?=m=)", sdp, flags=re.MULTILINE)
    wanted = [stream for stream in streams if re.match(r"m=audio (?!0 )", stream)]
    for part in (*wanted[:1], session, *streams):
        found = _CONNECTION.search(part)
        if found:
            return "" if found[1] in _NOWHERE else found[1]
    return ""


def sound_port(sdp: str) -> int:
    """The port of the first stream of sound that is not turned down; 0 when there is none."""
    found = re.search(r"^m=audio (?!0 )(\d+)", sdp, re.MULTILINE)
    return int(found[1]) if found else 0


def names_in(sdp: str) -> list[str]:
    """Where it names a host instead of giving an address: somebody would have to ask the DNS, and we do not."""
    return [found for found in _CONNECTION.findall(sdp) if not is_address(found)]


def moved_sound(sdp: str, address: str) -> str:
    """`sdp` with our own sound at `address` instead of where the library put it; as it is when the sound is of the
    other IP version.
    """
    version = 6 if ":" in address else 4
    return re.sub(_OURS.format(version), rf"\1 {address}", sdp, flags=re.MULTILINE)


def brings_keys(sdp: str) -> bool:
    """Does it hold a key (RFC 4568) for a cipher we have, so that its sound can be encrypted?"""
    return _KEY.search(sdp) is not None


def offered(sdp: str, encryption: Encryption) -> str:
    """Our offer as the library wrote it, with keys in a plain stream, as it should be.

    Optional stays so: whoever knows RTP/AVP with keys answers with one, all others overlook it.
    """
    match encryption:
        case Encryption.OFF:
            return _KEY_LINE.sub("", sdp)
        case Encryption.REQUIRED:
            return _PLAIN.sub(r"\1SAVP\2 ", _KEY_TOO_MANY.sub("", sdp))
        case Encryption.OPTIONAL:
            return _KEY_TOO_MANY.sub("", sdp)
