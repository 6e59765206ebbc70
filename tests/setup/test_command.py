"""`./qendra` itself, from anywhere, in an empty environment."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.setup.places import places_here

ROOT = places_here().root
SCRIPTS = ["qendra", ".ci/run", ".ci/check", "requirements/lock", "image-build/pjsua2/build"]
SET_UP_NEEDS = ["qendra", "appliance/__init__.py", "appliance/setup", "requirements", "image-build", "webui/vendor.toml",
                "webui/package.json", "webui/package-lock.json"]  # fmt: skip


def bare(*argv: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run with no environment at all."""
    return subprocess.run(
        ["/usr/bin/env", "-i", *argv], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What set-up starts from, in a place where nothing has been set up."""
    root = tmp_path / "a clone"
    for name in SET_UP_NEEDS:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = ROOT / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return root


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_pass_shellcheck(script: str) -> None:
    answer = subprocess.run(["shellcheck", ROOT / script], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_help_needs_no_set_up(clone: Path, tmp_path: Path) -> None:
    answer = bare(clone / "qendra", "help", cwd=tmp_path)
    assert answer.returncode == 0
    assert "doctor" in answer.stdout
    assert not (clone / ".qendra").exists()


@pytest.mark.parametrize("words", [["setup", "--help"], ["test", "--help"], ["-h"]])
def test_asked_for_help_it_only_helps(clone: Path, tmp_path: Path, words: list[str]) -> None:
    answer = bare(clone / "qendra", *words, cwd=tmp_path)
    assert answer.returncode == 0
    assert answer.stdout.startswith("Usage: ./qendra COMMAND")
    assert not (clone / ".qendra").exists()


def test_an_unknown_command_is_named(clone: Path, tmp_path: Path) -> None:
    answer = bare(clone / "qendra", "strat", cwd=tmp_path)
    assert answer.returncode == 2
    assert "«strat»" in answer.stderr


def test_doctor_says_what_is_not_there_and_brings_nothing(clone: Path, tmp_path: Path) -> None:
    link = tmp_path / "qendra"
    link.symlink_to(clone / "qendra")
    answer = bare(link, "doctor", cwd=Path("/"))
    assert answer.returncode == 1
    for title in ("Python environment", "Python packages", "Sound library (pjsua2)", "Scripts and styles"):
        assert f"Not there: {title}" in answer.stderr
    assert "./qendra setup" in answer.stderr
    assert not (clone / ".qendra").exists()


def test_what_is_set_up_starts_at_once(clone: Path, tmp_path: Path) -> None:
    """With a current stamp nothing but the checksum stands before the box's own Python; a changed lock file asks again."""
    python = clone / ".qendra" / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "started: $*"\n')
    python.chmod(0o755)
    stamps = clone / ".qendra" / "stamps"
    stamps.mkdir()
    # The checksum is the command's own: have it written by a set-up that has nothing to do.
    module = clone / "appliance" / "setup" / "__main__.py"
    module.write_text(
        "import sys, pathlib\n"
        "stamp = sys.argv[sys.argv.index('--stamp') + 1]\n"
        f"pathlib.Path({str(stamps)!r}, 'all-run').write_text(stamp + chr(10))\n"
        "print('set up', file=sys.stderr)\n"
    )
    for arguments in (["--site", "a file"], []):
        answer = bare(clone / "qendra", "run", *arguments, cwd=tmp_path)
        assert answer.stdout == " ".join(["started: -I -m appliance.supervisor.cli run", *arguments]) + "\n"
        assert answer.stderr == ("set up\n" if arguments else "")

    with (clone / "requirements" / "runtime.txt").open("a") as lock:
        lock.write("# changed\n")
    assert bare(clone / "qendra", "run", cwd=tmp_path).stderr == "set up\n"
