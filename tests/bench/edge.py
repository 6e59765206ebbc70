"""`./qendra bench edge [--quick]`: the front door alone, against Kamailio from Debian with the same users, in one run.

Each front door has the first core, the telephones have the last; "a second" means a second of that core. The last line printed is one JSON object;
progress and whatever failed go to standard error.

register_ratio        authenticated registrations a second (REGISTER, 401, REGISTER, 200), ours to Kamailio's
legs_ratio            call legs a second (INVITE, 407, ACK, INVITE, 180, 200, ACK, BYE, 200), ours to Kamailio's
added_ms_p50, _p99    what a message of a call takes longer through our front door than straight, in ms
kb_per_registration   memory per registered telephone, in kB (10^3)
restart_s             from the start, after kill -9 with 5,000 telephones registered, to the first call that is taken
flood_failed_calls    registrations and calls of the house's telephones that failed while strangers sent flood_per_s
                      datagrams a second, of 5,000 wanted: mostly REGISTER, from two hundred addresses

Beside them, what the ratios are made of: register_per_s, legs_per_s, and kamailio_ before each; cpu_pct_5000, the part
of one core it takes to keep 5,000 telephones registered that ask for 120 s and come back after 60.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.calls.edge import Accounts
from tests.bench.tools.flood import endured
from tests.bench.tools.kamailio import NoPeer, kamailio
from tests.bench.tools.knocking import Knockers, Tally, User
from tests.bench.tools.scales import Stopwatch, cpu_seconds, pss_mb, tree
from tests.edge.house import accounts
from tests.edge.running import Running, free_port

TELEPHONES = 500
MANY = 5000
REFRESH = 60.0
"""Seconds after which a telephone that asked for 120 registers again."""
FIRM = 30
STRANGERS = 5000
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How thorough to be."""

    seconds: float
    """Each rate is measured for so long."""
    rounds: int
    """So often in turn, ours and Kamailio's; the best of each counts: what else goes on here only makes slower."""
    calls: int
    """Calls whose messages are timed."""


FULL = Effort(seconds=5.0, rounds=3, calls=2000)
QUICK = Effort(seconds=1.0, rounds=1, calls=300)


class Unwell(Exception):
    """There is nothing to measure; says why."""


@dataclass(slots=True)
class Rates:
    """Per second of a whole core: a core that others use as well is counted for so much as one got of it."""

    registrations: float = 0.0
    legs: float = 0.0

    def better(self, registrations: float, legs: float) -> None:
        """Keep the best."""
        self.registrations = max(self.registrations, registrations)
        self.legs = max(self.legs, legs)


def main(arguments: list[str]) -> int:
    """Measure and print; 1 when there was nothing to measure."""
    parser = argparse.ArgumentParser(prog="./qendra bench edge", description="Load the front door and measure it.")
    parser.add_argument("--quick", action="store_true", help="half a minute instead of two")
    effort = QUICK if parser.parse_args(arguments).quick else FULL
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = {
                **_rates(Path(folder), effort, cores[0]),
                **_many(Path(folder) / "many", cores[0]),
                **_flooded(Path(folder) / "flood", effort, cores[0]),
            }
    except (Unwell, NoPeer) as error:
        say(str(error))
        return 1
    print(json.dumps(figures))
    return 0


def say(words: str) -> None:
    """Tell the person who waits."""
    print(words, file=sys.stderr, flush=True)


# ---- how fast, beside Kamailio


def _rates(folder: Path, effort: Effort, core: int) -> dict[str, float]:
    people = accounts(str(1000 + number) for number in range(TELEPHONES))
    ours, theirs, engine = Rates(), Rates(), free_port()
    hashes = {str(each.extension): each.md5 for each in people.accounts}
    with _edge(folder / "edge", people, core) as edge:
        with kamailio(folder / "kamailio", people.realm, hashes, engine) as (pid, port):
            _pin(pid, core)
            for number in range(effort.rounds):
                say(f"registrations and calls, round {number + 1} of {effort.rounds}")
                theirs.better(*_fast(people, pid, port, engine, effort.seconds))
                ours.better(*_fast(people, _pid(edge), edge.sip, edge.engine, effort.seconds))
        say(f"the messages of {effort.calls} calls, one by one")
        added = _added(people, edge, effort.calls)
    return {
        "register_ratio": round(ours.registrations / theirs.registrations, 2),
        "legs_ratio": round(ours.legs / theirs.legs, 2),
        "added_ms_p50": _ranked(added, 50),
        "added_ms_p99": _ranked(added, 99),
        "register_per_s": round(ours.registrations),
        "kamailio_register_per_s": round(theirs.registrations),
        "legs_per_s": round(ours.legs),
        "kamailio_legs_per_s": round(theirs.legs),
    }


