"""A provider over TLS, on real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from appliance.calls.edge import TrunkIs
from appliance.edge.certificates import Shown, ensure
from appliance.edge.flows import Flow
from appliance.edge.framing import Framer
from appliance.edge.message import Response, parse
from appliance.edge.virtual.provider import Provider
from tests.edge.house import SDP, engine_request
from tests.edge.running import LOOPBACK, heard
from tests.edge.trunks.test_real import Edge
from tests.edge.trunks.world import NUMBER, trunk


class Tls:
    """A provider's server: one connection at a time."""

    def __init__(self, folder: Path) -> None:
        self._context = Shown(folder)()
        self._listening = socket.create_server((LOOPBACK, 0))
        self.port = int(self._listening.getsockname()[1])
        self.provider = Provider("example.com", Flow("tls", LOOPBACK, self.port), {"shop": "secret"}, Random(1), SDP)
        self.provider.behaviour.trusts = frozenset({LOOPBACK})
        self.connections = 0
        self._now: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def hang_up(self) -> None:
        assert self._now is not None
        with contextlib.suppress(OSError):
            self._now.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        if self._now is not None:
            self.hang_up()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                plain, (host, port) = self._listening.accept()
            except OSError:
                return
            with plain, contextlib.suppress(OSError), self._context.wrap_socket(plain, server_side=True) as talk:
                self._now = talk
                self.connections += 1
                framer, source = Framer(), Flow("tls", host, port)
                while data := talk.recv(65_536):
                    for piece in framer.feed(data):
                        if isinstance(piece, bytes):
                            for each in self.provider.receive(piece, source, time.monotonic()):
                                talk.sendall(each.data)


@contextlib.contextmanager
def served(tmp_path: Path, name: str) -> Iterator[tuple[Edge, Tls]]:
    """A provider whose certificate is for this name, and an edge that trusts its authority."""
    folder = tmp_path / "provider"
    folder.mkdir()
    ensure(folder, [name], time.time())
    server = Tls(folder)
    edge = Edge(tmp_path, [])
    edge.more = ["--authorities", str(folder / "authority.pem")]
    edge.start()
    try:
        yield edge, server
    finally:
        edge.stop()
        server.close()
    assert "Traceback" not in edge.log.read_text()


def test_registered_and_called_within_tls(tmp_path: Path) -> None:
    with served(tmp_path, LOOPBACK) as (edge, server), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as engine:
        engine.bind((LOOPBACK, edge.engine))
        place = f"{LOOPBACK}:{server.port}"
        edge.providers(trunk(domain=place, transport="tls", ping_seconds=0.5))
        told = edge.until(f"registered with {place}")
        assert (told.here, told.transport) == (LOOPBACK, "tls")
        assert told.contact == f"sip:shop@{LOOPBACK}:{edge.tls};transport=tls"
        uri = f"sip:{NUMBER}@{place}".encode()
        engine.sendto(engine_request(b"INVITE", uri, more=[b"X-Qendra-Trunk: voip"], body=SDP), (LOOPBACK, edge.inside))
        answers = [parse(heard(engine)) for _ in range(3)]
        assert [int(each.start.split()[1]) for each in answers if isinstance(each, Response)] == [100, 180, 200]
        last = answers[-1]
        assert isinstance(last, Response)
        assert b"X-Qendra-Transport: tls" in last.lines
        (call,) = server.provider.calls.values()
        # The connection is lost in the middle of it; we are back by ourselves, and the call can be hung up.
        server.hang_up()
        end = time.monotonic() + 15
        while server.connections < 2 and time.monotonic() < end:
            time.sleep(0.02)
        routes = [b"Route: " + each for each in reversed(last.all(b"record-route"))]
        to = last.first(b"to")
        bye = engine_request(b"BYE", uri, to=to, number=2, branch=b"z9hG4bKbye", call_id=call.call_id, more=routes)
        while call.state != "over" and time.monotonic() < end:
            engine.sendto(bye, (LOOPBACK, edge.inside))
            heard(engine, 0.5)
        assert call.state == "over"


def test_who_shows_anothers_certificate_is_not_spoken_to(tmp_path: Path) -> None:
    with served(tmp_path, "another.example.com") as (edge, server):
        place = f"{LOOPBACK}:{server.port}"
        edge.providers(trunk(domain=place, transport="tls"))
        words = f"no connection to {place}, which has a certificate that does not name {LOOPBACK}"
        assert not edge.until(words).up
        assert server.provider.heard == []


def test_an_authority_nobody_trusts_is_said(tmp_path: Path) -> None:
    with served(tmp_path, LOOPBACK) as (edge, server):
        edge.stop()
        edge.more = []
        edge.start()
        place = f"{LOOPBACK}:{server.port}"
        edge.providers(trunk(domain=place, transport="tls"))
        assert edge.desk is not None
        told = edge.desk.wait_for(TrunkIs, 2)[-1]
        assert "which has a certificate that cannot be trusted" in told.words
        assert server.provider.heard == []
