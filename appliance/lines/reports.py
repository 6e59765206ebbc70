"""What modems say unasked, and the lines of their answers, in words (3GPP 27.007)."""

from __future__ import annotations

import csv
from dataclasses import dataclass

_NUMBER_SIGNS = frozenset("0123456789*#+")


@dataclass(frozen=True, slots=True)
class Ringing:
    """RING, once per ring."""


@dataclass(frozen=True, slots=True)
class CallerId:
    """+CLIP; the number is empty when withheld."""

    number: str


@dataclass(frozen=True, slots=True)
class CallRow:
    """+CLCC, one call of the modem."""

    ACTIVE, HELD, DIALLING, ALERTING, INCOMING, WAITING, RELEASED = range(7)

    index: int
    outgoing: bool
    status: int
    voice: bool
    """EC20 lists its data connection too."""
    number: str = ""


@dataclass(frozen=True, slots=True)
class CallBegan:
    """The call is connected."""


@dataclass(frozen=True, slots=True)
class CallOver:
    """A call is over, without saying which: one call may be ended by several of these."""

    word: str


@dataclass(frozen=True, slots=True)
class KeyHeard:
    """The modem has heard a DTMF key."""

    key: str


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the modem stands with the network; `packet` on LTE (+CEREG), else +CREG."""

    packet: bool
    status: int


@dataclass(frozen=True, slots=True)
class SimSaid:
    """`READY`, `SIM PIN`, `NOT READY`, …"""

    words: str


@dataclass(frozen=True, slots=True)
class ModemBooted:
    """The modem has just started, by itself or because it was told to."""


Report = Ringing | CallerId | CallRow | CallBegan | CallOver | KeyHeard | Registration | SimSaid | ModemBooted


def read(line: str) -> Report | None:
    """The meaning of a line that every GSM modem may say, or None."""
    match line:
        case "RING":
            return Ringing()
        case "NO CARRIER" | "BUSY" | "NO ANSWER" | "NO DIALTONE":
            return CallOver(line)
        case "RDY" | "START":
            return ModemBooted()
    head, _, rest = line.partition(":")
    match head:
        case "+CRING":
            return Ringing()
        case "+CLIP":
            return caller_id(rest)
        case "+CLCC":
            return call_row(line)
        case "+CREG" | "+CEREG":
            return registration(line)
        case "+CPIN":
            return SimSaid(rest.strip())
    return None


def fields(text: str) -> list[str]:
    """The comma-separated values of an answer, without their quotes."""
    return [value.strip() for value in next(csv.reader([text.strip()], skipinitialspace=True), [])]


def caller_id(text: str) -> CallerId:
    """`"+355…",145,…`."""
    values = fields(text)
    return CallerId(number(values[0] if values else "", values[1] if len(values) > 1 else ""))


def call_row(line: str) -> CallRow | None:
    """`+CLCC: idx,dir,stat,mode,mpty[,"number",type]`; None when it is not one."""
    values = fields(line.partition(":")[2])
    if len(values) < 4 or not all(value.isdecimal() for value in values[:4]):
        return None
    index, direction, status, mode = (int(value) for value in values[:4])
    if not 0 <= status <= CallRow.RELEASED:
        return None
    called = number(values[5], values[6] if len(values) > 6 else "") if len(values) > 5 else ""
    return CallRow(index, direction == 0, status, mode == 0, called)


def registration(line: str) -> Registration | None:
    """Of a query (`n,stat[,"lac"…]`) or unasked (`stat[,"lac"…]`): the first quoted field tells them apart."""
    head, _, rest = line.partition(":")
    values = rest.strip().split(",")
    asked = len(values) > 1 and not values[1].strip().startswith('"')
    status = values[1 if asked else 0].strip()
    return Registration(head == "+CEREG", int(status)) if status.isdecimal() else None


def number(digits: str, kind: str) -> str:
    """A telephone number as received; one of the international kind (145) gets its plus; a name is no number."""
    if not set(digits) <= _NUMBER_SIGNS or len(digits) > 40:
        return ""
    return f"+{digits}" if kind == "145" and digits and not digits.startswith("+") else digits


def signal_percent(line: str) -> int | None:
    """`+CSQ: r,ber`: 0…31 as per cent; None when the modem does not know (99)."""
    strength = fields(line.partition(":")[2])[:1]
    if not strength or not strength[0].isdecimal() or int(strength[0]) > 31:
        return None
    return round(int(strength[0]) * 100 / 31)


def operator_name(line: str) -> str:
    """`+COPS: 0,0,"Vodafone AL",7`; empty when there is none."""
    values = fields(line.partition(":")[2])
    return values[2][:40] if len(values) > 2 else ""
