"""Strangers flood the front door; the telephones of the house notice nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.calls.edge import Bans, Refused
from tests.bench.tools.flood import endured
from tests.bench.tools.knocking import User
from tests.edge.house import accounts
from tests.edge.running import LOOPBACK, Running

PEOPLE = tuple(str(number) for number in range(101, 131))
ASKED = 5000
MACHINE = 1000
"""Strangers a second that the slowest machine sends; how many it really were is printed."""


@pytest.mark.journey
def test_a_flood_of_strangers_costs_the_house_no_call(tmp_path: Path) -> None:
    edge = Running(tmp_path, PEOPLE)
    edge.start()
    try:
        users = [User(str(each.extension), each.md5) for each in accounts(PEOPLE).accounts]
        found = endured(users, edge.sip, edge.engine, per_second=ASKED, seconds=4.0)
        print(
            f"{found.strangers_per_second:.0f} strangers a second, {found.calls} calls, {found.again} messages said again"
        )
        assert edge.desk is not None
        told = edge.desk.wait_for(Refused, refusal="flood")
        bans = [ban for said in edge.desk.heard if isinstance(said, Bans) for ban in said.bans]
    finally:
        edge.stop()
    assert found.strangers_per_second > MACHINE, found
    assert found.failed == 0, found
    assert found.calls, "a machine that does nothing else makes 120 in these seconds"
    assert told
    assert not [each for each in bans if each.source == LOOPBACK], "where the telephones live"
    log = edge.log.read_text()
    assert "internal_errors=0" in log
    assert "Traceback" not in log
