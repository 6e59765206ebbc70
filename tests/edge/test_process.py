"""The edge as a process, on real sockets, with sipp as telephones and in the engine's place."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.edge import Bans, LiftBan, Refused, Registered
from tests.edge.house import answer as parsed
from tests.edge.house import engine_request, proof, reply, request
from tests.edge.running import LOOPBACK, Desk, Running, ask, failed_calls, heard, probe
from tests.journeys.processes import wait_for

pytestmark = pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp (package sip-tester) is not installed")


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, [str(each) for each in range(101, 141)])
    running.start()
    yield running
    running.stop()
    text = running.log.read_text()
    assert "Traceback" not in text, text


def people(count: int) -> list[tuple[str, str]]:
    return [(str(101 + each), f"pw{101 + each}") for each in range(count)]


def udp_socket(port: int = 0) -> socket.socket:
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.bind((LOOPBACK, port))
    return own


def register(edge: Running, own: socket.socket, extension: str = "101", number: int = 2) -> None:
    """Register the socket as this extension's telephone, by hand; a higher `number` is a refresh."""
    port = own.getsockname()[1]
    contact = f"Contact: <sip:{extension}@{LOOPBACK}:{port}>\r\nExpires: 600\r\n"
    own.sendto(probe(extension, port=port, branch="z9hG4bK1", more=contact), (LOOPBACK, edge.sip))
    header = proof(parsed(heard(own)), b"REGISTER", f"sip:{LOOPBACK}".encode(), extension, f"pw{extension}").decode()
    second = probe(extension, port=port, branch="z9hG4bK2", more=f"{contact}{header}\r\n").replace(
        b"CSeq: 1", b"CSeq: %d" % number
    )
    own.sendto(second, (LOOPBACK, edge.sip))
    assert parsed(heard(own)).status == 200


def is_kept(edge: Running, extension: str) -> None:
    """Wait until its registration is on the disk."""
    path, end = edge.state / "bindings.json", time.monotonic() + 10
    while time.monotonic() < end and not (path.exists() and f'"{extension}"' in path.read_text()):
        time.sleep(0.02)
    assert f'"{extension}"' in path.read_text()


@pytest.mark.parametrize("tcp", [False, True])
def test_telephones_register(edge: Running, tcp: bool) -> None:
    done = edge.sipp("register", "-r", "100", people=people(40), tcp=tcp)
    assert done.returncode == 0, done.stdout + done.stderr
    assert edge.desk is not None
    told = edge.desk.wait_for(Registered, 40)
    assert {each.extension for each in told} == {who for who, _ in people(40)}
    assert all(each.devices[0].address.startswith("tcp " if tcp else "udp ") for each in told)


def test_a_wrong_password_is_refused_and_told(edge: Running) -> None:
    done = edge.sipp("register", people=[("101", "wrong"), ("888", "pw888")])
    assert done.returncode != 0
    assert failed_calls(done.stdout) == 2
    assert edge.desk is not None
    (wrong,) = edge.desk.wait_for(Refused, refusal="wrong password")
    (unknown,) = edge.desk.wait_for(Refused, refusal="unknown user")
    assert (wrong.detail, unknown.detail) == ("extension 101", "extension 888")


@pytest.mark.parametrize("tcp", [False, True])
def test_calls_go_through(edge: Running, tcp: bool) -> None:
    with edge.sipp_engine():
        done = edge.sipp("call", "-r", "40", people=people(40), tcp=tcp)
    assert done.returncode == 0, done.stdout + done.stderr
    assert failed_calls(done.stdout) == 0


def test_a_desk_that_was_away_hears_what_it_missed(edge: Running) -> None:
    assert edge.desk is not None
    edge.desk.close()
    time.sleep(0.1)
    edge.sipp("register", people=[("102", "wrong")])
    edge.sipp("register", people=[("101", "pw101")])
    edge.desk = Desk(edge.run / "edge.sock")
    assert edge.desk.wait_for(Refused)[0].detail == "extension 102"
    assert edge.desk.wait_for(Registered)[0].extension == "101"


def test_a_stranger_gets_no_further_than_the_door(edge: Running) -> None:
    with udp_socket(edge.engine) as engine:
        assert b" 407 " in ask(edge.sip, probe("8800", method="INVITE"))
        assert ask(edge.sip, probe("8800", method="OPTIONS", branch="z9hG4bKo"), 0.2) == b""
        assert heard(engine, 0.2) == b""
    assert edge.desk is not None
    told = edge.desk.wait_for(Refused, 2, refusal="stranger")
    assert {each.detail for each in told} == {"INVITE without a proof", "asked what we are"}


def test_the_engine_calls_a_telephone_and_nobody_else_can(edge: Running) -> None:
    with udp_socket() as phone, udp_socket(edge.engine) as engine, udp_socket() as other:
        register(edge, phone)
        assert edge.desk is not None
        (told,) = edge.desk.wait_for(Registered)
        invite = engine_request(b"INVITE", f"sip:101@{LOOPBACK};ob={told.devices[0].device}".encode())
        other.sendto(invite, (LOOPBACK, edge.inside))
        assert heard(phone, 0.2) == b""
        engine.sendto(invite, (LOOPBACK, edge.inside))
        got = request(heard(phone))
        assert got.uri == f"sip:101@{LOOPBACK}:{phone.getsockname()[1]}".encode()
        assert got.all(b"via")[0].startswith(f"SIP/2.0/UDP {LOOPBACK}:{edge.sip};".encode())
        phone.sendto(
            reply(b"\r\n".join([got.start, *got.lines, b"", b""]), b"180 Ringing", tag=b"p"), (LOOPBACK, edge.sip)
        )
        assert parsed(heard(engine)).status == 180


def test_without_an_engine_callers_hear_so_at_once(edge: Running) -> None:
    with udp_socket() as phone:
        port = phone.getsockname()[1]
        phone.sendto(probe(method="INVITE", port=port, branch="z9hG4bK1"), (LOOPBACK, edge.sip))
        asked = parsed(heard(phone))
        for count in (1, 2):
            header = proof(asked, b"INVITE", f"sip:{LOOPBACK}".encode(), "101", "pw101", nc=count).decode()
            began = time.monotonic()
            invite = probe(method="INVITE", port=port, branch=f"z9hG4bK-{count}", more=f"{header}\r\n")
            phone.sendto(invite, (LOOPBACK, edge.sip))
            got = parsed(heard(phone))
            assert time.monotonic() - began < 0.3
            assert (got.status, got.first(b"retry-after")) == (503, b"2")
    with udp_socket(edge.engine) as engine:
        asked_back = heard(engine, 3.0)
        assert request(asked_back).method == b"OPTIONS"
        engine.sendto(reply(asked_back, b"200 OK", tag=b"e"), (LOOPBACK, edge.inside))
        time.sleep(0.1)
    with edge.sipp_engine():
        assert edge.sipp("call", people=people(3)).returncode == 0


@pytest.mark.parametrize("kill", [False, True])
def test_telephones_stay_registered_while_the_edge_is_restarted(edge: Running, kill: bool) -> None:
    with udp_socket() as phone, udp_socket(edge.engine) as engine:
        register(edge, phone)
        assert edge.desk is not None
        (told,) = edge.desk.wait_for(Registered)
        is_kept(edge, "101")  # what a kill may cost is the last tenth of a second
        edge.stop(kill=kill)
        edge.start(with_desk=False)
        invite = engine_request(b"INVITE", f"sip:101@{LOOPBACK};ob={told.devices[0].device}".encode())
        engine.sendto(invite, (LOOPBACK, edge.inside))
        assert request(heard(phone)).method == b"INVITE"
        with udp_socket() as second:
            register(edge, second, "102")  # accounts are known without the desk
        is_kept(edge, "102")
        edge.stop(kill=kill)
        edge.start()
        assert edge.desk is not None
        assert {each.extension for each in edge.desk.wait_for(Registered, 2)} == {"101", "102"}


