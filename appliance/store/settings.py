"""The firm's settings, every version of them: who changed what and when, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from tinydb.table import Document

from appliance.store.shelves import Shelf, as_document, read_as
from appliance.store.trouble import StoreTrouble

TABLE = "settings"
KEPT = 500
"""Versions kept; older ones fall out."""

Firm = TypeVar("Firm")


@dataclass(frozen=True, slots=True)
class Version(Generic[Firm]):
    """The settings as they were from one change to the next."""

    version: int
    at: float
    """UTC seconds."""
    who: str
    what: str
    """The change in plain words."""
    settings: Firm


class ChangedMeanwhile(StoreTrouble):
    """Somebody else has saved since the settings were read; `version` is theirs."""

    def __init__(self, version: int) -> None:
        super().__init__("Somebody else has changed the settings meanwhile. Please look at theirs first.")
        self.version = version


class SettingsShelf(Shelf, Generic[Firm]):
    """`settings.tdb`. Every change is durable when the method returns, and none is ever overwritten."""

    def __init__(self, path: Path, kind: type[Firm], *, follow: bool = False) -> None:
        """`kind` is the dataclass of the settings.

        Raises:
            StoreTrouble: the file cannot be opened.
        """
        super().__init__(path, follow=follow)
        self._kind = kind
        self._table = self.db.table(TABLE)

    @property
    def version(self) -> int:
        """Of the settings in force; 0 before the first were saved."""
        return max(self.storage.picture().table(TABLE), default=0)

    def current(self) -> Version[Firm] | None:
        """The settings in force.

        Raises:
            StoreTrouble: a newer version of the box has written them, or the disk does not read.
        """
        return self.get(self.version)

    def get(self, version: int) -> Version[Firm] | None:
        """The settings of that version, if it is still kept."""
        document = self._table.get(doc_id=version)
        return None if document is None else self._read(version, document)

    def save(self, settings: Firm, *, who: str, what: str, at: float, based_on: int) -> int:
        """Put these in force; the number of the new version.

        Raises:
            ChangedMeanwhile: `based_on` is not the version in force.
            StoreTrouble: the disk refuses; the old ones stay in force.
        """
        version = self.version
        if based_on != version:
            raise ChangedMeanwhile(version)
        document = {"at": at, "who": who, "what": what, "settings": as_document(settings)}
        self._table.insert(Document(document, version + 1))
        self._table.remove(doc_ids=[old for old in self.storage.picture().table(TABLE) if old <= version + 1 - KEPT])
        return version + 1

    def before(self, version: int) -> Firm | None:
        """What was in force before that version, if it is still kept."""
        earlier = self.get(version - 1)
        return earlier.settings if earlier else None

    def undo(self, version: int, *, who: str, what: str, at: float) -> int:
        """Put in force again what was so before `version`; the number of the new version.

        Raises:
            StoreTrouble: nothing is kept from before, or the disk refuses.
        """
        before = self.before(version)
        if before is None:
            raise StoreTrouble("What was in force before that is not kept any more.")
        return self.save(before, who=who, what=what, at=at, based_on=self.version)

    def history(self, limit: int = 50) -> list[Version[Firm]]:
        """The latest changes, newest first. Those this version of the box does not understand are left out."""
        found = []
        for number in sorted(self.storage.picture().table(TABLE), reverse=True)[:limit]:
            try:
                version = self.get(number)
            except StoreTrouble:
                continue
            if version:
                found.append(version)
        return found

    def _read(self, version: int, document: dict[str, Any]) -> Version[Firm]:
        settings = read_as(self._kind, document["settings"])
        return Version(version, document["at"], document["who"], document["what"], settings)
