"""The firm as its owner describes it; whole, immutable, replaced whole. A call keeps the settings it began with."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.callcenter.settings import QueueSettings
from appliance.callflow.settings import FlowSettings, Place
from appliance.calls.names import Extension, LineId


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the firm with a telephone."""

    extension: Extension
    name: str
    language: str = ""
    """Of the box's words to them; empty: the firm's."""
    may_call_out: bool = True
    """May reach numbers outside over the lines. Emergency numbers always go."""


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
