"""Digest authentication, the server's side (RFC 7616, RFC 8760; RFC 2069 clients are let in once per nonce).

Nonces are not remembered when given: they prove themselves. Only the counts of nonces that somebody has used with the
right password are kept, so strangers cannot fill this table.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import md5, sha256
from itertools import count

from appliance.calls.edge import Account
from appliance.edge import grammar
from appliance.edge.tokens import Tokens

LIFETIME = 600.0
"""Seconds a nonce is good for; after that the telephone is told to take a new one, without a new password."""
REPEATS = 32.0
"""Seconds in which a telephone sends a datagram again that was not answered (64 times T1, RFC 3261 section 17.1.1.2)."""
_TICK = 0.001
"""What the time in a nonce is counted in."""
_MOST = 8192
_WINDOW = 64
_FIELD = re.compile(rb'([A-Za-z0-9_\-]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]++))', re.DOTALL)
_UNKNOWN = Account(extension="", md5="0" * 32, sha256="0" * 64)  # type: ignore[arg-type]


class Verdict(Enum):
    """What a proof of identity is worth."""

    GOOD = "good"
    STALE = "stale"
    """The right password with a nonce that is used up: a new nonce will do, nobody did wrong."""
    WRONG = "wrong"
    """A wrong password or an unknown user, answered to a nonce we gave to this very address."""
    NOT_OURS = "not ours"
    """Says nothing about anybody: no credentials for us, or a nonce that is not from us."""


@dataclass(slots=True)
class Proof:
    """What was found: the user as claimed, and what the claim is worth."""

    verdict: Verdict
    user: bytes = b""
    known: bool = False


class _Uses:
    """The counts of one nonce, and what came with each and when: a datagram that is sent again is no replay. Anything else
    in it must not differ, since digest protects neither Contact nor body: who listens in could put in their own.
    """

    __slots__ = ("newest", "seen")

    def __init__(self) -> None:
        self.newest = 0
        self.seen: dict[int, tuple[bytes, float]] = {}

    def take(self, number: int, datagram: bytes, now: float) -> bool:
        known = self.seen.get(number)
        if known is not None:
            return known[0] == datagram and now - known[1] <= REPEATS
        if number <= self.newest - _WINDOW:
            return False
        self.seen[number] = datagram, now
        if number > self.newest:
            self.newest = number
            for old in [each for each in self.seen if each <= number - _WINDOW]:
                del self.seen[old]
        return True


class Digest:
    """Challenges, and judges the answers."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._serial = count()
        self._uses: dict[bytes, _Uses] = {}
        self._forgotten = -1.0
        self.realm = b""
        self._accounts: dict[bytes, Account] = {}
        self._stronger = False

    @property
    def ready(self) -> bool:
        """Has anybody said yet who there is?"""
        return self.realm != b""

    def accept(self, realm: str, accounts: Mapping[bytes, Account], now: float) -> None:
        """Everybody there is, by extension. Nonces of an earlier life are stale: which of them were used died with it."""
        if not self.ready:
            self._forgotten = now - _TICK
        self.realm = realm.encode()
        self._accounts = dict(accounts)
        self._stronger = any(account.sha256 for account in accounts.values())

    def challenge(self, header: bytes, host: str, now: float, *, stale: bool = False) -> list[bytes]:
        """Header lines that ask for a proof, the same for every user, known or not.

        MD5 stands first, because telephones that know nothing else stop at a first algorithm they do not know.
        """
        algorithms = (b"MD5", b"SHA-256") if self._stronger else (b"MD5",)
        return [
            b'%b: Digest realm="%b", nonce="%b", algorithm=%b, qop="auth"%b'
            % (header, self.realm, self._nonce(host, now), algorithm, b", stale=true" if stale else b"")
            for algorithm in algorithms
        ]

    def judge(
        self, credentials: list[bytes], method: bytes, uri: bytes, host: str, datagram: bytes, now: float
    ) -> Proof:
        """Judge the credentials of one request; `uri` is its Request-URI, `datagram` what only its repeats have too."""
        for value in credentials:
            scheme, _, rest = value.strip().partition(b" ")
            if scheme.lower() == b"digest":
                said = fields(rest)
                if said.get(b"realm") == self.realm:
                    return self._judge(said, method, uri, host, datagram, now)
        return Proof(Verdict.NOT_OURS)

    def _judge(
        self, fields: dict[bytes, bytes], method: bytes, uri: bytes, host: str, datagram: bytes, now: float
    ) -> Proof:
        nonce = self._tokens.nonce_words(fields.get(b"nonce", b""), host)
        if nonce is None or not _same_target(fields.get(b"uri", b""), uri):
            return Proof(Verdict.NOT_OURS)
        user = fields.get(b"username", b"")
        account = self._accounts.get(user)
        proof = Proof(Verdict.WRONG, user, known=account is not None)
        fresh = 0 <= now - _given_at(nonce) <= LIFETIME
        # An unknown user costs the same work as a wrong password.
        if not _right(fields, method, account or _UNKNOWN) or account is None:
            proof.verdict = Verdict.WRONG if fresh else Verdict.NOT_OURS
        elif fresh and self._first_use(fields, nonce, datagram, now):
            proof.verdict = Verdict.GOOD
        else:
            proof.verdict = Verdict.STALE
        return proof

    def _nonce(self, host: str, now: float) -> bytes:
        words = (int(now * 1000) & 0xFFFFFFFFFF).to_bytes(5) + (next(self._serial) & 0xFFFF).to_bytes(2)
        return self._tokens.nonce(words, host)

    def _first_use(self, fields: dict[bytes, bytes], nonce: bytes, datagram: bytes, now: float) -> bool:
        try:
            number = int(fields.get(b"nc", b"1"), 16)
        except ValueError:
            return False
        uses = self._uses.get(nonce)
        if uses is None:
            if _given_at(nonce) <= self._forgotten:
                return False
            if len(self._uses) >= _MOST:
                self._forget_oldest()
            uses = self._uses[nonce] = _Uses()
        return uses.take(number, datagram, now)

    def _forget_oldest(self) -> None:
        """Make room. Nonces as old as the forgotten one are stale from now on, so that none is ever used twice."""
        oldest = next(iter(self._uses))
        del self._uses[oldest]
        self._forgotten = max(self._forgotten, _given_at(oldest))


