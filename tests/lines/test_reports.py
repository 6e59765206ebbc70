"""Lines of modems, and what they mean."""

from __future__ import annotations

import random

import pytest

from appliance.lines import reports
from appliance.lines.reports import (
    CallBegan,
    CallerId,
    CallOver,
    CallRow,
    KeyHeard,
    ModemBooted,
    Registration,
    Report,
    Ringing,
    SimSaid,
)
from appliance.lines.sim7600 import Sim7600


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("RING", Ringing()),
        ("+CRING: VOICE", Ringing()),
        ('+CLIP: "+355672000001",145,"",,"",0', CallerId("+355672000001")),
        ('+CLIP: "355672000001",145,,,,0', CallerId("+355672000001")),
        ('+CLIP: "0672000001",129', CallerId("0672000001")),
        ('+CLIP: "",128,,,,1', CallerId("")),
        ('+CLIP: "Bank; rm -rf",208', CallerId("")),
        ('+CLCC: 4,1,4,0,0,"0672000001",128', CallRow(4, outgoing=False, status=4, voice=True, number="0672000001")),
        (
            '+CLCC: 3,0,2,0,0,"0672000001",129,"Ana"',
            CallRow(3, outgoing=True, status=2, voice=True, number="0672000001"),
        ),
        ("+CLCC: 1,1,6,0,0", CallRow(1, outgoing=False, status=6, voice=True)),
        ('+CLCC: 2,1,0,1,0,"",128', CallRow(2, outgoing=False, status=0, voice=False)),
        ("+CLCC: 1,0,9,0,0", None),
        ("+CLCC: 1,0", None),
        ("+CLCC:", None),
        ("NO CARRIER", CallOver("NO CARRIER")),
        ("BUSY", CallOver("BUSY")),
        ("NO ANSWER", CallOver("NO ANSWER")),
        ("+CREG: 2,1", Registration(packet=False, status=1)),
        ('+CREG: 2,5,"00C3","00A1B2C3",7', Registration(packet=False, status=5)),
        ('+CREG: 1,"00C3","00A1B2C3",7', Registration(packet=False, status=1)),
        ("+CREG: 3", Registration(packet=False, status=3)),
        ('+CEREG: 5,"00C3","00A1B2C3",7', Registration(packet=True, status=5)),
        ("+CREG: ?", None),
        ("+CPIN: SIM PIN", SimSaid("SIM PIN")),
        ("RDY", ModemBooted()),
        ("SMS DONE", None),
        ("+CMTI: ,-1", None),
        ("anything else", None),
    ],
)
def test_lines_of_every_modem(line: str, meaning: Report | None) -> None:
    assert reports.read(line) == meaning


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("VOICE CALL: BEGIN", CallBegan()),
        ("VOICE CALL: END: 000003", CallOver("VOICE CALL: END: 000003")),
        ("MISSED_CALL: 11:53AM +355672000001", CallOver("MISSED_CALL: 11:53AM +355672000001")),
        ("+RXDTMF: 5", KeyHeard("5")),
        ("+RXDTMF: #", KeyHeard("#")),
        ("+RXDTMF: a", KeyHeard("A")),
        ("+RXDTMF: 12", None),
        ("+RXDTMF:", None),
        ("RING", None),
    ],
)
def test_lines_of_the_sim7600(line: str, meaning: Report | None) -> None:
    assert Sim7600().read(line) == meaning


@pytest.mark.parametrize(
    ("line", "percent"),
    [("+CSQ: 21,99", 68), ("+CSQ: 31,0", 100), ("+CSQ: 0,0", 0), ("+CSQ: 99,99", None), ("+CSQ:", None)],
)
def test_signal(line: str, percent: int | None) -> None:
    assert reports.signal_percent(line) == percent


@pytest.mark.parametrize(
    ("line", "name"),
    [('+COPS: 0,0,"Vodafone AL",7', "Vodafone AL"), ('+COPS: 0,0,"One, Two",7', "One, Two"), ("+COPS: 0", "")],
)
def test_operator(line: str, name: str) -> None:
    assert reports.operator_name(line) == name


@pytest.mark.parametrize("seed", range(20))
def test_no_line_raises(seed: int) -> None:
    dice = random.Random(seed)
    heads = ["+CLCC:", "+CLIP:", "+CREG:", "+CEREG:", "+COPS:", "+CSQ:", "+RXDTMF:", "+CPIN:", "VOICE CALL:"]
    for _ in range(500):
        tail = "".join(dice.choice("0123456789,\":; -+'a٣²") for _ in range(dice.randrange(30)))
        line = dice.choice(heads) + tail
        reports.read(line)
        Sim7600().read(line)
        reports.signal_percent(line)
        reports.operator_name(line)
