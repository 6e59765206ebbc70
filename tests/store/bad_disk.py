"""A disk that fails now and then: short writes, refused writes, refused syncs. The same dice, the same faults."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable

import pytest


class BadDisk:
    """While `rate` is above 0, that part of all calls fails, half of the writes after having written something."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seed: int, rate: float) -> None:
        self._dice = random.Random(seed)
        self.rate = rate
        self.faults = 0
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)
        for name in ("fdatasync", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._failing(getattr(os, name)))

    def write(self, descriptor: int, data: memoryview) -> int:
        if self._dice.random() < self.rate:
            if self._dice.random() < 0.5:
                self._write(descriptor, data[: self._dice.randrange(len(data) + 1)])
            self._fail()
        if self._dice.random() < self.rate:
            return self._write(descriptor, data[: 1 + self._dice.randrange(len(data))])
        return self._write(descriptor, data)

    def _failing(self, real: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: int) -> None:
            if self._dice.random() < self.rate:
                self._fail()
            real(*arguments)

        return call

    def _fail(self) -> None:
        self.faults += 1
        number = self._dice.choice([errno.ENOSPC, errno.EIO, errno.EROFS])
        raise OSError(number, os.strerror(number))
