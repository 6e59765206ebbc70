"""Who may log in to the page. Passwords are kept as Argon2 hashes, made elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tinydb import where
from tinydb.table import Document

from appliance.store.shelves import Shelf, as_document, read_as
from appliance.store.trouble import StoreTrouble
from appliance.switchboard.asks import AccountIs

TABLE = "accounts"
OWNER = "owner"
MOST_ENDED = 100
"""Sessions remembered as ended; with one more, all of that login end, and the list begins anew."""


class AccountShelf(Shelf):
    """`accounts.tdb`. Names are the same in any case of letters. Every change is durable when the method returns."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            StoreTrouble: it cannot be opened.
        """
        super().__init__(path)
        self._table = self.db.table(TABLE)

    def find(self, name: str) -> AccountIs | None:
        """Who logs in under this name; the answer to no ask in particular."""
        document = self._find(name)
        return None if document is None else _account(document)

    def all(self) -> tuple[AccountIs, ...]:
        """Everybody, by name."""
        return tuple(sorted(map(_account, self._table.all()), key=lambda account: _key(account.name)))

    def save(self, account: AccountIs, at: float = 0.0) -> None:
        """Make this login, or put it in the place of the one of that name. `at` (UTC seconds) is kept of new ones.

        Raises:
            StoreTrouble: there is no name or no password, the last owner would be gone, or the disk refuses.
        """
        if not _key(account.name) or not account.password:
            raise StoreTrouble("A login needs a name and a password.")
        document = as_document(account)
        del document["ask"]
        there = self._find(account.name)
        if there is None:
            self._table.insert(document | {"created": at})
            return
        self._not_the_last_owner(there, account.role)
        self._table.upsert(Document(document, there.doc_id))

    def end_session(self, name: str, session: str) -> bool:
        """Remember that this session was logged out; False when there is no such login.

        Raises:
            StoreTrouble: the disk refuses.
        """
        account = self.find(name)
        if account is None:
            return False
        if session not in account.ended:
            whole = len(account.ended) >= MOST_ENDED
            ended = () if whole else (*account.ended, session)
            self.save(replace(account, version=account.version + whole, ended=ended))
        return True

    def remove(self, name: str) -> None:
        """Take the login away, if there is one.

        Raises:
            StoreTrouble: it is the last owner's, or the disk refuses.
        """
        there = self._find(name)
        if there is not None:
            self._not_the_last_owner(there, "")
            self._table.remove(doc_ids=[there.doc_id])

    def _find(self, name: str) -> Document | None:
        wanted = _key(name)
        return next((document for document in self._table if _key(document["name"]) == wanted), None)

    def _not_the_last_owner(self, there: Document, role: str) -> None:
        if there["role"] == OWNER != role and self._table.count(where("role") == OWNER) == 1:
            raise StoreTrouble("The last owner stays: without one, nobody could change anything.")


def _key(name: str) -> str:
    return name.strip().casefold()


def _account(document: Document) -> AccountIs:
    return read_as(AccountIs, {**document, "ask": 0})
