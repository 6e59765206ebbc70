"""SIP messages as they came: taken apart only as far as an edge must, put together again byte for byte.

`parse` answers a Request, a Response, or a Garbled that says why; it never raises. A Request in hand is well-formed in
all that forwarding and authentication rest on. Bare line ends and zero bytes in the head are refused on purpose: the
next parser on the way might take them for a line's end, and see a header field there that we did not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from appliance.edge import grammar
from appliance.edge.fields import ONCE, OURS, names, unfolded
from appliance.edge.grammar import Address, Via

LARGEST = 65_535
"""Bytes in the longest message, on any transport."""
LONGEST_HEAD = 16_384
MOST_LINES = 200
"""Bytes and lines of a head; one that goes on longer is there to keep us busy."""

TOO_LONG = "a head that is too long"
ANSWER_NEEDS = frozenset({b"from", b"to", b"call-id", b"cseq"})

_RPORT = re.compile(rb";\s*rport(?:\s*=[^;,]*)?(?=[;,\s]|\Z)", re.IGNORECASE)
_RECEIVED = re.compile(rb";\s*received\s*=[^;,]*", re.IGNORECASE)


@dataclass(slots=True)
class Garbled:
    """Not a message we can use. `request` is there when so much could be read that an answer is possible."""

    reason: str
    status: int = 400
    request: Request | None = None


class Message:
    """Head lines as they came (a folded field is one line), their names in lower case and long form, and the body."""

    __slots__ = ("body", "keys", "lines", "start", "via")

    def __init__(self, start: bytes, keys: list[bytes], lines: list[bytes], body: bytes, via: Via) -> None:
        self.start = start
        self.keys = keys
        self.lines = lines
        self.body = body
        self.via = via
        """The topmost Via."""

    def first(self, key: bytes) -> bytes:
        """The value of the first such field; empty when there is none."""
        try:
            line = self.lines[self.keys.index(key)]
        except ValueError:
            return b""
        return line.partition(b":")[2].strip()

    def values(self, key: bytes) -> list[bytes]:
        """The value of each such field, a list in one of them left whole."""
        match self.keys.count(key):
            case 0:
                return []
            case 1:
                return [self.first(key)]
        return [
            line.partition(b":")[2].strip() for each, line in zip(self.keys, self.lines, strict=True) if each == key
        ]

    def all(self, key: bytes) -> list[bytes]:
        """All such fields' values, one by one, also those that share a line."""
        return [item for value in self.values(key) for item in grammar.items(value)]

    def _joined(self, head: list[bytes]) -> bytes:
        return b"\r\n".join(head) + b"\r\n\r\n" + self.body


class Request(Message):
    """A well-formed request."""

    __slots__ = ("call_id", "called", "caller", "method", "number", "uri")

    method: bytes
    uri: bytes
    call_id: bytes
    number: int
    """Of the CSeq."""
    caller: Address
    """From."""
    called: Address
    """To."""

    @property
    def size(self) -> int:
        """Bytes, as it came."""
        return len(self.start) + sum(map(len, self.lines)) + 2 * len(self.lines) + 4 + len(self.body)

    @property
    def max_forwards(self) -> int:
        """How many hops are left before us; 70 when nothing is said."""
        return int(self.first(b"max-forwards") or 70)

    def fingerprint(self, port: int) -> bytes:
        """What this request, from this port, has in common with nothing but its repeats."""
        whole = b"\r\n".join([b"%d" % port, self.start, *self.lines, b"", self.body])
        return blake2b(whole, digest_size=16).digest()

    def stamped(self, host: str, port: int) -> bytes:
        """The topmost Via line, saying where the request really came from (section 18.2.1, RFC 3581)."""
        line = self.lines[self.keys.index(b"via")]
        asked = grammar.param(self.via.params, b"rport") is not None
        if not asked and self.via.host == host.encode() and b"received" not in self.via.params:
            return line
        first, *others = grammar.items(line.partition(b":")[2].strip())
        first = _RECEIVED.sub(b"", _RPORT.sub(b";rport=%d" % port, first))
        first = first.rstrip(b"; \t\r\n")  # some end their Via with a semicolon
        return b"Via: " + b", ".join([first + b";received=" + host.encode(), *others])

    def passed_on(
        self, top: list[bytes], via_line: bytes, *, uri: bytes = b"", routes: list[bytes] | None = None
    ) -> bytes:
        """The bytes for the next hop: as they came, but for what is named in section 16.6.

        Args:
            top: whole header lines to put on top (our Via, Record-Route, own fields).
            via_line: what the so far topmost Via line becomes.
            uri: the new Request-URI, if it changes.
            routes: Route values that stay.
        """
        head = [self.method + b" " + uri + b" SIP/2.0" if uri else self.start, *top]
        hops = self.max_forwards - 1
        if b"max-forwards" not in self.keys:
            head.append(b"Max-Forwards: 70")
        head += [b"Route: " + route for route in routes or ()]
        first_via = True
        for key, line in zip(self.keys, self.lines, strict=True):
            if key == b"via" and first_via:
                head.append(via_line)
                first_via = False
            elif key == b"max-forwards":
                head.append(b"Max-Forwards: %d" % hops)
            elif key not in {b"route", OURS}:
                head.append(line)
        return self._joined(head)

    def answered(self, status: int, reason: bytes, via_line: bytes, tag: bytes, more: list[bytes]) -> bytes:
        """An answer to it without a body (section 8.2.6)."""
        head = [b"SIP/2.0 %d %b" % (status, reason)]
        wanted = set(ANSWER_NEEDS)
        first_via = True
        for key, line in zip(self.keys, self.lines, strict=True):
            if key == b"via":
                head.append(via_line if first_via else line)
                first_via = False
            elif key in wanted:
                wanted.remove(key)
                head.append(line if key != b"to" or self.called.tag else line + b";tag=" + tag)
        head += more
        head.append(b"Content-Length: 0\r\n\r\n")
        return b"\r\n".join(head)


