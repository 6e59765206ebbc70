"""What `doctor` hears from the desk of a running box: how each line is, the front door, and what somebody should look at."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from appliance.calls.edge import Reach, Reached
from appliance.calls.events import LineState
from appliance.supervisor.findings import Finding, State
from appliance.switchboard.asks import DoorIs, SeeDoor
from appliance.switchboard.views import Live
from appliance.wire.codec import BadMessage
from appliance.wire.peer import connect
from appliance.wire.seams import WEB

PATIENCE = 3.0
"""Seconds; the desk answers within a few milliseconds."""
OF_A_LINE = {LineState.UP: State.GOOD, LineState.STARTING: State.ODD, LineState.DOWN: State.BAD}
OF_REACH = {Reach.GOOD: State.GOOD, Reach.NOT_WANTED: State.GOOD, Reach.UNKNOWN: State.ODD, Reach.BAD: State.BAD}


def desk(socket: Path) -> Iterator[Finding]:
    """Ask the desk behind this socket."""
    try:
        live, door = asyncio.run(asyncio.wait_for(_ask(socket), PATIENCE))
    except (OSError, TimeoutError, BadMessage) as error:
        yield Finding("Desk", State.BAD, f"does not answer ({str(error) or 'it takes too long'})")
        return
    for line in live.lines:
        state = OF_A_LINE.get(LineState(line.state), State.ODD)
        yield Finding(f"Line {line.name}", state, f"{line.state}: {line.words}")
    yield from front_door(door)
    for words in live.trouble:
        yield Finding("Look at this", State.ODD, words)


def front_door(door: DoorIs) -> Iterator[Finding]:
    """Who is not heard, and who comes in from outside."""
    whole = sum(not ban.extension for ban in door.bans)
    slowed = len(door.bans) - whole
    words = f"addresses not heard: {whole}; telephones slowed for a wrong password: {slowed}"
    yield Finding("Front door", State.GOOD, words if door.bans else "nobody is shut out")
    yield _reached(door.reached)


def _reached(reached: Reached) -> Finding:
    words = reached.words or {
        Reach.NOT_WANTED: "nobody is to come in from there",
        Reach.UNKNOWN: "not looked yet",
    }.get(reached.reach, reached.reach.value)
    return Finding("From outside", OF_REACH[reached.reach], words)


async def _ask(socket: Path) -> tuple[Live, DoorIs]:
    """The picture, which comes unasked, and the answer about the door.

    Raises:
        OSError: nobody is there.
        BadMessage: somebody is there who does not know us.
    """
    peer = await connect(WEB, socket, time.monotonic())
    heard: asyncio.Queue[object] = asyncio.Queue()
    listening = asyncio.create_task(peer.listen(lambda message, _: heard.put_nowait(message)))
    listening.add_done_callback(lambda _: heard.put_nowait(None))
    peer.send(SeeDoor(1), time.monotonic())
    live: Live | None = None
    door: DoorIs | None = None
    try:
        while live is None or door is None:
            match await heard.get():
                case Live() as message:
                    live = message
                case DoorIs() as message:
                    door = message
                case None:
                    listening.result()
                    raise BadMessage("it left before it had answered")
                case _:
                    pass
        return live, door
    finally:
        peer.close()
        with contextlib.suppress(BadMessage):
            await listening