def test_a_ban_outlives_a_restart_until_the_owner_lifts_it(edge: Running) -> None:
    def attempt(password: str) -> bytes:
        with udp_socket() as phone:
            port = phone.getsockname()[1]
            phone.sendto(probe(port=port, branch="z9hG4bK1"), (LOOPBACK, edge.sip))
            header = proof(parsed(heard(phone)), b"REGISTER", f"sip:{LOOPBACK}".encode(), "101", password).decode()
            contact = f"Contact: <sip:101@{LOOPBACK}:{port}>\r\n{header}\r\n"
            phone.sendto(probe(port=port, branch="z9hG4bK2", more=contact), (LOOPBACK, edge.sip))
            return heard(phone, 0.3)

    assert all(b" 403 " in attempt("wrong") for _ in range(10))
    assert attempt("pw101") == b""
    assert edge.desk is not None
    (told,) = [each for each in edge.desk.wait_for(Bans, 2) if each.bans]
    (ban,) = told.bans
    assert (ban.source, ban.extension) == (LOOPBACK, "101")
    assert abs(ban.until - time.time() - 3600) < 30
    edge.stop()
    edge.start()
    assert edge.desk is not None
    (again,) = edge.desk.wait_for(Bans)[0].bans
    assert (again.source, again.extension, again.why) == (ban.source, ban.extension, ban.why)
    assert attempt("pw101") == b""
    edge.desk.say(LiftBan(LOOPBACK, "101"))
    edge.desk.wait_for(Bans, bans=())
    assert b" 200 " in attempt("pw101")


def test_a_flood_is_cut_and_others_are_served(edge: Running) -> None:
    assert edge.desk is not None
    flood: Refused | None = None
    end = time.monotonic() + 60
    with udp_socket() as own:
        while flood is None and time.monotonic() < end:
            for each in range(200):
                own.sendto(probe(branch=f"z9hG4bK{each}"), (LOOPBACK, edge.sip))
            with contextlib.suppress(TimeoutError):
                (flood,) = edge.desk.wait_for(Refused, refusal="flood", seconds=0.01)
    assert flood is not None
    assert flood.source.startswith(f"udp {LOOPBACK}:")
    time.sleep(1.0)  # for what is still on its way, and for a place in the bucket
    assert b" 401 " in ask(edge.sip, probe(branch="z9hG4bKafter"))


def test_a_second_edge_says_which_port_is_taken(edge: Running, tmp_path: Path) -> None:
    other = Running(tmp_path / "other")
    other.sip = edge.sip
    done = subprocess.run(
        other.command(), capture_output=True, text=True, timeout=15, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 1
    assert f"{LOOPBACK} port {edge.sip} (SIP over UDP) cannot be had" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_line_end_is_answered_by_one(edge: Running) -> None:
    with socket.create_connection((LOOPBACK, edge.sip), 2) as stream:
        stream.sendall(b"\r\n\r\n")
        assert stream.recv(10) == b"\r\n"
        stream.sendall(probe().replace(b"Content-Length: 0\r\n", b""))
        assert b" 400 " in stream.recv(2000)
        assert stream.recv(10) == b""


def test_that_a_telephone_stays_is_not_written_at_once(edge: Running) -> None:
    """Who comes is on disk within moments; a refresh wears out no memory card."""
    kept = edge.state / "bindings.json"
    with udp_socket() as phone:
        register(edge, phone)
        wait_for("the file", kept.exists)
        before = kept.stat().st_mtime_ns
        register(edge, phone, number=3)
        time.sleep(1.5)  # more than between two writings of what is new
        assert kept.stat().st_mtime_ns == before
    with udp_socket() as other:
        register(edge, other, "102")
        wait_for("the new one", lambda: kept.stat().st_mtime_ns != before)
