"""Asking the DNS, with dnspython. Nobody waits for an answer, and there is always one: `found` hears that nobody said anything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdata
import dns.resolver
from dns.rdtypes.IN import AAAA, NAPTR, SRV, A

from appliance.edge.flows import Found, LookUp, Naptr, Record, Srv

log = logging.getLogger("qendra.edge")

PATIENCE = 5.0
"""Seconds for one answer, all name servers together."""
NONE_FOR = 60.0
"""Seconds for which a name that does not exist is not asked for again."""
AT_ONCE = 16
"""Look-ups under way; others wait their turn."""


class Names:
    """Asks the box's own name servers, as `/etc/resolv.conf` has them now, or those it is given."""

    def __init__(
        self, found: Callable[[LookUp, Found], None], servers: tuple[str, ...] = (), system: Path = Path("/etc/resolv.conf")
    ) -> None:  # fmt: skip
        """`servers`: `192.0.2.1:53` or `[2001:db8::1]:53`, instead of the box's own."""
        self._found = found
        self._servers = servers
        self._system = system
        self._read_at = -1
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)

    def look_up(self, asked: LookUp) -> None:
        """Ask, and return at once; `found` is called from the loop."""
        task = asyncio.get_running_loop().create_task(self._ask(asked))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def close(self) -> None:
        """Ask no more."""
        for task in self._asking:
            task.cancel()

    async def _ask(self, asked: LookUp) -> None:
        async with self._turns:
            try:
                found = await self._answer(asked)
            except (dns.exception.DNSException, OSError, ValueError) as error:
                log.debug("no answer about %s %s: %s", asked.kind, asked.name, error)
                found = Found(None)
        self._found(asked, found)

    async def _answer(self, asked: LookUp) -> Found:
        resolver = self._current()
        name = dns.name.from_text(asked.name)
        try:
            answer = await resolver.resolve(name, asked.kind, lifetime=PATIENCE, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return Found((), NONE_FOR)
        if answer.rrset is None:
            return Found((), NONE_FOR)
        return Found(tuple(_record(each) for each in answer.rrset), float(answer.chaining_result.minimum_ttl))

    def _current(self) -> dns.asyncresolver.Resolver:
        """The resolver; a router that was changed gives the box other name servers, and the file says so."""
        changed = 0 if self._servers else self._system.stat().st_mtime_ns
        if self._resolver is None or changed != self._read_at:
            if self._servers:
                self._resolver = dns.asyncresolver.Resolver(configure=False)
                self._resolver.nameservers = [_server(each) for each in self._servers]
            else:
                self._resolver = dns.asyncresolver.Resolver(str(self._system))
            self._read_at = changed
        return self._resolver


def _server(written: str) -> dns.nameserver.Nameserver:
    host, _, port = written.rpartition(":")
    return dns.nameserver.Do53Nameserver(host.strip("[]"), int(port))


def _record(data: dns.rdata.Rdata) -> Record:
    match data:
        case A.A() | AAAA.AAAA():
            return str(data.address)
        case SRV.SRV():
            return Srv(data.priority, data.weight, data.port, _text(data.target))
        case NAPTR.NAPTR():
            flags, service = data.flags.decode("latin-1").lower(), data.service.decode("latin-1").upper()
            return Naptr(data.order, data.preference, flags, service, _text(data.replacement))
        case _:
            raise ValueError(f"not asked for: {data.rdtype}")


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
