"""Connections that come and those we open, with their limits: on real sockets with short times."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from appliance.calls.edge import Refusal
from appliance.edge.certificates import Shown, ensure
from appliance.edge.flows import Flow
from appliance.edge.guard import Limits
from appliance.edge.message import Garbled
from appliance.edge.streams import Connections
from appliance.edge.tls import client_context, server_context
from tests.edge.running import LOOPBACK, free_port, probe

LIMITS = Limits(connections=4, connections_local=3, message_seconds=0.3, quiet_seconds=0.6)


class Ear:
    """The proxy's place: remembers what it was told."""

    def __init__(self) -> None:
        self.pieces: list[bytes | Garbled] = []
        self.open: set[Flow] = set()
        self.over: list[tuple[Flow, str]] = []
        self.refused: list[tuple[Refusal, str]] = []
        self.keep = False
        self.objects: tuple[Refusal, str] | None = None

    def objection(self, source: Flow) -> tuple[Refusal, str] | None:
        assert source.host == LOOPBACK
        return self.objects

    def began(self, flow: Flow) -> None:
        self.open.add(flow)

    def heard(self, piece: bytes | Garbled, flow: Flow) -> bool:
        assert flow in self.open
        self.pieces.append(piece)
        return self.keep

    def ended(self, flow: Flow, why: str) -> None:
        self.open.discard(flow)
        self.over.append((flow, why))

    def turned_away(self, source: Flow, refusal: Refusal, words: str) -> None:
        assert source.port
        self.refused.append((refusal, words))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until this is so; the story's time limit ends waiting in vain."""
        while not holds():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.01)


def with_connections(story: Callable[[Connections, Ear, int], Awaitable[None]]) -> None:
    async def run() -> None:
        ear, port = Ear(), free_port()
        connections = Connections(LIMITS, time.monotonic, ear)
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
        assert ear.refused == [(Refusal.FLOOD, "too many connections")]
        opened[0][1].close()
        await opened[0][1].wait_closed()
        await asyncio.sleep(0.1)
        again = await asyncio.open_connection(LOOPBACK, port)
        again[1].write(probe())
        await ear.until(lambda: ear.pieces == [probe()])
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
        await ear.until(lambda: len(ear.open) == 1)
        assert ear.pieces == [probe()]
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
        assert ear.refused == [(Refusal.GARBLED, "connected and said nothing")]
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
        writer.write(probe())
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await ear.until(lambda: bool(ear.open))
        (flow,) = ear.open
        for _ in range(2000):
            connections.send(b"x" * 10_000, flow)
            await asyncio.sleep(0)
            if not ear.open:
                break
        assert not ear.open
        writer.close()

    with_connections(story)


def test_who_has_not_proved_anything_makes_room_for_the_next() -> None:
    async def story(connections: Connections, ear: Ear, port: int) -> None:
        connections.limits = replace(LIMITS, connections=2)
        ear.keep = True
        known = await asyncio.open_connection(LOOPBACK, port)
        known[1].write(probe())
        await ear.until(lambda: len(ear.open) == 1)
        stranger = await asyncio.open_connection(LOOPBACK, port)
        third = await asyncio.open_connection(LOOPBACK, port)
        third[1].write(probe())
        assert await ended(stranger[0])
        await ear.until(lambda: len(ear.open) == 2)
        assert ear.refused == [(Refusal.FLOOD, "too many connections")]
        for _, writer in (known, stranger, third):
            writer.close()

    with_connections(story)


def test_whom_the_guard_does_not_want_gets_no_connection() -> None:
    async def story(_connections: Connections, ear: Ear, port: int) -> None:
        ear.objects = Refusal.BANNED, "still"
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        assert await ended(reader)
        assert ear.refused == [(Refusal.BANNED, "still")]
        writer.close()

    with_connections(story)


