"""The 49 messages of RFC 4475, what it says of each, and what our front door does with it, on every transport.

They are sent from the flow of a registered telephone, so that OPTIONS are answered at all. `first` is the answer to the
message as it stands in its file; `proved` what becomes of it once it carries the proof its challenge asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from appliance.edge.message import Response
from tests.edge.house import proof

FILES = Path(__file__).parent / "torture"

SILENCE = 0
PASSED = 1
"""It goes on to the engine, but for Via, Record-Route and Max-Forwards as it came."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of one message."""

    section: str
    """Of RFC 4475."""
    valid: bool
    rfc: str
    """What that section asks of an element that gets it, in short."""
    first: int
    """Status of the answer to it as a datagram or in a WebSocket frame, or SILENCE."""
    proved: int | None = None
    """Status of the answer when it comes with a proof, or PASSED; None: it does not get as far as that."""
    stream: tuple[int, ...] | None = None
    """Answers on a stream, where that cuts otherwise; None: as a datagram."""
    why: str = ""
    """Where we do otherwise than the section has it: the reason."""

    @property
    def on_stream(self) -> tuple[int, ...]:
        """Statuses of the answers on a stream, in order."""
        return self.stream if self.stream is not None else (self.first,) if self.first else ()


V = Verdict
VERDICTS = {
    # ---- 3.1.1 valid messages
    "wsinv": V("3.1.1.1", True, "folded and compact fields are read as they are meant", 481,
               why="it has a To tag, so it claims a call, and none of ours: read whole, and told so"),
    "intmeth": V("3.1.1.2", True, "every unusual character is allowed", SILENCE,
                 why="its zero byte, escaped in a quoted name, is refused on purpose: a parser in C behind us might end "
                     "the field there. An answer would have to repeat it, so there is none"),
    "esc01": V("3.1.1.3", True, "escaped user parts are passed on as they are", 407, PASSED),
    "escnull": V("3.1.1.4", True, "an escaped zero is part of a name", 401, 200),
    "esc02": V("3.1.1.5", True, "%-signs in method and field names are no escapes: this is no REGISTER", 407, 405),
    "lwsdisp": V("3.1.1.6", True, "no space is needed between name and <", 200),
    "longreq": V("3.1.1.7", True, "long values and many Vias are no fault", 407, PASSED),
    "dblreq": V("3.1.1.8", True, "what follows the message in its datagram is ignored", 401, 200, (401, 407)),
    "semiuri": V("3.1.1.9", True, "a semicolon may stand in the user part", 200),
    "transports": V("3.1.1.10", True, "transports we do not know are no fault in a Via", 200),
    "mpart01": V("3.1.1.11", True, "bodies in parts, with zeros in them, are passed on or refused as a method", 407, 405),
    "unreason": V("3.1.1.12", True, "a reason in any letters is no fault", SILENCE,
                  why="well-formed, but an answer to nothing we sent"),
    "noreason": V("3.1.1.13", True, "a reason may be empty", SILENCE,
                  why="well-formed, but an answer to nothing we sent"),
    # ---- 3.1.2 invalid messages
    "badinv01": V("3.1.2.1", False, "400", 400),
    "clerr": V("3.1.2.2", False, "400 over UDP; a stream waits for the rest", 400, stream=()),
    "ncl": V("3.1.2.3", False, "400, and a stream is given up", 400),
    "scalar02": V("3.1.2.4", False, "400", 400),
    "scalarlg": V("3.1.2.5", False, "the answer is dropped", SILENCE),
    "quotbal": V("3.1.2.6", False, "400", 400),
    "ltgtruri": V("3.1.2.7", False, "400", 400),
    "lwsruri": V("3.1.2.8", False, "400", 400),
    "lwsstart": V("3.1.2.9", False, "400", 400),
    "trws": V("3.1.2.10", False, "400", 400),
    "escruri": V("3.1.2.11", False, "400", 400),
    "baddate": V("3.1.2.12", False, "who does not look at the Date need not mind", 407, PASSED),
    "regbadct": V("3.1.2.13", False, "400, for it is not clear whose the question mark is", 401, 400),
    "badaspec": V("3.1.2.14", False, "400", 400),
    "baddn": V("3.1.2.15", False, "400", 400),
    "badvers": V("3.1.2.16", False, "505", 505),
    "mismatch01": V("3.1.2.17", False, "400", 400),
    "mismatch02": V("3.1.2.18", False, "400 or 501", 400),
    "bigcode": V("3.1.2.19", False, "the answer is dropped", SILENCE),
    # ---- 3.2 transactions
    "badbranch": V("3.2.1", True, "a branch of the cookie alone is matched as RFC 2543 had it", 200),
    # ---- 3.3 applications
    "insuf": V("3.3.1", False, "400", 400),
    "unkscm": V("3.3.2", True, "416", 416),
    "novelsc": V("3.3.3", True, "416", 416),
    "unksm2": V("3.3.4", True, "no address of ours: refused", 401, 403),
    "bext01": V("3.3.5", True, "420, naming what a proxy is asked to support", 420),
    "invut": V("3.3.6", True, "a proxy passes on a body it does not know", 407, PASSED),
    "regaut01": V("3.3.7", True, "an authorization scheme nobody knows is no authorization", 401, 200),
    "multi01": V("3.3.8", False, "400", 400),
    "mcl01": V("3.3.9", False, "400, and a stream is given up", 400),
    "bcast": V("3.3.10", True, "nothing is sent to the second Via's broadcast address", SILENCE),
    "zeromf": V("3.3.11", True, "483 by a proxy", 483),
    "cparam01": V("3.3.12", True, "the parameter belongs to the field, not to the address", 401, 200),
    "cparam02": V("3.3.13", True, "the parameter belongs to the address", 401, 200),
    "regescrt": V("3.3.14", True, "a Contact may bear fields to be put into requests", 401, 200),
    "sdp01": V("3.3.15", True, "a proxy does not mind what is accepted in answers", 407, PASSED),
    # ---- 3.4 as RFC 2543 had it
    "inv2543": V("3.4.1", True, "good for a datagram; a stream needs a Content-Length", 407, PASSED, (400,)),
}  # fmt: skip
del V


def message(name: str) -> bytes:
    """The message as its file has it."""
    return (FILES / f"{name}.dat").read_bytes()


def caller_of(name: str) -> str:
    """Who has to prove themselves for it: of a REGISTER the one it is for."""
    found = re.search(rb"^(?:To|t)\s*:[^\r\n]*?sip:([^@>\r\n]+)@", message(name), re.MULTILINE | re.IGNORECASE)
    is_register = message(name).startswith(b"REGISTER ")
    return found[1].decode() if is_register and found else "101"


def with_proof(name: str, challenge: Response) -> bytes:
    """The message with an answer to the challenge on top, from whoever it takes."""
    data = message(name)
    start, _, rest = data.partition(b"\r\n")
    method, uri, _ = start.split(b" ")
    user = caller_of(name)
    return start + b"\r\n" + proof(challenge, method, uri, user, "pw" + user) + b"\r\n" + rest
