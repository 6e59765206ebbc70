"""A box whose data is on a disk of its own, small enough to be full, and seen by nobody else."""

from __future__ import annotations

import os
from pathlib import Path

from tests.journeys.box import HOUSE, Box
from tests.journeys.processes import Program, wait_for

MEGABYTE = 1_000_000


class SmallDiskBox(Box):
    """The disk lives in a mount namespace of its own, from the first start until the story ends."""

    def __init__(self, folder: Path, site: str, megabytes: int) -> None:
        super().__init__(folder, site)
        self.home.mkdir(parents=True)
        self._user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        mount = 'mount -t tmpfs -o "size=$1,mode=700" none "$0" && exec sleep 600'
        arguments: list[str | Path] = ["unshare", *self._user, "--mount", "sh", "-c", mount, self.home]
        self._holder = Program("disk", [*arguments, str(megabytes * MEGABYTE)], folder / "disk.log")
        wait_for("the disk is there", lambda: self.size() < 2 * megabytes * MEGABYTE)

    @property
    def data(self) -> Path:
        """Through the root of the process that holds it."""
        return Path(f"/proc/{self._holder.process.pid}/root{self.home}")

    def command(self, word: str = "") -> list[str | Path]:
        """The usual one, where the disk is."""
        user = ["--user", "--preserve-credentials"] if self._user else []
        where = ["--target", str(self._holder.process.pid), "--mount", f"--wdns={HOUSE}"]
        return ["nsenter", *user, *where, *super().command(word)]

    def close(self) -> None:
        super().close()
        self._holder.end()

    # ---- the disk

    def size(self) -> int:
        disk = os.statvfs(self.data)
        return disk.f_blocks * disk.f_frsize

    def fill(self, leave: int) -> None:
        """Somebody else's file takes all but so many bytes."""
        filler = self.data / "filler"
        disk = os.statvfs(self.data)
        there = filler.stat().st_size if filler.exists() else 0
        wanted = there + disk.f_bavail * disk.f_frsize - leave
        with filler.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, wanted)

    def clear(self) -> None:
        """It is deleted."""
        (self.data / "filler").unlink()
