"""The measurement works: on a real box, in its quick form, and all thirty calls are good. What the figures are is not a
test's business; they are compared with another PBX's, by ../shared/rig.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def measured(name: str) -> tuple[dict[str, float], str]:
    """The figures of a quick run, and what it said meanwhile."""
    ended = subprocess.run(
        [sys.executable, "-I", "-m", "appliance.supervisor.cli", "bench", name, "--quick"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout), ended.stderr


@pytest.mark.journey
def test_thirty_recorded_calls_at_once_are_measured_and_none_fails() -> None:
    figures, said = measured("calls")
    assert list(figures) == [
        "calls",
        "failed",
        "cpu_pct",
        "pss_mb",
        "invite_180_p95_ms",
        "invite_200_p95_ms",
        "cps",
    ]
    assert (figures["calls"], figures["failed"]) == (30, 0), said
    assert all(figure > 0 for name, figure in figures.items() if name != "failed"), figures


@pytest.mark.journey
def test_the_front_door_is_measured_beside_kamailio() -> None:
    figures, _ = measured("edge")
    assert set(figures) >= {
        "register_ratio",
        "legs_ratio",
        "added_ms_p50",
        "added_ms_p99",
        "kb_per_registration",
        "restart_s",
        "flood_failed_calls",
    }
    assert figures.pop("flood_failed_calls") == 0
    assert all(figure > 0 for figure in figures.values()), figures
