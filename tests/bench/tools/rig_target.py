"""`tests/bench/rig-target DIR`: what the rig has to know to run this box beside another, in DIR/target.json.

The rig's README says what each key means. The box has to be set up.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import sysconfig
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.bench.tools import firm

CHECKOUT = Path(__file__).resolve().parents[3]
HOST = "127.0.0.1"
TELEPHONES = 64
"""From 101 on; the rig lets the first half call the second, whose first two are the queue's operators."""
ZONE = ZoneInfo("Europe/Tirane")
"""The site file names no other, so the box's days are those."""


def main(arguments: list[str]) -> int:
    """Write DIR/site.toml and DIR/target.json; both hold passwords and are for their owner's eyes only."""
    parser = argparse.ArgumentParser(prog="rig-target", description="Describe this box to the rig.")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--sip-port", type=int, default=5260)
    parser.add_argument("--tls-port", type=int, default=5261)
    parser.add_argument("--web-port", type=int, default=8280)
    parser.add_argument("--rtp-ports", default="10000-10999")
    chosen = parser.parse_args(arguments)
    folder = chosen.folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = firm.telephones(101, TELEPHONES)
    operators = list(passwords)[TELEPHONES // 2 :][:2]
    _write(folder / "site.toml", firm.site(passwords, operators))
    target = {
        "name": "qendra",
        "target": f"{HOST}:{chosen.sip_port}",
        "users": passwords,
        "agents": operators,
        "ivr": firm.MENU,
        "ivr_digit": firm.KEY,
        "queue": firm.QUEUE,
        "record_prefix": firm.RECORDED,
        "recordings": str(_recordings_of_today(folder / "data" / "recordings")),
        "start": [
            *(str(CHECKOUT / "qendra"), "run"),
            *("--site", str(folder / "site.toml"), "--data", str(folder / "data"), "--bind", HOST),
            *(
                "--sip-port",
                str(chosen.sip_port),
                "--tls-port",
                str(chosen.tls_port),
                "--web-port",
                str(chosen.web_port),
            ),
            *("--rtp-ports", chosen.rtp_ports),
        ],
        "evict": _program_files(),
        "config_lines": _config_lines(passwords, operators),
    }
    _write(folder / "target.json", json.dumps(target, indent=1) + "\n")
    print(folder / "target.json")
    return 0


def _recordings_of_today(recordings: Path) -> Path:
    """Where the box puts them; the rig counts the files of one folder, and only if it is there before."""
    today = recordings / f"{datetime.now(ZONE):%Y/%m/%d}"
    today.mkdir(mode=0o700, parents=True, exist_ok=True)
    return today


def _program_files() -> list[str]:
    """Folders of our own programs, of Python's, and of the machine's libraries that both load."""
    ours = [CHECKOUT / name for name in ("appliance", "firmware_hooks", "webui", ".qendra/venv")]
    theirs = [Path(sys.base_prefix) / "bin", Path(sysconfig.get_path("stdlib"))]
    libraries = Path(sys.base_prefix) / "lib" / str(sysconfig.get_config_var("MULTIARCH") or "")
    return [str(folder) for folder in (*ours, *theirs, libraries) if folder.is_dir()]


def _config_lines(passwords: dict[str, str], operators: list[str]) -> dict[str, int]:
    """Lines somebody writes for this firm: in all but the telephones', for each telephone, with two of them."""
    whole = firm.lines(firm.site(passwords, operators))
    base = firm.lines(firm.site({}, operators))
    per_phone = (whole - base) // len(passwords)
    return {"files": 1, "lines_base": base, "lines_per_phone": per_phone, "lines_two_phones": base + 2 * per_phone}


def _write(path: Path, text: str) -> None:
    """Anew, readable by its owner alone from the first byte."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
