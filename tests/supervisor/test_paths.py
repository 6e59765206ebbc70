from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.supervisor.paths import (
    LONGEST_SOCKET_NAME,
    Lock,
    Trouble,
    close_run,
    existing_run,
    open_data,
    open_run,
    standard_data,
)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name leaves room for a socket's; pytest's do not."""
    folder = Path(tempfile.mkdtemp(prefix="q-"))
    yield folder
    shutil.rmtree(folder)


def test_data_and_run_are_for_their_owner_alone(short: Path) -> None:
    places = open_run(open_data(short / "deep" / "data"))
    for folder in (places.data, places.log, places.run, places.run / "lines"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert places.run == places.data / "run"


def test_a_long_path_gets_a_short_run_folder_and_a_link_to_it(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = short / "rt"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    data = short / ("d" * 40) / ("e" * 40)
    for _ in range(2):  # the second run finds the first one's link, and its sockets if it was killed
        places = open_run(open_data(data))
        assert places.run.parent == runtime
        assert (data / "run").readlink() == places.run
        assert existing_run(data).run == places.run.resolve()
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(places.run / LONGEST_SOCKET_NAME))
    close_run(existing_run(data))
    assert list(runtime.iterdir()) == []
    assert not (data / "run").is_symlink()


def test_without_a_runtime_folder_the_short_one_is_in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    data = open_data(tmp_path / ("d" * 80))
    places = open_run(data)
    try:
        assert places.run.parent == Path("/tmp")
        assert places.run.stat().st_mode & 0o777 == 0o700
    finally:
        close_run(places)
    assert not places.run.exists()


def test_a_short_folder_that_is_somebody_elses_is_refused(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short / "rt"))
    (short / "rt").mkdir()
    data = open_data(short / ("d" * 80))
    places = open_run(data)
    close_run(places)
    (short / "trap").mkdir()
    places.run.symlink_to(short / "trap")
    with pytest.raises(Trouble, match="belongs to somebody else"):
        open_run(data)


def test_what_an_earlier_run_left_in_the_run_folder_goes(tmp_path: Path) -> None:
    places = open_run(open_data(tmp_path))
    (places.run / "owner-link").write_text("/welcome/x", encoding="ascii")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.bind(str(places.run / "lines" / "gsm1.sock"))
    open_run(open_data(tmp_path))
    assert [entry.name for entry in places.run.rglob("*")] == ["lines"]


@pytest.mark.parametrize("inside", ["", "/deeper"])
def test_a_file_where_the_data_folder_should_be(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_text("x", encoding="ascii")
    with pytest.raises(Trouble, match=r"/file.* is a file"):
        open_data(Path(f"{tmp_path}/file{inside}"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_folder_that_cannot_be_written() -> None:
    with pytest.raises(Trouble, match=r"The data folder /proc/\d+/data cannot be written .* --data"):
        open_data(Path("/proc/self/data"))


def test_a_second_run_on_the_same_data_is_refused_with_the_firsts_pid(tmp_path: Path) -> None:
    places = open_data(tmp_path)
    lock = Lock(places)
    with pytest.raises(Trouble, match=rf"already running on {tmp_path} \(process {os.getpid()}\)"):
        Lock(places)
    lock.release()
    Lock(places).release()


def test_a_longer_pid_of_the_run_before_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("4194303\n", encoding="ascii")
    lock = Lock(open_data(tmp_path))
    assert (tmp_path / "lock").read_text(encoding="ascii").split() == [str(os.getpid())]
    lock.release()


def test_a_disk_too_full_for_the_lock_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(Trouble, match=r"cannot be written \(No space left on device\)\. Make room there, or .* --data"):
        Lock(open_data(tmp_path))


def test_where_data_usually_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert standard_data() == Path("/var/lib/qendra")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/some/state")
    assert standard_data() == Path("/some/state/qendra")
    monkeypatch.setenv("XDG_STATE_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", "/home/ana")
    assert standard_data("qendra-demo") == Path("/home/ana/.local/state/qendra-demo")
