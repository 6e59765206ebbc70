"""Where a box keeps its things: the data folder, and the run folder with the sockets.

DATA/              what must not be lost; one run at a time (`lock`)
DATA/site.toml     the site file of the last `--site`, as it was accepted
DATA/log/          a log per process, and box.log
DATA/run/          sockets, the owner's one-time link, box.json (who runs as which pid); gone with the run
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

SOCKET_PATH_LIMIT = 107
"""Bytes in the path of a Unix socket (sun_path of unix(7) has 108, one of them the end)."""

LONGEST_SOCKET_NAME = "lines/" + 20 * "x" + ".sock"
"""The site file does not let a line's name be longer."""

LONGEST_PID = 7
"""Digits: proc(5) has pid_max at 2²² at most."""


class Trouble(Exception):
    """Something about this machine or its command line that a person has to put right. Its text is for them."""


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one box."""

    data: Path
    run: Path
    """Always short enough for a socket's name."""

    @property
    def log(self) -> Path:
        """Logs of all processes."""
        return self.data / "log"

    @property
    def site(self) -> Path:
        """The accepted copy of the site file. There is none when the box was never given one."""
        return self.data / "site.toml"

    @property
    def accepted(self) -> Path:
        """What is known about `site`, so that a start need not read it again."""
        return self.data / "site.json"

    @property
    def owner_link(self) -> Path:
        """Written by the desk while there is no owner."""
        return self.run / "owner-link"

    @property
    def box(self) -> Path:
        """Which parts run, for `doctor` and for tests."""
        return self.run / "box.json"


def standard_data(folder: str = "qendra") -> Path:
    """Where the data of this user's box is when nobody says otherwise: a box belongs to root, a try-out to its user."""
    if os.geteuid() == 0:
        return Path("/var/lib") / folder
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (state if state.is_absolute() else Path.home() / ".local" / "state") / folder


def open_data(data: Path) -> Places:
    """Make the folders, for their owner's eyes only.

    Raises:
        Trouble: they cannot be made or written.
    """
    data = data.resolve()
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data / "log").mkdir(exist_ok=True, mode=0o700)
    except NotADirectoryError as error:
        raise Trouble(
            f"{error.filename} is a file, so {data} cannot be a folder. Choose another with --data."
        ) from error
    except FileExistsError as error:
        raise Trouble(f"{error.filename} is a file where a folder is needed. Choose another with --data.") from error
    except OSError as error:
        raise Trouble(_no_way_in(data, error)) from error
    if not os.access(data, os.W_OK | os.X_OK):
        raise Trouble(_no_way_in(data, PermissionError(errno.EACCES, os.strerror(errno.EACCES))))
    return Places(data, data / "run")


def _no_way_in(data: Path, error: OSError) -> str:
    remedy = "Make room there" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "Make it yours"
    return f"The data folder {data} cannot be written ({error.strerror}). {remedy}, or choose another with --data."


class Lock:
    """This data folder is in use by us. Children inherit it: the data is in use as long as one of them lives."""

    PATIENCE = 6.0
    """Seconds the children of a run that was killed may take to end."""

    def __init__(self, places: Places) -> None:
        """Take the lock.

        Raises:
            Trouble: another run has it, and its text names the pid; or the disk has no room even for ours.
        """
        try:
            self._file = os.open(places.data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Trouble(_no_way_in(places.data, error)) from error
        give_up = time.monotonic() + self.PATIENCE
        while not self._try():
            owner = os.pread(self._file, 32, 0).decode("ascii", "replace").strip()
            if _alive(owner) or time.monotonic() > give_up:
                os.close(self._file)
                raise Trouble(
                    f"A box is already running on {places.data} (process {owner or 'unknown'}). "
                    "Stop it first, or give this one a folder of its own with --data."
                )
            time.sleep(0.05)
        self._sign(places.data)

    def _sign(self, data: Path) -> None:
        """Put our pid over the one before, in its very place: on a full disk, room given up may not come back."""
        try:
            os.pwrite(self._file, f"{os.getpid():<{LONGEST_PID}}\n".encode(), 0)
        except OSError as error:
            os.close(self._file)
            raise Trouble(_no_way_in(data, error)) from error

    def _try(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let others in; the file stays."""
        os.close(self._file)


def lock_owner(places: Places) -> int | None:
    """The pid of the run that has this data folder, if one has."""
    try:
        handle = os.open(places.data / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(handle, 32, 0).strip()
        return int(owner) if owner.isdigit() else 0
    else:
        return None
    finally:
        os.close(handle)


def _alive(pid: str) -> bool:
    """A process that has ended and that nobody has waited for yet (Z) is not alive."""
    try:
        status = Path(f"/proc/{int(pid)}/stat").read_text(encoding="ascii", errors="replace")
        return status.rpartition(")")[2].split()[0] != "Z"
    except (ValueError, OSError, IndexError):
        return False


def open_run(places: Places) -> Places:
    """Make an empty run folder, 0700. Call it with the lock held.

    Where DATA/run would make a socket's path too long, DATA/run becomes a link to a folder with a short name in
    $XDG_RUNTIME_DIR or /tmp; the processes are given the short one.

    Raises:
        Trouble: the folder cannot be made, or is not ours alone.
    """
    wanted = places.data / "run"
    short = wanted if _short_enough(wanted) else _short_folder(places.data)
    try:
        if wanted.is_symlink():
            wanted.unlink()
        short.mkdir(mode=0o700, exist_ok=True)
        _ours_alone(short)
        _empty(short)
        (short / "lines").mkdir(mode=0o700, exist_ok=True)
        if short != wanted:
            if wanted.is_dir():
                _empty(wanted)
                wanted.rmdir()
            wanted.symlink_to(short)
    except OSError as error:
        raise Trouble(f"The run folder {short} cannot be made ({error.strerror}).") from error
    return Places(places.data, short)


def existing_run(data: Path) -> Places:
    """The places of a box that may be running on `data` now; makes nothing."""
    data = data.resolve()
    wanted = data / "run"
    return Places(data, wanted.resolve() if wanted.is_symlink() else wanted)


def close_run(places: Places) -> None:
    """Take away what only a running box has: sockets, the owner's link, box.json."""
    with contextlib.suppress(OSError):
        _empty(places.run)
        if places.run != places.data / "run":
            (places.run / "lines").rmdir()
            places.run.rmdir()
            (places.data / "run").unlink()


def _short_enough(run: Path) -> bool:
    return len(os.fsencode(run / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_LIMIT


def _short_folder(data: Path) -> Path:
    name = f"qendra-{zlib.crc32(os.fsencode(data)):08x}"
    own = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent") / name
    return own if own.parent.is_dir() and _short_enough(own) else Path("/tmp") / name  # noqa: S108  checked by _ours_alone


def _ours_alone(folder: Path) -> None:
    """A folder in /tmp may have been made by somebody else before us; then it is refused."""
    now = folder.lstat()
    if not stat.S_ISDIR(now.st_mode) or now.st_uid != os.geteuid():
        raise Trouble(f"{folder} belongs to somebody else. Remove it, or choose a shorter --data.")
    folder.chmod(0o700)


def _empty(folder: Path) -> None:
    """Remove the files of a run folder and of its folder `lines`; leave anything we do not know."""
    for here in (folder / "lines", folder):
        if here.is_dir() and not here.is_symlink():
            for entry in here.iterdir():
                if not entry.is_dir() or entry.is_symlink():
                    entry.unlink(missing_ok=True)
