"""The edge's words: who may register, who is registered, and whom it turned away.

The whole seam is `EDGE_HEARS` (desk to edge) and `EDGE_SAYS` (edge to desk). On every new connection the edge first
says one `Registered` per extension that has a telephone; the desk first says `Accounts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.calls.names import Extension


@dataclass(frozen=True, slots=True)
class Account:
    """One telephone user. The password itself is not kept, only what digest needs (RFC 8760, HA1)."""

    extension: Extension
    md5: str
    """Hex of MD5("extension:realm:password")."""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everybody who may register, whole: who is not in here any more is signed off."""

    realm: str
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """One registered telephone."""

    device: str
    """Its name for `DialPhone`: stays the same while it refreshes."""
    address: str
    """`udp 192.0.2.7:5060`, for the page."""
    agent: str = ""
    """What it says it is (User-Agent), shortened and made printable."""


@dataclass(frozen=True, slots=True)
class Registered:
    """All telephones of this extension now, newest first; none means it left or lapsed."""

    extension: Extension
    devices: tuple[Device, ...]


class Refusal(StrEnum):
    """Why the edge said no."""

    WRONG_PASSWORD = "wrong password"  # noqa: S105 (a reason, not a password)
    UNKNOWN_USER = "unknown user"
    STRANGER = "stranger"
    """A call or request by somebody who has not proved who they are."""
    GARBLED = "garbled"
    FLOOD = "flood"
    BANNED = "banned"


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody was turned away. Equal refusals within ten seconds come as one, with their number."""

    refusal: Refusal
    source: str
    """`udp 203.0.113.9:5071`."""
    detail: str
    """Plain words, printable, without secrets."""
    times: int = 1


EDGE_HEARS = (Accounts,)
EDGE_SAYS = (Registered, Refused)
