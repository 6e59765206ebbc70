"""The Python environment in `.qendra/venv`, and the packages in it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from appliance.setup.errors import SetupFailed, ToolFailed
from appliance.setup.job import Job, tool_environment
from appliance.setup.places import Places, python_tag
from appliance.setup.stamps import Stamps, digest_of

PATH_FILE = "qendra.pth"
FROM_SITE_PACKAGES_TO_ROOT = "../../../../.."
"""Relative, so that a clone can be moved: site-packages, python3.x, lib, venv, .qendra."""


@dataclass(frozen=True)
class PythonEnvironment:
    """The step that makes the virtual environment for the Python that set-up runs in."""

    places: Places
    name = "venv"
    title = "Python environment"

    def missing(self) -> str:
        return (
            "" if self.is_whole() else f"the environment for Python {sys.version_info.major}.{sys.version_info.minor}"
        )

    def run(self, job: Job) -> str:
        if self.is_whole():
            return "there"
        job.call([sys.executable, "-I", "-m", "venv", "--clear", self.places.venv])
        (self.places.site_packages / PATH_FILE).write_text(f"{FROM_SITE_PACKAGES_TO_ROOT}\n")
        if not self.is_whole():
            raise SetupFailed(f"The Python environment in {self.places.venv} was made but does not work.")
        stamps = Stamps(self.places.stamps)
        for stamp in self.places.stamps.glob("python-*"):
            stamps.drop(stamp.name)
        return f"made for Python {sys.version.split()[0]}"

    def is_whole(self) -> bool:
        """Whether its Python runs, is the wanted one, has pip, and finds this clone."""
        if not self.places.python.exists():
            return False
        question = "import sys, pip, appliance.setup.places as p; print(p.python_tag())"
        answer = subprocess.run(
            [self.places.python, "-I", "-c", question],
            capture_output=True,
            text=True,
            check=False,
            env=tool_environment(),
        )
        return answer.stdout.strip() == python_tag()


@dataclass(frozen=True)
class PythonPackages:
    """The step that installs one lock file. Those in `includes` are part of it and need no step of their own."""

    places: Places
    lock: str
    includes: tuple[str, ...] = ()
    title = "Python packages"

    @property
    def name(self) -> str:
        return f"python-{self.lock}"

    def digest(self) -> str:
        return digest_of([self.places.requirements / f"{name}.txt" for name in (self.lock, *self.includes)])

    def missing(self) -> str:
        return "" if self.is_current() else f"requirements/{self.lock}.txt as it is now"

    def is_current(self) -> bool:
        return Stamps(self.places.stamps).is_current(self.name, self.digest())

    def run(self, job: Job) -> str:
        if self.is_current():
            return "there"
        stamps = Stamps(self.places.stamps)
        stamps.drop(self.name)
        pip_install(job, self.places, self.lock)
        stamps.put(self.name, self.digest())
        for name in self.includes:
            part = PythonPackages(self.places, name)
            stamps.put(part.name, part.digest())
        return "installed"


def pip_install(job: Job, places: Places, lock: str, *options: str) -> None:
    """Install a lock file into the environment: wheels only, each checked against its hash."""
    job.phase("downloading and installing")
    sound = ("--only-binary", ":all:", "--require-hashes")
    file = places.requirements / f"{lock}.txt"
    try:
        job.call([*places.module("pip"), "install", *sound, *options, "-r", file])
    except ToolFailed as failure:
        raise SetupFailed(
            f"The Python packages of requirements/{lock}.txt could not be installed. {failure}"
        ) from failure
