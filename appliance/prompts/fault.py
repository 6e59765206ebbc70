"""The one error of this room."""

from __future__ import annotations


class PromptFault(Exception):
    """Something could not be made into sound; the text says in plain words what, and what a person can do."""
