"""Requests of our own that wait for their answer: REGISTER and OPTIONS (RFC 3261 section 17.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.edge.trunks.location import Server

T1 = 0.5
T2 = 4.0
"""Seconds between a datagram and its first repeat, and at most between two repeats."""
PATIENCE = 8.0
"""Seconds until a server counts as silent. RFC 3261 waits 32, which is long when the next one may live."""


@dataclass(slots=True)
class Exchange:
    """One request on its way."""

    method: bytes
    server: Server
    data: bytes
    ends: float
    again: float
    """When it is sent once more; never, over a connection."""
    wait: float = T1


class Exchanges:
    """Those of one provider, by the branch of our Via."""

    def __init__(self) -> None:
        self._open: dict[bytes, Exchange] = {}

    def begin(self, branch: bytes, method: bytes, server: Server, data: bytes, now: float) -> None:
        """A request leaves."""
        again = now + T1 if server.flow.transport == "udp" else float("inf")
        self._open[branch] = Exchange(method, server, data, now + PATIENCE, again)

    def answered(self, branch: bytes, *, finally_: bool) -> Exchange | None:
        """An answer came; None when nothing waits for it. A provisional one only stops the repeats."""
        if finally_:
            return self._open.pop(branch, None)
        exchange = self._open.get(branch)
        if exchange is not None:
            exchange.again = float("inf")
        return exchange

    def asks(self, method: bytes, server: Server | None = None) -> bool:
        """Is such a request under way (to this server)?"""
        return any(each.method == method and server in {None, each.server} for each in self._open.values())

    def drop(self, method: bytes) -> None:
        """Wait for these no more."""
        self._open = {branch: each for branch, each in self._open.items() if each.method != method}

    def lost(self, server: Server) -> list[Exchange]:
        """The connection to that server has ended: these get no answer."""
        gone = [branch for branch, each in self._open.items() if each.server.flow == server.flow]
        return [self._open.pop(branch) for branch in gone]

    def next_deadline(self) -> float | None:
        """When something is to be repeated or given up."""
        return min((min(each.again, each.ends) for each in self._open.values()), default=None)

    def due(self, now: float) -> tuple[list[Exchange], list[Exchange]]:
        """Those to send once more, and those that are given up."""
        over = [self._open.pop(branch) for branch in [key for key, each in self._open.items() if each.ends <= now]]
        again = [each for each in self._open.values() if each.again <= now]
        for each in again:
            each.wait = min(each.wait * 2, T2)
            each.again = now + each.wait
        return again, over
