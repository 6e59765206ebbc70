"""TinyDB tables over an appending file: the same face, and a change costs what the change is.

    with AppendDB("customers.tdb") as db:
        db.insert({"name": "Arta"})
        db.search(where("name") == "Arta")

`AppendDB(path, follow=True)` looks into a file that another program writes.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, MutableMapping
from typing import Any

import msgspec
from tinydb import TinyDB
from tinydb.table import Document, Table

from appliance.store.lines import as_json
from appliance.store.picture import Change, Picture
from appliance.store.storage import AppendStorage

Fields = dict[str, Any]


class AppendTable(Table):
    """A TinyDB table whose documents stay in the file until they are looked at."""

    _storage: AppendStorage
    _next_id: Any

    def __init__(self, storage: AppendStorage, name: str, **options: Any) -> None:
        """As TinyDB's own."""
        self._seen = -1
        super().__init__(storage, name, **options)

    def search(self, cond: Any) -> list[Document]:
        """As TinyDB's own; what others have written is seen."""
        self._forget_what_is_old()
        return super().search(cond)

    def raw(self, doc_id: int) -> bytes | None:
        """The JSON of a document, or None: for those who look at very many."""
        return self._storage.raw(self.name, doc_id)

    def _forget_what_is_old(self) -> None:
        self._storage.picture()
        if self._seen != self._storage.generation:
            self._seen = self._storage.generation
            self.clear_cache()

    def _get_next_id(self) -> int:
        if self._next_id is None:
            self._next_id = max(self._storage.picture().table(self.name), default=0) + 1
        number: int = self._next_id
        self._next_id = number + 1
        return number

    def _read_table(self) -> Mapping[str, Fields]:  # type: ignore[override]  # TinyDB only reads from it
        return _Documents(self._storage.picture(), self.name)

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        draft = _Draft(self._storage.picture(), self.name)
        updater(draft)
        self._storage.change(draft.changes())
        self.clear_cache()


class AppendDB(TinyDB):
    """TinyDB with these tables and this storage."""

    table_class: type[Table] = AppendTable
    default_storage_class: Any = AppendStorage

    def tables(self) -> set[str]:
        """The names of all tables."""
        storage = self.storage
        assert isinstance(storage, AppendStorage)
        return set(storage.picture().tables)


class _Documents(Mapping[str, Fields]):
    """A table as TinyDB reads it: each document is decoded when it is asked for, and belongs to the asker."""

    def __init__(self, picture: Picture, name: str) -> None:
        self._picture = picture
        self._places = picture.table(name)

    def __getitem__(self, key: str) -> Fields:
        if not key.removeprefix("-").isdecimal():
            raise KeyError(key)
        document: Fields = _decode(self._picture.raw(self._places[int(key)]))
        return document

    def __iter__(self) -> Iterator[str]:
        return map(str, list(self._places))

    def __len__(self) -> int:
        return len(self._places)

    def items(self) -> ItemsView[str, Fields]:
        return _Items(self)

    def pairs(self) -> Iterator[tuple[str, Fields]]:
        raw = self._picture.raw
        for number, place in list(self._places.items()):
            yield str(number), _decode(raw(place))


class _Items(ItemsView[str, Fields]):
    """Goes through the file once, in the documents' order."""

    _mapping: _Documents

    def __iter__(self) -> Iterator[tuple[str, Fields]]:
        return self._mapping.pairs()


class _Draft(MutableMapping[int, Fields]):
    """A table while TinyDB changes it. Nothing has changed until `changes` are stored."""

    def __init__(self, picture: Picture, name: str) -> None:
        self._picture = picture
        self._name = name
        self._there = picture.table(name)
        self._touched: dict[int, Fields] = {}
        self._gone: set[int] = set()

    def __contains__(self, number: object) -> bool:
        return number in self._touched or (number in self._there and number not in self._gone)

    def __getitem__(self, number: int) -> Fields:
        if number not in self._touched:
            if number in self._gone:
                raise KeyError(number)
            self._touched[number] = _decode(self._picture.raw(self._there[number]))
        return self._touched[number]

    def __setitem__(self, number: int, document: Fields) -> None:
        self._touched[number] = document

    def __delitem__(self, number: int) -> None:
        if number not in self:
            raise KeyError(number)
        self._touched.pop(number, None)
        self._gone.add(number)

    def __iter__(self) -> Iterator[int]:
        yield from [number for number in self._there if number not in self._gone]
        yield from [number for number in self._touched if number not in self._there or number in self._gone]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def keys(self) -> KeysView[int]:
        return KeysView(self)

    def clear(self) -> None:
        self._touched.clear()
        self._gone.update(self._there)

    def changes(self) -> list[Change]:
        """What is different now."""
        changes = [Change(self._name, number, None) for number in self._gone if number in self._there]
        for number, document in self._touched.items():
            new = as_json(document)
            place = None if number in self._gone else self._there.get(number)
            if place is None or self._picture.raw(place) != new:
                changes.append(Change(self._name, number, new))
        if self._name not in self._picture.tables:
            changes.insert(0, Change(self._name, None, b""))
        return changes


_decode = msgspec.json.Decoder().decode
