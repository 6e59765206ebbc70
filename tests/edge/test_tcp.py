"""Limits of TCP connections, on real sockets with short times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from appliance.edge.flows import Flow
from appliance.edge.guard import Limits
from appliance.edge.message import Garbled
from appliance.edge.tcp import Connections
from tests.edge.running import LOOPBACK, free_port, probe

LIMITS = Limits(connections=4, connections_local=3, message_seconds=0.3, quiet_seconds=0.6)


class Ear:
    """The proxy's place: remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[bytes | Garbled] = []
        self.open: set[Flow] = set()
        self.turned_away: list[Flow] = []
        self.keep = False

    def hear(self, piece: bytes | Garbled, _: Flow) -> bool:
        self.heard.append(piece)
        return self.keep


def with_connections(story: Callable[[Connections, Ear, int], Awaitable[None]]) -> None:
    async def run() -> None:
        ear, port = Ear(), free_port()
        connections = Connections(
            LIMITS, time.monotonic, ear.hear, ear.open.add, ear.open.remove, ear.turned_away.append
        )
        await connections.listen(LOOPBACK, port)
        try:
            await asyncio.wait_for(story(connections, ear, port), 20)
        finally:
            connections.close()
            await asyncio.sleep(0.05)

    asyncio.run(run())


async def ended(reader: asyncio.StreamReader) -> bool:
    """Has the other side hung up? Waits for it."""
    try:
        return await asyncio.wait_for(reader.read(100), 5) == b""
    except ConnectionError:
        return True


def test_one_address_has_so_many_connections_and_no_more() -> None:
    async def story(_connections: Connections, ear: Ear, port: int) -> None:
        opened = [await asyncio.open_connection(LOOPBACK, port) for _ in range(4)]
        assert await ended(opened[3][0])
        assert (len(ear.open), len(ear.turned_away)) == (3, 1)
        opened[0][1].close()
        await opened[0][1].wait_closed()
        await asyncio.sleep(0.1)
        again = await asyncio.open_connection(LOOPBACK, port)
        again[1].write(probe())
        await asyncio.sleep(0.1)
        assert ear.heard == [probe()]
        for _, writer in (*opened[1:], again):
            writer.close()

    with_connections(story)


def test_a_message_has_to_arrive_in_time() -> None:
    async def story(_connections: Connections, ear: Ear, port: int) -> None:
        slow, quick = [await asyncio.open_connection(LOOPBACK, port) for _ in range(2)]
        ear.keep = True
        quick[1].write(probe())
        for letter in probe()[:30]:
            slow[1].write(bytes([letter]))
            await asyncio.sleep(0.05)
        assert await ended(slow[0])
        assert len(ear.open) == 1
        assert ear.heard == [probe()]
        for _, writer in (slow, quick):
            writer.close()

    with_connections(story)


def test_who_says_nothing_useful_is_cut_and_a_known_telephone_may_be_silent() -> None:
    async def story(_connections: Connections, ear: Ear, port: int) -> None:
        stranger = await asyncio.open_connection(LOOPBACK, port)
        ear.keep = True
        known = await asyncio.open_connection(LOOPBACK, port)
        known[1].write(probe())
        assert await ended(stranger[0])
        await asyncio.sleep(1.5)
        assert len(ear.open) == 1
        known[1].write(b"\r\n\r\n")
        assert await asyncio.wait_for(known[0].read(10), 5) == b"\r\n"
        for _, writer in (stranger, known):
            writer.close()

    with_connections(story)


def test_who_does_not_read_is_cut() -> None:
    async def story(connections: Connections, ear: Ear, port: int) -> None:
        ear.keep = True
        _, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        (flow,) = ear.open
        for _ in range(2000):
            connections.send(b"x" * 10_000, flow)
            await asyncio.sleep(0)
            if not ear.open:
                break
        assert not ear.open
        writer.close()

    with_connections(story)
