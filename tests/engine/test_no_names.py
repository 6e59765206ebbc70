"""No name look-up stands in the way of a call: with a DNS that never answers, calls are as quick as ever."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls import commands, events
from appliance.calls.engine import CallTrunk, TrunkAccount, TrunkAccounts
from appliance.calls.names import Cause, LineId
from tests.engine.bench import Bench, bench

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a process a DNS of its own")

LINE = LineId("alo")
QUICK = 2.0
"""Seconds; a name that is asked for takes five at least."""


@pytest.fixture(scope="module")
def silent_dns() -> Iterator[socket.socket]:
    """Hears every question, and answers none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dns:
        dns.bind(("127.0.0.66", 53))
        dns.setblocking(False)
        yield dns


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory, silent_dns: socket.socket) -> Iterator[Bench]:
    """An engine on a machine whose only name server is that one, and whose own name is in no file."""
    folder = tmp_path_factory.mktemp("box")
    (folder / "resolv.conf").write_text(f"nameserver {silent_dns.getsockname()[0]}\n")
    (folder / "nsswitch.conf").write_text("hosts: dns\n")
    (folder / "hosts").write_text("")
    files = " && ".join(
        f"mount --bind {folder / name} $(readlink -f /etc/{name})" for name in ("resolv.conf", "nsswitch.conf", "hosts")
    )
    within = ("unshare", "-m", "sh", "-c", f'{files} && exec "$@"', "sh")
    with bench(folder, bind="0.0.0.0", within=within) as place:
        yield place


def questions(dns: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(dns.recv(512))
        except BlockingIOError:
            return found


def test_the_names_of_this_test_are_looked_up_where_it_listens(offline: Bench, silent_dns: socket.socket) -> None:
    """Else it could not fail."""
    pid = Path(f"/proc/{offline.process.pid}/root/etc/resolv.conf").read_text()
    assert silent_dns.getsockname()[0] in pid
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.sendto(b"?", silent_dns.getsockname())
    assert questions(silent_dns) == [b"?"]


def test_calls_need_no_names(offline: Bench, silent_dns: socket.socket) -> None:
    box = offline
    box.begin()
    began = time.monotonic()
    _, leg = box.call_in_answered()
    _, other = box.call_out_answered()
    account = TrunkAccount(LINE, "sip.provider.example", user="7", contact="sip:7@box.example:5060")
    third = box.new_leg()
    box.desk.tell(TrunkAccounts((account,)), CallTrunk(third, LINE, "+355672000001"))
    provider = box.edge.next_invite()
    provider.answer()
    box.answered(third)
    box.desk.tell(commands.Bridge(leg, other))
    assert time.monotonic() - began < QUICK
    assert questions(silent_dns) == []
    box.clear()


def test_a_name_for_an_address_in_an_answer_holds_nothing_up(offline: Bench, silent_dns: socket.socket) -> None:
    """A telephone's, by fault or on purpose: its call ends, and nobody else's waits."""
    box = offline
    box.begin()
    phone, leg = box.call_out()
    phone.connection = "sound.example.org"
    began = time.monotonic()
    phone.answer()
    _, other = box.call_in_answered()
    assert time.monotonic() - began < QUICK
    box.desk.tell(commands.Hangup(leg))
    assert box.ended(leg).cause in {Cause.NORMAL, Cause.FAULT, Cause.REFUSED}
    assert box.desk.count(events.LegEnded, lambda event: event.leg == other) == 0
    assert questions(silent_dns) == []
    box.clear()
