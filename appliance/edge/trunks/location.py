"""Where a provider's servers are (RFC 3263), as far as the DNS has said: no waiting, only what is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from appliance.calls.edge import Trunk
from appliance.edge.flows import Flow, LookUp, Naptr, Record, Srv, Transport, packed

MOST = 8
"""Servers of one provider that are ever tried."""
_SERVICES: dict[str, Transport] = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV: dict[Transport, str] = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}


class Server(NamedTuple):
    """One address of a provider."""

    flow: Flow
    name: str
    """Whom its certificate has to name, on TLS (RFC 5922): whom we set out for, not what the DNS made of it."""


@dataclass(frozen=True, slots=True)
class Located:
    """What came out."""

    servers: tuple[Server, ...]
    """The best first."""
    wanted: tuple[LookUp, ...]
    """What this rests on, to be kept fresh."""
    settled: bool
    """False while an answer is still awaited that may bring more."""


Known = Callable[[LookUp], tuple[Record, ...] | None]


def locate(trunk: Trunk, known: Known, salt: bytes) -> Located:
    """The servers of this provider.

    Args:
        trunk: its `proxy` counts, else its `domain`; a port or an address in there skips the steps before.
        known: what the DNS has said, see `Directory.known`.
        salt: of this box. Of servers that share a priority each box takes its own order by their weights (RFC 2782),
            and stays with it as long as the servers are the same.
    """
    host, port = host_and_port(trunk.proxy or trunk.domain)
    search = _Search(known, salt, host)
    chosen: Transport | None = trunk.transport if trunk.transport in _SRV else None
    if packed(host):
        search.add(chosen or "udp", host, port)
    elif port:
        search.addresses(chosen or "udp", host, port)
    elif chosen:
        if not search.service(chosen, _SRV[chosen] + host):
            search.addresses(chosen, host, 0)
    else:
        search.any_transport()
    servers = tuple(dict.fromkeys(search.servers))[:MOST]
    return Located(servers, tuple(dict.fromkeys(search.wanted)), search.settled)


def host_and_port(written: str) -> tuple[str, int]:
    """`sip.example.com`, `192.0.2.1:5070`, `[2001:db8::1]:5060`, `2001:db8::1`; port 0 when none is written."""
    written = written.strip().lower()
    if written.startswith("["):
        host, _, rest = written[1:].partition("]")
        port = rest.removeprefix(":")
    elif written.count(":") == 1:
        host, _, port = written.partition(":")
    else:
        host, port = written, ""
    return host.rstrip("."), int(port) if port.isascii() and port.isdigit() and int(port) < 65536 else 0


@dataclass(slots=True)
class _Search:
    known: Known
    salt: bytes
    name: str
    servers: list[Server] = field(default_factory=list)
    wanted: list[LookUp] = field(default_factory=list)
    settled: bool = True

    def any_transport(self) -> None:
        """Whatever the provider likes best; where it says nothing, UDP first (section 4.1)."""
        services = [each for each in self._ask(LookUp(self.name, "NAPTR")) or () if isinstance(each, Naptr)]
        for offer in sorted(services, key=lambda each: (each.order, each.preference)):
            offered = _SERVICES.get(offer.service)
            if offered and offer.flags == "s":
                self.service(offered, offer.replacement)
        if self.servers or not self.settled:
            return
        for transport, service in _SRV.items():
            if self.service(transport, service + self.name):
                return
        self.addresses("udp", self.name, 0)

    def service(self, transport: Transport, name: str) -> bool:
        """Servers by SRV; False when there are none, and asking for plain addresses is the next step."""
        found = self._ask(LookUp(name, "SRV"))
        if found is None:
            return True
        records = [each for each in found if isinstance(each, Srv) and each.target not in {"", "."}]
        for record in sorted(records, key=lambda each: (each.priority, self._turn(each))):
            self.addresses(transport, record.target, record.port)
        return bool(records)

    def addresses(self, transport: Transport, name: str, port: int) -> None:
        """Servers by address records; IPv4 first, which every provider's sound can do."""
        if packed(name):
            self.add(transport, name, port)
            return
        for asked in (LookUp(name, "A"), LookUp(name, "AAAA")):
            hosts = [each for each in self._ask(asked) or () if isinstance(each, str) and packed(each)]
            for host in sorted(hosts, key=lambda each: self._chance(each.encode())):
                self.add(transport, host, port)

    def add(self, transport: Transport, host: str, port: int) -> None:
        self.servers.append(Server(Flow(transport, host, port or (5061 if transport == "tls" else 5060)), self.name))

    def _ask(self, asked: LookUp) -> tuple[Record, ...] | None:
        self.wanted.append(asked)
        found = self.known(asked)
        if found is None:
            self.settled = False
        return found

    def _turn(self, record: Srv) -> float:
        """A draw without replacement by weight, whose dice always fall the same way for the same server."""
        chance = self._chance(b"%b:%d" % (record.target.encode(), record.port))
        return -math.log(chance) / (record.weight or 0.01)

    def _chance(self, what: bytes) -> float:
        """Evenly spread between 0 and 1, without the two."""
        drawn = int.from_bytes(blake2b(what, digest_size=6, key=self.salt).digest())
        return (drawn + 1) / (2**48 + 2)
