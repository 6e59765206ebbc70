"""`./qendra virtual-line`: be the far end of a modem in software of a running box, from the keyboard or a script."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from appliance.lines.virtual import console
from appliance.lines.virtual.caller import NotNow, VirtualCaller
from appliance.lines.virtual.modem import State
from appliance.lines.virtual.orders import Answer
from appliance.supervisor.paths import Trouble, existing_run, standard_data

LOOK_EVERY = 0.3
"""Seconds between two looks at how the call stands."""

GONE = "The line has gone: is the box still running?"


def main(arguments: Sequence[str]) -> int:
    """Carry out the order in the arguments, or those that are typed; 0, or 1 when it could not be done.

    Raises:
        Trouble: there is no such line.
    """
    chosen = _parser().parse_args(arguments)
    control = _control(chosen.data, chosen.line)
    caller = VirtualCaller(control)
    if chosen.order:
        done, words = asyncio.run(carry_out(caller, " ".join(chosen.order)))
        console.say(words)
        return 0 if done else 1
    console.say(f"You are the far end of {control.stem}. What is typed here happens there.")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_converse(caller))
    return 0


async def carry_out(caller: VirtualCaller, line: str) -> tuple[bool, str]:
    """Whether the order could be carried out, and the answer for people."""
    answer: Answer
    try:
        request = console.request(line)
        answer = {"ok": True, **await caller.ask(str(request.pop("do")), **request)}
    except (NotNow, ValueError) as refusal:
        answer = {"ok": False, "why": str(refusal)}
    except OSError:
        answer = {"ok": False, "why": GONE}
    return bool(answer["ok"]), console.words(answer)


async def _converse(caller: VirtualCaller) -> None:
    console.say(console.HELP)
    reader = await console.keyboard()
    watching = asyncio.create_task(_watch(caller))
    while line := (await reader.readline()).decode(errors="replace"):
        match line.strip():
            case "quit" | "exit":
                break
            case "":
                continue
            case "help":
                console.say(console.HELP)
            case order:
                console.say((await carry_out(caller, order))[1])
    watching.cancel()


async def _watch(caller: VirtualCaller) -> None:
    """Say what the box does with the line, as it happens."""
    before: State | None = None
    with contextlib.suppress(OSError, NotNow):
        while True:
            now = await caller.state()
            for words in changes(before, now):
                console.say(f"● {words}")
            before = now
            await asyncio.sleep(LOOK_EVERY)
    console.say(f"● {GONE}")


def changes(before: State | None, now: State) -> list[str]:
    """What has happened between two looks, in words."""
    if before is None:
        return [] if now.registered else ["the modem is not on its network yet"]
    told = []
    if now.registered and not before.registered:
        told.append("the modem is on its network")
    if now.call != before.call:
        told.append(_call_words(now))
    if now.keys != before.keys and now.keys:
        told.append(f"the box has pressed {now.keys}")
    return told


def _call_words(now: State) -> str:
    match now.call:
        case "none":
            return "the call is over"
        case "ringing":
            return "it rings at the box"
        case "dialling":
            return f"the box calls {now.number}"
        case "alerting":
            return f"it rings at {now.number}"
    return f"{now.number} has answered" if now.outgoing else "the box has answered"


def _control(data: Path | None, line: str) -> Path:
    """The control socket of a line that runs now; without a choice the first line of the box, else of the demo."""
    folders = [data] if data else [standard_data(), standard_data("qendra-demo")]
    for folder in folders:
        found = sorted((existing_run(folder).run / "lines").glob(f"{line or '*'}.sock"))
        if found:
            return found[0]
    where = " or ".join(map(str, folders))
    what = f"virtual line {line}" if line else "virtual line"
    raise Trouble(f"No box with a {what} runs on {where}. Start one in another terminal: ./qendra run")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./qendra virtual-line",
        description="Be the far end of a modem in software: call the box, press keys, hang up.",
        epilog=f"Orders:\n{console.HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--line", metavar="NAME", default="", help="which line; usually the first")
    parser.add_argument("--data", metavar="DIR", type=Path, help="of the running box, when it is not the usual one")
    parser.add_argument("order", nargs="*", help="one order, like: ring +355690000001; without it, from the keyboard")
    return parser
