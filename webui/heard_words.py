"""Every sentence of the desk and its rooms that the page can say in other languages; see `heard`."""

from __future__ import annotations

from webui.language import N_

TEMPLATES: tuple[str, ...] = (
    # Why somebody is on a break.
    N_("short break"),
    N_("lunch"),
)
