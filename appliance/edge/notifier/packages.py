"""The event packages we know, and what a telephone gets to read in each."""

from __future__ import annotations

from enum import StrEnum

from appliance.calls.edge import Lamp, LampState, Mailbox
from appliance.edge.notifier import bodies

State = Lamp | Mailbox


class Package(StrEnum):
    """A kind of thing that can be watched."""

    DIALOG = "dialog"
    """The busy lamp of a person or a queue (RFC 4235)."""
    MESSAGES = "message-summary"
    """The lamp that says that messages wait (RFC 3842)."""
    PRESENCE = "presence"
    """Can somebody be reached, and a few words about it (RFC 3856, RFC 3863)."""


CONTENT = {
    Package.DIALOG: b"application/dialog-info+xml",
    Package.MESSAGES: b"application/simple-message-summary",
    Package.PRESENCE: b"application/pidf+xml",
}
ALLOW_EVENTS = b"Allow-Events: " + ", ".join(Package).encode()


def seen(package: Package, state: State) -> object:
    """So much of the state as this package shows; while it stays equal there is nothing to tell."""
    match state:
        case Lamp() if package is Package.DIALOG:
            return state.state
        case _:
            return state


def unknown(package: Package, watched: bytes) -> State:
    """What is shown before the desk has said anything: all dark."""
    name = bodies.extension(watched)
    return Mailbox(name, 0) if package is Package.MESSAGES else Lamp(name, LampState.OFF)


def body(package: Package, state: State, entity: bytes, version: int) -> bytes:
    """The body of a NOTIFY.

    Args:
        package: decides on the format.
        state: what is so now; a `Mailbox` for `MESSAGES`, else a `Lamp`.
        entity: the SIP address that is watched, as the telephone wrote it.
        version: counts the bodies of a subscription, from 0.
    """
    match state:
        case Mailbox():
            return bodies.message_summary(state, entity)
        case Lamp() if package is Package.DIALOG:
            return bodies.dialog_info(state, entity, version)
        case Lamp():
            return bodies.presence(state, entity)
