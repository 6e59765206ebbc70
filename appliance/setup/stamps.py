"""Which steps are done, and for which inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stamps:
    """One small file per finished step, holding the digest of what it worked from."""

    folder: Path

    def is_current(self, name: str, digest: str) -> bool:
        try:
            return (self.folder / name).read_text().strip() == digest
        except OSError:
            return False

    def put(self, name: str, digest: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(f"{digest}\n")

    def drop(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)


def digest_of(files: Iterable[Path], *more: str) -> str:
    """One digest of these files' names and contents, and of `more`, in this order."""
    total = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        total.update(f"{file.name} {len(content)}\n".encode())
        total.update(content)
    for text in more:
        total.update(f"{text}\n".encode())
    return total.hexdigest()
