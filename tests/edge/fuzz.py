"""`python -m tests.edge.fuzz SECONDS [FOLDER]`: the coverage-guided fuzzer (atheris) at parser and router.

Starts from the good stories, the messages of RFC 4475 and `tests/edge/corpus`; what it finds anew goes to FOLDER, where
it is kept. Ends with 0 when nothing was found; else the input stands in FOLDER as `crash-…`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["appliance.edge"]):
    from tests.edge.fuzzing import NEXT, WAYS, Story, good_stories

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
LONGEST = 20_000
WORDS = (
    b"\r\n", b"\r", b"\n", b"\0", b";", b",", b"<", b">", b'"', b"\\", b"@", b"%00", b"\xff", b"\r\n ", b";tag=", b";branch=z9hG4bK",
    b";rport", b";received=", b";expires=0", b";lr", b";ob=", b"99999999999", b"-1", b"sip:", b"sips:", b"tel:", b"*", b"[::1]",
    b"Via: SIP/2.0/UDP h;branch=z9hG4bKa", b"v:", b"m:", b"Content-Length: 7", b"l: 0", b"Route: <sip:x;lr>", b"Contact: *",
    b"Expires: 0", b"Event: dialog", b"Event: presence", b"Event: message-summary", b"Accept: */*", b"Require: x", b"Replaces: a",
    b"X-Qendra-From: 102", b"Max-Forwards: 0", b"Digest ", b'nonce="', b"SIP/2.0 ", b"SIP/2.0/WSS ", b"@PROOF@", b"@ROUTES@",
    b"@VIAS@", b"@BRANCH@", NEXT, b"REGISTER", b"INVITE", b"CANCEL", b"ACK", b"BYE", b"OPTIONS", b"SUBSCRIBE", b"NOTIFY",
)  # fmt: skip


def told(data: bytes) -> None:
    """One input."""
    Story().tell(data)


def mutated(data: bytes, longest: int, seed: int) -> bytes:
    """Half the time as the library does it; else line by line, word by word, as broken telephones would."""
    dice = Random(seed)
    if dice.random() < 0.5:
        return bytes(atheris.Mutate(data, longest))
    lines = data.split(b"\r\n")
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(lines))
        match dice.randrange(7):
            case 0:
                lines.insert(at, lines[dice.randrange(len(lines))])
            case 1 if len(lines) > 1:
                del lines[at]
            case 2:
                other = dice.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines.insert(at, dice.choice(WORDS))
            case 4:
                name, colon, value = lines[at].partition(b":")
                lines[at] = name + colon + dice.choice(WORDS) + value
            case 5:
                where = dice.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:where] + dice.choice(WORDS) + lines[at][where:]
            case _:
                lines[at] = dice.choice(WORDS) + lines[at] * dice.randint(1, 40)
    return b"\r\n".join(lines)[:longest]


def main(seconds: int, folder: Path) -> None:
    """Fuzz; does not come back."""
    with tempfile.TemporaryDirectory() as seeds:
        for name, story in good_stories().items():
            (Path(seeds) / name).write_bytes(story)
        for path in (HERE / "torture").glob("*.dat"):
            (Path(seeds) / path.stem).write_bytes(bytes([len(path.stem) % len(WAYS)]) + path.read_bytes())
        folder.mkdir(exist_ok=True, parents=True)
        flags = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-artifact_prefix={folder}/", "-timeout=10",
                 "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=1"]  # fmt: skip
        known = [str(CORPUS)] if folder != CORPUS else []
        atheris.Setup([sys.argv[0], *flags, str(folder), *known, seeds], told, custom_mutator=mutated)
        atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp()))
