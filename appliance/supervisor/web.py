"""The web process: `python -m appliance.supervisor.web`.

It owns nothing. What it shows comes from the desk over the seam WEB and from the shelves, which it only follows; what
people change, it asks of the desk. While the desk is away the pages go on showing what was last known.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import logging
import os
import signal
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from waitress.channel import HTTPChannel
from waitress.server import create_server

from appliance.calls.lookup import CallPage, CallQuery
from appliance.calls.names import CallId
from appliance.calls.record import CallRecord
from appliance.store import calls as shelves
from appliance.store.tasks import Task, TaskShelf
from appliance.store.trouble import StoreTrouble
from appliance.supervisor import VERSION
from appliance.switchboard.asks import Answer, Ask
from appliance.switchboard.views import Live
from appliance.wire.codec import LIMIT, BadMessage
from appliance.wire.seams import WEB
from webui import ArchiveTrouble, DeskAway, DoneTask, News, WebConfig, create_app

log = logging.getLogger("qendra.web")

MOST_STREAMS = 24
OTHER_THREADS = 8
"""Each live page has a thread to itself; everything else shares these."""

MOST_CONNECTIONS = 300
MOST_OF_ONE = 80
"""Connections of one address. A browser opens six, and one for each live page."""
PROXIES = frozenset({"127.0.0.1", "::1"})
"""Addresses behind which many people may be: a web server of the installer's in front of ours."""
QUIET_SECONDS = 45
"""A connection that asks nothing for so long is closed."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; 1 when the address cannot be had."""
    parser = argparse.ArgumentParser(prog="qendra-web")
    parser.add_argument("--bind", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--public-name", default="", help="the name people reach the box by from outside")
    wishes = parser.parse_args(arguments)
    desk = DeskLine(wishes.run / "desk.sock")
    config = WebConfig(
        clock=time.time,
        rest=time.sleep,
        recordings=wishes.data / "recordings",
        public_name=wishes.public_name,
        version=VERSION,
        most_streams=MOST_STREAMS,
    )
    app = create_app(desk, Past(wishes.data), config)
    try:
        server = create_server(
            app,
            host=wishes.bind,
            port=wishes.port,
            threads=MOST_STREAMS + OTHER_THREADS,
            connection_limit=MOST_CONNECTIONS,
            channel_timeout=QUIET_SECONDS,
            cleanup_interval=15,
            channel_request_lookahead=1,  # so that a stream learns that its browser has left
            max_request_body_size=1 << 20,
            clear_untrusted_proxy_headers=True,
            ident="",
        )
    except OSError as error:
        log.critical("the page cannot listen on %s port %d: %s", wishes.bind, wishes.port, error.strerror)
        return 1
    server.channel_class = _admitted
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    desk.start()
    server.run()
    return 0


def _admitted(server: Any, connection: socket.socket, address: tuple[Any, ...], *arguments: Any, **more: Any) -> None:
    """A new connection as the server makes one, unless its address has too many: nobody alone can keep others out."""
    same = sum(channel.addr[0] == address[0] for channel in list(server.active_channels.values()))
    if same >= MOST_OF_ONE and address[0] not in PROXIES:
        connection.close()
        return
    HTTPChannel(server, connection, address, *arguments, **more)


def _leave(_number: int, _frame: object) -> None:
    """At once: nothing here has to be saved, and open streams would hold up the end."""
    logging.shutdown()
    os._exit(0)


@dataclass
class _Waiting:
    """Somebody who has asked."""

    answered: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None


class DeskLine:
    """The page's end of the seam to the desk (`webui.Desk`): a thread that connects, listens, and connects again."""

    PATIENCE = 5.0
    """Seconds for an answer. Speaking a long text is the slowest; it takes about a second."""
    BLINK = 1.0
    """A desk that has been away for less than this is waited for, so that its restart is hardly noticed."""
    PAUSE = 0.1
    """Seconds between two attempts to connect."""
    SEND_TIME = 2
    """Seconds a desk may take to read an ask."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = threading.Condition()
        self._socket: socket.socket | None = None
        self._lost_at = time.monotonic()
        self._number = 1
        self._live: Live | None = None
        self._asks = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._sending = threading.Lock()

    def start(self) -> None:
        """Begin to connect, in a thread of its own."""
        threading.Thread(target=self._keep, name="desk-line", daemon=True).start()

    def ask(self, message: Ask) -> Answer:
        """See `webui.Desk`."""
        waiting, number = _Waiting(), next(self._asks)
        line = WEB.encode(replace(message, ask=number), time.monotonic())
        with self._changed:
            connection = self._connection()
            self._waiting[number] = waiting
        try:
            self._send(connection, line)
            if not waiting.answered.wait(self.PATIENCE):
                raise DeskAway(f"no answer to {type(message).__name__} within {self.PATIENCE:.0f} s")
        finally:
            with self._changed:
                self._waiting.pop(number, None)
        if waiting.answer is None:
            raise DeskAway("the desk went away before it answered")
        return waiting.answer

    def news(self, after: int, patience: float) -> News:
        """See `webui.Desk`."""
        with self._changed:
            if patience:
                self._changed.wait_for(lambda: self._number > after, patience)
            return News(self._number, self._socket is not None, self._live)

    def _connection(self) -> socket.socket:
        blink = self._lost_at + self.BLINK - time.monotonic()
        if self._socket is None and blink > 0:
            self._changed.wait_for(lambda: self._socket is not None, blink)
        if self._socket is None:
            raise DeskAway("the desk is not there")
        return self._socket

    def _send(self, connection: socket.socket, line: bytes) -> None:
        try:
            with self._sending:
                connection.sendall(line)
        except OSError as error:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            raise DeskAway("the desk does not listen") from error

    def _keep(self) -> None:
        """Connect, listen, connect again, for as long as the process lives."""
        while True:
            try:
                self._meet()
            except BadMessage as error:
                log.error("%s", error)
                time.sleep(self.BLINK)
            except OSError:
                pass
            time.sleep(self.PAUSE)

    def _meet(self) -> None:
        """One connection, from hello to its end."""
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", self.SEND_TIME, 0))
            connection.connect(str(self._path))
            connection.sendall(WEB.encode(WEB.hello, time.monotonic()))
            with connection.makefile("rb") as lines:
                WEB.greet(WEB.decode(lines.readline(LIMIT))[0])
                self._connected(connection)
                try:
                    self._listen(lines)
                finally:
                    self._lost()

    def _listen(self, lines: BinaryIO) -> None:
        while line := lines.readline(LIMIT):
            message = WEB.decode(line)[0]
            with self._changed:
                if isinstance(message, Live):
                    self._live = message
                    self._tell()
                elif waiting := self._waiting.get(getattr(message, "ask", 0)):
                    waiting.answer = message
                    waiting.answered.set()

    def _connected(self, connection: socket.socket) -> None:
        log.info("the desk is there")
        with self._changed:
            self._socket = connection
            self._tell()

    def _lost(self) -> None:
        """Nobody will answer what was asked; what was last known stays."""
        log.info("the desk is away")
        with self._changed:
            self._socket, self._lost_at = None, time.monotonic()
            for waiting in self._waiting.values():
                waiting.answered.set()
            self._waiting.clear()
            self._tell()

    def _tell(self) -> None:
        self._number += 1
        self._changed.notify_all()


class Past:
    """The shelves as the pages know them (`webui.Archive`). Files that are not there yet are empty."""

    DIGITS = 8
    """The end of a number says whose it is, whether it came with its country's code or without."""

    def __init__(self, data: Path) -> None:
        self._calls = shelves.CallArchive(data / "calls")
        self._data = data
        self._tasks: TaskShelf | None = None
        self._opening = threading.Lock()

    def search(self, query: CallQuery) -> CallPage:
        """See `webui.Archive`."""
        wanted = replace(query, number=query.number[-self.DIGITS :])
        try:
            return self._calls.search(wanted)
        except StoreTrouble as trouble:
            raise ArchiveTrouble(str(trouble)) from trouble

    def call(self, call: CallId) -> CallRecord | None:
        """See `webui.Archive`."""
        try:
            return self._calls.call(call)
        except StoreTrouble as trouble:
            raise ArchiveTrouble(str(trouble)) from trouble

    def done_tasks(self, limit: int) -> list[DoneTask]:
        """See `webui.Archive`."""
        try:
            latest = self._shelf().latest(limit * 5)
        except StoreTrouble as trouble:
            raise ArchiveTrouble(str(trouble)) from trouble
        closed = sorted((task for task in latest if task.closed), key=lambda task: task.closed, reverse=True)
        return [_done(task) for task in closed[:limit]]

    def _shelf(self) -> TaskShelf:
        with self._opening:
            if self._tasks is None:
                self._tasks = TaskShelf(self._data / "tasks.tdb", follow=True)
            return self._tasks


def _done(task: Task) -> DoneTask:
    return DoneTask(task.number, task.opened, task.closed, task.how, task.who, task.note, task.spoken_in)


if __name__ == "__main__":
    sys.exit(main())
