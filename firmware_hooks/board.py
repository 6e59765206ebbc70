"""The panel of the box: what is wired to it, and a stand-in where there are no pins."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from appliance.calls.commands import ShowEncrypted, ShowLamp
from appliance.calls.names import Extension
from firmware_hooks.hook import HookEvent, HookSettings, Pin
from firmware_hooks.lamps import Lamps, Panelled

log = logging.getLogger("qendra.hooks")


class BoardFault(Exception):
    """The wiring in the site file does not fit the board; names the pin and what is wired to it."""


@dataclass(frozen=True, slots=True)
class LampSettings:
    """What the installer has wired to which pin."""

    lamps: tuple[tuple[Extension, Pin], ...] = ()
    buzzer: Pin | None = None
    hook: HookSettings | None = None
    factory: Literal["auto", "mock", "none"] = "auto"
    """`mock` gives pins in software, for demo and tests; `none` touches no pin whatever is wired."""
    encrypted: tuple[tuple[Extension, Pin], ...] = ()
    """Lamps that are lit while the whole of an operator's call is encrypted."""

    @property
    def wires_nothing(self) -> bool:
        """Whether there is no need to look for pins."""
        return not self.lamps and not self.encrypted and self.buzzer is None and self.hook is None


class Panel(Protocol):
    """The lamps and the buzzer, as the desk and the page see them."""

    def handle(self, command: Panelled) -> None:
        """Show it. Returns at once."""

    def state(self) -> dict[str, str]:
        """Each lamp by extension (`encrypted 101` those of encryption, and `buzzer`), with the name of the pattern it shows."""

    def close(self) -> None:
        """All dark and let go; nothing is reported afterwards."""


class NullPanel:
    """A panel without pins: knows what its lamps would show."""

    def __init__(self, settings: LampSettings) -> None:
        self._lamps = Lamps(())
        for extension, _ in settings.lamps:
            self.handle(ShowLamp(extension, "off"))
        for extension, _ in settings.encrypted:
            self.handle(ShowEncrypted(extension, on=False))

    def handle(self, command: Panelled) -> None:
        """See `Panel`."""
        self._lamps.handle(command, 0.0)

    def state(self) -> dict[str, str]:
        """See `Panel`."""
        return self._lamps.state()

    def close(self) -> None:
        """See `Panel`."""


Report = Callable[[HookEvent], None]
"""Called from the panel's thread: hand the event over to your own and return."""


def open_panel(
    settings: LampSettings, run_folder: Path, report: Report = lambda _: None, *, devices: Path = Path("/dev")
) -> Panel:
    """Take the pins, or go on without any: a box without GPIO is a box, and says so in one line of the log.

    `run_folder` is where lgpio may put its pipes (it would use the current directory); `devices` is where the kernel
    shows its GPIO chips.

    Raises:
        BoardFault: there are pins, but the wiring asks for one that is not there or is taken.
    """
    if settings.wires_nothing or settings.factory == "none":
        log.info("No lamps are used on this box; the page shows them.")
        return NullPanel(settings)
    # Five megabytes and a tenth of a second of gpiozero, which a box without wires does not need.
    from firmware_hooks.pins import GpioPanel, NoPins, mock_pins, real_pins  # noqa: PLC0415

    try:
        factory = mock_pins() if settings.factory == "mock" else real_pins(run_folder, devices)
    except NoPins as why:
        log.warning("Lamps, buzzer and hook switch are off: %s. The page shows the lamps.", why)
        return NullPanel(settings)
    return GpioPanel(settings, factory, report)
