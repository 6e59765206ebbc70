"""Desk telephones: baresip as Debian has it, one process each, with a voice of its own and an ear that is written down."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Any

from tests.journeys.hearing import RATE, Samples, breaks, from_bytes, is_tone, tone, write_wav
from tests.journeys.network import Network
from tests.journeys.processes import LOOPBACK, Program, TooLate, free_ports, wait_for

VOICE_SECONDS = 120
WAV_HEAD = 44

CONFIG = """\
poll_method epoll
sip_listen {listen}:{sip}
net_interface {host}
call_local_timeout 120
call_max_calls 4
audio_player aubridge,ear
audio_source aufile,{folder}/voice.wav
audio_alert aubridge,bell
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
rtp_ports {rtp}-{rtp_last}
rtcp_mux no
module_path {modules}
module g711.so
module g722.so
module aufile.so
module aubridge.so
module sndfile.so
module srtp.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {listen}:{control}
statmode_default off
snd_path {folder}/heard
"""
MODULES = Path("/usr/lib/baresip/modules")

Event = dict[str, Any]


class BaresipPhone:
    """One telephone. What it is told to do returns at once; what comes of it is waited for by name."""

    def __init__(
        self,
        extension: str,
        password: str,
        box: tuple[str, int],
        folder: Path,
        *,
        hz: float = 440.0,
        transport: str = "udp",
        codec: str = "PCMU/8000/1",
        interval: int = 60,
        encrypts: str = "",
        host: str = LOOPBACK,
        network: Network | None = None,
        trusts: str = "",
    ) -> None:
        """`hz` is its voice. It registers when told to, and then once in every `interval` seconds.

        It stands at `host`, in another `network` than ours if one is named.

        `encrypts`: `srtp` (when the other side does), `srtp-mand` (always), or never. `trusts`: authorities by which it
        believes a box over TLS (PEM).
        """
        self.extension, self.hz = extension, hz
        self._account = _account(
            extension,
            password,
            box,
            transport,
            f"audio_codecs={codec};regint={interval}" + (f";mediaenc={encrypts}" if encrypts else ""),
        )
        self.folder = folder
        ports = free_ports(24, tcp=3)  # the first for SIP, the second baresip takes for TLS, the third for control
        self._control_port = ports + 2
        program = shutil.which("baresip")
        assert program, "baresip is missing: apt-get install baresip"
        (folder / "heard").mkdir(parents=True)
        write_wav(folder / "voice.wav", tone(hz, VOICE_SECONDS))
        listen = f"[{host}]" if ":" in host else host
        places = {
            "host": host,
            "listen": listen,
            "sip": ports,
            "control": ports + 2,
            "rtp": ports + 4,
            "rtp_last": ports + 23,
        }
        config = CONFIG.format(folder=folder, modules=MODULES, **places)
        if trusts:
            (folder / "authorities.pem").write_text(trusts, encoding="ascii")
            config += f"sip_cafile {folder}/authorities.pem\n"
        (folder / "config").write_text(config, encoding="utf-8")
        (folder / "accounts").write_text("", encoding="utf-8")
        (folder / "contacts").write_text("", encoding="utf-8")
        there = network.command if network else ()
        self.program = Program(
            f"baresip {extension}", [*there, program, "-6" if ":" in host else "-4", "-f", folder], folder / "log"
        )
        self._host, self._network = host, network
        self._events: list[Event] = []
        self._seen = 0
        self._news = threading.Condition()
        self._control = self._connected()
        self._control.settimeout(None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _connected(self) -> socket.socket:
        def attempt() -> socket.socket | None:
            assert self.program.alive, self.program.words
            try:
                with self._network.inside() if self._network else contextlib.nullcontext():
                    return socket.create_connection((self._host, self._control_port), timeout=5.0)
            except OSError:
                return None

        return wait_for(f"{self.program.name} listens", attempt)

    # ---- what a person does

    def register(self, seconds: float = 15.0) -> None:
        """Sign on and stay signed on."""
        signed = self.try_to_register(seconds)
        assert signed["type"] == "REGISTER_OK", signed

    def try_to_register(self, seconds: float = 15.0) -> Event:
        """Sign on; returns what comes of it."""
        self.tell("uanew", self._account)
        return self.expect("REGISTER_OK", "REGISTER_FAIL", seconds=seconds)

    def dial(self, number: str) -> None:
        self.tell("dial", number)

    def answer(self) -> None:
        self.tell("accept")

    def hang_up(self) -> None:
        self.tell("hangup")
        self.expect("CALL_CLOSED")

    def press(self, keys: str) -> None:
        """As RFC 4733 has it."""
        self.tell("sndcode", keys)

    def hold(self) -> None:
        self.tell("hold")

    def resume(self) -> None:
        self.tell("resume")

    # ---- what a person notices

    def rings(self, seconds: float = 15.0) -> Event:
        """Wait until it does; the event tells who calls."""
        return self.expect("CALL_INCOMING", seconds=seconds)

    def talks(self, seconds: float = 15.0) -> None:
        """Wait until a call is up."""
        self.expect("CALL_ESTABLISHED", seconds=seconds)

    def is_over(self, seconds: float = 15.0) -> str:
        """Wait until a call has ended; returns why, in baresip's words."""
        return str(self.expect("CALL_CLOSED", seconds=seconds).get("param", ""))

    def expect(self, *kinds: str, seconds: float = 15.0) -> Event:
        """The next event of one of these kinds, not yet expected before; those between are passed over.

        Raises:
            TooLate: none came.
        """
        give_up = time.monotonic() + seconds
        with self._news:
            while True:
                while self._seen < len(self._events):
                    event = self._events[self._seen]
                    self._seen += 1
                    if event["type"] in kinds:
                        return event
                left = give_up - time.monotonic()
                if left <= 0:
                    seen = [event["type"] for event in self._events]
                    raise TooLate(f"{self.extension}: no {' or '.join(kinds)} within {seconds:.0f} s; it saw {seen}")
                self._news.wait(left)

    def saw(self, kind: str) -> int:
        """How many such events there have been in all."""
        with self._news:
            return sum(event["type"] == kind for event in self._events)

    # ---- what it hears

    def heard(self, seconds: float = 0.0) -> Samples:
        """What has come in since this call's sound began, or the last seconds of it."""
        ears = sorted((self.folder / "heard").glob("dump-*-dec.wav"), key=lambda path: path.stat().st_mtime_ns)
        if not ears:
            return from_bytes(b"")
        written = ears[-1].read_bytes()
        rate = int.from_bytes(written[24:28], "little")
        samples = from_bytes(written[WAV_HEAD:])[:: max(1, rate // RATE)]  # G.722 is heard at 16 kHz
        return samples[-round(seconds * RATE) :] if seconds else samples

    def hears(self, hz: float, seconds: float = 15.0) -> None:
        """Wait until it hears this tone, and nothing else, for half a second.

        Raises:
            TooLate: it does not.
        """
        wait_for(f"{self.extension} hears {hz:.0f} Hz", lambda: is_tone(self.heard(0.5), hz), seconds, every=0.1)

    def hears_cleanly(self, hz: float, seconds: float = 15.0) -> None:
        """Wait for a whole second of this tone with nothing lost or invented: a busy machine may need some tries."""
        wait_for(
            f"{self.extension} hears {hz:.0f} Hz without a break",
            lambda: is_tone(self.heard(1.0), hz) and not breaks(self.heard(1.0), hz),
            seconds,
            every=0.2,
        )

    def listen(self, seconds: float) -> Samples:
        """All it hears in this time."""
        before = len(self.heard())
        time.sleep(seconds)
        return self.heard()[before:]

    def close(self) -> None:
        """Off, without a word to anybody."""
        self.program.process.kill()
        self.program.process.wait()
        self._control.close()
        self._reader.join(5.0)

    # ---- inside

    def tell(self, command: str, words: str = "") -> None:
        """One command to the telephone."""
        message = json.dumps({"command": command, "params": words, "token": command}).encode()
        self._control.sendall(b"%d:%b," % (len(message), message))

    def _read(self) -> None:
        """Netstrings of JSON: events, and answers to commands, which are written down when they say no."""
        held = b""
        while data := self._received():
            held += data
            while (cut := held.find(b":")) >= 0 and len(held) > cut + 1 + int(held[:cut]):
                end = cut + 1 + int(held[:cut])
                self._take(json.loads(held[cut + 1 : end]))
                held = held[end + 1 :]

    def _received(self) -> bytes:
        try:
            return self._control.recv(65536)
        except OSError:
            return b""

    def _take(self, message: Event) -> None:
        if message.get("event"):
            with self._news:
                self._events.append(message)
                self._news.notify_all()


def _account(extension: str, password: str, box: tuple[str, int], transport: str, more: str) -> str:
    host, port = box
    host = f"[{host}]" if ":" in host else host
    return f"<sip:{extension}@{host}:{port};transport={transport}>;auth_user={extension};auth_pass={password};{more}"
