"""Every socket that telephones and providers speak to, and what each of them takes us to be called.

UDP on one socket per kind of address; TCP and WebSocket on the same port; TLS, and WebSocket within it, on another one,
with a certificate that is looked after here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from concurrent.futures import Executor
from functools import lru_cache, partial
from typing import Protocol

from appliance.calls.moment import Moment
from appliance.edge import certificates
from appliance.edge.flows import Flow
from appliance.edge.settings import Settings
from appliance.edge.sieve import Sieve
from appliance.edge.streams import Connections, Told
from appliance.edge.tls import client_context
from appliance.edge.udp import Datagrams, address_toward

log = logging.getLogger("qendra.edge")

ALL = ("0.0.0.0", "::")  # noqa: S104 - names for it
_LOOK = 3600.0
"""Seconds between two looks whether the certificate is still good for where we are."""
_NOBODYS = ("192.0.2.1", "2001:db8::1")
"""Addresses of documentation (RFC 5737, RFC 3849): the way there is the way out of the firm's network."""


class Unable(Exception):
    """The edge cannot be where it was told to be; says why, in a sentence for a person."""


class Ears(Told, Protocol):
    """Who hears what comes in."""

    def datagram(self, data: bytes, source: Flow) -> None:
        """Somebody sent this over UDP."""

    def settle(self) -> None:
        """That was all for now."""


class Door:
    """From `open` to `close`."""

    def __init__(self, settings: Settings, ears: Ears, now: Callable[[], Moment], worker: Executor) -> None:
        """`worker` is where files are written."""
        self._settings = settings
        self._ears = ears
        self._now = now
        self._worker = worker
        self._datagrams: dict[bool, Datagrams] = {}
        self._streams = Connections(settings.limits, lambda: now().mono, ears)
        self._shown = certificates.Shown(settings.state)
        self._trusted = lru_cache(maxsize=1)(partial(client_context, settings.authorities))
        self._toward = lru_cache(maxsize=1024)(address_toward)
        self._tls: list[asyncio.Server] = []
        self._public_name = ""
        self._caring: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen.

        Raises:
            Unable: a port is taken, or an address is not ours.
        """
        settings = self._settings
        for bind in settings.bind:
            where = f"{bind} port {settings.sip_port}"
            try:
                self._datagrams[":" in bind] = Datagrams(
                    bind, settings.sip_port, self._ears.datagram, self._ears.settle
                )
            except OSError as error:
                raise Unable(f"{where} (SIP over UDP) cannot be had: {error.strerror}") from error
            try:
                await self._streams.listen(bind, settings.sip_port)
            except OSError as error:
                raise Unable(f"{where} (SIP over TCP) cannot be had: {error.strerror}") from error
            try:
                self._tls.append(await self._streams.hold(bind, settings.tls_port, self._shown))
            except OSError as error:
                where = f"{bind} port {settings.tls_port}"
                raise Unable(f"{where} (SIP over TLS) cannot be had: {error.strerror}") from error
        self._caring = asyncio.get_running_loop().create_task(self._care())

    def send(self, data: bytes, flow: Flow) -> None:
        """Send, or lose it as networks do."""
        if flow.transport != "udp":
            self._streams.send(data, flow)
        elif datagrams := self._datagrams.get(":" in flow.host):
            datagrams.send(data, flow)

    def sift(self, sieve: Sieve | None) -> None:
        """Let in over UDP what falls through this sieve; None: all."""
        for datagrams in self._datagrams.values():
            datagrams.sift(sieve)

    def lost(self) -> int:
        """Datagrams lost since the beginning, because we were too busy to hear them."""
        return sum(datagrams.lost() for datagrams in self._datagrams.values())

    def connect(self, flow: Flow, server_name: str) -> None:
        """Open a connection to a provider, unless there is one."""
        self._streams.open(flow, server_name, self._trusted)

    def here(self, flow: Flow) -> str:
        """Our own address as whoever is at that flow sees it."""
        if flow.transport != "udp" and (here := self._streams.here(flow)):
            return here
        ours = [bind for bind in self._settings.bind if (":" in bind) == (":" in flow.host)]
        return ours[0] if len(ours) == 1 and ours[0] not in ALL else self._toward(flow.host)

    def called(self, public_name: str) -> None:
        """From outside we are found under this name; the certificate has to say it."""
        if public_name != self._public_name:
            self._public_name = public_name
            if self._caring is not None:
                self._caring.cancel()
                self._caring = asyncio.get_running_loop().create_task(self._care())

    def close(self) -> None:
        """Hear no more."""
        if self._caring is not None:
            self._caring.cancel()
        for datagrams in self._datagrams.values():
            datagrams.close()
        self._streams.close()

    async def _care(self) -> None:
        """See to it that there is a good certificate, now and from now on; then take connections within TLS."""
        loop, folder = asyncio.get_running_loop(), self._settings.state
        while True:
            try:
                work = partial(certificates.ensure, folder, self._names(), self._now().utc)
                if await loop.run_in_executor(self._worker, work):
                    log.info("a new certificate was made; telephones that trust this box's authority trust it")
            except OSError as error:
                log.error("no certificate can be made (%s); telephones cannot call encrypted", error)
            for server in self._tls if certificates.describe(folder) else ():
                await server.start_serving()
            await asyncio.sleep(_LOOK)

    def _names(self) -> set[str]:
        """All that telephones may call us."""
        host = socket.gethostname().partition(".")[0]
        found = {host, f"{host}.local", "qendra.local", self._public_name}
        found.update(bind for bind in self._settings.bind if bind not in ALL)
        for bind, beyond in zip(ALL, _NOBODYS, strict=True):
            if bind in self._settings.bind:
                found.add(address_toward(beyond))
        return found
