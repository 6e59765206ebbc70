"""`./qendra setup` and whatever needs it: the steps in their order, told as they go."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TextIO

from appliance.setup.catalogs import Catalogs
from appliance.setup.debian import DebianPackages
from appliance.setup.errors import SetupFailed, ToolFailed, explain_os_error
from appliance.setup.job import TAIL, Job
from appliance.setup.page_files import PageFiles
from appliance.setup.places import Places, places_here
from appliance.setup.progress import Progress
from appliance.setup.python_env import PythonEnvironment, PythonPackages
from appliance.setup.sound_library import SoundLibrary
from appliance.setup.stamps import Stamps
from appliance.setup.turn import turn

LOGS_KEPT = 5


class Step(Protocol):
    """One thing set-up brings. Done twice, the second time costs nothing."""

    @property
    def title(self) -> str:
        """What the person reads."""

    def missing(self) -> str:
        """What is not there yet, in words; empty when all is."""

    def run(self, job: Job) -> str:
        """Bring it; returns a few words on what was done. Raises SetupFailed with what a person can do."""


def steps(places: Places, wanted: str) -> list[Step]:
    """The steps for the `run` set, or for `test`, which has all of `run`."""
    packages = [places.requirements / "debian-run.txt", places.recipe / "debian-packages"]
    if wanted == "test":
        packages.append(places.requirements / "debian-test.txt")
    python_packages = (
        PythonPackages(places, "test", ("runtime",)) if wanted == "test" else PythonPackages(places, "runtime")
    )
    return [
        DebianPackages(packages),
        PythonEnvironment(places),
        python_packages,
        SoundLibrary(places),
        PageFiles(places, tests=wanted == "test"),
        Catalogs(places),
    ]


def set_up(places: Places, wanted: str, stamp: str, out: TextIO) -> int:
    """Do all steps; returns the exit status. `stamp` is what `./qendra` compares before it calls us again."""
    todo = steps(places, wanted)
    progress = Progress(out, len(todo))
    try:
        with turn(places.state / "lock", lambda who: progress.say(f"Another set-up is at work here ({who}); waiting.")):
            log = new_log(places.log)
            with log.open("w") as file:
                job = Job(file, progress.phase)
                do(todo, job, progress, log)
            Stamps(places.stamps).put(f"all-{wanted}", stamp)
    except SetupFailed as failure:
        progress.say(f"\nSet-up stopped: {failure}")
        return 1
    except OSError as error:
        progress.say(f"\nSet-up stopped: {explain_os_error(error)}")
        return 1
    for notice in job.notices:
        progress.say(boxed(notice))
    return 0


def do(todo: Sequence[Step], job: Job, progress: Progress, log: Path) -> None:
    """Run the steps in order. At the first that fails, show the end of what its tool wrote."""
    for step in todo:
        progress.start(step.title)
        try:
            progress.done(step.run(job))
        except BaseException as failure:
            progress.failed()
            show_tail(failure, progress, log)
            raise


def show_tail(failure: BaseException, progress: Progress, log: Path) -> None:
    """The last lines of the tool that failed, and where the rest is."""
    tool = failure if isinstance(failure, ToolFailed) else failure.__cause__
    if isinstance(tool, ToolFailed):
        lines = tool.output.splitlines()[-TAIL:]
        progress.say("\n" + "\n".join(f"    {line}" for line in lines))
        progress.say(f"\nAll that was written is in {log}")


def boxed(text: str) -> str:
    """A text nobody overlooks."""
    bar = "*" * 78
    lines = "\n".join(f"** {line}" for line in text.splitlines())
    return f"\n{bar}\n{lines}\n{bar}\n"


def new_log(folder: Path) -> Path:
    """A log file for this set-up; the oldest go."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("setup-*.log"))[: -LOGS_KEPT + 1]:
        old.unlink()
    return folder / time.strftime("setup-%Y%m%dT%H%M%SZ.log", time.gmtime())


def what_is_missing(places: Places, out: TextIO) -> int:
    """Say what a set-up would bring; 0 when nothing."""
    found = 0
    for step in steps(places, "run"):
        try:
            missing = step.missing()
        except (SetupFailed, OSError) as failure:
            missing = str(failure)
        if missing:
            found += 1
            out.write(f"Not there: {step.title}: {missing}\n")
    if found:
        out.write("`./qendra setup` brings what is not there.\n")
    return 1 if found else 0


def stop(signal_number: int, _frame: object) -> None:
    """End like on Ctrl-C, so that the tool at work is ended too."""
    raise KeyboardInterrupt(signal_number)


def main() -> int:
    """Read the arguments of `./qendra` and do what they ask."""
    parser = argparse.ArgumentParser(prog="qendra setup")
    parser.add_argument("--for", dest="wanted", choices=("run", "test"), default="run")
    parser.add_argument("--stamp", default="", help="what to write down once all is there")
    parser.add_argument("--what-is-missing", action="store_true", help="change nothing")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    places = places_here()
    if arguments.what_is_missing:
        return what_is_missing(places, sys.stderr)
    try:
        return set_up(places, arguments.wanted, arguments.stamp, sys.stderr)
    except KeyboardInterrupt:
        print("\nSet-up was interrupted; started again, it goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
