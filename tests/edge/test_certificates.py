"""The box's own authority and certificate, and the owner's in its place."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.edge.certificates import DAY, RENEW, Certificate, Shown, Unfit, describe, ensure, go_back, replace

NOW = 1_800_000_000.0
NAMES = ("qendra.local", "192.168.1.10", "fd00::10", "büro", "")
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def owners(
    key: Key,
    *,
    name: str = "pbx.example",
    days: tuple[float, float] = (-1, 90),
    signer: tuple[x509.Certificate, Key] | None = None,
    for_servers: bool = True,
) -> x509.Certificate:
    """A certificate as somebody else's authority would make it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    moment = datetime.fromtimestamp(NOW, UTC)
    usage = ExtendedKeyUsageOID.SERVER_AUTH if for_servers else ExtendedKeyUsageOID.EMAIL_PROTECTION
    by = signer[1] if signer else key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[0].subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment + timedelta(days=days[0]))
        .not_valid_after(moment + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(by, None if isinstance(by, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )


def text(what: x509.Certificate | Key, passphrase: str = "") -> str:
    if isinstance(what, x509.Certificate):
        return what.public_bytes(Encoding.PEM).decode()
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return what.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate of the box's; only looked at."""
    folder = tmp_path_factory.mktemp("made")
    assert ensure(folder, NAMES, NOW)
    return folder


def known(folder: Path) -> Certificate:
    found = describe(folder)
    assert found is not None
    return found


def test_the_box_makes_its_own(made: Path) -> None:
    assert not ensure(made, NAMES, NOW + 60)
    found = known(made)
    assert found.own
    assert set(found.names) == {"qendra.local", "192.168.1.10", "fd00::10", "büro"}
    assert 730 * DAY < found.until - NOW < 825 * DAY
    root = x509.load_pem_x509_certificate(found.authority.encode())
    assert found.fingerprint == root.fingerprint(hashes.SHA256()).hex(":").upper()
    assert "PRIVATE" not in found.authority
    (leaf,) = x509.load_pem_x509_certificates((made / "server.pem").read_bytes())
    leaf.verify_directly_issued_by(root)
    said = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert said.get_values_for_type(x509.DNSName) == ["qendra.local"]  # a name with ü is none
    assert [str(each) for each in said.get_values_for_type(x509.IPAddress)] == ["192.168.1.10", "fd00::10"]
    assert isinstance(leaf.public_key(), rsa.RSAPublicKey)
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()} == {0o600}


def test_a_certificate_is_renewed_in_time_and_for_new_names_by_the_same_authority(tmp_path: Path) -> None:
    ensure(tmp_path, NAMES, NOW)
    first = known(tmp_path)
    assert not ensure(tmp_path, NAMES, first.until - RENEW - DAY)
    assert ensure(tmp_path, NAMES, first.until - RENEW + DAY)
    assert ensure(tmp_path, [*NAMES, "pbx.example"], NOW)
    assert "pbx.example" in known(tmp_path).names
    assert known(tmp_path).authority == first.authority
    assert ensure(tmp_path, NAMES, NOW - 2 * DAY), "the clock was wrong when the one before was made"
    (tmp_path / "server.pem").write_text((tmp_path / "server.pem").read_text().replace("KEY", "YEK"))
    assert ensure(tmp_path, NAMES, NOW), "one that is damaged is made anew"
    (tmp_path / "authority.pem").unlink()
    (tmp_path / "server.pem").unlink()
    assert describe(tmp_path) is None
    assert ensure(tmp_path, NAMES, NOW)
    assert known(tmp_path).authority != first.authority


def test_an_authority_that_would_run_out_first_is_made_anew(tmp_path: Path) -> None:
    for now, year in ((NOW, 2037), (datetime(2036, 6, 1, tzinfo=UTC).timestamp(), 2053)):
        ensure(tmp_path, NAMES, now)
        root = x509.load_pem_x509_certificate(known(tmp_path).authority.encode())
        assert root.not_valid_after_utc.year == year


def test_the_owners_own_is_used_until_it_is_taken_back(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    ensure(tmp_path, NAMES, NOW)
    shown = Shown(tmp_path)
    boxes = shown()
    middle_key = ec.generate_private_key(ec.SECP256R1())
    middle = owners(middle_key, name="authority.example")
    leaf = owners(key, signer=(middle, middle_key))
    replace(tmp_path, text(middle) + text(leaf), text(key), NOW)  # whatever order they came in
    found = known(tmp_path)
    assert (found.own, found.names, found.authority) == (False, ("pbx.example",), "")
    assert found.fingerprint == leaf.fingerprint(hashes.SHA256()).hex(":").upper()
    assert (tmp_path / "own.pem").stat().st_mode & 0o777 == 0o600
    chain = x509.load_pem_x509_certificates((tmp_path / "own.pem").read_bytes())
    assert chain == [leaf, middle]
    owners_context = shown()
    assert owners_context is not boxes
    assert shown() is owners_context, "a file that has not changed is not read again"
    go_back(tmp_path)
    go_back(tmp_path)
    assert known(tmp_path).own
    assert shown() is not owners_context


def test_a_damaged_one_of_the_owners_gives_way_to_the_boxes(tmp_path: Path) -> None:
    ensure(tmp_path, NAMES, NOW)
    (tmp_path / "own.pem").write_text("Qendra: {}\nnot a certificate")
    assert isinstance(Shown(tmp_path)(), ssl.SSLContext)
    assert known(tmp_path).own


def test_without_any_nothing_can_be_shown(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Shown(tmp_path)()


def test_what_cannot_be_used_is_refused_in_plain_words(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    odd = ed25519.Ed25519PrivateKey.generate()
    weak = rsa.generate_private_key(65537, 1024)
    good = text(owners(key))
    for certificate, secret, words in (
        ("hello", text(key), "This is no certificate as text (PEM)"),
        ("", text(key), "This is no certificate as text (PEM)"),
        (good, "hello", "This is no private key as text (PEM)"),
        (good, good, "This is no private key as text (PEM)"),
        (good, text(other), "This key does not belong to this certificate."),
        (good, text(key, "secret"), "This key is locked with a passphrase."),
        (text(owners(key, days=(-90, -1))), text(key), "This certificate ran out on 2027-01-14."),
        (text(owners(key, days=(2, 90))), text(key), "This certificate is not good before 2027-01-17."),
        (text(owners(key, for_servers=False)), text(key), "This certificate is not made for servers."),
        (text(owners(weak)), text(weak), "This key is too weak (1024 bits); it needs 2048 at least."),
        (text(owners(odd)), text(odd), "This key is of a kind that telephones do not know."),
    ):
        with pytest.raises(Unfit) as caught:
            replace(tmp_path, certificate, secret, NOW)
        assert str(caught.value).startswith(words)
    assert list(tmp_path.iterdir()) == []
