"""What is said of a provider and its servers, in plain words. The page knows each sentence (`webui.heard_words`)."""

from __future__ import annotations

from appliance.calls.edge import Trunk
from appliance.edge.flows import Flow, host_port
from appliance.edge.trunks.location import Server, host_and_port
from appliance.edge.trunks.registration import Registration
from appliance.edge.trunks.servers import Servers


def registering(registration: Registration, servers: Servers, server: Server) -> tuple[bool, str]:
    """Of a provider we register with, at this server: whether a call could go there, and how it is."""
    place, trouble = named(server.flow), servers.trouble()
    if registration.refusal:
        return False, registration.refusal
    if registration.at:
        return servers.best() is not None, _besides(f"registered with {place}", trouble)
    return False, f"{trouble}, trying {place}" if trouble else f"registering with {place}"


def reachable(servers: Servers, server: Server, *, pings: bool) -> tuple[bool, str]:
    """The same of a provider who knows us by our address."""
    place, trouble, health = named(server.flow), servers.trouble(), servers.get(server.flow)
    if health and health.heard:
        return True, _besides(f"{place} answers", trouble)
    if not pings:
        return True, _besides(f"calls go to {place}", trouble)
    return False, f"{trouble}, trying {place}" if trouble else f"asking {place}"


def search(trunk: Trunk, *, unheard: bool, settled: bool) -> str:
    """Of a provider none of whose servers is known: the name servers are silent, or have said all they know."""
    name = host_and_port(trunk.proxy or trunk.domain)[0]
    if unheard:
        return f"nobody can say where {name} is: the name servers (DNS) do not answer"
    return f"there is no {name} in the DNS" if settled else f"looking for {name}"


def _besides(words: str, trouble: str) -> str:
    return f"{words}; {trouble}" if trouble else words


def silent(flow: Flow) -> str:
    """What is said of a server that does not answer."""
    return f"no answer from {named(flow)}"


def unconnected(flow: Flow, why: str) -> str:
    """The same where no connection can be had; `why` has the server as its subject, and may be empty."""
    return f"no connection to {named(flow)}" + (f", which {why}" if why not in {"", "hung up"} else "")


def refusing(flow: Flow, status: int) -> str:
    """The same where it answers that it cannot."""
    return f"{named(flow)} says that it cannot serve us now ({status})"


def named(flow: Flow) -> str:
    """A server for people: its port only when it is not the usual one."""
    usual = 5061 if flow.transport == "tls" else 5060
    return flow.host if flow.port == usual else host_port(flow.host, flow.port)
