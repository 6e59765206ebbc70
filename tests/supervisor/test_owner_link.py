"""The link that makes the owner's account: told once, good until it is used, also when the desk dies meanwhile."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.names import Extension
from appliance.store import secret_file
from appliance.store.accounts import OWNER
from appliance.supervisor import clock
from appliance.supervisor.answers import link_hash
from appliance.supervisor.books import Books
from appliance.supervisor.desk import WELCOME, offer_link
from appliance.switchboard.asks import AccountIs


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    opened = Books(tmp_path, clock.now())
    yield opened
    opened.close()


def told(run: Path) -> str:
    return (run / "owner-link").read_text(encoding="ascii").strip()


def test_a_desk_that_comes_back_leaves_the_link_good_that_was_told(books: Books, tmp_path: Path) -> None:
    offer_link(books, tmp_path)
    first = told(tmp_path)
    offer_link(books, tmp_path)
    assert told(tmp_path) == first
    assert books.secrets.link == link_hash(first.removeprefix(WELCOME))


def test_a_new_run_has_a_new_link_and_the_older_one_is_void(books: Books, tmp_path: Path) -> None:
    offer_link(books, tmp_path)
    first = told(tmp_path)
    (tmp_path / "owner-link").unlink()  # as every run begins
    offer_link(books, tmp_path)
    assert told(tmp_path) != first
    assert books.secrets.link == link_hash(told(tmp_path).removeprefix(WELCOME))


def test_a_link_that_is_not_ours_is_not_left_there(books: Books, tmp_path: Path) -> None:
    (tmp_path / "owner-link").write_text(f"{WELCOME}somebody-elses\n", encoding="ascii")
    offer_link(books, tmp_path)
    assert books.secrets.link == link_hash(told(tmp_path).removeprefix(WELCOME))


def test_where_there_is_an_owner_no_link_is_offered(books: Books, tmp_path: Path) -> None:
    offer_link(books, tmp_path)
    books.accounts.save(AccountIs(0, "ana", OWNER, "a hash", Extension(""), "en"))
    offer_link(books, tmp_path)
    assert not (tmp_path / "owner-link").exists()


def test_a_full_disk_costs_the_link_and_not_the_desk(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(secret_file, "replace_file", full)
    offer_link(books, tmp_path)
    assert not (tmp_path / "owner-link").exists()
