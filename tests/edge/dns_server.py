"""A name server for tests: it says what it is told to, or nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

LOOPBACK = "127.0.0.1"


class NameServer:
    """One UDP socket, on loopback unless told otherwise. `zone` may be changed while it runs; `silent` too."""

    def __init__(
        self, zone: Mapping[tuple[str, str], tuple[str, ...]], ttl: int = 60, at: tuple[str, int] = (LOOPBACK, 0)
    ) -> None:
        self.zone = dict(zone)
        self.ttl = ttl
        self.silent = False
        self.refuses = False
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(at)
        self.address = f"{at[0]}:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, source = self._socket.recvfrom(4096)
            if not data:
                return
            query = dns.message.from_wire(data)
            (question,) = query.question
            name, kind = question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name
            self.asked.append((name, kind))
            if self.silent:
                continue
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            texts = self.zone.get((name, kind), ())
            if self.refuses:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif texts:
                answer.answer.append(dns.rrset.from_text_list(question.name, self.ttl, "IN", kind, texts))
            elif not any(known == name for known, _ in self.zone):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            with contextlib.suppress(OSError):
                self._socket.sendto(answer.to_wire(), source)


@contextlib.contextmanager
def name_server(zone: Mapping[tuple[str, str], tuple[str, ...]], ttl: int = 60) -> Iterator[NameServer]:
    server = NameServer(zone, ttl)
    try:
        yield server
    finally:
        server.close()
