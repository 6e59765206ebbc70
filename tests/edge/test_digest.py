"""Digest authentication: the RFCs' own numbers, and what nonces are good for."""

from __future__ import annotations

import hashlib

import pytest

from appliance.calls.edge import Account
from appliance.calls.names import Extension
from appliance.edge.digest import LIFETIME, Digest, Verdict, _right
from appliance.edge.tokens import Tokens
from tests.edge.house import House, Phone, accounts, answer, proof, status_of, udp

MUFASA = "Mufasa"
RFC_2617 = {
    b"nonce": b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
    b"uri": b"/dir/index.html",
    b"nc": b"00000001",
    b"cnonce": b"0a4f113b",
    b"qop": b"auth",
    b"response": b"6629fae49393a05397450978507c4ef1",
}
RFC_2069 = {
    b"nonce": b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
    b"uri": b"/dir/index.html",
    b"response": b"1949323746fe6a43ef61f9606e7febea",  # as the RFC's errata have it
}
RFC_7616 = {
    b"nonce": b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    b"uri": b"/dir/index.html",
    b"nc": b"00000001",
    b"cnonce": b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    b"qop": b"auth",
}
RFC_7616_MD5 = RFC_7616 | {b"algorithm": b"MD5", b"response": b"8ca523f5e9506fed4657c9700eebdbec"}
RFC_7616_SHA256 = RFC_7616 | {
    b"algorithm": b"SHA-256",
    b"response": b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}


def person(realm: str, password: str) -> Account:
    words = f"{MUFASA}:{realm}:{password}".encode()
    return Account(Extension(MUFASA), hashlib.md5(words).hexdigest(), hashlib.sha256(words).hexdigest())


@pytest.mark.parametrize(
    ("fields", "who"),
    [
        (RFC_2617, person("testrealm@host.com", "Circle Of Life")),
        (RFC_2069, person("testrealm@host.com", "CircleOfLife")),
        (RFC_7616_MD5, person("http-auth@example.org", "Circle of Life")),
        (RFC_7616_SHA256, person("http-auth@example.org", "Circle of Life")),
    ],
)
def test_the_numbers_of_the_rfcs(fields: dict[bytes, bytes], who: Account) -> None:
    assert _right(fields, b"GET", who)
    assert not _right(fields, b"POST", who)
    wrong = fields | {b"response": fields[b"response"][:-1] + (b"0" if fields[b"response"][-1:] != b"0" else b"1")}
    assert not _right(wrong, b"GET", who)
    assert not _right(fields | {b"qop": b"auth-int"}, b"GET", who)
    assert not _right(fields | {b"algorithm": b"MD5-sess"}, b"GET", who)


def test_an_account_without_a_hash_of_that_kind_is_not_let_in_by_an_empty_one() -> None:
    who = person("http-auth@example.org", "Circle of Life")
    assert not _right(RFC_7616_SHA256, b"GET", Account(who.extension, who.md5, ""))
    assert not _right(RFC_7616_MD5, b"GET", Account(who.extension, "", who.sha256))


def registered(phone: Phone, header: bytes, *, branch: bytes = b"", number: int = 0) -> int:
    more = [b"Contact: <%b>" % phone.contact, header]
    found = phone.ask(phone.message(b"REGISTER", more=more, branch=branch, number=number))
    assert found is not None
    return found.status


def challenge_of(phone: Phone) -> bytes:
    found = phone.ask(phone.message(b"REGISTER"))
    assert found is not None
    return found.first(b"www-authenticate")


def test_known_and_unknown_users_hear_the_same() -> None:
    """The same challenge, and the same no to a wrong proof: no new challenge, for some telephones answer each."""
    house = House()
    challenges, refusals = [], []
    for extension in ("101", "999"):
        phone = Phone(house, extension, udp(7), password="wrong")
        first = phone.ask(phone.message(b"REGISTER"))
        assert first is not None
        start, _, rest = first.first(b"www-authenticate").partition(b'nonce="')
        challenges.append((first.status, first.keys, start, rest.partition(b'"')[2]))
        header = proof(first, b"REGISTER", b"sip:192.168.1.1", extension, "wrong")
        second = phone.ask(phone.message(b"REGISTER", more=[header]))
        assert second is not None
        refusals.append((second.start, second.keys))
    assert challenges[0] == challenges[1]
    assert b"stale" not in challenges[0][3]
    assert refusals[0] == refusals[1]
    assert refusals[0][0] == b"SIP/2.0 403 Wrong Extension Or Password"
    assert b"www-authenticate" not in refusals[0][1]


