"""Digest authentication, the client's side (RFC 7616, RFC 8760): proving to a provider who we are."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import md5, sha256
from random import Random

from appliance.edge import digest
from appliance.edge.message import Response


@dataclass(slots=True)
class Challenge:
    """What the provider asked for, and how often we have answered it."""

    realm: bytes
    nonce: bytes
    algorithm: bytes
    """As it was written; empty when nothing was said, which means MD5."""
    opaque: bytes | None
    counts: bool
    """The provider offers qop=auth; otherwise the proof is of RFC 2069's kind."""
    header: bytes
    """Where the proof goes."""
    stale: bool
    """Only the nonce was used up; the password was good."""
    uses: int = 0

    def proof(self, login: str, password: str, method: bytes, uri: bytes, dice: Random) -> bytes:
        """The header line that answers it."""
        self.uses += 1
        user = login.encode()

        def hashed(*words: bytes) -> bytes:
            text = b":".join(words)
            if self.algorithm.upper() == b"SHA-256":
                return sha256(text).hexdigest().encode()
            return md5(text, usedforsecurity=False).hexdigest().encode()

        secret, asked = hashed(user, self.realm, password.encode()), hashed(method, uri)
        cnonce, number = b"%016x" % dice.getrandbits(64), b"%08x" % self.uses
        parts = [
            b'username="%b"' % _quotable(user),
            b'realm="%b"' % _quotable(self.realm),
            b'nonce="%b"' % _quotable(self.nonce),
            b'uri="%b"' % uri,
        ]
        if self.counts:
            response = hashed(secret, self.nonce, number, cnonce, b"auth", asked)
            parts += [b'response="%b"' % response, b'cnonce="%b"' % cnonce, b"nc=" + number, b"qop=auth"]
        else:
            parts.append(b'response="%b"' % hashed(secret, self.nonce, asked))
        if self.algorithm:
            parts.append(b"algorithm=" + self.algorithm)
        if self.opaque is not None:
            parts.append(b'opaque="%b"' % _quotable(self.opaque))
        return self.header + b": Digest " + b", ".join(parts)


def challenge_of(response: Response) -> Challenge | None:
    """The first challenge of a 401 or 407 that we can answer: the provider writes the one it likes best first."""
    header = b"Authorization" if response.status == 401 else b"Proxy-Authorization"
    for value in response.values(b"www-authenticate" if response.status == 401 else b"proxy-authenticate"):
        scheme, _, rest = value.partition(b" ")
        said = digest.fields(rest)
        algorithm, offers = said.get(b"algorithm", b""), said.get(b"qop", b"")
        counts = b"auth" in {each.strip().lower() for each in offers.split(b",")}
        if (
            scheme.lower() == b"digest"
            and {b"realm", b"nonce"} <= said.keys()
            and algorithm.upper() in {b"", b"MD5", b"SHA-256"}
            and (counts or not offers.strip())
        ):
            stale = said.get(b"stale", b"").lower() == b"true"
            return Challenge(said[b"realm"], said[b"nonce"], algorithm, said.get(b"opaque"), counts, header, stale)
    return None


def _quotable(value: bytes) -> bytes:
    """As it stands between quotes;"""
    return value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
