"""Where a provider's calls may come from: its servers, and the addresses, networks and names the owner has entered."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache

from appliance.calls.edge import Trunk
from appliance.edge.flows import Flow, LookUp, packed
from appliance.edge.trunks.location import Known, Server, host_and_port

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class Sources:
    """Hosts and networks of one provider. A port counts where one has been entered."""

    flows: frozenset[Flow] = frozenset()
    """The servers themselves."""
    hosts: dict[str, set[int]] = field(default_factory=dict)
    """Ports over UDP by address; 0: any."""
    networks: tuple[Network, ...] = ()

    def include(self, flow: Flow) -> bool:
        """May a call from there be this provider's?"""
        ports = self.hosts.get(flow.host)
        if ports is not None:
            # Who calls over a connection of their own calls from any port.
            return flow in self.flows or 0 in ports or flow.port in ports or flow.transport != "udp"
        return bool(self.networks) and any(_address(flow.host) in network for network in self.networks)

    def include_host(self, host: str) -> bool:
        """Is anything at this address theirs?"""
        return host in self.hosts or (bool(self.networks) and any(_address(host) in each for each in self.networks))


def sources_of(trunk: Trunk, servers: tuple[Server, ...], known: Known) -> tuple[Sources, list[LookUp]]:
    """The sources of this provider as far as they are known, and what has to be looked up for them."""
    sources = Sources(frozenset(each.flow for each in servers))
    port_written = host_and_port(trunk.proxy or trunk.domain)[1]
    for server in servers:
        sources.hosts.setdefault(server.flow.host, set()).add(server.flow.port if port_written else 0)
    wanted: list[LookUp] = []
    networks: list[Network] = []
    for written in trunk.addresses:
        network = _network(written)
        if network is not None:
            networks.append(network)
            continue
        host, port = host_and_port(written)
        hosts = [host]
        if not packed(host):
            asked = [LookUp(host, "A"), LookUp(host, "AAAA")]
            wanted += asked
            hosts = [record for each in asked for record in known(each) or () if isinstance(record, str)]
        for each in hosts:
            sources.hosts.setdefault(each, set()).add(port)
    sources.networks = tuple(networks)
    return sources, wanted


def _network(written: str) -> Network | None:
    if "/" not in written:
        return None
    try:
        return ipaddress.ip_network(written.strip(), strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
