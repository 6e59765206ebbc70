"""Sound files that have been made before, by name; bounded, the ones used longest ago go first.

Several processes may share a folder: files appear whole, by renaming, and are never written again.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from appliance.prompts.sound import is_whole

IN_USE = 64
"""So many of the last used files are never removed, whatever their size: somebody may be about to hear them."""


class SoundCache:
    """Names are plain file names ending in `.wav`. The order of use outlives a restart through the files' times."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Raises OSError when the folder cannot be used."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._sizes: dict[str, int] = {}
        """The longest unused first."""
        self._touched: set[str] = set()
        self._count = itertools.count()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tidy()
        self._take_stock()

    @property
    def total_bytes(self) -> int:
        """Of all files kept."""
        return sum(self._sizes.values())

    def path(self, name: str) -> Path:
        """Where it is, if it is."""
        return self._folder / name

    def find(self, name: str) -> Path | None:
        """The file, if it is there; it counts as used now."""
        path = self.path(name)
        try:
            size = path.stat().st_size
        except OSError:
            self._sizes.pop(name, None)
            return None
        self._used(name, size)
        if name not in self._touched:  # once in the life of a process: an SD card does not like to be written
            self._touched.add(name)
            with suppress(OSError):
                os.utime(path)
        return path

    @contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """A path to write the file to; if nothing is raised, it becomes `name` and the oldest may have to go.

        Raises:
            OSError: it could not be kept.
        """
        unfinished = self._folder / f".{os.getpid()}-{next(self._count)}-{name}"
        try:
            yield unfinished
            if not is_whole(unfinished):
                raise OSError("the sound file is not whole")
            size = unfinished.stat().st_size
            unfinished.replace(self._folder / name)
        finally:
            unfinished.unlink(missing_ok=True)
        self._used(name, size)
        self._make_room()

    def _used(self, name: str, size: int) -> None:
        self._sizes.pop(name, None)
        self._sizes[name] = size

    def _make_room(self) -> None:
        total = self.total_bytes
        for name in list(self._sizes)[:-IN_USE]:
            if total <= self._most_bytes:
                return
            total -= self._sizes.pop(name)
            self._touched.discard(name)
            (self._folder / name).unlink(missing_ok=True)

    def _tidy(self) -> None:
        """Remove what a process that is gone left half done."""
        for path in self._folder.glob(".*"):
            owner = path.name[1:].partition("-")[0]
            if not owner.isdecimal() or int(owner) == os.getpid() or not Path(f"/proc/{owner}").exists():
                path.unlink(missing_ok=True)

    def _take_stock(self) -> None:
        """What is there; a file that lost its end to a power failure is made anew when it is wanted."""
        found = []
        for path in self._folder.glob("[!.]*.wav"):
            if is_whole(path):
                status = path.stat()
                found.append((status.st_mtime_ns, path.name, status.st_size))
            else:
                path.unlink(missing_ok=True)
        self._sizes = {name: size for _, name, size in sorted(found)}
        self._make_room()
