"""One call of a GSM modem: where it can be, how it may go on, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.calls.names import Cause, LegId
from appliance.lines.reports import CallRow

KEYS = frozenset("0123456789*#ABCD")
_DIGITS = frozenset("0123456789")
_DIALLED = _DIGITS | frozenset("*#")
_HIDE_OR_SHOW = ("#31#", "*31#")
"""Before a number: hide or show our own (22.030). Every other beginning with * or # is an order to the network."""


class State(StrEnum):
    """Where a call is."""

    DIALLING = "dialling"
    ALERTING = "alerting"
    INCOMING = "incoming"
    ANSWERING = "answering"
    ACTIVE = "active"
    ENDING = "ending"


MAY_BECOME: dict[State, frozenset[State]] = {
    State.DIALLING: frozenset({State.ALERTING, State.ACTIVE, State.ENDING}),
    State.ALERTING: frozenset({State.ACTIVE, State.ENDING}),
    State.INCOMING: frozenset({State.ANSWERING, State.ENDING}),
    State.ANSWERING: frozenset({State.ACTIVE, State.ENDING}),
    State.ACTIVE: frozenset({State.ENDING}),
    State.ENDING: frozenset(),
}
"""The only legal moves; from every state a call may also vanish, with its modem."""

LIMIT = {State.DIALLING: 90.0, State.ALERTING: 120.0, State.ANSWERING: 10.0, State.ENDING: 40.0}
"""Seconds a call may stay in a state."""

LONG_RING = 20.0
"""Seconds of ringing after which an end without a reason means that nobody answered, not that somebody refused."""

RELEASED = "released"
"""The end of a call by its index, in a +CLCC row."""
PLAIN_WORDS = {"BUSY": Cause.BUSY, "NO ANSWER": Cause.NO_ANSWER, "NO DIALTONE": Cause.UNREACHABLE}
"""Ends that say why."""
AS_FOUND = {
    CallRow.ACTIVE: State.ACTIVE,
    CallRow.HELD: State.ACTIVE,
    CallRow.DIALLING: State.DIALLING,
    CallRow.ALERTING: State.ALERTING,
    CallRow.INCOMING: State.INCOMING,
}
"""The state of a call that was there before us."""


@dataclass(slots=True)
class Call:
    """What is known of the call."""

    leg: LegId
    outgoing: bool
    state: State
    since: float
    number: str = ""
    told: bool = False
    """The switchboard knows the leg."""
    sent: bool = True
    """The modem has it: false for a number we are about to dial."""
    index: int | None = None
    """The modem's number for it, once seen."""
    rings: int = 0
    up_early: bool = False
    """The modem has taken it before we said so: our ATA for the call before it came late, or it answers by itself."""
    connected: bool = False
    missing: int = 0
    """Lists in a row without it."""
    pcm: bool = False
    """We turned the modem's sound on."""
    sound: bool = False
    """The engine was told to open it."""
    cause: Cause = Cause.NORMAL
    """Why it ended, from the moment that is known."""
    detail: str = ""
    unexplained: bool = False
    """It has ended, and the modem may yet say why."""
    over: bool = False
    """Reported as ended, while the modem still clears it."""

    def is_in(self, row: CallRow) -> bool:
        """Whether this row of the list is this call."""
        return self.outgoing == row.outgoing and self.index in {None, row.index}

    def verdict(self, word: str, now: float) -> tuple[Cause, str]:
        """Why it ends, when the modem says `word` of it."""
        if word in PLAIN_WORDS:
            return PLAIN_WORDS[word], word
        match self.state:
            case State.DIALLING:
                cause = Cause.UNREACHABLE
            case State.ALERTING:
                cause = Cause.NO_ANSWER if now - self.since >= LONG_RING else Cause.REFUSED
            case State.INCOMING | State.ANSWERING:
                cause = Cause.CANCELLED
            case _:
                cause = Cause.NORMAL
        return cause, "NO CARRIER"


def wrong_with(number: str) -> str:
    """Why this cannot be dialled, in plain words; empty when it can. Nothing else may ever reach the modem.

    A modem takes what begins with * or # for an order to the SIM or the network, and sends what ends with # to the network
    as it is (3GPP TS 22.030, section 6.5): whoever may dial could divert the firm's calls, or spend what is on its card.
    """
    plain = next((number.removeprefix(code) for code in _HIDE_OR_SHOW if number.startswith(code)), number)
    digits = plain.removeprefix("+")
    if not _DIGITS & set(digits) or not set(digits) <= _DIALLED or len(number) > 40:
        return "that is not a telephone number"
    if not set(digits) <= _DIGITS:
        return "codes for the network are not dialled as calls"
    return ""
