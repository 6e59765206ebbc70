"""Requests from telephones: who are you, and may this pass? What may goes to the engine, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.calls.edge import Refusal
from appliance.edge import grammar
from appliance.edge.binding import Binding, Denied
from appliance.edge.digest import Digest, Proof, Verdict
from appliance.edge.flows import Flow, Output, Send, ToEngine
from appliance.edge.guard import Guard
from appliance.edge.message import Garbled, Request
from appliance.edge.notifier.notifier import Notifier
from appliance.edge.paths import Paths
from appliance.edge.registrar import Registrar
from appliance.edge.signs import Signs, transaction_of
from appliance.edge.tokens import Place

ALLOW = b"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, SUBSCRIBE, INFO, UPDATE, PRACK, REFER, NOTIFY"

Refuse = Callable[[Refusal, Flow, str, float], None]


@dataclass(slots=True)
class Inward:
    """The outside's requests, each through the same checks (section 16.3). Decides on nothing but what it is given."""

    signs: Signs
    digest: Digest
    registrar: Registrar
    guard: Guard
    paths: Paths
    refuse: Refuse
    """Reports a refusal."""
    is_account: Callable[[bytes], bool]
    notifier: Notifier

    def request(self, request: Request, source: Flow, now: float) -> list[Output]:
        """What to do about one request."""
        if request.method == b"ACK":
            return self._acknowledged(request, source)
        if request.called.tag and request.method == b"SUBSCRIBE":
            return self._subscribe_again(request, source, now)
        if request.called.tag:
            place = self._own_place(request, source)
            if place is not None:
                return self._pass(request, source, place.device, now, keep=request.method == b"INVITE")
            return self._unless_flooding(request, source, now, 481, b"Call/Transaction Does Not Exist")
        if request.method == b"CANCEL":
            path = self.paths.find(transaction_of(request, source.host))
            if path is not None:
                return self._pass(request, source, path.device, now)
            return self._unless_flooding(request, source, now, 481, b"Call/Transaction Does Not Exist")
        return self._begins(request, source, now)

    def garbled(self, garbled: Garbled, source: Flow, now: float) -> list[Output]:
        """Say no to what is no message, if there is a way to say it."""
        self.refuse(Refusal.GARBLED, source, garbled.reason, now)
        request = garbled.request
        if request is None or request.method == b"ACK" or not self.guard.admit(source.host, now):
            return []
        reason = b"Version Not Supported" if garbled.status == 505 else b"Bad Request"
        return self._answer(request, source, garbled.status, reason)

    def _acknowledged(self, request: Request, source: Flow) -> list[Output]:
        """An ACK is never answered: it passes if its call does, else it is for a refusal of ours, or nobody's."""
        tag = self.signs.tokens.tag(request.call_id, request.via.branch, request.number)
        if request.called.tag == tag or request.max_forwards == 0:
            return []
        place = self._own_place(request, source)
        path = None if place else self.paths.find(transaction_of(request, source.host))
        device = place.device if place else path.device if path else None
        return [] if device is None else self._forward(request, source, device, [])

    def _own_place(self, request: Request, source: Flow) -> Place | None:
        """The place its Route of ours names, if it comes from there: from the same address, or where the telephone
        has moved to since.
        """
        place, _ = self.signs.own_routes(request.all(b"route"))
        if place is None or place.flow.host == source.host:
            return place
        binding = self.registrar.device(place.device)
        return place if binding is not None and binding.flow.host == source.host else None

    def _begins(self, request: Request, source: Flow, now: float) -> list[Output]:
        """A request outside any dialog: nothing passes without a proof."""
        if not self.guard.admit(source.host, now):
            self.refuse(Refusal.FLOOD, source, "too many requests", now)
            return []
        agent = request.first(b"user-agent")
        if self.guard.scans(agent):
            self.refuse(Refusal.STRANGER, source, f"calls itself {grammar.printable(agent, 40)}", now)
            return []
        if request.method == b"OPTIONS" and self.registrar.at(source) is None:
            self.refuse(Refusal.STRANGER, source, "asked what we are", now)
            return []
        trouble = _unserved(request)
        if trouble is not None:
            return self._answer(request, source, *trouble)
        if request.method == b"OPTIONS":
            return self._answer(request, source, 200, b"OK", ALLOW, b"Accept: application/sdp")
        return self._authenticated(request, source, now)

    def _authenticated(self, request: Request, source: Flow, now: float) -> list[Output]:
        """Ask for a proof, or weigh the one that came. Before anybody has said who there is, nobody is a stranger."""
        if not self.digest.ready:
            return self._answer(request, source, 503, b"Service Unavailable", b"Retry-After: 5")
        credentials = request.values(b"authorization") + request.values(b"proxy-authorization")
        datagram = request.fingerprint(source.port) if credentials else b""
        proof = self.digest.judge(credentials, request.method, request.uri, source.host, datagram, now)
        if proof.user and self.guard.banned(source.host, now, proof.user):
            self.refuse(Refusal.BANNED, source, _named(proof.user), now)
            return []
        match proof.verdict:
            case Verdict.GOOD:
                self.guard.proved(source.host, now)
                return self._proved(request, proof.user, source, now)
            case Verdict.WRONG:
                self._failed(proof, source, now)
                return self._answer(request, source, 403, b"Wrong Extension Or Password")
            case Verdict.NOT_OURS:
                self._note_stranger(request, source, now)
            case Verdict.STALE:
                pass
        return self._challenge(request, source, now, stale=proof.verdict is Verdict.STALE)

    def _challenge(self, request: Request, source: Flow, now: float, *, stale: bool) -> list[Output]:
        if request.method == b"REGISTER":
            lines = self.digest.challenge(b"WWW-Authenticate", source.host, now, stale=stale)
            return self._answer(request, source, 401, b"Unauthorized", *lines)
        lines = self.digest.challenge(b"Proxy-Authenticate", source.host, now, stale=stale)
        return self._answer(request, source, 407, b"Proxy Authentication Required", *lines)

    def _failed(self, proof: Proof, source: Flow, now: float) -> None:
        refusal = Refusal.WRONG_PASSWORD if proof.known else Refusal.UNKNOWN_USER
        self.refuse(refusal, source, _named(proof.user), now)
        if self.guard.failed(source.host, proof.user, now, shared=self.registrar.lives_at(source.host)):
            self.refuse(Refusal.BANNED, source, f"too many wrong passwords for {_named(proof.user)}", now)

    def _note_stranger(self, request: Request, source: Flow, now: float) -> None:
        """Every telephone asks without a proof first; only somebody who names no extension of ours is a stranger."""
        uri = grammar.sip_uri(request.caller.uri)
        ours = uri is not None and self.is_account(uri.user)
        if ours or request.method == b"REGISTER" or self.registrar.at(source) is not None:
            return
        self.refuse(Refusal.STRANGER, source, f"{grammar.printable(request.method, 20)} without a proof", now)

    def _proved(self, request: Request, user: bytes, source: Flow, now: float) -> list[Output]:
        match request.method:
            case b"REGISTER":
                return self._register(request, user, source, now)
            case b"INVITE":
                return self._call(request, user, source, now)
            case b"SUBSCRIBE":
                return self._subscribe(request, user, source, now)
            case _:
                return self._answer(request, source, 405, b"Method Not Allowed", ALLOW)

    def _register(self, request: Request, user: bytes, source: Flow, now: float) -> list[Output]:
        uri = grammar.sip_uri(request.called.uri)
        if uri is None or uri.user != user:
            return self._answer(request, source, 403, b"Another Extension Than The Password's")
        required = request.values(b"require")
        if required:
            return self._answer(request, source, 420, b"Bad Extension", b"Unsupported: " + b", ".join(required))
        try:
            contacts = self.registrar.register(user, request, source, now)
        except Denied as denied:
            return self._answer(request, source, denied.status, denied.reason, *denied.more)
        return [*self._answer(request, source, 200, b"OK", *contacts), *self.notifier.moved(user, now)]

    def _subscribe(self, request: Request, user: bytes, source: Flow, now: float) -> list[Output]:
        binding = self._device_of(request, user, source)
        try:
            return self.notifier.subscribe(request, user, source, binding.device if binding else "", now)
        except Denied as denied:
            return self._answer(request, source, denied.status, denied.reason, *denied.more)

    def _subscribe_again(self, request: Request, source: Flow, now: float) -> list[Output]:
        """A refresh or an end: from the address the subscription lives at without a proof, from elsewhere with one."""
        known = self.notifier.find(request)
        if known is None:
            return self._unless_flooding(request, source, now, 481, b"Subscription Does Not Exist")
        if known.flow.host == source.host:
            return self._subscribe(request, known.watcher, source, now)
        return self._begins(request, source, now)

    def _call(self, request: Request, user: bytes, source: Flow, now: float) -> list[Output]:
        """A new call: the engine is told whose it is, and both sides that we stay on the way."""
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
            return self._answer(request, source, 483, b"Too Many Hops")
        if keep:
            self.paths.keep(transaction_of(request, source.host), source, device, b"", now)
        return self._forward(request, source, device, [])

    def _forward(self, request: Request, source: Flow, device: str, more: list[bytes]) -> list[Output]:
        answer_to = self.signs.answer_to(request, source)
        via = self.signs.via_inside(answer_to, transaction_of(request, source.host), device)
        about = self.signs.about(source) if request.method == b"INVITE" else ()
        return [ToEngine(request.passed_on([via, *more, *about], request.stamped(source.host, source.port)))]

    def _unless_flooding(self, request: Request, source: Flow, now: float, status: int, reason: bytes) -> list[Output]:
        if not self.guard.admit(source.host, now):
            self.refuse(Refusal.FLOOD, source, "too many requests", now)
            return []
        return self._answer(request, source, status, reason)

    def _answer(self, request: Request, source: Flow, status: int, reason: bytes, *more: bytes) -> list[Output]:
        tag = self.signs.tokens.tag(request.call_id, request.via.branch, request.number)
        data = request.answered(status, reason, request.stamped(source.host, source.port), tag, list(more))
        return [Send(self.signs.answer_to(request, source), data)]


def _unserved(request: Request) -> tuple[int, bytes, bytes] | tuple[int, bytes] | None:
    """The answer to a request no proof would help (section 16.3); None when there is nothing wrong with it."""
    if grammar.sip_uri(request.uri) is None:
        return 416, b"Unsupported URI Scheme"
    if request.max_forwards == 0:
        return 483, b"Too Many Hops"
    required = request.values(b"proxy-require")
    if required:
        return 420, b"Bad Extension", b"Unsupported: " + b", ".join(required)
    return None


def _named(user: bytes) -> str:
    return f"extension {grammar.printable(user, 20)}"
