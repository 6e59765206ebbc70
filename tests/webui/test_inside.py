from __future__ import annotations

import pytest

from webui.answers import inside


@pytest.mark.parametrize("address", ["/", "/calls?text=%2B355", "/operators/101", "/logins/An na", "/calls?text=Čelik"])
def test_paths_of_the_box_are_gone_on_to(address: str) -> None:
    assert inside(address, "/otherwise") == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "calls",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "/\0/evil.example",
        " //evil.example",
    ],
)
def test_nothing_leads_elsewhere(address: str | None) -> None:
    assert inside(address, "/otherwise") == "/otherwise"
