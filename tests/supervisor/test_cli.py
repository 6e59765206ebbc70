"""What a person gets to read: start text, refusals, help. Refusals come before anything is started."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.supervisor import VERSION
from appliance.supervisor import run as run_module
from appliance.supervisor.cli import main
from appliance.supervisor.network import free_loopback_ports
from appliance.supervisor.paths import Lock, Places, close_run, open_data, open_run
from appliance.supervisor.run import Hardware, Wishes

ROOT = Path(__file__).parents[2]


def qendra(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance.supervisor.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd=ROOT)


def placed(data: Path) -> list[str | Path]:
    sip, tls, web = map(str, free_loopback_ports(3, range(0)))
    return ["--data", data, "--bind", "127.0.0.1", "--sip-port", sip, "--tls-port", tls, "--web-port", web]


def refused(*arguments: str | Path) -> str:
    done = qendra(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    return done.stderr.strip()


def test_a_site_file_with_wrong_keys_starts_nothing_and_is_not_kept(tmp_path: Path) -> None:
    site = tmp_path / "office.toml"
    site.write_text('[[people]]\nextention = "101"\n\n[queues.office]\nwrapup_seconds = 3\n', encoding="utf-8")
    assert refused("run", *placed(tmp_path / "data"), "--site", site).splitlines() == [
        "office.toml line 1: people: each needs extension = …",
        "office.toml line 5: queues has no key 'wrapup_seconds'; did you mean 'wrap_up_seconds'?",
    ]
    assert sorted(entry.name for entry in (tmp_path / "data").iterdir()) == ["lock", "log"]


def test_a_site_file_that_is_not_there(tmp_path: Path) -> None:
    words = refused("run", *placed(tmp_path), "--site", tmp_path / "none.toml")
    assert words == f"The site file {tmp_path}/none.toml cannot be read (No such file or directory)."


def test_taken_ports_are_all_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as page, socket.create_server(("127.0.0.1", 0)) as sip:
        ports = sip.getsockname()[1], page.getsockname()[1]
        words = refused(
            "run", "--data", tmp_path, "--bind", "127.0.0.1", "--sip-port", str(ports[0]), "--web-port", str(ports[1])
        )
    assert f"Port {ports[0]} (TCP, for telephones) is taken by" in words
    assert f"Port {ports[1]} (TCP, for the page) is taken by" in words
    assert words.endswith("choose another port with --web-port.")


def test_a_second_run_on_the_same_data(tmp_path: Path) -> None:
    lock = Lock(open_data(tmp_path))
    assert refused("run", *placed(tmp_path)).startswith(f"A box is already running on {tmp_path} (process ")
    lock.release()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sip-port", "70000"], "argument --sip-port: '70000' is not a port from 1 to 65535"),
        (["--bind", "box.local"], "argument --bind: 'box.local' is not an address like 192.168.1.10 or fd00::10"),
        (["--rtp-ports", "2000-1000"], "argument --rtp-ports: '2000-1000' is not a stretch of at least 8 ports"),
        (["--rtp-ports", "65530-65537"], "is not a stretch of at least 8 ports"),
        (["--bind", "127.0.0.1", "--sip-port", "10500"], "--sip-port 10500 lies within --rtp-ports 10000-10999."),
        (["--bind", "127.0.0.1", "--sip-port", "8080"], "--sip-port and --web-port are both 8080; they have to differ."),
        (["--bind", "192.0.2.77"], "192.0.2.77 is not an address of this machine. Choose one of its own with --bind."),
    ],
)  # fmt: skip
def test_options_that_cannot_be(arguments: list[str], words: str, tmp_path: Path) -> None:
    assert words in refused("run", "--data", tmp_path, *arguments)


def test_the_version_is_the_one_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"{VERSION}\n"
    assert f'\nversion = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_bench_names_what_it_can_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "../secrets"]) == 2
    assert "There is no measurement '../secrets'. Usage: ./qendra bench NAME" in capsys.readouterr().out


def test_help_says_what_each_option_is_for() -> None:
    words = qendra("run", "--help").stdout
    for option in (
        "--site FILE",
        "--data DIR",
        "--bind ADDRESS",
        "--sip-port PORT",
        "--tls-port PORT",
        "--web-port PORT",
        "--rtp-ports",
    ):
        assert option in words


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    places = open_run(open_data(tmp_path))
    yield places
    close_run(places)


def test_the_start_text_says_what_a_person_needs(places: Places, tmp_path: Path) -> None:
    places.owner_link.write_text("/welcome/abc\n", encoding="ascii")
    words = run_module._welcome(
        Wishes(tmp_path, sip_port=5070, web_port=8090), "192.168.1.10", places, Hardware(("gsm1", "gsm2"), ("gsm2",))
    )
    rows = dict(line.strip().split("  ", 1) for line in words.strip().splitlines()[2:])
    assert rows["The page"].strip() == "http://192.168.1.10:8090/"
    assert "http://192.168.1.10:8090/welcome/abc" in rows["Owner"]
    assert rows["Telephones"].strip() == "register at 192.168.1.10, port 5070 (UDP, TCP), encrypted 5061 (TLS)"
    assert rows["Lines"].strip() == "gsm1, gsm2 (in software)"
    assert rows["Ring the box"].strip() == f"./qendra virtual-line --data {tmp_path}"
    assert "the local network; choose another address with --bind" in rows["Listening at"]


def test_once_there_is_an_owner_no_link_is_shown(places: Places, tmp_path: Path) -> None:
    words = run_module._welcome(Wishes(tmp_path, bind="127.0.0.1"), "127.0.0.1", places, Hardware())
    assert "Owner" not in words
    assert "127.0.0.1: this machine only\n" in words


def test_what_stands_in_the_owner_link_is_shown_only_if_it_is_one(places: Places, tmp_path: Path) -> None:
    places.owner_link.write_text("http://elsewhere.example/", encoding="ascii")
    assert "elsewhere" not in run_module._welcome(Wishes(tmp_path), "127.0.0.1", places, Hardware())


def test_a_site_is_read_once_and_kept_for_the_runs_that_name_none(places: Places, tmp_path: Path) -> None:
    assert run_module._hardware(None, places) == Hardware(("gsm1",), ("gsm1",))
    assert not places.site.exists(), "the first site is not the firm's own"
    office = tmp_path / "office.toml"
    office.write_text("lines = { a = 'virtual', b = 'sim7600' }", encoding="utf-8")
    assert run_module._hardware(office, places) == Hardware(("a", "b"), ("a",))
    assert places.site.read_bytes() == office.read_bytes()
    assert places.site.stat().st_mode & 0o777 == 0o600
    accepted = json.loads(places.accepted.read_bytes())
    places.accepted.write_text(json.dumps([accepted[0], ["remembered"], []]), encoding="utf-8")
    for chosen in (None, office):
        assert run_module._hardware(chosen, places) == Hardware(("remembered",)), "the same text is not read again"
    office.write_text("lines = { c = 'virtual' }", encoding="utf-8")
    assert run_module._hardware(office, places) == Hardware(("c",), ("c",))
    places.accepted.write_text("torn", encoding="utf-8")
    assert run_module._hardware(None, places) == Hardware(("c",), ("c",))


def test_the_parts_get_the_arguments_they_agreed_on(places: Places, tmp_path: Path) -> None:
    parts = {
        part.name: part
        for part in run_module._parts(
            Wishes(tmp_path, sip_port=5070, web_port=8090, rtp_ports=range(20000, 20100)),
            "192.168.1.10",
            places,
            Hardware(("gsm1",), ("gsm1",)),
        )
    }
    assert list(parts) == ["edge", "desk", "engine", "gsm1-line", "web"]
    edge = list(parts["edge"].arguments)
    engine = list(parts["engine"].arguments)
    for option in ("--engine-port", "--inside-port"):
        assert edge[edge.index(option) + 1] == engine[engine.index(option) + 1]
    assert engine[engine.index("--rtp-ports") + 1] == "20000-20099"
    assert parts["web"].arguments == (
        *("--bind", "192.168.1.10", "--port", "8090", "--run", str(places.run), "--data", str(places.data)),
    )
    assert [name for name, _ in sorted(parts.items(), key=lambda item: item[1].ends)] == [
        "web", "engine", "edge", "desk", "gsm1-line",
    ]  # fmt: skip
