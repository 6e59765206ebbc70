"""Finding calls that are over: what whoever keeps them can be asked, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.names import Direction
from appliance.calls.record import CallRecord, Result


@dataclass(frozen=True, slots=True)
class CallQuery:
    """Which calls; everything that is set has to fit. Times are UTC seconds, as in the record."""

    text: str = ""
    """Part of a number (signs and blanks do not count), of a name, a queue, an extension or a step; in any case."""
    number: str = ""
    """Part of the caller's or the dialled number; blanks, `+` and leading zeros do not matter."""
    direction: Direction | None = None
    result: Result | None = None
    operator: str = ""
    """Extension of somebody of us who talked, called or was called."""
    queue: str = ""
    line: str = ""
    since: float | None = None
    until: float | None = None
    """Exclusive, so that the next day may begin there."""
    before: str = ""
    """`CallPage.older` of the page before."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class CallPage:
    """Calls, newest first."""

    calls: tuple[CallRecord, ...]
    older: str = ""
    """Where the next page begins; empty when there is none."""
