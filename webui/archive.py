"""The past as the pages know it: calls that are over, found again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from appliance.calls.names import CallId, Direction, Extension
from appliance.calls.record import CallRecord, Result


@dataclass(frozen=True, slots=True)
class CallQuery:
    """Which calls somebody looks for. Everything that is set has to fit."""

    text: str = ""
    """Part of a number (spaces and signs do not count), of a name, or an extension."""
    direction: Direction | None = None
    result: Result | None = None
    operator: Extension = Extension("")
    """Somebody of ours who talked, called or was called."""
    queue: str = ""
    since: float | None = None
    """UTC seconds, included."""
    until: float | None = None
    """UTC seconds, not included."""
    before: str = ""
    """Go on after the page that said this in `CallPage.older`."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class CallPage:
    """Calls that fit, newest first."""

    calls: tuple[CallRecord, ...]
    older: str = ""
    """Where the next page begins; empty when this is the end."""


class Archive(Protocol):
    """Whoever keeps past calls. Its methods may be called from any thread, and never change anything."""

    def search(self, query: CallQuery) -> CallPage:
        """One page of calls that fit."""

    def call(self, call: CallId) -> CallRecord | None:
        """One call, or None when there is none of this name."""
