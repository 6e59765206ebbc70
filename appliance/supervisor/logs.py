"""A log per process: a file each that stays small, in lines that a person and a program can read."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from pathlib import Path

LIMIT = 1 << 20
"""Bytes in a log before it becomes the older one."""


def log_here(log: Path) -> None:
    """From now on, what this process says (and what a C library prints as it dies) goes to this file."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(handle, standard)
    os.close(handle)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def keep_small(log: Path) -> None:
    """Move a log that has grown to `NAME.1`, and go on with an empty one.

    Its writer has it open for appending, so the text is copied and the file emptied; what is written in the instant
    between is lost.
    """
    with contextlib.suppress(OSError):
        if log.stat().st_size < LIMIT:
            return
        with log.open("rb+") as full, log.with_name(log.name + ".1").open("wb") as older:
            os.fchmod(older.fileno(), 0o600)
            full.seek(-LIMIT, os.SEEK_END)
            while piece := full.read(1 << 16):
                older.write(piece)
            full.truncate(0)
