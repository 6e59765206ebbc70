"""The power goes: the newest file ends at any byte, or is damaged at any byte."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from appliance.calls.facts import FACTS
from appliance.store.journal import _newest
from appliance.store.journal_file import Words
from appliance.store.lines import unseal
from tests.store.saying import SATURDAY, began, everything, key, newest, open_journal

WORDS = Words(FACTS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An older file with three facts; a newer one with a head of two and twelve facts after it."""
    journal, _ = open_journal(tmp_path)
    for number in range(3):
        journal.append(began(number))
    journal.rotate([began(1), began(2)], SATURDAY)
    for number in range(10, 16):
        journal.append(began(number))
        journal.append(key(number))
    assert journal.close()
    return tmp_path


def whole_lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def read(folder: Path) -> list[object]:
    reading = _newest(folder, WORDS)[-1]
    return [*reading.head, *reading.facts]


def test_cut_at_every_byte(folder: Path) -> None:
    path = newest(folder)
    content = path.read_bytes()
    older = [began(0), began(1), began(2)]
    said = [began(1), began(2)] + [fact for number in range(10, 16) for fact in (began(number), key(number))]
    ends = [end for end in range(1, len(content) + 1) if content[end - 1 : end] == b"\n"]
    for cut in range(len(content), -1, -1):
        with path.open("r+b") as file:
            file.truncate(cut)
        lines = sum(end <= cut for end in ends)
        expected = older if lines < 4 else said[: lines - 2]  # JournalBegan, two facts, HeadEnds, then the rest
        assert read(folder) == expected, f"cut at {cut} of {len(content)}"


def test_after_a_cut_the_box_goes_on_and_says_what_it_did(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = newest(folder).read_bytes()
    dice = random.Random(2)
    for cut in dice.sample(range(len(content)), 60):
        place = tmp_path_factory.mktemp("cut")
        shutil.copytree(folder, place, dirs_exist_ok=True)
        with newest(place).open("r+b") as file:
            file.truncate(cut)
        expected = read(place)
        journal, replay = open_journal(place)
        assert everything(replay) == expected
        assert replay.repaired or content[cut - 1 : cut] == b"\n"
        journal.append(began(99))
        assert journal.close()
        assert read(place) == [*expected, began(99)]
        journal, replay = open_journal(place)
        unfinished = [note for note in replay.repaired if "just being begun" not in note]
        assert unfinished == [], "what was cut off is not found again"
        journal.rotate([began(100)], SATURDAY)
        assert journal.close()
        assert read(place) == [began(100)]


def test_damage_at_any_byte_costs_only_the_lines_it_touches(folder: Path) -> None:
    path = newest(folder)
    content = path.read_bytes()
    dice = random.Random(3)
    for _ in range(1500):
        damaged = bytearray(content)
        at = dice.randrange(len(content))
        length = dice.choice([1, 1, 3, 40, 300])
        length = min(length, len(content) - at)
        damaged[at : at + length] = dice.choice([bytes(length), dice.randbytes(length)])
        path.write_bytes(damaged)
        left = [line for line in whole_lines(content) if line in whole_lines(bytes(damaged))]
        bodies = [opened[1] for line in left if (opened := unseal(line))]
        facts = [fact for body in bodies if type(fact := WORDS.fact(body)) in FACTS]
        reading = _newest(folder, WORDS)[-1]
        assert [*reading.head, *reading.facts] == facts
        assert reading.notes or reading.torn or damaged == content
