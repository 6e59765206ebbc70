"""One subscription, the NOTIFYs it makes, and the one that is on its way."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.edge import grammar
from appliance.edge.flows import Flow
from appliance.edge.notifier.packages import ALLOW_EVENTS, CONTENT, Package, State, body
from appliance.edge.signs import Signs

T1 = 0.5
T2 = 4.0
"""Seconds to the first repeat of a datagram, and the longest time between two (RFC 3261 section 17.1.2.1)."""
GIVE_UP = 64 * T1
"""Seconds without an answer after which a telephone is taken to have gone (timer F)."""

LATE = 10.0
"""Seconds a telephone may be late with its refresh."""


@dataclass(slots=True)
class Flight:
    """A NOTIFY that has not been answered."""

    branch: bytes
    data: bytes
    ends: float
    again: float | None
    """When it is sent again; None over a connection, which loses nothing."""
    interval: float = T1

    def repeat(self, now: float) -> bytes:
        """The same once more."""
        self.interval = min(2 * self.interval, T2)
        self.again = now + self.interval
        return self.data

    def provisional(self, now: float) -> None:
        """Somebody is at work on it: from now on in the longest steps."""
        self.interval = T2
        if self.again is not None:
            self.again = now + T2


@dataclass(slots=True, eq=False)
class Subscription:
    """What a telephone wants to be told, until when, and where."""

    package: Package
    event: bytes
    watcher: bytes
    """The extension that proved itself."""
    watched: bytes
    call_id: bytes
    ours: bytes
    """Our tag: one subscription per dialog and event, so it is also the subscription's name."""
    theirs: bytes
    local: bytes
    """Our address: the To of the SUBSCRIBE."""
    remote: bytes
    """The telephone's address: the From of the SUBSCRIBE."""
    contact: bytes
    routes: tuple[bytes, ...]
    flow: Flow
    """Where it was last."""
    device: str
    """The registered telephone it came from, which is followed when it moves; "" when there is none."""
    number: int
    """CSeq of its last SUBSCRIBE."""
    expires: float
    """Monotonic second at which we end it."""
    sent: int = 0
    """NOTIFYs so far: their CSeq, and one more than the version in the last body."""
    reason: bytes = b""
    """Why it has ended; the last NOTIFY is still to be answered."""
    owed: bool = False
    """A NOTIFY has to go whether or not something is new."""
    shown: object = None
    """What the last NOTIFY said; None: it cannot be known."""
    not_before: float = 0.0
    """The telephone wants to be left in peace so long (Retry-After)."""
    strikes: int = 0
    """Refused NOTIFYs in a row."""
    flight: Flight | None = field(default=None, repr=False)

    def due(self) -> float:
        """When there is next something to do if nothing happens."""
        if self.flight is not None:
            again = self.flight.ends if self.flight.again is None else min(self.flight.again, self.flight.ends)
            return again if self.reason else min(again, self.expires)
        return min(self.expires, self.not_before) if self.owed and self.not_before else self.expires

    def left(self, now: float) -> int:
        """Whole seconds the telephone still has."""
        return 0 if self.reason else max(0, round(self.expires - LATE - now))

    def _entity(self) -> bytes:
        """What is watched, by the host and port that the telephone itself uses: it compares."""
        uri = grammar.sip_uri(self.local)
        host = uri.host if uri else b""
        return (
            b"sip:%b@%b:%d" % (self.watched, host, uri.port)
            if uri and uri.port
            else b"sip:%b@%b" % (self.watched, host)
        )

    def notify(self, signs: Signs, state: State, now: float) -> Flight:
        """Make the next NOTIFY (section 4.2.2), which is then on its way."""
        self.sent += 1
        transaction = b"notify-%b-%b-%d" % (self.call_id, self.ours, self.sent)
        via = signs.via_outside(self.flow, transaction, self.device)
        status = b"terminated;reason=" + self.reason if self.reason else b"active;expires=%d" % self.left(now)
        text = body(self.package, state, self._entity(), self.sent - 1)
        head = [
            b"NOTIFY %b SIP/2.0" % self.contact,
            via,
            b"Max-Forwards: 70",
            *(b"Route: " + route for route in self.routes),
            b"From: <%b>;tag=%b" % (self.local, self.ours),
            b"To: <%b>;tag=%b" % (self.remote, self.theirs),
            b"Call-ID: " + self.call_id,
            b"CSeq: %d NOTIFY" % self.sent,
            signs.contact(self.watched, self.flow),
            b"Event: " + self.event,
            b"Subscription-State: " + status,
            ALLOW_EVENTS,
            b"Content-Type: " + CONTENT[self.package],
            b"Content-Length: %d" % len(text),
        ]
        data = b"\r\n".join(head) + b"\r\n\r\n" + text
        again = now + T1 if self.flow.transport == "udp" else None
        self.flight = Flight(via.rpartition(b"branch=")[2], data, now + GIVE_UP, again)
        self.owed = False
        self.not_before = 0.0
        return self.flight
