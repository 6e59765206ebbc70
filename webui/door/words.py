"""Who was turned away and why, as people say it."""

from __future__ import annotations

from appliance.calls.edge import Refusal
from webui.heard import heard
from webui.language import N_, _

_REFUSALS: dict[str, str] = {
    Refusal.WRONG_PASSWORD.value: N_("wrong password"),
    Refusal.UNKNOWN_USER.value: N_("an extension that does not exist"),
    Refusal.STRANGER.value: N_("a call by somebody unknown"),
    Refusal.GARBLED.value: N_("messages no telephone sends"),
    Refusal.FLOOD.value: N_("too much at one time"),
    Refusal.BANNED.value: N_("came again while unheard"),
}


def refusal(why: str) -> str:
    """The reader's word for a reason."""
    return _(_REFUSALS[why]) if why in _REFUSALS else heard(why)


def who_from(source: str) -> str:
    """The address alone of `udp 203.0.113.9:5071`; the port says nothing to people."""
    address = source.rpartition(" ")[2]
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
