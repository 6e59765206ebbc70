"""The sieve in this very kernel: who comes in, who does not, and how many of the strangers do."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from appliance.edge.sieve import ENOUGH, FLOOD, MOST, Sieve, Strangers, lost_at, put_in, take_out


@contextlib.contextmanager
def port(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((host, 0))
        made.setblocking(False)
        yield made


def came(door: socket.socket, host: str, count: int = 1) -> int:
    """How many of so many datagrams from there come in."""
    heard = 0
    with port(host) as phone:
        for _ in range(count):
            phone.sendto(b"x" * 400, door.getsockname()[:2])
            with contextlib.suppress(BlockingIOError):
                assert len(door.recv(2000)) == 400
                heard += 1
    return heard


def test_who_is_known_comes_in_and_who_is_silenced_does_not() -> None:
    with port() as door:
        put_in(door, Sieve(0.0, ("127.0.0.7", "127.1.2.0/24", "::1", "nonsense"), ("127.0.0.66", "127.1.2.3")))
        heard = {
            host
            for host in ("127.0.0.1", "127.0.0.7", "127.0.0.66", "127.1.2.9", "127.1.2.3", "127.1.3.9")
            if came(door, host)
        }
        assert heard == {"127.0.0.7", "127.1.2.9"}
        take_out(door)
        assert came(door, "127.0.0.66")


def test_the_same_for_ipv6() -> None:
    with port("::1") as door:
        for known, comes in (
            ("::1", True),
            ("::/64", True),
            ("::2", False),
            ("2001:db8::/64", False),
            ("127.0.0.1", False),
        ):
            put_in(door, Sieve(0.0, (known,)))
            assert came(door, "::1") == comes, known


def test_of_strangers_a_part_comes_in() -> None:
    with port() as door:
        put_in(door, Sieve(0.25, ()))
        assert 150 < came(door, "127.0.0.9", 1000) < 350
        put_in(door, Sieve(1.0, ()))
        assert came(door, "127.0.0.9", 100) == 100


def test_many_telephones_are_known_with_their_neighbours() -> None:
    known = tuple(f"10.{each // 250}.{each % 250}.7" for each in range(MOST - 1))
    many = tuple(f"127.9.{each // 250}.{each % 250}" for each in range(4 * MOST))
    with port() as door:
        put_in(door, Sieve(0.0, (*known, "127.0.0.7")))
        assert (came(door, "127.0.0.7"), came(door, "127.0.0.8")) == (1, 0)
        put_in(door, Sieve(0.0, many))
        assert (came(door, "127.9.0.7"), came(door, "127.9.3.99"), came(door, "127.8.0.7")) == (1, 1, 0)


def test_what_is_lost_for_want_of_time_is_counted() -> None:
    with port() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with port() as phone:
            for _ in range(100):
                phone.sendto(bytes(400), door.getsockname())
        assert lost_at(door) > 50


# ---- how many strangers


def a_second(strangers: Strangers, heard: int, lost: int, now: float) -> float:
    for _ in range(heard):
        strangers.came()
    return strangers.turn(lost, now)


def test_the_sieve_is_put_in_for_a_flood_and_taken_out_after_it() -> None:
    strangers = Strangers()
    assert a_second(strangers, 900, 0, 1.0) == 1.0
    share = a_second(strangers, 5000, 0, 2.0)
    assert share == pytest.approx(ENOUGH / 5000)
    assert a_second(strangers, round(5000 * share), 0, 3.0) == pytest.approx(share, rel=0.05), "it goes on"
    assert a_second(strangers, round(900 * share), 0, 4.0) == 1.0


def test_what_was_lost_counts_as_well() -> None:
    strangers = Strangers()
    assert a_second(strangers, 300, 4700, 1.0) < ENOUGH / 4000
    assert a_second(strangers, 20, 4700, 2.0) == 1.0, "lost before, not again"
    assert a_second(Strangers(), 0, 9000, 1.0) == 1.0, "of telephones that register all at once"
    assert FLOOD > 900
