"""The one file of secrets, 0600: what phones prove themselves with, and we at providers; the page's session key, the owner's
one-time link.
"""

from __future__ import annotations

import logging
import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from appliance.calls.edge import Account
from appliance.calls.names import Extension, LineId
from appliance.store.durable import make_folder, replace_file
from appliance.store.lines import as_json
from appliance.store.trouble import StoreTrouble, plain_words

log = logging.getLogger("qendra.store")


@dataclass(frozen=True, slots=True)
class _Secrets:
    realm: str = ""
    phones: tuple[Account, ...] = field(default=(), repr=False)
    session_key: str = field(default="", repr=False)
    link: str = field(default="", repr=False)
    lines: dict[LineId, str] = field(default_factory=dict, repr=False)
    """Passwords of providers: they have to be told, so a hash would not do."""


class SecretFile:
    """Reads the file once, and writes it whole, durably, with every change. Says nothing of its contents."""

    def __init__(self, path: Path, realm: str = "qendra") -> None:
        """Open the file, made if need be. One that others may read is closed to them, and `repaired` says so.

        `realm` is for a new file; an old one keeps its own, since every telephone's password is made with it.

        Raises:
            StoreTrouble: it cannot be read or written, is damaged, or belongs to somebody else.
        """
        self._path = path
        self.repaired: tuple[str, ...] = ()
        try:
            make_folder(path.parent)
            self._secrets = self._read()
        except OSError as error:
            raise StoreTrouble(f"{path} cannot be opened: {plain_words(error)}.") from error
        if not self._secrets.session_key:
            self._keep(replace(self._secrets, realm=realm, session_key=secrets.token_hex(32)))

    @property
    def realm(self) -> str:
        """Of digest: part of every telephone's password."""
        return self._secrets.realm

    @property
    def session_key(self) -> str:
        """Signs the page's sessions: 32 bytes as hex, the same over restarts."""
        return self._secrets.session_key

    def phones(self) -> dict[Extension, Account]:
        """What each extension's telephones prove themselves with."""
        return {account.extension: account for account in self._secrets.phones}

    def save_phone(self, account: Account) -> None:
        """Keep this in the place of what its extension had.

        Raises:
            StoreTrouble: the disk refuses; the old one stays.
        """
        self.save_phones([account])

    def save_phones(self, accounts: Iterable[Account]) -> None:
        """As `save_phone`, for several in one go."""
        phones = self.phones() | {account.extension: account for account in accounts}
        self._keep(replace(self._secrets, phones=tuple(phones.values())))

    def remove_phone(self, extension: Extension) -> None:
        """Its telephones can register no more.

        Raises:
            StoreTrouble: the disk refuses; nothing has changed.
        """
        phones = self.phones()
        if phones.pop(extension, None):
            self._keep(replace(self._secrets, phones=tuple(phones.values())))

    def lines(self) -> dict[LineId, str]:
        """What we prove ourselves with at each provider."""
        return dict(self._secrets.lines)

    def save_lines(self, passwords: Mapping[LineId, str]) -> None:
        """Keep these in the place of what their lines had; an empty one is forgotten.

        Raises:
            StoreTrouble: the disk refuses; nothing has changed.
        """
        lines = {name: password for name, password in (self.lines() | dict(passwords)).items() if password}
        if lines != self._secrets.lines:
            self._keep(replace(self._secrets, lines=lines))

    @property
    def link(self) -> str:
        """SHA-256 (hex) of the owner's one-time link; empty when there is none."""
        return self._secrets.link

    def save_link(self, link: str) -> None:
        """Keep the hash of a new link; an older one is void.

        Raises:
            StoreTrouble: the disk refuses; the older one stays.
        """
        self._keep(replace(self._secrets, link=link))

    def use_up_link(self) -> None:
        """There is no link any more.

        Raises:
            StoreTrouble: the disk refuses; it stays good.
        """
        self.save_link("")

    def _keep(self, changed: _Secrets) -> None:
        try:
            replace_file(self._path, as_json(changed) + b"\n")
        except OSError as error:
            raise StoreTrouble(f"{self._path.name} cannot be written: {plain_words(error)}.") from error
        self._secrets = changed

    def _read(self) -> _Secrets:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return _Secrets()
        with os.fdopen(descriptor, "rb") as file:
            self._close_to_others(file.fileno())
            try:
                return msgspec.json.decode(file.read(), type=_Secrets)
            except msgspec.DecodeError as error:
                raise StoreTrouble(
                    f"{self._path} is damaged. Put back a copy from a backup, or delete it: "
                    "then every telephone needs a new password, and everybody has to log in again."
                ) from error

    def _close_to_others(self, descriptor: int) -> None:
        state = os.fstat(descriptor)
        if state.st_uid != os.geteuid():
            raise StoreTrouble(f"{self._path} belongs to another user; the box does not trust it.")
        if stat.S_IMODE(state.st_mode) & 0o077:
            os.fchmod(descriptor, 0o600)
            said = f"{self._path.name} could be read by other users of this machine; that has been ended"
            log.warning("%s", said)
            self.repaired = (said,)
