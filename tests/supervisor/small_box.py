"""A box of small parts: `python -m tests.supervisor.small_box DATA NAME=WAY …`, a later part ends later."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from appliance.supervisor.paths import Lock, close_run, open_data, open_run
from appliance.supervisor.processes import BackOff, Become, Box, Part


def say(words: str) -> None:
    print(words, flush=True)


def run(data: str, *parts: str) -> None:
    BackOff.GOOD_LIFE = float(os.environ.get("GOOD_LIFE", "60"))
    places = open_data(Path(data))
    lock = Lock(places)
    places = open_run(places)
    made = []
    for number, (name, way) in enumerate(part.split("=") for part in parts):
        path = str(places.run / f"{name}.sock")
        signs = frozenset({f"unix {path}"}) if way in {"listen", "silent", "abort-silent"} else frozenset[str]()
        made.append(
            Part(
                name,
                f"the {name}",
                "tests.supervisor.small_part",
                (way.removesuffix("-silent"), path),
                signs,
                ends=number,
            )
        )
    Box(made, places, say, lambda: say("ready")).run()
    close_run(places)
    lock.release()
    say("stopped")


def main() -> None:
    try:
        run(*sys.argv[1:])
        return
    except Become as become:
        child = become
    child.live()


if __name__ == "__main__":
    main()
