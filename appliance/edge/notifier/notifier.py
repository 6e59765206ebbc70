"""The notifier: takes subscriptions, and tells each watcher what is so, one NOTIFY at a time (RFC 6665 section 4.2).

What is shown is read when a NOTIFY leaves. A state that changes fifty times while one is on its way makes one more, with
the fiftieth.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from appliance.calls.edge import Mailbox
from appliance.calls.timers import Timers
from appliance.edge.binding import Denied, seconds_of
from appliance.edge.flows import Flow, Output, Send
from appliance.edge.message import Request, Response
from appliance.edge.notifier.packages import ALLOW_EVENTS, Package, State, seen, unknown
from appliance.edge.notifier.subscription import LATE, Subscription
from appliance.edge.notifier.watchers import Watchers
from appliance.edge.notifier.wish import Wish, wish_of
from appliance.edge.registrar import Registrar
from appliance.edge.signs import Signs

log = logging.getLogger("qendra.edge")

SETTLE = 2.0
"""Seconds a desk that has just come has to take stock: what it says until then may be half the truth, and keys would flicker."""
KEEP_WITHIN = 60.0
"""Seconds within which a refresh, which changes nothing but an end, is kept."""
PEACE = 300
"""The longest Retry-After that is heeded, in seconds."""
STRIKES = 3
"""NOTIFYs refused in a row, for whatever reason, after which a subscription is over."""
GONE = frozenset({404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604})
"""Answers to a NOTIFY that end its subscription (section 4.2.2)."""
RESTART = 10_000
"""By so much CSeq and version leap when subscriptions come back from a file, in which their last values are not."""


@dataclass(slots=True)
class Notifier:
    """Every method answers what is to be sent about what has just happened."""

    signs: Signs
    registrar: Registrar
    is_account: Callable[[bytes], bool]
    is_live: Callable[[Flow], bool]
    """Can something be sent there: any UDP flow, or a connection that is up?"""
    revision: int = 0
    """Grows with everything that is worth keeping on disk soon."""
    _watchers: Watchers = field(default_factory=Watchers)
    _flights: dict[bytes, Subscription] = field(default_factory=dict)
    _timers: Timers[Subscription] = field(default_factory=Timers)
    _states: dict[tuple[bytes, bool], State] = field(default_factory=dict)
    _keep_at: float | None = None
    _settled_at: float | None = None

    def __len__(self) -> int:
        return len(self._watchers)

    def find(self, request: Request) -> Subscription | None:
        """The subscription in whose dialog this SUBSCRIBE comes."""
        found = self._watchers.find(request.called.tag)
        if found is None or (found.call_id, found.theirs) != (request.call_id, request.caller.tag):
            return None
        return found

    def subscribe(self, request: Request, user: bytes, source: Flow, device: str, now: float) -> list[Output]:
        """Do what a SUBSCRIBE asks whose sender has proved to be `user`: begin, refresh, end, or tell once.

        Raises:
            Denied: nothing was changed; carries the answer.
        """
        wish = wish_of(request)
        name = self._name(request, wish)
        one = self._watchers.find(name)
        if request.called.tag not in {b"", name} or (one is None and request.called.tag):
            raise Denied(481, b"Subscription Does Not Exist")
        if one is None:
            one = self._begun(request, wish, user, source, device)
        elif one.watcher != user:
            raise Denied(481, b"Subscription Does Not Exist")
        elif request.number < one.number:
            raise Denied(500, b"Subscribe Out Of Order")
        elif request.number == one.number:
            return self._granted(request, one, source, now)
        elif one.reason:
            raise Denied(481, b"Subscription Does Not Exist")
        self._renewed(one, wish, source, device, now)
        one.number = request.number
        return [*self._granted(request, one, source, now), *self._push(one, now)]

    def show(self, state: State, now: float) -> list[Output]:
        """From now on this is so."""
        watched, messages = state.extension.encode(), isinstance(state, Mailbox)
        self._states[watched, messages] = state
        return [
            output for one in self._watchers.watching(watched, messages=messages) for output in self._push(one, now)
        ]

    def desk_came(self, now: float) -> None:
        """It says all anew, bit by bit."""
        self._settled_at = now + SETTLE

    def answered(self, response: Response, now: float) -> list[Output]:
        """An answer to a NOTIFY of ours."""
        one = self._flights.get(response.via.branch)
        if one is None or one.flight is None:
            return []
        if response.status < 200:
            one.flight.provisional(now)
            self._timers.set(one, one.due())
            return []
        self._land(one)
        self._timers.set(one, one.due())
        if (one.reason and not one.owed) or response.status in GONE:
            return self._drop(one, f"answered {response.status}")
        one.strikes = 0 if response.status < 300 else one.strikes + 1
        if one.strikes >= STRIKES:
            return self._drop(one, f"answered {response.status}")
        peace = response.first(b"retry-after").partition(b";")[0].partition(b"(")[0].strip()
        if one.strikes and peace:
            one.owed = True
            one.not_before = now + min(max(seconds_of(peace, 1), 1), PEACE)
            self._timers.set(one, one.due())
        return self._push(one, now)

    def moved(self, watcher: bytes, now: float) -> list[Output]:
        """A telephone of this extension has registered, maybe from elsewhere: what it has not heard goes there."""
        outputs: list[Output] = []
        for one in self._watchers.of(watcher):
            way = self._way(one)
            if one.flight is not None and way not in {None, one.flow}:
                self._land(one)
                one.owed = True
            outputs += self._push(one, now)
        return outputs

    def disconnected(self, flow: Flow) -> None:
        """A connection has ended. Who has registered over it comes back; of others nothing more is heard."""
        for one in self._watchers.at(flow):
            if one.flight is not None:
                self._land(one)
                one.owed = True
            if one.reason or not one.device:
                self._drop(one, "connection ended")
            else:
                self._timers.set(one, one.expires)

    def keep_only(self, stays: Callable[[bytes], bool], gone: Iterable[bytes], now: float) -> list[Output]:
        """End the subscriptions of extensions that may not stay, and those to extensions that nobody has any more."""
        vanished = set(gone)
        for extension in vanished:
            self._states.pop((extension, False), None)
            self._states.pop((extension, True), None)
        outputs: list[Output] = []
        for one in self._watchers:
            if not stays(one.watcher):
                # With a new password a telephone may try again at once.
                outputs += self._end(one, b"deactivated" if self.is_account(one.watcher) else b"rejected", now)
            elif one.watched in vanished:
                outputs += self._end(one, b"noresource", now)
        return outputs

    def restore(self, subscriptions: Iterable[Subscription]) -> None:
        """Take over an earlier life's. Each is told what is so as soon as the desk has said it."""
        for one in subscriptions:
            if self.is_account(one.watcher) and self._watchers.room_for(one):
                one.sent += RESTART
                self._watchers.add(one)
                self._timers.set(one, one.due())
                self.revision += 1

    def standing(self) -> list[Subscription]:
        """All that are worth keeping."""
        return [one for one in self._watchers if not one.reason]

    def next_deadline(self) -> float | None:
        """When `tick` has something to do."""
        deadlines = (self._timers.next(), self._keep_at, self._settled_at)
        return min((each for each in deadlines if each is not None), default=None)

    def tick(self, now: float) -> list[Output]:
        """Do what has become due."""
        outputs: list[Output] = []
        if self._keep_at is not None and self._keep_at <= now:
            self._keep_at = None
            self.revision += 1
        if self._settled_at is not None and self._settled_at <= now:
            self._settled_at = None
            for one in self._watchers:
                outputs += self._push(one, now)
        for one in self._timers.due(now):
            flight = one.flight
            if flight is not None and flight.ends <= now:
                self._land(one)
                self._drop(one, "no answer")
                continue
            if not one.reason and one.expires <= now:
                outputs += self._end(one, b"timeout", now)
                continue
            if one.not_before <= now:
                one.not_before = 0.0
            if flight is not None and flight.again is not None and flight.again <= now:
                outputs.append(Send(one.flow, flight.repeat(now)))
            self._timers.set(one, one.due())
            outputs += self._push(one, now)
        return outputs

    def _begun(self, request: Request, wish: Wish, user: bytes, source: Flow, device: str) -> Subscription:
        """A new subscription, if it may be.

        Raises:
            Denied: it may not.
        """
        self._check(wish, user)
        one = Subscription(
            package=wish.package,
            event=wish.event,
            watcher=user,
            watched=wish.watched,
            call_id=request.call_id,
            ours=self._name(request, wish),
            theirs=request.caller.tag,
            local=request.called.uri,
            remote=request.caller.uri,
            contact=wish.contact,
            routes=wish.routes,
            flow=source,
            device=device,
            number=request.number,
            expires=0.0,
        )
        if not self._watchers.room_for(one):
            log.warning("extension %s watches too much; no more for now", user.decode("ascii", "replace"))
            raise Denied(480, b"Too Many Subscriptions", b"Retry-After: 60")
        self._watchers.add(one)
        return one

    def _name(self, request: Request, wish: Wish) -> bytes:
        """Our tag: the same for a SUBSCRIBE that is sent again because its answer was lost."""
        return self.signs.tokens.tag(request.call_id, request.caller.tag + b"\0" + wish.event, 0)

    def _check(self, wish: Wish, user: bytes) -> None:
        """May this extension watch that?"""
        if wish.package is Package.MESSAGES and wish.watched != user:
            raise Denied(403, b"Somebody Else's Messages")
        if not self._is_there(wish.watched):
            if not self._states:
                # Only the desk knows the numbers of queues, and it has not been here yet.
                raise Denied(480, b"Not Known Yet", b"Retry-After: 10")
            raise Denied(404, b"Nobody Has This Number")

    def _is_there(self, watched: bytes) -> bool:
        return self.is_account(watched) or (watched, False) in self._states

    def _renewed(self, one: Subscription, wish: Wish, source: Flow, device: str, now: float) -> None:
        """Both a new and a refreshed subscription owe a NOTIFY (section 4.2.1.2)."""
        self.revision += one.expires == 0.0 or one.contact != wish.contact or one.device != device or not wish.seconds
        if self._keep_at is None:
            self._keep_at = now + KEEP_WITHIN
        one.contact, one.device = wish.contact, device
        self._watchers.move(one, source)
        one.expires = now + wish.seconds
        if wish.seconds:
            one.expires += LATE
        else:
            one.reason = b"timeout"
        one.owed = True
        one.not_before = 0.0
        self._timers.set(one, one.due())

    def _granted(self, request: Request, one: Subscription, source: Flow, now: float) -> list[Output]:
        """The answer: yes, and for how long."""
        lines = [
            *(b"Record-Route: " + route for route in one.routes),
            b"Expires: %d" % one.left(now),
            self.signs.contact(one.watched, source),
            ALLOW_EVENTS,
        ]
        stamped = request.stamped(source.host, source.port)
        return [Send(self.signs.answer_to(request, source), request.answered(200, b"OK", stamped, one.ours, lines))]

    def _end(self, one: Subscription, reason: bytes, now: float) -> list[Output]:
        """Say that it is over, once (section 4.2.2)."""
        if one.reason:
            return []
        self.revision += 1
        one.reason, one.owed, one.not_before = reason, True, 0.0
        self._timers.set(one, one.due())
        return self._push(one, now)

    def _push(self, one: Subscription, now: float) -> list[Output]:
        """Send a NOTIFY, if there is something to tell, nothing on its way, and a way."""
        state = self._states.get((one.watched, one.package is Package.MESSAGES))
        news = self._settled_at is None and state is not None and seen(one.package, state) != one.shown
        if one.flight is not None or not (one.owed or news) or one.not_before > now:
            return []
        way = self._way(one)
        if way is None:
            return self._drop(one, "no way to it") if one.reason else []
        self._watchers.move(one, way)
        shown = state or unknown(one.package, one.watched)
        flight = one.notify(self.signs, shown, now)
        one.shown = seen(one.package, shown)
        self._flights[flight.branch] = one
        self._timers.set(one, one.due())
        self.revision += one.sent % (RESTART // 2) == 0
        return [Send(way, flight.data)]

    def _way(self, one: Subscription) -> Flow | None:
        """Where its telephone is now; None while that is not known."""
        binding = self.registrar.device(one.device) if one.device else None
        if binding is not None:
            return None if binding.lost_at is not None else binding.target
        return one.flow if self.is_live(one.flow) else None

    def _land(self, one: Subscription) -> None:
        if one.flight is not None:
            del self._flights[one.flight.branch]
            one.flight = None

    def _drop(self, one: Subscription, why: str) -> list[Output]:
        if not one.reason:
            self.revision += 1
            names = (each.decode("ascii", "replace") for each in (one.watcher, one.watched))
            log.info("extension %s no longer watches %s (%s): %s", *names, one.package, why)
        self._watchers.remove(one)
        self._timers.cancel(one)
        return []
