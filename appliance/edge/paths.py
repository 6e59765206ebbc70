"""Where INVITEs went, for five minutes: their CANCEL and ACK go the same way, whatever has changed since."""

from __future__ import annotations

from typing import NamedTuple

from appliance.edge.flows import Flow

KEPT = 300.0
"""Seconds; longer than any telephone rings."""
MOST = 8192


class Path(NamedTuple):
    """The way of one INVITE."""

    flow: Flow
    """Of the telephone, on whichever end of the INVITE it is."""
    device: str
    uri: bytes
    """The Request-URI it left with, if we changed it."""
    ends: float


class Paths:
    """A bounded table of ways by transaction."""

    def __init__(self) -> None:
        self._paths: dict[bytes, Path] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def keep(self, transaction: bytes, flow: Flow, device: str, uri: bytes, now: float) -> None:
        """An INVITE went this way."""
        self._paths.pop(transaction, None)
        if len(self._paths) >= MOST:
            del self._paths[next(iter(self._paths))]
        self._paths[transaction] = Path(flow, device, uri, now + KEPT)

    def find(self, transaction: bytes) -> Path | None:
        """The way the INVITE of this transaction went."""
        return self._paths.get(transaction)

    def next_deadline(self) -> float | None:
        """When the oldest is forgotten."""
        return next(iter(self._paths.values())).ends if self._paths else None

    def tick(self, now: float) -> None:
        """Forget the old."""
        while self._paths:
            oldest = next(iter(self._paths))
            if self._paths[oldest].ends > now:
                return
            del self._paths[oldest]
