"""Header lines and their names (RFC 3261 section 7.3)."""

from __future__ import annotations

from appliance.edge import grammar

OURS = b"x-qendra-"
"""What the edge tells the engine starts so; from outside such a field is dropped."""
ONCE = frozenset({b"from", b"to", b"call-id", b"cseq", b"max-forwards", b"content-length"})
"""Fields that may stand once."""
_COMPACT = {
    b"v": b"via", b"f": b"from", b"t": b"to", b"i": b"call-id", b"m": b"contact", b"l": b"content-length",
    b"c": b"content-type", b"s": b"subject", b"k": b"supported", b"e": b"content-encoding", b"u": b"allow-events",
    b"o": b"event", b"r": b"refer-to", b"x": b"session-expires", b"b": b"referred-by",
}  # fmt: skip
_known: dict[bytes, bytes] = {}


def names(lines: list[bytes]) -> list[bytes]:
    """The name of each header line, in lower case and long form; empty for a line that is none."""
    return [_known.get(line[: line.find(b":") + 1]) or _name(line) for line in lines]


def unfolded(lines: list[bytes]) -> list[bytes]:
    """Folded fields as one line each (section 7.3.1), with the fold still in it."""
    whole: list[bytes] = []
    for line in lines:
        if line[:1] in {b" ", b"\t"} and whole:
            whole[-1] += b"\r\n" + line
        else:
            whole.append(line)
    return whole


def _name(line: bytes) -> bytes:
    """The field's name as we know it; empty when the line has none."""
    written, colon, _ = line.partition(b":")
    name = written.rstrip(b" \t").lower()
    if not colon or grammar.TOKEN.match(name) is None:
        return b""
    known = OURS if name.startswith(OURS) else _COMPACT.get(name, name)
    if len(_known) < 512 and len(written) < 40:
        _known[written + colon] = known
    return known
