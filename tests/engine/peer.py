"""The other side of the engine, in one UDP socket: the edge, with all the telephones behind it.

Small and blunt: it sends what a telephone would, answers what must be answered, and keeps what it was told.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.engine.srtp import Lock, key_in, key_line, new_key
from tests.engine.tones import Samples, from_ulaw, to_ulaw, tone

_number = itertools.count(1)


@dataclass
class Message:
    text: str
    start: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    def __post_init__(self) -> None:
        head, _, self.body = self.text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        for line in lines:
            name, _, value = line.partition(":")
            self.headers.append((name.strip().lower(), value.strip()))

    @property
    def status(self) -> int:
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        return "" if self.status else self.start.split()[0]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name: str) -> str:
        return (self.all(name) or [""])[0]

    @property
    def cseq(self) -> tuple[int, str]:
        number, method = self.get("CSeq").split()
        return int(number), method


class Sound:
    """One RTP stream each way, PCMU and telephone-event."""

    def __init__(self, studio: Studio, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.to: tuple[str, int] | None = None
        self.ssrc = next(_number) * 7919
        self.sequence = 1
        self.stamp = 160
        self._frames: list[bytes] = [to_ulaw(tone(0, 0.02))]
        self._at = 0
        self.event: list[bytes] = []
        self.event_type = 101
        """The payload type in which the other side wants keys."""
        self.got: list[tuple[float, int, bytes]] = []
        self.keys: list[tuple[int, int]] = []
        """(stamp, event) of each key that came as telephone-event."""
        self.quiet = False
        """Sends nothing just now."""
        self.outward: Lock | None = None
        self.inward: Lock | None = None
        """Both set: what goes and comes is encrypted."""
        self.unread = 0
        """Packets that were not encrypted as agreed."""
        studio.add(self)
        self._studio = studio

    def talk(self, hertz: float, loudness: float = 8000) -> None:
        samples = tone(hertz, 1.0, loudness)
        self._frames = [to_ulaw(samples[start : start + 160]) for start in range(0, 8000, 160)]
        self._at = 0

    def press(self, key: str) -> None:
        event = "0123456789*#ABCD".index(key)
        for step in range(5):
            self.event.append(bytes([event, 10, 0, 0]) if step == 0 else bytes([event, 10, 3, 32 * step]))
        self.event += [bytes([event, 0x8A, 3, 200])] * 3

    def beat(self) -> None:
        if self.to is None or self.quiet:
            return
        if self.event:
            payload, kind, marker = self.event[0], self.event_type, len(self.event) == 8
            stamp = self.stamp
            self.event.pop(0)
            if not self.event:
                self.stamp += 8 * 160
        else:
            payload, kind, marker = self._frames[self._at % len(self._frames)], 0, False
            self._at += 1
            self.stamp += 160
            stamp = self.stamp
        head = bytes([0x80, kind | (0x80 if marker else 0)]) + self.sequence.to_bytes(2, "big")
        head += (stamp & 0xFFFFFFFF).to_bytes(4, "big") + self.ssrc.to_bytes(4, "big")
        self.sequence = (self.sequence + 1) & 0xFFFF
        with contextlib.suppress(OSError):
            packet = head + payload
            self.socket.sendto(self.outward.closed(packet) if self.outward else packet, self.to)

    def collect(self) -> None:
        while True:
            try:
                packet = self.socket.recv(2048)
            except OSError:
                return
            if self.inward is not None:
                opened = self.inward.opened(packet)
                if opened is None:
                    self.unread += 1
                    continue
                packet = opened
            kind = packet[1] & 0x7F
            if kind == 0:
                self.got.append((time.monotonic(), int.from_bytes(packet[2:4], "big"), packet[12:]))
            elif kind >= 96:
                key = (int.from_bytes(packet[4:8], "big"), packet[12])
                if key not in self.keys:
                    self.keys.append(key)

    def heard(self, seconds: float = 0.5) -> Samples:
        """What came in the last so many seconds."""
        packets = self.got[-int(seconds * 50) :]
        return from_ulaw(b"".join(packet for _, _, packet in packets))

    def close(self) -> None:
        self._studio.remove(self)
        self.to = None
        self.socket.close()


class Studio:
    """Sends for all sounds every 20 ms, from one thread, by absolute deadlines."""

    def __init__(self) -> None:
        self._sounds: list[Sound] = []
        self._running = True
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def add(self, sound: Sound) -> None:
        self._sounds = [*self._sounds, sound]

    def remove(self, sound: Sound) -> None:
        self._sounds = [other for other in self._sounds if other is not sound]

    def _beat(self) -> None:
        due = time.monotonic()
        while self._running:
            for sound in self._sounds:
                sound.beat()
                sound.collect()
            due += 0.02
            time.sleep(max(0.0, due - time.monotonic()))

    def close(self) -> None:
        self._running = False
        self._thread.join()


class Phone:
    """One telephone in one call with the engine."""

    def __init__(self, edge: Edge, call_id: str) -> None:
        self.edge = edge
        self.call_id = call_id
        self.tag = f"t{next(_number)}"
        self.cseq = 1
        self.local = ""
        self.remote = ""
        self.target = ""
        self.invite: Message | None = None
        self.inbox: queue.Queue[Message] = queue.Queue()
        self.all: list[Message] = []
        self.sound = Sound(edge.studio)
        self.over = threading.Event()
        self.sdp_extra = ""
        self.keys = ""
        """How it encrypts: not at all, or in a stream of `AVP` (whoever can) or `SAVP` (always)."""
        self.key = new_key()
        self.key_tag = 1
        self.connection = "127.0.0.1"

    def move_to(self, host: str) -> None:
        """Have its sound at another address of this machine."""
        self.sound.close()
        self.sound = Sound(self.edge.studio, host)
        self.connection = host

    # -- what it sends

    def sdp(self, direction: str = "sendrecv") -> str:
        where = f"IN IP{6 if ':' in self.connection else 4} {self.connection}"
        return (
            f"v=0\r\no=- 1 {next(_number)} {where}\r\ns=-\r\nc={where}\r\nt=0 0\r\n"
            f"m=audio {self.sound.port} RTP/{self.keys or 'AVP'} 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
            f"a=fmtp:101 0-15\r\na=ptime:20\r\na={direction}\r\n"
            + (key_line(self.key, self.key_tag) if self.keys else "")
            + self.sdp_extra
        )

    def request(
        self, method: str, extra: str = "", body: str = "", kind: str = "application/sdp", cseq: int = 0
    ) -> int:
        if not cseq and method not in {"ACK", "CANCEL"}:
            self.cseq += 1
        number = cseq or self.cseq
        kind_line = f"Content-Type: {kind}\r\n" if body else ""
        self.edge.send(
            f"{method} {self.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.edge.port};rport;branch=z9hG4bK{self.call_id}-{number}-{method if method != 'CANCEL' else 'INVITE'}\r\n"
            f"Max-Forwards: 70\r\nFrom: {self.local}\r\nTo: {self.remote}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {number} {method}\r\nContact: <sip:phone@127.0.0.1:{self.edge.port}>\r\n{extra}{kind_line}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        return number

    def dial(
        self, extension: str, dialled: str, device: str = "dev-1", *, trusted: bool = True, extra: str = ""
    ) -> None:
        host = f"127.0.0.1:{self.edge.engine_port}"
        self.target = f"sip:{dialled}@{host}"
        self.local = f"<sip:{extension}@{host}>;tag={self.tag}"
        self.remote = f"<sip:{dialled}@{host}>"
        if trusted:
            extra += f"X-Qendra-From: {extension}\r\nX-Qendra-Device: {device}\r\n"
        self.edge.calls[self.call_id] = self
        self.request("INVITE", extra, self.sdp())

    def dial_by_provider(
        self, trunk: str, dialled: str, caller: str = "<sip:0672000001@provider.example>", extra: str = ""
    ) -> None:
        """As the edge passes on what a provider sends."""
        self.target = f"sip:{dialled}@127.0.0.1:{self.edge.engine_port}"
        self.local = f"{caller};tag={self.tag}"
        self.remote = f"<sip:{dialled}@provider.example>"
        self.edge.calls[self.call_id] = self
        self.request("INVITE", f"{extra}X-Qendra-Trunk: {trunk}\r\n", self.sdp())

    def reply(self, to: Message, status: int, reason: str, body: str = "", extra: str = "") -> None:
        vias = "".join(f"Via: {via}\r\n" for via in to.all("Via"))
        target = to.get("To")
        if "tag=" not in target:
            target += f";tag={self.tag}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.edge.send(
            f"SIP/2.0 {status} {reason}\r\n{vias}From: {to.get('From')}\r\nTo: {target}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {to.get('CSeq')}\r\n"
            f"Contact: <sip:phone@127.0.0.1:{self.edge.port}>\r\n{extra}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def ring(self) -> None:
        assert self.invite
        self.reply(self.invite, 180, "Ringing")

    def answer(self, extra: str = "") -> None:
        assert self.invite
        self._sound_to(self.invite.body)
        self.reply(self.invite, 200, "OK", self.sdp(), extra)

    def refuse(self, status: int, reason: str = "No") -> None:
        assert self.invite
        self.reply(self.invite, status, reason)

    def bye(self) -> Message:
        number = self.request("BYE")
        return self.final("BYE", number)

    def cancel(self) -> None:
        self.request("CANCEL", cseq=self.cseq)

    def hold(self, direction: str = "sendonly") -> Message:
        number = self.request("INVITE", body=self.sdp(direction))
        answer = self.final("INVITE", number)
        self.request("ACK", cseq=number)
        return answer

    # -- what it gets

    def take(self, message: Message) -> None:
        """On the edge's thread."""
        self.all.append(message)
        match message.method:
            case "BYE":
                self.reply(message, 200, "OK")
                self.over.set()
            case "CANCEL":
                self.reply(message, 200, "OK")
                if self.invite:
                    self.reply(self.invite, 487, "Request Terminated")
                self.over.set()
            case "INVITE" if self.invite is not None and message.cseq != self.invite.cseq:
                self.reply(message, 200, "OK", self.sdp())
            case "INFO" | "OPTIONS" | "UPDATE":
                self.reply(message, 200, "OK")
        if message.status >= 200 and message.cseq[1] == "INVITE":
            self._invite_answered(message)
        self.inbox.put(message)

    def _invite_answered(self, message: Message) -> None:
        if message.status < 300:
            self.remote = message.get("To")
            self.target = _address(message.get("Contact"))
            self._sound_to(message.body)
        self.request("ACK", cseq=message.cseq[0])
        if message.status >= 300:
            self.over.set()

    def _sound_to(self, sdp: str) -> None:
        address = re.search(r"^c=IN IP[46] (\S+)", sdp, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", sdp, re.MULTILINE)
        if address and port:
            self.sound.to = (address[1], int(port[1]))
        theirs = key_in(sdp) if self.keys else None
        if theirs:
            self.key_tag = theirs[0]
            self.sound.outward, self.sound.inward = Lock(self.key), Lock(theirs[1])
        else:
            self.sound.outward = self.sound.inward = None
        if event := re.search(r"^a=rtpmap:(\d+) telephone-event/8000", sdp, re.MULTILINE):
            self.sound.event_type = int(event[1])

    def wait(self, wanted: Callable[[Message], bool], seconds: float = 5.0) -> Message:
        until = time.monotonic() + seconds
        while True:
            try:
                message = self.inbox.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not told; only {[message.start for message in self.all]}") from None
            if wanted(message):
                return message

    def final(self, method: str, number: int, seconds: float = 5.0) -> Message:
        return self.wait(lambda message: message.status >= 200 and message.cseq == (number, method), seconds)

    def status(self, status: int, seconds: float = 5.0) -> Message:
        return self.wait(lambda message: message.status == status, seconds)

    def close(self) -> None:
        self.sound.close()


class Edge:
    """The socket everything passes; the engine trusts it alone."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.engine_port = 0
        self.studio = Studio()
        self.calls: dict[str, Phone] = {}
        self.invited: queue.Queue[Phone] = queue.Queue()
        self.on_invite: Callable[[Phone], None] | None = None
        self.stray: list[Message] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, text: str) -> None:
        self.socket.sendto(text.encode(), ("127.0.0.1", self.engine_port))

    def phone(self) -> Phone:
        return Phone(self, f"call-{next(_number)}-{time.monotonic_ns()}")

    def next_invite(self, seconds: float = 5.0) -> Phone:
        return self.invited.get(timeout=seconds)

    def _listen(self) -> None:
        while True:
            try:
                data = self.socket.recv(65535)
            except OSError:
                return
            if data.strip() and data[0] < 0x80:  # else RTCP for a telephone whose port this was
                self._deliver(Message(data.decode()))

    def _deliver(self, message: Message) -> None:
        call_id = message.get("Call-ID")
        phone = self.calls.get(call_id)
        if phone is None and message.method == "INVITE":
            phone = self.calls[call_id] = self._invited(message)
            if self.on_invite:
                self.on_invite(phone)
            self.invited.put(phone)
        if phone is None:
            self.stray.append(message)
            return
        phone.take(message)

    def _invited(self, message: Message) -> Phone:
        phone = Phone(self, message.get("Call-ID"))
        phone.invite = message
        phone.local = f"{message.get('To')};tag={phone.tag}"
        phone.remote = message.get("From")
        phone.target = _address(message.get("Contact"))
        phone.cseq = 1000
        return phone

    def close(self) -> None:
        self.studio.close()
        for phone in self.calls.values():
            phone.sound.socket.close()
        self.socket.close()


def _address(header: str) -> str:
    found = re.search(r"<([^>]+)>", header)
    return found[1] if found else header
