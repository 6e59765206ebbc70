"""One owner per data folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from appliance.store.durable import make_folder
from appliance.store.trouble import StoreTrouble, plain_words


class FolderInUse(StoreTrouble):
    """Another process owns the folder; `pid` is its number, or 0 when it could not be read."""

    def __init__(self, folder: Path, pid: int) -> None:
        by = f"process {pid}" if pid else "another process"
        super().__init__(
            f"This data folder is in use by {by}: {folder}. Stop that one first, or choose another folder with --data."
        )
        self.pid = pid


class FolderLock:
    """Holds a data folder until it is closed or the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, made if need be.

        Raises:
            FolderInUse: somebody else has it.
            StoreTrouble: the folder cannot be used.
        """
        self._folder = folder
        try:
            make_folder(folder)
            self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreTrouble(f"{folder} cannot hold the data: {plain_words(error)}.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = _pid(os.pread(self._descriptor, 32, 0))
            os.close(self._descriptor)
            raise FolderInUse(folder, pid) from None
        self._sign()

    def close(self) -> None:
        """Give the folder free."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sign(self) -> None:
        """Write whose it is; that is for people, the lock itself does without (a full disk does not matter)."""
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except OSError:
            pass


def _pid(text: bytes) -> int:
    return int(text) if text.strip().isdigit() else 0
