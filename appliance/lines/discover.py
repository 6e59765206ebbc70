"""Which modems are plugged in, known by what they say of themselves on USB. ttyUSB numbers move; these do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from serial.tools import list_ports

from appliance.lines.maker import Maker
from appliance.lines.sim7600 import Sim7600

MAKERS: dict[str, Maker] = {"sim7600": Sim7600()}
"""What can be driven, by the `kind` of the line settings."""

_NOT_DRIVEN = {
    "1e0e:9011": "a SIM7600 in a composition without a sound port: AT+CUSBPIDSWITCH=9001,1,1 sets it right",
    "1e0e:9018": "a SIM7600 in a composition without a sound port: AT+CUSBPIDSWITCH=9001,1,1 sets it right",
    "2c7c:0125": "a Quectel EC25 or EG25: known, not driven yet",
    "12d1:1001": "a Huawei E1550 or like: known, not driven yet",
    "12d1:140c": "a Huawei E17xx: known, not driven yet",
    "12d1:1436": "a Huawei E1750: known, not driven yet",
    "12d1:14ac": "a Huawei E153Du: known, not driven yet",
    "12d1:1506": "a Huawei E171: known, not driven yet",
}


class UsbPort(Protocol):
    """What pyserial says of a port."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    location: str | None


@dataclass(frozen=True, slots=True)
class FoundModem:
    """One modem on USB."""

    kind: str
    """Of the line settings; empty when it cannot be driven."""
    usb: str
    """`1e0e:9001`."""
    place: str
    """The socket it is plugged into: `1-1.2`. `usb:1e0e:9001@1-1.2` in the settings names this modem for good."""
    serial: str
    at: str
    """Path of its AT port; empty when it has none."""
    sound: str
    """Path of its PCM port; empty when it has none."""
    words: str
    """For people: what it is and, when it cannot be used, why."""

    @property
    def address(self) -> str:
        """For the `at` of line settings."""
        return f"usb:{self.usb}@{self.place}"


def modems(comports: Callable[[], Iterable[UsbPort]] = list_ports.comports) -> list[FoundModem]:
    """All modems that are plugged in, known kinds only, in the order of their sockets. Takes some milliseconds."""
    together: dict[tuple[str, str], list[UsbPort]] = {}
    for port in comports():
        if port.vid is not None and port.pid is not None:
            usb = f"{port.vid:04x}:{port.pid:04x}"
            together.setdefault((_socket(port), usb), []).append(port)
    found = [_modem(place, usb, ports) for (place, usb), ports in sorted(together.items())]
    return [modem for modem in found if modem is not None]


def find(address: str, kind: str, comports: Callable[[], Iterable[UsbPort]] = list_ports.comports) -> FoundModem | None:
    """The modem that `usb`, `usb:1e0e:9001` or `usb:1e0e:9001@1-1.2` means, or None."""
    wanted, _, place = address.removeprefix("usb").removeprefix(":").partition("@")
    for modem in modems(comports):
        if modem.kind == kind and modem.at and wanted in {"", modem.usb} and place in {"", modem.place}:
            return modem
    return None


def _modem(place: str, usb: str, ports: list[UsbPort]) -> FoundModem | None:
    by_interface = {_interface(port): port.device for port in ports}
    serial = next((port.serial_number for port in ports if port.serial_number), "")
    for kind, maker in MAKERS.items():
        if usb in maker.usb:
            at, sound = by_interface.get(maker.at_interface, ""), by_interface.get(maker.sound_interface, "")
            missing = [what for what, path in (("AT", at), ("sound", sound)) if not path]
            words = f"{kind.upper()} at {place}" + (f", without its {' and '.join(missing)} port" if missing else "")
            return FoundModem(kind, usb, place, serial, at, sound, words)
    if usb in _NOT_DRIVEN:
        return FoundModem("", usb, place, serial, "", "", f"{_NOT_DRIVEN[usb]} (at {place})")
    return None


def _socket(port: UsbPort) -> str:
    """`1-1.2:1.4` is interface 4 of the device at 1-1.2."""
    return (port.location or "").partition(":")[0]


def _interface(port: UsbPort) -> int:
    last = (port.location or "").rpartition(".")[2] if ":" in (port.location or "") else ""
    return int(last) if last.isdecimal() else -1
