"""What the boxes of all journeys said on the wire, looked at by tshark as Debian has it: is every message well-formed?

What others send to them is not judged here: some of it is garbage on purpose.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.journeys.processes import Program, wait_for

ERROR = 0x800000
"""An expert information of tshark's that is worse than a warning."""


class Wire:
    """Captures on loopback, one for each SIP port of a box, from before it starts until it has ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._captures: list[Program] = []
        self.ports: list[int] = []

    def listen(self, port: int) -> None:
        """Write down what goes to and from this port."""
        if port in self.ports:
            return
        capture = self._folder / f"{port}.pcapng"
        self._captures.append(
            Program(
                f"capture of port {port}",
                ["dumpcap", "-i", "lo", "-f", f"port {port}", "-w", capture],
                self._folder / f"{port}.log",
                signal_at_our_end="TERM",
            )
        )
        self.ports.append(port)
        wait_for("the capture begins", capture.exists)

    def captured(self) -> int:
        """Packets so far, as dumpcap counts them; 0 as long as it has not begun."""
        told = [capture.words.rpartition("Packets: ")[2].strip() for capture in self._captures]
        return sum(int(count) for count in told if count.isdigit())

    def close(self) -> None:
        """Hear no more."""
        for capture in self._captures:
            capture.end()

    def malformed(self) -> list[str]:
        """The messages of ours that tshark cannot read to their end, a line for each.

        Raises:
            AssertionError: there is nothing to look at, which is no good sign either.
        """
        whole = self._folder / "whole.pcapng"
        captures = [str(path) for path in self._folder.glob("*.pcapng") if path != whole]
        subprocess.run(["mergecap", "-w", str(whole), *captures], check=True, capture_output=True)
        ours = " || ".join(f"udp.srcport == {port} || tcp.srcport == {port}" for port in self.ports)
        assert self._lines(whole, f"({ours}) && sip"), "no message was captured"
        return self._lines(whole, f"({ours}) && (_ws.malformed || (sip && _ws.expert.severity == {ERROR}))")

    def _lines(self, capture: Path, which: str) -> list[str]:
        program = shutil.which("tshark")
        assert program, "tshark is missing: apt-get install tshark"
        decode = [
            word for port in self.ports for word in ("-d", f"udp.port=={port},sip", "-d", f"tcp.port=={port},sip")
        ]
        looked = subprocess.run(
            [program, "-r", str(capture), "-n", *decode, "-Y", which],
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
        return looked.stdout.splitlines()
