"""The web process with its real parts: the seam to a desk, the shelves, the server."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

import pytest

from appliance.calls import facts
from appliance.calls.lookup import CallQuery
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, TaskId
from appliance.store.calls import CallShelves
from appliance.store.tasks import TaskShelf
from appliance.supervisor.web import DeskLine, Past
from appliance.switchboard import asks
from appliance.wire.codec import Seam
from appliance.wire.peer import Peer, serve
from appliance.wire.seams import WEB
from tests.webui.believable import PASSWORD, past_calls
from tests.webui.office import Clock, MemoryDesk
from webui import DeskAway


class ServedDesk:
    """A desk in memory behind a real socket."""

    def __init__(self, desk: MemoryDesk, path: Path, seam: Seam = WEB) -> None:
        self.desk, self.path, self.seam = desk, path, seam
        self.mute = False
        self._loop = asyncio.new_event_loop()
        self._peers: set[Peer] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(5)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def show(self) -> None:
        self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        for peer in self._peers:
            peer.send(self.desk.live, time.monotonic())

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await serve(self.seam, self.path, time.monotonic, self._meet)
        self._ready.set()
        await self._stop.wait()
        server.close()
        for peer in self._peers:
            peer.close()
        await asyncio.sleep(0.05)

    async def _meet(self, peer: Peer) -> None:
        self._peers.add(peer)
        peer.send(self.desk.live, time.monotonic())
        try:
            await peer.listen(lambda ask, _: None if self.mute else peer.send(self._answer(ask), time.monotonic()))
        finally:
            self._peers.discard(peer)

    def _answer(self, ask: asks.Ask) -> asks.Answer:
        return replace(self.desk.ask(ask), ask=ask.ask)


@pytest.fixture
def served(desk: MemoryDesk, tmp_path: Path) -> Iterator[ServedDesk]:
    served = ServedDesk(desk, tmp_path / "desk.sock")
    served.start()
    yield served
    served.stop()


@pytest.fixture
def line(tmp_path: Path) -> DeskLine:
    return DeskLine(tmp_path / "desk.sock")


def wait_until(true: object, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.usefixtures("served")
def test_asks_are_answered_each_with_its_own_number(line: DeskLine) -> None:
    line.start()
    answers: list[tuple[str, asks.Answer]] = []

    def ask(name: str) -> None:
        answers.append((name, line.ask(asks.SeeAccount(0, name))))

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("Blerim", "Arta", "Nobody") * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 15
    for name, answer in answers:
        assert getattr(answer, "name", "Nobody") == name


def test_settings_cross_the_seam_unchanged(line: DeskLine, served: ServedDesk) -> None:
    line.start()
    seen = line.ask(asks.SeeSettings(0))
    assert isinstance(seen, asks.SettingsAre)
    assert seen.settings == served.desk.settings
    done = line.ask(asks.ChangeSettings(0, "x", "y", seen.version, replace(seen.settings, firm="Ç'kemi, мир")))
    assert isinstance(done, asks.Done)
    assert served.desk.settings.firm == "Ç'kemi, мир"


def test_news_come_as_they_happen(line: DeskLine, served: ServedDesk) -> None:
    assert line.news(0, 0.0).live is None
    assert line.news(0, 0.0).here is False
    line.start()
    wait_until(lambda: line.news(0, 0.0).live is not None)
    first = line.news(0, 0.0)
    assert first.here
    served.desk.live = replace(served.desk.live, calls=())
    served.show()
    second = line.news(first.number, 5.0)
    assert second.number > first.number
    assert second.live is not None
    assert second.live.calls == ()
    began = time.monotonic()
    assert line.news(second.number, 0.1).number == second.number
    assert time.monotonic() - began >= 0.1


def test_a_desk_that_was_never_there(line: DeskLine) -> None:
    line.start()
    line._lost_at = 0.0
    began = time.monotonic()
    with pytest.raises(DeskAway):
        line.ask(asks.SeeSettings(0))
    assert time.monotonic() - began < 0.5


def test_a_desk_that_goes_and_comes_back(line: DeskLine, desk: MemoryDesk, tmp_path: Path) -> None:
    first = ServedDesk(desk, tmp_path / "desk.sock")
    first.start()
    line.start()
    line.ask(asks.SeeSettings(0))
    number = line.news(0, 0.0).number
    first.stop()
    wait_until(lambda: not line.news(0, 0.0).here)
    gone = line.news(0, 0.0)
    assert gone.number > number
    assert gone.live is not None
    second = ServedDesk(desk, tmp_path / "desk.sock")
    threading.Timer(0.3, second.start).start()
    assert isinstance(line.ask(asks.SeeSettings(0)), asks.SettingsAre), "a short restart is waited for"
    second.stop()


def test_a_desk_that_dies_before_it_answers(line: DeskLine, served: ServedDesk) -> None:
    served.mute = True
    line.start()
    threading.Timer(0.2, served.stop).start()
    began = time.monotonic()
    with pytest.raises(DeskAway, match="before it answered"):
        line.ask(asks.SeeSettings(0))
    assert time.monotonic() - began < 2


def test_a_desk_that_does_not_answer(line: DeskLine, served: ServedDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeskLine, "PATIENCE", 0.2)
    served.mute = True
    line.start()
    with pytest.raises(DeskAway, match="no answer to SeeSettings"):
        line.ask(asks.SeeSettings(0))
    assert line._waiting == {}


def test_a_desk_of_another_version_is_not_talked_to(
    line: DeskLine, desk: MemoryDesk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = ServedDesk(desk, tmp_path / "desk.sock", Seam(WEB.name, WEB.version + 1, WEB.words))
    other.start()
    line.start()
    wait_until(lambda: "seam web version" in caplog.text)
    line._lost_at = 0.0
    with pytest.raises(DeskAway):
        line.ask(asks.SeeSettings(0))
    other.stop()


def test_garbage_on_the_line_ends_one_connection(
    line: DeskLine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "desk.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(5)
        line.start()
        for _ in range(2):
            peer, _address = listener.accept()
            with peer:
                peer.sendall(WEB.encode(WEB.hello, 0.0) + b"\xff not json\n")
                wait_until(lambda: "seam web" in caplog.text)
            caplog.clear()


def test_past_calls_come_from_the_shelves(tmp_path: Path, clock: Clock) -> None:
    past = Past(tmp_path)
    assert past.search(CallQuery()).calls == ()
    assert past.call(CallId("none")) is None
    assert past.done_tasks(10) == []
    calls = past_calls(clock.now, 60)
    shelves = CallShelves(tmp_path / "calls")
    for call in calls:
        shelves.put(call)
    shelves.flush()
    page = past.search(CallQuery(limit=25))
    assert list(page.calls) == calls[:25]
    rest = past.search(CallQuery(limit=50, before=page.older))
    assert list(rest.calls) == calls[25:]
    assert past.call(calls[7].call) == calls[7]
    outside = next(call for call in calls if call.line == "gsm-1" and call.caller.startswith("+"))
    assert outside in past.search(CallQuery(number=f"0{outside.caller[4:]}")).calls
    assert outside in past.search(CallQuery(text=outside.caller[-5:])).calls
    shelves.close()


def test_done_tasks_come_from_the_ledger(tmp_path: Path) -> None:
    at, call = Moment(0.0, 1_795_262_000.0), CallId("c")
    shelf = TaskShelf(tmp_path / "tasks.tdb")
    past = Past(tmp_path)
    for number in range(3):
        shelf.take(facts.TaskOpened(at.after(number), TaskId(f"t{number}"), call, f"+35569000000{number}"))
    shelf.take(facts.TaskClosed(at.after(60), TaskId("t1"), "by hand", "Blerim", "ok"))
    shelf.flush()
    (done,) = past.done_tasks(10)
    assert (done.number, done.how, done.who, done.note, done.closed) == (
        "+355690000001",
        "by hand",
        "Blerim",
        "ok",
        at.utc + 60,
    )
    shelf.take(facts.TaskClosed(at.after(90), TaskId("t2"), "we called", "101", "", call))
    shelf.flush()
    assert [task.who for task in past.done_tasks(10)] == ["101", "Blerim"]
    shelf.take(facts.TaskClosed(at.after(120), TaskId("t0"), "called again", "102", "", call))
    shelf.flush()
    assert [task.who for task in past.done_tasks(2)] == ["102", "101"], "the latest dealt with first"
    shelf.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def process(served: ServedDesk, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    command = [sys.executable, "-m", "appliance.supervisor.web", "--bind", "127.0.0.1", "--port", str(port)]
    running = subprocess.Popen([*command, "--run", str(served.path.parent), "--data", str(tmp_path / "data")])
    yield running, port
    if running.poll() is None:
        running.kill()
    running.wait(5)


class Visitor:
    """A browser made of one socket."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.cookie = cookie
        self._answer: http.client.HTTPResponse | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._answer is not None:
            self._answer.close()
        self.connection.close()

    def go(self, path: str, **fields: str) -> tuple[int, str]:
        answer = self.open(path, **fields)
        return answer.status, answer.read().decode()

    def open(self, path: str, **fields: str) -> http.client.HTTPResponse:
        headers = {"Cookie": self.cookie}
        if fields:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request("POST" if fields else "GET", path, urlencode(fields) if fields else None, headers)
        answer = self._answer = self.connection.getresponse()
        if cookie := answer.headers["Set-Cookie"]:
            self.cookie = cookie.partition(";")[0]
        return answer

    def log_in(self) -> None:
        token = re.search(r'csrf_token" value="([^"]+)', self.go("/login")[1])
        assert token is not None
        assert self.go("/login", csrf_token=token[1], name="Blerim", password=PASSWORD)[0] == 303


