"""The site file: a firm, its telephones and its lines, as one TOML text that an installer writes.

`first.toml` beside this module is the site of a box that was given none, and the example to copy. Every key may be left
out. The file is read whole, and everything that is wrong in it is said at once, each with its line.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from appliance.callcenter.settings import QueueSettings
from appliance.callflow.settings import HANG_UP, Announcement, Choice, FlowSettings, Menu
from appliance.calls.names import Extension, LineId
from appliance.lines.settings import LineSettings
from appliance.supervisor.site_hours import hours
from appliance.supervisor.site_lines import line
from appliance.supervisor.site_people import people
from appliance.supervisor.site_reader import LANGUAGES, Notes, SiteProblem, Table
from appliance.supervisor.toml_lines import key_lines
from appliance.switchboard.checking import check
from appliance.switchboard.settings import Person, Settings

if TYPE_CHECKING:
    from firmware_hooks.board import LampSettings

FIRST = Path(__file__).parent / "first.toml"
"""The site of a box that was given none."""

LIMIT = 1 << 20
"""Bytes in the longest site file."""


class SiteError(Exception):
    """The file cannot be used. Its text has one line for each problem."""

    def __init__(self, file: str, problems: tuple[SiteProblem, ...]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join(self._told(problem) for problem in problems))

    def _told(self, problem: SiteProblem) -> str:
        return f"{self.file} line {problem.line}: {problem.words}" if problem.line else f"{self.file}: {problem.words}"


@dataclass(frozen=True, slots=True)
class Lamps:
    """What is wired to the box's pins. A pin is a BCM number, or a name gpiozero knows."""

    factory: Literal["auto", "mock", "none"] = "auto"
    """`auto`: real pins where there are some; `mock`: pins in software; `none`."""
    buzzer: int | str | None = None
    operators: Mapping[Extension, int | str] = field(default_factory=dict)
    """The busy lamp of each operator."""
    encrypted: Mapping[Extension, int | str] = field(default_factory=dict)
    """The lamp of each operator that is lit while their whole call is encrypted."""

    def for_board(self) -> LampSettings:
        """The same for the room that owns the pins."""
        from firmware_hooks.board import LampSettings  # noqa: PLC0415  loads gpiozero, which only the desk needs

        return LampSettings(
            tuple(self.operators.items()),
            self.buzzer,
            factory=self.factory,
            encrypted=tuple(self.encrypted.items()),
        )


@dataclass(frozen=True, slots=True)
class Site:
    """A site file that can go live."""

    settings: Settings
    lines: tuple[LineSettings, ...] = ()
    """Modems of this machine."""
    virtual_lines: tuple[LineSettings, ...] = ()
    """Modems in software; where their ports are is known when they run."""
    lamps: Lamps = field(default_factory=Lamps)
    passwords: Mapping[Extension, str] = field(default_factory=dict, repr=False)
    """Of those telephones that were given one in the file. The others' are made by the box."""
    line_passwords: Mapping[LineId, str] = field(default_factory=dict, repr=False)
    """Of those providers that were given one in the file."""
    digest: str = ""
    """Changes when the file does."""


def load(path: Path | None) -> Site:
    """The site in this file; without one, the first site of a new box.

    Raises:
        SiteError: it cannot be used, with everything that is wrong in it.
    """
    return read(content(path or FIRST), (path or FIRST).name)


def content(path: Path) -> bytes:
    """What the file holds.

    Raises:
        SiteError: it is not there, not to be read, or too long for a site file.
    """
    try:
        with path.open("rb") as file:
            held = file.read(LIMIT + 1)
    except OSError as error:
        raise SiteError(path.name, (SiteProblem(0, f"cannot be read ({error.strerror})"),)) from error
    if len(held) > LIMIT:
        raise SiteError(path.name, (SiteProblem(0, f"is longer than {LIMIT} bytes: is it a site file?"),))
    return held


def digest(held: bytes) -> str:
    """Tells two contents of a site file apart."""
    return hashlib.sha256(held).hexdigest()


