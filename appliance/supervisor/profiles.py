"""Providers the box knows how to speak with: one small data file each, in `providers/`. The first of them, `registering.toml`,
explains the format.
"""

from __future__ import annotations

import logging
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from appliance.supervisor.provider_keys import provider
from appliance.supervisor.site_reader import LANGUAGES, Notes, Table
from appliance.supervisor.toml_lines import key_lines
from appliance.switchboard.asks import ProviderProfile
from appliance.switchboard.settings import Provider

log = logging.getLogger("qendra.desk")

FOLDER = Path(__file__).parent / "providers"


class ProfileFault(Exception):
    """A data file cannot be used; says what is wrong in it, each with its line."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One data file."""

    name: str
    """Of the file, without ending."""
    titles: dict[str, str]
    notes: dict[str, str]
    """By language: what the customer has to know or do there."""
    provider: Provider

    def told_in(self, language: str) -> ProviderProfile:
        """For a reader of this language; in English where the file does not speak it."""
        title, note = (texts.get(language) or texts.get("en", "") for texts in (self.titles, self.notes))
        return ProviderProfile(self.name, title or self.name, note, self.provider)


def profile_names(folder: Path = FOLDER) -> tuple[str, ...]:
    """Of all there are, the general ones first."""
    names = sorted(file.stem for file in folder.glob("*.toml"))
    return tuple(sorted(names, key=lambda name: GENERAL.index(name) if name in GENERAL else len(GENERAL)))


GENERAL = ("registering", "by-address")
"""For providers without a file of their own."""


@cache
def profile(name: str, folder: Path = FOLDER) -> Profile:
    """The profile of that name.

    Raises:
        ProfileFault: it is not there, or cannot be used.
    """
    try:
        text = (folder / f"{name}.toml").read_text(encoding="utf-8")
        values, lines = tomllib.loads(text), key_lines(text)
    except (OSError, ValueError) as error:
        raise ProfileFault(f"{name}.toml: {error}") from error
    return _read(name, Table(Notes(lines), values, (), "the profile"))


def _read(name: str, table: Table) -> Profile:
    titles, notes = (table.by_language(key, "en", LANGUAGES) for key in ("title", "note"))
    keys = table.table("provider")
    known = replace(Provider(), profile=name)
    if keys is not None:
        known = provider(keys, known)
        keys.close()
    table.close()
    if table.notes.problems:
        words = "; ".join(f"line {problem.line}: {problem.words}" for problem in table.notes.problems)
        raise ProfileFault(f"{name}.toml {words}")
    return Profile(name, titles, notes, known)


def profiles(folder: Path = FOLDER) -> tuple[Profile, ...]:
    """All that can be used; the others are in the log."""
    found = []
    for name in profile_names(folder):
        try:
            found.append(profile(name, folder))
        except ProfileFault as fault:
            log.warning("a provider's data file is left out: %s", fault)
    return tuple(found)
