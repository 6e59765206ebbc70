"""The lock files and manifests: complete, pinned, and free of addresses."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from appliance.setup.errors import SetupFailed
from appliance.setup.page_files import copy_wanted, wanted_files
from appliance.setup.places import places_here
from appliance.setup.stamps import Stamps, digest_of

HERE = places_here()
LOCKS = [HERE.requirements / name for name in ("runtime.txt", "test.txt", "tools.txt", "pjsua2-fallback.txt")]
PIN = re.compile(r"^([a-z0-9.-]+)==([^ \n]+)", re.MULTILINE | re.IGNORECASE)
FREE = {"MIT", "0BSD", "BSD-3-Clause"}
BY_ITS_LICENCE_FILE = {"node_modules/htmx-ext-sse": "0BSD"}


def pins(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall(text):
        found.setdefault(name.lower().replace("_", "-"), set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE | re.IGNORECASE)[1:]
    assert entries
    for entry in entries:
        assert PIN.match(entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((HERE.root / "pyproject.toml").read_text())["project"]
    runtime, test = (pins((HERE.requirements / f"{name}.txt").read_text()) for name in ("runtime", "test"))
    for name, versions in pins("\n".join(project["dependencies"])).items():
        assert runtime[name] == versions
    for name, versions in pins("\n".join(project["optional-dependencies"]["test"])).items():
        assert test[name] == versions
    for name, versions in runtime.items():
        assert test[name] == versions, f"{name} is tested in another version than it runs in"


def test_npm_packages_are_exact_free_and_without_addresses() -> None:
    lock = json.loads((HERE.webui / "package-lock.json").read_text())
    about = json.loads((HERE.webui / "package.json").read_text())
    wanted = about["dependencies"] | about["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    for name, package in lock["packages"].items():
        if name:
            assert package.get("license", BY_ITS_LICENCE_FILE.get(name)) in FREE, name
            assert package["integrity"].startswith("sha512-"), name
            assert "resolved" not in package, name


def test_the_pages_files_are_the_manifests_and_no_others() -> None:
    vendor = HERE.webui / "static" / "vendor"
    there = {str(file.relative_to(vendor)) for file in vendor.rglob("*") if file.is_file()}
    assert there == set(wanted_files(HERE.webui / "vendor.toml"))


def test_a_manifest_that_names_what_no_package_has_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "vendor.toml"
    manifest.write_text('[files]\n"a.js" = "nobody/a.js"\n[icons]\nnames = []\n')
    vendor = tmp_path / "vendor"
    vendor.mkdir()
    (vendor / "old.js").write_text("still here")
    with pytest.raises(SetupFailed, match=r"nobody/a\.js"):
        copy_wanted(tmp_path, manifest, vendor)
    assert (vendor / "old.js").exists()


def test_a_changed_input_makes_a_stamp_stale(tmp_path: Path) -> None:
    stamps, lock = Stamps(tmp_path / "stamps"), tmp_path / "lock"
    lock.write_text("one")
    assert not stamps.is_current("step", digest_of([lock]))
    stamps.put("step", digest_of([lock]))
    assert stamps.is_current("step", digest_of([lock]))
    lock.write_text("two")
    assert not stamps.is_current("step", digest_of([lock]))
