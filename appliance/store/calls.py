"""The call log: records by month, `calls/2026-11.tdb`. The desk puts, the web process searches.

Months are opened when they are asked for, and few stay open. For an open month the columns people filter by are in
memory; the records themselves stay in the file.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from bisect import bisect_left, insort
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from appliance.calls.lookup import CallPage, CallQuery
from appliance.calls.names import CallId
from appliance.calls.record import CallRecord, Result
from appliance.store.picture import Picture
from appliance.store.shelves import Shelf, as_document
from appliance.store.storage import Sync
from appliance.store.trouble import StoreTrouble

log = logging.getLogger("qendra.store")

TABLE = "calls"
OPEN_MONTHS = 3
"""How many months stay open, by how long ago they were used."""


class CallArchive:
    """Looks into the call log that another process writes. Safe to use from several threads."""

    _follow = True

    def __init__(self, folder: Path, open_months: int = OPEN_MONTHS) -> None:
        self._folder = folder
        self._limit = open_months
        self._open: OrderedDict[str, _Month] = OrderedDict()
        self._lock = threading.RLock()

    def call(self, call: str, began: float | None = None) -> CallRecord | None:
        """One record. With `began` (about when) it is found without looking through all months.

        Raises:
            StoreTrouble: the disk does not read.
        """
        near = [] if began is None else [month_of(began)]
        for name in [*near, *self.months()]:
            with self._lock:
                month = self._month(name)
                document = month.document(call) if month else None
            if document:
                return _record(document)
        return None

    def search(self, query: CallQuery) -> CallPage:
        """Up to `limit` calls, newest first.

        Raises:
            StoreTrouble: the disk does not read.
        """
        found: list[CallRecord] = []
        for record in self._matching(query):
            if len(found) == query.limit:
                return CallPage(tuple(found), _cursor(found[-1]) if found else "")
            found.append(record)
        return CallPage(tuple(found))

    def talks(self, since: float) -> Counter[str]:
        """How many answered calls each of us had that began since then. No record is read for it.

        Raises:
            StoreTrouble: the disk does not read.
        """
        wanted = _RowFilter(CallQuery(since=since, result=Result.ANSWERED))
        counted: Counter[str] = Counter()
        for name in self.months():
            if name >= month_of(since):
                with self._lock:
                    month = self._month(name)
                    rows, _ = month.look() if month else ([], None)
                counted.update(who for _, row in rows if wanted(row) for who in row.operators)
        return counted

    def months(self) -> list[str]:
        """The months there are, newest first: `2026-11`."""
        try:
            names = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return []
        return sorted((name.removesuffix(".tdb") for name in names if _MONTH.fullmatch(name)), reverse=True)

    def close(self) -> None:
        """Let go of all files.

        Raises:
            StoreTrouble: the disk refuses to make the last changes durable.
        """
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _matching(self, query: CallQuery) -> Iterator[CallRecord]:
        cursor = _read_cursor(query.before)
        wanted = _RowFilter(query)
        text = query.text.casefold().strip()
        for name in self.months():
            if not _may_be_in(name, query, cursor):
                continue
            with self._lock:
                month = self._month(name)
                rows, picture = month.look() if month else ([], None)
            for number, row in rows:
                if (cursor and (row.began, row.call) >= cursor) or not wanted(row) or picture is None:
                    continue
                place = picture.table(TABLE).get(number)
                record = _record(picture.raw(place)) if place else None
                if record and (not text or _mentions(record, text)):
                    yield record

    def _month(self, name: str, *, make: bool = False) -> _Month | None:
        """The month, open; None when there is none of that name, unless it shall be made."""
        month = self._open.get(name)
        if month is None:
            path = self._folder / f"{name}.tdb"
            if not make and not path.exists():
                return None
            month = self._open[name] = _Month(path, follow=self._follow)
        self._open.move_to_end(name)
        self._close_old()
        return month

    def _close_old(self) -> None:
        for name in list(self._open)[: -self._limit]:
            try:
                self._open[name].flush()
            except StoreTrouble as error:
                log.warning("%s", error)  # it stays open, so that the next flush tries again
            else:
                self._open.pop(name).close()


class CallShelves(CallArchive):
    """The call log of its one writer. `put` is quick; `flush` makes durable and may run in another thread."""

    _follow = False

    def __init__(
        self, folder: Path, trouble: Callable[[str], None] = lambda _: None, open_months: int = OPEN_MONTHS
    ) -> None:
        """`trouble` hears in plain words when the disk refuses a record, and an empty text when it takes them again."""
        super().__init__(folder, open_months)
        self._trouble = trouble
        self._held: dict[CallId, CallRecord] = {}

    @property
    def held(self) -> int:
        """Records kept in memory because the disk refused them."""
        return len(self._held)

    @property
    def repaired(self) -> tuple[str, ...]:
        """What had to be mended in the months open now, in plain words."""
        with self._lock:
            return tuple(words for month in self._open.values() for words in month.repaired)

    def put(self, record: CallRecord) -> None:
        """Keep this record, in the place of an older one of the same call. Putting it twice changes nothing.

        When the disk refuses, it is held in memory and put by the next `put` or `flush` that can.
        """
        with self._lock:
            self._held[record.call] = record
            try:
                self._put_held()
            except StoreTrouble as error:
                self._trouble(str(error))

    def flush(self) -> None:
        """Return when every record put is durable. Only after that may the journal be rotated.

        Raises:
            StoreTrouble: some are not; try again later.
        """
        with self._lock:
            if self._held:
                self._put_held()
                self._trouble("")
            months = list(self._open.values())
        for month in months:
            month.flush()

    def tidy(self) -> None:
        """For quiet hours: compact the open months where it is worth it.

        Raises:
            StoreTrouble: the disk refuses; the old files stand.
        """
        with self._lock:
            months = list(self._open.values())
        for month in months:
            month.tidy()

    def call(self, call: str, began: float | None = None) -> CallRecord | None:
        """One record, durable or not. With `began` (about when) it is found without looking through all months.

        Raises:
            StoreTrouble: the disk does not read.
        """
        return self._held.get(CallId(call)) or super().call(call, began)

    def _put_held(self) -> None:
        for call, record in list(self._held.items()):
            month = self._month(month_of(record.began), make=True)
            assert month
            month.put(record)
            del self._held[call]


class _Month(Shelf):
    """One file, and its columns in memory."""

    def __init__(self, path: Path, *, follow: bool) -> None:
        self._index = _Index()
        super().__init__(path, follow=follow, sync=Sync.FLUSH, listener=self._index)
        self._table = self.db.table(TABLE)

    def put(self, record: CallRecord) -> None:
        document = as_document(record)
        number = self._index.numbers.get(record.call)
        if number is None:
            self._table.insert(document)
        else:
            self._table.update(_become(document), doc_ids=[number])

    def document(self, call: str) -> bytes | None:
        self.storage.picture()
        number = self._index.numbers.get(call)
        return None if number is None else self.storage.raw(TABLE, number)

    def look(self) -> tuple[list[tuple[int, _Row]], Picture]:
        """All rows as they are now, newest first, and the file they are in."""
        picture = self.storage.picture()
        return [(number, self._index.rows[number]) for number in reversed(self._index.order)], picture


def _become(document: dict[str, Any]) -> Callable[[Any], None]:
    """TinyDB's update merges; this one leaves nothing of the old."""

    def become(old: Any) -> None:
        old.clear()
        old.update(document)

    return become


