"""Sending to a provider: at once over UDP or a connection that is up; else it is opened, and the message waits for it."""

from __future__ import annotations

from collections.abc import Callable

from appliance.edge.flows import Flow, Open, Output, Send
from appliance.edge.trunks.location import Server

PATIENCE = 10.0
"""Seconds a message waits for its connection. Whoever sent it has given up by then."""
MOST = 64
"""Messages that wait for one connection; the oldest make room."""


class Ways:
    """The connections to providers, and what waits for them."""

    def __init__(self, is_live: Callable[[Flow], bool]) -> None:
        """`is_live`: would something sent there leave at once?"""
        self._is_live = is_live
        self._waiting: dict[Flow, list[tuple[float, bytes]]] = {}

    def send(self, server: Server, data: bytes, now: float) -> list[Output]:
        """Send, or open a connection for it."""
        flow = server.flow
        if self._is_live(flow):
            return [Send(flow, data)]
        first = flow not in self._waiting
        queue = self._waiting.setdefault(flow, [])
        queue.append((now + PATIENCE, data))
        del queue[:-MOST]
        return [Open(flow, server.name)] if first else []

    def connected(self, flow: Flow, now: float) -> list[Output]:
        """A connection is up: what has waited goes."""
        return [Send(flow, data) for ends, data in self._waiting.pop(flow, []) if ends > now]

    def disconnected(self, flow: Flow) -> None:
        """It has ended, or could not be opened; what waits for it is lost, as on UDP."""
        self._waiting.pop(flow, None)
