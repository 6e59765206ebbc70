"""What a process and all it has started take, as the kernel counts it (proc(5))."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _CHILDREN_SYSTEM = 1, 11, 14
"""Fields of /proc/PID/stat, counted from the one behind the name in brackets."""


def tree(pid: int) -> list[int]:
    """The process and every living descendant."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children[int(fields[_PARENT])].append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children[one]
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time of the tree so far, with that of descendants who have ended and were waited for."""
    spent = (fields[_USER : _CHILDREN_SYSTEM + 1] for one in tree(pid) if (fields := _stat(one)))
    return sum(int(ticks) for four in spent for ticks in four) / _TICKS


def pss_mb(pid: int) -> float:
    """Memory of the tree in MB (10^6): what is its own, and of what is shared its part (proportional set size)."""
    return sum(map(_pss, tree(pid))) / 1e6


class Stopwatch:
    """Processor time of a tree from now on, in percent of one core."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._spent, self._since = cpu_seconds(pid), time.monotonic()

    def percent(self) -> float:
        """What it took on average until now."""
        return 100 * (cpu_seconds(self._pid) - self._spent) / (time.monotonic() - self._since)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended
        return []


def _pss(pid: int) -> int:
    try:
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(1024 * int(row.split()[1]) for row in rows if row.startswith("Pss:"))