class _Row(msgspec.Struct, gc=False):
    """The columns people filter by. Plain text, so that a newer version's words do no harm."""

    call: str
    began: float = 0.0
    caller: str = ""
    dialled: str = ""
    direction: str = ""
    result: str = ""
    queue: str = ""
    line: str = ""
    operators: tuple[str, ...] = ()


class _Index:
    """Follows one month's documents."""

    def __init__(self) -> None:
        self.rows: dict[int, _Row] = {}
        self.numbers: dict[str, int] = {}
        self.order: list[int] = []
        """Document numbers by when the calls began."""

    def cleared(self) -> None:
        self.rows.clear()
        self.numbers.clear()
        self.order.clear()

    def put(self, table: str, number: int, document: bytes) -> None:
        self.gone(table, number)
        try:
            row = _row_decoder.decode(document)
        except msgspec.DecodeError as error:
            log.warning("a call record is not understood by this version: %s", error)
            return
        for column in ("direction", "result", "queue", "line"):
            setattr(row, column, sys.intern(getattr(row, column)))
        self.rows[number] = row
        self.numbers[row.call] = number
        if not self.order or self._when(self.order[-1]) < self._when(number):
            self.order.append(number)
        else:
            insort(self.order, number, key=self._when)

    def gone(self, table: str, number: int) -> None:
        if table == TABLE and number in self.rows:
            at = bisect_left(self.order, self._when(number), key=self._when)
            assert self.order[at] == number
            del self.order[at]
            self.numbers.pop(self.rows.pop(number).call, None)

    def _when(self, number: int) -> tuple[float, str]:
        row = self.rows[number]
        return row.began, row.call


