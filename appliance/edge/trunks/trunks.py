"""All providers: whose server is it, whose call is it, and what the desk hears of them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

from appliance.calls.edge import Trunk, TrunkIs
from appliance.calls.names import LineId
from appliance.edge import grammar
from appliance.edge.directory import Directory
from appliance.edge.flows import Flow, Output, Send, Tell
from appliance.edge.message import Request, Response
from appliance.edge.paths import Paths
from appliance.edge.signs import Signs
from appliance.edge.trunks.calls import Calls, named_provider
from appliance.edge.trunks.provider import Provider, Tools
from appliance.edge.trunks.ways import Ways

log = logging.getLogger("qendra.edge")

RATE = 50.0
BURST = 200.0
"""Requests per second, and at once, that one provider may begin. Far more than its customers call; no flood."""


class Trunks:
    """The table of providers. Methods answer what to do, with a word to the desk about each provider that changed."""

    def __init__(
        self, signs: Signs, paths: Paths, directory: Directory, is_live: Callable[[Flow], bool], dice: Random
    ) -> None:  # fmt: skip
        self._signs = signs
        self._ways = Ways(is_live)
        self._tools = Tools(signs, self._ways, directory, dice, signs.tokens.alias(b"servers").encode())
        self._calls = Calls(signs, paths, self._ways)
        self._providers: dict[str, Provider] = {}
        self._leaving: list[Provider] = []
        self._marks: dict[str, str] = {}
        self._said: dict[str, TrunkIs] = {}
        self._buckets: dict[str, tuple[float, float]] = {}

    # ---- from the desk, and to it

    def accept(self, trunks: Iterable[Trunk], now: float) -> list[Output]:
        """All providers there are now. One that stays as it was notices nothing."""
        trunks = list(trunks)
        users = Counter(each.user for each in trunks)
        before, self._providers = self._providers, {}
        out: list[Output] = []
        for trunk in trunks:
            mark = self._signs.tokens.alias(b"line " + trunk.name.encode()) if users[trunk.user] > 1 else ""
            old = before.get(trunk.name)
            if old is not None and old.trunk == trunk and old.mark == mark:
                self._providers[trunk.name] = before.pop(trunk.name)
                continue
            self._providers[trunk.name] = Provider(trunk, self._tools, mark)
        for name, old in before.items():
            # A new password, say: who is registered anew in the same place must not be signed off after that.
            if not any(new.replaces(old) for new in self._providers.values()):
                out += old.leave(now)
                self._leaving.append(old)
            self._said.pop(name, None)
            self._buckets.pop(name, None)
        for provider in self._providers.values():
            if provider.trunk.name not in self._said:
                out += provider.locate(now)
        return self._and_told(out)

    def statuses(self) -> list[TrunkIs]:
        """One word per provider, for a desk that has just come."""
        return [provider.status() for provider in self._providers.values()]

    # ---- what happens

    def found(self, now: float) -> list[Output]:
        """The DNS has said something new."""
        return self._and_told([each for provider in self._providers.values() for each in provider.locate(now)])

    def connected(self, flow: Flow, now: float) -> list[Output]:
        """A connection is up."""
        return self._ways.connected(flow, now)

    def disconnected(self, flow: Flow, now: float, why: str) -> list[Output]:
        """A connection has ended, or could not be opened."""
        self._ways.disconnected(flow)
        for provider in self._all():
            provider.disconnected(flow, now, why)
        out = self._calls.disconnected(flow, now)
        return self._and_told(out + [each for provider in self._all() for each in provider.tick(now)])

    def next_deadline(self) -> float | None:
        """When `tick` has something to do."""
        deadlines = [self._calls.next_deadline(), *(each.next_deadline() for each in self._all())]
        return min((each for each in deadlines if each is not None), default=None)

    def tick(self, now: float) -> list[Output]:
        """Do what has become due."""
        out = self._calls.tick(now)
        out += [each for provider in self._all() for each in provider.tick(now)]
        self._leaving = [each for each in self._leaving if not each.gone]
        return self._and_told(out)

    def answered(self, response: Response, now: float) -> tuple[bool, list[Output]]:
        """An answer from outside. The first says whether the engine is to have it."""
        if response.method in {b"REGISTER", b"OPTIONS"}:
            own = [each for provider in self._all() for each in provider.answered(response, now)]
            return False, self._and_told(own)
        out = self._calls.answered(response, now)
        return out is None, self._and_told(out or [])

    # ---- calls

    def call(self, request: Request, transaction: bytes, now: float) -> list[Output]:
        """An INVITE of the engine that names a provider; without a living server it is refused at once."""
        provider = self._providers.get(named_provider(request))
        if provider is None:
            return [self._calls.refusal(request, "there is no such provider")]
        return self._and_told(self._calls.begin(request, transaction, provider, now))

    def send(self, flow: Flow, data: bytes, now: float) -> list[Output]:
        """Send in a dialog; a connection to a provider that has ended is opened anew."""
        for provider in self._providers.values():
            health = provider.servers.get(flow)
            if health is not None:
                return self._ways.send(health.server, data, now)
        return [Send(flow, data)]

    def way_to(self, flow: Flow) -> Flow | None:
        """Where a dialog goes on whose far end was at this flow, now that nothing can be sent there any more."""
        for provider in self._providers.values():
            if provider.sources.include_host(flow.host):
                server = provider.servers.get(flow)
                best = server.server if server else provider.call_server(set())
                return best.flow if best else None
        return None

    def here(self, flow: Flow) -> str:
        """Our own address as the provider at that flow sees it; empty when it is none, or sees no other than we do."""
        seen = (each.seen for each in self._providers.values() if each.sources.include_host(flow.host))
        return next(seen, "")

    def expects(self, host: str) -> bool:
        """Does a provider call from this address?"""
        return any(provider.sources.include_host(host) for provider in self._providers.values())

    def addresses(self) -> list[str]:
        """From where providers call: addresses and networks."""
        sources = [provider.sources for provider in self._providers.values()]
        return [place for each in sources for place in (*each.hosts, *map(str, each.networks))]

    def together(self, one: str, other: str) -> bool:
        """Do both addresses belong to one provider?"""
        return any(
            provider.sources.include_host(one) and provider.sources.include_host(other)
            for provider in self._providers.values()
        )

    def whose(self, request: Request, source: Flow) -> LineId | None:
        """The provider a request from outside comes from. Where two share an address, it says itself whom it is for."""
        candidates = [each for each in self._providers.values() if each.sources.include(source)]
        if len(candidates) < 2:
            return candidates[0].trunk.name if candidates else None
        uri, to = grammar.sip_uri(request.uri), grammar.sip_uri(request.called.uri)
        mark = (grammar.param(uri.params, b"line") or b"").decode("latin-1") if uri else ""
        users = [each.user.decode("latin-1") for each in (uri, to) if each is not None]

        def fits(provider: Provider) -> tuple[bool, bool, bool, bool]:
            user = provider.trunk.user
            return (
                bool(mark) and provider.mark == mark,
                user != "" and users[:1] == [user],
                user != "" and user in users,
                source in provider.sources.flows,
            )

        return max(candidates, key=fits).trunk.name

    def is_server(self, source: Flow) -> bool:
        """Is that the very address and port of a provider's server?"""
        return any(source in provider.sources.flows for provider in self._providers.values())

    def admit(self, name: LineId, now: float) -> bool:
        """Take one from the provider's bucket; False when it is empty."""
        level, when = self._buckets.get(name, (BURST, now))
        level = min(BURST, level + (now - when) * RATE)
        self._buckets[name] = (max(0.0, level - 1.0), now)
        return level >= 1.0

    # ---- inside

    def _all(self) -> list[Provider]:
        return [*self._providers.values(), *self._leaving]

    def _and_told(self, out: list[Output]) -> list[Output]:
        told: list[Output] = []
        for name, provider in self._providers.items():
            status = provider.status()
            if self._said.get(name) != status:
                self._said[name] = status
                log.info("%s: %s", name, status.words)
                told.append(Tell(status))
        return [*out, *told]
