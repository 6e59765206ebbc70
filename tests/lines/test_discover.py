"""Modems by what they say of themselves on USB."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from appliance.lines.discover import UsbPort, find, modems


@dataclass
class Port:
    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    location: str | None = None


def simcom(place: str, first: int, interfaces: tuple[int, ...] = (0, 1, 2, 3, 4)) -> list[UsbPort]:
    return [
        Port(f"/dev/ttyUSB{first + n}", 0x1E0E, 0x9001, "0123456789ABCDEF", f"{place}:1.{interface}")
        for n, interface in enumerate(interfaces)
    ]


def test_two_modems_are_told_apart_by_their_sockets() -> None:
    ports = [*simcom("1-1.3", 5), Port("/dev/ttyS0"), *simcom("1-1.2", 0)]
    found = modems(lambda: ports)
    assert [(one.place, one.at, one.sound) for one in found] == [
        ("1-1.2", "/dev/ttyUSB2", "/dev/ttyUSB4"),
        ("1-1.3", "/dev/ttyUSB7", "/dev/ttyUSB9"),
    ]
    assert [one.kind for one in found] == ["sim7600", "sim7600"]
    assert found[0].words == "SIM7600 at 1-1.2"


def test_an_address_finds_its_modem_again() -> None:
    ports = [*simcom("1-1.2", 0), *simcom("1-1.3", 5)]
    for modem in modems(lambda: ports):
        assert find(modem.address, "sim7600", lambda: ports) == modem
    for address in ("usb", "usb:1e0e:9001"):
        first = find(address, "sim7600", lambda: ports)
        assert first is not None
        assert first.place == "1-1.2"


@pytest.mark.parametrize("address", ["usb:1e0e:9001@1-9", "usb:2c7c:0125", "usb:nonsense"])
def test_what_is_not_there_is_not_found(address: str) -> None:
    assert find(address, "sim7600", lambda: simcom("1-1.2", 0)) is None


def test_a_modem_without_its_sound_port_says_so() -> None:
    [modem] = modems(lambda: simcom("1-1.2", 0, (0, 1, 2, 3)))
    assert (modem.sound, modem.words) == ("", "SIM7600 at 1-1.2, without its sound port")


def test_modems_that_cannot_be_driven_are_named_with_what_helps() -> None:
    ports = [
        Port("/dev/ttyUSB0", 0x1E0E, 0x9011, None, "1-1.2:1.0"),
        Port("/dev/ttyUSB1", 0x2C7C, 0x0125, None, "1-1.3:1.0"),
        Port("/dev/ttyUSB9", 0x0403, 0x6001, "FTDI", "1-1.4"),
    ]
    words = [(one.kind, one.words) for one in modems(lambda: ports)]
    assert words[0][0] == words[1][0] == ""
    assert "AT+CUSBPIDSWITCH=9001,1,1" in words[0][1]
    assert "Quectel" in words[1][1]
    assert len(words) == 2


def test_without_any_port() -> None:
    assert modems(list) == []
    assert find("usb", "sim7600", list) is None
