"""A provider as the owner, and for its finer points the installer, fills it in."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace

from appliance.calls.names import Encryption
from appliance.switchboard.settings import NumberFormat, Provider
from webui.forms import Form, figures
from webui.language import N_, _
from webui.numbers import read_number

TRANSPORTS = ("", "udp", "tcp", "tls")
ENCRYPTIONS = tuple(each.value for each in Encryption)
CALLED_FROM = ("request", "To")
SHOWS_CALLER_BY = ("From", "P-Asserted-Identity", "Remote-Party-ID")
CALLER_FROM = (
    "P-Asserted-Identity, Remote-Party-ID, From",
    "Remote-Party-ID, P-Asserted-Identity, From",
    "From",
)

FORMATS = {
    NumberFormat.E164: "+355421234567",
    NumberFormat.DIGITS: "355421234567",
    NumberFormat.ZEROS: "00355421234567",
    NumberFormat.NATIONAL: "0421234567",
    NumberFormat.EIGHT_TEN: "8 495 1234567, 8~10 355421234567",
}
"""How a number looks to the provider, as an example: this says it better than a name."""

ADVANCED = (
    "domain",
    "registers",
    "addresses",
    "proxy",
    "transport",
    "encryption",
    "login",
    "numbers_as",
    "caller_from",
    "called_from",
    "shows_caller_by",
    "expires",
    "ping_seconds",
)
"""The fields for the installer."""

_HOST = re.compile(
    r"(?=.{1,253}(?::|$))(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}(?::[0-9]{1,5})?", re.IGNORECASE
)
_USER = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/%-]{0,80}")
"""What may stand before the @ of a SIP address (RFC 3261, section 25.1)."""

_NO_HOST = N_("A name like sip.example.com, or an address like 192.0.2.10.")


def on_top(provider: Provider) -> tuple[str, ...]:
    """What the customer of this provider has to fill in; all else has a good value already."""
    known_by = ("user", "password") if provider.registers else ("addresses",)
    return (*(() if provider.domain else ("domain",)), *known_by)


def shown_provider(provider: Provider) -> dict[str, str | list[str]]:
    """The fields of a provider; its password is never among them."""
    return {
        "user": provider.user,
        "login": provider.login,
        "main_number": provider.main_number,
        "domain": provider.domain,
        "proxy": provider.proxy,
        "transport": provider.transport,
        "registers": "yes" if provider.registers else "no",
        "addresses": ", ".join(provider.addresses),
        "expires": str(provider.expires),
        "ping_seconds": figures(provider.ping_seconds),
        "numbers_as": provider.numbers_as.value,
        "caller_from": ", ".join(provider.caller_from),
        "called_from": provider.called_from,
        "shows_caller_by": provider.shows_caller_by,
        "encryption": provider.encryption.value,
    }


def read_provider(form: Form, before: Provider, country: str) -> Provider:
    """The provider of the form, which was `before` until now."""
    registers = form.choice("registers", ("yes", "no")) == "yes"
    domain = _read_host(form, "domain")
    addresses = _read_addresses(form)
    if not domain:
        form.fault("domain", _("Please fill this in."))
    caller_from = form.choice("caller_from", {*CALLER_FROM, ", ".join(before.caller_from)})
    return replace(
        before,
        domain=domain,
        proxy=_read_host(form, "proxy"),
        transport=form.choice("transport", TRANSPORTS),
        user=_read_user(form, "user", needed=registers),
        login=_read_user(form, "login", needed=False),
        registers=registers,
        addresses=addresses,
        expires=form.number("expires", 30, 86_400),
        ping_seconds=form.amount("ping_seconds", 3600),
        numbers_as=_numbers_as(form),
        main_number=read_number(form, "main_number", country),
        caller_from=tuple(caller_from.split(", ")) if caller_from else before.caller_from,
        called_from=form.choice("called_from", CALLED_FROM),
        shows_caller_by=form.choice("shows_caller_by", SHOWS_CALLER_BY),
        encryption=_encryption(form),
    )


def _read_user(form: Form, name: str, *, needed: bool) -> str:
    user = form.text(name, needed=needed)
    if not _USER.fullmatch(user):
        form.fault(name, _("Only what stands before the @, as the provider gave it to you."))
    return user


def _read_host(form: Form, name: str) -> str:
    host = form.text(name, needed=False, longest=255)
    if host and not is_host(host):
        form.fault(name, _(_NO_HOST))
    return host


def is_host(words: str) -> bool:
    """`sip.example.com`, `192.0.2.1:5070`, `[2001:db8::1]:5060`."""
    if words.startswith("["):
        words = re.sub(r"\]:[0-9]{1,5}$", "]", words).strip("[]")
    elif _HOST.fullmatch(words):
        return True
    try:
        ipaddress.ip_address(words)
    except ValueError:
        return False
    return True


def _read_addresses(form: Form) -> tuple[str, ...]:
    words = re.split(r"[\s,;]+", form.text("addresses", needed=False, longest=600))
    found = tuple(dict.fromkeys(word for word in words if word))
    if not all(is_host(word) or _is_network(word) for word in found):
        form.fault(
            "addresses", _("Addresses like 192.0.2.10, networks like 192.0.2.0/24, or names; commas between them.")
        )
    return found


def _is_network(words: str) -> bool:
    try:
        ipaddress.ip_network(words)
    except ValueError:
        return False
    return True


def _numbers_as(form: Form) -> NumberFormat:
    chosen = form.choice("numbers_as", [each.value for each in NumberFormat])
    return NumberFormat(chosen) if chosen in set(NumberFormat) else NumberFormat.E164


def _encryption(form: Form) -> Encryption:
    chosen = form.choice("encryption", ENCRYPTIONS)
    return Encryption(chosen) if chosen in ENCRYPTIONS else Encryption.OFF
