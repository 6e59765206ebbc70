"""A few megabytes set aside, given up when the disk is full, so that the calls in progress can still be recorded."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

ENOUGH = 4
"""The reserve is made again only when this many times its size is free: else it would come and go."""


class Reserve:
    """One file of `size` bytes of real blocks. Used by one thread."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self.held = False
        """It is there to be given up."""

    def make(self) -> bool:
        """Set the space aside if there is enough of it; False when the disk has less."""
        if self.held:
            return True
        try:
            if self._already_there() or (self._free() >= ENOUGH * self._size and self._allocate()):
                self.held = True
        except OSError:
            self._remove()
        return self.held

    def give_up(self) -> bool:
        """Free the space for others; False when there was none."""
        if not self.held:
            return False
        self.held = False
        self._remove()
        return True

    def _already_there(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            there = self._path.stat()
            return there.st_size == self._size and there.st_blocks * 512 >= self._size
        return False

    def _free(self) -> int:
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

    def _allocate(self) -> bool:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size)
        finally:
            os.close(descriptor)
        return True

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink()
