"""The library itself: its start, the calls it makes and gets, its events, its end."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pjsua2 as pj

from appliance.calls.engine import CallDevice, CallTrunk, TrunkAccount
from appliance.calls.names import Encryption
from appliance.engine.fence import admit_only
from appliance.engine.marks import marks_of
from appliance.engine.pj.accounts import V4, V6, Accounts, Way
from appliance.engine.pj.dialog import Dialog, RawCall, operation_of
from appliance.engine.pj.happenings import Called, FileOver, Happening, KeySent, Over
from appliance.engine.pj.ports import LOOPBACK, Ports, our_address_toward
from appliance.engine.pj.sound import Player, Silence, SoundPort
from appliance.engine.providers import CallOut
from appliance.engine.sdp import is_address, is_ip6, moved_sound, names_in, offered, plain_address, sound_address
from appliance.engine.sip_words import escaped_parameter, escaped_user, party

log = logging.getLogger("qendra.engine")

RATE = 8000
"""Samples a second on the bridge."""

_CODECS = {"PCMU/8000": 255, "PCMA/8000": 254, "G722/16000": 250, "opus/48000": 240}
"""What we speak, best liked first; everything else is off."""

_SOMEWHERE = {V4: "192.0.2.1", V6: "2001:db8::1"}
"""Far away: what is sent there would take the default route."""


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
        self._waker.bind((LOOPBACK, 0))
        self._endpoint = _started_endpoint()
        self.accounts = Accounts(ports, self._sip_transport(), self._arrived)
        self._endpoint.libStart()
        self._endpoint.audDevManager().setNullDev()
        self._like_codecs()
        self._waker.connect((LOOPBACK, ports.engine))
        self.silence = Silence(RATE)

    def poll(self, seconds: float, now: float) -> None:
        """Let the library work, for at most that long unless woken. What happened is in `happenings` then."""
        self._endpoint.libHandleEvents(max(0, int(seconds * 1000)))
        self.accounts.sweep()
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

    def dial(self, command: CallDevice) -> Dialog:
        """Call one device of an extension, through the edge. If even that is impossible, `Over` says so."""
        target = f"<sip:{escaped_user(command.extension)}@{LOOPBACK}:{self._ports.edge}"
        target += f";ob={escaped_parameter(command.device)}>"
        here = plain_address(command.here)
        caller = party(command.caller, command.caller_name, _in_uri(here or self._our_address_toward("")))
        dialog = self._new_dialog(command.encryption, here)
        return self._calling(dialog, lambda: self.accounts.telephones(_version(here)), CallOut(target, caller, ()))

    def dial_provider(self, command: CallTrunk, account: TrunkAccount, call: CallOut) -> Dialog:
        """Call a number over a provider, through the edge. If even that is impossible, `Over` says so."""
        here = plain_address(command.here) or plain_address(account.here)
        dialog = self._new_dialog(account.encryption, here)
        dialog.to_provider = True
        return self._calling(dialog, lambda: self.accounts.toward(account, _version(here)), call)

    def _calling(self, dialog: Dialog, way: Callable[[], Way], call: CallOut) -> Dialog:
        operation = operation_of()
        operation.txOption.localUri = call.caller
        for name, value in call.headers:
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            operation.txOption.headers.append(header)
        try:
            dialog.way = way()
        except pj.Error as error:
            dialog.disown(503, f"cannot call: {error.reason}")
            return dialog
        dialog.way.calls += 1
        raw = RawCall(dialog.way.raw, dialog)
        try:
            raw.makeCall(call.target, operation)
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

    def _arrived(self, call_id: int, source: str, message: str) -> None:
        """An INVITE has come: make a dialog of it, or refuse it if it did not come through the edge."""
        marks = marks_of(message)
        offer = message.partition("\r\n\r\n")[2]
        dialog = self._new_dialog(Encryption.OPTIONAL, plain_address(marks.here))
        dialog.marks, dialog.offer = marks, offer
        dialog.admit()
        dialog.to_provider = bool(marks.trunk)
        dialog.way = self.accounts.telephones(V4)
        dialog.way.calls += 1
        raw = RawCall(dialog.way.raw, dialog, call_id)
        if source != f"{LOOPBACK}:{self._ports.edge}" or bool(marks.extension) == bool(marks.trunk):
            log.warning("refused a call from %s that did not come through the edge", source)
            dialog.note = _unheard
            raw.hangup(operation_of(403))
            return
        if names_in(offer):
            log.warning("refused a call whose sound was to go to a name, %s, and no address", names_in(offer)[0][:80])
            dialog.note = _unheard
            raw.hangup(operation_of(488))
            return
        self.note(Called(dialog, marks, message))

    def _new_dialog(self, encryption: Encryption, here: str) -> Dialog:
        dialog = Dialog(self.note, self._our_sound, self._buried)
        dialog.encryption, dialog.here = encryption, here
        self._dialogs.add(dialog)
        return dialog

    def _buried(self, dialog: Dialog) -> None:
        self._dialogs.discard(dialog)
        if dialog.way is not None:
            dialog.way.calls -= 1

    def _file_over(self, player: Player) -> None:
        self.note(FileOver(player))
        self.wake()

    def _our_sound(self, dialog: Dialog, ours: str, theirs: str) -> str:
        """Our SDP as it goes out: with the address the other side can reach, and an offer of ours with keys or without."""
        version = V6 if is_ip6(ours) else V4
        here = dialog.here if dialog.here and _version(dialog.here) == version else ""
        moved = moved_sound(ours, here or self._our_address_toward(sound_address(theirs), version))
        return moved if theirs else offered(moved, dialog.encryption)

    def _our_address_toward(self, other: str, version: int = V4) -> str:
        bound = self._ports.bound
        if bound and _version(bound) == version:
            return bound
        known = is_address(other) and _version(other) == version
        return our_address_toward(other if known else _SOMEWHERE[version])

    # -- start ---------------------------------------------------------------------------------------

    def _sip_transport(self) -> int:
        config = pj.TransportConfig()
        config.port = self._ports.engine
        config.boundAddress = LOOPBACK
        try:
            transport = self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, config)
        except pj.Error as error:
            raise CannotStart(f"UDP port {self._ports.engine} on {LOOPBACK}: {error.reason}") from None
        admit_only(LOOPBACK, self._ports.engine, (self._ports.edge, self._waker.getsockname()[1]))
        return int(transport)

    def _like_codecs(self) -> None:
        for codec in self._endpoint.codecEnum2():
            liked = [priority for name, priority in _CODECS.items() if codec.codecId.startswith(name)]
            self._endpoint.codecSetPriority(codec.codecId, liked[0] if liked else 0)


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
    agent.natTypeInSdp = 0
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


def _in_uri(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _version(address: str) -> int:
    return V6 if ":" in address else V4


def _unheard(happening: Happening) -> None:
    """A refused stranger's dialog has an end, but nobody wants to hear of it."""
    if not isinstance(happening, Over):
        log.debug("from a refused call: %s", type(happening).__name__)
