"""The desk process: `python -m appliance.supervisor.desk`.

It owns the heart, the modems' command ports, the lamps, the journal and the settings. It may die and come back at any
time: people who talk go on talking, and it takes up where the journal ends.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from appliance.calls.names import LineId
from appliance.lines.port import Line
from appliance.lines.settings import Adopted, LineSettings
from appliance.prompts.fault import PromptFault
from appliance.prompts.library import Prompts, PromptSettings
from appliance.store.accounts import OWNER
from appliance.store.trouble import StoreTrouble
from appliance.supervisor import clock
from appliance.supervisor.answers import link_hash
from appliance.supervisor.books import Books
from appliance.supervisor.frontdesk import Address, FrontDesk
from appliance.supervisor.site import Site, SiteError, load
from firmware_hooks.board import BoardFault, open_panel

log = logging.getLogger("qendra.desk")

WELCOME = "/welcome/"
"""Where the page takes the owner's link."""


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop (SIGTERM, SIGINT); 0 then, 1 when the desk cannot do its work."""
    parser = argparse.ArgumentParser(prog="qendra-desk")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--site", type=Path)
    parser.add_argument("--bind", required=True)
    parser.add_argument("--sip-port", type=int, required=True)
    parser.add_argument("--tls-port", type=int, default=0)
    parser.add_argument("--web-port", type=int, required=True)
    wishes = parser.parse_args(arguments)
    try:
        asyncio.run(_live(wishes))
    except (StoreTrouble, SiteError, PromptFault, BoardFault) as error:
        log.critical("%s", error)
        return 1
    return 0


async def _live(wishes: argparse.Namespace) -> None:
    site = load(wishes.site)
    books = Books(wishes.data, clock.now())
    panel = open_panel(site.lamps.for_board(), wishes.run)
    try:
        take_up(books, site, chosen=wishes.site is not None)
        offer_link(books, wishes.run)
        firm = books.firm()
        prompts = Prompts(PromptSettings(wishes.data / "speech", firm.language, firm.country))
        desk = FrontDesk(books, prompts, panel, wishes.run, Address(wishes.bind, wishes.sip_port, wishes.tls_port))
        await _until_told(desk, _modems(site, wishes.run))
        await prompts.close()
    finally:
        panel.close()
        books.close()


def take_up(books: Books, site: Site, *, chosen: bool) -> None:
    """Put the site in force: the installer's whenever it is new, the example firm on a new box only. A later version's
    example must not replace what an owner has made of an earlier one's.
    """
    if chosen or not books.settings.version:
        books.take_site(site, clock.now())


async def _until_told(desk: FrontDesk, modems: tuple[LineSettings, ...]) -> None:
    stop = asyncio.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    working = [asyncio.create_task(desk.live())]
    for modem in modems:
        line = Line(modem, partial(desk.wiring.line_said, modem.name), adopt=_adopted(desk, modem.name))
        desk.wiring.lines[modem.name] = line
        working.append(asyncio.create_task(line.run()))
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([*working, stopping], return_when=asyncio.FIRST_COMPLETED)
    for task in (*working, stopping):
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    for task in done - {stopping}:
        task.result()  # a task of the desk that ends by itself has failed: say why, and be started again


def _adopted(desk: FrontDesk, line: LineId) -> Adopted | None:
    kept = desk.adopted(line)
    return None if kept is None else Adopted(*kept)


def _modems(site: Site, run: Path) -> tuple[LineSettings, ...]:
    """The real ones, and those in software, whose ports are in the run folder."""
    folder = run / "lines"
    virtual = (
        replace(modem, at=str(folder / f"{modem.name}-at"), sound=str(folder / f"{modem.name}-sound"))
        for modem in site.virtual_lines
    )
    return (*site.lines, *virtual)


def offer_link(books: Books, run: Path) -> None:
    """While there is no owner: a link that makes one, once. It is written for the one who started the box.

    One that this run has told them already stays good. Without room for a new one the box works all the same.
    """
    path = run / "owner-link"
    if any(account.role == OWNER for account in books.accounts.all()):
        path.unlink(missing_ok=True)
    elif not _is_offered(books, path):
        path.unlink(missing_ok=True)
        token = secrets.token_urlsafe(24)
        try:
            books.secrets.save_link(link_hash(token))
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(f"{WELCOME}{token}\n")
        except (StoreTrouble, OSError) as error:
            log.error("There is no link for the owner yet: %s", error)


def _is_offered(books: Books, path: Path) -> bool:
    """The desk has died since the link was told to somebody, not the box."""
    try:
        written = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return False
    return written.startswith(WELCOME) and link_hash(written.removeprefix(WELCOME)) == books.secrets.link


if __name__ == "__main__":
    sys.exit(main())
