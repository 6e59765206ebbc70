"""`kept/` is the data folder of a box from before lines could be providers: whoever updates loses nothing of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls import facts
from appliance.calls.names import Encryption, Extension, LineId
from appliance.supervisor import clock
from appliance.supervisor.books import Books
from appliance.supervisor.desk import take_up
from appliance.supervisor.site import load
from appliance.switchboard.settings import Caps, LineOptions, Person, Reach

KEPT = Path(__file__).parent / "kept"


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    data = tmp_path / "data"
    shutil.copytree(KEPT, data)
    (data / "secrets").chmod(0o600)
    books = Books(data, clock.now())
    yield books
    books.close()


def test_the_firm_is_as_it_was_and_what_is_new_is_as_usual(books: Books) -> None:
    firm = books.firm()
    assert firm.firm == "Taksi Ёлка"
    assert firm.people[0] == Person(Extension("101"), "Ana")
    assert not firm.people[2].may_call_out
    assert (firm.people[2].reaches, firm.people[2].encryption) == ((Reach.NATIONAL,), Encryption.OFF)
    (line,) = firm.lines
    assert line == LineOptions(LineId("gsm1"), "hours office", answer_after_rings=3, language="sq", caps=Caps())
    assert [version.who for version in books.settings.history()] == ["Ana", "site file"]


def test_the_example_firm_of_a_later_version_does_not_replace_what_the_owner_has_made_of_it(books: Books) -> None:
    take_up(books, load(None), chosen=False)
    assert books.firm().firm == "Taksi Ёлка"
    take_up(books, load(None), chosen=True)
    assert books.firm().firm == "Qendra"


def test_a_new_box_begins_with_the_example_firm(tmp_path: Path) -> None:
    books = Books(tmp_path / "new", clock.now())
    take_up(books, load(None), chosen=False)
    assert [person.name for person in books.firm().people] == ["Ana", "Besim", "Vera"]
    books.close()


def test_telephones_keep_their_passwords(books: Books) -> None:
    assert books.secrets.phones().keys() == {"101"}
    assert books.secrets.lines() == {}
    books.secrets.save_lines({LineId("trunk"): "made-up"})
    assert books.secrets.phones().keys() == {"101"}
    assert books.secrets.session_key == "a" * 64


def test_the_journal_is_read_as_before(books: Books) -> None:
    replay = books.take_replay()
    assert replay.repaired == ()
    assert [type(fact) for fact in replay.facts] == [
        facts.CallBegan,
        facts.LegJoined,
        facts.PhoneRefused,
        facts.CallEnded,
    ]
