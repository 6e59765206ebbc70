"""All real parts together, as `./qendra run` starts them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.supervisor.network import free_loopback_ports

ROOT = Path(__file__).parents[2]


class WholeBox:
    """`run` on ports and data of its own."""

    def __init__(self, data: Path, *more: str) -> None:
        self.data = data
        self.sip, self.tls, self.web = free_loopback_ports(3, range(20000, 20100))
        self.said = ""
        command = [sys.executable, "-m", "appliance.supervisor.cli", "run", "--data", str(data), "--bind", "127.0.0.1"]
        ports = [
            "--sip-port",
            str(self.sip),
            "--tls-port",
            str(self.tls),
            "--web-port",
            str(self.web),
            "--rtp-ports",
            "20000-20099",
        ]
        self.process = subprocess.Popen([*command, *ports, *more], cwd=ROOT, stdout=subprocess.PIPE, bufsize=0)

    def hear(self, words: str, seconds: float = 20.0) -> str:
        """Wait until it has said this; returns all it has said."""
        assert self.process.stdout
        until = time.monotonic() + seconds
        while words not in self.said and time.monotonic() < until:
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                self.said += os.read(self.process.stdout.fileno(), 4096).decode()
        assert words in self.said, self.said + "".join(log.read_text() for log in (self.data / "log").glob("*.log"))
        return self.said

    def parts(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.data / "run" / "box.json").read_text(encoding="utf-8"))["parts"]
        return told

    def wait_for(self, name: str, starts: int, seconds: float = 10.0) -> float:
        """Wait until this part answers after so many starts; returns the seconds that took."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            part = self.parts()[name]
            if part["answers"] and part["starts"] == starts:
                return time.monotonic() - began
            time.sleep(0.01)
        pytest.fail(f"{name} is not back: {self.parts()}")

    def stop(self) -> float:
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(10) == 0
        return time.monotonic() - began

    def clear_away(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture
def data() -> Iterator[Path]:
    """With a short name, so that the run folder is where one expects it."""
    folder = Path(tempfile.mkdtemp(prefix="q-"))
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def whole_box(data: Path, *more: str) -> Iterator[WholeBox]:
    box = WholeBox(data, *more)
    try:
        yield box
    finally:
        box.clear_away()


def test_from_nothing_to_a_page_with_an_owners_link(data: Path) -> None:
    with whole_box(data) as box:
        said = box.hear("To stop")
        assert said.startswith("\nQendra is up.\n")
        assert "gsm1 (in software)\n" in said
        assert f"./qendra virtual-line --data {data}\n" in said
        found = re.search(r"http://127\.0\.0\.1:\d+/welcome/(\S+)", said)
        assert found
        with urllib.request.urlopen(found[0], timeout=10) as page:
            assert page.status == 200
        logs = "".join(log.read_text(encoding="utf-8") for log in (data / "log").iterdir())
        assert found[1] not in logs, "a secret is not for the logs"
        assert box.stop() < 5
        assert sorted(entry.name for entry in (data / "run").iterdir()) == ["lines"]
        assert "unexpectedly" not in box.said


def test_each_part_is_started_again_alone(data: Path) -> None:
    with whole_box(data) as box:
        box.hear("To stop")
        before = box.parts()
        assert os.getpriority(os.PRIO_PROCESS, before["web"]["pid"]) == os.getpriority(os.PRIO_PROCESS, 0) + 5
        for name in ("engine", "web", "edge", "desk"):
            os.kill(box.parts()[name]["pid"], signal.SIGKILL)
            took = box.wait_for(name, 2)
            assert took < 2, f"{name} took {took:.2f} s"
        after = box.parts()
        assert [part["starts"] for part in after.values()] == [2, 2, 2, 1, 2]
        assert after["gsm1-line"]["pid"] == before["gsm1-line"]["pid"]
        for title in ("The sound engine", "The page", "The telephones' door (edge)", "The desk"):
            assert box.hear(f"{title} is back").count(f"{title} stopped unexpectedly (killed by signal 9)") == 1
        assert box.stop() < 5


def test_the_site_of_the_last_run_stands_and_a_wrong_one_does_not_harm_it(data: Path) -> None:
    site = data / "office.toml"
    site.write_text('phones = { 201 = "first-secret" }\nlines = { a = "virtual", b = "virtual" }\n', encoding="utf-8")
    with whole_box(data, "--site", str(site)) as box:
        assert "Lines         a (in software), b" in box.hear("To stop")
        box.stop()
    site.write_text("phnes = {}\n", encoding="utf-8")
    with whole_box(data, "--site", str(site)) as box:
        assert box.process.wait(10) == 2
    with whole_box(data) as box:
        box.hear("To stop")
        assert {"a-line", "b-line"} <= set(box.parts())
        box.stop()
