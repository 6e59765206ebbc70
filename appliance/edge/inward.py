"""Requests from outside: who are you, and may this pass? What may goes to the engine, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.calls.edge import Refusal
from appliance.calls.names import LineId
from appliance.edge import grammar
from appliance.edge.answers import (
    ALLOW,
    TOO_LARGE,
    TOO_MANY_HOPS,
    Answers,
    No,
    Refuse,
    too_large,
    unknown_extension,
    unknown_method,
    unserved,
)
from appliance.edge.binding import Binding, Denied
from appliance.edge.digest import Digest, Proof, Verdict
from appliance.edge.flows import Flow, Output, ToEngine, is_loopback
from appliance.edge.guard import Guard
from appliance.edge.message import Request
from appliance.edge.notifier.notifier import Notifier
from appliance.edge.paths import Paths
from appliance.edge.registrar import Registrar
from appliance.edge.signs import Signs, transaction_of
from appliance.edge.tokens import Place
from appliance.edge.trunks.trunks import Trunks


@dataclass(slots=True)
class Inward:
    """The outside's requests, each through the same checks (section 16.3). Decides on nothing but what it is given."""

    signs: Signs
    digest: Digest
    registrar: Registrar
    guard: Guard
    paths: Paths
    is_account: Callable[[bytes], bool]
    answers: Answers
    refuse: Refuse
    """Reports a refusal."""
    note: Callable[[Refusal | None, Flow, str, float], None]
    """The same, but only once the answer is on its way, if at all."""
    spared: Callable[[str], bool]
    """Does anybody who belongs to us live at this address?"""
    notifier: Notifier
    trunks: Trunks

    def request(self, request: Request, source: Flow, now: float) -> list[Output]:
        """What to do about one request."""
        if request.method == b"ACK":
            return self._acknowledged(request, source, now)
        if request.called.tag and request.method == b"SUBSCRIBE":
            return self._subscribe_again(request, source, now)
        if request.called.tag:
            place = self._own_place(request, source)
            if place is not None:
                return self._pass(request, source, place.device, now, keep=request.method == b"INVITE")
            if self._overlooks_routes(request, source, now):
                return self._pass(request, source, "", now, keep=request.method == b"INVITE")
            return self.answers.no_such_call(request, source, now)
        if request.method == b"CANCEL":
            path = self.paths.find(transaction_of(request, source.host))
            if path is not None:
                return self._pass(request, source, path.device, now)
            return self.answers.no_such_call(request, source, now)
        return self._begins(request, source, now)

    def _acknowledged(self, request: Request, source: Flow, now: float) -> list[Output]:
        """An ACK is never answered: it passes if its call does, else it is for a refusal of ours, or nobody's."""
        tag = self.signs.tokens.tag(request.call_id, request.via.branch, request.number)
        if request.called.tag == tag or request.max_forwards == 0:
            return []
        place = self._own_place(request, source)
        path = None if place else self.paths.find(transaction_of(request, source.host))
        device = place.device if place else path.device if path else None
        if device is None and self._overlooks_routes(request, source, now):
            device = ""
        return [] if device is None else self._forward(request, source, device, [])

    def _overlooks_routes(self, request: Request, source: Flow, now: float) -> bool:
        """Is it of a provider that takes no notice of Record-Route? The engine knows whether there is such a dialog."""
        provider = self._provider(request, source)
        return provider is not None and self.trunks.admit(provider, now)

    def _own_place(self, request: Request, source: Flow) -> Place | None:
        """The place its Route of ours names, if it comes from there: from the same address, or where the telephone
        has moved to since.
        """
        place, _ = self.signs.own_routes(request.all(b"route"))
        if place is None or place.flow.host == source.host:
            return place
        if not place.device:
            return place if self.trunks.together(place.flow.host, source.host) else None
        binding = self.registrar.device(place.device)
        return place if binding is not None and binding.flow.host == source.host else None

    def _begins(self, request: Request, source: Flow, now: float) -> list[Output]:
        """A request outside any dialog: nothing passes without a proof, but for a provider's, known by its address."""
        provider = self._provider(request, source)
        if provider is not None:
            return self._from_provider(request, provider, source, now)
        if self.answers.floods(source, now):
            return []
        if self.answers.looks_around(request, source, now):
            return []
        if request.method == b"OPTIONS" and self.registrar.at(source) is None:
            self.refuse(Refusal.STRANGER, source, "asked what we are", now)
            return []
        trouble = unserved(request)
        if trouble is not None:
            return self.answers.no(request, source, now, trouble)
        if request.method == b"OPTIONS":
            return self.answers.give(request, source, 200, b"OK", ALLOW, b"Accept: application/sdp")
        return self._authenticated(request, source, now)

    def _provider(self, request: Request, source: Flow) -> LineId | None:
        """The provider this comes from. A telephone that shares its address is known by its registration, or by whom it
        says it is: it will be asked to prove that.
        """
        if self.registrar.at(source) is not None or not self.trunks.expects(source.host):
            return None
        uri = grammar.sip_uri((request.called if request.method == b"REGISTER" else request.caller).uri)
        ours = uri is not None and self.is_account(uri.user)
        shared = self.registrar.lives_at(source.host) or is_loopback(source.host)
        if ours and (request.method == b"REGISTER" or (shared and not self.trunks.is_server(source))):
            return None
        return self.trunks.whose(request, source)

    def _from_provider(self, request: Request, provider: LineId, source: Flow, now: float) -> list[Output]:
        """A call in, or one of the few other things a provider may ask."""
        if not self.trunks.admit(provider, now):
            self.refuse(Refusal.FLOOD, source, "too many requests", now)
            return []
        trouble = unserved(request)
        if trouble is not None:
            return self.answers.no(request, source, now, trouble)
        match request.method:
            case b"INVITE" if b"replaces" in request.keys:
                return self.answers.no(request, source, now, _taking_over(f"line {provider}"))
            case b"INVITE":
                outside, inside = self.signs.record_routes(source, "")
                self.paths.keep(transaction_of(request, source.host), source, "", b"", now)
                named = b"X-Qendra-Trunk: " + provider.encode()
                return self._forward(request, source, "", [inside, outside, named])
            case b"OPTIONS":
                return self.answers.give(request, source, 200, b"OK", ALLOW, b"Accept: application/sdp")
            case b"NOTIFY":
                return self.answers.no_such_call(request, source, now, b"Subscription")
            case _:
                return self.answers.no(request, source, now, unknown_method(request))

    def _authenticated(self, request: Request, source: Flow, now: float) -> list[Output]:
        """Ask for a proof, or weigh the one that came. Before anybody has said who there is, nobody is a stranger."""
        if not self.digest.ready:
            return self.answers.give(request, source, 503, b"Service Unavailable", b"Retry-After: 5")
        credentials = request.values(b"authorization") + request.values(b"proxy-authorization")
        datagram = request.fingerprint(source.port) if credentials else b""
        proof = self.digest.judge(credentials, request.method, request.uri, source.host, datagram, now)
        if proof.verdict is not Verdict.NOT_OURS and not self._weighed(proof, source, now):
            self.refuse(Refusal.BANNED, source, _named(proof.user), now)
            return []
        match proof.verdict:
            case Verdict.GOOD:
                self.guard.proved(source, proof.user, now)
                if self.guard.busy(proof.user, now):
                    self.refuse(Refusal.FLOOD, source, f"too many requests by {_named(proof.user)}", now)
                    return []
                return self._proved(request, proof.user, source, now)
            case Verdict.WRONG:
                self._failed(proof, source, now)
                return self.answers.give(request, source, 403, b"Wrong Extension Or Password")
            case Verdict.NOT_OURS:
                self._note_stranger(request, source, now)
            case Verdict.STALE:
                pass
        return self._challenge(request, source, now, stale=proof.verdict is Verdict.STALE)

    def _challenge(self, request: Request, source: Flow, now: float, *, stale: bool) -> list[Output]:
        if request.method == b"REGISTER":
            lines = self.digest.challenge(b"WWW-Authenticate", source.host, now, stale=stale)
            return self.answers.give(request, source, 401, b"Unauthorized", *lines)
        lines = self.digest.challenge(b"Proxy-Authenticate", source.host, now, stale=stale)
        return self.answers.give(request, source, 407, b"Proxy Authentication Required", *lines)

    def _weighed(self, proof: Proof, source: Flow, now: float) -> bool:
        """Is this proof to count? A telephone that is registered just there need not wait for somebody else's tries."""
        return self.guard.bans.weighs(source.host, proof.user, now) or self.registrar.at(source, proof.user) is not None

    def _failed(self, proof: Proof, source: Flow, now: float) -> None:
        refusal = Refusal.WRONG_PASSWORD if proof.known else Refusal.UNKNOWN_USER
        self.refuse(refusal, source, _named(proof.user), now)
        match self.guard.bans.failed(source.host, proof.user, now, spared=self.spared(source.host)):
            case Refusal.GUESSING:
                self.refuse(Refusal.GUESSING, source, "wrong passwords for several extensions", now)
            case Refusal.MISTYPED:
                self.refuse(Refusal.MISTYPED, source, f"too many wrong passwords for {_named(proof.user)}", now)
            case _:
                pass

    def _note_stranger(self, request: Request, source: Flow, now: float) -> None:
        """Every telephone asks without a proof first; only somebody who names no extension of ours is a stranger.

        Takes as long for one as for the other, or the answer's time would tell which extensions there are.
        """
        if request.method == b"REGISTER" or self.registrar.at(source) is not None:
            return
        uri = grammar.sip_uri(request.caller.uri)
        ours = uri is not None and self.is_account(uri.user)
        detail = f"{grammar.printable(request.method, 20)} without a proof"
        self.note(None if ours else Refusal.STRANGER, source, detail, now)

    def _proved(self, request: Request, user: bytes, source: Flow, now: float) -> list[Output]:
        match request.method:
            case b"REGISTER":
                return self._register(request, user, source, now)
            case b"INVITE":
                return self._call(request, user, source, now)
            case b"SUBSCRIBE":
                return self._subscribe(request, user, source, now)
            case _:
                return self.answers.no(request, source, now, unknown_method(request))

    def _register(self, request: Request, user: bytes, source: Flow, now: float) -> list[Output]:
        uri = grammar.sip_uri(request.called.uri)
        if uri is None or uri.user != user:
            detail = f"{_named(user)} wanted to sign on as another"
            reason = b"Another Extension Than The Password's"
            return self.answers.no(request, source, now, No(Refusal.NOT_ALLOWED, detail, 403, reason))
        required = request.values(b"require")
        if required:
            return self.answers.no(request, source, now, unknown_extension(required))
        try:
            contacts = self.registrar.register(user, request, source, now)
        except Denied as denied:
            return self.answers.denied(request, source, now, denied)
        return [*self.answers.give(request, source, 200, b"OK", *contacts), *self.notifier.moved(user, now)]

    def _subscribe(self, request: Request, user: bytes, source: Flow, now: float) -> list[Output]:
        binding = self._device_of(request, user, source)
        try:
            return self.notifier.subscribe(request, user, source, binding.device if binding else "", now)
        except Denied as denied:
            return self.answers.denied(request, source, now, denied)

    def _subscribe_again(self, request: Request, source: Flow, now: float) -> list[Output]:
        """A refresh or an end: from the address the subscription lives at without a proof, from elsewhere with one."""
        known = self.notifier.find(request)
        if known is None:
            return self.answers.no_such_call(request, source, now, b"Subscription")
        if known.flow.host == source.host:
            if self.answers.floods(source, now):
                return []
            return self._subscribe(request, known.watcher, source, now)
        return self._begins(request, source, now)

    def _call(self, request: Request, user: bytes, source: Flow, now: float) -> list[Output]:
        """A new call: the engine is told whose it is, and both sides that we stay on the way."""
        if b"replaces" in request.keys:
            return self.answers.no(request, source, now, _taking_over(_named(user)))
        binding = self._device_of(request, user, source)
        device = binding.device if binding else ""
        outside, inside = self.signs.record_routes(source, device)
        more = [inside, outside, b"X-Qendra-From: " + user]
        if device:
            more.append(b"X-Qendra-Device: " + device.encode())
        self.paths.keep(transaction_of(request, source.host), source, device, b"", now)
        return self._forward(request, source, device, more)

    def _device_of(self, request: Request, user: bytes, source: Flow) -> Binding | None:
        """Which of the extension's telephones calls: the one at this flow, or with this Contact."""
        found = self.registrar.at(source, user)
        if found is not None:
            return found
        contact = grammar.address(request.first(b"contact"))
        for binding in self.registrar.devices(user) if contact else []:
            if contact is not None and binding.contact == contact.uri and binding.flow.host == source.host:
                return binding
        return None

    def _pass(self, request: Request, source: Flow, device: str, now: float, *, keep: bool = False) -> list[Output]:
        if request.max_forwards == 0:
            return self.answers.no(request, source, now, TOO_MANY_HOPS)
        if too_large(request):
            return self.answers.no(request, source, now, TOO_LARGE)
        if keep:
            self.paths.keep(transaction_of(request, source.host), source, device, b"", now)
        return self._forward(request, source, device, [])

    def _forward(self, request: Request, source: Flow, device: str, more: list[bytes]) -> list[Output]:
        answer_to = self.signs.answer_to(request, source)
        via = self.signs.via_inside(answer_to, transaction_of(request, source.host), device)
        about = self.signs.about(source, self.trunks.here(source)) if request.method == b"INVITE" else ()
        return [ToEngine(request.passed_on([via, *more, *about], request.stamped(source.host, source.port)))]


def _taking_over(who: str) -> No:
    """RFC 3891: who knows, or guesses, the marks of a call could take it over."""
    return No(Refusal.NOT_ALLOWED, f"{who} wanted to take over a call", 403, b"Not From Here")


def _named(user: bytes) -> str:
    return f"extension {grammar.printable(user, 20)}"
