"""Join the two sides of a recording into one stereo file: the caller left, the operator right.

    python -m appliance.engine.stereo LEFT RIGHT OUT
    python -m appliance.engine.stereo --sweep FOLDER --before SECONDS

A process of its own at low priority, standard library only, a few blocks in memory whatever the length. The
parts are deleted only when the whole is on disk under its name and has been read back.

Both sides are written by one clock, but their writers are let in and out one after the other, and a tick may fall
between: the left one goes first each time. So a left side that is longer began earlier, a right one that is longer
ended later, and that is how they are laid beside each other, to the sample.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import os
import struct
import sys
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
SAMPLE = 2
BLOCK = 1 << 15
"""Samples a side at a time."""


class CannotJoin(Exception):
    """The parts are not what they should be, or the whole could not be written; says what, in plain words."""


def side_paths(whole: Path) -> tuple[Path, Path]:
    """Where the two sides of the recording `whole` are written: `x.wav` from `x.left.wav` and `x.right.wav`."""
    return whole.with_name(f"{whole.stem}.left.wav"), whole.with_name(f"{whole.stem}.right.wav")


def samples_in(side: Path) -> int:
    """Samples in a mono 16-bit file, by its size: the header of one cut off by a power failure does not know.

    Raises:
        OSError: the file is not there.
    """
    return max(0, side.stat().st_size - HEADER.size) // SAMPLE


def is_closed(side: Path) -> bool:
    """Whether the library has finished with a side: it writes the lengths into the header last."""
    with side.open("rb") as file:
        fields = HEADER.unpack(file.read(HEADER.size).ljust(HEADER.size, b"\0"))
    return bool(fields[1]) and fields[-1] == side.stat().st_size - HEADER.size


def join(left: Path, right: Path, whole: Path) -> float:
    """Write `whole` from its sides, make it durable, delete the sides; returns its length in seconds.

    Raises:
        CannotJoin: see there; the sides are left as they are.
    """
    try:
        rate = max(_rate(left), _rate(right))
        length = max(samples_in(left), samples_in(right))
        late_start = max(0, samples_in(left) - samples_in(right))
        unfinished = whole.with_name(f"{whole.name}.part")
        with _alone_with(left) as left_file, right.open("rb") as right_file, unfinished.open("wb") as file:
            file.write(_stereo_header(rate, length))
            check = 0
            for block in _woven(_Side(left_file, 0), _Side(right_file, late_start), length):
                check = zlib.crc32(block, check)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            _read_back(unfinished, length, check)
            unfinished.replace(whole)
            _sync_folder(whole.parent)
            left.unlink()
            right.unlink()
    except OSError as error:
        raise CannotJoin(f"{error.strerror}: {error.filename or whole}") from error
    return length / rate


def sweep(folder: Path, before: float) -> list[str]:
    """Join all sides that were left behind by an engine which died, last written before that second of the epoch.

    Returns what could not be joined, in plain words. A side without its fellow is joined with silence.
    """
    trouble = []
    for side in sorted({*folder.rglob("*.left.wav"), *folder.rglob("*.right.wav")}):
        whole = side.with_name(side.name.removesuffix(".wav").removesuffix(".left").removesuffix(".right") + ".wav")
        left, right = side_paths(whole)
        try:
            if max(path.stat().st_mtime for path in (left, right) if path.exists()) >= before:
                continue
            for path in (left, right):
                path.touch(mode=0o600)
            join(left, right, whole)
        except ValueError:
            continue  # both went with its fellow, a moment ago
        except (CannotJoin, OSError) as error:
            if side.exists():
                trouble.append(str(error))
    return trouble


@contextlib.contextmanager
def _alone_with(side: Path) -> Iterator[BinaryIO]:
    """`side` open, and no other helper at it: one may have outlived the engine that started it."""
    with side.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "joined already", str(side))
        yield file


class _Side:
    """The samples of one side, after some of silence; and silence for ever when it is over."""

    def __init__(self, file: BinaryIO, late: int) -> None:
        self._file = file
        self._late = late
        file.seek(HEADER.size)

    def read(self, count: int) -> array[int]:
        silent = min(count, self._late)
        self._late -= silent
        samples = array("h", bytes(silent * SAMPLE))
        data = self._file.read((count - silent) * SAMPLE)
        samples.frombytes(data[: len(data) - len(data) % SAMPLE])
        samples.frombytes(bytes((count - len(samples)) * SAMPLE))
        return samples


def _woven(left: _Side, right: _Side, length: int) -> Iterator[bytes]:
    for start in range(0, length, BLOCK):
        count = min(BLOCK, length - start)
        block = array("h", bytes(2 * count * SAMPLE))
        block[0::2] = left.read(count)
        block[1::2] = right.read(count)
        yield block.tobytes()


def _rate(side: Path) -> int:
    """Samples a second; 8000 when the file has no header (nothing was written before the power went)."""
    with side.open("rb") as file:
        head = file.read(HEADER.size)
    if len(head) < HEADER.size:
        return 8000
    riff, _, wave, _, _, kind, channels, rate, _, _, bits, _, _ = HEADER.unpack(head)
    if (riff, wave, kind, channels, bits) != (b"RIFF", b"WAVE", 1, 1, 16) or not 8000 <= rate <= 48000:
        raise CannotJoin(f"{side} is not a recording of one side")
    return int(rate)


def _stereo_header(rate: int, length: int) -> bytes:
    size = length * 2 * SAMPLE
    return HEADER.pack(
        b"RIFF", size + HEADER.size - 8, b"WAVE", b"fmt ", 16, 1, 2, rate, rate * 4, 4, 16, b"data", size
    )


def _read_back(whole: Path, length: int, check: int) -> None:
    found = 0
    with whole.open("rb") as file:
        file.seek(HEADER.size)
        while block := file.read(BLOCK * 2 * SAMPLE):
            found = zlib.crc32(block, found)
        if file.tell() != HEADER.size + length * 2 * SAMPLE or found != check:
            raise CannotJoin(f"{whole} does not read as it was written: is the disk failing?")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _step_back() -> None:
    """People are talking: let them have the processor. (At 19 a busy box would take minutes for a recording.)"""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 10)


def main(arguments: list[str]) -> int:
    """The command line; 1 and plain words on standard error when something could not be joined."""
    parser = argparse.ArgumentParser(prog="stereo", description="Join the two sides of a recording.")
    parser.add_argument("paths", nargs="*", type=Path, metavar="LEFT RIGHT OUT")
    parser.add_argument("--sweep", type=Path, metavar="FOLDER")
    parser.add_argument("--before", type=float, default=0.0, metavar="SECONDS")
    options = parser.parse_args(arguments)
    _step_back()
    os.umask(0o077)
    if options.sweep is not None and not options.paths:
        trouble = sweep(options.sweep, options.before)
    elif options.sweep is None and len(options.paths) == 3:
        trouble = []
        try:
            join(*options.paths)
        except CannotJoin as error:
            trouble.append(str(error))
    else:
        parser.error("either LEFT RIGHT OUT or --sweep FOLDER")
    for words in trouble:
        sys.stderr.write(f"{words}\n")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
