"""The clock on the wall: the one place where the desk asks what time it is."""

from __future__ import annotations

import time

from appliance.calls.moment import Moment


def now() -> Moment:
    """This instant, on both clocks."""
    return Moment(time.monotonic(), time.time())


def moment_of(mono: float) -> Moment:
    """The instant of a monotonic second that another process of this machine has told, which lies in the past."""
    here = now()
    return here.after(min(0.0, mono - here.mono))
