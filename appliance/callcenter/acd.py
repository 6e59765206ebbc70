"""The queues: who is rung for whom (ACD, automatic call distribution).

Held whatever happens: a caller is offered to at most one operator, an operator is rung for at most one caller, every ring has
an end, an operator who does not answer is set aside and the caller keeps their place, and whoever waits longest is served first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from appliance.callcenter.operators import Operator, Shows, Waiter
from appliance.callcenter.settings import QueueSettings
from appliance.calls.events import OperatorWish
from appliance.calls.facts import OperatorState
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Extension
from appliance.calls.timers import Timers

READY = OperatorState.READY

SHORT_ASIDE_SECONDS = 20.0
"""A telephone that was busy or could not be reached may be free again soon; one that rang unheard stands alone."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Ring this operator for this caller; answer with `answered` or `missed`."""

    call: CallId
    extension: Extension


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Stop ringing this operator; `reason` is `no answer`, or empty when it is not their fault."""

    call: CallId
    extension: Extension
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TooLong:
    """The caller has waited as long as the queue allows and has left it."""

    call: CallId
    queue: str


@dataclass(frozen=True, slots=True)
class StateChanged:
    """An operator does something else now."""

    extension: Extension
    state: OperatorState
    reason: str


Move = Offer | Withdraw | TooLong | StateChanged


class CallCenter:
    """All queues and operators of the firm. Every method returns the moves that follow from it, in order."""

    def __init__(self) -> None:
        self.queues: dict[str, QueueSettings] = {}
        self.operators: dict[Extension, Operator] = {}
        self.waiters: dict[CallId, Waiter] = {}
        """In the order of joining."""
        self._timers: Timers[tuple[str, str]] = Timers()
        self._shown: dict[Extension, Shows] = {}

    # ---- what the owner sets up

    def configure(self, queues: Iterable[QueueSettings], people: Iterable[Extension], now: Moment) -> list[Move]:
        """Take over changed settings. Who waits or talks is not disturbed; a queue that is gone keeps its callers
        until they leave, and a person who is gone finishes their talk.
        """
        self.queues = {waiter.queue: self.queues[waiter.queue] for waiter in self.waiters.values()} | {
            queue.name: queue for queue in queues
        }
        wanted = set(people)
        for extension in wanted - self.operators.keys():
            self.operators[extension] = Operator(extension, idle_since=now.mono)
        for extension in self.operators.keys() - wanted:
            operator = self.operators[extension]
            if operator.talking is None and operator.ringing is None:
                self._back(operator)
                del self.operators[extension]
                self._shown.pop(extension, None)
            else:
                operator.wish = OperatorWish.LOGGED_OUT
        return self._settle(now)

    # ---- callers

    def join(self, call: CallId, queue: str, joined: Moment, now: Moment) -> list[Move]:
        """The caller begins to wait; `joined` is earlier than `now` when they had to leave and keep their place."""
        self.waiters[call] = Waiter(call, queue, joined)
        if joined.mono < now.mono:
            self.waiters = dict(sorted(self.waiters.items(), key=lambda item: item[1].joined.mono))
        self._timers.set(("wait", call), joined.mono + self.queues[queue].longest_wait_seconds)
        return self._settle(now)

    def leave(self, call: CallId, now: Moment) -> list[Move]:
        """The caller waits no more (hung up, or was led elsewhere); no harm when they did not wait."""
        waiter = self.waiters.get(call)
        if waiter is None:
            return []
        moves = self._withdraw(waiter, "")
        self._forget(call)
        return moves + self._settle(now)

    def position(self, call: CallId) -> int:
        """Place in the line of its queue, from 1; 0 when it does not wait."""
        waiter = self.waiters.get(call)
        if waiter is None:
            return 0
        return 1 + sum(1 for other in self._ahead(waiter))

    # ---- offers

    def answered(self, call: CallId, extension: Extension, now: Moment) -> list[Move]:
        """The operator who was rung took the call: caller and operator are together now."""
        operator = self.operators[extension]
        operator.ringing, operator.talking = None, call
        self._timers.cancel(("ring", extension))
        self._forget(call)
        return self._settle(now)

    def missed(self, call: CallId, extension: Extension, reason: str, now: Moment) -> list[Move]:
        """The operator's telephones did not take it: `refused`, `busy` or `unreachable`."""
        waiter = self.waiters.get(call)
        if waiter is None or waiter.offered_to != extension:
            return []
        self._set_aside(waiter, reason, now)
        return self._settle(now)

    def talk_ended(self, extension: Extension, call: CallId, now: Moment) -> list[Move]:
        """Caller and operator have parted: wrap-up begins."""
        operator = self.operators.get(extension)
        if operator is None or operator.talking != call:
            return []
        operator.talking = None
        seconds = self._wrap_up_seconds(extension)
        if seconds > 0:
            operator.wrapping_up = True
            self._timers.set(("wrap-up", extension), now.mono + seconds)
        return self._settle(now)

    def resume_talk(self, extension: Extension, call: CallId, now: Moment) -> list[Move]:
        """Found on taking stock: these two are talking already."""
        operator = self.operators.setdefault(extension, Operator(extension, now.mono))
        operator.talking = call
        return self._settle(now)

    # ---- operators

    def wish(self, extension: Extension, wish: OperatorWish, reason: str, now: Moment) -> list[Move]:
        """The operator wants to be ready, paused or gone. Ready also ends wrap-up and being set aside. Who is being
        rung for a caller is not taken off it: the wish holds from the end of that call on.
        """
        operator = self.operators.get(extension)
        if operator is None:
            return []
        operator.wish, operator.pause_reason = wish, reason
        if wish is OperatorWish.READY:
            self._back(operator)
        return self._settle(now)

    def reachable(self, extension: Extension, *, reachable: bool, now: Moment) -> list[Move]:
        """A telephone of theirs is registered, or the last one left."""
        operator = self.operators.get(extension)
        if operator is None or operator.reachable == reachable:
            return []
        operator.reachable = reachable
        return self._settle(now)

    def on_other_call(self, extension: Extension, call: CallId, *, on: bool, now: Moment) -> list[Move]:
        """A call that no queue gave them occupies their telephone, or no longer does."""
        operator = self.operators.get(extension)
        if operator is None:
            return []
        if on:
            operator.other_calls.add(call)
        else:
            operator.other_calls.discard(call)
        return self._settle(now)

    def seen(self, extension: Extension, now: Moment) -> list[Move]:
        """They made or took a call by themselves: somebody is there again, and wrap-up is over."""
        operator = self.operators.get(extension)
        if operator is None:
            return []
        self._back(operator)
        return self._settle(now)

    # ---- time

    def next_deadline(self) -> float | None:
        """When `tick` is wanted next, on the monotonic clock."""
        return self._timers.next()

    def tick(self, now: Moment) -> list[Move]:
        """Do what time has brought."""
        moves: list[Move] = []
        for kind, name in self._timers.due(now.mono):
            match kind:
                case "ring":
                    moves += self._unanswered(Extension(name), now)
                case "wrap-up":
                    self.operators[Extension(name)].wrapping_up = False
                case "aside":
                    self.operators[Extension(name)].set_aside = ""
                case "wait":
                    moves += self._waited_too_long(CallId(name))
        return moves + self._settle(now)

    # ---- inside

    def _settle(self, now: Moment) -> list[Move]:
        """Give every free operator the caller who waits longest for them, then say what has changed."""
        shows = {extension: operator.shows for extension, operator in self.operators.items()}
        self._note_idle(shows, now)
        offers = self._offers([self.operators[who] for who, (state, _) in shows.items() if state is READY], now)
        shows |= {offer.extension: self.operators[offer.extension].shows for offer in offers}
        return [*offers, *self._changes(shows)]

    def _offers(self, ready: list[Operator], now: Moment) -> list[Offer]:
        offers: list[Offer] = []
        for waiter in self.waiters.values() if ready else ():
            if waiter.offered_to is not None:
                continue
            members = self.queues[waiter.queue].operators
            free = [one for one in ready if one.extension in members]
            if free:
                chosen = min(free, key=lambda one: (one.idle_since, members.index(one.extension)))
                ready.remove(chosen)
                offers.append(self._offer(waiter, chosen, now))
        return offers

    def _offer(self, waiter: Waiter, operator: Operator, now: Moment) -> Offer:
        waiter.offered_to, operator.ringing = operator.extension, waiter.call
        self._timers.set(("ring", operator.extension), now.mono + self.queues[waiter.queue].ring_seconds)
        return Offer(waiter.call, operator.extension)

    def _note_idle(self, shows: Mapping[Extension, Shows], now: Moment) -> None:
        """Idleness begins when somebody becomes ready; being rung in vain for a caller who gives up does not end it."""
        for extension, (state, _) in shows.items():
            if state is READY and self._shown.get(extension, (None, ""))[0] not in (READY, OperatorState.RINGING):
                self.operators[extension].idle_since = now.mono

    def _changes(self, shows: Mapping[Extension, Shows]) -> list[Move]:
        before, self._shown = self._shown, dict(shows)
        return [StateChanged(who, *shown) for who, shown in shows.items() if before.get(who) != shown]

    def _withdraw(self, waiter: Waiter, reason: str) -> list[Move]:
        extension = waiter.offered_to
        if extension is None:
            return []
        waiter.offered_to = None
        self.operators[extension].ringing = None
        self._timers.cancel(("ring", extension))
        return [Withdraw(waiter.call, extension, reason)]

    def _unanswered(self, extension: Extension, now: Moment) -> list[Move]:
        call = self.operators[extension].ringing
        if call is None:
            return []
        waiter = self.waiters[call]
        moves: list[Move] = [Withdraw(call, extension, "no answer")]
        self._set_aside(waiter, "no answer", now)
        return moves

    def _set_aside(self, waiter: Waiter, reason: str, now: Moment) -> None:
        assert waiter.offered_to is not None
        operator = self.operators[waiter.offered_to]
        self._withdraw(waiter, reason)
        operator.set_aside = reason
        seconds = self.queues[waiter.queue].set_aside_seconds
        if reason in ("busy", "unreachable"):
            seconds = min(seconds, SHORT_ASIDE_SECONDS)
        self._timers.set(("aside", operator.extension), now.mono + seconds)

    def _waited_too_long(self, call: CallId) -> list[Move]:
        waiter = self.waiters.get(call)
        if waiter is None:
            return []
        moves = self._withdraw(waiter, "")
        self._forget(call)
        return [*moves, TooLong(call, waiter.queue)]

    def _forget(self, call: CallId) -> None:
        self.waiters.pop(call, None)
        self._timers.cancel(("wait", call))

    def _back(self, operator: Operator) -> None:
        operator.set_aside = ""
        operator.wrapping_up = False
        self._timers.cancel(("aside", operator.extension))
        self._timers.cancel(("wrap-up", operator.extension))

    def _wrap_up_seconds(self, extension: Extension) -> float:
        mine = [queue.wrap_up_seconds for queue in self.queues.values() if extension in queue.operators]
        return max(mine, default=0.0)

    def _ahead(self, waiter: Waiter) -> Iterable[Waiter]:
        for other in self.waiters.values():
            if other is waiter:
                return
            if other.queue == waiter.queue:
                yield other
