"""A small real process for the supervisor to look after: `python -m tests.supervisor.small_part WAY [ARGUMENT]`."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path


def listen(path: str) -> None:
    """Serve at a Unix socket until told to end; then leave a mark of when."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Path(path).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        logging.getLogger("qendra.test").info("listening, %s", sys.argv)
        try:
            time.sleep(60)
        finally:
            Path(path).with_suffix(".ended").write_text(str(time.monotonic()), encoding="ascii")


def main(way: str, argument: str = "") -> None:
    match way:
        case "listen":
            listen(argument)
        case "fail":
            raise RuntimeError("the sky is falling")
        case "abort":
            os.abort()
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            Path(argument).write_text("here", encoding="ascii")
            time.sleep(60)
        case "silent":
            time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
