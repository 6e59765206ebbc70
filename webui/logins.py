"""Who somebody is: logins, sessions and passwords."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, cast

from flask import g, session

from appliance.switchboard import asks
from appliance.switchboard.asks import AccountIs
from webui.desk import Desk, DeskAway, Refused, ask_for, do

if TYPE_CHECKING:
    from argon2 import PasswordHasher

OWNER = "owner"
OPERATOR = "operator"
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200


class Logins:
    """The logins as the desk keeps them; each is looked up again after a while, so that a removed one ends."""

    FRESH = 10.0
    KEPT = 200
    UNTOLD = 1000
    """Ended sessions remembered until the desk can be told of them."""

    def __init__(self, desk: Desk, clock: Callable[[], float]) -> None:
        self._desk = desk
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, AccountIs]] = {}
        self._untold: dict[str, str] = {}
        """Sessions that ended while the desk was away, with the name of their login."""

    def find(self, name: str) -> AccountIs | None:
        """The login of this name as it is now.

        Raises:
            DeskAway: the desk did not answer.
        """
        try:
            self._tell_ended()
            account = ask_for(self._desk, asks.SeeAccount(0, name), AccountIs)
        except Refused:
            self.forget(name)
            return None
        with self._lock:
            if len(self._seen) >= self.KEPT:
                self._seen.clear()
            self._seen[name] = (self._clock(), account)
        return account

    def forget(self, name: str) -> None:
        """Look it up anew next time."""
        with self._lock:
            self._seen.pop(name, None)

    def of_session(self) -> AccountIs | None:
        """Who this browser has logged in as, if that still holds. While the desk is away, the last known holds.

        Raises:
            DeskAway: the desk does not answer, and this login has not been seen yet.
        """
        name, version = str(session.get("name", "")), session.get("version")
        if not name:
            return None
        account, mine = self._of(name), str(session.get("id", ""))
        if account is None or account.version != version or not mine:
            return None
        return None if mine in account.ended or mine in self._untold else account

    def end_session(self) -> None:
        """This session is worth nothing from now on, also to whoever has copied its cookie. Whatever the desk does."""
        name, mine = str(session.get("name", "")), str(session.get("id", ""))
        session.clear()
        if not name or not mine:
            return
        with self._lock:
            if len(self._untold) >= self.UNTOLD:
                del self._untold[next(iter(self._untold))]
            self._untold[mine] = name
        with contextlib.suppress(DeskAway):
            self._tell_ended()
        self.forget(name)

    def _tell_ended(self) -> None:
        with self._lock:
            untold = list(self._untold.items())
        for ended, name in untold:
            with contextlib.suppress(Refused):
                do(self._desk, asks.EndSession(0, name, ended))
            self.forget(name)
            with self._lock:
                self._untold.pop(ended, None)

    def _of(self, name: str) -> AccountIs | None:
        with self._lock:
            seen = self._seen.get(name)
        if seen is not None and 0 <= self._clock() - seen[0] < self.FRESH:
            return seen[1]
        try:
            return self.find(name)
        except DeskAway:
            if seen is None:
                raise
            return seen[1]


def begin_session(account: AccountIs, chosen_language: str) -> None:
    """This browser is `account` from now on. A session that was there before ends, with its CSRF token."""
    session.clear()
    session["name"] = account.name
    session["version"] = account.version
    session["id"] = secrets.token_urlsafe(12)
    if chosen_language:
        session["language"] = chosen_language
    session.permanent = True


def me() -> AccountIs:
    """Who asks. Only where a login is needed, which is checked before any view runs."""
    return cast("AccountIs", g.me)


def is_owner() -> bool:
    """Whether the owner asks."""
    return me().role == OWNER


_one_at_a_time = threading.Lock()
"""Argon2 takes 19 MB while it works; a flood of guesses must not take them many times over."""


def hash_password(password: str) -> str:
    """An Argon2id hash to keep."""
    with _one_at_a_time:
        return _hasher().hash(password)


def password_fits(account: AccountIs | None, password: str) -> bool:
    """Whether this is their password. Takes as long for a name that does not exist."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 -- loaded at the first login

    kept = account.password if account is not None else _nobody()
    with _one_at_a_time:
        try:
            _hasher().verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
    return account is not None


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415 -- loaded at the first login

    # The smallest of the settings OWASP recommends (m=19 MiB, t=2, p=1): a small board logs in within a second.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    return hash_password("a name that does not exist")
