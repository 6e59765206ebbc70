"""Who is registered where (RFC 3261 section 10): several telephones per extension, each with a name that stays.

A telephone is known again by its instance id (RFC 5626), else by its Contact, else by its Call-ID or its address: some
stop sending the instance on a refresh, some make up a new Contact on every start, some choose another port besides.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator

from appliance.edge.binding import Binding, Denied, Wish, agent_of, began_anew, is_repeat, lost, target_of, wishes_of
from appliance.edge.flows import Flow, origin
from appliance.edge.message import Request

DEVICES = 8
"""Telephones per extension; the longest silent makes room for a ninth."""


class Registrar:
    """The table of bindings. Every change is told to `changed` with the extension."""

    def __init__(self, name: Callable[[bytes, bytes, int], str], changed: Callable[[bytes], None]) -> None:
        """`name` makes a device's name from extension, identity and attempt."""
        self._name = name
        self._changed = changed
        self._by_extension: dict[bytes, dict[str, Binding]] = {}
        self._by_device: dict[str, Binding] = {}
        self._at: dict[Flow, set[str]] = {}
        self._hosts: dict[str, int] = {}
        self._ends: list[tuple[float, str]] = []
        self.revision = 0
        """Grows with every change that is worth keeping on disk at once: who is where."""
        self.refreshes = 0
        """Grows with everything else as well: that a telephone stays."""

    def __iter__(self) -> Iterator[Binding]:
        return iter(list(self._by_device.values()))

    def __len__(self) -> int:
        return len(self._by_device)

    def register(self, extension: bytes, request: Request, source: Flow, now: float) -> list[bytes]:
        """Do what an authenticated REGISTER asks.

        Returns:
            The Contact lines of the answer: everything registered now.

        Raises:
            Denied: nothing was changed.
        """
        contacts = request.all(b"contact")
        before = self._seen(extension)
        if contacts == [b"*"]:
            if request.first(b"expires") != b"0":
                raise Denied(400, b"Contact: * needs Expires: 0")
            for binding in self.devices(extension):
                if not is_repeat(binding, request, now):
                    self._remove(binding)
        else:
            wishes = wishes_of(request)
            pairs = [(wish, self._match(extension, wish, request, source, len(wishes))) for wish in wishes]
            repeated = [old is not None and is_repeat(old, request, now) for _, old in pairs]
            if not any(repeated):
                for wish, old in pairs:
                    self._take(extension, wish, old, request, source, now)
        if self._seen(extension) != before:
            self._changed(extension)
        return [
            b"Contact: <%b>;expires=%d" % (binding.contact, max(0, round(binding.expires - now)))
            for binding in self.devices(extension)
        ]

    def devices(self, extension: bytes) -> list[Binding]:
        """All telephones of the extension, the one heard last first."""
        return sorted(self._by_extension.get(extension, {}).values(), key=lambda each: -each.updated)

    def device(self, name: str) -> Binding | None:
        """The telephone of this name."""
        return self._by_device.get(name)

    def extensions(self) -> list[bytes]:
        """Those that have a telephone."""
        return [extension for extension, devices in self._by_extension.items() if devices]

    def at(self, flow: Flow, extension: bytes = b"") -> Binding | None:
        """The telephone at this flow, of this extension if one is named."""
        names = self._at.get(flow)
        if names is None:
            return None
        if not extension:
            return self._by_device[next(iter(names))]
        # A home with many telephones is behind one address; an extension never has many.
        devices = self._by_extension.get(extension, {})
        return next((binding for name, binding in devices.items() if name in names), None)

    def lives_at(self, host: str) -> bool:
        """Is any telephone registered from this address (`origin`)?"""
        return origin(host) in self._hosts

    def hosts(self) -> list[str]:
        """The addresses telephones are registered from."""
        return list(self._hosts)

    def restore(self, bindings: Iterable[Binding], now: float) -> None:
        """Take over what an earlier life had registered. Telephones on a connection have to call back first."""
        for binding in bindings:
            self._put(binding if binding.flow.transport == "udp" else lost(binding, now))

    def disconnected(self, flow: Flow, now: float) -> None:
        """A connection has ended."""
        for name in list(self._at.get(flow, ())):
            self._put(lost(self._by_device[name], now))

    def unreachable(self, device: str) -> None:
        """A telephone that used to answer pings does not any more."""
        binding = self._by_device.get(device)
        if binding is not None:
            self._remove(binding)
            self._changed(binding.extension)

    def keep_only(self, stays: Callable[[bytes], bool]) -> None:
        """Sign off every extension that may not stay."""
        for extension in [each for each in self.extensions() if not stays(each)]:
            for binding in self.devices(extension):
                self._remove(binding)
            self._changed(extension)

    def next_deadline(self) -> float | None:
        """When something lapses next."""
        return self._ends[0][0] if self._ends else None

    def tick(self, now: float) -> None:
        """Let lapse what has not been refreshed in time."""
        while self._ends and self._ends[0][0] <= now:
            _, name = heapq.heappop(self._ends)
            binding = self._by_device.get(name)
            if binding is not None and binding.expires <= now:
                self._remove(binding)
                self._changed(binding.extension)

    def _seen(self, extension: bytes) -> dict[str, tuple[Flow, str]]:
        """What others are told of an extension; refreshes alone do not change it."""
        devices = self._by_extension.get(extension, {})
        return {name: (binding.target, binding.agent) for name, binding in devices.items()}

    def _match(self, extension: bytes, wish: Wish, request: Request, source: Flow, wishes: int) -> Binding | None:
        bindings = self.devices(extension)
        for binding in bindings:
            if wish.instance and wish.instance == binding.instance:
                return binding
        for binding in bindings:
            if wish.uri == binding.contact:
                return binding
        if wishes == 1:
            target = target_of(wish.uri, source)
            for binding in bindings:
                same_call = binding.call_id == request.call_id and not (wish.instance and binding.instance)
                if same_call or binding.target == target:
                    return binding
            for binding in bindings:
                if began_anew(binding, wish, request, source):
                    return binding
        return None

    def _take(
        self, extension: bytes, wish: Wish, old: Binding | None, request: Request, source: Flow, now: float
    ) -> None:
        if not wish.seconds:
            if old is not None:
                self._remove(old)
            return
        devices = self.devices(extension)
        if old is None and len(devices) >= DEVICES:
            self._remove(devices[-1])
        self._put(
            Binding(
                device=old.device if old else self._new_name(extension, wish.instance or wish.uri),
                extension=extension,
                contact=wish.uri,
                flow=source,
                target=target_of(wish.uri, source),
                call_id=request.call_id,
                number=request.number,
                updated=now,
                expires=now + wish.seconds,
                instance=wish.instance or (old.instance if old else b""),
                agent=agent_of(request),
            )
        )

    def _new_name(self, extension: bytes, identity: bytes) -> str:
        attempt = 0
        while (name := self._name(extension, identity, attempt)) in self._by_device:
            attempt += 1
        return name

    def _put(self, binding: Binding) -> None:
        old = self._by_device.get(binding.device)
        if old is not None:
            self._leave(old)
        self._by_device[binding.device] = binding
        self._by_extension.setdefault(binding.extension, {})[binding.device] = binding
        for flow in {binding.flow, binding.target}:
            self._at.setdefault(flow, set()).add(binding.device)
        house = origin(binding.flow.host)
        self._hosts[house] = self._hosts.get(house, 0) + 1
        if old is None or old.expires != binding.expires:
            heapq.heappush(self._ends, (binding.expires, binding.device))
        if len(self._ends) > 64 + 4 * len(self._by_device):
            self._sweep()
        self.revision += old is None or old.place != binding.place
        self.refreshes += 1

    def _sweep(self) -> None:
        """Drop the deadlines that refreshes have made meaningless."""
        self._ends = [(binding.expires, name) for name, binding in self._by_device.items()]
        heapq.heapify(self._ends)

    def _remove(self, binding: Binding) -> None:
        self._leave(binding)
        del self._by_device[binding.device]
        devices = self._by_extension[binding.extension]
        del devices[binding.device]
        if not devices:
            del self._by_extension[binding.extension]
        self.revision += 1

    def _leave(self, binding: Binding) -> None:
        for flow in {binding.flow, binding.target}:
            names = self._at[flow]
            names.discard(binding.device)
            if not names:
                del self._at[flow]
        house = origin(binding.flow.host)
        self._hosts[house] -= 1
        if not self._hosts[house]:
            del self._hosts[house]
