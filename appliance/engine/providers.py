"""Calls from and to providers, as far as they are text: who calls whom, and how we say whose call ours is."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.engine import CallTrunk, TrunkAccount
from appliance.engine.addresses import Party, entries, party_in
from appliance.engine.sip_words import dialled_user, escaped_user, header_values, party

_NOBODY = {"", "anonymous", "unknown", "unavailable", "restricted", "private", "withheld", "asserted"}
"""Users of an address that name nobody (RFC 3323 says `anonymous`; the others are met as well)."""
_HIDING = {"id", "user", "header", "full"}
"""Words of a Privacy field (RFC 3323, RFC 3325) by which somebody asks not to be named."""


@dataclass(frozen=True, slots=True)
class CallIn:
    """What a provider's INVITE says."""

    caller: str
    dialled: str
    diverted_by: str
    caller_name: str


@dataclass(frozen=True, slots=True)
class CallOut:
    """What our INVITE to a provider says."""

    target: str
    caller: str
    """Its From."""
    headers: tuple[tuple[str, str], ...]


def call_in(message: str, account: TrunkAccount) -> CallIn:
    """Who calls whom, by a provider's INVITE."""
    caller = None if _hides(message) else _caller(message, account.caller_from)
    called = party_in(next(iter(header_values(message, "To")), "")) if account.called_from.lower() == "to" else None
    return CallIn(
        caller="" if caller is None else caller.user,
        dialled=called.user if called else dialled_user(message),
        diverted_by=_diverted_by(message),
        caller_name="" if caller is None or caller.name == caller.user else caller.name,
    )


def _hides(message: str) -> bool:
    words = {word.strip().lower() for value in header_values(message, "Privacy") for word in value.split(";")}
    return bool(words & _HIDING)


def _caller(message: str, fields: tuple[str, ...]) -> Party | None:
    """Whoever the first of the fields names that names somebody; None when one of them says that it must not."""
    for field in fields:
        for entry in entries(header_values(message, field)):
            found = party_in(entry)
            if found is None:
                continue
            if field.lower() == "remote-party-id" and _is_private(found):
                return None
            if found.user.lower() not in _NOBODY and not found.host.lower().endswith("anonymous.invalid"):
                return found
    return None


def _is_private(found: Party) -> bool:
    """The draft that Remote-Party-ID comes from: `privacy=full`, or one of its parts."""
    wanted = [each.strip().lower() for each in found.parameters.split(";")]
    return any(each.startswith("privacy=") and each not in {"privacy=off", "privacy=none"} for each in wanted)


def _diverted_by(message: str) -> str:
    """Who sent the caller on to us: the newest entry of Diversion (RFC 5806), or the last but one of History-Info
    (RFC 7044) when the last says why it was sent on.
    """
    diversion = [party_in(entry) for entry in entries(header_values(message, "Diversion"))]
    history = [party_in(entry) for entry in entries(header_values(message, "History-Info"))]
    found = diversion[0] if diversion else None
    if found is None and len(history) > 1 and (last := history[-1]) and "cause=" in last.uri_parameters.lower():
        found = history[-2]
    return "" if found is None or found.user.lower() in _NOBODY else found.user


def call_out(command: CallTrunk, account: TrunkAccount) -> CallOut:
    """How to ask a provider for a call."""
    host = _without_port(account.domain)
    headers: list[tuple[str, str]] = [("X-Qendra-Trunk", account.name)]
    own = f"<sip:{escaped_user(command.caller)}@{host}>"
    if command.withheld:
        headers.append(("Privacy", "id"))
    match account.shows_caller_by.lower():
        case "p-asserted-identity" if command.caller:
            headers.append(("P-Asserted-Identity", own))
        case "remote-party-id" if command.caller:
            headers.append(("Remote-Party-ID", f"{own};party=calling;privacy={'full' if command.withheld else 'off'}"))
    if command.diverted_by:
        headers.append(("Diversion", f"<sip:{escaped_user(command.diverted_by)}@{host}>;reason=unconditional"))
    return CallOut(
        target=f"<sip:{escaped_user(command.number)}@{account.domain}>",
        caller=_from(command, account, host),
        headers=tuple(headers),
    )


def _from(command: CallTrunk, account: TrunkAccount, host: str) -> str:
    """Our account there; or the number to be shown, where From is the place for it."""
    if command.withheld:
        return party("", "", host)
    shown = command.caller if account.shows_caller_by.lower() == "from" else ""
    contact = party_in(account.contact)
    user = shown or account.user or command.caller or (contact.user if contact else "")
    return party(user, "", host) if user else f"<sip:{host}>"


def _without_port(domain: str) -> str:
    """`example.org:5080`, `[2001:db8::1]:5080`, `192.0.2.1`: without what follows the host."""
    host, colon, port = domain.rpartition(":")
    return host if colon and port.isdigit() and not (domain.count(":") > 1 and not host.endswith("]")) else domain
