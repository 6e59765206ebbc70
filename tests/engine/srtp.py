"""Encrypted sound as the other side makes it: AES_CM_128_HMAC_SHA1_80 (RFC 3711), keys in the SDP (RFC 4568)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SUITE = "AES_CM_128_HMAC_SHA1_80"


def new_key() -> bytes:
    """A master key and its salt."""
    return os.urandom(30)


def key_line(key: bytes, tag: int = 1) -> str:
    return f"a=crypto:{tag} {SUITE} inline:{base64.b64encode(key).decode()}\r\n"


def key_in(sdp: str) -> tuple[int, bytes] | None:
    """The tag and the key of our suite in an SDP."""
    found = re.search(rf"^a=crypto:(\d+) {SUITE} inline:([^|\s]+)", sdp, re.MULTILINE)
    return (int(found[1]), base64.b64decode(found[2])) if found else None


class Lock:
    """One direction of one stream."""

    def __init__(self, key: bytes) -> None:
        self._master, self._master_salt = key[:16], int.from_bytes(key[16:])
        self._key = self._derived(0, 16)
        self._proof = self._derived(1, 20)
        self._salt = int.from_bytes(self._derived(2, 14))
        self._turns = 0
        self._last = -1

    def _derived(self, label: int, size: int) -> bytes:
        start = (self._master_salt ^ (label << 48)) << 16
        return _stream(self._master, start, bytes(size))

    def _index(self, packet: bytes) -> int:
        """Of the packet since the stream began; they come in order here."""
        number = int.from_bytes(packet[2:4])
        if self._last >= 0 and self._last - number > 0x8000:
            self._turns += 1
        self._last = number
        return (self._turns << 16) | number

    def _turned(self, packet: bytes, index: int) -> bytes:
        start = (self._salt << 16) ^ (int.from_bytes(packet[8:12]) << 64) ^ (index << 16)
        return packet[:12] + _stream(self._key, start, packet[12:])

    def _signed(self, packet: bytes, index: int) -> bytes:
        return hmac.new(self._proof, packet + (index >> 16).to_bytes(4), hashlib.sha1).digest()[:10]

    def closed(self, packet: bytes) -> bytes:
        index = self._index(packet)
        locked = self._turned(packet, index)
        return locked + self._signed(locked, index)

    def opened(self, packet: bytes) -> bytes | None:
        """The plain packet; None when it is not one of this stream."""
        locked, proof = packet[:-10], packet[-10:]
        if len(locked) < 12:
            return None
        index = self._index(locked)
        return self._turned(locked, index) if hmac.compare_digest(self._signed(locked, index), proof) else None


def _stream(key: bytes, start: int, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(start.to_bytes(16))).encryptor().update(data)
