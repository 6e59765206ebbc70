"""The lines of a site file: modems, modems in software, and providers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.calls.names import LineId
from appliance.lines.settings import LineSettings
from appliance.supervisor.profiles import ProfileFault, profile, profile_names
from appliance.supervisor.provider_keys import provider
from appliance.supervisor.site_reader import LANGUAGES, Table
from appliance.switchboard.checking import places
from appliance.switchboard.settings import Caps, LineOptions, NumberRoute, Price, Provider, Settings

VIRTUAL = "virtual"
SIP = "sip"
MODEMS = ("sim7600", VIRTUAL)

LONGEST_PASSWORD = 200
OTHERS = "others"
"""The price of all numbers that no other price is for."""


@dataclass(frozen=True, slots=True)
class SiteLine:
    """One line as the file has it."""

    options: LineOptions
    modem: LineSettings | None = None
    """None: it is a provider."""
    virtual: bool = False
    """The modem is made of software."""
    password: str = ""
    """Of a provider."""

    def __repr__(self) -> str:
        """Without the password."""
        return f"SiteLine({self.options!r}, {self.modem!r})"


def line(table: Table, settings: Settings) -> SiteLine:
    """One table under `lines`."""
    name = LineId(table.text("name"))
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", name):
        table.bad("name", "has to be a short word of letters, digits, - or _")
    kind = table.text("kind", "sim7600", of=(*MODEMS, SIP))
    way, password, modem = None, "", None
    if kind == SIP:
        way, password = _way(table), _password(table)
    else:
        modem = _modem(table, name)
    options = LineOptions(
        name=name,
        enters=table.text("enters", places(settings)[0]),
        answer_after_rings=table.whole("answer_after_rings", 1 if kind == SIP else 2, 1, 20),
        language=table.text("language", of=("", *LANGUAGES)),
        record_calls_out=table.yes_no("record_calls_out", True),
        calls_at_once=table.whole("calls_at_once", 2, 1, 200) if kind == SIP else 1,
        numbers=tuple(_number(one) for one in table.each("numbers", "number", "enters")),
        caps=_caps(table),
        provider=way,
    )
    table.close()
    return SiteLine(options, modem, kind == VIRTUAL, password)


def _modem(table: Table, name: LineId) -> LineSettings:
    return LineSettings(
        name=name,
        at=table.text("at", "usb"),
        sound=table.text("sound"),
        number=table.digits("number"),
        pin=table.digits("pin"),
        keys="sound" if table.text("keys", "modem", of=("modem", "sound")) == "sound" else "modem",
    )


def _way(table: Table) -> Provider:
    """What the profile says, and what the file says otherwise."""
    usual = Provider()
    name = table.text("profile", of=("", *profile_names()))
    if name:
        try:
            usual = profile(name).provider
        except ProfileFault as fault:
            table.bad("profile", f"cannot be used: {fault}")
    found = provider(table, usual)
    if not found.domain:
        table.bad("domain", "is missing: what stands behind the @ in the address the provider has given you")
    if found.registers and not found.user:
        table.bad(
            "user", "is missing: the name the provider has given you; or registers = false when it knows your address"
        )
    return found


def _password(table: Table) -> str:
    """A password is never repeated in what we say about it."""
    password = table.word("password")
    if not is_password(password):
        table.bad("password", f"cannot be used: up to {LONGEST_PASSWORD} signs that can be typed")
    return password


def is_password(password: str) -> bool:
    """Whether this may be the password of a provider's line; an empty one may."""
    return len(password) <= LONGEST_PASSWORD and password.isprintable()


def _number(table: Table) -> NumberRoute:
    route = NumberRoute(number=table.digits("number"), enters=table.text("enters"))
    table.close()
    return route


def _caps(table: Table) -> Caps:
    usual = Caps()
    prices = tuple(_prices(table))
    caps = table.table("caps")
    if caps is None:
        return Caps(prices=prices)
    found = Caps(
        calls_per_hour=caps.whole("calls_per_hour", usual.calls_per_hour, 0, 100_000),
        minutes_per_day=caps.whole("minutes_per_day", usual.minutes_per_day, 0, 1_000_000),
        cost_per_day=caps.amount("cost_per_day", usual.cost_per_day),
        longest_minutes=caps.whole("longest_minutes", usual.longest_minutes, 0, 1440),
        prices=prices,
    )
    caps.close()
    return found


def _prices(table: Table) -> Iterator[Price]:
    prices = table.table("prices")
    for begins in prices.keys() if prices else ():
        assert prices is not None
        if not re.fullmatch(r"\+\d{1,15}", begins) and begins != OTHERS:
            prices.bad(begins, f"is no beginning of a number in international form, like +355, and not {OTHERS!r}")
        yield Price("" if begins == OTHERS else begins, prices.amount(begins, 0.0))
