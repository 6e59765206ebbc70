"""What the edge writes on every INVITE from outside, and on the answers to ours: who that is, and over what.

Nobody else can: the edge takes away whatever a stranger wrote under its names.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.names import Transport
from appliance.engine.sip_words import header_values


@dataclass(frozen=True, slots=True)
class Marks:
    """Empty where the edge wrote nothing, or not exactly once."""

    extension: str = ""
    """Whose telephone calls."""
    device: str = ""
    trunk: str = ""
    """The provider the call comes from."""
    source: str = ""
    """The IP address the message came from."""
    encrypted: bool = False
    """Nobody on its way could read it, nor the keys of the sound in it."""
    here: str = ""
    """Our own IP address as seen from there."""


def marks_of(message: str) -> Marks:
    """The marks of a message, as text."""
    transport = _mark(message, "Transport")
    return Marks(
        extension=_mark(message, "From"),
        device=_mark(message, "Device"),
        trunk=_mark(message, "Trunk"),
        source=_mark(message, "Source"),
        encrypted=transport in set(Transport) and Transport(transport).encrypted,
        here=_mark(message, "Here"),
    )


def _mark(message: str, name: str) -> str:
    values = header_values(message, f"X-Qendra-{name}")
    return values[0] if len(values) == 1 else ""
