"""Around everything the library calls: an exception that escaped would keep frames, and so calls, alive."""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Callable
from typing import ParamSpec

log = logging.getLogger("qendra.engine")

Arguments = ParamSpec("Arguments")


def guarded(callback: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """`callback` that never raises; what it would have raised is logged as text, so that no log record holds a frame."""

    @functools.wraps(callback)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:  # noqa: BLE001 (see above)
            log.error("in the library's callback %s: %s", callback.__qualname__, traceback.format_exc(limit=5))

    return wrapper
