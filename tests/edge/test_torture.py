"""The messages of RFC 4475, each with the verdict it must get, as a datagram and as a stream.

They come from the address of a registered telephone, so that OPTIONS are answered at all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.edge.flows import Send
from appliance.edge.framing import Framer
from appliance.edge.message import Garbled, parse
from tests.edge.house import House, Phone, tcp, udp

FILES = Path(__file__).parent / "torture"
SILENCE = 0

# name: (answer to the datagram, what the stream framing makes of it: whole messages before the connection is broken
# off, or before it waits for more)
VERDICTS = {
    # 3.1.1 valid
    "wsinv": (481, 1),  # it has a To tag, so it claims a dialog that is none of ours
    "intmeth": (SILENCE, 1),  # valid by the letter; zero bytes are refused on purpose, and not repeated in an answer
    "esc01": (407, 1),
    "escnull": (401, 1),
    "esc02": (407, 1),  # a method that only looks like REGISTER
    "lwsdisp": (200, 1),
    "longreq": (407, 1),
    "dblreq": (401, 2),  # the second message is another one only in a stream
    "semiuri": (200, 1),
    "transports": (200, 1),
    "mpart01": (407, 1),
    "unreason": (SILENCE, 1),  # an answer to nothing we sent
    "noreason": (SILENCE, 1),
    # 3.1.2 invalid
    "badinv01": (SILENCE, 1),  # its Via names nobody to answer
    "clerr": (400, 0),
    "ncl": (400, 0),
    "scalar02": (400, 1),
    "scalarlg": (SILENCE, 1),
    "quotbal": (400, 1),
    "ltgtruri": (400, 1),
    "lwsruri": (400, 1),
    "lwsstart": (400, 1),
    "trws": (400, 1),
    "escruri": (400, 1),
    "baddate": (407, 1),  # nobody here looks at the Date
    "regbadct": (401, 1),  # its Contact is refused once it is known who asks: see test_registrar
    "badaspec": (400, 1),
    "baddn": (400, 1),
    "badvers": (SILENCE, 1),  # its Via is of another version as well
    "mismatch01": (400, 1),
    "mismatch02": (400, 1),
    "bigcode": (SILENCE, 1),
    # 3.2 and 3.3: transactions and applications
    "badbranch": (200, 1),
    "insuf": (400, 1),
    "unkscm": (416, 1),
    "novelsc": (416, 1),
    "unksm2": (401, 1),
    "bext01": (420, 1),
    "invut": (407, 1),  # bodies are the engine's business
    "regaut01": (401, 1),
    "multi01": (400, 1),
    "mcl01": (400, 0),
    "bcast": (SILENCE, 1),
    "zeromf": (483, 1),
    "cparam01": (401, 1),
    "cparam02": (401, 1),
    "regescrt": (401, 1),
    "sdp01": (407, 1),
    # 3.4 as RFC 2543 had it
    "inv2543": (407, 0),  # no Content-Length: good for a datagram, not for a stream
}
# The file lacks the line end that ends its head.
COMPLETED = {"baddn": b"\r\n"}


def message(name: str) -> bytes:
    return (FILES / f"{name}.dat").read_bytes() + COMPLETED.get(name, b"")


def test_every_message_has_a_verdict() -> None:
    assert {path.stem for path in FILES.glob("*.dat")} == set(VERDICTS)
    assert len(VERDICTS) == 49


@pytest.mark.parametrize("name", VERDICTS)
def test_as_a_datagram(name: str) -> None:
    house = House()
    Phone(house, "101", udp(9)).register()
    house.to_engine.clear()
    answers = [int(each.data[8:11]) for each in house.hear(message(name), udp(9)) if isinstance(each, Send)]
    expected = VERDICTS[name][0]
    assert answers == ([expected] if expected else [])
    assert house.to_engine == []
    assert house.proxy.counters.internal_errors == 0


@pytest.mark.parametrize("name", VERDICTS)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_in_a_stream(name: str, step: int) -> None:
    data = message(name)
    framer = Framer()
    pieces = [piece for at in range(0, len(data), step) for piece in framer.feed(data[at : at + step])]
    whole = [piece for piece in pieces if isinstance(piece, bytes)]
    assert len(whole) == VERDICTS[name][1]
    assert b"".join(whole) in data.replace(b"\r\n\r\n\r\nINVITE", b"\r\n\r\nINVITE")
    house = House()
    house.take(house.proxy.connected(tcp(9), house.now))
    for piece in pieces:
        if isinstance(piece, Garbled):
            house.take(house.proxy.broken(piece, tcp(9), house.now))
        elif isinstance(piece, bytes):
            house.hear(piece, tcp(9))
    assert house.to_engine == []
    assert house.proxy.counters.internal_errors == 0


def test_what_is_valid_is_read_as_it_is_meant() -> None:
    names = [name for name, (status, _) in VERDICTS.items() if status not in {400, SILENCE}]
    assert all(not isinstance(parse(message(name)), Garbled) for name in names)
    assert len(names) == 25
