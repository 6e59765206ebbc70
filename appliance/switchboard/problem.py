"""What is wrong with the settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that contradicts itself. `where` is a path like `menus.main.choices.1.to`, `words` plain English."""

    where: str
    words: str
