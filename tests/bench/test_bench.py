"""The measurement works: on a real box, in its quick form, and all thirty calls are good. What the figures are is not a
test's business; they are compared with another PBX's, by ../shared/rig.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.journey
def test_thirty_recorded_calls_at_once_are_measured_and_none_fails() -> None:
    ended = subprocess.run(
        [sys.executable, "-I", "-m", "appliance.supervisor.cli", "bench", "calls", "--quick"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout)
    assert list(figures) == [
        "calls",
        "failed",
        "cpu_pct",
        "pss_mb",
        "invite_180_p95_ms",
        "invite_200_p95_ms",
        "cps",
    ]
    assert (figures["calls"], figures["failed"]) == (30, 0), ended.stderr
    assert all(figure > 0 for name, figure in figures.items() if name != "failed"), figures
