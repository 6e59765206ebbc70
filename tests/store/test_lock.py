from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.store.lock import FolderInUse, FolderLock
from appliance.store.trouble import StoreTrouble

HOLD = """
import sys, time
from pathlib import Path
from appliance.store.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_owner_is_told_who_has_it(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "data"):
        with pytest.raises(FolderInUse, match=f"in use by process {os.getpid()}:") as told:
            FolderLock(tmp_path / "data")
        assert told.value.pid == os.getpid()
    FolderLock(tmp_path / "data").close()


def test_a_killed_owner_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE)
    assert holder.stdout
    with holder.stdout:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(FolderInUse) as told:
            FolderLock(tmp_path)
        assert told.value.pid == holder.pid
        holder.kill()
        holder.wait()
    FolderLock(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreTrouble, match="cannot hold the data"):
        FolderLock(tmp_path / "file" / "data")
