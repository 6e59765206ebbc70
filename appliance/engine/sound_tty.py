"""A modem's sound port as the operating system has it: raw bytes, nobody else on it, and never a wait."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios


class PortGone(Exception):
    """The port cannot be opened, or has vanished; says which, in plain words."""


class SoundTty:
    """A serial port that carries samples. Reading and writing take and give what there is room for, at once."""

    def __init__(self, device: str) -> None:
        """Open it for us alone, and throw away whatever the last call left in it.

        Raises:
            PortGone: see there.
        """
        try:
            self._descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise PortGone(f"the modem's sound port cannot be opened: {error.strerror}") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _make_raw(self._descriptor)
            termios.tcflush(self._descriptor, termios.TCIOFLUSH)
        except BlockingIOError:
            self.close()
            raise PortGone("the modem's sound port is in use by another program") from None
        except (OSError, termios.error) as error:
            self.close()
            raise PortGone(f"the modem's sound port is no serial port: {error}") from None

    def fileno(self) -> int:
        """For poll."""
        return self._descriptor

    def read(self) -> bytes:
        """What has come; nothing when nothing has.

        Raises:
            PortGone: it was unplugged.
        """
        try:
            data = os.read(self._descriptor, 8192)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            raise PortGone("modem's sound port is gone")
        return data

    def write(self, data: bytes) -> int:
        """How many of these bytes the port took.

        Raises:
            PortGone: it was unplugged.
        """
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError:
            raise PortGone("modem's sound port is gone") from None

    def queued(self) -> int:
        """Bytes written that the modem has not taken yet; 0 where the driver does not tell."""
        answer = bytearray(4)
        try:
            fcntl.ioctl(self._descriptor, termios.TIOCOUTQ, answer)
        except OSError:
            return 0
        return int(struct.unpack("i", answer)[0])

    def close(self) -> None:
        """Let it go. Nothing raises, also when the modem is long gone."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def _make_raw(descriptor: int) -> None:
    """Eight bits in, eight bits out: no echo, no line ends, above all no XON/XOFF, which would eat two sample values."""
    modes = termios.tcgetattr(descriptor)
    modes[0] = modes[1] = modes[3] = 0
    modes[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
    modes[4] = modes[5] = termios.B115200  # of no meaning on USB, but 0 would hang up
    modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSANOW, modes)
