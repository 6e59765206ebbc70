"""The provider of the demo, made of software: the box registers with it, and callers come in over it, one at a time."""

from __future__ import annotations

import array
import asyncio
import contextlib
import re
import secrets
import socket
from dataclasses import replace
from random import Random

from appliance.calls.names import LineId
from appliance.edge.flows import Flow, Send
from appliance.edge.virtual.provider import Call, Provider
from appliance.edge.virtual.sound import EVENT_TYPE, Mouth
from appliance.switchboard.settings import LineOptions, NumberFormat, Settings
from appliance.switchboard.settings import Provider as Described

LINE = LineId("internet")
NUMBER = "+35542000000"
"""Nobody's."""
USER = "rruga-e-re"
DOMAIN = "provider.example"
LOOPBACK = "127.0.0.1"
PACKET = 0.02


def with_line(firm: Settings, port: int) -> Settings:
    """The firm with its line to the provider that listens at this port, which is another one each time."""
    described = Described(
        domain=DOMAIN,
        proxy=f"{LOOPBACK}:{port}",
        transport="udp",
        user=USER,
        numbers_as=NumberFormat.DIGITS,
        main_number=NUMBER,
    )
    usual = next(iter(firm.lines), LineOptions(LINE, "hang up"))
    mine = next((line for line in firm.lines if line.name == LINE), LineOptions(LINE, usual.enters, calls_at_once=2))
    others = tuple(line for line in firm.lines if line.name != LINE)
    return replace(firm, lines=(*others, replace(mine, provider=described)))


class DemoProvider:
    """Sockets and a clock around the provider."""

    def __init__(self, dice: Random) -> None:
        self.password = secrets.token_urlsafe(12)
        self._loop = asyncio.get_running_loop()
        self._sip, self._rtp = _socket(), _socket()
        self.port = int(self._sip.getsockname()[1])
        self._dice = dice
        self._provider = Provider(
            DOMAIN, Flow("udp", LOOPBACK, self.port), {USER: self.password}, dice, _sdp(self._rtp.getsockname()[1])
        )
        self._loop.add_reader(self._sip, self._came)
        self._waking: asyncio.TimerHandle | None = None
        self._moved = asyncio.Event()
        """Something was said, or time has passed, since it was cleared."""

    def close(self) -> None:
        """Gone without a word."""
        if self._waking is not None:
            self._waking.cancel()
        self._loop.remove_reader(self._sip)
        self._sip.close()
        self._rtp.close()

    async def call(self, caller: str, said: array.array[int], key: str, patience: float) -> None:
        """Call the box, press a key after a while, speak until `patience` seconds are over or the box hangs up."""
        known = set(self._provider.calls)
        self._send(self._provider.call(USER, NUMBER.removeprefix("+"), caller.removeprefix("+"), self._loop.time()))
        for name in set(self._provider.calls) - known:
            call = self._provider.calls[name]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._talk(call, said, key)
            self._send(self._provider.hang_up(name) if call.state == "up" else [])
            del self._provider.calls[name]

    async def _talk(self, call: Call, said: array.array[int], key: str) -> None:
        while call.state in {"trying", "ringing"}:
            self._moved.clear()
            await self._moved.wait()
        far = _sound_of(call)
        if far is None:
            return
        mouth, at, pressed = Mouth(self._dice.getrandbits(32)), self._loop.time(), 0.0
        while call.state == "up":
            if pressed < 6.0 <= pressed + PACKET:
                mouth.press(key)
                mouth.say(said, loop=True)
            pressed += PACKET
            with contextlib.suppress(OSError):  # nobody listens there: the call's end will say so
                self._rtp.sendto(mouth.packet(), far)
            at += PACKET
            await asyncio.sleep(max(0.0, at - self._loop.time()))

    def _came(self) -> None:
        with contextlib.suppress(OSError):
            data, (host, port) = self._sip.recvfrom(65535)
            self._send(self._provider.receive(data, Flow("udp", host, port), self._loop.time()))

    def _send(self, sends: list[Send]) -> None:
        self._moved.set()
        for send in sends:
            with contextlib.suppress(OSError):  # the box is away: it is sent again
                self._sip.sendto(send.data, (send.flow.host, send.flow.port))
        if self._waking is not None:
            self._waking.cancel()
        deadline = self._provider.next_deadline()
        self._waking = None if deadline is None else self._loop.call_at(deadline, self._wake)

    def _wake(self) -> None:
        self._send(self._provider.tick(self._loop.time()))


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((LOOPBACK, 0))
    made.setblocking(False)
    return made


def _sdp(port: int) -> bytes:
    lines = (
        "v=0", f"o=- 1 1 IN IP4 {LOOPBACK}", "s=-", f"c=IN IP4 {LOOPBACK}", "t=0 0",
        f"m=audio {port} RTP/AVP 0 {EVENT_TYPE}", "a=rtpmap:0 PCMU/8000", f"a=rtpmap:{EVENT_TYPE} telephone-event/8000",
    )  # fmt: skip
    return "".join(f"{line}\r\n" for line in lines).encode()


def _sound_of(call: Call) -> tuple[str, int] | None:
    """Where the box wants the sound of a call it has answered."""
    body = call.far.body.decode("ascii", "replace") if call.far is not None else ""
    host, port = re.search(r"^c=IN IP4 (\S+)", body, re.MULTILINE), re.search(r"^m=audio (\d+)", body, re.MULTILINE)
    return (host[1], int(port[1])) if host and port else None
