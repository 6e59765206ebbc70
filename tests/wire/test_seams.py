"""Both kinds of peer over real Unix sockets: nothing lost that must not be, nothing believed that should not be."""

from __future__ import annotations

import asyncio
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.calls import commands, events
from appliance.calls.facts import FACTS
from appliance.calls.names import CallId, LegId
from appliance.switchboard.asks import ChangeSettings, SettingsAre
from appliance.wire.blocking import BlockingServer
from appliance.wire.codec import LIMIT, BadMessage, Seam
from appliance.wire.peer import Peer, connect, listening_socket, serve
from appliance.wire.seams import EDGE, ENGINE, WEB
from tests.switchboard.office import firm

A, B = LegId("a"), LegId("b")


class Engine:
    """The blocking end, with what it heard."""

    def __init__(self, path: Path) -> None:
        self.heard: list[Any] = []
        self.server = BlockingServer(ENGINE, path, time.monotonic, self.heard.append, events.EngineUp)

    def wait_for(self, count: int) -> list[Any]:
        deadline = time.monotonic() + 5
        while len(self.heard) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.heard


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "engine.sock")
    yield engine
    engine.server.close()


async def hear(peer: Peer, count: int) -> list[tuple[Any, float]]:
    heard: list[tuple[Any, float]] = []
    enough = asyncio.Event()

    def take(message: Any, at: float) -> None:
        heard.append((message, at))
        if len(heard) >= count:
            enough.set()

    listening = asyncio.create_task(peer.listen(take))
    await asyncio.wait_for(enough.wait(), 5)
    peer.close()
    await listening
    return heard


def test_every_word_of_every_seam_can_cross() -> None:
    for seam in (ENGINE, EDGE, WEB, Seam("journal", 1, FACTS)):
        assert seam.decode(seam.encode(seam.hello, 1.0)) == (seam.hello, 1.0)
    settings = SettingsAre(1, 7, firm(), ())
    assert WEB.decode(WEB.encode(settings, 2.0))[0] == settings
    change = ChangeSettings(2, "Ana", "new menu", 7, firm())
    assert WEB.decode(WEB.encode(change, 2.0))[0] == change
    phones = events.EngineUp((events.LegInStock(A, answered=True, bridged_with=(B,)),), (CallId("c"),))
    assert ENGINE.decode(ENGINE.encode(phones, 0.0))[0] == phones


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json\n",
        b"[]\n",
        b'["LegRinging",1.0]\n',
        b'["NoSuchWord",1.0,{}]\n',
        b'["LegRinging",1.0,{"leg":5}]\n',
        b'["LegRinging",1.0,{}]\n',
        b'["LegRinging","now",{"leg":"a"}]\n',
        b"\xff\xfe\n",
    ],
)
def test_what_a_seam_does_not_have(line: bytes) -> None:
    with pytest.raises(BadMessage, match="seam engine"):
        ENGINE.decode(line)


def test_the_engine_greets_with_its_stock_and_then_tells_what_nobody_heard(engine: Engine, tmp_path: Path) -> None:
    engine.server.send(events.LegRinging(A))
    engine.server.send(events.LegAnswered(A))
    before = time.monotonic()

    async def desk() -> list[tuple[Any, float]]:
        peer = await connect(ENGINE, tmp_path / "engine.sock", time.monotonic())
        peer.send(commands.Bridge(A, B), time.monotonic())
        return await hear(peer, 3)

    heard = asyncio.run(desk())
    assert [message for message, _ in heard] == [events.EngineUp(), events.LegRinging(A), events.LegAnswered(A)]
    assert heard[1][1] < before, "a kept event says when it happened, not when it was told"
    assert engine.wait_for(1) == [commands.Bridge(A, B)]


def test_a_newer_desk_replaces_a_dead_one(engine: Engine, tmp_path: Path) -> None:
    async def desks() -> list[tuple[Any, float]]:
        old = await connect(ENGINE, tmp_path / "engine.sock", time.monotonic())
        old_listens = asyncio.create_task(old.listen(lambda *_: None))
        await asyncio.sleep(0.05)
        new = await connect(ENGINE, tmp_path / "engine.sock", time.monotonic())
        hearing = asyncio.create_task(hear(new, 2))
        await asyncio.wait_for(old_listens, 5)
        engine.server.send(events.LegRinging(B))
        return await hearing

    assert [message for message, _ in asyncio.run(desks())] == [events.EngineUp(), events.LegRinging(B)]


