"""Writes until it is killed, and prints a number as soon as everything of that number is durable.

Each number is a fact in the journal, a document in a table and a record on the call shelves.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tinydb.table import Document

from appliance.calls.facts import FACTS
from appliance.store.calls import CallShelves
from appliance.store.journal import Journal
from appliance.store.table import AppendDB
from tests.store.saying import SATURDAY, began
from tests.store.test_calls import a_call


def main(folder: Path, number: int) -> None:
    journal, _ = Journal.open(folder / "journal", FACTS, SATURDAY, gather=0, reserve=4096)
    db = AppendDB(folder / "x.tdb")
    shelves = CallShelves(folder / "calls")
    facts = [began(one) for one in range(number)]
    while True:
        number += 1
        facts.append(began(number - 1))
        kept = journal.append(facts[-1])
        db.insert_multiple([{"n": number, "part": part} for part in range(3)])
        db.upsert(Document({"latest": number}, 1_000_000))
        shelves.put(a_call(number - 1))
        if number % 5 == 0:
            shelves.flush()
        kept.result()
        print(number, flush=True)
        if number % 20 == 0:
            journal.rotate(facts, SATURDAY)
        if number % 30 == 0:
            db.storage.compact()  # type: ignore[attr-defined]  # it is ours


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
