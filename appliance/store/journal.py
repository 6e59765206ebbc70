"""The journal: every fact, in order, safe on disk within 20 ms (and what the disk itself takes).

`append` never waits and never raises: a writer thread gathers what comes together and makes it durable with one
fdatasync. When the disk is full or fails, facts stay in memory, `trouble` says so in plain words, and the writer tries
again until they are written.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.calls.moment import Moment
from appliance.store.durable import make_folder, sync_folder
from appliance.store.journal_file import JournalName, Reading, Words, day_of, journals, read_journal
from appliance.store.lines import write_all
from appliance.store.reserve import Reserve
from appliance.store.trouble import StoreTrouble, is_full, plain_words

log = logging.getLogger("qendra.store")

Trouble = Callable[[str], None]
"""Called with plain words when something begins to be wrong, and with an empty text when it is over."""

ALMOST_FULL = (
    "The disk is almost full. Calls are still recorded, in the space set aside for that. "
    "Please make room, for example by deleting old recordings."
)
IN_MEMORY = "What happens now is kept in memory only, and written as soon as the disk takes it."
LOST = "The memory for that is used up too: what happens now is not recorded."


@dataclass(frozen=True, slots=True)
class Replay:
    """What the newest journal says."""

    head: tuple[Any, ...]
    """What was open when it was begun. Tell the switchboard; shelves have had all of it."""
    facts: tuple[Any, ...]
    """What has happened since. The shelves may have had some of it."""
    repaired: tuple[str, ...]
    """What was torn, damaged or not understood, in plain words; empty after an ordinary end."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """Begin a new file with this head."""

    head: bytes
    now: Moment


@dataclass(slots=True)
class _Batch:
    """What is written and made durable in one go."""

    pieces: list[bytearray | _Turn] = field(default_factory=list)
    """In order; lines that follow one another are one piece."""
    size: int = 0
    kept: Future[None] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.kept.set_running_or_notify_cancel()  # many wait for one batch: nobody may cancel it

    def add(self, piece: bytes | _Turn) -> None:
        match piece, self.pieces:
            case bytes(), [*_, bytearray() as lines]:
                lines += piece
            case bytes(), _:
                self.pieces.append(bytearray(piece))
            case _Turn(), _:
                self.pieces.append(piece)
        self.size += len(piece) if isinstance(piece, bytes) else len(piece.head)


class Journal:
    """The journal of one folder, which has one owner process. Facts are kept in the order in which they were given."""

    LIMIT = 32 << 20
    """Bytes of facts kept in memory while the disk does not take them: some hundred thousand facts."""
    LOOK_AGAIN = 5.0
    """Seconds until an idle writer looks whether there is room for the reserve again."""

    def __init__(
        self, folder: Path, words: Words, tail: Reading | None, trouble: Trouble, gather: float, reserve: int
    ) -> None:
        """See `open`."""
        self._folder = folder
        self._words = words
        self._trouble = trouble
        self._said = ""
        self._gather = gather
        self._reserve = Reserve(folder / "reserve", reserve)
        self._tail = _Tail(folder / tail.name, tail.good, tail.hidden) if tail else None
        self._more = threading.Condition()
        self._filling = _Batch()
        self._writing = _Batch()
        self._closing = threading.Event()
        self._latest: Future[None] = self._writing.kept
        self._latest.set_result(None)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    @classmethod
    def open(
        cls,
        folder: Path,
        words: tuple[type[Any], ...],
        now: Moment,
        trouble: Trouble = lambda _: None,
        *,
        gather: float = 0.002,
        reserve: int = 4 << 20,
    ) -> tuple[Journal, Replay]:
        """Read what is there and go on after it.

        `words` are the kinds of fact, `trouble` is called from the writer thread. Facts that come within `gather`
        seconds share one fdatasync. `reserve` bytes are set aside for a full disk.

        Raises:
            StoreTrouble: a journal is there and cannot be read at all.
        """
        spoken = Words(words)
        try:
            readings = _newest(folder, spoken)
        except OSError as error:
            raise StoreTrouble(f"The journal in {folder} cannot be read: {plain_words(error)}.") from error
        reading = readings[-1] if readings else None
        journal = cls(folder, spoken, reading, trouble, gather, reserve)
        if reading is None:
            journal._put(_Turn(spoken.head((), now), now))
        journal._thread.start()
        return journal, _replay(readings)

    @property
    def size(self) -> int:
        """Bytes in the newest file: what the next start has to read."""
        return self._tail.size if self._tail else 0

    @property
    def in_memory(self) -> int:
        """Bytes not yet known to be on disk."""
        return self._filling.size + self._writing.size

    def append(self, fact: object) -> Future[None]:
        """Write one fact, after all earlier ones. The future is done when it is durable.

        Its exception is a StoreTrouble when the fact could not even be kept in memory, or the journal was closed
        before the disk took it. In asyncio: `await asyncio.wrap_future(journal.append(fact))`.
        """
        return self._put(self._words.line(fact))

    def rotate(self, head: Iterable[object], now: Moment) -> Future[None]:
        """Begin a new file with the facts that recreate what is open now; the old one is not needed on start any more.

        Everything else the old file told must be safe elsewhere by now: flush the shelves first. The future is as
        `append`'s. A power cut in between leaves the old file in force.
        """
        return self._put(_Turn(self._words.head(head, now), now))

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until all so far is durable; False when the disk has not taken it in `timeout` seconds."""
        with contextlib.suppress(StoreTrouble, TimeoutError):
            self._latest.result(timeout)
            return True
        return False

    def close(self, timeout: float = 10.0) -> bool:
        """Write what is left and stop; False when some of it is not on disk (which `trouble` has said)."""
        with self._more:
            self._closing.set()
            self._more.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive() and self.in_memory == 0

    def forget(self, keep: int = 60) -> list[str]:
        """Delete all but the `keep` newest files, of which there is at least one; names those deleted."""
        gone = []
        for name in journals(self._folder)[: -max(keep, 2)]:
            with contextlib.suppress(OSError):
                (self._folder / name.text).unlink()
                gone.append(name.text)
        return gone

    def _put(self, piece: bytes | _Turn) -> Future[None]:
        with self._more:
            if self._closing.is_set():
                return _never("The journal is closed.")
            if self.in_memory > self.LIMIT:
                self._say(LOST)
                return _never(LOST)
            self._filling.add(piece)
            self._latest = self._filling.kept
            self._more.notify_all()
            return self._latest

    # From here on: the writer thread.

    def _run(self) -> None:
        self._set_aside()
        while self._take():
            if not self._keep():
                break
        if self._tail:
            self._tail.close()

    def _take(self) -> bool:
        """Wait for a batch; False when there will be none any more."""
        with self._more:
            while not (self._filling.pieces or self._closing.is_set()):
                if not self._more.wait(None if self._reserve.held else self.LOOK_AGAIN):
                    self._set_aside()
        if not self._closing.is_set():
            time.sleep(self._gather)
        with self._more:
            self._writing, self._filling = self._filling, _Batch()
        return bool(self._writing.pieces)

    def _keep(self) -> bool:
        """Write the batch, however long it takes; False when closing and the disk still refuses."""
        pause = 0.05
        while True:
            last_try = self._closing.is_set()
            try:
                self._write(self._writing.pieces)
                break
            except OSError as error:
                if self._suffer(error):
                    continue
            if last_try:
                self._give_up()
                return False
            self._closing.wait(pause)
            pause = min(2 * pause, 5.0)
        kept = self._writing.kept
        with self._more:
            self._writing.size = 0
        self._set_aside()
        kept.set_result(None)
        return True

    def _give_up(self) -> None:
        with self._more:
            for batch in (self._writing, self._filling):
                batch.kept.set_exception(StoreTrouble("The box stopped before the disk took this."))

    def _write(self, pieces: list[bytearray | _Turn]) -> None:
        """Write piece after piece, and take from the list what is durable."""
        while pieces:
            match pieces[0]:
                case _Turn() as turn:
                    self._turn(turn)
                case lines:
                    assert self._tail, "a journal begins with a head"
                    self._tail.add(lines)
            del pieces[0]

    def _turn(self, turn: _Turn) -> None:
        if not self._folder.exists():
            make_folder(self._folder)
            sync_folder(self._folder.parent)
        names = journals(self._folder)
        name = names[-1].next(turn.now) if names else JournalName(day_of(turn.now))
        tail = _Tail(self._folder / name.text, 0)
        try:
            tail.add(turn.head)
            sync_folder(self._folder)
        except OSError:
            tail.remove()
            raise
        if self._tail:
            self._tail.close()
        self._tail = tail

    def _suffer(self, error: OSError) -> bool:
        """Say what is wrong; True when the reserve was given up and it is worth trying again at once."""
        if is_full(error) and self._reserve.give_up():
            self._say(ALMOST_FULL)
            return True
        words = plain_words(error)
        self._say(f"{words[:1].upper()}{words[1:]}. {IN_MEMORY}")
        return False

    def _set_aside(self) -> None:
        """All is written: make the reserve if it is not there, and say how things are."""
        with contextlib.suppress(OSError):
            make_folder(self._folder)
        self._say("" if self._reserve.make() else ALMOST_FULL)

    def _say(self, words: str) -> None:
        if words == self._said:
            return
        self._said = words
        log.warning("%s", words or "The disk takes everything again.")
        try:
            self._trouble(words)
        except Exception:
            log.exception("whoever listens for trouble has failed")


