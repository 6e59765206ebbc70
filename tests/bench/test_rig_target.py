"""What the rig is told about this box: a firm the box accepts, its passwords for nobody else's eyes."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

from appliance.callflow.settings import Choice
from appliance.supervisor.site import load
from tests.bench.tools import firm

PROGRAM = Path(__file__).with_name("rig-target")


def test_the_rig_is_told_of_a_firm_that_the_box_accepts(tmp_path: Path) -> None:
    folder = tmp_path / "target"
    subprocess.run([PROGRAM, folder], check=True, capture_output=True)
    target = json.loads((folder / "target.json").read_text())
    site = load(folder / "site.toml")

    assert list(target["users"]) == [str(number) for number in range(101, 165)]
    assert target["users"] == site.passwords
    assert target["agents"] == ["133", "134"]
    (queue,) = site.settings.queues
    assert (queue.extension, list(queue.operators)) == (target["queue"], target["agents"])
    (menu,) = site.settings.flow.menus
    assert (menu.extension, menu.choices) == (target["ivr"], (Choice(target["ivr_digit"], "phone 133"),))
    assert site.settings.record_prefix == target["record_prefix"]
    assert Path(target["recordings"]).is_relative_to(folder / "data" / "recordings")
    assert Path(target["start"][0]).name == "qendra"
    assert all(Path(evicted).is_dir() for evicted in target["evict"])


def test_its_lines_are_those_of_the_file(tmp_path: Path) -> None:
    subprocess.run([PROGRAM, tmp_path], check=True, capture_output=True)
    target = json.loads((tmp_path / "target.json").read_text())
    counted = target["config_lines"]
    written = firm.lines((tmp_path / "site.toml").read_text())
    assert written == counted["lines_base"] + counted["lines_per_phone"] * len(target["users"])
    assert counted["lines_two_phones"] == counted["lines_base"] + 2 * counted["lines_per_phone"]


def test_passwords_are_new_and_for_their_owner_alone(tmp_path: Path) -> None:
    passwords = []
    for _ in range(2):
        subprocess.run([PROGRAM, tmp_path], check=True, capture_output=True)
        passwords.append(json.loads((tmp_path / "target.json").read_text())["users"]["101"])
        for name in ("target.json", "site.toml"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert passwords[0] != passwords[1]
