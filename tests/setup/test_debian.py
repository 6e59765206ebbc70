"""Debian packages, asked of the machine's own dpkg and apt; nothing is fetched or installed."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from pathlib import Path

import pytest

from appliance.setup.debian import DebianPackages, install, lists_are_old, missing_packages, names_in
from appliance.setup.debian_source import fetch_from, main_archives
from appliance.setup.errors import SetupFailed, ToolFailed
from appliance.setup.job import Job
from appliance.setup.places import places_here

ROOT = places_here().root
LISTS = [ROOT / "requirements" / "debian-run.txt", ROOT / "requirements" / "debian-test.txt"]
NO_SUCH = "qendra-no-such-package"


def test_a_list_is_names_and_notes() -> None:
    assert names_in("# why\nsox\n\nespeak-ng # speech\n") == ["sox", "espeak-ng"]


def test_dpkg_tells_what_is_missing() -> None:
    assert missing_packages(["dpkg", NO_SUCH]) == [NO_SUCH]
    assert missing_packages(["dpkg"]) == []


def test_what_the_box_and_its_tests_need_is_here() -> None:
    """These tests run after set-up, so its lists must be satisfied."""
    assert DebianPackages([*LISTS, ROOT / "image-build" / "pjsua2" / "debian-packages"]).missing() == ""


def test_nothing_missing_means_apt_is_not_asked(tmp_path: Path) -> None:
    wanted = tmp_path / "list"
    wanted.write_text("dpkg\n")
    log = io.StringIO()
    assert DebianPackages([wanted]).run(Job(log)) == "all 1 there"
    assert log.getvalue() == ""


def test_an_ordinary_user_without_sudo_is_told_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SetupFailed) as failure:
        install(Job(io.StringIO()), [NO_SUCH])
    assert f"missing: {NO_SUCH}" in str(failure.value)
    assert f"apt-get install --no-install-recommends {NO_SUCH}\n" in str(failure.value)


def test_lists_grow_old(tmp_path: Path) -> None:
    assert lists_are_old(tmp_path)
    (tmp_path / "partial").mkdir()
    packages = tmp_path / "mirror_dists_bookworm_main_binary-amd64_Packages.lz4"
    packages.write_bytes(b"")
    assert not lists_are_old(tmp_path)
    for path in (packages, tmp_path / "partial"):
        os.utime(path, (0, 0))
    assert lists_are_old(tmp_path)


MIRRORS = """\
http://mirror.example/debian/\tDebian
http://mirror.example/debian-security/\tDebian-Security
http://tools.example/apt/\tSome Tools
http://fresh.example/debian/\t$(LABEL)
http://fresh.example/other/\t$(LABEL)
"""


def test_the_source_comes_from_the_machines_own_debian_mirror() -> None:
    assert list(main_archives(MIRRORS)) == ["http://mirror.example/debian/", "http://fresh.example/debian/"]


@pytest.mark.skipif(not shutil.which("apt-get"), reason="needs apt")
def test_a_mirror_that_is_not_signed_by_debian_gives_nothing(tmp_path: Path) -> None:
    """A whole archive on disk with a source package in it, only nobody signed it: apt must not hand it over."""
    mirror = unsigned_mirror(tmp_path / "mirror")
    folder = tmp_path / "work"
    folder.mkdir()
    with pytest.raises((SetupFailed, ToolFailed)):
        fetch_from(Job(io.StringIO()), f"file:{mirror}", folder)
    assert not list(folder.rglob("*Xpjproject*"))


def unsigned_mirror(mirror: Path) -> Path:
    """An archive with one source package, `asterisk`, that carries a pjproject component."""
    pool = mirror / "pool"
    lists = mirror / "dists" / "sid" / "main" / "source"
    pool.mkdir(parents=True)
    lists.mkdir(parents=True)
    files = {"asterisk_1.dsc": b"Format: 3.0 (quilt)\n", "asterisk_1.orig-Xpjproject.tar.xz": b"tampered"}
    for name, content in files.items():
        (pool / name).write_bytes(content)
    sums = "\n".join(f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}" for name, content in files.items())
    sources = (
        f"Package: asterisk\nFormat: 3.0 (quilt)\nVersion: 1\nDirectory: pool\nChecksums-Sha256:\n{sums}\n\n"
    ).encode()
    (lists / "Sources").write_bytes(sources)
    (mirror / "dists" / "sid" / "Release").write_text(
        "Origin: Debian\nLabel: Debian\nSuite: unstable\nCodename: sid\nComponents: main\n"
        f"SHA256:\n {hashlib.sha256(sources).hexdigest()} {len(sources)} main/source/Sources\n"
    )
    return mirror
