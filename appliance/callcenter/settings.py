"""A queue as the owner sets it up."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.names import Extension


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """Callers wait here until one of `operators` is free. Times are seconds."""

    name: str
    """In the flow: `queue NAME`."""
    title: str
    operators: tuple[Extension, ...]
    extension: Extension = Extension("")
    """Dialled inside the firm; empty when it cannot be."""
    ring_seconds: float = 15.0
    """A telephone that rings longer has not answered: the next operator's turn."""
    wrap_up_seconds: float = 10.0
    """After a talk, before the next call."""
    set_aside_seconds: float = 300.0
    """How long an operator who did not answer gets no calls, unless they say they are back."""
    longest_wait_seconds: float = 900.0
    when_too_long: str = "hang up"
    """The place of the flow a caller goes to who has waited longest."""
    record: bool = True
