"""A telephone with lamps: it subscribes, hears NOTIFYs, answers them or does not."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from appliance.calls.edge import Lamp, LampState, Mailbox
from appliance.calls.names import Extension
from appliance.edge.flows import Flow, Output, Send
from appliance.edge.message import Request, Response, parse
from tests.edge.house import House, Phone, reply, udp

DIALOG_NS = "{urn:ietf:params:xml:ns:dialog-info}"
PIDF_NS = "{urn:ietf:params:xml:ns:pidf}"
ACCEPT = {
    b"dialog": b"Accept: application/dialog-info+xml",
    b"message-summary": b"Accept: application/simple-message-summary",
    b"presence": b"Accept: application/pidf+xml",
}


class Watcher(Phone):
    """A telephone that has registered and watches numbers."""

    def __init__(self, house: House, extension: str = "101", flow: Flow | None = None) -> None:
        super().__init__(house, extension, flow or udp(int(extension) - 90))
        if self.flow.transport != "udp":
            house.take(house.proxy.connected(self.flow, house.now))
        self.register()
        self.routes: list[bytes] = []

    def subscribe(
        self,
        watched: bytes = b"102",
        event: bytes = b"dialog",
        *,
        expires: bytes | None = b"600",
        dialog: bytes = b"w1",
        more: Iterable[bytes] = (),
        accept: bytes | None = None,
        contact: bytes | None = None,
    ) -> Response:
        """Begin a subscription; the last answer."""
        uri = b"sip:%b@192.168.1.1" % watched
        lines = [b"Event: " + event, b"Contact: <%b>" % (contact or self.contact), *more]
        if expires is not None:
            lines.append(b"Expires: " + expires)
        said = ACCEPT.get(event.partition(b";")[0]) if accept is None else accept
        if said:
            lines.append(said)

        def build(proofs: list[bytes]) -> bytes:
            return self.message(b"SUBSCRIBE", uri, to=b"<%b>" % uri, more=[*lines, *proofs], call_id=dialog)

        found = self.proved(build, b"SUBSCRIBE", uri)
        assert found is not None
        return found

    def again(self, granted: Response, *, expires: bytes = b"600", event: bytes = b"dialog") -> Response | None:
        """Refresh or end it, in its dialog, without a proof."""
        data = self.message(
            b"SUBSCRIBE", b"sip:102@192.168.1.1:5060", to=granted.first(b"to"), call_id=granted.first(b"call-id"),
            more=[b"Event: " + event, b"Contact: <%b>" % self.contact, b"Expires: " + expires],
        )  # fmt: skip
        return self.ask(data)

    def notified(self) -> list[Request]:
        """NOTIFYs it has got so far, repeats left out."""
        found = [parse(each.data) for each in self.house.sent if each.flow == self.flow]
        named = {each.via.branch: each for each in found if isinstance(each, Request) and each.method == b"NOTIFY"}
        return list(named.values())

    def answer(self, status: bytes = b"200 OK", more: Iterable[bytes] = ()) -> list[Output]:
        """Answer the newest."""
        return self.house.hear(reply(raw(self.notified()[-1]), status, more=more), self.flow)


def raw(message: Request) -> bytes:
    return b"\r\n".join([message.start, *message.lines, b"", message.body])


def lamp(house: House, state: LampState, extension: str = "102", note: str = "", *, reachable: bool = True) -> int:
    """The desk says so; how many NOTIFYs went out at once."""
    return len(house.take(house.proxy.show(Lamp(Extension(extension), state, note, reachable), house.now)))


def mailbox(house: House, new: int, old: int = 0, extension: str = "101") -> int:
    return len(house.take(house.proxy.show(Mailbox(Extension(extension), new, old), house.now)))


def state_of(notify: Request) -> str:
    """What the key shows."""
    found = ET.fromstring(notify.body).findtext(f"{DIALOG_NS}dialog/{DIALOG_NS}state")
    assert found is not None
    return found


def sends(house: House, flow: Flow) -> list[Send]:
    return [each for each in house.sent if each.flow == flow]
