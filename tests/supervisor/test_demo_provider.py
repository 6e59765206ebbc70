"""The demo's line to a provider; that it registers and carries calls is a journey."""

from __future__ import annotations

from appliance.supervisor.demo_provider import LINE, LOOPBACK, with_line
from appliance.supervisor.site import load
from appliance.switchboard.checking import check


def test_the_line_is_there_once_whatever_its_port() -> None:
    firm = with_line(with_line(load(None).settings, 1024), 2048)
    assert [line.name for line in firm.lines] == ["gsm1", LINE]
    provider = firm.lines[1].provider
    assert provider is not None
    assert provider.proxy == f"{LOOPBACK}:2048"
    assert check(firm) == []
