"""The edge's words: who may register, who is registered, the providers, the lamps, and whom it turned away.

The whole seam is `EDGE_HEARS` (desk to edge) and `EDGE_SAYS` (edge to desk). On every new connection the edge first
says all that stands, in this order: `Registered` per extension that has a telephone, `Bans`, `TrunkIs` per provider,
`Reached`. The desk first says `Accounts`, `Trunks`, `Outside`, and a `Lamp` and a `Mailbox` for whatever can be watched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from appliance.calls.names import Extension, LineId, Transport


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
    transport: Transport = Transport.UDP
    here: str = ""
    """Our own address as that telephone sees it: where its sound is to be sent."""


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
    """Unheard, because of an earlier MISTYPED or GUESSING."""
    MISTYPED = "mistyped"
    """One extension again and again with a wrong password: a telephone that is set up wrong. It is slowed from now on."""
    GUESSING = "guessing"
    """Wrong passwords for several extensions from one address: somebody is guessing."""
    NOT_ALLOWED = "not allowed"
    """Somebody known asked for what is not theirs: another extension, a call of others."""
    NOT_SUPPORTED = "not supported"
    """An honest request for what this box does not do."""
    NO_SUCH_CALL = "no such call"
    """Something about a call that we do not have, or not with them."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody was turned away. Equal refusals within ten seconds come as one, with their number."""

    refusal: Refusal
    source: str
    """`udp 203.0.113.9:5071`."""
    detail: str
    """Plain words, printable, without secrets."""
    times: int = 1


@dataclass(frozen=True, slots=True)
class Ban:
    """Somebody who is not heard for a while."""

    source: str
    """An IP address; of IPv6 from outside its whole network, `2001:db8:0:1::/64`."""
    extension: str
    """Only this extension's passwords are weighed once a minute from there; empty: nothing is heard from there."""
    until: float
    """UTC seconds."""
    why: str
    """Plain words: `10 wrong passwords for extension 101`."""


@dataclass(frozen=True, slots=True)
class Bans:
    """All there are now; said anew at every change."""

    bans: tuple[Ban, ...]


@dataclass(frozen=True, slots=True)
class LiftBan:
    """The owner knows who that is. Also forgets the failures that led to it."""

    source: str
    extension: str


@dataclass(frozen=True, slots=True)
class Trunk:
    """One provider, as the front door needs it (RFC 3261 section 10 from the other side)."""

    name: LineId
    domain: str
    """What stands behind the @: the provider's domain, a host name or an address; `:port` may follow."""
    proxy: str = ""
    """Where messages go, when that is not where the domain leads: host name or address, `:port` may follow."""
    transport: str = ""
    """`udp`, `tcp` or `tls`; empty: whichever the provider's DNS (RFC 3263) likes best, else UDP."""
    user: str = ""
    """Before the @ in our address there."""
    login: str = ""
    """For the password, when it is another than `user`."""
    password: str = field(default="", repr=False)
    registers: bool = True
    """We register there; else the provider knows us by our address."""
    addresses: tuple[str, ...] = ()
    """Addresses, networks or names its calls may come from, besides those its DNS gives."""
    expires: int = 300
    """Seconds asked for."""
    ping_seconds: float = 30.0
    """Between two OPTIONS; 0: none."""


@dataclass(frozen=True, slots=True)
class Trunks:
    """All providers, whole."""

    trunks: tuple[Trunk, ...]


@dataclass(frozen=True, slots=True)
class TrunkIs:
    """How a provider is now; said at every change."""

    name: LineId
    up: bool
    """A call would be taken to a living server of theirs, and we are registered where we have to be."""
    words: str
    """Plain words: `registered with 192.0.2.1`, `no answer from 192.0.2.1, trying 192.0.2.2`, `the provider refuses our
    name or password (403)`. They change when something happens, not by the clock.
    """
    here: str = ""
    """Our own address as that provider sees it: where its sound is to be sent."""
    contact: str = ""
    """Our SIP address there, as it stands in Contact: `sip:user@203.0.113.5:5060;transport=tcp`."""
    transport: Transport = Transport.UDP


class LampState(StrEnum):
    """What a busy lamp shows (RFC 4235)."""

    OFF = "off"
    """Nothing: an operator who is free, or gone; a queue nobody waits in."""
    RINGING = "ringing"
    """Being called; quick blinking."""
    ON = "on"
    """On a call; not to be disturbed; callers wait."""


@dataclass(frozen=True, slots=True)
class Lamp:
    """What a key that watches this number shows from now on."""

    extension: Extension
    """Of a person or a queue."""
    state: LampState
    note: str = ""
    """For telephones with a display (presence): `ready`, `paused: lunch`, `3 waiting`."""
    open: bool = True
    """Presence: can be reached."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """What the message lamp of this extension's telephones shows (RFC 3842)."""

    extension: Extension
    new: int
    old: int = 0


@dataclass(frozen=True, slots=True)
class Outside:
    """How the box is called from outside the firm's network, when the owner lets people in from there."""

    name: str = ""
    """Host name or address that leads to the router; empty: nobody is to come in from outside."""
    sip_port: int = 0
    """Port of the router that leads to ours; 0: the same."""
    tls_port: int = 0


@dataclass(frozen=True, slots=True)
class CheckReach:
    """Look now whether we can be reached from outside. Answered by `Reached`."""


class Reach(StrEnum):
    """Can a telephone outside the firm's network reach us?"""

    NOT_WANTED = "not wanted"
    UNKNOWN = "unknown"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Reached:
    """What is known of our being reachable from outside."""

    reach: Reach
    words: str
    """What was found, and what to do about it, in plain words."""
    address: str = ""
    """Where the name leads."""
    at: float = 0.0
    """UTC seconds of the last look."""


EDGE_HEARS = (Accounts, Trunks, Outside, CheckReach, Lamp, Mailbox, LiftBan)
EDGE_SAYS = (Registered, Refused, Bans, TrunkIs, Reached)
