"""pjproject's source, out of Debian's source package of Asterisk.

Debian has no package of pjproject, but its Asterisk carries one as a component tarball. apt fetches it and checks
it: the archive's signature covers the list of source packages, which holds each file's hash.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from appliance.setup.errors import SetupFailed, ToolFailed
from appliance.setup.job import Job, tool_environment

PACKAGE = "asterisk"
COMPONENT = "*.orig-Xpjproject.tar.*"
SUITE = "sid"
"""Debian 12 and 13 have no Asterisk; unstable has, and with it a pjproject newer than any release of ours needs."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def fetch_pjproject(job: Job, folder: Path) -> Path:
    """Download the component tarball into `folder` and return its path. Raises SetupFailed if no mirror gives it."""
    mirrors = debian_mirrors()
    if not mirrors:
        raise SetupFailed("This machine's apt has no Debian mirror among its sources.")
    reason = ""
    for mirror in mirrors:
        try:
            return fetch_from(job, mirror, folder)
        except ToolFailed as failure:
            reason = str(failure)
            job.note(f"{mirror}: {failure}")
    raise SetupFailed(f"Debian's source package «{PACKAGE}» could not be fetched. {reason}")


def debian_mirrors() -> list[str]:
    """The mirrors of Debian's main archive that this machine's apt is configured with."""
    answer = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)\t$(LABEL)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
        env=tool_environment(),
    )
    return list(dict.fromkeys(main_archives(answer.stdout)))


def main_archives(targets: str) -> Iterator[str]:
    """Of lines `address TAB label`, the addresses of Debian's main archive.

    The label is known once apt has fetched that archive's lists; before, the address has to tell.
    """
    for line in targets.splitlines():
        address, _, label = line.partition("\t")
        unknown = label.startswith("$(") or not label
        if label == "Debian" or (unknown and address.rstrip("/").endswith("/debian")):
            yield address


def fetch_from(job: Job, mirror: str, folder: Path) -> Path:
    """Download from one mirror with an apt of our own: the machine's lists and sources stay as they are."""
    apt = apt_root(folder / "apt", mirror)
    downloads = folder / "source"
    downloads.mkdir(exist_ok=True)
    open_to_apts_own_user(folder, downloads)
    job.phase("asking Debian for the source")
    try:
        job.call(["apt-get", *apt, "-q", "update"])
    except ToolFailed as failure:
        # A hook of the machine's that runs after an update may fail without harm; the download will tell.
        job.note(f"apt-get update: {failure}")
    job.phase("downloading the source")
    job.call(["apt-get", *apt, "-q", "source", "--download-only", PACKAGE], cwd=downloads)
    found = sorted(downloads.glob(COMPONENT))
    if not found:
        raise SetupFailed(f"Debian's source package «{PACKAGE}» no longer carries pjproject.")
    return found[0]


def apt_root(root: Path, mirror: str) -> list[str]:
    """Make a state of its own for apt in `root` and return the options that point apt there.

    Proxies, certificates and passwords stay those that the machine is configured with.
    """
    for name in ("lists/partial", "cache/archives/partial"):
        (root / name).mkdir(parents=True, exist_ok=True)
    # A mirror kept for reproducible builds serves a Release file whose validity has ended long ago.
    signed_by = f" signed-by={KEYRING}" if KEYRING.exists() else ""
    sources = root / "sources.list"
    sources.write_text(f"deb-src [check-valid-until=no{signed_by}] {mirror} {SUITE} main\n")
    options = {
        "Dir::State": root,
        "Dir::State::lists": root / "lists",
        "Dir::Cache": root / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Get::AllowUnauthenticated": "false",
        "Acquire::AllowInsecureRepositories": "false",
    }
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def open_to_apts_own_user(*folders: Path) -> None:
    """As root, apt downloads as the user `_apt`: let it into these folders."""
    if os.geteuid() != 0:
        return
    try:
        pwd.getpwnam("_apt")
    except KeyError:
        return
    for folder in folders:
        folder.chmod(0o755)
        shutil.chown(folder, "_apt")
