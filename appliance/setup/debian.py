"""Debian packages: what is missing, and installing it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.setup.errors import SetupFailed, ToolFailed
from appliance.setup.job import Job, tool_environment

LISTS_STAY_FRESH = 24 * 3600
"""Seconds after which apt's lists are fetched anew before installing."""


@dataclass(frozen=True)
class DebianPackages:
    """The step that brings the packages named in `lists`, one name a line."""

    lists: Sequence[Path]
    name = "debian"
    title = "Debian packages"

    def wanted(self) -> list[str]:
        return sorted({name for file in self.lists for name in names_in(file.read_text())})

    def missing(self) -> str:
        return ", ".join(missing_packages(self.wanted()))

    def run(self, job: Job) -> str:
        """Install what is missing; asks apt nothing when nothing is."""
        wanted = self.wanted()
        missing = missing_packages(wanted)
        if not missing:
            return f"all {len(wanted)} there"
        install(job, missing)
        still = missing_packages(missing)
        if still:
            raise SetupFailed(f"apt reported success, but these packages are not installed: {' '.join(still)}.")
        return f"{len(missing)} installed"


def names_in(text: str) -> list[str]:
    """The package names in a list file; `#` starts a note."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def missing_packages(wanted: Sequence[str]) -> list[str]:
    """Those that dpkg does not know as installed. Works on Debian and its kin only."""
    try:
        answer = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted],
            capture_output=True,
            text=True,
            check=False,
            env=tool_environment(),
        )
    except FileNotFoundError:
        raise SetupFailed(
            "This machine has no dpkg, so it is not Debian. Qendra is made for Debian 12 and 13 "
            "(and Raspberry Pi OS, which is Debian)."
        ) from None
    there = {
        name
        for name, _, status in (line.partition(" ") for line in answer.stdout.splitlines())
        if status == "installed"
    }
    return [name for name in wanted if name not in there]


def install(job: Job, packages: Sequence[str]) -> None:
    """Install `packages` with apt as the administrator, or say which command would."""
    root = becoming_root(packages)
    wait_for_apt = ("-o", "DPkg::Lock::Timeout=300")
    if lists_are_old():
        update_lists(job, root)
    command = [*root, "apt-get", "-qy", *wait_for_apt, "install", "--no-install-recommends", *packages]
    job.phase(f"installing {len(packages)}")
    try:
        job.call(command)
    except ToolFailed:
        # The lists may name versions that the server has replaced since.
        update_lists(job, root)
        job.phase(f"installing {len(packages)}")
        job.call(command)


def update_lists(job: Job, root: Sequence[str]) -> None:
    """Fetch apt's lists. One source out of order does not stop us: the packages may come from the others."""
    job.phase("fetching package lists")
    try:
        job.call([*root, "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update"])
    except ToolFailed as failure:
        job.note(f"apt-get update: {failure}")


def lists_are_old(lists: Path = Path("/var/lib/apt/lists")) -> bool:
    """Whether apt's lists are absent or older than a day."""
    ages = [time.time() - file.stat().st_mtime for file in lists.glob("*_Packages*")]
    partial = lists / "partial"
    fetched = time.time() - partial.stat().st_mtime if partial.exists() else float("inf")
    return not ages or min(*ages, fetched) > LISTS_STAY_FRESH


def becoming_root(packages: Sequence[str]) -> list[str]:
    """The words before a command that make it the administrator's: none for root, sudo for others.

    Raises SetupFailed where a person would have to type a password and there is nobody to.
    """
    if os.geteuid() == 0:
        return []
    if sudo_is_open():
        return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    raise SetupFailed(
        f"These Debian packages are missing: {' '.join(packages)}.\n"
        "Installing them needs the administrator. Run this as root, then start again:\n\n"
        f"    apt-get update && apt-get install --no-install-recommends {' '.join(packages)}\n"
    )


def sudo_is_open() -> bool:
    """Whether sudo takes commands without asking, after asking for the password once where somebody sits."""
    if not shutil.which("sudo"):
        return False
    if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return True
    return sys.stdin.isatty() and subprocess.run(["sudo", "-v"], check=False).returncode == 0
