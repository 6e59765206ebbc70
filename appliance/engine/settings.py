"""What the engine is told at its start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Settings:
    """Where the engine lives. Every port is on loopback but those for sound."""

    run: Path
    """Folder of the sockets between our processes."""
    recordings: Path
    engine_port: int = 5070
    inside_port: int = 5071
    """The edge's side toward us."""
    first_rtp: int = 10_000
    last_rtp: int = 10_999
    bind: str = "0.0.0.0"  # noqa: S104 (the installer's word for "all of our addresses")
    disk_floor: int = 100 * MEGABYTE
    """Free bytes under which recordings stop, so that calls and their records have room."""
