"""Does what the owner says of the world outside make sense: lines, providers, what may be called and what it may cost?"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Iterator

from appliance.calls.names import Encryption
from appliance.switchboard.problem import Problem
from appliance.switchboard.settings import Caps, LineOptions, Provider, Settings

MOST_CALLS = 120
"""At once, over one line: more than a box carries."""
EXPIRES = (30, 86_400)
MOST_PING_SECONDS = 3600.0
LONGEST_NUMBER = 15
"""Digits, anywhere in the world (ITU-T E.164)."""
MOST_PORT = 65_535
LONGEST_NAME = 253
"""Of a host (RFC 1035)."""

TRANSPORTS = ("", "udp", "tcp", "tls")
CALLER_FIELDS = ("P-Asserted-Identity", "Remote-Party-ID", "From")
CALLED_FIELDS = ("request", "To")

_HOST = frozenset(f"{string.ascii_letters}{string.digits}.-_")
_IPV6 = frozenset(f"{string.hexdigits}:.")
_USER = frozenset(string.ascii_letters + string.digits + string.punctuation) - frozenset('<>"@')
_NUMBER = frozenset(f"{string.digits} ()-./")


def check_outside(settings: Settings) -> Iterator[Problem]:
    """Everything about lines and numbers outside."""
    for line in settings.lines:
        yield from _check_line(line)
    for person in settings.people:
        for field in ("also", "never"):
            yield from _check_beginnings(f"people.{person.extension}.{field}", getattr(person, field))
    if settings.outside_name and not _is_host(settings.outside_name):
        yield Problem("outside_name", f"{settings.outside_name!r} is not a host name or address")
    for field in ("outside_port", "outside_tls_port"):
        port = getattr(settings, field)
        if not 0 <= port <= MOST_PORT:
            yield Problem(field, f"{port} is not a port: 1 to 65535 are")


def _check_line(line: LineOptions) -> Iterator[Problem]:
    where = f"lines.{line.name}"
    if not 1 <= line.calls_at_once <= MOST_CALLS:
        yield Problem(f"{where}.calls_at_once", f"has to be 1 to {MOST_CALLS} calls")
    yield from _check_numbers(where, line)
    yield from _check_caps(where, line.caps)
    if line.provider is not None:
        yield from _check_provider(where, line.provider)


def _check_numbers(where: str, line: LineOptions) -> Iterator[Problem]:
    times = Counter(_digits(route.number) for route in line.numbers)
    for route in line.numbers:
        if not _is_number(route.number):
            yield Problem(f"{where}.numbers", f"{route.number!r} is not a telephone number")
        elif times[_digits(route.number)] > 1:
            yield Problem(f"{where}.numbers", f"the number {route.number} is given twice")


# ---- what it may cost


def _check_caps(where: str, caps: Caps) -> Iterator[Problem]:
    for field in ("calls_per_hour", "minutes_per_day", "cost_per_day", "longest_minutes"):
        if not _is_amount(getattr(caps, field)):
            yield Problem(f"{where}.{field}", "cannot be less than 0")
    if caps.cost_per_day and not any(price.per_minute for price in caps.prices):
        yield Problem(f"{where}.cost_per_day", "needs prices: without them nobody knows what a call costs")
    yield from _check_beginnings(f"{where}.prices", (price.begins for price in caps.prices if price.begins))
    for begins, times in Counter(price.begins for price in caps.prices).items():
        if times > 1:
            yield Problem(f"{where}.prices", f"there are two prices for {begins or 'all others'}")
    if not all(_is_amount(price.per_minute) for price in caps.prices):
        yield Problem(f"{where}.prices", "cannot be less than 0")


def _is_amount(amount: float) -> bool:
    """Neither less than nothing, nor endless, nor no number at all."""
    return 0 <= amount < float("inf")


def _check_beginnings(where: str, beginnings: Iterable[str]) -> Iterator[Problem]:
    for begins in beginnings:
        digits = begins.removeprefix("+")
        if not (begins.startswith("+") and digits.isdecimal() and digits.isascii() and len(digits) <= LONGEST_NUMBER):
            yield Problem(where, f"{begins!r} is not the beginning of a number: write it like +355")


# ---- providers


def _check_provider(where: str, provider: Provider) -> Iterator[Problem]:
    if not provider.domain:
        yield Problem(f"{where}.domain", "needs what stands behind the @ in your address there")
    for field in ("domain", "proxy"):
        host = getattr(provider, field)
        if host and not _is_host_and_port(host):
            yield Problem(f"{where}.{field}", f"{host!r} is not a host name or address, with or without a port")
    if provider.registers and not provider.user:
        yield Problem(f"{where}.user", "needs the user name the provider has given you")
    for field in ("user", "login"):
        if not set(getattr(provider, field)) <= _USER:
            yield Problem(f"{where}.{field}", "has signs that such a name cannot have")
    for address in provider.addresses:
        if not _is_host(address.partition("/")[0]) or not _is_prefix(address):
            yield Problem(f"{where}.addresses", f"{address!r} is not a host name, address or network")
    if provider.main_number and not _is_number(provider.main_number):
        yield Problem(f"{where}.main_number", f"{provider.main_number!r} is not a telephone number")
    yield from _check_timing(where, provider)
    yield from _check_choices(where, provider)


def _check_timing(where: str, provider: Provider) -> Iterator[Problem]:
    least, most = EXPIRES
    if not least <= provider.expires <= most:
        yield Problem(f"{where}.expires", f"has to be {least} to {most} seconds")
    if not (provider.ping_seconds == 0 or 1 <= provider.ping_seconds <= MOST_PING_SECONDS):
        yield Problem(f"{where}.ping_seconds", f"has to be 1 to {MOST_PING_SECONDS:.0f} seconds, or 0 for never")


def _check_choices(where: str, provider: Provider) -> Iterator[Problem]:
    for field, known in (
        ("transport", TRANSPORTS),
        ("called_from", CALLED_FIELDS),
        ("shows_caller_by", CALLER_FIELDS),
    ):
        if getattr(provider, field) not in known:
            yield Problem(f"{where}.{field}", f"has to be one of: {', '.join(filter(None, known))}")
    if not provider.caller_from or not set(provider.caller_from) <= set(CALLER_FIELDS):
        yield Problem(f"{where}.caller_from", f"has to be one of: {', '.join(CALLER_FIELDS)}")
    # The keys of the sound travel in the signalling (RFC 4568, section 8): over UDP everybody on the way could read them.
    if provider.encryption is Encryption.REQUIRED and provider.transport in ("udp", "tcp"):
        yield Problem(f"{where}.encryption", "is only possible over tls, for the keys travel with the messages")


# ---- how things are written


def _digits(number: str) -> str:
    return "".join(sign for sign in number if sign.isdecimal()).removeprefix("00")


def _is_number(number: str) -> bool:
    return set(number.removeprefix("+")) <= _NUMBER and 2 <= len(_digits(number)) <= LONGEST_NUMBER


def _is_host(host: str) -> bool:
    """A name or an address; IPv6 with or without its brackets."""
    if not host.isascii() or not 0 < len(host) <= LONGEST_NAME:
        return False
    if ":" in host:
        return set(host.removeprefix("[").removesuffix("]")) <= _IPV6 and host.count(":") >= 2
    return set(host) <= _HOST and all(
        label and label.strip("-") == label for label in host.removesuffix(".").split(".")
    )


def _is_host_and_port(written: str) -> bool:
    if written.startswith("["):
        host, _, rest = written.partition("]")
        return _is_host(f"{host}]") and (not rest or (rest.startswith(":") and _is_port(rest[1:])))
    if written.count(":") == 1:
        host, _, port = written.partition(":")
        return _is_host(host) and _is_port(port)
    return _is_host(written)


def _is_port(port: str) -> bool:
    return port.isascii() and port.isdecimal() and 1 <= int(port) <= MOST_PORT


def _is_prefix(address: str) -> bool:
    """Nothing behind a slash, or the bits of a network."""
    _, slash, bits = address.partition("/")
    most = 128 if ":" in address else 32
    return not slash or (bits.isascii() and bits.isdecimal() and int(bits) <= most)
