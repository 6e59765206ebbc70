"""The keys that describe a provider, in a site file and in a provider's own data file."""

from __future__ import annotations

import re

from appliance.calls.names import Encryption
from appliance.supervisor.site_reader import Table
from appliance.switchboard.settings import NumberFormat, Provider

CALLER_FIELDS = ("P-Asserted-Identity", "Remote-Party-ID", "From")
CALLED_FIELDS = ("request", "To")
TRANSPORTS = ("", "udp", "tcp", "tls")


def provider(table: Table, usual: Provider) -> Provider:
    """The keys that describe a provider; what is left out is as `usual`."""
    return Provider(
        profile=usual.profile,
        domain=_host(table, "domain", usual.domain),
        proxy=_host(table, "proxy", usual.proxy),
        transport=table.text("transport", usual.transport, of=TRANSPORTS),
        user=_word(table, "user", usual.user),
        login=_word(table, "login", usual.login),
        registers=table.yes_no("registers", usual.registers),
        addresses=_addresses(table, usual.addresses),
        expires=table.whole("expires", usual.expires, 30, 86400),
        ping_seconds=table.seconds("ping_seconds", usual.ping_seconds),
        numbers_as=NumberFormat(table.text("numbers_as", usual.numbers_as, of=tuple(NumberFormat))),
        main_number=table.digits("main_number", usual.main_number),
        caller_from=_fields(table, usual.caller_from),
        called_from=table.text("called_from", usual.called_from, of=CALLED_FIELDS),
        shows_caller_by=table.text("shows_caller_by", usual.shows_caller_by, of=CALLER_FIELDS),
        encryption=Encryption(table.text("encryption", usual.encryption, of=tuple(Encryption))),
    )


_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")


def _host(table: Table, key: str, usual: str) -> str:
    host = table.text(key, usual)
    if host and not _HOST.fullmatch(host):
        table.bad(key, f"{host!r} is no host name or address, like sip.example.com or 192.0.2.1:5062")
    return host


def _word(table: Table, key: str, usual: str) -> str:
    word = table.word(key, usual)  # many providers' names are numbers
    if not re.fullmatch(r"[!-~]*", word) or any(sign in word for sign in '<>"@'):
        table.bad(key, "has to be plain letters, digits or signs, without spaces and without what stands behind the @")
    return word


def _addresses(table: Table, usual: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for path, address in table.texts("addresses"):
        if not re.fullmatch(r"[0-9A-Za-z.:_-]+(/\d{1,3})?", address):
            table.notes.add(path, f"{address!r} is no address, network or host name, like 192.0.2.1 or 192.0.2.0/24")
        found.append(address)
    return tuple(found) if table.has("addresses") else usual


def _fields(table: Table, usual: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(name for _, name in table.texts("caller_from"))
    if not table.has("caller_from"):
        return usual
    if not found or not set(found) <= set(CALLER_FIELDS):
        table.bad("caller_from", f"has to be a list of some of {', '.join(CALLER_FIELDS)}, the best first")
    return found
