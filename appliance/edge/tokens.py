"""Our own marks in messages that come back to us: places to send to, branches and tags nobody else can make.

A keyed BLAKE2 (RFC 7693) stands behind each; the key is the edge's persisted secret, so the marks outlive a restart
and a call set up before it can still be hung up after it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

from appliance.edge.flows import Flow, Transport, packed, unpacked

COOKIE = b"z9hG4bK"
"""What every RFC 3261 branch starts with."""

_TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls", "ws", "wss")
"""Their places are written into tokens: new ones go to the end."""
_CHECK = 10
_NOBODY = bytes(4)
_NONCE = 20
_LENGTHS = {2 * (7 + size + _CHECK) for size in (4, 16)}


class Place(NamedTuple):
    """Where a token points: a flow, and the registered device it belonged to ("" when unknown)."""

    flow: Flow
    device: str


class Tokens:
    """Makes and reads the marks. A device is named by eight hexadecimal digits."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.token = lru_cache(maxsize=1024)(self._token)
        self._read = lru_cache(maxsize=1024)(self._place)

    def _token(self, flow: Flow, device: str) -> bytes:
        """A word for SIP URIs and branches that says where to send, and that it was us who said so."""
        address = packed(flow.host)
        named = bytes.fromhex(device) if device else _NOBODY
        words = b"%c%s%s%s" % (_TRANSPORTS.index(flow.transport), flow.port.to_bytes(2), named, address)
        return (words + self._mark(words, b"flow", _CHECK)).hex().encode()

    def place(self, token: bytes) -> Place | None:
        """What a token says; None unless we made it."""
        return self._read(token) if len(token) in _LENGTHS else None

    def _place(self, token: bytes) -> Place | None:
        try:
            raw = bytes.fromhex(token.decode("ascii"))
        except ValueError:
            return None
        words, check = raw[:-_CHECK], raw[-_CHECK:]
        if self._mark(words, b"flow", _CHECK) != check:
            return None
        device = "" if words[3:7] == _NOBODY else words[3:7].hex()
        return Place(Flow(_TRANSPORTS[words[0]], unpacked(words[7:]), int.from_bytes(words[1:3])), device)

    def branch(self, transaction: bytes, token: bytes) -> bytes:
        """Our Via's branch: equal for a request, its repeats, its CANCEL and the ACK of its refusal."""
        return COOKIE + self._mark(transaction, b"branch", 10).hex().encode() + b"." + token

    def behind(self, branch: bytes) -> Place | None:
        """The place in a branch of ours, None when the branch is not ours."""
        return self.place(branch.rpartition(b".")[2])

    def tag(self, call_id: bytes, branch: bytes, number: int) -> bytes:
        """The To tag of answers we give ourselves: known again in the ACK, with nothing remembered."""
        return b"qe" + self._mark(b"%b\0%b\0%d" % (call_id, branch, number), b"tag", 8).hex().encode()

    def device(self, extension: bytes, identity: bytes, attempt: int) -> str:
        """The name of a telephone: the same whenever the same telephone comes, as far as it can be told."""
        return self._mark(b"%b\0%b\0%d" % (extension, identity, attempt), b"device", 4).hex()

    def alias(self, words: bytes) -> str:
        """Eight digits that stand for these words, always the same here and others on every other box."""
        return self._mark(words, b"alias", 4).hex()

    def nonce(self, words: bytes, host: str) -> bytes:
        """A digest nonce of seven bytes of ours for this address. Short, because it is what strangers are answered."""
        return urlsafe_b64encode(words + self._nonce_mark(words, host))

    def nonce_words(self, nonce: bytes, host: str) -> bytes | None:
        """What stands in a nonce that we gave to this address; None when we did not."""
        if len(nonce) != _NONCE:
            return None
        try:
            raw = urlsafe_b64decode(nonce)
        except ValueError:
            return None
        return raw[:7] if compare_digest(self._nonce_mark(raw[:7], host), raw[7:]) else None

    def given_to(self, mark: bytes, host: str) -> bool:
        """Is this a mark of ours that this address was given: a nonce, or a place in a route or a branch?"""
        if len(mark) == _NONCE:
            return self.nonce_words(mark, host) is not None
        place = self.place(mark)
        return place is not None and place.flow.host == host

    def _nonce_mark(self, words: bytes, host: str) -> bytes:
        return self._mark(words + host.encode(), b"nonce", 8)

    def _mark(self, words: bytes, purpose: bytes, size: int) -> bytes:
        return blake2b(words, digest_size=size, key=self._secret, person=purpose).digest()
