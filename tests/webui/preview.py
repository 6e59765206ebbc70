"""The pages with an office full of made-up people, to look at while working on them: `python -m tests.webui.preview`."""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

from waitress.server import create_server

from tests.webui.believable import PASSWORD, live, office
from tests.webui.office import Clock
from webui import WebConfig, create_app


class Running(Clock):
    """The real clock."""

    def __init__(self) -> None:
        super().__init__(time.time())

    @property
    def now(self) -> float:
        return time.time() + self._ahead

    @now.setter
    def now(self, value: float) -> None:
        self._ahead = value - time.time()

    _ahead = 0.0


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8089)
    parser.add_argument("--empty", action="store_true", help="a box on its first day")
    parser.add_argument("--still", action="store_true", help="nothing happens by itself")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="qendra-preview-"))
    clock = Running()
    desk, archive = office(folder, clock, full=not options.empty)
    desk.token = "first"
    config = WebConfig(clock=clock, rest=time.sleep, recordings=folder / "recordings", version="0.1.0")
    server = create_server(create_app(desk, archive, config), host="127.0.0.1", port=options.port, threads=16)
    print(f"http://127.0.0.1:{options.port}/  (Blerim or Arta, {PASSWORD!r})", flush=True)
    if not options.still and not options.empty:
        threading.Thread(target=_live, args=(desk, clock), daemon=True).start()
    server.run()


def _live(desk: object, clock: Clock) -> None:
    while True:
        time.sleep(20)
        desk.show(live(clock.now))  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