def _fast(people: Accounts, pid: int, port: int, engine: int, seconds: float) -> tuple[float, float]:
    with _knockers(people, port, engine) as phones:
        phones.register(seconds / 5)
        return _a_second(pid, lambda: phones.register(seconds)), _a_second(pid, lambda: phones.call(seconds))


def _a_second(pid: int, knock: Callable[[], Tally]) -> float:
    """How much is done in a second of the front door's processor time."""
    before = cpu_seconds(pid)
    tally = knock()
    if not tally.done or tally.wrong:
        raise Unwell(f"{tally.wrong} answers were wrong, {tally.done} right")
    return tally.done / (cpu_seconds(pid) - before)


def _added(people: Accounts, edge: Running, calls: int) -> list[float]:
    """Seconds each message took longer than the same bytes straight from socket to socket, the median of those."""
    with _knockers(people, edge.sip, edge.engine, busy=1) as phones:
        _first_call(phones)
        phones.times = []
        phones.call(60.0, most=calls)
        straight = sorted(phones.straight(calls))[calls // 2]
        return [seconds - straight for seconds in phones.times]


def _ranked(seconds: list[float], percent: int) -> float:
    """Nearest-rank percentile in ms."""
    ranked = sorted(seconds)
    return round(1000 * ranked[-(-percent * len(ranked) // 100) - 1], 3)


# ---- how many


def _many(folder: Path, core: int) -> dict[str, float]:
    people = accounts(str(10_000 + number) for number in range(MANY))
    with _edge(folder, people, core) as edge:
        edge.stop()  # the first start of a box makes its certificate, which takes memory of its own
        edge.start()
        _pin(_pid(edge), core)
        with _knockers(people, edge.sip) as phones:
            say(f"{MANY} telephones register")
            before = _memory(edge)
            if phones.register(PATIENCE, most=MANY).done < MANY:
                raise Unwell("not all telephones could register")
            after = _memory(edge)
            say("they stay registered")
            load = Stopwatch(_pid(edge))
            kept = phones.register(5.0, rate=MANY / REFRESH)
            cpu = load.percent()
        if kept.wrong:
            raise Unwell(f"{kept.wrong} telephones were not let in again")
        restart = _restart(edge, people, core)
    return {
        "kb_per_registration": round(1000 * (after - before) / MANY, 2),
        "restart_s": round(restart, 3),
        "cpu_pct_5000": round(cpu, 1),
    }


def _restart(edge: Running, people: Accounts, core: int) -> float:
    say("killed, and started again")
    time.sleep(2.5)  # all are on disk
    edge.stop(kill=True)
    with _knockers(people, edge.sip, edge.engine, busy=1) as phones:
        began = time.monotonic()
        edge.launch()
        _pin(_pid(edge), core)
        phones.patience = 0.01
        _first_call(phones)
        took = time.monotonic() - began
    if (remembered := edge.remembered()) != MANY:
        raise Unwell(f"only {remembered} of {MANY} telephones were remembered")
    return took


def _first_call(phones: Knockers) -> None:
    """Call until one is taken: the front door has to be there, and to have seen that somebody is behind it."""
    end = time.monotonic() + PATIENCE
    while not phones.call(PATIENCE, most=1).done:
        if time.monotonic() > end:
            raise Unwell("no call is taken")


# ---- under a flood


def _flooded(folder: Path, effort: Effort, core: int) -> dict[str, float]:
    people = accounts(str(101 + number) for number in range(FIRM))
    say(f"strangers come, {STRANGERS} a second; {FIRM} telephones register and call")
    with _edge(folder, people, core) as edge:
        users = [User(str(each.extension), each.md5) for each in people.accounts]
        found = endured(users, edge.sip, edge.engine, per_second=STRANGERS, seconds=2 * effort.seconds)
    if not found.calls:
        raise Unwell("no call was made under the flood")
    return {
        "flood_failed_calls": found.failed,
        "flood_calls": found.calls,
        "flood_per_s": round(found.strangers_per_second),
    }


# ---- what is measured


@contextlib.contextmanager
def _edge(folder: Path, people: Accounts, core: int) -> Iterator[Running]:
    edge = Running(folder, [str(each.extension) for each in people.accounts])
    edge.start()
    try:
        _pin(_pid(edge), core)
        yield edge
    finally:
        edge.stop()


@contextlib.contextmanager
def _knockers(people: Accounts, port: int, engine: int = 0, *, busy: int = 48) -> Iterator[Knockers]:
    users = [User(str(each.extension), each.md5) for each in people.accounts]
    phones = Knockers(users, port, people.realm, engine=engine, busy=busy)
    try:
        yield phones
    finally:
        phones.close()


def _pid(edge: Running) -> int:
    assert edge.process is not None
    return edge.process.pid


def _memory(edge: Running) -> float:
    return pss_mb(_pid(edge))


def _pin(pid: int, core: int) -> None:
    for each in tree(pid):
        os.sched_setaffinity(each, {core})


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
