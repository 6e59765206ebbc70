"""Between SIP's many status codes and the few causes people act on differently."""

from __future__ import annotations

from appliance.calls.names import Cause

REFUSALS = {
    Cause.NORMAL: 480,
    Cause.BUSY: 486,
    Cause.NO_ANSWER: 480,
    Cause.REFUSED: 403,
    Cause.UNKNOWN_NUMBER: 404,
    Cause.UNREACHABLE: 480,
    Cause.CANCELLED: 487,
    Cause.FAULT: 503,
}
"""The status that tells a caller's telephone why its call is not answered (RFC 3261 §21)."""

_BUSY = {486, 600}
_UNKNOWN_NUMBER = {404, 410, 414, 416, 484, 485, 604}
_SILENT = {408, 480}
_REFUSED = {401, 402, 403, 405, 407, 415, 420, 433, 488, 493, 603, 606, 607, 608}
_UNREACHABLE = {430, 502, 503, 504}


def refusal(cause: Cause) -> int:
    """The final status for a call that we do not take."""
    return REFUSALS[cause]


def why_it_ended(code: int, *, answered: bool, rang: bool) -> Cause:
    """The cause behind the last status of a dialog that the other side, or the network, ended.

    `rang`: it had told us that it rings, so a later silence means that nobody came to the telephone.
    """
    if answered:
        return Cause.NORMAL if code < 300 else Cause.FAULT
    if code in _BUSY:
        return Cause.BUSY
    if code in _UNKNOWN_NUMBER:
        return Cause.UNKNOWN_NUMBER
    if code in _SILENT:
        return Cause.NO_ANSWER if rang else Cause.UNREACHABLE
    if code in _REFUSED or 300 <= code < 400:
        return Cause.REFUSED
    if code in _UNREACHABLE:
        return Cause.UNREACHABLE
    if code == 487:
        return Cause.CANCELLED
    return Cause.FAULT
