"""Everything the desk keeps on disk, opened together and made safe together.

DATA/journal/      every fact, as it happens          DATA/settings.tdb   the firm, every version of it
DATA/calls/        records of calls, by month         DATA/accounts.tdb   logins to the page
DATA/tasks.tdb     the missed-call ledger             DATA/secrets        what must not be read by others
DATA/recordings/   written by the engine              DATA/speech/        made again when it is gone
DATA/edge/         the edge's own
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, time
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from appliance.callflow.hours import local
from appliance.calls.facts import FACTS
from appliance.calls.moment import Moment
from appliance.calls.names import Extension, LineId
from appliance.store.accounts import AccountShelf
from appliance.store.calls import CallShelves
from appliance.store.journal import Journal, Replay
from appliance.store.secret_file import SecretFile
from appliance.store.settings import KEPT, SettingsShelf
from appliance.store.tasks import TaskShelf
from appliance.store.trouble import StoreTrouble
from appliance.supervisor.answers import account_of
from appliance.supervisor.site import Site
from appliance.switchboard.settings import Settings

log = logging.getLogger("qendra.desk")

SITE = "site file"
"""Who has changed the settings, when it was the installer's file."""


class Books:
    """Opened for their one owner, the desk."""

    def __init__(self, data: Path, now: Moment) -> None:
        """Open all of them; what had to be repaired is logged.

        Raises:
            StoreTrouble: one of them cannot be used; says which and why.
        """
        self._troubles: dict[str, str] = {}
        self.troubled: Callable[[], object] = lambda: None
        """Called, from any thread, when `troubles` has changed."""
        self.edge = data / "edge"
        """The edge's own; its certificates are looked at and replaced from here."""
        self.secrets = SecretFile(data / "secrets")
        self.settings = SettingsShelf(data / "settings.tdb", Settings)
        self.accounts = AccountShelf(data / "accounts.tdb")
        self.calls = CallShelves(data / "calls", partial(self._trouble, "calls"))
        self.tasks = TaskShelf(data / "tasks.tdb", trouble=partial(self._trouble, "tasks"))
        self.journal, replay = Journal.open(data / "journal", FACTS, now, partial(self._trouble, "journal"))
        self._replay: Replay | None = replay
        for part in (self.secrets, self.settings, self.accounts, self.calls, self.tasks, replay):
            for words in part.repaired:
                log.warning("repaired: %s", words)

    def take_replay(self) -> Replay:
        """What the journal tells of the time before. Given once: a busy day's is tens of megabytes."""
        assert self._replay is not None
        replay, self._replay = self._replay, None
        return replay

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with the disk now, in plain words."""
        return tuple(dict.fromkeys(self._troubles.values()))

    def _trouble(self, part: str, words: str) -> None:
        if words:
            log.error("%s: %s", part, words)
            self._troubles[part] = words
        else:
            self._troubles.pop(part, None)
        self.troubled()

    def firm(self) -> Settings:
        """The settings in force.

        Raises:
            StoreTrouble: they cannot be read.
        """
        now = self.settings.current()
        return now.settings if now else Settings()

    def take_site(self, site: Site, now: Moment) -> bool:
        """Put a site file in force, unless this very file was the last to be put in force: what the owner has changed on
        the page since then stands. Whether it was.

        Raises:
            StoreTrouble: the disk refuses.
        """
        what = f"Site file {site.digest[:12]}"
        before = (version.what for version in self.settings.history(limit=KEPT) if version.who == SITE)
        if next(before, "") == what:
            return False
        realm = self.secrets.realm
        self.secrets.save_phones(account_of(who, realm, password) for who, password in site.passwords.items())
        self.secrets.save_lines(site.line_passwords)
        version = self.settings.version
        self.settings.save(site.settings, who=SITE, what=what, at=now.utc, based_on=version)
        return True

    def talks_since_midnight(self, zone: ZoneInfo, now: Moment) -> Counter[Extension]:
        """How many calls each of us has answered today."""
        midnight = datetime.combine(local(now.utc, zone).date(), time(), zone).timestamp()
        return Counter({Extension(who): talks for who, talks in self.calls.talks(midnight).items()})

    def flush(self) -> bool:
        """Make the shelves durable; False when the disk refuses (which is among `troubles` then). May take long."""
        try:
            self.calls.flush()
            self.tasks.flush()
        except StoreTrouble as error:
            self._trouble("shelves", str(error))
            return False
        self._trouble("shelves", "")
        return True

    def tidy(self) -> None:
        """For quiet hours: compact what is worth it, forget old journals. May take long."""
        try:
            for shelf in (self.calls, self.tasks, self.settings, self.accounts):
                shelf.tidy()
        except StoreTrouble as error:
            log.warning("cannot compact now: %s", error)
        self.journal.forget()

    def lines_for_ever_gone(self) -> frozenset[LineId]:
        """Lines with a password that no undo can bring back. May take long."""
        names = self.secrets.lines().keys()
        if names <= {line.name for line in self.firm().lines}:
            return frozenset()
        kept = (version.settings.lines for version in self.settings.history(limit=KEPT))
        return frozenset(names - {line.name for lines in kept for line in lines})

    def forget_passwords(self, lines: Iterable[LineId]) -> None:
        """Of lines that are gone. On the desk's own thread, like every change of the secrets."""
        try:
            self.secrets.save_lines(dict.fromkeys(lines, ""))
        except StoreTrouble as error:
            log.warning("a password cannot be forgotten now: %s", error)

    def close(self) -> None:
        """Make everything durable and let go."""
        self.journal.close()
        for shelf in (self.calls, self.tasks, self.settings, self.accounts):
            try:
                shelf.close()
            except StoreTrouble as error:
                log.error("%s", error)
