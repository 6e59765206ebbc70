from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from tinydb import where

from appliance.calls.lookup import CallQuery
from appliance.store.calls import CallShelves
from appliance.store.table import AppendDB
from tests.store.saying import began, everything, open_journal

KILLS = 30


def test_killed_again_and_again_nothing_acknowledged_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    dice = random.Random(7)
    number = 0
    for _ in range(KILLS):
        acknowledged = write_and_be_killed(tmp_path, number, dice.uniform(0.0, 0.06))
        number = check(tmp_path, max(acknowledged, number))
    assert number > 2 * KILLS, "the writer hardly came to write"


def write_and_be_killed(folder: Path, number: int, after: float) -> int:
    command = [sys.executable, "-m", "tests.store.steady_writer", str(folder), str(number)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert writer.stdout
    with writer.stdout:
        first = writer.stdout.readline()
        time.sleep(after)
        writer.kill()
        said = [first, *writer.stdout.readlines()]
    assert writer.wait() == -9
    return int([line for line in said if line.endswith(b"\n")][-1])


def check(folder: Path, acknowledged: int) -> int:
    """Everything up to the acknowledged number is there, once; then perhaps one more. Where the next writer begins."""
    journal, replay = open_journal(folder / "journal")
    facts = everything(replay)
    assert acknowledged <= len(facts) <= acknowledged + 1
    assert facts == [began(number) for number in range(len(facts))]

    with AppendDB(folder / "x.tdb") as db:
        written = sorted((document["n"], document["part"]) for document in db.search(where("part").exists()))
        assert written[: 3 * acknowledged] == [(n + 1, part) for n in range(acknowledged) for part in range(3)]
        assert len(written) in {3 * acknowledged, 3 * acknowledged + 3}
        db.remove(where("n") > acknowledged)  # so that the next writer begins from one number everywhere

    shelves = CallShelves(folder / "calls")
    calls = [record.call for record in shelves.search(CallQuery(limit=10**6)).calls]
    assert len(calls) == len(set(calls))
    assert {f"c-{number}" for number in range(acknowledged)} <= set(calls)
    shelves.close()
    assert journal.close()
    if len(facts) > acknowledged:
        journal, _ = open_journal(folder / "journal")
        journal.rotate(facts[:acknowledged], began(0).at)
        assert journal.close()
    return acknowledged
