"""A connection to another process that comes back by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from appliance.supervisor import clock
from appliance.wire.codec import BadMessage, Seam
from appliance.wire.peer import Heard, Peer, connect

log = logging.getLogger("qendra.desk")

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0


class Link:
    """The client's end of a seam. What is sent while nobody is there is lost: both sides take stock on meeting."""

    def __init__(self, seam: Seam, path: Path, heard: Heard, met: Callable[[], None], lost: Callable[[], None]) -> None:
        """`met` is called before anything is heard, `lost` when the other side has gone."""
        self._seam, self._path = seam, path
        self._heard, self._met, self._lost = heard, met, lost
        self._peer: Peer | None = None

    @property
    def up(self) -> bool:
        """Somebody is there."""
        return self._peer is not None

    def send(self, message: object) -> None:
        """Tell them, if they are there."""
        if self._peer is not None:
            self._peer.send(message, clock.now().mono)

    async def keep(self) -> None:
        """Connect, listen, and connect again, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            try:
                peer = await connect(self._seam, self._path, clock.now().mono)
            except OSError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            await self._meet(peer)

    async def _meet(self, peer: Peer) -> None:
        """Until they go. When it is we who go, nothing is lost: they may still be there when we come back."""
        self._peer = peer
        self._met()
        pause = 0.0
        try:
            await peer.listen(self._heard)
        except BadMessage as error:
            log.error("%s", error)
            pause = LONGEST_PAUSE
        finally:
            self._peer = None
        self._lost()
        await asyncio.sleep(pause)
