"""How a line is, in words its owner understands."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.events import LineChanged, LineState
from appliance.calls.names import LineId
from appliance.lines.reports import Registration

HOME, ROAMING, DENIED = 1, 5, 3
_NOTABLE = 7
"""Per cent the signal must move before it is told again."""


@dataclass(slots=True)
class Health:
    """What is known, and the sentence that follows from it. Trouble outweighs all."""

    line: LineId
    trouble: str = ""
    ready: bool = False
    """The modem is set up; a stumble does not change that, a restart does."""
    starting: str = "looking for the modem"
    operator: str = ""
    circuit: int | None = None
    """Status of +CREG."""
    packet: int | None = None
    """Status of +CEREG: a SIM for VoLTE only is registered here alone, and takes calls."""
    signal: int | None = None
    _told: LineChanged | None = None

    def note(self, registration: Registration) -> None:
        if registration.packet:
            self.packet = registration.status
        else:
            self.circuit = registration.status

    def forget_network(self) -> None:
        """After a restart of the modem nothing of it is known any more."""
        self.ready = False
        self.circuit = self.packet = self.signal = None
        self.operator = ""

    @property
    def registered(self) -> bool:
        return bool({HOME, ROAMING} & {self.circuit, self.packet})

    def news(self) -> LineChanged | None:
        """What is worth telling since it was last asked."""
        signal = self._steady_signal()
        state, words = self._state()
        if state is LineState.UP and signal is not None:
            words += f", signal {signal} %"
        change = LineChanged(self.line, state, words, signal if state is LineState.UP else None)
        if change == self._told:
            return None
        self._told = change
        return change

    def _state(self) -> tuple[LineState, str]:
        if self.trouble:
            return LineState.DOWN, self.trouble
        if not self.ready:
            return LineState.STARTING, self.starting
        if self.registered:
            words = "registered" if HOME in {self.circuit, self.packet} else "roaming"
            return LineState.UP, f"{words} at {self.operator}" if self.operator else words
        if DENIED in {self.circuit, self.packet}:
            return LineState.DOWN, "the network refuses this SIM card: ask its operator whether it is active"
        if self.starting:
            return LineState.STARTING, self.starting
        return LineState.DOWN, "no network: looking for one; if this lasts, check the antenna"

    def _steady_signal(self) -> int | None:
        told = self._told.signal if self._told else None
        if told is not None and self.signal is not None and abs(self.signal - told) < _NOTABLE:
            return told
        return self.signal
