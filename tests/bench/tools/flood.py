"""A flood of strangers at the front door, and what it does to the telephones of the house meanwhile.

`Flood` is a process of its own (`python -m tests.bench.tools.flood PORT PER_SECOND`): REGISTER, INVITE, OPTIONS, made-up proofs and
garbage from two hundred addresses of loopback, a third of it from one of them, some from the telephones' own address, and
a guesser who answers its challenges with wrong passwords. `endured` lets telephones register and call through it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Self

from tests.bench.tools.knocking import Knockers, User, proof

HOUSE = Path(__file__).parents[3]
REALM = b"qendra"
ADDRESSES = 200
TURN = 0.004
"""Seconds between two handfuls."""
BEHIND = 0.1
"""Seconds' worth of datagrams sent at once, at most, after the machine has looked elsewhere."""
TIMER_B = 32.0
"""Seconds after which a telephone gives up on a call (RFC 3261)."""


@dataclass(frozen=True, slots=True)
class Endured:
    """What came of it."""

    strangers_per_second: float
    """Datagrams really sent."""
    registered: int
    calls: int
    failed: int
    """Registrations and calls that got a wrong answer, or none in the time a telephone waits."""
    again: int
    """Messages that had to be sent twice."""


class Flood:
    """Strangers at a port of loopback, from `with` to its end."""

    def __init__(self, port: int, per_second: int = 5000) -> None:
        self._command = [sys.executable, "-m", "tests.bench.tools.flood", str(port), str(per_second)]
        self._process: subprocess.Popen[bytes] | None = None
        self.per_second = 0.0
        """How many a second were really sent; known at the end."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._process.stdout.readline()  # it has begun
        return self

    def __exit__(self, *why: object) -> None:
        assert self._process is not None
        sent, seconds = self._process.communicate(timeout=30)[0].split()  # the end of its input is its sign to stop
        self.per_second = int(sent) / float(seconds)


def endured(
    users: Sequence[User], port: int, engine: int, *, per_second: int = 5000, seconds: float = 10.0, pace: float = 0.1
) -> Endured:
    """Three registrations and three calls every `pace` seconds, for so long, while the strangers come.

    `engine`: the port the front door passes calls on to; they are answered there.
    """
    phones = Knockers(users, port, REALM.decode(), engine=engine, busy=3)
    calls = registered = failed = again = 0
    try:
        if phones.register(TIMER_B, most=len(users)).done < len(users):
            raise RuntimeError("not all telephones could register before the flood")
        with Flood(port, per_second) as flood:
            end = time.monotonic() + seconds
            while (began := time.monotonic()) < end:
                kept = phones.register(TIMER_B, most=3)
                called = phones.call(TIMER_B, most=3)
                registered, calls = registered + kept.done, calls + called.done
                failed += 6 - kept.done - called.done
                again += kept.again + called.again
                time.sleep(max(0.0, began + pace - time.monotonic()))
    finally:
        phones.close()
    return Endured(flood.per_second, registered, calls, failed, again)


# ---- the strangers


def datagrams(dice: Random) -> list[bytes]:
    """What they say."""

    def request(method: str, more: str) -> bytes:
        mark, who = f"{dice.getrandbits(48):x}", dice.choice(["100", "101", "1000", "admin", "555", "102"])
        return (
            f"{method} sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{mark};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{who}@127.0.0.1>;tag={mark}\r\nTo: <sip:{who}@127.0.0.1>\r\nCall-ID: {mark}\r\n"
            f"CSeq: 1 {method}\r\nContact: <sip:{who}@127.0.0.1:5060>\r\nUser-Agent: Phone\r\n{more}Content-Length: 0\r\n\r\n"
        ).encode()

    made_up = (
        'Authorization: Digest username="101", realm="qendra", nonce="AAAAAAAAAAAAAAAAAAAA", uri="sip:127.0.0.1", '
        'response="00000000000000000000000000000000", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"\r\n'
    )
    said = [request("REGISTER", "Expires: 3600\r\n") for _ in range(60)]
    said += [request("REGISTER", made_up) for _ in range(20)]
    said += [request("INVITE", "") for _ in range(10)] + [request("OPTIONS", "") for _ in range(5)]
    said += [request("REGISTER", "User-Agent: friendly-scanner\r\n") for _ in range(5)]
    said += [dice.randbytes(300) for _ in range(5)] + [
        request("NOTIFY", "").replace(b"\r\n\r\n", b"\r\n") for _ in range(5)
    ]
    dice.shuffle(said)
    return said


class Guesser:
    """One who answers its challenges."""

    def __init__(self, port: int) -> None:
        self._socket = _socket("127.0.1.250")
        self._socket.connect(("127.0.0.1", port))
        self._user = User("101", "0" * 32)
        self._number = 0

    def turn(self) -> None:
        """Answer what came, and ask anew."""
        with contextlib.suppress(OSError):
            while select.select([self._socket], [], [], 0)[0]:
                data = self._socket.recv(65535)
                if data[8:11] == b"401":
                    self._say(proof(self._user, data, b"REGISTER", b"sip:127.0.0.1", REALM, b"Authorization"))
            self._say(b"")

    def _say(self, more: bytes) -> None:
        self._number += 1
        self._socket.send(
            b"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.1.250;branch=z9hG4bK%d;rport\r\nFrom: <sip:101@x>;tag=1\r\n"
            b"To: <sip:101@x>\r\nCall-ID: guess\r\nCSeq: %d REGISTER\r\nContact: <sip:101@127.0.1.250>\r\n%b\r\n"
            % (self._number, self._number, more)
        )


def _socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.setblocking(False)
    return made


def _sources() -> Iterator[socket.socket]:
    """Two hundred strangers in turn; every third datagram is from one of them, every fortieth from the telephones' address."""
    many = [_socket(f"127.0.1.{number + 1}") for number in range(ADDRESSES)]
    one, near = _socket("127.0.2.1"), _socket("127.0.0.1")
    for number, other in enumerate(cycle(many)):
        yield near if number % 40 == 0 else one if number % 3 == 0 else other


def main(port: int, per_second: int) -> None:
    """Send until standard input ends; then say how many it were, and in how many seconds."""
    said, sources, guesser = cycle(datagrams(Random(5060))), _sources(), Guesser(port)
    sent = 0
    print("begun", flush=True)
    began = first = time.monotonic()
    while not select.select([sys.stdin], [], [], TURN)[0]:
        due = per_second * (time.monotonic() - began)
        if due - sent > per_second * BEHIND:
            began += (due - sent) / per_second - BEHIND
        while sent < per_second * (time.monotonic() - began):
            with contextlib.suppress(OSError):
                next(sources).sendto(next(said), ("127.0.0.1", port))
            sent += 1
        guesser.turn()
    print(sent, time.monotonic() - first, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