def test_we_open_a_connection_to_a_provider_once_and_speak_both_ways() -> None:
    async def story(connections: Connections, ear: Ear, _port: int) -> None:
        came: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        provider = await asyncio.start_server(lambda *both: came.append(both), LOOPBACK, 0)
        flow = Flow("tcp", LOOPBACK, provider.sockets[0].getsockname()[1])
        for _ in range(3):
            connections.open(flow, "sip.example", never)
        await ear.until(lambda: flow in ear.open and bool(came))
        connections.open(flow, "sip.example", never)
        connections.send(probe(), flow)
        (both,) = came
        assert await both[0].readexactly(len(probe())) == probe()
        both[1].write(probe("102"))
        await ear.until(lambda: ear.pieces == [probe("102")])
        await asyncio.sleep(LIMITS.quiet_seconds + 1.2)  # silence is no reason to cut a provider
        assert flow in ear.open
        both[1].close()
        await ear.until(lambda: ear.over == [(flow, "")])
        provider.close()

    with_connections(story)


def test_a_provider_that_is_not_there_is_told_of() -> None:
    async def story(connections: Connections, ear: Ear, _port: int) -> None:
        nobody = Flow("tcp", LOOPBACK, free_port())
        connections.open(nobody, "", never)
        await ear.until(lambda: ear.over == [(nobody, "takes no connections")])
        nowhere = Flow("tcp", "224.0.0.1", 5060)  # many at once: TCP has no way there
        connections.open(nowhere, "", never)
        await ear.until(lambda: len(ear.over) == 2)
        assert ear.over[1] == (nowhere, "cannot be reached from here")

    with_connections(story)


def test_a_tls_provider_is_believed_or_told_of(tmp_path: Path) -> None:
    ensure(tmp_path, ["sip.example"], time.time())

    async def story(connections: Connections, ear: Ear, _port: int) -> None:
        came: list[asyncio.StreamWriter] = []
        provider = await asyncio.start_server(
            lambda _, writer: came.append(writer), LOOPBACK, 0, ssl=server_context(tmp_path / "server.pem")
        )
        flow = Flow("tls", LOOPBACK, provider.sockets[0].getsockname()[1])
        trusting = client_context(tmp_path / "authority.pem")
        connections.open(flow, "other.example", lambda: trusting)
        await ear.until(lambda: ear.over == [(flow, "has a certificate that does not name other.example")])
        connections.open(flow, "sip.example", lambda: trusting)
        await ear.until(lambda: flow in ear.open and len(came) > 0)
        came[-1].write(probe())
        await ear.until(lambda: ear.pieces == [probe()])
        came[-1].close()
        await ear.until(lambda: len(ear.over) == 2)
        provider.close()

    with_connections(story)


def test_handshakes_have_to_get_on(tmp_path: Path) -> None:
    ensure(tmp_path, ["qendra.local"], time.time())

    async def story(connections: Connections, ear: Ear, _port: int) -> None:
        port = free_port()
        server = await connections.hold(LOOPBACK, port, Shown(tmp_path))
        await server.start_serving()
        silent = await asyncio.open_connection(LOOPBACK, port)
        garbled = await asyncio.open_connection(LOOPBACK, port)
        garbled[1].write(probe())
        assert await ended(silent[0])
        await ear.until(lambda: len(ear.refused) == 2)
        assert ear.refused == [
            (Refusal.GARBLED, "spoke no TLS"),
            (Refusal.GARBLED, "took too long to say something"),
        ]
        context = client_context(tmp_path / "authority.pem")
        reader, writer = await asyncio.open_connection(LOOPBACK, port, ssl=context, server_hostname="qendra.local")
        writer.close()
        await ear.until(lambda: len(ear.refused) == 3)
        assert ear.refused[2] == (Refusal.GARBLED, "hung up before it had said anything")
        assert ear.open == set()
        for each in (silent[1], garbled[1]):
            each.close()
        del reader

    with_connections(story)


def never() -> ssl.SSLContext:
    raise AssertionError("TCP needs no TLS")
