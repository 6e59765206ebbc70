"""The pjsua2 that set-up installed here, asked what it can do; and how set-up chooses one."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from appliance.setup import sound_library
from appliance.setup.errors import SetupFailed
from appliance.setup.job import Job
from appliance.setup.places import Places, machine, places_here, python_tag
from appliance.setup.sound_library import SoundLibrary, cached, local_version, version_of
from appliance.setup.wheel import WheelName, pack

HERE = places_here()

THREADS_RUN_ON = """
import threading, time, pjsua2 as pj
turns, ending = 0, False

def turn():
    global turns
    while not ending:
        turns += 1
        time.sleep(0.001)

ep = pj.Endpoint()
ep.libCreate()
config = pj.EpConfig()
config.logConfig.level = config.logConfig.consoleLevel = 0
config.uaConfig.threadCnt = 0
ep.libInit(config)
ep.libStart()
ep.libHandleEvents(10)
threading.Thread(target=turn, daemon=True).start()
before = turns
ep.libHandleEvents(300)
print(turns - before, flush=True)
import os; os._exit(0)
"""


def ask_library() -> dict[str, object]:
    """What image-build/pjsua2/limits.py finds; in a process of its own, as the library may abort."""
    answer = subprocess.run(
        [sys.executable, "-I", HERE.recipe / "limits.py"], capture_output=True, text=True, check=True, timeout=30
    )
    facts: dict[str, object] = json.loads(answer.stdout.splitlines()[-1])
    return facts


def test_it_carries_128_call_legs_and_the_codecs_of_desk_phones() -> None:
    facts = ask_library()
    assert facts["call_legs"] == 128, "the ready-made wheel carries 4; ./qendra setup says why ours was not built"
    codecs = facts["codecs"]
    assert isinstance(codecs, list)
    assert {"PCMU/8000/1", "PCMA/8000/1", "G722/16000/1", "opus/48000/2", "GSM/8000/1"} <= set(codecs)


def test_set_up_wrote_down_what_the_library_says() -> None:
    facts = ask_library()
    written = json.loads(SoundLibrary(HERE).facts.read_text())
    assert (written["version"], written["call_legs"]) == (facts["version"], facts["call_legs"])


def test_other_threads_run_while_the_library_waits() -> None:
    answer = subprocess.run(
        [sys.executable, "-I", "-c", THREADS_RUN_ON], capture_output=True, text=True, check=True, timeout=30
    )
    turns = int(answer.stdout.splitlines()[-1])
    assert turns > 30, f"only {turns} turns of 1 ms while the library waited 300 ms: it kept Python's lock"


def test_assertions_are_compiled_out() -> None:
    module = next(HERE.site_packages.glob("_pjsua2*.so")).read_bytes()
    assert b"__assert_fail" not in module


def test_version_of_a_source(tmp_path: Path) -> None:
    (tmp_path / "version.mak").write_text(
        "export PJ_VERSION_MAJOR  := 2\nexport PJ_VERSION_MINOR  := 17\nexport PJ_VERSION_REV    :=\n"
    )
    assert version_of(tmp_path) == "2.17"
    (tmp_path / "version.mak").write_text(
        "export PJ_VERSION_MAJOR := 2\nexport PJ_VERSION_MINOR := 15\nexport PJ_VERSION_REV := 1\n"
    )
    assert version_of(tmp_path) == "2.15.1"


@pytest.mark.parametrize("content", ["", "export PJ_VERSION_MAJOR := 2\nexport PJ_VERSION_MINOR := 14\n"])
def test_an_old_or_strange_source_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "version.mak").write_text(content)
    with pytest.raises(SetupFailed, match="too old"):
        version_of(tmp_path)
    with pytest.raises(SetupFailed, match="not pjproject"):
        version_of(tmp_path / "elsewhere")


def test_a_cached_build_serves_its_own_recipe_and_python_only(tmp_path: Path) -> None:
    places = Places(HERE.root, tmp_path)
    for version, python in (("2.17+qendra.00000000", python_tag()), (f"2.17+{local_version(places)}", "cp399")):
        pack(WheelName("pjsua2", version, python, machine()), {}, "", "", tmp_path)
    assert cached(places, tmp_path) is None

    ours = pack(WheelName("pjsua2", f"2.17+{local_version(places)}", python_tag(), machine()), {}, "", "", tmp_path)
    assert cached(places, tmp_path) == ours


def test_a_chosen_source_has_a_build_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = local_version(HERE)
    tarball = tmp_path / "pjproject.tar.gz"
    tarball.write_bytes(b"a release")
    monkeypatch.setenv(sound_library.TARBALL, str(tarball))
    assert local_version(HERE) != usual


def test_without_source_and_without_network_both_reasons_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be built from a broken tarball, and nothing downloaded where pip may not use an index."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("requirements", "image-build"):
        (clone / name).symlink_to(HERE.root / name)
    places = Places(clone, tmp_path / "cache")
    venv.create(places.venv, with_pip=True)
    broken = tmp_path / "broken.tar.xz"
    broken.write_bytes(b"not a tarball")
    monkeypatch.setenv(sound_library.TARBALL, str(broken))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    with pytest.raises(SetupFailed) as failure:
        SoundLibrary(places).run(Job(io.StringIO()))
    assert "broken.tar.xz cannot be unpacked" in str(failure.value)
    assert "no ready-made one" in str(failure.value)
    assert not SoundLibrary(places).is_current()
