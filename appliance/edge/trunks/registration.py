"""Being registered with a provider (RFC 3261 section 10, from the telephone's side)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from random import Random
from urllib.parse import quote

from appliance.calls.edge import Trunk
from appliance.edge import grammar
from appliance.edge.message import Response
from appliance.edge.trunks.location import Server
from appliance.edge.trunks.proofs import Challenge, challenge_of

REFRESH = 0.75
"""Of the time we are registered for, give or take a tenth: enough is left to try another server."""
REFUSED = 300.0
REFUSED_LONGEST = 3600.0
"""Seconds until we ask again after a plain no: doubling from one to the other. A wrong password does not hammer."""
TRIES = 4
"""Answers that call for another REGISTER at once, before that is enough."""
SHORTEST = 30


class Step(Enum):
    """What an answer means for us."""

    AGAIN = "again"
    """Ask again at once, with what the answer has taught us."""
    DONE = "done"
    REFUSED = "refused"
    """No, and it will be no next time."""
    TROUBLE = "trouble"
    """This server cannot; another one may."""


class Registration:
    """One binding of ours at a provider: when it is due, and what became of it."""

    def __init__(self, trunk: Trunk, call_id: bytes, dice: Random) -> None:
        self._trunk = trunk
        self._dice = dice
        self._call_id = call_id
        self._number = dice.randrange(1, 1 << 16)
        self._challenge: Challenge | None = None
        self._expires = trunk.expires
        self._tries = 0
        self._refusals = 0
        self.at: Server | None = None
        """Where we are registered; None when we are not."""
        self.contact = b""
        """What we are registered with."""
        self.until = 0.0
        self.due = 0.0
        self.refusal = ""
        """Plain words; empty unless the provider said no."""
        self.routes: list[bytes] = []
        """Service-Route: the way our requests shall take through the provider's network (RFC 3608)."""

    def request(self, via: bytes, contact: bytes, *, leave: bool = False) -> bytes:
        """The next REGISTER; `leave`: we are here no more."""
        self._number += 1
        trunk = self._trunk
        host = trunk.domain.encode()
        uri, user = b"sip:" + host, escaped(trunk.user)
        me = b"<sip:%b@%b>" % (user, host) if user else b"<sip:%b>" % host
        lines = [
            b"REGISTER %b SIP/2.0" % uri,
            via,
            b"Max-Forwards: 70",
            b"From: %b;tag=%b-%d" % (me, self._call_id[:8], self._number),
            b"To: " + me,
            b"Call-ID: " + self._call_id,
            b"CSeq: %d REGISTER" % self._number,
        ]
        if self.contact and self.contact != contact and not leave:
            lines.append(b"Contact: <%b>;expires=0" % self.contact)
        lines.append(b"Contact: <%b>;expires=%d" % (contact, 0 if leave else self._expires))
        lines += [b"Expires: %d" % (0 if leave else self._expires), b"Supported: path", b"User-Agent: Qendra"]
        if self._challenge is not None:
            login = trunk.login or trunk.user
            lines.append(self._challenge.proof(login, trunk.password, b"REGISTER", uri, self._dice))
        return b"\r\n".join([*lines, b"Content-Length: 0\r\n\r\n"])

    def answered(self, response: Response, server: Server, contact: bytes, now: float) -> Step:
        """A final answer to the last REGISTER, which named this Contact."""
        status = response.status
        if status < 300:
            self._registered(response, server, contact, now)
            return Step.DONE
        self._tries += 1
        if self._tries < TRIES and (self._challenged(response) or self._too_brief(response)):
            return Step.AGAIN
        self._tries = 0
        if status in {401, 403, 404, 407} or (400 <= status < 500 and status not in {408, 480}) or status >= 600:
            self._refused(status, now)
            return Step.REFUSED
        return Step.TROUBLE

    def forget(self, now: float) -> None:
        """We are not registered any more; ask anew."""
        self.at = None
        self.routes = []
        self._tries = 0
        if not self.refusal:
            self.due = now

    def _challenged(self, response: Response) -> bool:
        """Can we give the proof that is asked for, and have not given it in vain?"""
        if response.status not in {401, 407} or not self._trunk.password:
            return False
        before, self._challenge = self._challenge, challenge_of(response)
        if self._challenge is None:
            return False
        in_vain = before is not None and before.uses == 1 and self._tries > 1 and not self._challenge.stale
        return not in_vain

    def _too_brief(self, response: Response) -> bool:
        least = response.first(b"min-expires")
        if response.status != 423 or not least.isdigit() or len(least) > 6 or int(least) <= self._expires:
            return False
        self._expires = int(least)
        return True

    def _registered(self, response: Response, server: Server, contact: bytes, now: float) -> None:
        seconds = min(max(granted(response, contact, self._expires), SHORTEST), 86_400)
        self.at, self.contact, self.until = server, contact, now + seconds
        self.due = now + seconds * REFRESH * self._dice.uniform(0.9, 1.1)
        self.routes = response.all(b"service-route")
        self.refusal, self._tries, self._refusals = "", 0, 0

    def _refused(self, status: int, now: float) -> None:
        wait = min(REFUSED * 2.0**self._refusals, REFUSED_LONGEST)
        self._refusals = min(self._refusals + 1, 10)
        self.due = now + wait * self._dice.uniform(0.9, 1.1)
        self.at, self._challenge, self.routes = None, None, []
        if status in {401, 407} and not self._trunk.password:
            self.refusal = "the provider wants a password, and none has been entered"
        elif status in {401, 403, 407}:
            self.refusal = f"the provider refuses our name or password ({status})"
        elif status == 404:
            self.refusal = "the provider does not know our name (404)"
        else:
            self.refusal = f"the provider refuses to register us ({status})"


def escaped(user: str) -> bytes:
    """A name as it may stand before the @ (RFC 3261 section 25.1)."""
    return quote(user, safe="-_.!~*'()&=+$,;?/").encode()


def granted(response: Response, contact: bytes, asked: int) -> int:
    """For how many seconds we are registered: our Contact's, else the answer's, else what we asked for."""
    mine = grammar.sip_uri(contact)
    for address in _addresses(response.all(b"contact")):
        uri = grammar.sip_uri(address.uri)
        seconds = grammar.param(address.params, b"expires") or b""
        if uri and mine and (uri.user, uri.host, uri.port) == (mine.user, mine.host, mine.port) and _number(seconds):
            return int(seconds)
    said = response.first(b"expires")
    return int(said) if _number(said) else asked


def _addresses(values: Iterable[bytes]) -> list[grammar.Address]:
    return [found for found in map(grammar.address, values) if found is not None]


def _number(value: bytes) -> bool:
    return value.isdigit() and len(value) < 9