class Response(Message):
    """A well-formed response."""

    __slots__ = ("method", "status")

    status: int
    method: bytes
    """Of the CSeq."""

    def passed_back(self, more: Iterable[bytes] = ()) -> bytes | None:
        """The bytes for the hop before us: without the topmost Via; None when it was the only one.

        Args:
            more: own header lines; whatever came under our names is dropped.
        """
        at = self.keys.index(b"via")
        values = grammar.items(self.lines[at].partition(b":")[2].strip())
        if len(values) > 1:
            rest = [b"Via: " + b", ".join(values[1:])]
        elif b"via" in self.keys[at + 1 :]:
            rest = []
        else:
            return None
        head = [self.start, *self.lines[:at], *rest, *self.lines[at + 1 :]]
        if OURS in self.keys:
            mine = {line for key, line in zip(self.keys, self.lines, strict=True) if key == OURS}
            head = [line for line in head if line not in mine]
        return self._joined([*head, *more])


def is_keepalive(data: bytes) -> bool:
    """Nothing but line ends or zeros: a telephone holding its way through a router open."""
    return not data.strip(b"\r\n\0")


def parse(data: bytes) -> Request | Response | Garbled:
    """Take one message apart; `data` is a datagram, or what a stream's framing cut out."""
    head, end, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    ends = head.count(b"\r\n")
    if len(head) > LONGEST_HEAD or ends > MOST_LINES:
        return _too_long(head)
    if head.count(b"\n") != ends or head.count(b"\r") != ends:
        return Garbled("a bare line end in the head")
    if b"\0" in head:
        return Garbled("a zero byte in the head")
    start, *lines = head.split(b"\r\n")
    if b"\r\n " in head or b"\r\n\t" in head:
        lines = unfolded(lines)
    keys = names(lines)
    trouble = "" if end else "no end of the head"
    if end and b"" in keys:
        trouble = "a header line that is none"
    elif len(set(keys)) < len(keys) and any(keys.count(key) > 1 for key in ONCE):
        trouble = "a field twice that may stand once"
    message = _started(start, keys, lines)
    if isinstance(message, Garbled):
        return message
    return _checked(message, body, trouble)


