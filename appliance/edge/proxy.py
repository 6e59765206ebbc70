"""The edge's deciding part: bytes and time in, bytes to send out. No socket, no clock, no file.

A record-routing, stateless proxy (RFC 3261 section 16.11): it keeps no call. What it must know about one stands, under
a seal of ours, in the messages themselves, so calls outlive a restart of the edge.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from appliance.calls.edge import (
    Account,
    Accounts,
    Ban,
    Bans,
    Device,
    Lamp,
    LiftBan,
    Mailbox,
    Outside,
    Refusal,
    Registered,
    Trunk,
)
from appliance.calls.names import Extension, Transport
from appliance.edge.answers import Answers
from appliance.edge.binding import Binding
from appliance.edge.digest import Digest
from appliance.edge.directory import Directory
from appliance.edge.flows import Flow, Found, LookUp, Message, Output, Send, Tell, ToEngine
from appliance.edge.guard import Guard, Limits
from appliance.edge.inward import Inward
from appliance.edge.message import Garbled, Request, Response, is_keepalive, parse
from appliance.edge.notifier.notifier import Notifier
from appliance.edge.outward import Outward
from appliance.edge.paths import Paths
from appliance.edge.pings import Pings, options
from appliance.edge.reach.reach import ReachCheck
from appliance.edge.refusals import Refusals
from appliance.edge.registrar import Registrar
from appliance.edge.sieve import Sieve, Strangers
from appliance.edge.signs import Public, Signs
from appliance.edge.tokens import Place
from appliance.edge.trunks.trunks import Trunks

log = logging.getLogger("qendra.edge")

PROBE_EVERY = 0.5
"""Seconds between two questions whether the engine is back."""
BANS_EVERY = 1.0
"""Seconds between two tellings of the bans, however many there are."""
MOST_NOTES = 256
"""Refusals that wait for the next tick; a driver ticks after every stretch of datagrams."""


@dataclass(slots=True)
class Counters:
    """What happened to messages, for the log and for tests."""

    outside: int = 0
    inside: int = 0
    garbled: int = 0
    dropped: int = 0
    """Answers from outside to nothing we sent."""
    internal_errors: int = 0
    """Faults of ours; each is logged."""


class Proxy:
    """Every method answers what to do about what has just happened."""

    def __init__(
        self,
        signs: Signs,
        limits: Limits,
        dice: Random,
        calendar: Callable[[float], float] = lambda now: now,
        sound_ports: str = "",
    ) -> None:
        """`calendar` answers which UTC second a monotonic one is; `sound_ports` are named to the owner, `10000-10999`."""
        self._signs = signs
        self._accounts: dict[bytes, Account] = {}
        self._changed: dict[bytes, None] = {}
        self._live: set[Flow] = set()
        self._refusals = Refusals()
        self._refused: list[Output] = []
        self._notes: list[tuple[Refusal | None, Flow, str]] = []
        self._notes_since = 0.0
        self._calendar = calendar
        self._bans_told = 0
        self._bans_told_at = -BANS_EVERY
        self._engine_down = False
        self._next_probe = 0.0
        self._probes = 0
        self._paths = Paths()
        self._digest = Digest(signs.tokens)
        self.counters = Counters()
        self._strangers = Strangers()
        self.registrar = Registrar(signs.tokens.device, self._note)
        self.guard = Guard(limits, signs.tokens, self._registered_at, self._known_at)
        self._pings = Pings(signs, self.registrar)
        self.directory = Directory(dice)
        self.trunks = Trunks(signs, self._paths, self.directory, self._is_live, dice)
        self._outward = Outward(signs, self.registrar, self._paths, self._is_account, self._is_live, self.trunks)
        signs.is_provider = self.trunks.expects
        self.reach = ReachCheck(signs, self.directory, sound_ports, calendar, self._seen_at, self.registrar.hosts)
        self.notifier = Notifier(signs, self.registrar, self._is_account, self._is_live)
        self._answers = Answers(signs, self.guard, self._refuse, self._known_at)
        self._inward = Inward(
            signs, self._digest, self.registrar, self.guard, self._paths, self._is_account, self._answers,
            self._refuse, self._note_later, self._known_at, self.notifier, self.trunks,
        )  # fmt: skip

    def receive(self, data: bytes, source: Flow, now: float) -> list[Output]:
        """A datagram, or one framed message of a stream, from outside."""
        self.counters.outside += 1
        return self._guarded(lambda: self._from_outside(data, source, now), now)

    def receive_inside(self, data: bytes, now: float) -> list[Output]:
        """A datagram from the engine."""
        self.counters.inside += 1
        return self._guarded(lambda: self._from_engine(data, now), now)

    def broken(self, garbled: Garbled, source: Flow, now: float) -> list[Output]:
        """A stream that cannot be cut into messages any more."""
        self.counters.garbled += 1
        return self._guarded(lambda: self._answers.garbled(garbled, source, now), now)

    def objection(self, source: Flow, now: float) -> tuple[Refusal, str] | None:
        """Why a connection from there, or what was sent from there, is not to be looked at; None: it may come in."""
        if self.guard.bans.silenced(source.host) and not self.trunks.expects(source.host):
            return Refusal.BANNED, "still"
        if self.guard.exhausted(source, now):
            return Refusal.FLOOD, "too many requests"
        return None

    def sieve(self, lost: int, now: float) -> Sieve | None:
        """To be asked every second: what is to be let in over UDP from now on; None: all.

        Args:
            lost: datagrams lost since the beginning because nobody had time to hear them.
            now: monotonic seconds.
        """
        before, share = self._strangers.share, self._strangers.turn(lost, now)
        if share < 1.0 <= before:
            log.warning("strangers flood us; of their datagrams the kernel lets in one in %d", round(1 / share))
        if share >= 1.0:
            return None
        known = (*self.guard.proved_lately(now), *self.registrar.hosts(), *self.trunks.addresses())
        return Sieve(share, known, tuple(each.host for each in self.guard.bans.standing() if not each.name))

    def turned_away(self, source: Flow, refusal: Refusal, detail: str, now: float) -> list[Output]:
        """A connection came to nothing. It costs its address as much as a request without a proof does."""
        self.guard.admit(source, now)
        self._refuse(refusal, source, detail, now)
        return self._told(now)

    def engine_refused(self, data: bytes, now: float) -> list[Output]:
        """Nobody took what we sent to the engine: answer in its place, and ask until it is back."""
        if not self._engine_down:
            log.warning(
                "the engine does not answer on port %d; calls are refused until it does", self._signs.engine.port
            )
            self._engine_down = True
            self._next_probe = now + PROBE_EVERY
        return self._guarded(lambda: self._in_its_place(data), now)

    def connected(self, flow: Flow, now: float) -> list[Output]:
        """A connection is up, one that came or one that we opened."""
        self._live.add(flow)
        return self.trunks.connected(flow, now)

    def disconnected(self, flow: Flow, now: float, why: str = "") -> list[Output]:
        """A connection has ended, or one that was to be opened could not be.

        Args:
            flow: of the connection.
            now: monotonic seconds.
            why: plain words about the far end (`does not answer`, `has a certificate for other names`); empty: it hung up.
        """
        self._live.discard(flow)
        self.registrar.disconnected(flow, now)
        self.notifier.disconnected(flow)
        return self.trunks.disconnected(flow, now, why) + self._told(now)

    def accept(self, accounts: Accounts, now: float) -> list[Output]:
        """Everybody who may register from now on. Who is not in it, or has a new password, is signed off."""
        before, same_realm = self._accounts, accounts.realm.encode() == self._digest.realm
        first = not self._digest.ready
        self._accounts = {account.extension.encode(): account for account in accounts.accounts}
        self._digest.accept(accounts.realm, self._accounts, now)

        def stays(extension: bytes) -> bool:
            old, new = before.get(extension), self._accounts.get(extension)
            return new is not None and (old is None or not same_realm or old == new)

        self.registrar.keep_only(stays)
        if not first:
            self.guard.bans.renewed(who for who, account in self._accounts.items() if before.get(who) != account)
        ended = self.notifier.keep_only(stays, before.keys() - self._accounts.keys(), now)
        return [*ended, *self._told(now)]

    def show(self, state: Lamp | Mailbox, now: float) -> list[Output]:
        """Whoever watches this is shown it."""
        return self.notifier.show(state, now)

    def lift(self, ban: LiftBan, now: float) -> list[Output]:
        """The owner wants them to be heard again."""
        self.guard.bans.lift(ban.source, ban.extension)
        return self._told(now)

    def restore(self, bindings: Iterable[Binding], now: float) -> None:
        """What was registered in an earlier life; accounts come first."""
        self.registrar.restore((each for each in bindings if each.extension in self._accounts), now)
        for binding in self.registrar:
            self._pings.watch(binding, now)

    def everybody(self) -> list[Registered]:
        """One word per extension that has a telephone."""
        return [self._registered(extension) for extension in self.registrar.extensions()]

    def bans(self) -> Bans:
        """Who is not heard now, the newest first."""
        standing = reversed(self.guard.bans.standing())
        return Bans(tuple(Ban(each.host, each.name, self._calendar(each.until), each.why) for each in standing))

    def desk_came(self, now: float) -> None:
        """A desk is there, and will say everything anew."""
        self.notifier.desk_came(now)

    def standing(self) -> list[Message]:
        """All that stands, for a desk that has just come."""
        return [*self.everybody(), self.bans(), *self.trunks.statuses(), self.reach.told]

    def called_from_outside(self, outside: Outside, now: float) -> list[Output]:
        """How telephones outside the firm's network find us, from now on."""
        before = self._signs.public
        return self._look_up(self.reach.accept(outside, now), now) + self._moved(before, now)

    def check_reach(self, now: float) -> list[Output]:
        """Look now whether we can be reached from outside."""
        return self.reach.check(now)

    def providers(self, trunks: Iterable[Trunk], now: float) -> list[Output]:
        """All providers from now on; who is not in it is left."""
        return self._look_up(self.trunks.accept(trunks, now), now)

    def found(self, asked: LookUp, found: Found, now: float) -> list[Output]:
        """What became of a look-up."""
        return self._guarded(lambda: self._found_out(asked, found, now), now)

    def _found_out(self, asked: LookUp, found: Found, now: float) -> list[Output]:
        news = self.directory.found(asked, found, now)
        before = self._signs.public
        outputs = [*self.trunks.found(now), *self.reach.found(now)] if news else []
        return self._look_up(outputs, now) + self._moved(before, now)

    def next_deadline(self) -> float | None:
        """When `tick` has something to do."""
        deadlines = (
            self.registrar.next_deadline(),
            self._paths.next_deadline(),
            self._refusals.next_deadline(),
            self._pings.next_deadline(),
            self.notifier.next_deadline(),
            self.guard.bans.next_deadline(),
            self._notes_since if self._notes else None,
            self._bans_told_at + BANS_EVERY if self._bans_told != self.guard.bans.revision else None,
            self.trunks.next_deadline(),
            self.directory.next_deadline(),
            self.reach.next_deadline(),
            self._next_probe if self._engine_down else None,
        )
        return min((each for each in deadlines if each is not None), default=None)

    def tick(self, now: float) -> list[Output]:
        """Do what has become due."""
        self._paths.tick(now)
        self.registrar.tick(now)
        self.guard.bans.tick(now)
        notes, self._notes = self._notes, []
        for refusal, source, detail in notes:
            if refusal is not None:
                self._refuse(refusal, source, detail, now)
        outputs: list[Output] = [Tell(refused) for refused in self._refusals.tick(now)]
        outputs += self._pings.tick(now)
        outputs += self.notifier.tick(now)
        outputs += self.reach.tick(now)
        outputs = self._look_up(outputs + self.trunks.tick(now), now)
        if self._engine_down and self._next_probe <= now:
            self._next_probe = now + PROBE_EVERY
            outputs.append(ToEngine(self._probe()))
        return outputs + self._told(now)

    def _guarded(self, work: Callable[[], list[Output]], now: float) -> list[Output]:
        """Bytes from outside never raise past this room: a fault of ours costs one message, and is counted."""
        try:
            outputs = work()
        except Exception:
            self.counters.internal_errors += 1
            log.exception("a message could not be handled")
            return []
        news = self._changed or self._refused or self._bans_told != self.guard.bans.revision
        return outputs + self._told(now) if news else outputs

    def _from_outside(self, data: bytes, source: Flow, now: float) -> list[Output]:
        if is_keepalive(data):
            return []
        if source.transport == "udp" and not self._known_at(source.host):
            self._strangers.came()
        objection = self.objection(source, now)
        if objection is not None:
            self._refuse(objection[0], source, objection[1], now)
            return []
        if not self.guard.hears(data, source, now):
            self._refuse(Refusal.FLOOD, source, "too many requests", now)
            return []
        message = parse(data)
        match message:
            case Request():
                if self.reach.is_knock(message):
                    return []
                evidence = self.reach.heard(source, now)
                return self._outbound(self._inward.request(message, source, now)) + evidence
            case Response():
                return self._answer_from_telephone(message, source, now)
            case Garbled():
                self.counters.garbled += 1
                return self._answers.garbled(message, source, now)

    def _from_engine(self, data: bytes, now: float) -> list[Output]:
        if self._engine_down:
            log.info("the engine is back")
            self._engine_down = False
        message = parse(data)
        match message:
            case Request():
                return self._outward.request(message, now)
            case Response():
                return self._answer_from_engine(message)
            case Garbled():
                self.counters.garbled += 1
                return []

    def _outbound(self, outputs: list[Output]) -> list[Output]:
        """With the engine known to be away, its refusal instead of what would be lost."""
        if not self._engine_down:
            return outputs
        return [
            answer
            for output in outputs
            for answer in (self._in_its_place(output.data) if isinstance(output, ToEngine) else [output])
        ]

    def _answer_from_telephone(self, response: Response, source: Flow, now: float) -> list[Output]:
        """Only an answer to something we sent to that address passes."""
        place = self._signs.tokens.behind(response.via.branch)
        if place is None or not self._from_there(place, source):
            self.counters.dropped += 1
            return []
        passes, outputs = (True, []) if place.device else self.trunks.answered(response, now)
        return [*outputs, *self._for_engine(response, source, place, now)] if passes else outputs

    def _for_engine(self, response: Response, source: Flow, place: Place, now: float) -> list[Output]:
        about = self._signs.about(source, self.trunks.here(source)) if response.method == b"INVITE" else ()
        data = response.passed_back(about)
        if data is None and response.method == b"NOTIFY":
            return self.notifier.answered(response, now)
        if data is None:
            self._pings.answered(place.device)
            return []
        return [ToEngine(data)]

    def _answer_from_engine(self, response: Response) -> list[Output]:
        place = self._signs.tokens.behind(response.via.branch)
        data = response.passed_back() if place is not None else None
        if place is None or data is None:
            return []
        return [Send(self._outward.answer_flow(place), data)]

    def _in_its_place(self, data: bytes) -> list[Output]:
        """The answer of an engine that is not there."""
        request = parse(data)
        if not isinstance(request, Request) or request.method == b"ACK":
            return []
        tag = self._signs.tokens.tag(request.call_id, request.via.branch, request.number)
        via = request.lines[request.keys.index(b"via")]
        answer = parse(request.answered(503, b"Service Unavailable", via, tag, [b"Retry-After: 2"]))
        return self._answer_from_engine(answer) if isinstance(answer, Response) else []

    def _probe(self) -> bytes:
        self._probes += 1
        engine = self._signs.engine
        via = self._signs.via_inside(engine, b"probe-%d" % self._probes, "")
        uri = b"sip:%b:%d" % (engine.host.encode(), engine.port)
        return options(via, uri, engine.host.encode(), b"probe-%d" % self._probes, self._probes)

    def _moved(self, before: Public, now: float) -> list[Output]:
        """Telephones outside see us elsewhere from now on: the desk has to know."""
        if self._signs.public != before:
            for extension in self.registrar.extensions():
                self._note(extension)
        return self._told(now)

    def _seen_at(self) -> list[str]:
        return [provider.here for provider in self.trunks.statuses() if provider.up]

    def _look_up(self, outputs: list[Output], now: float) -> list[Output]:
        """What is to be asked of the DNS by now, besides."""
        return [*outputs, *self.directory.tick(now)]

    def _known_at(self, host: str) -> bool:
        """Does a telephone or a provider of ours live there?"""
        return self.registrar.lives_at(host) or self.trunks.expects(host)

    def _from_there(self, place: Place, source: Flow) -> bool:
        """Does an answer come from where its request went, or from beside it in the same provider's house?"""
        return place.flow.host == source.host or (
            not place.device and self.trunks.together(place.flow.host, source.host)
        )

    def _note(self, extension: bytes) -> None:
        self._changed[extension] = None

    def _registered_at(self, flow: Flow) -> bool:
        return self.registrar.at(flow) is not None

    def _is_account(self, extension: bytes) -> bool:
        return extension in self._accounts

    def _is_live(self, flow: Flow) -> bool:
        return flow.transport == "udp" or flow in self._live

    def _refuse(self, refusal: Refusal, source: Flow, detail: str, now: float) -> None:
        told = self._refusals.add(refusal, source, detail, now)
        if told is not None:
            log.info("%s: %s, %s", told.source, told.refusal, told.detail)
            self._refused.append(Tell(told))

    def _note_later(self, refusal: Refusal | None, source: Flow, detail: str, now: float) -> None:
        """What is refused, or nothing is (None), is reported at the next `tick`: no answer waits for it."""
        if not self._notes:
            self._notes_since = now
        if len(self._notes) < MOST_NOTES:
            self._notes.append((refusal, source, detail))

    def _told(self, now: float) -> list[Output]:
        """What the desk is to hear about what has just been done."""
        told, self._refused = self._refused, []
        changed, self._changed = self._changed, {}
        for extension in changed:
            for binding in self.registrar.devices(extension):
                self._pings.watch(binding, now)
            told.append(Tell(self._registered(extension)))
        if changed:
            told += self.reach.registered(now)
        if self._bans_told != self.guard.bans.revision and now >= self._bans_told_at + BANS_EVERY:
            self._bans_told, self._bans_told_at = self.guard.bans.revision, now
            told.append(Tell(self.bans()))
        return told

    def _registered(self, extension: bytes) -> Registered:
        devices = tuple(self._device(binding) for binding in self.registrar.devices(extension))
        return Registered(Extension(extension.decode("ascii", "replace")), devices)

    def _device(self, binding: Binding) -> Device:
        flow = binding.target
        return Device(binding.device, str(flow), binding.agent, Transport(flow.transport), self._signs.here(flow))
