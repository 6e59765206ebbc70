"""The edge as a process, with sipp as provider and in the engine's place, and name servers that say something or nothing."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from appliance.calls.edge import TrunkIs, Trunks
from tests.edge.dns_server import name_server
from tests.edge.house import engine_request, status_of
from tests.edge.running import HERE, LOOPBACK, Running, ask, bound, failed_calls, free_port, heard, probe
from tests.edge.trunks.world import NUMBER, trunk

pytestmark = pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp (package sip-tester) is not installed")


class Edge(Running):
    """An edge that may ask a name server of the test."""

    name_server = ""
    more: Sequence[str] = ()
    """Further words of its command line."""

    def command(self) -> list[str]:
        asking = ["--name-server", self.name_server] if self.name_server else []
        return [*super().command(), *asking, *self.more]

    def providers(self, *trunks: object) -> None:
        assert self.desk is not None
        self.desk.say(Trunks(tuple(trunks)))  # type: ignore[arg-type]

    def until(self, words: str, seconds: float = 15.0) -> TrunkIs:
        """What is said of a provider, once it is this."""
        assert self.desk is not None
        found: TrunkIs = self.desk.wait_for(TrunkIs, seconds=seconds, words=words)[-1]
        return found


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    running = Edge(tmp_path)
    running.start()
    yield running
    running.stop()
    text = running.log.read_text()
    assert "Traceback" not in text, text


def sipp(scenario: str, port: int, *more: str) -> list[str]:
    return [
        str(shutil.which("sipp")), "-sf", str(HERE / "sipp" / f"{scenario}.xml"), "-i", LOOPBACK, "-p", str(port),
        "-nostdin", "-deadcall_wait", "0", *more,
    ]  # fmt: skip


@contextlib.contextmanager
def standing(edge: Edge, scenario: str, port: int, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A sipp that answers until the test is over."""
    command = sipp(scenario, port, *more)
    process = subprocess.Popen(command, cwd=edge.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 10
        while not listening(port, tcp="t1" in more) and time.monotonic() < end:
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait(10)


def listening(port: int, *, tcp: bool) -> bool:
    if not tcp:
        return bound(port)
    with socket.socket() as one:
        return one.connect_ex((LOOPBACK, port)) == 0


def run(edge: Edge, scenario: str, port: int, *more: str) -> subprocess.CompletedProcess[str]:
    """Sipp makes calls until they are done."""
    command = sipp(scenario, port, "-timeout", "30s", "-timeout_error", *more)
    return subprocess.run(command, cwd=edge.folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_registered_and_called_both_ways(edge: Edge, transport: str) -> None:
    port, caller = free_port(), free_port()
    over = ["-t", "t1"] if transport == "tcp" else []
    with standing(edge, "provider", port, *over):
        edge.providers(
            trunk(
                domain=f"{LOOPBACK}:{port}", transport=transport, addresses=(f"{LOOPBACK}:{caller}",), ping_seconds=0.5
            )
        )
        told = edge.until(f"registered with {LOOPBACK}:{port}")
        assert told.up
        suffix = ";transport=tcp" if transport == "tcp" else ""
        assert (told.here, told.contact) == (LOOPBACK, f"sip:shop@{LOOPBACK}:{edge.sip}{suffix}")
        out = run(edge, "out", edge.engine, "-m", "20", "-r", "40", f"{LOOPBACK}:{edge.inside}")
        assert out.returncode == 0, out.stdout + out.stderr
        assert failed_calls(out.stdout) == 0
        with standing(edge, "engine_trunk", edge.engine):
            calls = run(edge, "provider_calls", caller, "-m", "20", "-r", "40", *over, f"{LOOPBACK}:{edge.sip}")
        assert calls.returncode == 0, calls.stdout + calls.stderr
        assert failed_calls(calls.stdout) == 0
    if transport == "tcp":
        assert not edge.until(f"no connection to {LOOPBACK}:{port}, which takes no connections").up


def test_a_wrong_password_is_said(edge: Edge) -> None:
    port = free_port()
    with standing(edge, "provider", port):
        edge.providers(trunk(domain=f"{LOOPBACK}:{port}", password="wrong"))
        assert edge.until("the provider refuses our name or password (403)").up is False


def test_a_silent_server_is_left_for_the_next(tmp_path: Path) -> None:
    port, dead = free_port(), free_port()
    zone = {
        ("_sip._udp.example.com", "SRV"): (f"1 0 {dead} a.example.com.", f"2 0 {port} b.example.com."),
        ("a.example.com", "A"): (LOOPBACK,),
        ("b.example.com", "A"): (LOOPBACK,),
    }
    edge = Edge(tmp_path)
    with name_server(zone) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind((LOOPBACK, dead))
        edge.name_server = server.address
        edge.start()
        try:
            with standing(edge, "provider", port):
                edge.providers(trunk(domain="example.com", registers=False, ping_seconds=0.0))
                edge.until(f"calls go to {LOOPBACK}:{dead}")
                begun = time.monotonic()
                out = run(edge, "out", edge.engine, "-m", "1", f"{LOOPBACK}:{edge.inside}")
                assert out.returncode == 0, out.stdout + out.stderr
                assert time.monotonic() - begun > 2.5, "the first server had its chance"
                edge.until(f"calls go to {LOOPBACK}:{port}; no answer from {LOOPBACK}:{dead}")
                kept = edge.state / "names.json"
                assert kept.stat().st_mode & 0o777 == 0o600
                # The DNS falls silent and the box restarts: what was known is used.
                server.silent = True
                edge.stop()
                edge.start()
                edge.providers(trunk(domain="example.com", registers=False, ping_seconds=0.0))
                edge.until(f"calls go to {LOOPBACK}:{dead}")
        finally:
            edge.stop()


def test_with_the_dns_silent_the_telephones_notice_nothing(tmp_path: Path) -> None:
    edge = Edge(tmp_path, [str(each) for each in range(101, 121)])
    people = [(str(each), f"pw{each}") for each in range(101, 121)]
    with name_server({}) as server:
        server.silent = True
        edge.name_server = server.address
        edge.start()
        try:
            edge.providers(
                *(trunk(f"voip{each}" if each else "voip", domain=f"example{each}.com") for each in range(10)),
            )
            edge.until("looking for example0.com")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as engine:
                engine.bind((LOOPBACK, edge.engine))
                invite = engine_request(
                    b"INVITE", f"sip:{NUMBER}@example0.com".encode(), more=[b"X-Qendra-Trunk: voip"]
                )  # fmt: skip
                slowest = 0.0
                for _ in range(50):
                    begun = time.monotonic()
                    engine.sendto(invite, (LOOPBACK, edge.inside))
                    assert status_of(heard(engine)) == 503
                    slowest = max(slowest, time.monotonic() - begun)
                    begun = time.monotonic()
                    assert b" 407 " in ask(edge.sip, probe("101", method="INVITE"), 2.0)
                    slowest = max(slowest, time.monotonic() - begun)
            assert slowest < 1.0, "nobody waits for the five seconds a resolver waits"
            with edge.sipp_engine():
                done = edge.sipp("call", "-r", "20", people=people)
            assert done.returncode == 0, done.stdout + done.stderr
            edge.until("nobody can say where example0.com is: the name servers (DNS) do not answer")
            assert server.asked, "it was asked all the while"
            server.silent = False
            server.zone[("example0.com", "A")] = (LOOPBACK,)
            edge.until(f"registering with {LOOPBACK}", seconds=60)
        finally:
            edge.stop()
    assert "Traceback" not in edge.log.read_text()