def read(held: bytes, name: str) -> Site:
    """The site in this text. `name` is the file's, for sentences.

    Raises:
        SiteError: it cannot be used, with everything that is wrong in it.
    """
    values, lines = _parse(held, name)
    notes = Notes(lines)
    site = replace(_site(Table(notes, values, (), "the site")), digest=digest(held))
    if not notes.problems:  # what cannot be read makes no sense either, and would be said twice
        for problem in check(site.settings):
            notes.add_where(problem.where, problem.words)
    if notes.problems:
        raise SiteError(name, notes.problems)
    return site


def _parse(held: bytes, name: str) -> tuple[dict[str, Any], dict[tuple[str | int, ...], int]]:
    try:
        text = held.decode("utf-8-sig")
        return tomllib.loads(text), key_lines(text)
    except UnicodeDecodeError as error:
        line = held.count(b"\n", 0, error.start) + 1
        raise SiteError(name, (SiteProblem(line, "is not UTF-8 text; save the file as UTF-8"),)) from error
    except ValueError as error:  # TOMLDecodeError, and what int() says of a number of a thousand digits
        raise SiteError(name, (_grammar_problem(str(error), held),)) from error
    except RecursionError as error:
        raise SiteError(name, (SiteProblem(0, "has brackets within brackets without end"),)) from error


def _grammar_problem(words: str, held: bytes) -> SiteProblem:
    """`… (at line 3, column 5)` or `… (at end of document)`, as tomllib says it."""
    found = re.fullmatch(r"(.*?) \(at line (\d+), column (\d+)\)", words, re.DOTALL)
    if found:
        return SiteProblem(int(found[2]), f"{found[1]} (column {found[3]})")
    if words.endswith(" (at end of document)"):
        return SiteProblem(held.rstrip().count(b"\n") + 1, words.removesuffix(" (at end of document)"))
    return SiteProblem(0, words)


def _site(table: Table) -> Site:
    language = table.text("language", "en", of=LANGUAGES)
    passwords: dict[Extension, str] = {}
    persons = people(table, passwords)
    queues = tuple(_queue(one, persons) for one in table.each("queues", "name"))
    flow = FlowSettings(
        menus=tuple(_menu(one, language) for one in table.each("menus", "name")),
        announcements=tuple(_announcement(one, language) for one in table.each("announcements", "name", "texts")),
        hours=tuple(hours(one) for one in table.each("hours", "name")),
    )
    country = table.text("country", "AL")
    settings = Settings(
        firm=table.text("firm", "Qendra"),
        language=language,
        country=country,
        timezone=table.text("timezone", "Europe/Tirane"),
        people=persons,
        queues=queues,
        flow=flow,
        record_prefix=table.digits("record_prefix"),
        emergency_numbers=_emergency(table, country),
        currency=table.text("currency"),
        **_outside(table),
    )
    lines = tuple(line(one, settings) for one in table.each("lines", "name", "kind"))
    site = Site(
        settings=replace(settings, lines=tuple(one.options for one in lines)),
        lines=tuple(one.modem for one in lines if one.modem and not one.virtual),
        virtual_lines=tuple(one.modem for one in lines if one.modem and one.virtual),
        line_passwords={one.options.name: one.password for one in lines if one.password},
        lamps=_lamps(table, persons),
        passwords=passwords,
    )
    table.close()
    return site


def _outside(table: Table) -> dict[str, Any]:
    """How the box is found from outside the firm's network."""
    outside = table.table("outside")
    if outside is None:
        return {}
    found = {
        "outside_name": outside.text("name"),
        "outside_port": outside.whole("sip_port", 0, 0, 65535),
        "outside_tls_port": outside.whole("tls_port", 0, 0, 65535),
    }
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", str(found["outside_name"])):
        outside.bad(
            "name", "has to be a host name or an address that leads to the firm's router, like office.example.com"
        )
    outside.close()
    return found