_row_decoder = msgspec.json.Decoder(_Row)
_record_decoder = msgspec.json.Decoder(CallRecord)
_LATEST = 250_000_000_000.0
_MONTH = re.compile(r"\d{4}-\d\d\.tdb")


class _RowFilter:
    """Says whether a row can be what is asked for."""

    def __init__(self, query: CallQuery) -> None:
        self._query = query
        self._digits = _digits(query.number).lstrip("0")

    def __call__(self, row: _Row) -> bool:
        query = self._query
        return (
            (query.since is None or row.began >= query.since)
            and (query.until is None or row.began < query.until)
            and query.direction in {None, row.direction}
            and query.result in {None, row.result}
            and query.queue in {"", row.queue}
            and query.line in {"", row.line}
            and (not query.operator or query.operator in {row.caller, row.dialled, *row.operators})
            and (not query.number or self._has_number(row))
        )

    def _has_number(self, row: _Row) -> bool:
        return bool(self._digits) and (self._digits in _digits(row.caller) or self._digits in _digits(row.dialled))


def month_of(began: float) -> str:
    """The month, in UTC, on whose shelf a call is: `2026-11`."""
    return datetime.fromtimestamp(min(max(began, 0.0), _LATEST), UTC).strftime("%Y-%m")


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


def _mentions(record: CallRecord, text: str) -> bool:
    words = [record.caller, record.caller_name, record.dialled, record.queue, record.line, record.cause_detail]
    for step in record.steps:
        words += (step.who, step.detail)
    if any(text in word.casefold() for word in words):
        return True
    digits = _digits(text)
    return (
        len(digits) > 2 and not text.strip("0123456789+-/(). ") and any(digits in _digits(word) for word in words[:3])
    )


def _record(document: bytes) -> CallRecord | None:
    try:
        return _record_decoder.decode(document)
    except msgspec.DecodeError as error:
        log.warning("a call record is not understood by this version: %s", error)
        return None


def _cursor(record: CallRecord) -> str:
    return f"{record.began!r} {record.call}"


def _read_cursor(text: str) -> tuple[float, str] | None:
    began, _, call = text.partition(" ")
    try:
        return (float(began), call) if call and isfinite(float(began)) else None
    except ValueError:
        return None


def _may_be_in(month: str, query: CallQuery, cursor: tuple[float, str] | None) -> bool:
    latest = [limit for limit in (query.until, cursor and cursor[0]) if limit is not None]
    return (query.since is None or month >= month_of(query.since)) and (not latest or month <= month_of(min(latest)))
