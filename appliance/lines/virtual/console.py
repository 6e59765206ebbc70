"""The virtual modem at a terminal: says what happens, and takes simple orders from the keyboard."""

from __future__ import annotations

import asyncio
import re
import sys

from appliance.lines.virtual.modem import VirtualModem
from appliance.lines.virtual.orders import Request, obey

HELP = """\
  ring +355672000001 | ring withheld    somebody calls
  key 1                                 the caller presses a key
  say FILE.wav | tone 440 2 | hush      the caller speaks, sings two seconds of 440 Hz, falls silent
  hear 2 [440 …]                        how loud the last two seconds were that the caller heard
  record FILE.wav | record              both sides, from now on | no more
  hangup | busy                         the far end hangs up | is busy
  answer                                the far end takes the box's call
  far answers 2 | far silent | far busy | far refuses | far unreachable
  fault error|silent|hang|network|mute|dead|blank|noise|none
  signal 21 | unplug [seconds] | plug | state | story | quit"""

TELEPHONE = re.compile(r"\+?[0-9]{1,20}")


def request(line: str) -> Request:
    """The request a typed line means.

    Raises:
        ValueError: a number was expected; says so.
    """
    try:
        return _meant(line)
    except ValueError as error:
        raise ValueError("a number was expected; `help` shows how") from error


def _meant(line: str) -> Request:
    word, *rest = line.split()
    first = rest[0] if rest else ""
    match word:
        case "ring":
            if first not in {"", "withheld"} and not TELEPHONE.fullmatch(first):
                raise ValueError(first)
            return {"do": "ring", "number": first}
        case "key":
            return {"do": "key", "key": "".join(rest)}
        case "say" | "record":
            return {"do": word, "wav": " ".join(rest)}
        case "tone":
            return {"do": "tone", "hz": float(first), "seconds": float(rest[1]) if len(rest) > 1 else 1.0}
        case "hear":
            return {"do": "hear", "seconds": float(first or 1.0), "hz": [float(one) for one in rest[1:]]}
        case "far":
            after = float(rest[1]) if len(rest) > 1 else None
            return {"do": "far", "is": first, "after": after}
        case "fault":
            return {"do": "fault", "is": first}
        case "signal":
            return {"do": "signal", "strength": int(first)}
        case "unplug":
            return {"do": "unplug", **({"seconds": float(first)} if first else {})}
        case _:
            return {"do": word}


async def talk(modem: VirtualModem, reader: asyncio.StreamReader) -> None:
    """Take orders until `quit`, or until the keyboard is gone."""
    say(HELP)
    while data := await reader.readline():
        line = data.decode(errors="replace").strip()
        if line in {"quit", "exit"}:
            return
        if line == "help":
            say(HELP)
        elif line:
            say(await _obeyed(modem, line))


async def _obeyed(modem: VirtualModem, line: str) -> str:
    try:
        return words(await obey(modem, request(line)))
    except ValueError as no:
        return f"  no: {no}"


def words(answer: Request) -> str:
    """An answer for people."""
    rest = {name: value for name, value in answer.items() if name not in {"ok", "why"}}
    if not answer["ok"]:
        return f"  no: {answer['why']}"
    if "story" in rest:
        return "\n".join(f"  {line}" for line in rest["story"])
    return "  ok" + "".join(f"\n  {name}: {value}" for name, value in rest.items())


def say(text: str) -> None:
    """To the terminal."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def keyboard() -> asyncio.StreamReader:
    """Standard input, on the event loop."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader
