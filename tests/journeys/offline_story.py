"""The internet is gone: told by `test_offline.py` in a network of its own, where there is loopback and nothing else.

The name server the machine knows takes every question and answers none, as happens when a router is up and its line is
down. Whoever waited for it would wait five seconds (resolv.conf(5), `timeout`), here three.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.journeys.house import House, site
from tests.journeys.phones import BaresipPhone
from tests.journeys.processes import LOOPBACK

SILENT = "127.0.0.53"
PATIENCE = 2.5
"""Seconds: less than one silent look-up takes, and many times what a call takes."""
NUMBER = "+355690000002"
LINES = """
[lines.voip]
kind = "sip"
domain = "sip.provider.example"
user = "10042"
password = "journey-secret"
enters = "menu main"
calls_at_once = 4
[lines.gsm1]
kind = "virtual"
enters = "hours office"
answer_after_rings = 1
"""


@contextlib.contextmanager
def promptly(what: str) -> Iterator[None]:
    """Fails when this takes as long as a look-up."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < PATIENCE, f"{what} took {took:.1f} s"


def tell(house: House) -> None:
    """Telephones, the modem and the page work as before; the provider's line says what is wrong, and is passed over."""
    box = house.box(site("101 102", lines=LINES)).start()
    office = house.watch(box)
    ana, besim = house.phone(box, "101"), house.phone(box, "102", transport="tcp")
    outside = house.outside(box)
    office.line("gsm1", "up")
    office.until("the provider's line says why", lambda live: any("do not answer" in line.words for line in live.lines))

    inside(ana, besim)
    with promptly("a call out"):  # over the modem: the provider stands first, and is not waited for
        ana.dial(NUMBER)
        assert outside.is_called() == NUMBER
    outside.hang_up()
    ana.is_over()

    outside.ring("0690000001")
    with promptly("the answer to a caller"):
        outside.is_answered()
    outside.hears_something()
    outside.press("1")
    with promptly("an operator"):
        besim.rings() if office.call("offered").operators == ("102",) else ana.rings()
    outside.hang_up()
    office.quiet()
    with promptly("the page"):
        page = http.client.HTTPConnection(LOOPBACK, box.ports.web, timeout=10.0)
        page.request("GET", "/")
        assert page.getresponse().status < 400
        page.close()
    box.stop()


def inside(ana: BaresipPhone, besim: BaresipPhone) -> None:
    """One calls the other; they hear each other and hang up."""
    with promptly("a call inside"):
        ana.dial("102")
        besim.rings()
        besim.answer()
        ana.talks()
    besim.hears(ana.hz)
    with promptly("hanging up"):
        ana.hang_up()
        besim.is_over()


def main(folder: Path) -> int:
    """0 when all went as it should."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((SILENT, 53))
        began = time.monotonic()
        with contextlib.suppress(OSError):
            socket.getaddrinfo("sip.provider.example", 5060)
        assert time.monotonic() - began > PATIENCE, "names are answered here: this tells nothing"
        house = House(folder)
        try:
            tell(house)
        except BaseException:
            print(house.logs(), file=sys.stderr)
            raise
        finally:
            house.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