def fields(value: bytes) -> dict[bytes, bytes]:
    """What stands in a challenge or in credentials behind `Digest`, by names in lower case; of two the last counts."""
    found = _FIELD.findall(value)
    if b"\\" in value:
        return {name.lower(): grammar.unescaped(quoted) or plain for name, quoted, plain in found}
    return {name.lower(): quoted or plain for name, quoted, plain in found}


def _given_at(nonce: bytes) -> float:
    """The second at which we gave it."""
    return int.from_bytes(nonce[:5]) / 1000


def _right(fields: dict[bytes, bytes], method: bytes, account: Account) -> bool:
    """Is the response what only the password's owner can compute?"""
    algorithm = fields.get(b"algorithm", b"MD5").upper()
    if algorithm == b"SHA-256":
        secret, hashed = account.sha256, _sha256_hex
    elif algorithm == b"MD5":
        secret, hashed = account.md5, _md5_hex
    else:
        return False
    qop = fields.get(b"qop")
    if qop not in {None, b"auth"}:
        return False
    asked = hashed(method + b":" + fields[b"uri"])
    parts = [secret.encode(), fields[b"nonce"], asked]
    if qop:
        parts[2:2] = [fields.get(b"nc", b""), fields.get(b"cnonce", b""), qop]
    return hmac.compare_digest(hashed(b":".join(parts)), fields.get(b"response", b"").lower()) and secret != ""


def _md5_hex(words: bytes) -> bytes:
    return md5(words, usedforsecurity=False).hexdigest().encode()


def _sha256_hex(words: bytes) -> bytes:
    return sha256(words).hexdigest().encode()


def _same_target(claimed: bytes, uri: bytes) -> bool:
    """Was the proof made for this request? Some clients write no user part into it: only what is there is compared."""
    if claimed == uri:
        return True
    ours, theirs = grammar.sip_uri(uri), grammar.sip_uri(claimed)
    return ours is not None and theirs is not None and theirs.user in {b"", ours.user}
