"""Packing built modules as a wheel, the same bytes for the same modules."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The zip format's first date: when a wheel was packed says nothing."""


@dataclass(frozen=True)
class WheelName:
    """What a wheel's file name says (PyPA's binary distribution format)."""

    project: str
    version: str
    python: str
    """Which Python loads its modules: cp311."""
    machine: str
    """x86_64, aarch64."""

    @property
    def tag(self) -> str:
        return f"{self.python}-{self.python}-linux_{self.machine}"

    @property
    def file(self) -> str:
        return f"{self.project}-{self.version}-{self.tag}.whl"


def pack(name: WheelName, modules: Mapping[str, bytes], summary: str, licence: str, folder: Path) -> Path:
    """Write a wheel with `modules` (file name and content) into `folder` and return its path.

    The file appears under its name only when it is complete.
    """
    info = f"{name.project}-{name.version}.dist-info"
    files = {
        **modules,
        f"{info}/METADATA": (
            f"Metadata-Version: 2.1\nName: {name.project}\nVersion: {name.version}\n"
            f"Summary: {summary}\nLicense: {licence}\n"
        ).encode(),
        f"{info}/WHEEL": (f"Wheel-Version: 1.0\nGenerator: qendra\nRoot-Is-Purelib: false\nTag: {name.tag}\n").encode(),
    }
    record = "".join(f"{path},{record_hash(content)},{len(content)}\n" for path, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()

    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / name.file
    unfinished = wheel.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return unfinished.rename(wheel)


def record_hash(content: bytes) -> str:
    """A hash as RECORD writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
