"""Holding the way to telephones behind a router open, and noticing when one has gone: an OPTIONS every 25 seconds.

A telephone that has never answered one is pinged on and never given up: some do not know the method.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from appliance.edge.binding import Binding
from appliance.edge.flows import Send
from appliance.edge.registrar import Registrar
from appliance.edge.signs import Signs

EVERY = 25.0
"""Seconds; routers forget a UDP way after 30 and more."""
MISSES = 3
"""Unanswered in a row, and the telephone counts as gone."""


@dataclass(slots=True)
class _Watch:
    number: int = 0
    unanswered: int = 0
    answers: bool = False


class Pings:
    """One watch per telephone behind a router."""

    def __init__(self, signs: Signs, registrar: Registrar) -> None:
        self._signs = signs
        self._registrar = registrar
        self._watches: dict[str, _Watch] = {}
        self._due: list[tuple[float, str]] = []

    def watch(self, binding: Binding, now: float) -> None:
        """Ping this telephone from now on, if it needs it and is not watched yet."""
        if binding.behind_router and binding.device not in self._watches:
            self._watches[binding.device] = _Watch()
            heapq.heappush(self._due, (now + EVERY, binding.device))

    def answered(self, device: str) -> None:
        """A ping came back."""
        watch = self._watches.get(device)
        if watch is not None:
            watch.unanswered = 0
            watch.answers = True

    def next_deadline(self) -> float | None:
        """When the next ping is due."""
        return self._due[0][0] if self._due else None

    def tick(self, now: float) -> list[Send]:
        """The pings that are due."""
        pings: list[Send] = []
        while self._due and self._due[0][0] <= now:
            _, device = heapq.heappop(self._due)
            binding = self._registrar.device(device)
            watch = self._watches[device]
            if binding is None or not binding.behind_router:
                del self._watches[device]
            elif watch.answers and watch.unanswered >= MISSES:
                del self._watches[device]
                self._registrar.unreachable(device)
            else:
                watch.number += 1
                watch.unanswered += 1
                pings.append(Send(binding.target, self._ping(binding, watch.number)))
                heapq.heappush(self._due, (now + EVERY, device))
        return pings

    def _ping(self, binding: Binding, number: int) -> bytes:
        name = b"ping-%b" % binding.device.encode()
        via = self._signs.via_outside(binding.target, b"%b-%d" % (name, number), binding.device)
        return options(via, binding.request_uri, self._signs.outside(binding.target), name, number)


def options(via: bytes, uri: bytes, here: bytes, call_id: bytes, number: int) -> bytes:
    """An OPTIONS of our own."""
    return b"\r\n".join((
        b"OPTIONS %b SIP/2.0" % uri,
        via,
        b"Max-Forwards: 70",
        b"From: <sip:%b>;tag=%b" % (here, call_id),
        b"To: <%b>" % uri,
        b"Call-ID: %b@%b" % (call_id, here),
        b"CSeq: %d OPTIONS" % number,
        b"Content-Length: 0\r\n\r\n",
    ))  # fmt: skip