def test_unknown_and_known_users_are_told_apart_for_the_desk_only() -> None:
    house = House()
    for extension, word in (("101", "wrong password"), ("999", "unknown user")):
        phone = Phone(house, extension, udp(7), password="wrong")
        first = phone.ask(phone.message(b"REGISTER"))
        assert first is not None
        phone.ask(phone.message(b"REGISTER", more=[proof(first, b"REGISTER", b"sip:192.168.1.1", extension, "wrong")]))
        assert house.refusals()[-1].refusal == word
        assert house.refusals()[-1].detail == f"extension {extension}"


def test_a_nonce_is_bound_to_the_address_it_was_given_to() -> None:
    house = House()
    first = Phone(house, "101", udp(7))
    challenge = first.ask(first.message(b"REGISTER"))
    assert challenge is not None
    header = proof(challenge, b"REGISTER", b"sip:192.168.1.1", "101", "pw101")
    assert registered(Phone(house, "101", udp(8)), header) == 401
    assert house.refusals() == []
    assert registered(first, header) == 200


def test_a_nonce_grows_old() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    challenge = phone.ask(phone.message(b"REGISTER"))
    assert challenge is not None
    house.pass_time(LIFETIME + 1)
    stale = phone.ask(
        phone.message(b"REGISTER", more=[proof(challenge, b"REGISTER", b"sip:192.168.1.1", "101", "pw101")])
    )
    assert stale is not None
    assert stale.status == 401
    assert b"stale=true" in stale.first(b"www-authenticate")
    wrong = phone.ask(phone.message(b"REGISTER", more=[proof(challenge, b"REGISTER", b"sip:192.168.1.1", "101", "no")]))
    assert wrong is not None
    assert b"stale" not in wrong.first(b"www-authenticate")
    assert house.refusals() == []


def test_counts_may_repeat_only_with_the_datagram_and_may_come_out_of_order() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    challenge = phone.ask(phone.message(b"REGISTER"))
    assert challenge is not None
    numbers: dict[bytes, int] = {}

    def use(count: int, branch: bytes) -> int:
        header = proof(challenge, b"REGISTER", b"sip:192.168.1.1", "101", "pw101", nc=count)
        return registered(phone, header, branch=branch, number=numbers.setdefault(branch, 2 + len(numbers)))

    assert use(1, b"z9hG4bKa") == 200
    assert use(1, b"z9hG4bKa") == 200
    assert use(1, b"z9hG4bKb") == 401
    assert use(3, b"z9hG4bKc") == 200
    assert use(2, b"z9hG4bKd") == 200
    assert use(100, b"z9hG4bKe") == 200
    assert use(36, b"z9hG4bKf") == 401
    assert use(37, b"z9hG4bKg") == 200


def test_what_somebody_overheard_is_good_for_nothing_else() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    challenge = phone.ask(phone.message(b"REGISTER"))
    assert challenge is not None
    header = proof(challenge, b"REGISTER", b"sip:192.168.1.1", "101", "pw101")
    overheard = phone.message(b"REGISTER", more=[b"Contact: <%b>" % phone.contact, header])

    def status(data: bytes, port: int = 5060) -> int:
        found = Phone(house, "101", udp(7, port)).ask(data)
        assert found is not None
        return found.status

    assert status(overheard) == 200
    assert status(overheard) == 200, "the telephone itself, which has heard no answer"
    assert status(overheard.replace(phone.contact, b"sip:101@192.168.1.7:6666")) == 401
    assert status(overheard.replace(b"CSeq: 2 ", b"CSeq: 3 ")) == 401
    assert status(overheard, 6666) == 401
    house.pass_time(31)
    assert status(overheard) == 200
    house.pass_time(2)
    assert status(overheard) == 401, "no telephone waits so long"


def test_what_was_overheard_before_a_restart_is_stale_after_it() -> None:
    tokens, known = Tokens(b"k" * 32), {b"101": accounts().accounts[0]}
    lives = Digest(tokens), Digest(tokens)
    lives[0].accept("qendra", known, 5.0)
    line = lives[0].challenge(b"WWW-Authenticate", "192.168.1.7", 5.0)[0]
    asked = answer(b"SIP/2.0 401 No\r\nVia: SIP/2.0/UDP x\r\nCSeq: 1 REGISTER\r\n" + line + b"\r\n\r\n")
    overheard = proof(asked, b"REGISTER", b"sip:x", "101", "pw101").partition(b": ")[2]

    def verdict(life: Digest, datagram: bytes) -> Verdict:
        return life.judge([overheard], b"REGISTER", b"sip:x", "192.168.1.7", datagram, 6.0).verdict

    assert verdict(lives[0], b"the telephone's") is Verdict.GOOD
    assert verdict(lives[0], b"another's") is Verdict.STALE
    lives[1].accept("qendra", known, 5.5)
    lives[1].accept("qendra", known, 5.7)
    assert verdict(lives[1], b"another's") is Verdict.STALE


