"""Our wheels are what PyPA's format asks for, and the same every time."""

from __future__ import annotations

import csv
import subprocess
import sys
import zipfile
from pathlib import Path

from appliance.setup.places import machine, python_tag
from appliance.setup.wheel import WheelName, pack, record_hash

NAME = WheelName("qendra_sample", "1.2+qendra.abc", python_tag(), machine())
MODULES = {"qendra_sample.py": b"answer = 42\n", "other_sample.py": b""}


def test_the_same_modules_give_the_same_bytes(tmp_path: Path) -> None:
    first = pack(NAME, MODULES, "A sample", "MIT", tmp_path / "a")
    second = pack(NAME, MODULES, "A sample", "MIT", tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    assert [file.name for file in (tmp_path / "a").iterdir()] == [NAME.file]


def test_the_record_lists_every_file_with_its_hash(tmp_path: Path) -> None:
    with zipfile.ZipFile(pack(NAME, MODULES, "A sample", "MIT", tmp_path)) as archive:
        record = "qendra_sample-1.2+qendra.abc.dist-info/RECORD"
        rows = list(csv.reader(archive.read(record).decode().splitlines()))
        assert {row[0] for row in rows} == set(archive.namelist())
        for path, digest, size in rows:
            if path != record:
                assert (digest, int(size)) == (record_hash(archive.read(path)), len(archive.read(path)))


def test_pip_installs_it(tmp_path: Path) -> None:
    wheel = pack(NAME, MODULES, "A sample", "MIT", tmp_path)
    target = tmp_path / "target"
    pip = [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "install", "--no-index"]
    subprocess.run([*pip, "--target", target, wheel], check=True, capture_output=True)
    assert (target / "qendra_sample.py").read_bytes() == b"answer = 42\n"
