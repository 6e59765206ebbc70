"""`python -m appliance.engine`: the engine process."""

from __future__ import annotations

import argparse
import faulthandler
import gc
import logging
import os
import signal
import sys
import time
from pathlib import Path

from appliance.engine.engine import Engine, is_command
from appliance.engine.pj.library import CannotStart, Library
from appliance.engine.pj.ports import Ports
from appliance.engine.settings import MEGABYTE, Settings
from appliance.wire.blocking import BlockingServer
from appliance.wire.seams import ENGINE

log = logging.getLogger("qendra.engine")

clock = time.monotonic  # noqa: TID251 (the driver hands the time to everything that decides)

FAREWELL = 0.8
"""Seconds for hanging up and closing recordings after SIGTERM."""
ANSWER = 2.0
"""Seconds a desk that has just come waits for our stock."""


def settings_from(arguments: list[str]) -> Settings:
    """The command line, checked."""
    parser = argparse.ArgumentParser(prog="python -m appliance.engine", description="Sound and SIP dialogs.")
    parser.add_argument(
        "--run", type=Path, required=True, metavar="DIR", help="folder of the sockets between processes"
    )
    parser.add_argument("--recordings", type=Path, required=True, metavar="DIR")
    parser.add_argument("--engine-port", type=int, default=5070, metavar="PORT")
    parser.add_argument("--inside-port", type=int, default=5071, metavar="PORT", help="the edge's side toward us")
    parser.add_argument("--rtp-ports", type=port_range, default=(10_000, 10_999), metavar="FIRST-LAST")
    parser.add_argument("--bind", default="0.0.0.0", metavar="ADDR", help="where telephones send sound")  # noqa: S104
    parser.add_argument("--disk-floor", type=int, default=100, metavar="MB", help="recordings stop below this")
    given = parser.parse_args(arguments)
    return Settings(
        run=given.run,
        recordings=given.recordings.absolute(),
        engine_port=given.engine_port,
        inside_port=given.inside_port,
        first_rtp=given.rtp_ports[0],
        last_rtp=given.rtp_ports[1],
        bind=given.bind,
        disk_floor=given.disk_floor * MEGABYTE,
    )


def port_range(text: str) -> tuple[int, int]:
    """`10000-10999` as two numbers; at least one pair of ports, beginning with an even one (RFC 3550 §11)."""
    try:
        first, last = (int(part) for part in text.split("-"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 10000-10999") from None
    first += first % 2
    if not 1024 <= first < last <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} holds no pair of ports that we may use")
    return first, last


def run(settings: Settings) -> None:
    """Be the engine until SIGTERM or SIGINT.

    Raises:
        CannotStart: a port is taken.
        OSError: a folder cannot be used, or another engine serves there.
    """
    leaving: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda caught, _: leaving.append(caught))
    settings.recordings.mkdir(mode=0o700, parents=True, exist_ok=True)
    library = Library(
        Ports(settings.engine_port, settings.inside_port, settings.first_rtp, settings.last_rtp, settings.bind)
    )
    engine, server = _served(settings, library)
    engine.recordings.sweep()
    gc.collect()
    gc.freeze()
    while not leaving:
        _step(engine, library)
    log.info("leaving: %d parties", engine.legs)
    engine.leave(clock())
    until = clock() + FAREWELL
    while not engine.done and clock() < until:
        _step(engine, library)
    server.close()


def _served(settings: Settings, library: Library) -> tuple[Engine, BlockingServer]:
    seam: list[BlockingServer] = []

    def say(message: object) -> None:
        seam[0].send(message)

    engine = Engine(library, settings, clock, say)
    server = BlockingServer(
        ENGINE,
        settings.run / "engine.sock",
        clock,
        heard=lambda message: _heard(engine, message),
        greeting=lambda: engine.inbox.ask(engine.stock, ANSWER),
    )
    seam.append(server)
    return engine, server


def _heard(engine: Engine, message: object) -> None:
    if is_command(message):
        engine.inbox.put(message)  # type: ignore[arg-type]  # just checked
    else:
        log.error("the desk said %s, which is ours to say", type(message).__name__)


def _step(engine: Engine, library: Library) -> None:
    library.poll(engine.patience(clock()), clock())
    engine.work(clock())


def main() -> int:
    """The process: 0 after SIGTERM, 1 with plain words when it cannot start."""
    faulthandler.enable()  # should the library crash all the same, the log says where
    sys.setswitchinterval(0.0005)  # the sound clock's thread must not wait for this one
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    try:
        run(settings_from(sys.argv[1:]))
    except (CannotStart, OSError) as error:
        log.error("the engine cannot start: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    os._exit(status)  # every call is hung up; taking the library apart as well would take a second
