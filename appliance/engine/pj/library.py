"""The library itself: its start, its one account, its events, its end."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pjsua2 as pj

from appliance.engine.fence import admit_only
from appliance.engine.pj.dialog import Dialog, RawCall, operation_of
from appliance.engine.pj.guard import guarded
from appliance.engine.pj.happenings import Called, FileOver, Happening, KeySent, Over
from appliance.engine.pj.sound import Player, Silence, SoundPort
from appliance.engine.sip_words import (
    dialled_user,
    escaped_parameter,
    escaped_user,
    header_values,
    moved_sound,
    party,
    sound_address,
)

log = logging.getLogger("qendra.engine")

RATE = 8000
"""Samples a second on the bridge."""

_CODECS = {"PCMU/8000": 255, "PCMA/8000": 254, "G722/16000": 250, "opus/48000": 240}
"""What we speak, best liked first; everything else is off."""

_LOOPBACK = "127.0.0.1"
_ANYWHERE = "0.0.0.0"  # noqa: S104 (compared with, not bound to)


@dataclass(frozen=True)
class Ports:
    """Where the engine is on the network."""

    engine: int
    """UDP port for SIP with the edge, on loopback."""
    edge: int
    """The edge's inside port, on loopback."""
    first_rtp: int
    last_rtp: int
    bind: str
    """The address telephones send their sound to; 0.0.0.0: whichever of ours is on their side."""


class CannotStart(Exception):
    """The engine cannot come up; says what is in the way."""


