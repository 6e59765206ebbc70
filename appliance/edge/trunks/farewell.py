"""Taking leave of a server that a call has left: what it still says is answered, so that it rings and bills nobody."""

from __future__ import annotations

from appliance.edge import grammar
from appliance.edge.message import Request, Response
from appliance.edge.tokens import COOKIE


def cancel(invite: Request) -> bytes:
    """CANCEL of an INVITE of ours (section 9.1)."""
    return _request(b"CANCEL", invite.uri, invite, _line(invite, b"to"), _lines(invite, b"route"))


def ack_refusal(invite: Request, refusal: Response) -> bytes:
    """ACK of a final answer that is no success (section 17.1.1.3)."""
    return _request(b"ACK", invite.uri, invite, _line(refusal, b"to"), _lines(invite, b"route"))


def ack_and_bye(invite: Request, success: Response) -> list[bytes]:
    """Somebody has taken the call there: acknowledge, and hang up (sections 13.2.2.4 and 15)."""
    contact = grammar.address(success.first(b"contact"))
    if contact is None:
        return []
    theirs = success.all(b"record-route")[: -len(invite.all(b"record-route")) or None]
    routes = [b"Route: " + each for each in reversed(theirs)]
    to, own = _line(success, b"to"), invite.via.branch[len(COOKIE) :]
    return [
        _request(b"ACK", contact.uri, invite, to, routes, COOKIE + b"a" + own),
        _request(b"BYE", contact.uri, invite, to, routes, COOKIE + b"b" + own, invite.number + 1),
    ]


def _request(
    method: bytes, uri: bytes, invite: Request, to: bytes, routes: list[bytes], branch: bytes = b"", number: int = 0
) -> bytes:
    via = _line(invite, b"via")
    return b"\r\n".join([
        b"%b %b SIP/2.0" % (method, uri),
        via.replace(invite.via.branch, branch) if branch else via,
        *routes,
        b"Max-Forwards: 70",
        _line(invite, b"from"),
        to,
        _line(invite, b"call-id"),
        b"CSeq: %d %b" % (number or invite.number, method),
        b"Content-Length: 0\r\n\r\n",
    ])  # fmt: skip


def _line(message: Request | Response, key: bytes) -> bytes:
    return message.lines[message.keys.index(key)]


def _lines(message: Request | Response, key: bytes) -> list[bytes]:
    return [line for each, line in zip(message.keys, message.lines, strict=True) if each == key]
