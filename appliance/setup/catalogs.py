"""The pages' sentences: `messages.po` of each language compiled to the `.mo` that the pages read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.setup.errors import SetupFailed, ToolFailed
from appliance.setup.job import Job
from appliance.setup.places import Places
from appliance.setup.stamps import Stamps, digest_of


@dataclass(frozen=True)
class Catalogs:
    """The step that compiles every catalog under `webui/translations`."""

    places: Places
    name = "catalogs"
    title = "Languages"

    def sources(self) -> list[Path]:
        return sorted((self.places.webui / "translations").glob("*/LC_MESSAGES/*.po"))

    def digest(self) -> str:
        return digest_of(self.sources(), *map(str, self.sources()))

    def missing(self) -> str:
        return "" if self.is_current() else "compiled catalogs"

    def is_current(self) -> bool:
        sources = self.sources()
        there = all(source.with_suffix(".mo").exists() for source in sources)
        return not sources or (there and Stamps(self.places.stamps).is_current(self.name, self.digest()))

    def run(self, job: Job) -> str:
        if self.is_current():
            return "there"
        sources = self.sources()
        for source in sources:
            compile_catalog(job, self.places, source)
        Stamps(self.places.stamps).put(self.name, self.digest())
        return ", ".join(sorted({source.parts[-3] for source in sources}))


def compile_catalog(job: Job, places: Places, source: Path) -> None:
    """Write the `.mo` beside its `.po`."""
    compiled = source.with_suffix(".mo")
    try:
        job.call(
            [*places.module("babel.messages.frontend"), "compile", "--input-file", source, "--output-file", compiled]
        )
    except ToolFailed as failure:
        raise SetupFailed(f"The catalog {source.relative_to(places.root)} cannot be read. {failure}") from failure