class Library:
    """pjsua2, up and running. All methods belong to the thread that made it, but `wake`."""

    LOOK = 0.02
    """Seconds between two looks at the retired players."""

    def __init__(self, ports: Ports) -> None:
        """Start everything.

        Raises:
            CannotStart: a port is taken.
        """
        self._ports = ports
        self.happenings: deque[Happening] = deque()
        self._dialogs: set[Dialog] = set()
        self._retired: list[Player] = []
        self._looked_at = 0.0
        self._free_ports: dict[int, list[SoundPort]] = {}
        self._waker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._waker.bind((_LOOPBACK, 0))
        self._endpoint = _started_endpoint()
        self._account = _Account(self)
        self._account.create(self._account_config(self._sip_transport()))
        self._endpoint.libStart()
        self._endpoint.audDevManager().setNullDev()
        self._like_codecs()
        self._waker.connect((_LOOPBACK, ports.engine))
        self.silence = Silence(RATE)

    def poll(self, seconds: float, now: float) -> None:
        """Let the library work, for at most that long unless woken. What happened is in `happenings` then."""
        self._endpoint.libHandleEvents(max(0, int(seconds * 1000)))
        if self._retired and now >= self._looked_at + self.LOOK:
            self._looked_at = now
            self._retired = [player for player in self._retired if not player.may_go()]

    def next_deadline(self) -> float | None:
        """When `poll` has something of its own to do, besides what the network brings."""
        return self._looked_at + self.LOOK if self._retired else None

    def wake(self) -> None:
        """End the present or the next `poll` at once. From any thread."""
        # A bare line end is a keep-alive to any SIP stack (RFC 5626 §3.5.1): read, and nothing done.
        with contextlib.suppress(OSError):
            self._waker.send(b"\r\n")

    def note(self, happening: Happening) -> None:
        """Remember what happened. From any thread."""
        self.happenings.append(happening)
        if isinstance(happening, KeySent):
            self.wake()  # the library tells of keys before it goes to sleep, not after

    def dial(self, extension: str, device: str, caller: str, caller_name: str) -> Dialog:
        """Call one device of an extension, through the edge. If even that is impossible, `Over` says so."""
        dialog = self._new_dialog()
        raw = RawCall(self._account, dialog)
        operation = operation_of()
        operation.txOption.localUri = party(caller, caller_name, self._our_address_toward(""))
        target = f"<sip:{escaped_user(extension)}@{_LOOPBACK}:{self._ports.edge};ob={escaped_parameter(device)}>"
        try:
            raw.makeCall(target, operation)
        except pj.Error as error:
            if not dialog.over:
                dialog.disown(503, f"cannot call: {error.reason}")
        return dialog

    def player(self, file: str, *, loop: bool) -> Player:
        """A player of a WAV file; `FileOver` comes at its end, unless it loops. Give it back with `retire`.

        Raises:
            SoundFault: see `Player`.
        """
        return Player(file, loop=loop, over=self._file_over)

    def retire(self, player: Player) -> None:
        """Take back a player that has been disconnected from whoever heard it."""
        self._retired.append(player)

    def sound_port(self, rate: int) -> SoundPort:
        """A port for a modem's sound, connected to nothing. Give it back with `give_back`."""
        free = self._free_ports.setdefault(rate, [])
        return free.pop() if free else SoundPort(rate)

    def give_back(self, port: SoundPort) -> None:
        """Return a port that is connected to nothing any more."""
        port.fall_silent()
        self._free_ports[port.rate].append(port)

    @property
    def dialogs(self) -> int:
        """Calls the library has, in whatever state."""
        return len(self._dialogs)

    def hang_up_all(self) -> None:
        """End every call."""
        self._endpoint.hangupAllCalls()

    # -- what the library's callbacks use ------------------------------------------------------------

    def arrived(self, call_id: int, source: str, message: str) -> None:
        """An INVITE has come: make a dialog of it, or refuse it if it did not come through the edge."""
        dialog = self._new_dialog()
        raw = RawCall(self._account, dialog, call_id)
        extension = header_values(message, "X-Qendra-From")
        if source != f"{_LOOPBACK}:{self._ports.edge}" or len(extension) != 1:
            log.warning("refused a call from %s that did not come through the edge", source)
            dialog.note = _unheard
            raw.hangup(operation_of(403))
            return
        device = header_values(message, "X-Qendra-Device")
        self.note(Called(dialog, extension[0], dialled_user(message), device[0] if device else ""))

    def _new_dialog(self) -> Dialog:
        dialog = Dialog(self.note, self._our_sound, self._dialogs.discard)
        self._dialogs.add(dialog)
        return dialog

    def _file_over(self, player: Player) -> None:
        self.note(FileOver(player))
        self.wake()

    def _our_sound(self, ours: str, theirs: str) -> str:
        if self._ports.bind != _ANYWHERE:
            return ours
        return moved_sound(ours, self._our_address_toward(sound_address(theirs)))

    def _our_address_toward(self, other: str) -> str:
        """The address of ours that `other` can reach; the one on the default route when it is not known."""
        if self._ports.bind != _ANYWHERE:
            return self._ports.bind
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            try:
                probe.connect((other or "192.0.2.1", 9))  # sends nothing: a datagram socket only looks up the route
                return str(probe.getsockname()[0])
            except OSError:
                return _LOOPBACK

    # -- start ---------------------------------------------------------------------------------------

    def _sip_transport(self) -> int:
        config = pj.TransportConfig()
        config.port = self._ports.engine
        config.boundAddress = _LOOPBACK
        try:
            transport = self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, config)
        except pj.Error as error:
            raise CannotStart(f"UDP port {self._ports.engine} on {_LOOPBACK}: {error.reason}") from None
        admit_only(_LOOPBACK, self._ports.engine, (self._ports.edge, self._waker.getsockname()[1]))
        return int(transport)

    def _account_config(self, transport: int) -> Any:
        config = pj.AccountConfig()
        config.idUri = f"sip:qendra@{_LOOPBACK}:{self._ports.engine}"
        config.sipConfig.transportId = transport
        config.sipConfig.proxies.append(f"sip:{_LOOPBACK}:{self._ports.edge};lr")
        config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
        # The edge knows where the telephones are; the engine's own addresses are never to be corrected.
        for guess in ("contactRewriteUse", "viaRewriteUse", "sdpNatRewriteUse", "sipOutboundUse"):
            setattr(config.natConfig, guess, 0)
        media = config.mediaConfig
        media.lockCodecEnabled = False
        media.srtpUse = pj.PJMEDIA_SRTP_DISABLED
        media.transportConfig.port = self._ports.first_rtp
        media.transportConfig.portRange = self._ports.last_rtp - self._ports.first_rtp - 1
        if self._ports.bind != _ANYWHERE:
            media.transportConfig.boundAddress = self._ports.bind
        return config

    def _like_codecs(self) -> None:
        for codec in self._endpoint.codecEnum2():
            liked = [priority for name, priority in _CODECS.items() if codec.codecId.startswith(name)]
            self._endpoint.codecSetPriority(codec.codecId, liked[0] if liked else 0)


class _Account(pj.Account):  # type: ignore[misc]  # an untyped library
    """Every call comes and goes through this one."""

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library

    @guarded
    def onIncomingCall(self, prm: Any) -> None:
        self._library.arrived(int(prm.callId), str(prm.rdata.srcAddress), str(prm.rdata.wholeMsg))


def _started_endpoint() -> Any:
    endpoint = pj.Endpoint()
    with _hushed():  # it greets on standard output before it can be told not to
        endpoint.libCreate()
    config = pj.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 1
    config.logConfig.msgLogging = 0
    agent = config.uaConfig
    agent.threadCnt = 0
    agent.mainThreadOnly = True
    agent.maxCalls = 128
    agent.userAgent = "Qendra"
    sound = config.medConfig
    sound.clockRate = RATE
    sound.audioFramePtime = 20
    sound.noVad = True
    sound.ecTailLen = 0
    sound.quality = 3
    sound.maxMediaPorts = 512
    sound.threadCnt = 1
    # The sound clock never stops (0.15 % of a core): what it is asked to do is done within 20 ms, always.
    sound.sndAutoCloseTime = -1
    endpoint.libInit(config)
    return endpoint


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _unheard(happening: Happening) -> None:
    """A refused stranger's dialog has an end, but nobody wants to hear of it."""
    if not isinstance(happening, Over):
        log.debug("from a refused call: %s", type(happening).__name__)
