"""A pty that looks like a serial port under a name that stays."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
import tty
from pathlib import Path


class PtyPort:
    """Raw from the first moment: a fresh pty would echo what the modem says back to the modem.

    A slave descriptor stays open here, so that the box may close and open its end as it likes; closing this port hangs
    up whoever has it open, as pulling the plug does.
    """

    def __init__(self, link: Path) -> None:
        """Make the pty and point `link` at it.

        Raises:
            OSError: no pty is left, or the folder cannot be written.
        """
        self.link = link
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        fresh = link.with_name(f".{link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self.path)
        fresh.replace(link)

    def fileno(self) -> int:
        return self._master

    def read(self) -> bytes:
        """What the box has written; empty when that is nothing."""
        try:
            return os.read(self._master, 65536)
        except (BlockingIOError, OSError):
            return b""

    def write(self, data: bytes) -> int:
        """How many bytes fitted; the rest is lost, as it is with a modem nobody reads."""
        try:
            return os.write(self._master, data)
        except (BlockingIOError, OSError):
            return 0

    def unread(self) -> int:
        """Bytes the box has not read yet; the kernel counts to 4095."""
        return int(struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, struct.pack("i", 0)))[0])

    def close(self) -> None:
        """Pull the plug."""
        with contextlib.suppress(OSError):
            if self.link.readlink() == Path(self.path):
                self.link.unlink()
        os.close(self._master)
        os.close(self._slave)
