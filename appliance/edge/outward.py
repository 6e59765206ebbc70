"""Requests from the engine: to the telephone they name, to the one their dialog is with, or back with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.edge import grammar
from appliance.edge.binding import Binding
from appliance.edge.fields import OURS
from appliance.edge.flows import Flow, Output, Send, ToEngine
from appliance.edge.message import Request
from appliance.edge.paths import Paths
from appliance.edge.registrar import Registrar
from appliance.edge.signs import Signs, transaction_of
from appliance.edge.tokens import Place
from appliance.edge.trunks.calls import named_provider
from appliance.edge.trunks.trunks import Trunks

SOON = 6.0
"""Seconds after its connection ended in which a telephone is likely to be back. A call for it is not answered so long,
because the engine then asks again; after that the caller is better sent on than kept."""


class Gone(Exception):
    """There is no way to the telephone. `status` 0: there will be soon, so no answer; the engine asks again."""

    def __init__(self, status: int, reason: bytes) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(slots=True)
class Outward:
    """The engine's requests."""

    signs: Signs
    registrar: Registrar
    paths: Paths
    is_account: Callable[[bytes], bool]
    is_live: Callable[[Flow], bool]
    """Can something be sent there: any UDP flow, or a connection that is up?"""
    trunks: Trunks

    def request(self, request: Request, now: float) -> list[Output]:
        """What to do about one request."""
        place, routes = self.signs.own_routes(request.all(b"route"))
        transaction = transaction_of(request, self.signs.engine.host)
        known = self.paths.find(transaction) if request.method in {b"INVITE", b"CANCEL", b"ACK"} else None
        if known is not None and not self.is_live(known.flow):
            known = None
        if request.method == b"ACK" and request.called.tag == self._tag(request):
            return []
        try:
            if request.max_forwards == 0:
                raise Gone(483, b"Too Many Hops")
            if _for_provider(request):
                return self.trunks.call(request, transaction, now)
            if known is not None:
                flow, device, uri = known.flow, known.device, known.uri
            elif place is not None:
                flow, device, uri = self._in_dialog(place), place.device, b""
            else:
                binding = self._named(request, now)
                flow, device, uri = binding.target, binding.device, binding.request_uri
        except Gone as gone:
            return self._refused(request, gone)
        if request.method == b"INVITE" and known is None:
            self.paths.keep(transaction, flow, device, uri, now)
        via = self.signs.via_outside(flow, transaction, device)
        # A provider sees us behind a router and has to be told to answer to where it does (RFC 3581).
        top = [via if device else via + b";rport"]
        if request.method == b"INVITE" and not request.called.tag:
            top += self.signs.record_routes(flow, device)
        stamped = request.stamped(self.signs.engine.host, self.signs.engine.port)
        data = request.passed_on(top, stamped, uri=uri, routes=routes)
        return [Send(flow, data)] if device else self.trunks.send(flow, data, now)

    def answer_flow(self, place: Place) -> Flow:
        """Where the engine's answer goes: where its request came from, or where that telephone is now."""
        if self.is_live(place.flow):
            return place.flow
        binding = self.registrar.device(place.device)
        return place.flow if binding is None else binding.target

    def _in_dialog(self, place: Place) -> Flow:
        """Where the telephone of this dialog is now."""
        binding = self.registrar.device(place.device)
        if binding is not None:
            if binding.lost_at is not None:
                raise Gone(0, b"")
            return binding.target
        if self.is_live(place.flow):
            return place.flow
        provider = None if place.device else self.trunks.way_to(place.flow)
        if provider is None:
            raise Gone(481, b"Call/Transaction Does Not Exist")
        return provider

    def _named(self, request: Request, now: float) -> Binding:
        """The telephone the Request-URI names: `;ob=` picks the device, else the one of its extension heard last."""
        uri = grammar.sip_uri(request.uri)
        if request.called.tag:
            raise Gone(481, b"Call/Transaction Does Not Exist")
        if uri is None or not self.is_account(uri.user):
            raise Gone(404, b"Not Found")
        wanted = (grammar.param(uri.params, b"ob") or b"").decode("latin-1")
        devices = [each for each in self.registrar.devices(uri.user) if wanted in {"", each.device}]
        for device in devices:
            if device.lost_at is None:
                return device
        if any(device.lost_at is not None and now - device.lost_at < SOON for device in devices):
            raise Gone(0, b"")
        raise Gone(480, b"Temporarily Unavailable")

    def _refused(self, request: Request, gone: Gone) -> list[Output]:
        if request.method == b"ACK" or not gone.status:
            return []
        stamped = request.stamped(self.signs.engine.host, self.signs.engine.port)
        return [ToEngine(request.answered(gone.status, gone.reason, stamped, self._tag(request), []))]

    def _tag(self, request: Request) -> bytes:
        return self.signs.tokens.tag(request.call_id, request.via.branch, request.number)


def _for_provider(request: Request) -> bool:
    """Does it begin a call that the engine wants to go to a provider?"""
    return (
        request.method == b"INVITE"
        and OURS in request.keys
        and not request.called.tag
        and named_provider(request) != ""
    )
