from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.calls.names import Extension
from appliance.store.accounts import MOST_ENDED, AccountShelf
from appliance.store.trouble import StoreTrouble
from appliance.switchboard.asks import AccountIs

ARTA = AccountIs(0, "Arta", "owner", "$argon2id$a", Extension("101"), "sq")
BESA = AccountIs(0, "Besa", "operator", "$argon2id$b", Extension(""), "en")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.tdb"


def test_logins_are_kept_and_found_in_any_case_of_letters(path: Path) -> None:
    with AccountShelf(path) as shelf:
        assert shelf.find("Arta") is None
        shelf.save(replace(BESA, ask=7), at=5.0)
        shelf.save(ARTA)
    with AccountShelf(path) as shelf:
        assert shelf.find(" ARTA ") == ARTA
        assert shelf.all() == (ARTA, BESA)
        assert next(iter(shelf.db.table("accounts")))["created"] == 5.0


def test_a_login_is_changed_not_doubled(path: Path) -> None:
    with AccountShelf(path) as shelf:
        shelf.save(BESA, at=5.0)
        shelf.save(replace(BESA, name="besa", password="$argon2id$c", version=2), at=9.0)
        assert shelf.all() == (replace(BESA, name="besa", password="$argon2id$c", version=2),)
        assert next(iter(shelf.db.table("accounts")))["created"] == 5.0


def test_a_session_that_ended_stays_ended(path: Path) -> None:
    with AccountShelf(path) as shelf:
        shelf.save(ARTA)
        assert shelf.end_session("arta", "s1")
        assert shelf.end_session("arta", "s1")
        assert not shelf.end_session("nobody", "s1")
    with AccountShelf(path) as shelf:
        assert shelf.find("Arta") == replace(ARTA, ended=("s1",))
        for index in range(MOST_ENDED):
            shelf.end_session("arta", f"more-{index}")
        assert shelf.find("Arta") == replace(ARTA, version=ARTA.version + 1), "too many to remember: all end"


def test_the_last_owner_stays(path: Path) -> None:
    with AccountShelf(path) as shelf:
        shelf.save(ARTA)
        shelf.save(BESA)
        with pytest.raises(StoreTrouble, match="last owner"):
            shelf.remove("arta")
        with pytest.raises(StoreTrouble, match="last owner"):
            shelf.save(replace(ARTA, role="operator"))
        shelf.save(replace(ARTA, language="en"))
        shelf.save(replace(BESA, role="owner"))
        shelf.remove("arta")
        shelf.remove("nobody")
        assert [account.name for account in shelf.all()] == ["Besa"]


@pytest.mark.parametrize("account", [replace(BESA, name="  "), replace(BESA, password="")])
def test_a_login_needs_a_name_and_a_password(path: Path, account: AccountIs) -> None:
    with AccountShelf(path) as shelf:
        with pytest.raises(StoreTrouble, match="needs a name and a password"):
            shelf.save(account)
        assert shelf.all() == ()


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    with AccountShelf(path) as shelf:
        shelf.save(ARTA)
    assert path.stat().st_mode & 0o777 == 0o600
