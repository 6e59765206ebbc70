"""The past as the pages know it: calls that are over, found again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from appliance.calls.lookup import CallPage, CallQuery
from appliance.calls.names import CallId
from appliance.calls.record import CallRecord


@dataclass(frozen=True, slots=True)
class DoneTask:
    """A lost caller who has been dealt with."""

    number: str
    lost: float
    """UTC seconds, as `closed`."""
    closed: float
    how: str
    """`they called`, `we called` or `by hand`."""
    who: str
    """Extension or login."""
    note: str
    call: CallId
    """In which somebody has spoken with them; may be empty."""


class ArchiveTrouble(Exception):
    """The past cannot be read now; the text says why in plain words."""


class Archive(Protocol):
    """Whoever keeps past calls. Its methods may be called from any thread, never change anything, and raise
    ArchiveTrouble when the disk does not read.
    """

    def search(self, query: CallQuery) -> CallPage:
        """One page of calls that fit."""

    def call(self, call: CallId) -> CallRecord | None:
        """One call, or None when there is none of this name."""

    def done_tasks(self, limit: int) -> list[DoneTask]:
        """Lost callers who have been dealt with, the latest dealt with first."""
