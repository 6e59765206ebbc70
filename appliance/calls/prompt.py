"""What a caller may be given to hear, as words: the prompts room turns them into sound files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Say:
    """The owner's own words, spoken by the box."""

    text: str
    language: str
    """Two letters: en, ru, sq."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence of the house in the caller's language, for instance `queue_position` with ``{"position": "3"}``."""

    name: str
    language: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Tone:
    """A telephone tone made on the box: `ringback`, `busy`, `congestion` or `beep`."""

    name: str


@dataclass(frozen=True, slots=True)
class Music:
    """Hold music by name; `calm` ships with the box."""

    name: str = "calm"


Prompt = Say | Phrase | Tone | Music
