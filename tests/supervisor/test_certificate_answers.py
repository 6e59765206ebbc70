"""The certificate that telephones are shown, from the page: looked at, replaced, and missed when it runs out."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.calls.moment import Moment
from appliance.edge import authority, certificates
from appliance.supervisor import clock
from appliance.supervisor.certificate_answers import DAY, Certificates
from appliance.switchboard import asks
from appliance.switchboard.asks import Answer, CertificateIs, Done, No


class Counter:
    """The edge has made its certificate; `notes` is what goes on record."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.folder = folder
        self.notes: list[tuple[str, str]] = []
        self.certificates = Certificates(folder, lambda who, what: self.notes.append((who, what)))

    def see(self) -> Answer:
        return self.certificates.see(asks.SeeCertificate(3))

    def replace(self, certificate: str, key: str) -> Answer:
        return asyncio.run(self.certificates.replace(asks.ReplaceCertificate(4, "Ana", certificate, key)))

    def alarm(self, days: float) -> list[str]:
        """What is said so many days before the end."""
        seen = self.see()
        assert isinstance(seen, CertificateIs)
        return list(self.certificates.alarm(Moment(0.0, seen.until - days * DAY)))


@pytest.fixture(scope="module")
def owners(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The owner's own, as somebody else would have made it: certificate and key."""
    folder = tmp_path_factory.mktemp("elsewhere")
    pem, _ = authority.issued(folder / "authority.pem", ("office.example.com",), clock.now().utc)
    key, begin, rest = pem.decode().partition("-----BEGIN CERTIFICATE")
    return begin + rest, key


def test_before_the_edge_has_made_one(tmp_path: Path) -> None:
    counter = Counter(tmp_path / "edge")
    assert counter.see() == No(3, "There is no certificate yet; the box is making one.")
    assert list(counter.certificates.alarm(clock.now())) == []


def test_the_boxs_own_is_shown_with_its_authority_replaced_and_taken_back(
    tmp_path: Path, owners: tuple[str, str]
) -> None:
    counter = Counter(tmp_path / "edge")
    certificates.ensure(counter.folder, ["qendra.local", "192.0.2.1"], clock.now().utc)
    own = counter.see()
    assert isinstance(own, CertificateIs)
    assert (own.ask, own.own, own.names) == (3, True, ("192.0.2.1", "qendra.local"))
    assert own.authority.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in own.authority

    assert counter.replace(*owners) == Done(4)
    theirs = counter.see()
    assert isinstance(theirs, CertificateIs)
    assert (theirs.own, theirs.names, theirs.authority) == (False, ("office.example.com",), "")
    assert theirs.fingerprint != own.fingerprint

    assert counter.replace("", " ") == Done(4)
    assert counter.see() == own
    assert [who for who, _ in counter.notes] == ["Ana", "Ana"]


def test_what_cannot_be_used_is_refused_and_changes_nothing(tmp_path: Path, owners: tuple[str, str]) -> None:
    counter = Counter(tmp_path / "edge")
    certificate, key = owners
    for wrong, about in (
        (counter.replace("nonsense", key), "certificate"),
        (counter.replace(certificate, ""), "key"),
        (counter.replace("", key), "certificate"),
        (counter.replace(certificate, "x" * 200_000), "certificate"),
    ):
        assert isinstance(wrong, No)
        assert (wrong.ask, wrong.about) == (4, about)
    assert list(counter.folder.iterdir()) == []
    assert counter.notes == []
    assert key not in repr(asks.ReplaceCertificate(4, "Ana", certificate, key))


def test_somebody_is_told_before_it_runs_out(tmp_path: Path, owners: tuple[str, str]) -> None:
    counter = Counter(tmp_path / "edge")
    counter.replace(*owners)
    assert counter.alarm(30) == []
    assert counter.alarm(20.5) == ["The certificate that telephones are shown runs out in 20 days: put in a new one."]
    assert counter.alarm(-1) == ["The certificate that telephones are shown has run out: put in a new one."]