def test_a_forgotten_nonce_is_never_good_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.edge.digest._MOST", 2)
    house = House()
    phones = [Phone(house, "101", udp(7, port)) for port in (5060, 5061, 5062)]
    headers = []
    for phone in phones:
        house.pass_time(1)
        challenge = phone.ask(phone.message(b"REGISTER"))
        assert challenge is not None
        headers.append(proof(challenge, b"REGISTER", b"sip:192.168.1.1", "101", "pw101"))
    assert [registered(phone, header) for phone, header in zip(phones, headers, strict=True)] == [200] * 3
    assert registered(phones[0], headers[0]) == 401


def test_sha256_is_asked_for_second_and_only_when_somebody_has_it() -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    assert b"SHA-256" not in challenge_of(phone)
    house.proxy.accept(accounts(sha256=True), house.now)
    found = phone.ask(phone.message(b"REGISTER"))
    assert found is not None
    assert [
        b"algorithm=MD5" in found.values(b"www-authenticate")[0],
        b"algorithm=SHA-256" in found.values(b"www-authenticate")[1],
    ] == [True, True]
    header = proof(found, b"REGISTER", b"sip:192.168.1.1", "101", "pw101", algorithm="SHA-256")
    assert registered(phone, header) == 200


@pytest.mark.parametrize(
    ("claimed", "status"),
    [
        (b"sip:102@192.168.1.1", 200),
        (b"sip:192.168.1.1", 200),  # sipp writes no user part
        (b"sip:102@elsewhere.example", 200),
        (b"sip:900123@192.168.1.1", 407),  # a proof for another call
        (b"nonsense", 407),
    ],
)
def test_a_proof_is_for_one_number(claimed: bytes, status: int) -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    first = phone.ask(phone.message(b"INVITE", b"sip:102@192.168.1.1"))
    assert first is not None
    header = proof(first, b"INVITE", claimed, "101", "pw101")
    house.hear(phone.message(b"INVITE", b"sip:102@192.168.1.1", more=[header]), phone.flow)
    assert bool(house.to_engine) == (status == 200)
    if status != 200:
        assert status_of(house.sent[-1].data) == status


@pytest.mark.parametrize(
    "value",
    [
        b"Digest",
        b"Digest ,,,",
        b'Digest username="101", realm="qendra", nonce="", uri="", response=""',
        b'Digest username="101", realm="qendra", nonce="zz", uri="sip:x", response="1"',
        b'Digest username="101", realm="qendra", nonce="\xff\xfe", uri="sip:192.168.1.1", response="1"',
        b'Digest realm="other", username="101"',
        b"Basic MTAxOnB3",
        b'Digest username="101\\"", realm="qendra"',
    ],
)
def test_nonsense_is_challenged_and_nobody_is_blamed(value: bytes) -> None:
    house = House()
    phone = Phone(house, "101", udp(7))
    found = phone.ask(phone.message(b"REGISTER", more=[b"Authorization: " + value]))
    assert found is not None
    assert found.status == 401
    assert house.refusals() == []
    assert house.proxy.counters.internal_errors == 0


def test_a_nonce_with_a_count_that_is_none_is_stale() -> None:
    digest = Digest(Tokens(b"k" * 32))
    digest.accept("qendra", {b"101": accounts().accounts[0]}, 1.0)
    line = digest.challenge(b"WWW-Authenticate", "192.168.1.7", 5.0)[0]
    asked = answer(b"SIP/2.0 401 No\r\nVia: SIP/2.0/UDP x\r\nCSeq: 1 REGISTER\r\n" + line + b"\r\n\r\n")
    given = proof(asked, b"REGISTER", b"sip:x", "101", "pw101").replace(b"nc=00000001", b"nc=zz")
    verdict = digest.judge([given.partition(b": ")[2]], b"REGISTER", b"sip:x", "192.168.1.7", b"b", 6.0).verdict
    assert verdict is not Verdict.GOOD
