"""TLS with both ends in one place, and whom a certificate names."""

from __future__ import annotations

import contextlib
import ssl
import time
from pathlib import Path

import pytest

from appliance.edge.certificates import Shown, ensure
from appliance.edge.stream import Began, Failed, Stream
from appliance.edge.tls import Tls, client_context, names
from tests.edge.running import probe


class Ends:
    """Our server's stream and a client's, with the wire between them in hand."""

    def __init__(self, folder: Path, client: ssl.SSLContext, server_name: str = "qendra.local") -> None:
        self.server = Stream(Tls(Shown(folder)()))
        self.client = Stream(Tls(client, server_name), ours=True)
        self.at_server: list[object] = []
        self.at_client: list[object] = []

    def midway(self) -> bool:
        return self.server.midway

    def talk(self, step: int = 1 << 20) -> None:
        """Carry everything over until nobody has anything to say any more."""
        while True:
            there, back = self.client.data_to_send(), self.server.data_to_send()
            if not there and not back:
                return
            for at in range(0, len(there), step):
                self.at_server += self.server.receive(there[at : at + step])
            for at in range(0, len(back), step):
                self.at_client += self.client.receive(back[at : at + step])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificate")
    ensure(made, ["qendra.local", "192.168.1.10"], time.time())
    return made


@pytest.fixture(scope="module")
def trusting(folder: Path) -> ssl.SSLContext:
    return client_context(folder / "authority.pem")


@pytest.mark.parametrize("step", [1, 100, 1 << 20])
def test_both_speak_within_it(folder: Path, trusting: ssl.SSLContext, step: int) -> None:
    ends = Ends(folder, trusting)
    assert ends.midway(), "a handshake that never begins is one under way"
    ends.talk(step)
    assert ends.at_client == [Began("tls")]
    assert ends.at_server == []
    ends.client.send(probe())
    ends.talk(step)
    assert ends.at_server == [Began("tls"), probe()]
    assert not ends.midway()
    ends.server.send(probe("102") * 100)
    ends.talk(step)
    assert ends.at_client == [Began("tls"), *[probe("102")] * 100]
    ends.client.close()
    ends.talk(step)
    assert ends.server.ended


def test_the_providers_certificate_has_to_name_it(folder: Path, trusting: ssl.SSLContext) -> None:
    ends = Ends(folder, trusting, "sip.example")
    ends.talk()
    assert ends.at_client == [Failed("has a certificate that does not name sip.example")]
    by_address = Ends(folder, trusting, "192.168.1.10")
    by_address.talk()
    assert by_address.at_client == [Began("tls")]


def test_a_certificate_of_an_unknown_authority_is_not_trusted_and_the_server_hears_why(folder: Path) -> None:
    ends = Ends(folder, client_context())
    ends.talk()
    (failed,) = ends.at_client
    assert isinstance(failed, Failed)
    assert failed.words.startswith("has a certificate that cannot be trusted: ")
    assert ends.at_server == [Failed("does not trust our certificate")]
    assert ends.client.ended
    assert ends.server.ended


def test_old_versions_and_weak_ciphers_are_refused(folder: Path) -> None:
    for old, ciphers, words in (
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", "knows no TLS newer than 1.1"),
        (ssl.TLSVersion.TLSv1_2, "AES128-SHA:@SECLEVEL=0", "has no cipher in common with us"),
    ):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers(ciphers)
        with (
            pytest.warns(DeprecationWarning, match="TLSv1_1")
            if old is ssl.TLSVersion.TLSv1_1
            else contextlib.nullcontext()
        ):
            context.minimum_version = context.maximum_version = old
        ends = Ends(folder, context)
        ends.talk()
        assert ends.at_server == [Failed(words)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (probe(), "spoke no TLS"),
        (b"GET / HTTP/1.1\r\n\r\n", "spoke plain HTTP where TLS is spoken"),
        (b"\x16\x03\x01\xff\xff" + b"\x00" * 70_000, "broke off the TLS handshake"),
        (b"\x00" * 100, "spoke no TLS"),
    ],
)
def test_garbage_ends_it(folder: Path, data: bytes, words: str) -> None:
    for step in (3, len(data)):
        stream = Stream(Tls(Shown(folder)()))
        found = [each for at in range(0, len(data), step) for each in stream.receive(data[at : at + step])]
        (failed,) = found
        assert isinstance(failed, Failed)
        assert failed.words.startswith(words)
        assert stream.ended
        stream.send(b"nobody hears this")
        stream.data_to_send()


def test_damage_on_the_wire_ends_it(folder: Path, trusting: ssl.SSLContext) -> None:
    ends = Ends(folder, trusting)
    ends.talk()
    ends.client.send(probe())
    torn = bytearray(ends.client.data_to_send())
    torn[-1] ^= 1
    (failed,) = ends.server.receive(bytes(torn))
    assert isinstance(failed, Failed)
    assert ends.server.ended


def test_connections_live_on_when_the_certificate_changes(tmp_path: Path) -> None:
    ensure(tmp_path, ["qendra.local"], time.time())
    shown = Shown(tmp_path)
    trusting = client_context(tmp_path / "authority.pem")
    ends = Ends(tmp_path, trusting)
    ends.talk()
    before = shown()
    ensure(tmp_path, ["qendra.local", "pbx.example"], time.time())
    assert shown() is not before
    ends.client.send(probe())
    ends.talk()
    assert ends.at_server == [Began("tls"), probe()]
    new = Ends(tmp_path, trusting, "pbx.example")
    new.talk()
    assert new.at_client == [Began("tls")]


def test_whom_a_certificate_names() -> None:
    dns = {"subjectAltName": (("DNS", "Sip.example"), ("DNS", "*.calls.example"), ("IP Address", "192.0.2.1"))}
    assert names(dns, "sip.example")
    assert names(dns, "SIP.EXAMPLE.")
    assert names(dns, "a.calls.example")
    assert names(dns, "192.0.2.1")
    assert not names(dns, "calls.example")
    assert not names(dns, "a.b.calls.example")
    assert not names(dns, "example")
    uri = {"subjectAltName": (("URI", "sip:provider.example"), ("DNS", "host.provider.example"))}
    assert names(uri, "provider.example")
    assert not names(uri, "host.provider.example"), "RFC 5922: where there is a SIP name, only SIP names count"
    assert not names({"subjectAltName": (("DNS", "*"), ("DNS", "*."))}, "example")
    assert not names({"subject": ((("commonName", "sip.example"),),)}, "sip.example")
    assert not names({}, "sip.example")
