"""The web process, crowded by one address."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.supervisor.web import MOST_CONNECTIONS, MOST_OF_ONE


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Of a web process without a desk."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "appliance.supervisor.web", "--bind", "127.0.0.1", "--port", str(free)]
    with subprocess.Popen(
        [*command, "--run", str(tmp_path), "--data", str(tmp_path)], stderr=subprocess.DEVNULL
    ) as process:
        try:
            give_up = time.monotonic() + 20
            while not _answers(free) and time.monotonic() < give_up:
                time.sleep(0.1)
            yield free
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/static/logo.svg")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_one_address_cannot_take_every_connection(port: int) -> None:
    with contextlib.ExitStack() as crowd:
        connections = []
        for _ in range(MOST_CONNECTIONS + 20):
            connection = crowd.enter_context(
                socket.create_connection(("127.0.0.1", port), timeout=3, source_address=("127.0.0.9", 0))
            )
            connection.sendall(b"GET / HTTP/1.1\r\n")
            connections.append(connection)
        assert _answers(port)
        assert sum(not _is_closed(connection) for connection in connections) <= MOST_OF_ONE
