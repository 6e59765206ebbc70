"""What can be asked of an operator."""

from __future__ import annotations

from appliance.calls.events import OperatorWish
from webui.language import N_

REASONS = {"short": N_("short break"), "lunch": N_("lunch"), "training": N_("training"), "errand": N_("errand")}
"""Why somebody is on a break; kept in English, shown in the reader's language."""


def read_wish(sent: str) -> tuple[OperatorWish, str] | None:
    """`ready`, `logged out`, `paused` or `paused lunch` from a button; None when it is none of them."""
    if sent.startswith("paused "):
        reason = REASONS.get(sent.removeprefix("paused "))
        return None if reason is None else (OperatorWish.PAUSED, reason)
    try:
        return OperatorWish(sent), ""
    except ValueError:
        return None
