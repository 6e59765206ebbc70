"""The pins themselves. Everything that touches them is done by one thread of its own, so the desk never waits for GPIO.

lgpio is taken where it is, else RPi.GPIO (boards before the Pi 5). gpiozero's own search is not used: on a machine without
pins it warns four times, and pigpio prints a banner. Programs may be started while the panel is open (they do not
inherit the pins); this process must not go on in a forked copy of itself.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gpiozero
from gpiozero.pins.mock import MockFactory, MockPWMPin

from firmware_hooks.board import BoardFault, LampSettings, Report
from firmware_hooks.hook import HookEvent, HookSwitch, Pin
from firmware_hooks.lamps import BUZZER, Lamps, Panelled, encryption_lamp

log = logging.getLogger("qendra.hooks")

FACTORIES = (("gpiozero.pins.lgpio", "LGPIOFactory"), ("gpiozero.pins.rpigpio", "RPiGPIOFactory"))

DIMMED_FROM = 0.5
"""A lamp that cannot be dimmed is lit from this level on."""


class NoPins(Exception):
    """This machine has no pins that could be used; says why in plain words."""


def mock_pins() -> Any:
    """Pins in software."""
    return MockFactory(pin_class=MockPWMPin)


def real_pins(run_folder: Path, devices: Path) -> Any:
    """The pins of this board, as gpiozero reaches them. Raises NoPins."""
    if not any(devices.glob("gpiochip*")):
        raise NoPins("this machine has no GPIO pins")
    os.environ["LG_WD"] = str(run_folder)
    reasons = []
    for module, name in FACTORIES:
        try:
            # lgpio moves the whole process to LG_WD when it is imported, and leaves it there.
            with contextlib.chdir(run_folder):
                return getattr(importlib.import_module(module), name)()
        except Exception as error:  # noqa: BLE001 - the common base of what the pin libraries raise
            reasons.append(f"{module.rpartition('.')[2]}: {error}")
    raise NoPins(f"the GPIO pins cannot be used ({'; '.join(reasons)})")


class GpioPanel:
    """Real pins, or gpiozero's mock ones."""

    def __init__(self, settings: LampSettings, factory: Any, report: Report) -> None:
        """Raises BoardFault; then no pin is held."""
        self._report = report
        self._devices: dict[str, Any] = {}
        self._silent: set[str] = set()
        self._factory = factory
        self._edges: list[tuple[float, bool]] = []
        self._hook: HookSwitch | None = None
        self._open = True
        self._wake = threading.Condition()
        """Guards what follows, and `_edges`, `_hook`, `_open`; never held while a pin is touched."""
        self._levels: dict[str, float] = {}
        try:
            self._take_pins(settings)
        except BaseException:
            self._let_go()
            raise
        self._lamps = Lamps(self._lit())
        self._thread = threading.Thread(target=self._work, name="gpio", daemon=True)
        self._thread.start()

    def handle(self, command: Panelled) -> None:
        """See `Panel`."""
        with self._wake:
            self._levels |= self._lamps.handle(command, _now())
            self._wake.notify()

    def state(self) -> dict[str, str]:
        """See `Panel`."""
        with self._wake:
            return self._lamps.state()

    def close(self) -> None:
        """See `Panel`."""
        with self._wake:
            self._open = False
            self._wake.notify()
        self._thread.join(timeout=2.0)
        self._let_go()

    # ---- at start and end

    def _take_pins(self, settings: LampSettings) -> None:
        taken: dict[Any, str] = {}
        for extension, pin in settings.lamps:
            if extension in self._devices:
                raise BoardFault(f"{extension} has two lamps; wire one pin, and both lamps to it.")
            self._devices[extension] = self._take(f"the lamp of {extension}", pin, taken, _lamp)
        for extension, pin in settings.encrypted:
            name = f"the encryption lamp of {extension}"
            self._devices[encryption_lamp(extension)] = self._take(name, pin, taken, _lamp)
        if settings.buzzer is not None:
            self._devices[BUZZER] = self._take("the buzzer", settings.buzzer, taken, _buzzer)
        if settings.hook is not None:
            name = f"the hook switch of {settings.hook.extension}"
            switch = self._devices["hook"] = self._take(name, settings.hook.pin, taken, _switch)
            switch.when_activated = lambda: self._edge(high=False)
            switch.when_deactivated = lambda: self._edge(high=True)
            self._hook = HookSwitch(settings.hook, _now(), high=not switch.value)

    def _take(self, name: str, pin: Pin, taken: dict[Any, str], device: Callable[[Any, Any], Any]) -> Any:
        try:
            found = self._factory.pin(pin)
            if found in taken:
                raise BoardFault(f"Pin {pin} is wired to {taken[found]} and to {name}.")
            taken[found] = name
            return device(pin, self._factory)
        except gpiozero.PinInvalidPin as error:
            raise BoardFault(f"Pin {pin}, wired to {name}, does not exist on this board.") from error
        except gpiozero.GPIOPinInUse as error:
            raise BoardFault(f"Pin {pin}, wired to {name}, is in use already.") from error
        except BoardFault:
            raise
        except Exception as error:
            raise BoardFault(f"Pin {pin}, wired to {name}, cannot be used: {error}") from error

    def _let_go(self) -> None:
        for device in self._devices.values():
            device.close()
        self._factory.close()

    def _lit(self) -> list[str]:
        return [name for name in self._devices if name != "hook"]

    # ---- in the panel's thread

    def _work(self) -> None:
        while True:
            with self._wake:
                if not self._open:
                    return
                levels, events = self._due(_now())
                if not levels and not events:
                    self._wake.wait(self._idle_seconds(_now()))
                    continue
            for lamp, level in levels.items():
                self._set(lamp, level)
            for event in events:
                self._tell(event)

    def _due(self, now: float) -> tuple[dict[str, float], list[HookEvent]]:
        levels = self._levels | self._lamps.tick(now)
        edges, self._levels, self._edges = self._edges, {}, []
        events: list[HookEvent] = []
        if self._hook is not None:
            for at, high in edges:
                events += self._hook.level(at, high=high)
            events += self._hook.tick(now)
        return levels, events

    def _idle_seconds(self, now: float) -> float | None:
        hook = self._hook.next_deadline() if self._hook is not None else None
        deadlines = [at for at in (self._lamps.next_deadline(), hook) if at is not None]
        return max(0.0, min(deadlines) - now) if deadlines else None

    def _set(self, lamp: str, level: float) -> None:
        device = self._devices[lamp]
        try:
            device.value = level if isinstance(device, gpiozero.PWMLED) else level >= DIMMED_FROM
        except Exception as error:  # noqa: BLE001 - the common base of what the pin libraries raise
            if lamp not in self._silent:
                self._silent.add(lamp)
                log.warning("%s does not work any more: %s", _name(lamp), error)

    def _tell(self, event: HookEvent) -> None:
        try:
            self._report(event)
        except Exception:
            log.exception("Nobody could be told: %s", event)

    # ---- in gpiozero's threads

    def _edge(self, *, high: bool) -> None:
        with self._wake:
            self._edges.append((_now(), high))
            self._wake.notify()


def _lamp(pin: Pin, factory: Any) -> Any:
    try:
        return gpiozero.PWMLED(pin, pin_factory=factory)
    except gpiozero.PinPWMUnsupported:
        return gpiozero.LED(pin, pin_factory=factory)


def _buzzer(pin: Pin, factory: Any) -> Any:
    return gpiozero.Buzzer(pin, pin_factory=factory)


def _switch(pin: Pin, factory: Any) -> Any:
    """The pull-up is the board's own and the switch goes to ground, so gpiozero calls low active."""
    return gpiozero.DigitalInputDevice(pin, pull_up=True, bounce_time=None, pin_factory=factory)


def _name(lamp: str) -> str:
    return "The buzzer" if lamp == BUZZER else f"The lamp of {lamp}"


def _now() -> float:
    return time.monotonic()  # noqa: TID251 - the driver is where the clock comes in