@contextlib.contextmanager
def visit(port: int) -> Iterator[Visitor]:
    """A visitor who has logged in."""
    with Visitor(port) as visitor:

        def answers() -> bool:
            try:
                return visitor.go("/login")[0] == 200
            except OSError:
                visitor.connection.close()
                return False

        wait_until(answers, 20)
        visitor.log_in()
        yield visitor


def test_the_whole_process(process: tuple[subprocess.Popen[bytes], int], served: ServedDesk) -> None:
    running, port = process
    with visit(port) as visitor, Visitor(port, visitor.cookie) as listener:
        assert "2 callers are waiting" in visitor.go("/?language=en")[1]
        assert "No calls yet" in visitor.go("/calls")[1]
        listener.cookie = visitor.cookie
        stream = listener.open("/today/stream")
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert "2 callers are waiting" in _next_data(stream)
        served.desk.live = replace(served.desk.live, calls=())
        served.show()
        assert "Nobody is waiting" in _next_data(stream)
        running.send_signal(signal.SIGTERM)
        assert running.wait(2) == 0


def _next_data(stream: http.client.HTTPResponse) -> str:
    return next(line for line in iter(stream.readline, b"") if line.startswith(b"data")).decode()


def test_browsers_that_leave_give_their_streams_back(process: tuple[subprocess.Popen[bytes], int]) -> None:
    _, port = process
    with visit(port) as visitor:
        for _ in range(40):  # more than there are streams: each is noticed to be gone
            _open_and_leave(port, visitor.cookie)
        assert visitor.go("/")[0] == 200


def _open_and_leave(port: int, cookie: str) -> None:
    with Visitor(port, cookie) as guest:

        def opens() -> bool:
            stream = guest.open("/today/stream")
            if stream.status != 200:
                stream.read()
                return False
            stream.readline()
            return True

        wait_until(opens, 15)


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "appliance.supervisor.web", "--bind", "127.0.0.1", "--port", str(port)]
        ended = subprocess.run(
            [*command, "--run", str(tmp_path), "--data", str(tmp_path)], capture_output=True, timeout=30, check=False
        )
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}".encode() in ended.stderr


def test_the_process_stays_small(process: tuple[subprocess.Popen[bytes], int]) -> None:
    running, port = process
    with visit(port) as visitor:
        for page in ("/", "/calls", "/operators", "/menus", "/hours", "/settings"):
            assert visitor.go(page)[0] == 200
        rollup = Path(f"/proc/{running.pid}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)
        assert found is not None
        assert int(found[1]) < 50 * 1024, f"{found[1]} kB"
        assert len(list(Path(f"/proc/{running.pid}/task").iterdir())) < 40
