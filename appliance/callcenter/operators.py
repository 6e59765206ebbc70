"""One operator, as the queues see them.

What they do follows from a few independent truths (what they want, whether a telephone of theirs is registered, whether
they are being rung, talk, wrap up, are on another call), so the state is derived and can never contradict itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.calls.events import OperatorWish
from appliance.calls.facts import OperatorState
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Extension

Shows = tuple[OperatorState, str]
"""What an operator does, and the words behind it."""


@dataclass(slots=True)
class Operator:
    """Somebody who takes calls from queues."""

    extension: Extension
    idle_since: float
    """Monotonic second since which they could have taken a call: the longest idle comes first."""
    wish: OperatorWish = OperatorWish.READY
    pause_reason: str = ""
    reachable: bool = False
    ringing: CallId | None = None
    """The caller they are being rung for; never more than one."""
    talking: CallId | None = None
    other_calls: set[CallId] = field(default_factory=set)
    wrapping_up: bool = False
    set_aside: str = ""
    """Why they get no calls for a while."""

    @property
    def state(self) -> OperatorState:
        """What the wall board shows."""
        if self.talking is not None:
            return OperatorState.TALKING
        if self.ringing is not None:
            return OperatorState.RINGING
        if self.other_calls:
            return OperatorState.BUSY
        if self.wish is OperatorWish.LOGGED_OUT:
            return OperatorState.LOGGED_OUT
        if not self.reachable:
            return OperatorState.UNREACHABLE
        if self.wish is OperatorWish.PAUSED:
            return OperatorState.PAUSED
        if self.set_aside:
            return OperatorState.SET_ASIDE
        if self.wrapping_up:
            return OperatorState.WRAP_UP
        return OperatorState.READY

    @property
    def reason(self) -> str:
        """The words behind the state, where it has any."""
        return self.shows[1]

    @property
    def shows(self) -> Shows:
        """State and reason."""
        state = self.state
        match state:
            case OperatorState.PAUSED:
                return state, self.pause_reason
            case OperatorState.SET_ASIDE:
                return state, self.set_aside
            case _:
                return state, ""


@dataclass(slots=True)
class Waiter:
    """A caller in a queue. The place in the line is the order of joining, and nothing but leaving gives it up."""

    call: CallId
    queue: str
    joined: Moment
    offered_to: Extension | None = None
