"""What the edge writes into messages on their way: its Via, its Record-Routes, and how it reads them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from appliance.edge import grammar
from appliance.edge.flows import Flow, Transport, host_port, is_outside
from appliance.edge.message import Request
from appliance.edge.tokens import COOKIE, Place, Tokens

LOOPBACK = "127.0.0.1"

_BY: dict[Transport, bytes] = {
    "udp": b"",
    "tcp": b";transport=tcp",
    "tls": b";transport=tls",
    "ws": b";transport=ws",
    "wss": b";transport=ws",
}
"""The transport in a SIP URI. RFC 7118 section 5 gives it one word for both kinds of WebSocket; Via has two."""


class Ports(NamedTuple):
    """Where telephones find us."""

    plain: int
    """UDP, TCP and WebSocket."""
    tls: int
    """The last two within TLS."""


class Public(NamedTuple):
    """How telephones out on the internet find us: through a router that passes on what comes to these ports."""

    host: str
    """The router's address; empty: not known, or nobody is to come in."""
    ports: Ports
    routers: frozenset[str] = frozenset()
    """Routers of our own network. A telephone in the office that calls us by the public name comes by the router, which may
    put its own address into the place of the telephone's; by the same way it has to find us again.
    """


class Signs:
    """The edge's two sides by their addresses: `here` names the outside one as a telephone at that flow sees it."""

    def __init__(
        self, tokens: Tokens, here: Callable[[Flow], str], ports: Ports, inside_port: int, engine_port: int
    ) -> None:
        self.tokens = tokens
        self.engine = Flow("udp", LOOPBACK, engine_port)
        self._here = here
        self.ports = ports
        self._inside = b"%b:%d" % (LOOPBACK.encode(), inside_port)
        self.public = Public("", ports)
        """For telephones outside the firm's network. A provider has its own view of us."""
        self.is_provider: Callable[[str], bool] = lambda _: False

    def own(self, flow: Flow) -> str:
        """Our own address on the way there, whatever routers make of it."""
        return self._here(flow)

    def here(self, flow: Flow) -> str:
        """Our address as that telephone or provider sees it."""
        return self.public.host if self._through_router(flow) else self._here(flow)

    def outside(self, flow: Flow) -> bytes:
        """Our address and port on that telephone's side."""
        ports = self.public.ports if self._through_router(flow) else self.ports
        return host_port(self.here(flow), ports[flow.transport in {"tls", "wss"}]).encode()

    def _through_router(self, flow: Flow) -> bool:
        """Does that telephone know us by our public address?"""
        if not self.public.host:
            return False
        return flow.host in self.public.routers or (is_outside(flow.host) and not self.is_provider(flow.host))

    def contact(self, user: bytes, flow: Flow) -> bytes:
        """Our Contact line in a dialog that we are an end of."""
        return b"Contact: <sip:%b@%b%b>" % (user, self.outside(flow), _BY[flow.transport])

    def about(self, flow: Flow, seen: str = "") -> list[bytes]:
        """What the engine is told of who is at the other end of a call, and of us as seen from there: `seen`, if that
        is known better than here.
        """
        return [
            b"X-Qendra-Source: " + flow.host.encode(),
            b"X-Qendra-Transport: " + flow.transport.encode(),
            b"X-Qendra-Here: " + (seen or self.here(flow)).encode(),
        ]

    def via_outside(self, flow: Flow, transaction: bytes, device: str) -> bytes:
        """Our Via line in a request to a telephone."""
        branch = self.tokens.branch(transaction, self.tokens.token(flow, device))
        return b"Via: SIP/2.0/%b %b;branch=%b" % (flow.transport.upper().encode(), self.outside(flow), branch)

    def via_inside(self, answer_to: Flow, transaction: bytes, device: str) -> bytes:
        """Our Via line in a request to the engine; the answer will go to `answer_to`."""
        branch = self.tokens.branch(transaction, self.tokens.token(answer_to, device))
        return b"Via: SIP/2.0/UDP %b;branch=%b" % (self._inside, branch)

    def record_routes(self, flow: Flow, device: str) -> tuple[bytes, bytes]:
        """Our Record-Route lines, outside and inside (RFC 5658): both sides find us at the address that is theirs."""
        token = self.tokens.token(flow, device)
        return (
            b"Record-Route: <sip:%b@%b%b;lr>" % (token, self.outside(flow), _BY[flow.transport]),
            b"Record-Route: <sip:%b@%b;lr>" % (token, self._inside),
        )

    def own_routes(self, routes: list[bytes]) -> tuple[Place | None, list[bytes]]:
        """The place our own topmost Routes name, if any, and the Routes behind them."""
        place: Place | None = None
        for at, route in enumerate(routes):
            address = grammar.address(route)
            uri = grammar.sip_uri(address.uri) if address else None
            mine = self.tokens.place(uri.user) if uri else None
            if mine is None and (uri is None or b"%b:%d" % (uri.host, uri.port) != self._inside):
                return place, routes[at:]
            place = place or mine
        return place, []

    def answer_to(self, request: Request, source: Flow) -> Flow:
        """Where answers go: where the request came from, or the port its Via names (section 18.2.2, RFC 3581)."""
        via = request.via
        if (
            source.transport != "udp"
            or via.host != source.host.encode()
            or grammar.param(via.params, b"rport") is not None
        ):
            return source
        return Flow("udp", source.host, via.port or 5060)


def transaction_of(request: Request, host: str) -> bytes:
    """What a request has in common with its repeats, its CANCEL and the ACK of its refusal (section 16.11)."""
    via = request.via
    branch = via.branch
    if branch.startswith(COOKIE) and len(branch) > len(COOKIE):
        return b"%b\0%b\0%b\0%d" % (branch, via.sent_by, host.encode(), request.number)
    # RFC 2543, which had no branches to rely on.
    return b"%b\0%b\0%b\0%b\0%d" % (request.call_id, request.caller.tag, request.uri, via.sent_by, request.number)
