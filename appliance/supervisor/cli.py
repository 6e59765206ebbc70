"""The command line: `./qendra run`, `demo`, `doctor`, `virtual-line`, `bench`, `version`.

Loads only what a command needs: from `run` on the time to the first telephone is counted.
"""

from __future__ import annotations

import argparse
import os
import re
import runpy
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.supervisor import VERSION
from appliance.supervisor.paths import Trouble, standard_data
from appliance.supervisor.processes import Become
from appliance.supervisor.run import Wishes, run

DEMO = Path(__file__).with_name("demo.toml")
"""The firm of the demo, unless another is chosen."""

WRONG = 2
"""The exit status when something has to be put right before it can work."""


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; returns the exit status."""
    child: Become | None = None
    try:
        return _do(arguments)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        return 130
    except Become as become:
        child = become
        child.__traceback__ = None  # it holds on to all the parent had in its hands
    child.live()
    return 0


def _do(arguments: Sequence[str]) -> int:
    match list(arguments):
        case ["virtual-line", *rest]:
            from appliance.supervisor.virtual_line import main as virtual_line  # noqa: PLC0415

            return virtual_line(rest)
        case ["bench", *rest]:
            return _bench(rest)
    chosen = _parser().parse_args(arguments)
    match chosen.command:
        case "run" | "demo":
            return run(_wishes(chosen))
        case "doctor":
            from appliance.supervisor.doctor import main as doctor  # noqa: PLC0415

            return doctor(_wishes(chosen), as_json=chosen.json)
    print(VERSION)
    return 0


def _hand_over(module: str, name: str, arguments: list[str]) -> int:
    """Be another module of ours from here on."""
    sys.argv = [name, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _bench(arguments: list[str]) -> int:
    folder = Path(__file__).parents[2] / "tests" / "bench"
    names = sorted(file.stem for file in folder.glob("[a-z]*.py") if not file.name.startswith("test_"))
    if not arguments or arguments[0] not in names:
        known = ", ".join(names) or "none yet"
        asked = (
            f"There is no measurement {arguments[0]!r}. " if arguments and arguments[0] not in {"-h", "--help"} else ""
        )
        print(f"{asked}Usage: ./qendra bench NAME [--quick]\nMeasurements: {known}")
        return WRONG if asked or not arguments else 0
    return _hand_over(f"tests.bench.{arguments[0]}", f"./qendra bench {arguments[0]}", arguments[1:])


def _wishes(chosen: argparse.Namespace) -> Wishes:
    binds = sorted(dict.fromkeys(chosen.bind or ()), key=lambda each: ":" in each)  # IPv4 is what all parts know
    return Wishes(
        data=chosen.data or standard_data("qendra-demo" if chosen.command == "demo" else "qendra"),
        site=chosen.site or (DEMO if chosen.command == "demo" else None),
        bind=binds[0] if binds else "",
        also=tuple(binds[1:]),
        sip_port=chosen.sip_port,
        tls_port=chosen.tls_port,
        web_port=chosen.web_port,
        rtp_ports=chosen.rtp_ports,
        demo=chosen.command == "demo",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./qendra", description="Qendra, a call center in a box.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    about = {
        "run": "bring the box to life and stay in the foreground; Ctrl-C ends it",
        "demo": "run with virtual callers and operators, on data of its own",
        "doctor": "say in plain words what is missing or wrong here",
    }
    for name, words in about.items():
        _box_options(commands.add_parser(name, help=words, description=words[:1].upper() + words[1:] + "."), name)
    commands.add_parser("version", help="say which version this is")
    for name, words in {
        "virtual-line": "call the box on a line in software, press keys, hang up",
        "bench": "measure the box",
    }.items():
        commands.add_parser(name, help=words, add_help=False)
    return parser


def _box_options(parser: argparse.ArgumentParser, command: str) -> None:
    usual = standard_data("qendra-demo" if command == "demo" else "qendra")
    parser.add_argument(
        "--site",
        metavar="FILE",
        type=Path,
        help="people, queues, menus and lines of the firm, as a TOML file; what it says is taken over when it is new "
        "or has changed, and kept. Without one: what was kept, or a small example firm",
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help=f"where calls, recordings and settings are kept; usually {usual}"
    )
    parser.add_argument(
        "--bind",
        metavar="ADDRESS",
        type=_address,
        action="append",
        help="the address to listen at; usually this machine's in the local network. 0.0.0.0 is every address, "
        "127.0.0.1 this machine only. May be said once more for an IPv6 address, at which telephones are heard as well",
    )
    parser.add_argument(
        "--sip-port",
        metavar="PORT",
        type=_port,
        default=5060,
        help="for telephones, UDP, TCP and WebSocket; usually 5060",
    )
    parser.add_argument(
        "--tls-port", metavar="PORT", type=_port, default=5061, help="for telephones that call encrypted; usually 5061"
    )
    parser.add_argument("--web-port", metavar="PORT", type=_port, default=8080, help="for the page; usually 8080")
    parser.add_argument(
        "--rtp-ports",
        metavar="LOW-HIGH",
        type=_ports,
        default=range(10000, 11000),
        help="for sound, UDP; four for each conversation; usually 10000-10999",
    )
    if command == "doctor":
        parser.add_argument("--json", action="store_true", help="the same for programs")


def _address(words: str) -> str:
    family = socket.AF_INET6 if ":" in words else socket.AF_INET
    try:
        return socket.inet_ntop(family, socket.inet_pton(family, words))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{words!r} is not an address like 192.168.1.10 or fd00::10") from error


def _port(words: str) -> int:
    if not re.fullmatch(r"\d{1,5}", words) or not 1 <= int(words) <= 65535:
        raise argparse.ArgumentTypeError(f"{words!r} is not a port from 1 to 65535")
    return int(words)


def _ports(words: str) -> range:
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", words)
    if not found or not 1024 <= int(found[1]) <= int(found[2]) - 7 <= 65535 - 7:
        raise argparse.ArgumentTypeError(
            f"{words!r} is not a stretch of at least 8 ports like 10000-10999, from 1024 up"
        )
    return range(int(found[1]), int(found[2]) + 1)


if __name__ == "__main__":
    os.umask(0o077)
    raise SystemExit(main(sys.argv[1:]))
