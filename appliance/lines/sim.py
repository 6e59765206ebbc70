"""The SIM card of a GSM modem: waited for, and opened with its PIN, carefully."""

from __future__ import annotations

from collections.abc import Callable

from appliance.lines import reports
from appliance.lines.at import Command
from appliance.lines.health import Health
from appliance.lines.maker import Maker
from appliance.lines.talk import Asking, Procedure, ask, pause

BUSY = 14
BUSY_TRIES, BUSY_PAUSE = 30, 1.5
"""A modem that has just started says "SIM busy" for seconds."""
LOOK_AGAIN = 10.0
"""Seconds between two looks for a card that is missing, locked or blocked."""


class SimCard:
    """Says in `health` what keeps the card from being used, and what a person can do about it."""

    def __init__(self, pin: str, maker: Maker, health: Health) -> None:
        self._stored = pin
        self._pin = pin
        """Empty once it has been tried and refused."""
        self._maker = maker
        self._health = health

    def ready(self, waiting: Callable[[], None]) -> Procedure:
        """Wait until the SIM is ready, however long a person takes to put it in. `waiting` is called once it has been asked."""
        busy = 0
        while True:
            reply = yield from ask(Command("AT+CPIN?", prefix="+CPIN"))
            said = [reports.read(line) for line in reply.lines]
            words = said[0].words if said and isinstance(said[0], reports.SimSaid) else ""
            waiting()
            if words == "READY":
                return
            if words == "SIM PIN" and (yield from self._may_give_pin()):
                yield from self._give_pin()
                continue
            if reply.cme == BUSY and busy < BUSY_TRIES:
                busy += 1
                yield from pause(BUSY_PAUSE)
                continue
            if words != "SIM PIN":
                self._health.trouble = _sim_trouble(words, reply.cme)
            yield from pause(LOOK_AGAIN)

    def _may_give_pin(self) -> Asking[bool]:
        """Once in our life, and never the SIM's last try, so that the box cannot lock it however often it restarts."""
        if not self._stored:
            self._health.trouble = "the SIM card asks for its PIN: enter it in the line's settings"
            return False
        if not self._pin:
            self._health.trouble = "the SIM card refused the PIN: correct it in the line's settings"
            return False
        left = yield from self._maker.pin_tries_left()
        if left is not None and left < 2:
            self._health.trouble = "the SIM card's PIN has one try left: enter it by hand, in a telephone"
            return False
        return True

    def _give_pin(self) -> Procedure:
        pin, self._pin = self._pin, ""
        if not pin.isdecimal() or not pin.isascii():
            return
        reply = yield from ask(Command(f'AT+CPIN="{pin}"', 20.0, secret=True))
        if reply.ok:
            self._pin = pin
            yield from pause(1.0)


def _sim_trouble(words: str, cme: int | None) -> str:
    """What keeps the SIM from being used, and what a person can do about it."""
    match words:
        case "SIM PUK" | "SIM PUK2":
            return "the SIM card is blocked after wrong PINs: unblock it with its PUK, in a telephone"
        case "NOT READY":
            return "the SIM card is not ready"
        case str() if words:
            return f"the SIM card or modem is locked ({words}): ask whoever sold it"
    match cme:
        case 10:
            return "no SIM card in the modem: put one in"
        case 11:
            return "the SIM card asks for its PIN: enter it in the line's settings"
        case 12:
            return "the SIM card is blocked after wrong PINs: unblock it with its PUK, in a telephone"
        case 13 | 15:
            return "the modem cannot read the SIM card: take it out, wipe its contacts, put it back"
        case 14:
            return "the SIM card stays busy: wait, or restart the modem"
    return "the modem does not say how the SIM card is"
