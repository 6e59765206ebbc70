"""`python -m appliance.lines.virtual --name gsm1 --dir RUN/lines`: one virtual modem, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.lines.virtual import console, control
from appliance.lines.virtual.manners import Manners
from appliance.lines.virtual.modem import VirtualModem


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when ended as asked, 1 when it could not begin."""
    given = _parser().parse_args(arguments)
    try:
        Path(given.dir).mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            asyncio.run(run(given))
        if given.control:
            Path(given.control).unlink(missing_ok=True)
    except OSError as error:
        sys.stderr.write(f"virtual line {given.name}: {error}\n")
        return 1
    return 0


async def run(given: argparse.Namespace) -> None:
    """One modem, and who plays its far end: the control socket, or the keyboard.

    Raises:
        OSError: the ports or the socket cannot be made.
    """
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    noted = None if given.control else lambda text: console.say(f"● {text}")
    modem = VirtualModem(given.name, Path(given.dir), manners(given), given.seed, noted)
    modem.start()
    try:
        if given.control:
            async with await control.serve(modem, Path(given.control)) as server:
                await server.serve_forever()
        else:
            console.say(f"ports: {given.dir}/{given.name}-at, {given.dir}/{given.name}-sound")
            await console.talk(modem, await console.keyboard())
    finally:
        modem.stop()


def manners(given: argparse.Namespace) -> Manners:
    """From the command line."""
    return Manners(
        ppm=given.ppm,
        delay=given.delay,
        sim=given.sim,
        pin=given.pin,
        volte_only=given.volte_only,
        sim_busy=given.boot,
        reboot=given.reboot,
        keys=given.keys,
        wide=given.wide,
        burst=given.burst,
        second_call_degraded=given.second_call_degraded,
        ring_every=given.ring_every,
        answer_after=None if given.answer_after < 0 else given.answer_after,
        operator=given.operator,
        signal=given.signal,
    )


def _parser() -> argparse.ArgumentParser:
    usual = Manners()
    parser = argparse.ArgumentParser(prog="virtual-line", description="A GSM modem in software, on two ptys.")
    parser.add_argument("--name", default="gsm1", help="of the line: the ports are NAME-at and NAME-sound")
    parser.add_argument("--dir", default=".", help="folder for the links to the ports")
    parser.add_argument("--control", help="Unix socket for orders as JSON lines; without it, the keyboard")
    parser.add_argument("--persona", choices=["sim7600"], default="sim7600", help="whose manners it has")
    parser.add_argument("--seed", type=int, default=0, help="of its dice")
    parser.add_argument("--ppm", type=float, default=usual.ppm, help="its sample clock is so many millionths fast")
    parser.add_argument("--delay", type=float, default=usual.delay, help="seconds to a command's answer")
    parser.add_argument("--boot", type=float, default=usual.sim_busy, help="seconds the SIM is busy after a start")
    parser.add_argument("--reboot", type=float, default=usual.reboot, help="seconds it is gone when reset")
    parser.add_argument("--sim", choices=["ready", "none", "puk"], default=usual.sim)
    parser.add_argument("--pin", default=usual.pin, help="the SIM asks for this PIN")
    parser.add_argument("--volte-only", action="store_true", help="registered on LTE alone")
    parser.add_argument("--operator", default=usual.operator)
    parser.add_argument("--signal", type=int, default=usual.signal, help="of +CSQ, 0 to 31")
    parser.add_argument(
        "--keys", choices=["both", "report", "sound"], default=usual.keys, help="how keys reach the box"
    )
    parser.add_argument("--wide", action="store_true", help="sound at 16 kHz whatever it was told")
    parser.add_argument("--burst", type=int, choices=[1, 2, 5], default=usual.burst, help="frames of 20 ms at a time")
    parser.add_argument("--second-call-degraded", action="store_true", help="choppy from the second call until reset")
    parser.add_argument("--ring-every", type=float, default=usual.ring_every, help="seconds")
    parser.add_argument(
        "--answer-after",
        type=float,
        default=usual.answer_after,
        help="seconds until the far end takes the box's call; -1: only when told",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
