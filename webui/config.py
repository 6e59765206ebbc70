"""What the pages have to be told from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Where things are, and the clock."""

    clock: Callable[[], float]
    """UTC seconds."""
    rest: Callable[[float], None]
    """Sleeps so many seconds."""
    recordings: Path
    """The folder under which `CallRecord.recording` names a file."""
    public_name: str = ""
    """The name people reach the box by from outside, if it has one: `calls.example.com`."""
    version: str = ""
    """Of the box, for the page about it."""
    most_streams: int = 24
    """Live pages open at one time; further ones look every few seconds instead."""
    heartbeat: float = 15.0
    """Seconds between signs of life on a quiet stream."""
    glance: float = 2.0
    """Seconds after which a quiet stream looks whether its browser is still there."""
    pace: float = 0.3
    """Seconds a stream waits before it looks again, however much is going on."""
