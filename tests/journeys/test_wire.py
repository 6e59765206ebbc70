"""The look at the wire finds what is wrong on it: else that nothing was found would mean nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.journeys.processes import LOOPBACK, free_ports, wait_for
from tests.journeys.wire import Wire

MESSAGE = (
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\nFrom: <sip:101@127.0.0.1>;tag=a\r\n"
    "To: <sip:102@127.0.0.1>;tag=b\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: {length}\r\n\r\n"
)


@pytest.mark.parametrize(("length", "malformed"), [("0", False), ("many", True)])
def test_what_is_malformed_is_found(tmp_path: Path, length: str, *, malformed: bool) -> None:
    port = free_ports(1)
    wire = Wire(tmp_path)
    wire.listen(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        box.bind((LOOPBACK, port))

        def is_seen() -> bool:
            box.sendto(MESSAGE.format(length=length).encode(), (LOOPBACK, 9))
            return wire.captured() > 0

        wait_for("the capture has it", is_seen, every=0.2)
    wire.close()
    assert bool(wire.malformed()) is malformed
