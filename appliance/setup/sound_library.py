"""pjsua2, the library that carries the sound: built here once per machine, or taken ready-made with four call legs."""

from __future__ import annotations

import json
import os
import re
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.setup.debian_source import fetch_pjproject
from appliance.setup.errors import SetupFailed, ToolFailed, explain_os_error
from appliance.setup.job import Job, tool_environment
from appliance.setup.places import Places, machine, python_tag
from appliance.setup.python_env import pip_install
from appliance.setup.stamps import Stamps, digest_of
from appliance.setup.turn import turn
from appliance.setup.wheel import WheelName, pack

TARBALL = "QENDRA_PJPROJECT_TARBALL"
"""Environment variable: a pjproject release to build instead of Debian's."""

RECIPE = ("build", "config_site.h", "libraries.mak", "pjsua2.i")
OLDEST = (2, 15)
CALL_LEGS_WANTED = 128


@dataclass(frozen=True)
class Installed:
    """Which library is installed: what `.qendra/sound-library.json` says."""

    version: str
    call_legs: int
    """How many legs it carries at once, found by trying. A conversation is two."""
    built_here: bool
    why_not: str = ""
    """Why it is not our own build by today's recipe."""


@dataclass(frozen=True)
class SoundLibrary:
    """The step that brings pjsua2 into the environment."""

    places: Places
    name = "sound-library"
    title = "Sound library (pjsua2)"

    @property
    def facts(self) -> Path:
        return self.places.state / "sound-library.json"

    def missing(self) -> str:
        return "" if self.is_current() else "our own build of pjsua2"

    def digest(self) -> str:
        return digest_of([], recipe_digest(self.places), python_tag(), machine(), os.environ.get(TARBALL, ""))

    def is_current(self) -> bool:
        return Stamps(self.places.stamps).is_current(self.name, self.digest()) and self._is_there()

    def run(self, job: Job) -> str:
        """Install our own build; where that cannot be made, the ready-made one, saying so loudly."""
        if self.is_current():
            return "there"
        stamps = Stamps(self.places.stamps)
        stamps.drop(self.name)
        try:
            installed = self._install_own(job)
            stamps.put(self.name, self.digest())
        except (SetupFailed, OSError) as failure:
            # No stamp: the next `./qendra setup` tries to build again.
            why = explain_os_error(failure) if isinstance(failure, OSError) else str(failure)
            job.note(f"no build of our own: {why}")
            installed = self._keep_earlier_build(job, why) or self._install_ready_made(job, why)
        self.facts.write_text(json.dumps(asdict(installed)) + "\n")
        return f"{installed.version}, {installed.call_legs} call legs"

    def _is_there(self) -> bool:
        return any(self.places.site_packages.glob("_pjsua2*.so"))

    def _install_own(self, job: Job) -> Installed:
        wheels = self.places.cache / "wheels"
        with turn(self.places.cache / "lock", lambda who: job.phase(f"{who} is building it for another clone")):
            wheel = cached(self.places, wheels)
            if wheel:
                job.phase("installing the build this machine has")
            else:
                wheel = build(job, self.places, wheels)
        try:
            install_wheel(job, self.places, wheel)
            return look(job, self.places, built_here=True)
        except ToolFailed as failure:
            wheel.unlink(missing_ok=True)
            raise SetupFailed(f"Our build of pjsua2 does not run here. {failure}") from failure

    def _keep_earlier_build(self, job: Job, why: str) -> Installed | None:
        """The build of our own that is installed already, by an older recipe, is better than the ready-made one."""
        try:
            installed = look(job, self.places, built_here=True, why_not=why)
        except SetupFailed:
            return None
        if installed.call_legs < CALL_LEGS_WANTED:
            return None
        job.notice(f"pjsua2 stays as it was built before: it could not be built anew. {why}")
        return installed

    def _install_ready_made(self, job: Job, why: str) -> Installed:
        try:
            job.call([*self.places.module("pip"), "uninstall", "-y", "pjsua2"])
            pip_install(job, self.places, "pjsua2-fallback")
            installed = look(job, self.places, built_here=False, why_not=why)
        except SetupFailed as failure:
            raise SetupFailed(
                f"pjsua2 could not be built here: {why}\n"
                f"And there is no ready-made one for Python {python_tag()} on {machine()}: {failure}"
            ) from failure
        job.notice(
            f"The box carries only {installed.call_legs} call legs, that is {installed.call_legs // 2} conversations: "
            "it runs on the ready-made pjsua2.\n"
            f"Our own, for {CALL_LEGS_WANTED} legs, could not be built: {why}\n"
            "`./qendra setup` tries again."
        )
        return installed


