"""A TinyDB storage that appends what has changed, and never rewrites what has not.

`TinyDB(path, storage=AppendStorage)` works as with any storage. `AppendDB(path)` (see `table`) is the same face with
tables that know this storage: a change then costs what the change is, not what the file is.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import re
import threading
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from tinydb.storages import Storage

from appliance.store.durable import make_folder, sync_folder
from appliance.store.lines import PLAIN, as_json, readable, write_all
from appliance.store.picture import Change, Descriptor, Listener, Picture, Place, Reading, line_of, lines_for
from appliance.store.trouble import StoreTrouble, plain_words

log = logging.getLogger("qendra.store")

SMALL = 64 << 10
"""Bytes below which a file is not worth compacting."""


class Sync(StrEnum):
    """When what was written is made durable."""

    EACH = "each"
    """Before the change returns."""
    FLUSH = "flush"
    """When `flush` is called; until then a power cut may take it, whole change by whole change."""


class AppendStorage(Storage):
    """One file with one writer process and any number of followers.

    Safe to use from several threads. Every error of the disk is a StoreTrouble, and nothing has changed then.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        follow: bool = False,
        sync: Sync = Sync.EACH,
        listener: Listener | None = None,
    ) -> None:
        """Open the file, made if need be, and repair its end; `repaired` says how. With `follow`, only read it.

        A follower sees what the writer has appended each time it reads; a file that is not there yet is empty.

        Raises:
            StoreTrouble: another program writes to it, it is no such file, or the disk refuses.
        """
        self.path = Path(path)
        self.repaired: tuple[str, ...] = ()
        self.generation = 0
        """Grows with every change seen, here or by the writer."""
        self._follow = follow
        self._sync = sync
        self._listener = listener
        self._lock = threading.RLock()
        self._compacting = threading.Lock()  # taken before `_lock`, never after
        self._writer: int | None = None
        self._size = 0
        self._dirty = False  # something written is not yet durable
        self._doubtful = False  # the disk has refused to make it durable, and may have dropped it
        self._ragged = False  # there may be half a change after `_size`
        self._renamed = False  # the folder does not yet know for good that a new file took the old one's place
        self._damaged = False
        self._seen: tuple[int, int] | None = None
        self._picture = Picture(Descriptor(-1))
        with self._lock, self._plainly("opened"):
            if follow:
                self._refresh()
            else:
                self._open()

    # What TinyDB asks of a storage.

    def read(self) -> dict[str, dict[str, Any]] | None:
        """All tables with all documents, or None when there is none. The reader may change what it gets."""
        picture = self.picture()
        tables = {
            name: {str(number): msgspec.json.decode(picture.raw(place)) for number, place in list(places.items())}
            for name, places in list(picture.tables.items())
        }
        return tables or None

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Make all tables so; what differs is appended, as one change."""
        with self._lock:
            changes = [Change(name, None, None) for name in self._picture.tables if name not in data]
            for name, documents in data.items():
                if name not in self._picture.tables:
                    changes.append(Change(name, None, b""))
                changes += self._differences(name, {int(number): as_json(doc) for number, doc in documents.items()})
            self.change(changes)

    def close(self) -> None:
        """Make everything durable and let go of the file."""
        with self._lock:
            try:
                self.flush()
            finally:
                if self._writer is not None:
                    os.close(self._writer)
                    self._writer = None
                self._picture = Picture(Descriptor(-1))

    # What this one can do besides.

    def picture(self) -> Picture:
        """The documents as they are now."""
        if self._follow:
            with self._lock, self._plainly("read"):
                self._refresh()
        return self._picture

    def raw(self, table: str, number: int) -> bytes | None:
        """The JSON of one document, or None."""
        picture = self.picture()
        place = picture.table(table).get(number)
        return None if place is None else picture.raw(place)

    def change(self, changes: list[Change]) -> None:
        """Append these as one change: after a power cut all of it is there or nothing."""
        if not changes:
            return
        with self._lock:
            if self._writer is None:
                raise StoreTrouble(f"{self.path.name} is open for reading only.")
            data, placed = lines_for(changes, self._size)
            with self._plainly("written"):
                self._append(self._writer, data)
            self._picture.take(placed)
            self.generation += 1

    def flush(self) -> None:
        """Return when everything is durable. Does not keep others from reading and changing meanwhile.

        After an error the disk may have dropped what it had accepted: then the next flush writes the whole file anew.
        """
        if self._doubtful:
            self.compact()
        with self._lock:
            if self._writer is None or not self._dirty:
                return
            with self._plainly("written"):
                self._settle(self._writer)
                descriptor = os.dup(self._writer)
            self._dirty = False
        try:
            with self._plainly("written"):
                os.fdatasync(descriptor)
        except StoreTrouble:
            self._dirty = self._doubtful = True
            raise
        finally:
            os.close(descriptor)

    @property
    def garbage(self) -> float:
        """The part of the file that is past, from 0 to 1. Small files count as clean."""
        with self._lock:
            return 0.0 if self._size < SMALL else max(0.0, 1 - self._picture.live() / self._size)

    def compact(self) -> None:
        """Leave only what is there now: a new file takes the old one's place.

        May take long, and may run in another thread: changes go on meanwhile, and wait only for the exchange.
        """
        with self._compacting, self._plainly("written"):
            if self._writer is not None:
                self._compact()

    # How it is done.

    def _open(self) -> None:
        make_folder(self.path.parent)
        self._fresh.unlink(missing_ok=True)
        made = not self.path.exists()
        self._writer = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._claim(self._writer)
            reading = self._load(os.open(self.path, os.O_RDONLY))
            self._repair(self._writer, reading)
            if made:
                sync_folder(self.path.parent)
        except BaseException:
            os.close(self._writer)
            self._writer = None
            raise
        if self.garbage > 0.5:
            with contextlib.suppress(StoreTrouble):
                self.compact()

    def _claim(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreTrouble(f"{self.path} is open in another program; it can be followed, not changed.") from error

    def _load(self, descriptor: int) -> Reading:
        """Forget all and read the whole file."""
        picture = Picture(Descriptor(descriptor), self._listener)
        if self._listener:
            self._listener.cleared()
        reading = picture.read(0)
        self._picture = picture
        self._size = reading.end
        self.generation += 1
        return reading

    def _repair(self, writer: int, reading: Reading) -> None:
        name = self.path.name
        said = []
        hidden = reading.torn and not readable(writer, reading.end)
        if hidden:
            said.append(f"{name}: the disk does not read its last {reading.torn} bytes; they are in the copy")
        elif reading.torn:
            if not reading.end and not _cut_short(os.pread(writer, 64, 0)):
                raise StoreTrouble(f"{self.path} is not a file of this box; it was left as it is.")
            os.ftruncate(writer, reading.end)
            os.fdatasync(writer)
            said.append(f"{name}: its end was torn; {reading.torn} bytes without a whole change were cut off")
        if reading.damaged:
            said.append(f"{name}: {reading.damaged} damaged lines were left out; the next compaction keeps a copy")
        if reading.foreign:
            said.append(f"{name}: {reading.foreign} lines are of a newer version and not used")
        self._damaged = bool(reading.damaged or reading.foreign or hidden)
        self.repaired = tuple(said)
        for words in said:
            log.warning("%s", words)
        if hidden:
            self.compact()

    def _append(self, writer: int, data: bytes) -> None:
        self._settle(writer)
        self._ragged = True
        try:
            write_all(writer, data)
            if self._sync is Sync.EACH:
                os.fdatasync(writer)
        except OSError:
            with contextlib.suppress(OSError):
                self._settle(writer)
            raise
        self._ragged = False
        self._dirty = self._sync is Sync.FLUSH
        self._size += len(data)

    def _settle(self, writer: int) -> None:
        """Mend first what an earlier error has left."""
        if self._ragged:
            os.ftruncate(writer, self._size)
            self._ragged = False
        if self._renamed:
            sync_folder(self.path.parent)
            self._renamed = False

    def _differences(self, table: str, wanted: dict[int, bytes]) -> list[Change]:
        there = self._picture.table(table)
        gone = [Change(table, number, None) for number in there if number not in wanted]
        return gone + [
            Change(table, number, document)
            for number, document in wanted.items()
            if number not in there or self._picture.raw(there[number]) != document
        ]

    @property
    def _fresh(self) -> Path:
        return self.path.with_name(self.path.name + ".new")

    def _compact(self) -> None:
        if self._damaged:
            self._keep_copy()
        self._fresh.unlink(missing_ok=True)
        writer = os.open(self._fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            self._claim(writer)
            with self._lock:
                old, begun = self._picture, self._size
                tables = {name: dict(places) for name, places in old.tables.items()}
            _copy(old, tables, writer)
            fresh, size = self._checked(tables)
            with self._lock:
                self._exchange(writer, fresh, size, begun)
        except BaseException:
            os.close(writer)
            with contextlib.suppress(OSError):
                self._fresh.unlink()
            raise
        with self._lock:
            self._settle(writer)

    def _checked(self, tables: dict[str, dict[int, Place]]) -> tuple[Picture, int]:
        """The new file as it reads, and its length, before it takes the old one's place."""
        fresh = Picture(Descriptor(os.open(self._fresh, os.O_RDONLY)))
        reading = fresh.read(0)
        _same(fresh.tables, tables)
        return fresh, reading.end

    def _exchange(self, writer: int, fresh: Picture, size: int, begun: int) -> None:
        """Take over what was appended since `begun`, line by line as it is, and put the new file in the old one's place."""
        if self._writer is None:
            raise OSError(errno.EBADF, "it was closed meanwhile")
        write_all(writer, os.pread(self._writer, self._size - begun, begun))
        os.fsync(writer)
        size = fresh.read(size).end
        _same(fresh.tables, self._picture.tables)
        self._fresh.replace(self.path)
        fresh.listener = self._listener
        old, self._writer, self._picture, self._size = self._writer, writer, fresh, size
        with contextlib.suppress(OSError):
            os.close(old)
        self._dirty = self._doubtful = self._ragged = self._damaged = False
        self._renamed = True

    def _keep_copy(self) -> None:
        """The damaged file stays beside the new one, for whoever wants to look at it."""
        copy = self.path.with_name(self.path.name + ".damaged")
        with contextlib.suppress(FileExistsError):
            os.link(self.path, copy)

    def _refresh(self) -> None:
        """Catch up with the writer: read what it has appended, or all anew when the file is another one."""
        try:
            there = self.path.stat()
        except FileNotFoundError:
            self._seen = None
            self._load_nothing()
            return
        if self._seen and there.st_ino == self._seen[0] and there.st_size >= self._size:
            if there.st_size == self._seen[1]:
                return
            reading = self._picture.read(self._size)
            self._seen = (there.st_ino, there.st_size)
            if not reading.damaged:
                self._size = reading.end
                self.generation += reading.changes
                return
        descriptor = os.open(self.path, os.O_RDONLY)
        there = os.fstat(descriptor)
        self._seen = (there.st_ino, there.st_size)
        self._load(descriptor)

    def _load_nothing(self) -> None:
        if self._picture.tables or self._size:
            self._picture = Picture(Descriptor(-1))
            self._size = 0
            self.generation += 1
            if self._listener:
                self._listener.cleared()

    @contextlib.contextmanager
    def _plainly(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreTrouble(f"{self.path.name} cannot be {done}: {plain_words(error)}.") from error


def _copy(picture: Picture, tables: dict[str, dict[int, Place]], writer: int) -> None:
    """Write one line for each table and each document, and make them durable."""
    lines: list[bytes] = []
    waiting = 0
    for table, places in tables.items():
        lines.append(line_of(Change(table, None, b""), PLAIN))
        for number, place in places.items():
            lines.append(line_of(Change(table, number, picture.raw(place)), PLAIN))
            waiting += len(lines[-1])
            if waiting > 1 << 20:
                write_all(writer, b"".join(lines))
                lines, waiting = [], 0
    write_all(writer, b"".join(lines))
    os.fsync(writer)


def _same(fresh: dict[str, dict[int, Place]], old: dict[str, dict[int, Place]]) -> None:
    """Every document has come over.

    Raises:
        OSError: the disk has not written, or does not read, what it was given.
    """
    if fresh.keys() != old.keys() or any(fresh[name].keys() != old[name].keys() for name in old):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def _cut_short(beginning: bytes) -> bool:
    """A file without one whole line begins like one of ours that a power cut has torn: part of a line, or zeros."""
    return re.match(rb"[0-9a-f]{8}[ +]|[0-9a-f]{0,8}\Z|\0", beginning) is not None
