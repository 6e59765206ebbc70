"""Bodies of NOTIFY, as desk phones understand them."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from appliance.calls.edge import Lamp, LampState, Mailbox
from appliance.calls.names import Extension

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NOTE = 80
"""Letters of a note; a telephone's display has room for fewer."""
_DIALOG = {LampState.OFF: "terminated", LampState.RINGING: "early", LampState.ON: "confirmed"}


def dialog_info(lamp: Lamp, entity: bytes, version: int) -> bytes:
    """The busy lamp (RFC 4235), always whole and always with one dialog of one id.

    Yealink leaves a key lit when the dialog that ended is not named again; Grandstream and Cisco look for the local
    identity, Snom for its target; a dialog that rings must say that it is called (`recipient`) to blink. There is no
    call-id in it: a telephone that found one would pick the call up by itself, with a Replaces nobody here answers to.
    """
    uri = _text(entity)
    watched = quoteattr(_clean(lamp.extension))
    direction = "" if lamp.state is LampState.OFF else ' direction="recipient"'
    return (
        f'{_XML}<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}" state="full" '
        f"entity={quoteattr(uri)}>\n"
        f"<dialog id={watched}{direction}>\n"
        f"<state>{_DIALOG[lamp.state]}</state>\n"
        f"<local>\n<identity display={watched}>{escape(uri)}</identity>\n<target uri={quoteattr(uri)}/>\n</local>\n"
        f"</dialog>\n</dialog-info>\n"
    ).encode()


def presence(lamp: Lamp, entity: bytes) -> bytes:
    """Presence (RFC 3863) with a note, and that somebody is busy where it is understood (RFC 4479, RFC 4480)."""
    uri, note = _text(entity), escape(_clean(lamp.note)[:_NOTE])
    said = f"<note>{note}</note>\n" if note else ""
    busy = "" if lamp.state is LampState.OFF else "<rpid:activities><rpid:busy/></rpid:activities>"
    return (
        f'{_XML}<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" '
        f'xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity={quoteattr(uri)}>\n'
        f'<tuple id="line">\n<status><basic>{"open" if lamp.open else "closed"}</basic></status>\n'
        f"<contact>{escape(uri)}</contact>\n{said}</tuple>\n{said}"
        f'<dm:person id="person">{busy}</dm:person>\n</presence>\n'
    ).encode()


def message_summary(mailbox: Mailbox, entity: bytes) -> bytes:
    """The message lamp (RFC 3842)."""
    waiting = "yes" if mailbox.new else "no"
    return (
        f"Messages-Waiting: {waiting}\r\nMessage-Account: {_text(entity)}\r\n"
        f"Voice-Message: {mailbox.new}/{mailbox.old} (0/0)\r\n"
    ).encode()


def extension(user: bytes) -> Extension:
    """A user part as the name it is."""
    return Extension(_text(user))


def _text(value: bytes) -> str:
    return _clean(value.decode("utf-8", "replace"))


def _clean(text: str) -> str:
    """Without what may not stand in XML, nor in a header-like line: control characters and halves of letters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
