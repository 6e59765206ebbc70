"""The units of the box: systemd understands them, and they start what `./qendra run` starts, in the same way."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest

from appliance.supervisor import run as run_module
from appliance.supervisor.network import main
from appliance.supervisor.paths import Places
from appliance.supervisor.processes import Part
from appliance.supervisor.run import Hardware, Wishes

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "systemd").glob("qendra*"))
PROCESSES = ("desk", "edge", "engine", "web")
PYTHON = "/opt/qendra/.qendra/venv/bin/python -I -m "


def unit(name: str) -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    parser.read(ROOT / "systemd" / name, encoding="utf-8")
    return parser


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Part]:
    places = Places(tmp_path, tmp_path / "run")
    return {part.name: part for part in run_module._parts(Wishes(tmp_path), "127.0.0.1", places, Hardware())}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_unit_starts_what_run_starts_with_the_same_options(name: str, parts: dict[str, Part]) -> None:
    command = unit(f"qendra-{name}.service")["Service"]["ExecStart"]
    assert command.startswith(PYTHON)
    module, *words = command.removeprefix(PYTHON).split()
    assert module == parts[name].module
    assert find_spec(module) is not None
    options = {word for word in words if word.startswith("--")}
    assert options == {word for word in parts[name].arguments if word.startswith("--")}


def test_edge_and_engine_meet_at_the_same_ports() -> None:
    commands = [unit(f"qendra-{name}.service")["Service"]["ExecStart"] for name in ("edge", "engine")]
    for option in ("--engine-port", "--inside-port"):
        edge, engine = (re.findall(rf"{option} (\S+)", command) for command in commands)
        assert edge == engine


@pytest.mark.parametrize("name", PROCESSES)
def test_every_setting_a_command_uses_has_a_value(name: str) -> None:
    service = unit(f"qendra-{name}.service")["Service"]
    used = set(re.findall(r"\$\{?(\w+)", service["ExecStart"]))
    given = {word.partition("=")[0] for word in service["Environment"].split()}
    assert used == given


def test_the_target_is_all_of_them_and_they_end_in_the_order_of_run(parts: dict[str, Part]) -> None:
    wanted = unit("qendra.target")["Unit"]["Wants"].split()
    assert sorted(wanted) == sorted(path.name for path in UNITS if path.suffix == ".service")
    ends = sorted(PROCESSES, key=lambda name: parts[name].ends)
    for first, later in pairwise(ends):
        # what starts after another ends before it
        assert f"qendra-{later}.service" in unit(f"qendra-{first}.service")["Unit"]["After"].split()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace(PYTHON, f"{sys.executable} -I -m ")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / path.name) for path in UNITS)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    newer = ("RestartSteps", "RestartMaxDelaySec")  # of systemd 254; an older one goes on without
    complaints = [
        line
        for line in done.stderr.splitlines()
        if str(tmp_path) in line and not any(f"'{key}'" in line for key in newer)
    ]
    assert complaints == []


def test_the_address_is_written_where_the_units_look_for_it(tmp_path: Path) -> None:
    assert main(["--write", str(tmp_path / "address.env")]) == 0
    assert re.fullmatch(
        r"QENDRA_BIND=[\d.]+\nQENDRA_ALSO=(--bind f[cd][0-9a-f:]+ ?)*\nQENDRA_SOUND=[\d.]+\n",
        (tmp_path / "address.env").read_text(encoding="ascii"),
    )
    assert main([]) == 2