class _Tail:
    """The end of the newest file. After an error it is opened anew and cut to what is known to be durable."""

    def __init__(self, path: Path, size: int, hidden: int = 0) -> None:
        """`hidden` bytes after `size` cannot be read: we write after them, on a new line."""
        self._path = path
        self.size = size + hidden
        self._new_line = b"\n" if hidden else b""
        self._descriptor: int | None = None

    def add(self, data: bytes | bytearray) -> None:
        """Append and make durable, all or nothing."""
        data = self._new_line + data
        try:
            descriptor = self._open()
            write_all(descriptor, data)
            os.fdatasync(descriptor)
        except OSError:
            self.close()
            raise
        self.size += len(data)
        self._new_line = b""

    def close(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def remove(self) -> None:
        """It was never in force."""
        self.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.ftruncate(self._descriptor, self.size)
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
        return self._descriptor


def _newest(folder: Path, words: Words) -> list[Reading]:
    """The newest file with a complete head, last; before it, newest first, those whose head was cut short."""
    readings: list[Reading] = []
    for name in reversed(journals(folder)):
        reading = read_journal(folder / name.text, words)
        readings.append(reading)
        if reading.complete:
            return readings
    return []


def _replay(readings: list[Reading]) -> Replay:
    if not readings:
        return Replay((), (), ())
    *unfinished, reading = readings
    said = [f"{short.name}: was just being begun and holds nothing of its own; not used" for short in unfinished]
    said += reading.notes
    if reading.torn:
        said.append(f"{reading.name}: its end was torn; {reading.torn} bytes without a whole line were cut off")
    return Replay(tuple(reading.head), tuple(reading.facts), tuple(said))


def _never(words: str) -> Future[None]:
    refused: Future[None] = Future()
    refused.set_exception(StoreTrouble(words))
    return refused
