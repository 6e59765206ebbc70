"""What all shelves share. A shelf is one TinyDB file, written by the desk and followed by the web process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from appliance.store.storage import AppendStorage, Sync
from appliance.store.table import AppendDB
from appliance.store.trouble import StoreTrouble

Kind = TypeVar("Kind")


class Shelf:
    """One open file. With `follow` it is only looked into, and what the desk writes is seen at the next look."""

    def __init__(self, path: Path, *, follow: bool = False, sync: Sync = Sync.EACH, **options: Any) -> None:
        """See `AppendStorage`.

        Raises:
            StoreTrouble: it cannot be opened.
        """
        self.db = AppendDB(path, follow=follow, sync=sync, **options)

    @property
    def storage(self) -> AppendStorage:
        """The file below."""
        storage = self.db.storage
        assert isinstance(storage, AppendStorage)
        return storage

    @property
    def repaired(self) -> tuple[str, ...]:
        """What had to be mended on opening, in plain words."""
        return self.storage.repaired

    def flush(self) -> None:
        """Return when everything is durable. May be called from another thread.

        Raises:
            StoreTrouble: the disk refuses.
        """
        self.storage.flush()

    def tidy(self) -> None:
        """For quiet hours: compact the file when more than half of it is past.

        Raises:
            StoreTrouble: the disk refuses; the old file stands.
        """
        if self.storage.garbage > 0.5:
            self.storage.compact()

    def close(self) -> None:
        """Make everything durable and let go.

        Raises:
            StoreTrouble: the disk refuses; the file is closed all the same.
        """
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def as_document(thing: Any) -> dict[str, Any]:
    """A dataclass as TinyDB keeps it."""
    document: dict[str, Any] = msgspec.to_builtins(thing)
    return document


def read_as(kind: type[Kind], document: Any) -> Kind:
    """A TinyDB document as the dataclass it was made from. Fields that are new since have their defaults.

    Raises:
        StoreTrouble: a newer version has written it.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise StoreTrouble(f"A {kind.__name__} in the data is not understood by this version: {error}.") from error
