from __future__ import annotations

import os
from pathlib import Path

from appliance.supervisor.logs import LIMIT, keep_small


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "edge.log"
    log.write_text("a line\n", encoding="ascii")
    keep_small(log)
    assert log.read_text(encoding="ascii") == "a line\n"
    assert not (tmp_path / "edge.log.1").exists()


def test_a_long_log_becomes_the_older_one_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "edge.log"
    writer = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(writer, b"first\n" + b"x" * LIMIT + b"\nlast\n")
    keep_small(log)
    os.write(writer, b"after\n")
    os.close(writer)
    assert log.read_bytes() == b"after\n"
    older = tmp_path / "edge.log.1"
    assert older.stat().st_size == LIMIT
    assert older.read_bytes().endswith(b"\nlast\n")
    assert older.stat().st_mode & 0o777 == 0o600


def test_a_log_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    keep_small(tmp_path / "none.log")
