"""What a SUBSCRIBE asks for (RFC 6665 sections 4.1.2 and 4.2.1)."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.edge import grammar
from appliance.edge.binding import Denied, seconds_of
from appliance.edge.message import Request
from appliance.edge.notifier.packages import ALLOW_EVENTS, CONTENT, Package

LONGEST = 3600
SHORTEST = 60
"""Seconds a subscription may last."""
_ROOM = 2048
"""Bytes that addresses and routes of one subscription may have together: thousands of them are kept."""
_LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """One SUBSCRIBE."""

    package: Package
    event: bytes
    """The Event field for its NOTIFYs: the package, and the id if one was given."""
    seconds: int
    """0: once, or no longer."""
    contact: bytes
    """Request-URI of its NOTIFYs."""
    routes: tuple[bytes, ...]
    watched: bytes
    """The user part of what is watched."""


def wish_of(request: Request) -> Wish:
    """Read it.

    Raises:
        Denied: it cannot be had; carries the answer.
    """
    package, event = _event(request)
    required = request.values(b"require")
    if required:
        raise Denied(420, b"Bad Extension", b"Unsupported: " + b", ".join(required))
    if not _accepts(request, CONTENT[package]):
        raise Denied(406, b"Not Acceptable")
    seconds = seconds_of(request.first(b"expires"), LONGEST)
    if 0 < seconds < SHORTEST:
        raise Denied(423, b"Interval Too Brief", b"Min-Expires: %d" % SHORTEST)
    contact = _contact(request)
    routes = tuple(request.all(b"record-route"))
    if sum(map(len, (request.call_id, request.caller.uri, request.called.uri, contact, *routes))) > _ROOM:
        raise Denied(400, b"Addresses That Are Too Long")
    return Wish(package, event, min(seconds, LONGEST), contact, routes, _watched(request))


def _event(request: Request) -> tuple[Package, bytes]:
    """Event types are compared as they are written, letter by letter (section 8.2.1)."""
    values = request.values(b"event")
    name, _, params = (values[0] if len(values) == 1 else b"").partition(b";")
    try:
        package = Package(name.strip().decode("ascii", "replace"))
    except ValueError:
        raise Denied(489, b"Bad Event", ALLOW_EVENTS) from None
    mark = grammar.param(b";" + params, b"id")
    if mark is None:
        return package, package.encode()
    if len(mark) > _LONGEST_ID or grammar.TOKEN.match(mark) is None:
        raise Denied(489, b"Bad Event", ALLOW_EVENTS)
    return package, package.encode() + b";id=" + mark


def _accepts(request: Request, content: bytes) -> bool:
    """Saying nothing means the package's own format."""
    kinds = {value.partition(b";")[0].strip().lower() for value in request.all(b"accept")} - {b""}
    return not kinds or not kinds.isdisjoint({content, b"application/*", b"*/*"})


def _contact(request: Request) -> bytes:
    contacts = request.all(b"contact")
    found = grammar.address(contacts[0]) if len(contacts) == 1 else None
    uri = grammar.sip_uri(found.uri) if found else None
    if found is None or uri is None:
        raise Denied(400, b"Bad Contact")
    return found.uri.removesuffix(uri.headers) if uri.headers else found.uri


def _watched(request: Request) -> bytes:
    """Whom the Request-URI names; some telephones name only us there when they ask for their own messages."""
    named, called = grammar.sip_uri(request.uri), grammar.sip_uri(request.called.uri)
    return (named.user if named else b"") or (called.user if called else b"")
