"""A box behind a router that turns addresses and ports, and its provider beyond: told by `test_router.py`, in networks of
its own.
"""

from __future__ import annotations

import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from appliance.calls.edge import TrunkIs
from appliance.edge.flows import Flow, Send
from appliance.edge.virtual.provider import Provider
from tests.edge.house import SDP, engine_request, reply, request
from tests.edge.running import LOOPBACK, heard
from tests.edge.trunks.test_real import Edge
from tests.edge.trunks.world import NUMBER, trunk
from tests.journeys.network import Network, begin, cable, leave_by, run

BOX, ROUTER, STREET, PROVIDER = "192.168.1.10", "192.168.1.1", "203.0.113.5", "203.0.113.9"


class OnTheStreet:
    """A provider at a socket beyond the router."""

    def __init__(self, street: Network) -> None:
        with street.inside():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind((PROVIDER, 5060))
        self.provider = Provider("example.com", Flow("udp", PROVIDER, 5060), {"shop": "secret"}, Random(1), SDP)
        self.provider.behaviour.trusts = frozenset({STREET})
        self._lock = threading.Lock()
        threading.Thread(target=self._serve, daemon=True).start()

    def does(self, what: Callable[[Provider, float], list[Send]]) -> None:
        with self._lock:
            self._send(what(self.provider, time.monotonic()))

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._socket], [], [], 0.2)
            with self._lock:
                if ready:
                    data, (host, port) = self._socket.recvfrom(65_535)
                    self._send(self.provider.receive(data, Flow("udp", host, port), time.monotonic()))
                self._send(self.provider.tick(time.monotonic()))

    def _send(self, sends: list[Send]) -> None:
        for each in sends:
            self._socket.sendto(each.data, (each.flow.host, each.flow.port))


def tell(edge: Edge, outside: OnTheStreet, engine: socket.socket) -> None:
    """Registered as the router shows us, called there, and calling."""
    assert edge.desk is not None
    edge.providers(trunk(domain=PROVIDER, ping_seconds=1.0))
    told: TrunkIs = edge.until(f"registered with {PROVIDER}")
    customer = outside.provider.customers["shop"]
    assert customer.flow.host == STREET
    assert customer.flow.port != edge.sip, "the router chose another port"
    assert customer.contact.decode() == told.contact == f"sip:shop@{STREET}:{customer.flow.port}"
    assert told.here == STREET

    outside.does(lambda provider, now: provider.call_at(customer.contact, _contact(customer.contact), NUMBER, "1", now))
    invite = heard(engine, 5.0)
    lines = request(invite).lines
    assert b"X-Qendra-Trunk: voip" in lines
    assert f"X-Qendra-Here: {STREET}".encode() in lines
    answer = reply(invite, b"200 OK", tag=b"e", more=[b"Contact: <%b>" % told.contact.encode()])
    engine.sendto(answer, (LOOPBACK, edge.inside))
    assert request(heard(engine, 5.0)).method == b"ACK"
    (call,) = outside.provider.calls
    outside.does(lambda provider, _: provider.hang_up(call))
    assert request(heard(engine, 5.0)).method == b"BYE"

    uri = f"sip:{NUMBER}@{PROVIDER}".encode()
    engine.sendto(engine_request(b"INVITE", uri, more=[b"X-Qendra-Trunk: voip"], body=SDP), (LOOPBACK, edge.inside))
    assert [heard(engine, 5.0).split(b" ")[1] for _ in range(3)] == [b"100", b"180", b"200"]


def _contact(uri: bytes) -> Flow:
    """Where a Contact leads."""
    host, _, port = uri.partition(b"@")[2].decode().partition(":")
    return Flow("udp", host, int(port))


def main(folder: Path) -> int:
    """0 when all went as it should."""
    begin()
    router, street = Network("router"), Network("street")
    cable(None, f"{BOX}/24", "lan", router, f"{ROUTER}/24", "inner")
    cable(router, f"{STREET}/24", "outer", street, f"{PROVIDER}/24", "wire")
    leave_by(None, ROUTER)
    router.turns_addresses("outer")
    run("ip link set lo up")
    edge = Edge(folder, [])
    edge.bind = ("0.0.0.0",)
    edge.start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as engine:
            engine.bind((LOOPBACK, edge.engine))
            tell(edge, OnTheStreet(street), engine)
    finally:
        edge.stop()
        print(edge.log.read_text(), file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
