"""Where set-up puts things."""

from __future__ import annotations

import os
import platform
import pwd
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The folders of one clone. Nothing is written outside `state`, `cache` and what git ignores in `root`."""

    root: Path
    cache: Path
    """Shared by all clones of one person on one machine: what takes minutes to make."""

    @property
    def state(self) -> Path:
        return self.root / ".qendra"

    @property
    def venv(self) -> Path:
        return self.state / "venv"

    @property
    def python(self) -> Path:
        """The Python that has everything installed."""
        return self.venv / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.venv / "lib" / version / "site-packages"

    def module(self, name: str) -> list[str]:
        """The words that run a module in that Python, deaf to the person's own Python settings."""
        return [str(self.python), "-I", "-m", name]

    @property
    def stamps(self) -> Path:
        return self.state / "stamps"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def npm(self) -> Path:
        return self.state / "npm"

    @property
    def requirements(self) -> Path:
        return self.root / "requirements"

    @property
    def recipe(self) -> Path:
        """How pjsua2 is built."""
        return self.root / "image-build" / "pjsua2"

    @property
    def webui(self) -> Path:
        return self.root / "webui"


def places_here() -> Places:
    """The places of the clone this file is in."""
    root = Path(__file__).resolve().parents[2]
    return Places(root=root, cache=cache_folder(instead=root / ".qendra" / "cache"))


def cache_folder(instead: Path) -> Path:
    """The machine's cache for what we build: by XDG's rules for a person, under /var/cache for root.

    A user without a home that can be written to (a service's) has it `instead`.
    """
    wanted = os.environ.get("XDG_CACHE_HOME")
    if wanted:
        return Path(wanted) / "qendra"
    if os.geteuid() == 0:
        return Path("/var/cache/qendra")
    if not os.access(home(), os.W_OK):
        return instead
    return home() / ".cache" / "qendra"


def home() -> Path:
    """This user's home, also when the environment is empty."""
    return Path(os.environ.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir)


def python_tag() -> str:
    """Which binary modules this Python loads, in a wheel's words: cp311."""
    return f"cp{sys.version_info.major}{sys.version_info.minor}"


def machine() -> str:
    """The processor family: x86_64, aarch64."""
    return platform.machine()
