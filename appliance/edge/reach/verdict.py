"""What is known of the way in, weighed: good, bad or unknown, with words that say whose side it is on and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.edge import Reach
from appliance.edge.flows import is_local, is_shared

LATELY = 3600.0
"""Seconds for which somebody who was heard from outside counts for more than what a name server says."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that a box can find out about this without help from outside."""

    name: str
    """As the owner entered it; empty: none."""
    addresses: tuple[str, ...] | None
    """Where it leads; None while it is being looked up."""
    silent: bool
    """No name server answers."""
    port: int
    """Of the router, for SIP over UDP."""
    own_port: int
    sound_ports: str
    """`10000-10999`."""
    box: str
    """Our own address, on the way out."""
    seen_at: tuple[str, ...]
    """Our public addresses as providers see them."""
    knocked: bool
    """What we sent to the public address came in at our door. False: it did not, or is still on its way."""
    heard_ago: float | None
    """Seconds since somebody outside was heard who is no provider, if ever."""
    stranded: str
    """A telephone outside the firm's network that is registered; empty: none."""


def weigh(found: Findings) -> tuple[Reach, str]:
    """The verdict and its words."""
    if not found.name:
        return _without_a_name(found)
    if found.addresses is None:
        return Reach.UNKNOWN, f"Looking up {found.name}."
    if not found.addresses:
        return _leads_nowhere(found)
    address = found.addresses[0]
    if is_shared(address):
        return Reach.BAD, (
            f"{found.name} leads to {address}, which your internet provider shares among many customers: nobody can come "
            "in by it. Ask them for a public address of your own."
        )
    if is_local(address):
        return Reach.BAD, (
            f"{found.name} leads to {address}, which is an address inside a network, not on the internet. It has to lead "
            "to the router's public address; if the router has none, ask your internet provider for one."
        )
    if found.knocked and address != found.box:
        return Reach.GOOD, f"{found.name} leads to the box: a test message came in through the router."
    if found.heard_ago is not None and found.heard_ago < LATELY:
        return _heard(found.heard_ago)
    if found.seen_at and not set(found.addresses) & set(found.seen_at):
        return Reach.BAD, (
            f"{found.name} leads to {address}, but providers see this firm at {found.seen_at[0]}. Bring the name up to "
            "date; if your address changes from time to time, let the router do it."
        )
    if found.heard_ago is not None:
        return _heard(found.heard_ago)
    return _not_to_be_seen(found, address)


def _heard(seconds: float) -> tuple[Reach, str]:
    return Reach.GOOD, f"Somebody outside the firm's network was heard {max(1, round(seconds / 60))} min ago."


def _without_a_name(found: Findings) -> tuple[Reach, str]:
    if found.stranded and is_local(found.box):
        return Reach.BAD, (
            f"A telephone outside the firm's network ({found.stranded}) has come in, but the box does not know its own public "
            "name, so the two would not hear each other. Enter the name or address that leads to your router."
        )
    return Reach.NOT_WANTED, "No public name is entered, so telephones outside the firm's network cannot be used."


def _leads_nowhere(found: Findings) -> tuple[Reach, str]:
    if found.silent:
        return Reach.UNKNOWN, (
            f"No name server answers, so nobody knows where {found.name} leads. Look at the internet connection."
        )
    return Reach.BAD, (
        f"There is no address for {found.name}. Look whether it is written right, and ask whoever keeps this name for you."
    )


def _not_to_be_seen(found: Findings, address: str) -> tuple[Reach, str]:
    if address == found.box:
        return Reach.UNKNOWN, (
            f"{address} is the box's own address, so only a telephone outside can try the way in. A firewall before the box "
            f"has to let in UDP port {found.port} and the UDP ports {found.sound_ports}."
        )
    return Reach.UNKNOWN, (
        f"{found.name} leads to {address}, but a test message sent there did not come in; some routers do not turn "
        f"round what comes from inside. The router has to forward UDP port {found.port} to {found.box}, port "
        f"{found.own_port}, and the UDP ports {found.sound_ports} to the same ports there. Then try with a telephone outside."
    )
