"""Tools are run, followed, and their failures explained."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest

from appliance.setup.errors import ToolFailed, explain
from appliance.setup.job import TAIL, Job, tool_environment


def test_output_goes_to_the_log_and_phases_to_the_person() -> None:
    log, phases = io.StringIO(), list[str]()
    job = Job(log, phases.append)
    job.call(["sh", "-c", "echo quiet; echo == compiling; echo loud >&2"])
    assert phases == ["compiling"]
    assert {"quiet", "== compiling", "loud"} <= set(log.getvalue().splitlines())


def test_long_work_shows_that_it_goes_on() -> None:
    phases = list[str]()
    Job(io.StringIO(), phases.append).call(["sh", "-c", "echo == compiling; sleep 1.1; echo one more file"])
    assert phases == ["compiling", "compiling, 1 s"]


def test_a_failure_carries_the_end_of_the_output() -> None:
    with pytest.raises(ToolFailed, match="sh ended with status 3") as failure:
        Job(io.StringIO()).call(["sh", "-c", "for i in $(seq 1000); do echo line $i; done; exit 3"])
    lines = failure.value.output.splitlines()
    assert lines[-1] == "line 1000"
    assert TAIL <= len(lines) < 1000


def test_a_failure_we_know_is_told_in_plain_words() -> None:
    with pytest.raises(ToolFailed, match=r"The disk is full\."):
        Job(io.StringIO()).call(["sh", "-c", "echo 'cp: error writing: No space left on device'; exit 1"])


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("E: Temporary failure resolving 'mirror.example'", "no network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one we know"),
        ("npm error code EINTEGRITY", "not the one we know"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1", "Another program"),
        ("E: Unable to locate package sip-tester", "Debian 12 or 13"),
        ("E: dpkg was interrupted, you must manually run 'dpkg --configure -a'", "cut short"),
        ("npm error code ECONNREFUSED", "do not answer"),
        ("SSL: CERTIFICATE_VERIFY_FAILED", "not trusted"),
        ("mkdir: cannot create directory: Permission denied", "may not write"),
    ],
)
def test_what_tools_say_and_what_it_means(said: str, meant: str) -> None:
    assert meant in (explain(said) or "")


def test_what_nobody_knows_is_not_explained() -> None:
    assert explain("error 0x80004005") is None


def test_tools_do_not_see_what_would_lead_them_astray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.delenv("HOME", raising=False)
    env = tool_environment()
    assert "PYTHONPATH" not in env
    assert "PIP_TARGET" not in env
    assert os.path.isabs(env["HOME"])  # noqa: PTH117 - a variable's text, not a file of ours


def test_an_interrupted_set_up_ends_its_tool_and_what_that_started() -> None:
    class Stop(Exception):
        pass

    def stop(_: str) -> None:
        raise Stop

    log = io.StringIO()
    with pytest.raises(Stop):  # would take a minute if the tool were waited for
        Job(log, stop).call(["sh", "-c", "sleep 60 & echo $!; echo == waiting; wait"])
    started = int(log.getvalue().splitlines()[1])
    deadline = time.monotonic() + 5
    while is_alive(started):
        assert time.monotonic() < deadline, "the tool's own child goes on"
        time.sleep(0.01)


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not collected yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