def _queue(table: Table, people: tuple[Person, ...]) -> QueueSettings:
    name = table.text("name")
    everybody = tuple(str(person.extension) for person in people)
    usual = QueueSettings(name, name, ())
    queue = QueueSettings(
        name=name,
        title=table.text("title", _title(name)),
        operators=tuple(Extension(one) for one in table.all_digits("operators", everybody)),
        extension=Extension(table.digits("extension")),
        ring_seconds=table.seconds("ring_seconds", usual.ring_seconds),
        wrap_up_seconds=table.seconds("wrap_up_seconds", usual.wrap_up_seconds),
        set_aside_seconds=table.seconds("set_aside_seconds", usual.set_aside_seconds),
        longest_wait_seconds=table.seconds("longest_wait_seconds", usual.longest_wait_seconds),
        when_too_long=table.text("when_too_long", usual.when_too_long),
        record=table.yes_no("record", usual.record),
    )
    table.close()
    return queue


def _menu(table: Table, language: str) -> Menu:
    usual = Menu("", {}, ())
    menu = Menu(
        name=table.text("name"),
        texts=table.by_language("texts", language, LANGUAGES),
        choices=tuple(_choice(one) for one in table.each("choices", "key", "to")),
        extension=Extension(table.digits("extension")),
        seconds=table.seconds("seconds", usual.seconds),
        tries=table.whole("tries", usual.tries, 1, 10),
        then=table.text("then", usual.then),
    )
    table.close()
    return menu


def _choice(table: Table) -> Choice:
    to = table.text("to", HANG_UP)
    choice = Choice(key=table.digits("key"), to=to, title=table.text("title"))
    table.close()
    return choice


def _announcement(table: Table, language: str) -> Announcement:
    words = Announcement(
        name=table.text("name"),
        texts=table.by_language("texts", language, LANGUAGES),
        then=table.text("then", HANG_UP),
    )
    table.close()
    return words


def _lamps(table: Table, people: tuple[Person, ...]) -> Lamps:
    lamps = table.table("lamps")
    if lamps is None:
        return Lamps()
    buzzer = lamps.pin("buzzer") if lamps.has("buzzer") else None
    operators, encrypted = _lamp_pins(lamps, "operators", people), _lamp_pins(lamps, "encrypted", people)
    wired = [*operators.values(), *encrypted.values(), *([] if buzzer is None else [buzzer])]
    if len(set(wired)) != len(wired):
        lamps.bad("operators", "and the buzzer need a pin each; two have the same")
    factory = lamps.text("factory", "auto", of=("auto", "mock", "none"))
    lamps.close()
    return Lamps(cast("Literal['auto', 'mock', 'none']", factory), buzzer, operators, encrypted)


def _lamp_pins(lamps: Table, key: str, people: tuple[Person, ...]) -> dict[Extension, int | str]:
    """Operators' lamps; a lamp for somebody who is not there is a key nobody asked for."""
    table = lamps.table(key)
    if table is None:
        return {}
    theirs = [person.extension for person in people if table.has(person.extension)]
    pins = {extension: table.pin(extension) for extension in theirs}
    table.close()
    return pins


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _emergency(table: Table, country: str) -> tuple[str, ...]:
    """What the file says, else those of the country. The box only recognises them: it never dials one by itself."""
    known = emergency_numbers(country)
    if not known and not table.has("emergency_numbers"):
        table.bad("country", f"cannot be {country!r}: write two letters, like AL, or list emergency_numbers")
    return table.all_digits("emergency_numbers", known)


def emergency_numbers(country: str) -> tuple[str, ...]:
    """The emergency numbers of a country by its two letters; none when it is not known."""
    from phonenumbers import PhoneMetadata  # noqa: PLC0415  loads a megabyte, and only a changed site file asks

    known = PhoneMetadata.short_metadata_for_region(country)
    if known is None or known.emergency is None or not known.emergency.national_number_pattern:
        return ()
    pattern = re.compile(known.emergency.national_number_pattern)
    lengths = (length for length in known.emergency.possible_length if 0 < length <= 4)
    numbers = (f"{number:0{length}}" for length in lengths for number in range(10**length))
    return tuple(number for number in numbers if pattern.fullmatch(number))