def recipe_digest(places: Places) -> str:
    """A digest of everything that decides what is built, but the source."""
    return digest_of([places.recipe / name for name in RECIPE])


def local_version(places: Places) -> str:
    """The part of our wheel's version that names recipe and, if a person chose it, source."""
    tarball = os.environ.get(TARBALL)
    if not tarball:
        return f"qendra.{recipe_digest(places)[:8]}"
    return f"qendra.{digest_of([Path(tarball)], recipe_digest(places))[:8]}"


def cached(places: Places, wheels: Path) -> Path | None:
    """The wheel this machine has built before by the same recipe, for the same Python."""
    name = WheelName("pjsua2", f"*+{local_version(places)}", python_tag(), machine())
    return max(wheels.glob(name.file), default=None)


def build(job: Job, places: Places, wheels: Path) -> Path:
    """Fetch, build, try and pack pjsua2; return the wheel. Minutes of work."""
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        raise SetupFailed("The C headers of this Python are not installed.")
    with scratch(places.cache) as folder:
        tarball = Path(os.environ[TARBALL]) if TARBALL in os.environ else fetch_pjproject(job, folder)
        source = unpack(job, tarball, folder / "pjproject")
        version = version_of(source)
        built = folder / "built"
        job.call([places.recipe / "build", source, built], env=build_environment(places))
        modules = {file.name: file.read_bytes() for file in sorted(built.iterdir()) if file.suffix in {".py", ".so"}}
        name = WheelName("pjsua2", f"{version}+{local_version(places)}", python_tag(), machine())
        return pack(
            name, modules, "PJSIP's C++ interface for Python, with this box's limits", "GPL-2.0-or-later", wheels
        )


def unpack(job: Job, tarball: Path, source: Path) -> Path:
    """Unpack a release's one top folder as `source`."""
    source.mkdir()
    job.phase("unpacking")
    try:
        job.call(["tar", "-xf", tarball, "-C", source, "--strip-components=1", "--no-same-owner"])
    except ToolFailed as failure:
        raise SetupFailed(f"{tarball.name} cannot be unpacked. {failure}") from failure
    return source


@contextmanager
def scratch(cache: Path) -> Iterator[Path]:
    """A folder for the build, gone afterwards. In the cache, as /tmp may be small and in memory.

    Its path is free of spaces: make would take it for two.
    """
    cache.mkdir(parents=True, exist_ok=True)
    parent = Path("/var/tmp") if " " in str(cache) else cache  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(prefix="pjsua2-", dir=parent) as folder:
        yield Path(folder)


def build_environment(places: Places) -> dict[str, str]:
    """What the recipe may know of this machine: nobody's CFLAGS."""
    env = tool_environment(PYTHON=str(places.python))
    return {name: value for name, value in env.items() if name in {"PATH", "HOME", "LC_ALL", "PYTHON", "TMPDIR"}}


def version_of(source: Path) -> str:
    """The version of an unpacked pjproject. Raises SetupFailed if it is older than we can use."""
    try:
        text = (source / "version.mak").read_text()
    except OSError:
        raise SetupFailed("The source is not pjproject: it has no version.mak.") from None
    parts = dict(re.findall(r"^export PJ_VERSION_(MAJOR|MINOR|REV) *:= *(\d+)", text, re.MULTILINE))
    number = (int(parts.get("MAJOR", 0)), int(parts.get("MINOR", 0)))
    if number < OLDEST:
        raise SetupFailed(f"pjproject {number[0]}.{number[1]} is too old: 2.15 or later is needed.")
    return ".".join(parts[part] for part in ("MAJOR", "MINOR", "REV") if part in parts)


def install_wheel(job: Job, places: Places, wheel: Path) -> None:
    """Put our wheel in the place of any pjsua2 that is there."""
    pip = places.module("pip")
    # The ready-made one has another project name but the same files.
    job.call([*pip, "uninstall", "-y", "pjsua2-python"])
    job.call([*pip, "install", "--no-index", "--no-deps", "--force-reinstall", wheel])


def look(job: Job, places: Places, *, built_here: bool, why_not: str = "") -> Installed:
    """Ask the installed library what it is: the limit is tried, not read. Raises ToolFailed if it does not run."""
    job.phase("trying it")
    answer = job.call([places.python, "-I", places.recipe / "limits.py"]).splitlines()[-1]
    facts = json.loads(answer)
    return Installed(version=facts["version"], call_legs=facts["call_legs"], built_here=built_here, why_not=why_not)
