"""Facts for the tests of the journal: short to make, easy to tell apart."""

from __future__ import annotations

from pathlib import Path

from appliance.calls import facts
from appliance.calls.facts import FACTS
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Direction, LegId
from appliance.store.journal import Journal, Replay
from appliance.store.journal_file import journals

DAY = 86_400.0
SATURDAY = Moment(1000.0, 1_795_262_400.0)
"""2026-11-21 12:00 UTC."""


def began(number: int, caller: str = "+355691234567") -> facts.CallBegan:
    return facts.CallBegan(SATURDAY.after(number), CallId(f"c-{number}"), LegId(f"l-{number}"), Direction.IN, caller)


def key(number: int) -> facts.KeyTaken:
    return facts.KeyTaken(SATURDAY.after(number), CallId(f"c-{number}"), "1", "menu main")


def open_journal(folder: Path, now: Moment = SATURDAY) -> tuple[Journal, Replay]:
    """As the box opens it, with a reserve small enough to be made often."""
    return Journal.open(folder, FACTS, now, reserve=4096)


def everything(replay: Replay) -> list[object]:
    return [*replay.head, *replay.facts]


def newest(folder: Path) -> Path:
    return folder / journals(folder)[-1].text


def names(folder: Path) -> list[str]:
    return [name.text for name in journals(folder)]
