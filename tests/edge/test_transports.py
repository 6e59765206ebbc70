"""All five transports, over IPv4 and IPv6, on real sockets of one running edge."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from appliance.calls.edge import Refused, Registered
from appliance.calls.names import Transport as Named
from appliance.edge.certificates import describe
from appliance.edge.flows import Transport, host_port
from tests.edge.callers import TRANSPORTS, VIA, Caller, trusting
from tests.edge.house import answer as parsed
from tests.edge.house import engine_request, reply, request
from tests.edge.running import LOOPBACK, Running, heard, probe
from tests.edge.verdicts import VERDICTS, caller_of, message

V6 = "::1"
PEOPLE = {"101", "102", *(caller_of(name) for name in VERDICTS)}


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("edge"), sorted(PEOPLE))
    running.bind = (LOOPBACK, V6)
    running.start()
    yield running
    running.stop()
    text = running.log.read_text()
    assert "Traceback" not in text, text


@pytest.fixture
def engine(edge: Running) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((LOOPBACK, edge.engine))
        yield own


@pytest.mark.parametrize("host", [LOOPBACK, V6])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_calls_both_ways(edge: Running, engine: socket.socket, transport: Transport, host: str) -> None:
    caller = Caller(edge, transport, "102", host)
    caller.sign_on()
    assert edge.desk is not None
    device = edge.desk.wait_for(Registered, extension="102")[-1].devices[0]
    edge.desk.heard.clear()
    assert (device.transport, device.here) == (Named(transport), host)
    assert device.address.startswith(f"{transport} {caller.host}:")
    port = edge.tls if transport in {"tls", "wss"} else edge.sip

    caller.proved("INVITE", f"sip:600@{caller.host}", to=f"<sip:600@{caller.host}>", body="v=0\r\n")
    got = request(heard(engine))
    about = [line for line in got.lines if line.startswith((b"X-Qendra-S", b"X-Qendra-T", b"X-Qendra-H"))]
    words = (("Source", host), ("Transport", transport), ("Here", host))
    assert about == [f"X-Qendra-{name}: {value}".encode() for name, value in words]
    inside, outside = got.all(b"record-route")
    named = {"udp": "", "wss": ";transport=ws"}.get(transport, f";transport={transport}")
    assert outside.endswith(f"@{host_port(host, port)}{named};lr>".encode())
    engine.sendto(reply(whole(got), b"486 Busy Here", tag=b"e"), (LOOPBACK, edge.inside))
    assert caller.status() == 486

    branch = f"z9hG4bK-{transport}-{len(host)}".encode()
    uri = f"sip:102@{LOOPBACK};ob={device.device}".encode()
    invite = engine_request(b"INVITE", uri, branch=branch, call_id=branch)
    engine.sendto(invite, (LOOPBACK, edge.inside))
    rung = request(caller.wire.hear(10.0))
    assert rung.uri == b"sip:102@qvdaqdovq.invalid;transport=ws"
    assert rung.all(b"via")[0].startswith(f"SIP/2.0/{VIA[transport]} {host_port(host, port)};".encode())
    caller.wire.send(reply(whole(rung), b"180 Ringing", tag=b"p"))
    ringing = parsed(heard(engine))
    assert ringing.status == 180
    assert b"X-Qendra-Transport: " + transport.encode() in ringing.lines
    assert inside.startswith(b"<sip:")
    caller.close()


def whole(got: object) -> bytes:
    assert hasattr(got, "lines")
    return b"\r\n".join([got.start, *got.lines, b"", got.body])  # type: ignore[attr-defined]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_messages_of_rfc_4475(edge: Running, transport: Transport) -> None:
    caller = Caller(edge, transport, "101")
    caller.sign_on()
    found, wanted = {}, {}
    is_stream = transport in {"tcp", "tls"}
    for name, verdict in VERDICTS.items():
        answers = verdict.on_stream if is_stream else (verdict.first,) if verdict.first else ()
        caller.wire.send(message(name) + (b"\r\n\r\n" if is_stream else b""))
        said = [caller.status() for _ in answers]
        # That nothing more comes shows in the answer to what is asked next; a stream may have lost where that begins.
        if is_stream and (name == "clerr" or caller.ask(caller.message("OPTIONS")) != 200):
            assert verdict.stream is not None or 400 in answers or not answers, name
            caller.again()
        elif not is_stream:
            said += [] if (status := caller.ask(caller.message("OPTIONS"))) == 200 else [status]
        found[name], wanted[name] = tuple(said), answers
    caller.close()
    assert found == wanted


@pytest.mark.parametrize("host", [LOOPBACK, V6])
def test_the_certificate_names_the_box_at_its_addresses(edge: Running, host: str) -> None:
    context = trusting(edge.state)
    context.check_hostname = True
    for name in (host, "qendra.local", socket.gethostname().partition(".")[0]):
        with (
            socket.create_connection((host, edge.tls), 10) as plain,
            context.wrap_socket(plain, server_hostname=name) as within,
        ):
            assert within.version() == "TLSv1.3"
    with (
        socket.create_connection((host, edge.tls), 10) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
        context.wrap_socket(plain, server_hostname="other.example"),
    ):
        pass
    known = describe(edge.state)
    assert known is not None
    assert known.own


def test_what_is_no_sip_within_tls_is_refused_and_told(edge: Running) -> None:
    assert edge.desk is not None
    other = "127.0.0.2", 0  # of whom nothing has been told yet
    context = trusting(edge.state)
    with socket.create_connection((LOOPBACK, edge.tls), 10, other) as plain, context.wrap_socket(plain) as within:
        within.sendall(b"GET /index.html HTTP/1.1\r\nHost: box\r\n\r\n")
        assert within.recv(4096).startswith(b"HTTP/1.1 426 ")
        assert within.recv(4096) == b""
    edge.desk.wait_for(Refused, detail="asked by HTTP for something else")
    with socket.create_connection((LOOPBACK, edge.tls), 10, other) as plain, context.wrap_socket(plain) as within:
        within.sendall(b"\xff" * 40_000)
        assert within.recv(4096) == b""
    edge.desk.wait_for(Refused, detail="a head without end")
    with socket.create_connection((LOOPBACK, edge.tls), 10, other) as plain:
        plain.sendall(probe())
        plain.recv(4096)
        edge.desk.wait_for(Refused, detail="spoke no TLS")
