from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from appliance.supervisor import network
from appliance.supervisor.network import Port, free_loopback_ports, lan_address, signs_of_life, why_not


def port(kind: str, number: int, address: str = "127.0.0.1") -> Port:
    return Port("udp" if kind == "udp" else "tcp", address, number, "telephones", "--sip-port")


@pytest.mark.parametrize(("kind", "type_"), [("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM)])
def test_a_taken_port_is_named_with_who_has_it(kind: str, type_: int) -> None:
    with socket.socket(socket.AF_INET, type_) as other:
        other.bind(("127.0.0.1", 0))
        if kind == "tcp":
            other.listen()
        number = other.getsockname()[1]
        words = why_not(port(kind, number))
        name = Path("/proc/self/comm").read_text(encoding="ascii").strip()
        assert words == (
            f"Port {number} ({kind.upper()}, for telephones) is taken by {name} (process {os.getpid()}). "
            "Stop that program, or choose another port with --sip-port."
        )
    assert why_not(port(kind, number)) == ""


def test_a_tcp_port_whose_last_connection_lingers_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", number))
        server.accept()[0].close()
        client.close()
    assert why_not(port("tcp", number)) == ""


def test_an_address_of_another_machine() -> None:
    assert why_not(port("udp", 5060, "192.0.2.77")).startswith("192.0.2.77 is not an address of this machine.")


def test_only_private_addresses_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_toward_outside", lambda: "203.0.113.5")
    monkeypatch.setattr(network, "_of_interfaces", lambda: iter(["127.0.0.1", "203.0.113.5", "172.20.3.4", "10.1.1.1"]))
    assert lan_address() == "172.20.3.4"
    monkeypatch.setattr(network, "_toward_outside", lambda: "192.168.1.10")
    assert lan_address() == "192.168.1.10"
    monkeypatch.setattr(network, "_toward_outside", lambda: "")
    monkeypatch.setattr(network, "_of_interfaces", lambda: iter(["127.0.0.1", "172.32.0.1"]))
    assert lan_address() == "127.0.0.1"


def test_this_machines_own_interfaces_are_read() -> None:
    assert "127.0.0.1" in list(network._of_interfaces())


def test_inside_ports_are_free_different_and_outside_the_sound_ports() -> None:
    keep_off = range(32768, 46000)
    numbers = free_loopback_ports(2, keep_off)
    assert len(set(numbers)) == 2
    assert not set(numbers) & set(keep_off)


def test_signs_of_life_are_seen_without_touching_the_server(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(path))
        assert f"unix {path}" not in signs_of_life(), "bound is not listening"
        server.listen()
        server.settimeout(5)
        assert f"unix {path}" in signs_of_life()
        assert f"client {path}" not in signs_of_life()
        client.connect(str(path))
        server.accept()[0].close()
        with socket.socket(socket.AF_UNIX) as another:
            another.connect(str(path))
            met, _ = server.accept()
            assert f"client {path}" in signs_of_life()
            met.close()
    assert f"unix {path}" not in signs_of_life()
