"""Names of the things a call is made of. All are plain text, so that a log line can be read."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

LegId = NewType("LegId", str)
"""One party's connection to the box: a SIP dialog or a call on a modem line. Never used twice."""

CallId = NewType("CallId", str)
"""One telephone call as a person would count it, whatever number of legs it has."""

Extension = NewType("Extension", str)
"""The short number of a person, a menu or a queue inside the firm: digits only."""

LineId = NewType("LineId", str)
"""A way to the outside: a modem or a provider, by the name the installer gave it."""

TaskId = NewType("TaskId", str)
"""One open task of the missed-call ledger."""


class Cause(StrEnum):
    """Why a leg or a call ended, in the few kinds that people act on differently."""

    NORMAL = "normal"
    """Somebody who was talking, or waiting, put the phone down."""
    BUSY = "busy"
    NO_ANSWER = "no answer"
    REFUSED = "refused"
    """The called side, or our own rules, said no."""
    UNKNOWN_NUMBER = "unknown number"
    UNREACHABLE = "unreachable"
    """No registered phone, no living line."""
    CANCELLED = "cancelled"
    """The caller gave up before anybody answered, or somebody else answered first."""
    FAULT = "fault"
    """Something of ours or of the network broke; `detail` says what."""


class Direction(StrEnum):
    """Seen from the firm."""

    IN = "in"
    OUT = "out"
    INTERNAL = "internal"


class Encryption(StrEnum):
    """What is asked of the sound between the box and a telephone or provider (SRTP with SDES keys, RFC 4568)."""

    OFF = "off"
    OPTIONAL = "optional"
    """Encrypted with whoever can, plain with others."""
    REQUIRED = "required"
    """No call without it."""


class Transport(StrEnum):
    """What carries the signalling."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    WS = "ws"
    WSS = "wss"

    @property
    def encrypted(self) -> bool:
        """Nobody on the way can read it, nor the keys of the sound in it."""
        return self in {Transport.TLS, Transport.WSS}
