"""The firm as its owner describes it; whole, immutable, replaced whole. A call keeps the settings it began with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from appliance.callcenter.settings import QueueSettings
from appliance.callflow.settings import FlowSettings, Place
from appliance.calls.names import Encryption, Extension, LineId


class Reach(StrEnum):
    """Kinds of numbers outside, by what a call to them may cost."""

    NATIONAL = "national"
    """Fixed and mobile numbers of the firm's country."""
    ABROAD = "abroad"
    PREMIUM = "premium"
    """Numbers that cost more than a call: premium rate, shared cost, satellite."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the firm with a telephone."""

    extension: Extension
    name: str
    language: str = ""
    """Of the box's words to them; empty: the firm's."""
    may_call_out: bool = True
    """May reach numbers outside over the lines. Emergency numbers always go."""
    reaches: tuple[Reach, ...] = (Reach.NATIONAL,)
    """Which kinds of them."""
    also: tuple[str, ...] = ()
    """Beginnings of numbers, in international form (`+39`), they may call besides."""
    never: tuple[str, ...] = ()
    """Beginnings of numbers they may not call whatever else is allowed."""
    encryption: Encryption = Encryption.OFF
    """Of the sound of all their telephones."""


class NumberFormat(StrEnum):
    """How a provider wants numbers outside written."""

    E164 = "e164"
    """`+355421234567`."""
    DIGITS = "digits"
    """The same without the plus."""
    ZEROS = "zeros"
    """`00355421234567`."""
    NATIONAL = "national"
    """As one dials in the firm's country: `0421234567`; abroad with 00, or what the country uses."""
    EIGHT_TEN = "8~10"
    """The Russian way: `8` and the number within the country, `810` before one abroad."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A line that is a SIP provider. Its password is kept apart, with the secrets."""

    profile: str = ""
    """The data file it was made from; empty: by hand."""
    domain: str = ""
    """See `calls.edge.Trunk` for these."""
    proxy: str = ""
    transport: str = ""
    user: str = ""
    login: str = ""
    registers: bool = True
    addresses: tuple[str, ...] = ()
    expires: int = 300
    ping_seconds: float = 30.0
    numbers_as: NumberFormat = NumberFormat.E164
    main_number: str = ""
    """What those we call are shown; empty: the provider's own choice."""
    caller_from: tuple[str, ...] = ("P-Asserted-Identity", "Remote-Party-ID", "From")
    """See `calls.engine.TrunkAccount` for these."""
    called_from: str = "request"
    shows_caller_by: str = "From"
    encryption: Encryption = Encryption.OFF


@dataclass(frozen=True, slots=True)
class NumberRoute:
    """One of our numbers on a line that has several, and where its callers begin."""

    number: str
    enters: Place


@dataclass(frozen=True, slots=True)
class Price:
    """What a minute costs to numbers that begin so. The longest beginning that fits counts."""

    begins: str
    """In international form: `+355`; empty: all others."""
    per_minute: float


@dataclass(frozen=True, slots=True)
class Caps:
    """What a line may spend before it takes no more calls out: against toll fraud, and against forgetting. 0: no cap.

    Emergency numbers always go. A call that is on when its day's cost is reached is ended.
    """

    calls_per_hour: int = 30
    minutes_per_day: int = 0
    cost_per_day: float = 0.0
    longest_minutes: int = 180
    """Of one call."""
    prices: tuple[Price, ...] = ()


@dataclass(frozen=True, slots=True)
class LineOptions:
    """What the calls of one line do; its hardware is the lines room's affair."""

    name: LineId
    enters: Place
    """Where an outside caller begins."""
    answer_after_rings: int = 2
    language: str = ""
    """Of what the caller hears; empty: the firm's."""
    record_calls_out: bool = True
    calls_at_once: int = 1
    """In and out together; a modem has one."""
    numbers: tuple[NumberRoute, ...] = ()
    """For lines with several numbers; callers of others go to `enters`."""
    caps: Caps = field(default_factory=Caps)
    provider: Provider | None = None
    """Set: this line is a SIP provider and no modem."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole firm."""

    firm: str = "Qendra"
    language: str = "en"
    country: str = "AL"
    timezone: str = "Europe/Tirane"
    people: tuple[Person, ...] = ()
    queues: tuple[QueueSettings, ...] = ()
    flow: FlowSettings = field(default_factory=FlowSettings)
    lines: tuple[LineOptions, ...] = ()
    record_prefix: str = ""
    """Dialled before an extension, the inside call is recorded; empty: never."""
    emergency_numbers: tuple[str, ...] = ()
    """Dialled as they are, these go out on whatever line lives, whoever dials."""
    currency: str = ""
    """Of prices and caps, for the page: `ALL`, `EUR`."""
    outside_name: str = ""
    """Host name or address at which the box is found from outside the firm's network; empty: nobody comes from there."""
    outside_port: int = 0
    """Of the router, leading to our SIP port; 0: the same."""
    outside_tls_port: int = 0
