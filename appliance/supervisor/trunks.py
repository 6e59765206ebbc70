"""A line that is a provider, in the words of each who has to do with it: the edge, the engine, the switchboard."""

from __future__ import annotations

from dataclasses import replace

from appliance.calls.commands import DialLine
from appliance.calls.edge import Trunk, TrunkIs
from appliance.calls.engine import CallTrunk, TrunkAccount
from appliance.calls.events import LineChanged, LineRang, LineState
from appliance.calls.names import LineId
from appliance.supervisor.numbers import understood, written
from appliance.switchboard.settings import Provider, Settings


def providers(firm: Settings) -> dict[LineId, Provider]:
    """The lines that are no modems."""
    return {line.name: line.provider for line in firm.lines if line.provider is not None}


def trunk(name: LineId, provider: Provider, password: str) -> Trunk:
    """For the front door."""
    return Trunk(
        name=name,
        domain=provider.domain,
        proxy=provider.proxy,
        transport=provider.transport,
        user=provider.user,
        login=provider.login,
        password=password,
        registers=provider.registers,
        addresses=provider.addresses,
        expires=provider.expires,
        ping_seconds=provider.ping_seconds,
    )


def account(name: LineId, provider: Provider, password: str, state: TrunkIs | None) -> TrunkAccount:
    """For the engine. Until the front door has said how we are seen there, that is left open."""
    return TrunkAccount(
        name=name,
        domain=provider.domain,
        user=provider.user,
        login=provider.login,
        password=password,
        contact=state.contact if state else "",
        here=state.here if state else "",
        encryption=provider.encryption,
        caller_from=provider.caller_from,
        called_from=provider.called_from,
        shows_caller_by=provider.shows_caller_by,
    )


def call(command: DialLine, provider: Provider, firm: Settings, state: TrunkIs | None) -> CallTrunk:
    """A call out, with all numbers as the provider wants them. Emergency numbers go as they were dialled."""
    style, country = provider.numbers_as, firm.country
    urgent = command.number in firm.emergency_numbers
    return CallTrunk(
        leg=command.leg,
        line=command.line,
        number=command.number if urgent else written(command.number, style, country),
        caller=written(command.caller or provider.main_number, style, country),
        diverted_by=written(command.diverted_by, style, country),
        here=state.here if state else "",
    )


def rang(event: LineRang, provider: Provider, firm: Settings) -> LineRang:
    """A call in, with all numbers as the rest of the box writes them."""
    style, country = provider.numbers_as, firm.country
    return replace(
        event,
        caller=understood(event.caller, style, country),
        dialled=understood(event.dialled, style, country),
        diverted_by=understood(event.diverted_by, style, country),
    )


def changed(state: TrunkIs) -> LineChanged:
    """For the switchboard and the page."""
    return LineChanged(state.name, LineState.UP if state.up else LineState.DOWN, state.words)
