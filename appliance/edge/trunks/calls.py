"""Calls out: each INVITE goes to the best server that lives, and on to the next when that one is silent or cannot.

This is the one place where the edge remembers something of a call, and only until a server has taken it. After a restart
it knows nothing of it, and passes everything on as it comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice, takewhile

from appliance.edge.fields import OURS
from appliance.edge.flows import Flow, Output, Send, ToEngine
from appliance.edge.message import Request, Response, parse
from appliance.edge.paths import KEPT, Paths
from appliance.edge.signs import Signs
from appliance.edge.trunks import farewell
from appliance.edge.trunks.location import Server
from appliance.edge.trunks.provider import Provider, retry_after
from appliance.edge.trunks.ways import Ways
from appliance.edge.trunks.words import silent

PATIENCE = 2.5
"""Seconds a server may say nothing at all to an INVITE; by then the engine has sent it three times."""
TRIES = 4
"""Servers that one call tries."""
MOST = 1024
"""Calls out remembered; the oldest make room."""


@dataclass(slots=True)
class _Call:
    provider: Provider
    request: Request
    """As the engine wrote it."""
    transaction: bytes
    ends: float
    server: Server | None = None
    branch: bytes = b""
    due: float = 0.0
    """When the server it is with is given up, if that has said nothing by then."""
    rings: bool = False
    sent: dict[bytes, tuple[Flow, bytes]] = field(default_factory=dict)
    """Every INVITE that left, by our branch."""
    cancelled: set[bytes] = field(default_factory=set)


class Calls:
    """Those on their way out."""

    def __init__(self, signs: Signs, paths: Paths, ways: Ways) -> None:
        self._signs = signs
        self._paths = paths
        self._ways = ways
        self._calls: dict[bytes, _Call] = {}
        self._branches: dict[bytes, _Call] = {}
        self._unanswered: dict[bytes, _Call] = {}

    def begin(self, request: Request, transaction: bytes, provider: Provider, now: float) -> list[Output]:
        """An INVITE of the engine, or its repeat."""
        call = self._calls.get(transaction)
        if call is None:
            if len(self._calls) >= MOST:
                self._forget(next(iter(self._calls.values())))
            call = self._calls[transaction] = _Call(provider, request, transaction, now + KEPT)
            return self._next(call, now)
        if call.server is None:
            return [self.refusal(call.request, call.provider.status().words)]
        flow, data = call.sent[call.branch]
        return [Send(flow, data)] if flow.transport == "udp" else []

    def answered(self, response: Response, now: float) -> list[Output] | None:
        """An answer to an INVITE that we took to a provider; None: let it pass to the engine."""
        branch = response.via.branch
        call = self._branches.get(branch)
        if call is None:
            return None
        flow, data = call.sent[branch]
        call.provider.lives(flow, now)
        if branch != call.branch:
            return self._dismissed(call, branch, response)
        if response.method != b"INVITE":
            return None
        self._unanswered.pop(call.transaction, None)
        call.rings = call.rings or 100 < response.status < 200
        if response.status == 503:
            wait, another = retry_after(response), not call.rings and self._another(call)
            # Without Retry-After it may be about this one call (RFC 3261 section 21.5.4).
            if wait or another:
                call.provider.declines(flow, 503, now, wait)
            if another:
                invite = parse(data)
                ack = [Send(flow, farewell.ack_refusal(invite, response))] if isinstance(invite, Request) else []
                return [*ack, *self._next(call, now)]
        elif response.status >= 180:
            call.provider.servers.served(flow)
        return None

    def disconnected(self, flow: Flow, now: float) -> list[Output]:
        """A connection has ended: calls that nobody there has answered yet go elsewhere."""
        lost = [each for each in self._unanswered.values() if each.server and each.server.flow == flow]
        return [output for call in lost for output in self._next(call, now)]

    def next_deadline(self) -> float | None:
        """When a server is given up, or a call forgotten."""
        oldest = [each.ends for each in islice(self._calls.values(), 1)]
        return min([*oldest, *(each.due for each in self._unanswered.values())], default=None)

    def tick(self, now: float) -> list[Output]:
        """Take calls on from servers that are silent."""
        for call in [*takewhile(lambda each: each.ends <= now, self._calls.values())]:
            self._forget(call)
        out: list[Output] = []
        for call in [each for each in self._unanswered.values() if each.due <= now]:
            if call.server is not None:
                call.provider.failed(call.server.flow, silent(call.server.flow), now)
            out += self._next(call, now)
        return out

    def _another(self, call: _Call) -> bool:
        tried = {flow for flow, _ in call.sent.values()}
        return len(tried) < TRIES and call.provider.call_server(tried) is not None

    def _next(self, call: _Call, now: float) -> list[Output]:
        """To the next server; with none left, the engine is told at once."""
        tried = {flow for flow, _ in call.sent.values()}
        server = call.provider.call_server(tried) if len(tried) < TRIES else None
        call.server = server
        if server is None:
            self._unanswered.pop(call.transaction, None)
            return [self.refusal(call.request, call.provider.status().words)]
        flow = server.flow
        via = self._signs.via_outside(flow, call.transaction, "")
        stamped = call.request.stamped(self._signs.engine.host, self._signs.engine.port)
        top = [via + b";rport", *self._signs.record_routes(flow, "")]
        data = call.request.passed_on(top, stamped, routes=call.provider.routes)
        call.branch = via.rpartition(b"branch=")[2]
        call.sent[call.branch] = flow, data
        call.due = now + PATIENCE
        self._branches[call.branch] = self._unanswered[call.transaction] = call
        self._paths.keep(call.transaction, flow, "", b"", now)
        return self._ways.send(server, data, now)

    def refusal(self, request: Request, words: str) -> Output:
        """The engine's INVITE goes nowhere, for this reason."""
        tag = self._signs.tokens.tag(request.call_id, request.via.branch, request.number)
        stamped = request.stamped(self._signs.engine.host, self._signs.engine.port)
        warning = b'Warning: 399 qendra "%b"' % words.replace("\\", "").replace('"', "'").encode()
        return ToEngine(request.answered(503, b"Service Unavailable", stamped, tag, [warning]))

    def _dismissed(self, call: _Call, branch: bytes, response: Response) -> list[Output]:
        """A server that the call has left says something after all."""
        flow, data = call.sent[branch]
        invite = parse(data)
        if response.method != b"INVITE" or not isinstance(invite, Request):
            return []
        if response.status >= 300:
            return [Send(flow, farewell.ack_refusal(invite, response))]
        if response.status >= 200:
            return [Send(flow, each) for each in farewell.ack_and_bye(invite, response)]
        if branch in call.cancelled:
            return []
        call.cancelled.add(branch)
        return [Send(flow, farewell.cancel(invite))]

    def _forget(self, call: _Call) -> None:
        del self._calls[call.transaction]
        self._unanswered.pop(call.transaction, None)
        for branch in call.sent:
            self._branches.pop(branch, None)


def named_provider(request: Request) -> str:
    """The provider that the engine wants this call to go to; empty when it is for a telephone."""
    for key, line in zip(request.keys, request.lines, strict=True):
        name, _, value = line.partition(b":")
        if key == OURS and name.strip().lower() == b"x-qendra-trunk":
            return value.strip().decode("utf-8", "replace")
    return ""