def _started(start: bytes, keys: list[bytes], lines: list[bytes]) -> Request | Response | Garbled:
    """Read the start line and the topmost Via; without one that can at least be mended nobody can be answered."""
    top = next((line for key, line in zip(keys, lines, strict=True) if key == b"via"), b"")
    via = grammar.via(_first_item(top.partition(b":")[2])) if top else None
    if start.startswith(b"SIP/2.0 "):
        status = start[8:11]
        if via is None or not status.isdigit() or start[11:12] not in {b" ", b""} or not 100 <= int(status) <= 699:
            return Garbled("a status line or a Via that is none")
        if not _others_can_be_read(keys, lines):
            return Garbled("a second Via that is none")
        response = Response(start, keys, lines, b"", via)
        response.status = int(status)
        return response
    words = start.split(b" ")
    trouble = "" if via else "a Via that is none"
    if via is None:
        mended = grammar.mended_via(top.partition(b":")[2])
        via = grammar.via(mended)
        if via is None:
            return Garbled("no Via that can be read")
        at = keys.index(b"via")
        lines = [*lines[:at], b"Via: " + mended, *lines[at + 1 :]]
    request = Request(start, keys, lines, b"", via)
    request.method = words[0]
    request.uri = words[1] if len(words) > 1 else b""
    request.call_id = request.first(b"call-id")
    request.number = 0
    request.caller = request.called = Address(b"", b"")
    if words[-1] != b"SIP/2.0" and words[-1].startswith(b"SIP/"):
        return Garbled("another version of SIP", 505, request)
    if len(words) != 3 or words[-1] != b"SIP/2.0" or grammar.TOKEN.match(request.method) is None:
        return Garbled("a request line that is none", 400, request)
    several = b"," in top or keys.count(b"via") > 1
    if not trouble and several and not _others_can_be_read(keys, lines):
        trouble = "a second Via that is none"
    return Garbled(trouble, 400, request) if trouble else request


def _others_can_be_read(keys: list[bytes], lines: list[bytes]) -> bool:
    """Will the Vias below the topmost, by which answers go on, say where to?"""
    values = [
        item
        for key, line in zip(keys, lines, strict=True) if key == b"via"
        for item in grammar.items(line.partition(b":")[2].strip()) or [b""]
    ]  # fmt: skip
    return all(grammar.via(value) is not None for value in values[1:])


def _first_item(value: bytes) -> bytes:
    return next(iter(grammar.items(value.strip())), b"")


def _too_long(head: bytes) -> Garbled:
    """Somebody may have been at it in good faith, so there is an answer, if what it needs stands near the beginning."""
    start, *lines = head.split(b"\r\n", MOST_LINES + 1)[: MOST_LINES + 1]
    reason, status = ("a number that is too long", 414) if len(start) > LONGEST_HEAD // 2 else (TOO_LONG, 513)
    if any(forbidden in line for line in lines for forbidden in (b"\r", b"\n", b"\0")):
        return Garbled(reason, status)
    keys = names(lines)
    message = _started(start, keys, lines)
    repeated = sum(len(line) for key, line in zip(keys, lines, strict=True) if key == b"via" or key in ANSWER_NEEDS)
    if not isinstance(message, Request) or not ANSWER_NEEDS.issubset(keys) or repeated > LONGEST_HEAD - 1024:
        return Garbled(reason, status)
    numbered = grammar.cseq(message.first(b"cseq"))
    message.number = numbered[0] if numbered else 0
    return Garbled(reason, status, message)


def _checked(message: Request | Response, body: bytes, trouble: str) -> Request | Response | Garbled:
    """The message with its mandatory fields read and its body cut to length, or what is wrong with it."""
    request = message if isinstance(message, Request) else None
    numbered = grammar.cseq(message.first(b"cseq"))
    if numbered is not None and request is not None:
        request.number = numbered[0]
    trouble = trouble or _cut(message, body)
    if numbered is None:
        trouble = trouble or "no CSeq that can be read"
    elif isinstance(message, Response):
        message.method = numbered[1]
    else:
        trouble = trouble or _addressed(message, numbered[1])
    return Garbled(trouble, 400, request) if trouble else message


def _cut(message: Message, body: bytes) -> str:
    """Give the message so much body as it says it has (section 18.3)."""
    said = message.first(b"content-length")
    if b"content-length" in message.keys:
        if not said.isdigit() or len(said) > 9 or int(said) > len(body):
            return "a Content-Length that is not true"
        body = body[: int(said)]
    message.body = body
    return ""


def _addressed(request: Request, method: bytes) -> str:
    caller = grammar.address(request.first(b"from"))
    called = grammar.address(request.first(b"to"))
    if called is not None:
        request.called = called
    if caller is not None:
        request.caller = caller
    if caller is None or called is None or not request.call_id:
        return "no From, To or Call-ID that can be read"
    if method != request.method:
        return "a CSeq of another method"
    if b"max-forwards" in request.keys:
        hops = request.first(b"max-forwards")
        if not hops.isdigit() or len(hops) > 9 or int(hops) > 255:
            return "a Max-Forwards that is none"
    target = request.uri
    if not grammar.well_formed(target):
        return "a Request-URI that is none"
    uri = grammar.sip_uri(target)
    return "a Request-URI with headers" if uri is not None and uri.headers else ""
