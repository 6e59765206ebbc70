"""A small certificate authority of the box's own, and the weighing of certificates that others have made.

Keys are RSA of 2048 bits: the desk phones of the last fifteen years know it, many know nothing else.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.edge import keep
from appliance.edge.certificates import Unfit

VALID_DAYS = 800
"""Of the box's certificate. Some telephones take no certificate that is good for more than 825 days."""
_AUTHORITY_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
"""Not the present: a new box may have a wrong date, and so may a telephone."""
_AUTHORITY_UNTIL = datetime(2037, 12, 31, tzinfo=UTC)
"""Older telephones count seconds in 31 bits, which end in January 2038."""
_AFTERWARDS = timedelta(days=15 * 365)
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\Z")

_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_About = dict[str, object]


def issued(authority: Path, names: tuple[str, ...], now: float) -> tuple[bytes, _About]:
    """A certificate of the box's for these names, with its key, as PEM; and what is to be known of it.

    The authority is kept in its file and made with the first certificate, or when it is about to run out itself.

    Raises:
        OSError: the authority's file cannot be read or written.
    """
    began = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
    ends = began + timedelta(days=VALID_DAYS)
    signer, root = _authority(authority, ends)
    key = rsa.generate_private_key(65537, 2048)
    made = (
        _builder(_name("qendra.local"), root.subject, key, began, ends)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return _pem(key) + made.public_bytes(Encoding.PEM), _about(made, names, root)


def weighed(certificate: str, key: str, now: float) -> tuple[bytes, _About]:
    """The owner's certificate as we keep it, and what is to be known of it.

    Raises:
        Unfit: it cannot be used.
    """
    try:
        chain = x509.load_pem_x509_certificates(certificate.encode())
        keys = [_public(each.public_key()) for each in chain]
        names = [_names_in(each) for each in chain]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unfit(
            "This is no certificate as text (PEM): it has to begin with -----BEGIN CERTIFICATE-----."
        ) from error
    secret = _owners_key(key)
    if _public(secret.public_key()) not in keys:
        raise Unfit("This key does not belong to this certificate.")
    at = keys.index(_public(secret.public_key()))
    leaf = chain[at]
    moment = datetime.fromtimestamp(now, UTC)
    if leaf.not_valid_after_utc < moment:
        raise Unfit(f"This certificate ran out on {leaf.not_valid_after_utc:%Y-%m-%d}.")
    if leaf.not_valid_before_utc > moment:
        raise Unfit(f"This certificate is not good before {leaf.not_valid_before_utc:%Y-%m-%d}.")
    with contextlib.suppress(x509.ExtensionNotFound):
        if ExtendedKeyUsageOID.SERVER_AUTH not in leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value:
            raise Unfit("This certificate is not made for servers.")
    ordered = _in_order(leaf, chain)
    pem = _pem(secret) + b"".join(each.public_bytes(Encoding.PEM) for each in ordered)
    return pem, _about(leaf, names[at], leaf)


def _authority(path: Path, needed_until: datetime) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """The authority kept there, or a new one."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        kept = path.read_bytes()
        key, root = load_pem_private_key(kept, None), x509.load_pem_x509_certificate(kept)
        if isinstance(key, rsa.RSAPrivateKey) and root.not_valid_after_utc > needed_until:
            return key, root
    key = rsa.generate_private_key(65537, 2048)
    mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:8]
    name = _name(f"Qendra on {socket.gethostname()[:30]} ({mark})")  # each box's is another one to a telephone
    until = _AUTHORITY_UNTIL if needed_until < _AUTHORITY_UNTIL else needed_until + _AFTERWARDS
    root = (
        _builder(name, name, key, _AUTHORITY_SINCE, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    keep.write(path, _pem(key) + root.public_bytes(Encoding.PEM))
    return key, root


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Qendra")
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: tuple[str, ...]) -> list[x509.GeneralName]:
    """The names as a certificate carries them; what can be none is left out."""
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            if _HOST_NAME.match(name):
                found.append(x509.DNSName(name))
    return found


def _names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(each.value) for each in common)
    return tuple(str(each.value) for each in said if not isinstance(each, x509.OtherName))


def _in_order(leaf: x509.Certificate, chain: list[x509.Certificate]) -> list[x509.Certificate]:
    """The leaf, who signed it, who signed that, as far as they are there."""
    ordered, left = [leaf], [each for each in chain if each != leaf]
    while True:
        signers = [each for each in left if each.subject == ordered[-1].issuer]
        if not signers:
            return ordered
        ordered.append(signers[0])
        left.remove(signers[0])


def _owners_key(key: str) -> _PrivateKey:
    try:
        found = load_pem_private_key(key.encode(), None)
    except TypeError as error:
        raise Unfit("This key is locked with a passphrase. Take the passphrase off it first.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unfit(
            "This is no private key as text (PEM): it has to begin with -----BEGIN PRIVATE KEY-----."
        ) from error
    if isinstance(found, rsa.RSAPrivateKey):
        if found.key_size < 2048:
            raise Unfit(f"This key is too weak ({found.key_size} bits); it needs 2048 at least.")
        return found
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise Unfit("This key is of a kind that telephones do not know. Use RSA or ECDSA.")
    return found


def _public(key: object) -> bytes:
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b""


def _pem(key: _PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _about(certificate: x509.Certificate, names: tuple[str, ...], shown: x509.Certificate) -> _About:
    return {
        "names": list(names),
        "since": certificate.not_valid_before_utc.timestamp(),
        "until": certificate.not_valid_after_utc.timestamp(),
        "fingerprint": shown.fingerprint(hashes.SHA256()).hex(":").upper(),
    }
