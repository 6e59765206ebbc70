"""`./qendra doctor`: in plain words, what is missing or wrong on this machine. Green, yellow, red; exit status 1 for red."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import TextIO

from appliance.supervisor import VERSION
from appliance.supervisor.examinations import Machine, examine
from appliance.supervisor.findings import Finding, State, worst
from appliance.supervisor.run import Wishes

MARKS = {State.GOOD: "ok ", State.ODD: " ? ", State.BAD: "BAD"}
COLOURS = {State.GOOD: "\33[32m", State.ODD: "\33[33m", State.BAD: "\33[31m"}
PLAIN = "\33[0m"


def main(wishes: Wishes, *, as_json: bool, out: TextIO | None = None, machine: Machine | None = None) -> int:
    """Examine, tell, and return the exit status: 1 when something is bad."""
    out = out or sys.stdout
    if as_json:
        findings = list(examine(wishes, machine))
        told = {
            "version": VERSION,
            "ok": worst(findings) is not State.BAD,
            "findings": [asdict(finding) for finding in findings],
        }
        out.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        findings = _tell(examine(wishes, machine), out)
    return 1 if worst(findings) is State.BAD else 0


def _tell(findings: Iterable[Finding], out: TextIO) -> list[Finding]:
    """A line for each as soon as it is known, and the sum."""
    told = []
    for finding in findings:
        mark = MARKS[finding.state]
        if out.isatty():
            mark = f"{COLOURS[finding.state]}{mark}{PLAIN}"
        indented = finding.words.replace("\n", "\n" + 23 * " ")
        out.write(f"  {mark}  {finding.what:<15} {indented}\n")
        out.flush()
        told.append(finding)
    bad = sum(finding.state is State.BAD for finding in told)
    odd = sum(finding.state is State.ODD for finding in told)
    out.write(f"\n{_sum(bad, odd)}\n")
    return told


def _sum(bad: int, odd: int) -> str:
    match bad, odd:
        case 0, 0:
            return "All is well."
        case 0, _:
            return f"The box can run. Worth a look: {odd}."
        case _, 0:
            return f"To be put right: {bad}."
    return f"To be put right: {bad}. Worth a look: {odd}."
