from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.store.full_disk import SCENARIOS

NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in SCENARIOS])
def test_a_full_disk(scenario: str) -> None:
    command = [*NAMESPACE, sys.executable, "-W", "error", "-m", "tests.store.full_disk", scenario]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
