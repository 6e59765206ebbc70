"""Everything a view may need, in one place: `house()` inside a request."""

from __future__ import annotations

from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, cast

from flask import current_app

from webui.archive import Archive
from webui.config import WebConfig
from webui.desk import Desk, Firm
from webui.limits import Limits
from webui.logins import Logins

if TYPE_CHECKING:
    from webui.today.office import Office


@dataclass(frozen=True)
class House:
    """What `create_app` was given, and what lives as long as the process."""

    desk: Desk
    archive: Archive
    config: WebConfig
    firm: Firm
    logins: Logins
    limits: Limits
    office: Office
    streams: BoundedSemaphore
    """One for each live page that may be open at one time."""


def house() -> House:
    """The house of the application that serves this request."""
    return cast("House", current_app.extensions["qendra"])
