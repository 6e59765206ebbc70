"""The edge's process: sockets, clock and files around the proxy, which decides."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING

from appliance.calls.edge import Accounts, CheckReach, Lamp, LiftBan, Mailbox, Outside, Refusal, Refused, Trunks
from appliance.calls.moment import Moment
from appliance.edge import keep
from appliance.edge.binding import STALE
from appliance.edge.door import Door, Unable
from appliance.edge.flows import Flow, Found, Knock, LookUp, Message, Open, Output, Send, Tell, ToEngine
from appliance.edge.message import Garbled
from appliance.edge.notifier import keeping
from appliance.edge.proxy import Proxy
from appliance.edge.settings import Settings
from appliance.edge.sieve import EVERY
from appliance.edge.signs import Ports, Signs
from appliance.edge.tokens import Tokens
from appliance.edge.udp import Inside, knock, routers
from appliance.wire.peer import Peer, serve
from appliance.wire.seams import EDGE

if TYPE_CHECKING:
    from appliance.edge.names import Names

log = logging.getLogger("qendra.edge")

SOON = 0.1
SPACING = 1.0
"""Seconds from a change of the registrations to their file, and between two writings of it."""
UNHEARD = 200
"""Refusals kept for a desk that is away."""


class Edge:
    """One edge, from `open` to `close`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        tokens = Tokens(keep.secret(settings.state))
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keep")
        self._door = Door(settings, self, _now, self._writer)
        ports = Ports(settings.sip_port, settings.tls_port)
        signs = Signs(tokens, self._door.here, ports, settings.inside_port, settings.engine_port)
        self.proxy = Proxy(signs, settings.limits, Random(), _calendar, settings.sound_ports)
        self.proxy.reach.routers = routers
        self._names: Names | None = None
        self._peers: list[Peer] = []
        self._unheard: deque[Refused] = deque(maxlen=UNHEARD)
        self._wake: asyncio.TimerHandle | None = None
        self._saving: asyncio.TimerHandle | None = None
        self._kept_accounts = b""
        self._saved = (0, 0, 0, 0)
        self._saved_at = 0.0
        self._refreshes = 0
        """Of the registrations, as far as they are on disk; since when is `_bindings_at`."""
        self._bindings_at = 0.0

    async def open(self) -> None:
        """Take up the trade: what was registered before is registered again.

        Raises:
            Unable: a port is taken, or the address is not ours.
        """
        settings = self._settings
        self._loop = asyncio.get_running_loop()
        self._remember()
        try:
            self._inside = Inside(
                settings.inside_port, settings.engine_port, self._heard_inside, self._engine_lost, self.settle
            )
        except OSError as error:
            raise Unable(f"port {settings.inside_port} on loopback, for the engine, cannot be had: {error}") from error
        await self._door.open()
        self._sifting = self._loop.call_later(EVERY, self._sift)
        try:
            self._seam = await serve(EDGE, settings.run / "edge.sock", _clock, self._met)
        except OSError as error:
            raise Unable(f"the desk's way in cannot be had: {error}") from error
        where = ", ".join(settings.bind)
        ports = settings.sip_port, settings.tls_port
        log.info("%d telephones remembered; SIP at %s, ports %d and %d", len(self.proxy.registrar), where, *ports)
        self.settle()

    def close(self) -> None:
        """Keep what is registered, and leave."""
        if self._wake is not None:
            self._wake.cancel()
        if self._saving is not None:
            self._saving.cancel()
        self._sifting.cancel()
        self._seam.close()
        for peer in self._peers:
            peer.close()
        if self._names is not None:
            self._names.close()
        self._door.close()
        self._saved = (-1, -1, -1, -1)
        self._save()
        self._writer.shutdown()
        self._inside.close()
        log.info("%s", self.proxy.counters)

    def _sift(self) -> None:
        self._door.sift(self.proxy.sieve(self._door.lost(), _clock()))
        self._sifting = self._loop.call_later(EVERY, self._sift)

    def _remember(self) -> None:
        """Work from what was kept, until the desk says otherwise."""
        accounts = keep.accounts(self._settings.state)
        now = _now()
        self.proxy.guard.bans.restore(keep.bans(self._settings.state, now), now.mono)
        self.proxy.directory.restore(keep.names(self._settings.state))
        self.proxy.reach.restore(keep.outside(self._settings.state))
        if accounts is not None:
            self.proxy.accept(accounts, now.mono)
            self.proxy.restore(keep.bindings(self._settings.state, now), now.mono)
            self.proxy.notifier.restore(keeping.subscriptions(self._settings.state, now))
        # All of it stands in the files already, but for the leap in the numbers of restored subscriptions.
        self._refreshes = self.proxy.registrar.refreshes
        self._saved = (self.proxy.registrar.revision, 0, self.proxy.guard.bans.revision, self.proxy.directory.revision)

    def datagram(self, data: bytes, source: Flow) -> None:
        """See `door.Ears`."""
        self._do(self.proxy.receive(data, source, _clock()))

    def _dns(self) -> Names:
        """Who asks the DNS. It is loaded when it is wanted: a box without providers starts sooner and is smaller."""
        if self._names is None:
            from appliance.edge.names import Names  # noqa: PLC0415

            self._names = Names(self._found, self._settings.name_servers)
        return self._names

    def _heard_inside(self, data: bytes) -> None:
        self._do(self.proxy.receive_inside(data, _clock()))

    def _engine_lost(self, data: bytes) -> None:
        self._do(self.proxy.engine_refused(data, _clock()))

    def objection(self, source: Flow) -> tuple[Refusal, str] | None:
        """See `door.Ears`."""
        return self.proxy.objection(source, _clock())

    def began(self, flow: Flow) -> None:
        """See `door.Ears`."""
        self._do(self.proxy.connected(flow, _clock()))
        self.settle()

    def heard(self, piece: bytes | Garbled, source: Flow) -> bool:
        """One message of a connection; worth keeping is one that somebody has proved themselves over."""
        now = _clock()
        if isinstance(piece, Garbled):
            outputs = self.proxy.broken(piece, source, now)
        else:
            outputs = self.proxy.receive(piece, source, now)
        self._do(outputs)
        self.settle()
        ours = self.proxy.registrar.at(source) is not None or self.proxy.trunks.expects(source.host)
        return ours or any(isinstance(each, ToEngine) for each in outputs)

    def ended(self, flow: Flow, why: str) -> None:
        """See `door.Ears`."""
        self._do(self.proxy.disconnected(flow, _clock(), why))
        self.settle()

    def turned_away(self, source: Flow, refusal: Refusal, words: str) -> None:
        """See `door.Ears`."""
        self._do(self.proxy.turned_away(source, refusal, words, _clock()))
        self.settle()

    def _do(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case Send(flow, data):
                    self._door.send(data, flow)
                case Open(flow, server_name):
                    self._door.connect(flow, server_name)
                case ToEngine(data):
                    self._inside.send(data)
                case LookUp():
                    self._dns().look_up(output)
                case Knock(flow, data):
                    knock(data, flow)
                case Tell(message):
                    self._tell(message)

    def _found(self, asked: LookUp, found: Found) -> None:
        self._do(self.proxy.found(asked, found, _clock()))
        self.settle()

    def _tell(self, message: Message) -> None:
        if not self._peers and isinstance(message, Refused):
            self._unheard.append(message)
        for peer in self._peers:
            peer.send(message, _clock())

    async def _met(self, peer: Peer) -> None:
        """A desk: it hears what there is, then what happens, until it goes."""
        self.proxy.desk_came(_clock())
        for message in self.proxy.standing():
            peer.send(message, _clock())
        while self._unheard:
            peer.send(self._unheard.popleft(), _clock())
        self._peers.append(peer)
        try:
            await peer.listen(self._desk_said)
        finally:
            self._peers.remove(peer)

    def _desk_said(self, message: object, _: float) -> None:
        match message:
            case Accounts():
                self._do(self.proxy.accept(message, _clock()))
                data = keep.accounts_bytes(message)
                if data != self._kept_accounts:
                    self._kept_accounts = data
                    self._writer.submit(self._write, "accounts.json", data)
            case Lamp() | Mailbox():
                self._do(self.proxy.show(message, _clock()))
            case Trunks():
                self._do(self.proxy.providers(message.trunks, _clock()))
            case Outside():
                self._door.called(message.name)
                self._do(self.proxy.called_from_outside(message, _clock()))
                self._writer.submit(self._write, "outside.json", keep.outside_bytes(message))
            case CheckReach():
                self._do(self.proxy.check_reach(_clock()))
            case LiftBan():
                self._do(self.proxy.lift(message, _clock()))
            case _:
                pass
        self.settle()

    def settle(self) -> None:
        """After anything has happened: wake at the right time, and keep what has changed."""
        deadline = self.proxy.next_deadline()
        if deadline is not None and (self._wake is None or deadline < self._wake.when()):
            if self._wake is not None:
                self._wake.cancel()
            self._wake = self._loop.call_at(deadline, self._tick)
        keep_at = self._keep_at()
        if keep_at is not None and (self._saving is None or keep_at < self._saving.when()):
            if self._saving is not None:
                self._saving.cancel()
            self._saving = self._loop.call_at(keep_at, self._save)

    def _tick(self) -> None:
        self._wake = None
        self._do(self.proxy.tick(_clock()))
        self.settle()

    def _keep_at(self) -> float | None:
        """When what has changed is to be on disk: soon, but that telephones stay where they are need not be."""
        if self._to_keep() != self._saved:
            return max(_clock() + SOON, self._saved_at + SPACING)
        return None if self.proxy.registrar.refreshes == self._refreshes else self._bindings_at + STALE

    def _save(self) -> None:
        self._saving = None
        now = _now()
        before, self._saved, self._saved_at = self._saved, self._to_keep(), now.mono
        stale = self.proxy.registrar.refreshes != self._refreshes and now.mono >= self._bindings_at + STALE
        if self._saved[0] != before[0] or stale:
            self._refreshes, self._bindings_at = self.proxy.registrar.refreshes, now.mono
            self._writer.submit(self._write, "bindings.json", keep.bindings_bytes(self.proxy.registrar, now))
        if self._saved[1] != before[1]:
            data = keeping.subscriptions_bytes(self.proxy.notifier.standing(), now)
            self._writer.submit(self._write, keeping.FILE, data)
        if self._saved[2] != before[2]:
            self._writer.submit(self._write, "bans.json", keep.bans_bytes(self.proxy.guard.bans.standing(), now))
        if self._saved[3] != before[3]:
            self._writer.submit(self._write, "names.json", keep.names_bytes(self.proxy.directory.kept()))

    def _to_keep(self) -> tuple[int, int, int, int]:
        """How often registrations, subscriptions, bans and what is known of names have changed."""
        proxy = self.proxy
        return proxy.registrar.revision, proxy.notifier.revision, proxy.guard.bans.revision, proxy.directory.revision

    def _write(self, name: str, data: bytes) -> None:
        """Runs on the writer's thread, one file after the other: a memory card may take its time."""
        try:
            keep.write(self._settings.state / name, data)
        except OSError as error:
            log.error("%s cannot be written (%s); telephones may have to register again after a restart", name, error)


def main(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; the exit code is 1 when the edge could not begin."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_run(settings))
    except Unable as error:
        print(error, file=sys.stderr)  # noqa: T201 - the one thing said to who started us
        return 1
    return 0


async def _run(settings: Settings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    edge = Edge(settings)
    await edge.open()
    # What is loaded stays; nearly nothing the edge makes refers to itself.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    await stopped.wait()
    edge.close()


def _clock() -> float:
    return time.monotonic()  # noqa: TID251 - the driver reads the clock, once per message


def _calendar(mono: float) -> float:
    """The UTC second of a monotonic one, as the machine believes now."""
    now = _now()
    return now.utc + mono - now.mono


def _now() -> Moment:
    return Moment(time.monotonic(), time.time())  # noqa: TID251 - the same, for what outlives a boot
