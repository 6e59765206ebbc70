"""TLS without sockets: bytes of the wire in, bytes of the talk out, and the other way round (system OpenSSL).

Apart from asyncio's own on purpose: so a handshake is counted, timed and told like any other stage of a connection,
a new certificate is taken into use while old connections live on, and both ends can be tested in one place.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Mapping
from pathlib import Path

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL:!PSK"
"""For TLS 1.2. Nothing without forward secrecy: the keys of the calls' sound travel in here, and whoever once got hold
of the box's key could else read every call they ever taped. CBC modes are for desk phones of ten years ago."""
_AT_ONCE = 65_536

_WORDS = {
    "HTTP_REQUEST": "spoke plain HTTP where TLS is spoken",
    "WRONG_VERSION_NUMBER": "spoke no TLS",
    "UNSUPPORTED_PROTOCOL": "knows no TLS newer than 1.1",
    "VERSION_TOO_LOW": "knows no TLS newer than 1.1",
    "NO_SHARED_CIPHER": "has no cipher in common with us",
    "TLSV1_ALERT_UNKNOWN_CA": "does not trust our certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "does not trust our certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "does not trust our certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "says our certificate has expired",
    "TLSV1_ALERT_PROTOCOL_VERSION": "knows no version of TLS that we know",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "has no cipher in common with us",
}
"""OpenSSL's reasons that a person can do something about."""


class TlsFailed(Exception):
    """The connection cannot go on; says why, in plain words whose subject is the far end."""


class Tls:
    """One end of one connection."""

    def __init__(self, context: ssl.SSLContext, server_name: str | None = None) -> None:
        """`server_name`: whom the other end has to prove to be; None when it came to us."""
        self._wire_in, self._wire_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._server_name = server_name
        self._ssl = context.wrap_bio(
            self._wire_in, self._wire_out, server_side=server_name is None, server_hostname=server_name
        )
        self.ready = False
        """The handshake is done."""
        self.ended = False
        """The other end has said that nothing more will come."""
        if server_name is not None:
            self._shake()

    def receive(self, data: bytes) -> bytes:
        """What these bytes of the wire said.

        Raises:
            TlsFailed: this connection is over.
        """
        self._wire_in.write(data)
        if not self.ready and not self._shake():
            return b""
        return self._read()

    def send(self, data: bytes) -> None:
        """Say this, once ready; lost when we have said good-bye."""
        view = memoryview(data)
        with contextlib.suppress(ssl.SSLError):
            while view:
                view = view[self._ssl.write(view) :]

    def close(self) -> None:
        """Say that nothing more will come."""
        if self.ready:
            with contextlib.suppress(ssl.SSLError, ValueError):  # the other end has not said so yet: we do not wait
                self._ssl.unwrap()

    def data_to_send(self) -> bytes:
        """What is to go over the wire now."""
        return self._wire_out.read()

    def _shake(self) -> bool:
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLCertVerificationError as error:
            raise TlsFailed(f"has a certificate that cannot be trusted: {error.verify_message}") from error
        except (ssl.SSLError, OSError) as error:
            raise TlsFailed(_words(error)) from error
        if self._server_name is not None and not names(self._ssl.getpeercert() or {}, self._server_name):
            raise TlsFailed(f"has a certificate that does not name {self._server_name}")
        self.ready = True
        return True

    def _read(self) -> bytes:
        heard = bytearray()
        while not self.ended:
            try:
                piece = self._ssl.read(_AT_ONCE)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                piece = b""
            except (ssl.SSLError, OSError) as error:
                raise TlsFailed(_words(error)) from error
            self.ended = not piece
            heard += piece
        return bytes(heard)


def server_context(certificate: Path) -> ssl.SSLContext:
    """How we speak TLS to those who come: with the key, the certificate and its authorities in this file.

    Raises:
        OSError: it cannot be read, or used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(certificate)
    return context


def client_context(authorities: Path | None = None) -> ssl.SSLContext:
    """How we speak TLS to providers: trusting whom the system trusts, and `authorities` (a PEM file) besides.

    Raises:
        OSError: the file cannot be read.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # `names` does: OpenSSL does not look for the SIP names of RFC 5922
    if authorities is not None:
        context.load_verify_locations(authorities)
    return context


def names(certificate: Mapping[str, object], server_name: str) -> bool:
    """Does a verified certificate name this SIP domain, host or address (RFC 5922 section 7)?

    A SIP URI in it goes before its DNS names. `*.example.com` counts for one label, as RFC 9525 has it; RFC 5922 is
    older and forbids it, but whoever rents a server today is given such a certificate.
    """
    wanted = server_name.lower().rstrip(".")
    known = [(kind, str(value).lower()) for kind, value in _pairs(certificate.get("subjectAltName"))]
    domains = [value[4:] for kind, value in known if kind == "URI" and value.startswith("sip:")]
    if domains:
        return wanted in domains
    parent = wanted.partition(".")[2]
    return any(
        value == wanted
        if kind == "IP Address"
        else kind == "DNS" and (value == wanted or (value == f"*.{parent}" != "*."))
        for kind, value in known
    )


def _pairs(value: object) -> list[tuple[str, str]]:
    return [each for each in value if len(each) == 2] if isinstance(value, tuple) else []


def _words(error: OSError) -> str:
    reason = str(getattr(error, "reason", None) or "")
    return (
        _WORDS.get(reason) or f"broke off the TLS handshake ({reason.lower().replace('_', ' ') or 'no reason given'})"
    )