def test_a_peer_of_another_seam_is_refused_in_words(engine: Engine, tmp_path: Path) -> None:
    async def stranger() -> None:
        peer = await connect(EDGE, tmp_path / "engine.sock", time.monotonic())
        with pytest.raises(BadMessage, match="seam edge version 1, but the peer said"):
            await peer.listen(lambda *_: None)

    asyncio.run(stranger())
    assert not engine.heard


def test_a_line_that_is_too_long_ends_the_connection(engine: Engine, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as flood:
        flood.connect(str(tmp_path / "engine.sock"))
        flood.settimeout(5)
        try:
            flood.sendall(ENGINE.encode(ENGINE.hello, 0.0) + b"x" * (LIMIT + 10))
            while flood.recv(65536):
                pass
        except ConnectionError:
            pass
    assert not engine.heard


def test_asyncio_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "edge.sock"

    async def story() -> list[Any]:
        heard: list[Any] = []
        enough = asyncio.Event()

        def take(message: Any, _: float) -> None:
            heard.append(message)
            if len(heard) == 1000:
                enough.set()

        async def met(peer: Peer) -> None:
            await peer.listen(take)

        server = await serve(ENGINE, path, time.monotonic, met)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        peer = await connect(ENGINE, path, time.monotonic())
        listening = asyncio.create_task(peer.listen(lambda *_: None))
        for number in range(1000):
            peer.send(commands.Ring(LegId(str(number))), 0.0)
        await asyncio.wait_for(enough.wait(), 5)
        peer.close()
        await listening
        server.close()
        return heard

    assert asyncio.run(story()) == [commands.Ring(LegId(str(number))) for number in range(1000)]


def test_a_peer_that_does_not_read_is_cut_off_before_it_fills_our_memory(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"

    async def story() -> None:
        over, left = asyncio.Event(), asyncio.Event()

        async def met(peer: Peer) -> None:
            await over.wait()
            await peer.listen(lambda *_: None)
            left.set()

        server = await serve(ENGINE, path, time.monotonic, met)
        peer = await connect(ENGINE, path, time.monotonic())
        sent, message = 0, commands.SendKeys(A, "1" * 10_000)
        while not peer._transport.is_closing():
            peer.send(message, 0.0)
            sent += 10_000
            assert sent < 3 * Peer.BEHIND
        over.set()
        await left.wait()
        server.close()

    asyncio.run(asyncio.wait_for(story(), 10))


@pytest.mark.parametrize("said", [b"", ENGINE.encode(ENGINE.hello, 0.0) + ENGINE.encode(events.LegRinging(A), 1.0)])
def test_a_peer_that_leaves_in_the_middle_of_a_word(tmp_path: Path, said: bytes) -> None:
    """What was whole is heard, also when it came before anybody listened; one that never said who it was is refused."""
    path = tmp_path / "engine.sock"

    def leave_early() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(said + b'["LegAnsw')
            peer.recv(1000)

    async def story() -> list[Any]:
        leaving = asyncio.create_task(asyncio.to_thread(leave_early))
        peer = await connect(ENGINE, path, time.monotonic())
        await leaving
        await asyncio.sleep(0.02)
        heard: list[Any] = []
        await peer.listen(lambda message, _: heard.append(message))
        return heard

    with listening_socket(path) as listener:
        if said:
            assert asyncio.run(story()) == [events.LegRinging(A)]
        else:
            with pytest.raises(BadMessage, match="left without a word"):
                asyncio.run(story())


def test_a_socket_left_by_a_dead_process_is_replaced_and_a_living_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "left.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    living = listening_socket(path)
    with pytest.raises(OSError, match="in use by another process"):
        listening_socket(path)
    living.close()


def test_what_nobody_heard_for_too_long_falls_out_and_is_counted(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(BlockingServer.KEPT + 3):
        engine.server.send(events.LegRinging(LegId(str(number))))

    async def desk() -> list[tuple[Any, float]]:
        return await hear(await connect(ENGINE, tmp_path / "engine.sock", time.monotonic()), 2)

    heard = asyncio.run(desk())
    assert heard[1][0] == events.LegRinging(LegId("3")), "the oldest fall out"
    assert "3 messages fell out" in caplog.text
