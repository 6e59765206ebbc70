"""A box, its providers and the DNS on the test's clock: whatever one sends, the other has at once."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from appliance.calls.edge import Trunk, TrunkIs
from appliance.calls.names import LineId
from appliance.edge.flows import Flow, Found, LookUp, Open, Output, Record, Send, Srv, ToEngine
from appliance.edge.message import Request, parse
from appliance.edge.virtual.provider import Provider
from tests.edge.house import SDP, House, engine_request, request

BOX = "192.168.1.1"
PUBLIC = "203.0.113.5"
NUMBER = "+355421234567"


def trunk(name: str = "voip", domain: str = "192.0.2.1", user: str = "shop", **more: object) -> Trunk:
    """A provider as the desk says it."""
    fields: dict[str, object] = {"password": "secret", **more}
    return Trunk(LineId(name), domain, user=user, **fields)  # type: ignore[arg-type]


class World:
    """A House, the network behind it, and a name server."""

    def __init__(self, *, router: bool = False, house: House | None = None) -> None:
        """`router`: the box is seen from outside as `PUBLIC`, at another port."""
        self.house = house or House()
        self.router = router
        self.outside_port = 40_060
        self.providers: dict[tuple[str, int], Provider] = {}
        self.zone: dict[LookUp, tuple[Record, ...]] = {}
        self.dns = True
        self.asked: list[LookUp] = []
        self.unanswered: list[tuple[float, LookUp]] = []
        self.opened: list[Flow] = []
        self.connections: set[Flow] = set()
        self.unreachable: set[str] = set()
        self.to_engine: list[bytes] = []

    def provider(self, host: str = "192.0.2.1", port: int = 5060, transport: str = "udp", **passwords: str) -> Provider:
        """Stand one up at this address."""
        me = Flow(transport, host, port)  # type: ignore[arg-type]
        made = Provider("example.com", me, passwords or {"shop": "secret"}, Random(port), SDP)
        self.providers[host, port] = made
        return made

    def accept(self, *trunks: Trunk) -> None:
        self.deliver(self.house.proxy.providers(trunks, self.house.now))

    def engine(self, data: bytes) -> None:
        self.deliver(self.house.proxy.receive_inside(data, self.house.now))

    def dial(self, number: str = NUMBER, name: str = "voip", branch: bytes = b"z9hG4bKout-1") -> bytes:
        """The engine's INVITE for a provider."""
        uri = b"sip:%b@example.com" % number.encode()
        data = engine_request(
            b"INVITE", uri, branch=branch, call_id=b"out-" + branch[-1:], more=[b"X-Qendra-Trunk: " + name.encode()],
            body=SDP,
        )  # fmt: skip
        self.engine(data)
        return data

    def pass_time(self, seconds: float) -> None:
        """Let the clock run, waking everybody when they asked to be woken."""
        proxy, end = self.house.proxy, self.house.now + seconds
        while True:
            due = [
                each for each in (proxy.next_deadline(), *(p.next_deadline() for p in self.providers.values())) if each
            ]
            due += [when for when, _ in self.unanswered]
            if not due or min(due) > end:
                break
            assert min(due) > self.house.now - 5, "woken for nothing"
            self.house.now = max(self.house.now, min(due))
            self._time_has_come()
        self.house.now = end

    def _time_has_come(self) -> None:
        now = self.house.now
        for when, asked in list(self.unanswered):
            if when <= now:
                self.unanswered.remove((when, asked))
                self.deliver(self.house.proxy.found(asked, Found(None), now))
        self.deliver(self.house.proxy.tick(now))
        for provider in self.providers.values():
            self.from_provider(provider, provider.tick(now))

    def deliver(self, outputs: Iterable[Output]) -> None:
        """Whatever the box has to say reaches whom it is for."""
        for output in self.house.take(list(outputs)):
            match output:
                case Send(flow, data):
                    self._send(flow, data)
                case Open(flow, _):
                    self._open(flow)
                case LookUp():
                    self._look_up(output)
                case ToEngine(data):
                    self.to_engine.append(data)
                case _:
                    pass

    def _send(self, flow: Flow, data: bytes) -> None:
        provider = self.providers.get((flow.host, flow.port))
        if provider is None or flow.host in self.unreachable:
            return
        if flow.transport != "udp":
            assert flow in self.connections, f"nothing is open to {flow}"
        source = Flow(flow.transport, BOX, 5060 if flow.transport == "udp" else 41_000)
        if self.router:
            source = Flow(flow.transport, PUBLIC, self.outside_port)
        self.from_provider(provider, provider.receive(data, source, self.house.now))

    def from_provider(self, provider: Provider, sends: Iterable[Send]) -> None:
        """What a provider sends arrives, as coming from its address."""
        for each in sends:
            if provider.me.host not in self.unreachable:
                self.deliver(self.house.proxy.receive(each.data, provider.me, self.house.now))

    def _open(self, flow: Flow) -> None:
        self.opened.append(flow)
        now = self.house.now
        if (flow.host, flow.port) in self.providers and flow.host not in self.unreachable:
            self.connections.add(flow)
            self.deliver(self.house.proxy.connected(flow, now))
        else:
            self.deliver(self.house.proxy.disconnected(flow, now, "does not answer"))

    def cut(self, flow: Flow) -> None:
        """A connection ends."""
        self.connections.discard(flow)
        self.deliver(self.house.proxy.disconnected(flow, self.house.now))

    def _look_up(self, asked: LookUp) -> None:
        self.asked.append(asked)
        if self.dns:
            self.deliver(self.house.proxy.found(asked, Found(self.zone.get(asked, ()), 300.0), self.house.now))
        else:
            self.unanswered.append((self.house.now + 5.0, asked))

    # ---- looking

    def said(self, name: str = "voip") -> list[TrunkIs]:
        """What the desk heard of this provider."""
        return [each for each in self.house.told if isinstance(each, TrunkIs) and each.name == name]

    def words(self, name: str = "voip") -> str:
        return self.said(name)[-1].words

    def up(self, name: str = "voip") -> bool:
        return self.said(name)[-1].up

    def statuses(self) -> list[int]:
        """Of the answers the engine got."""
        answers = [parse(each) for each in self.to_engine]
        return [int(each.start[8:11]) for each in answers if not isinstance(each, Request) and hasattr(each, "start")]

    def calls_in(self) -> list[Request]:
        """The INVITEs that reached the engine."""
        return [request(each) for each in self.to_engine if each.startswith(b"INVITE ")]


def two_servers(world: World) -> None:
    """Two servers of example.com, one after the other."""
    world.zone |= {
        LookUp("_sip._udp.example.com", "SRV"): (Srv(1, 1, 5060, "a.example.com"), Srv(2, 1, 5060, "b.example.com")),
        LookUp("a.example.com", "A"): ("192.0.2.1",),
        LookUp("b.example.com", "A"): ("192.0.2.2",),
    }
