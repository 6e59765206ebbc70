from __future__ import annotations

import io
from dataclasses import replace

import pytest
from werkzeug.test import TestResponse

from appliance.calls.edge import Reach, Reached, Refusal
from appliance.switchboard import asks
from appliance.switchboard.asks import TurnedAway
from tests.webui.believable import busy_door
from tests.webui.conftest import Browser
from tests.webui.fields import fields_of
from tests.webui.front import BOXS_OWN, PEM, FrontDoor
from tests.webui.office import Clock, MemoryDesk
from webui.door.words import _REFUSALS, who_from

KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n"


def test_who_is_unheard_and_who_was_turned_away(owner: Browser) -> None:
    page = owner.get("/door").text
    for words in ("2 addresses are shut out just now", "203.0.113.9", "as Ilir Dervishi", "Came again while unheard",
                  "212 times", "from 2001:db8::7", "Messages no telephone sends", "yesterday"):  # fmt: skip
        assert words in page, words


def test_every_reason_has_a_word() -> None:
    assert set(_REFUSALS) == {each.value for each in Refusal}


def test_a_quiet_door_says_so(owner: Browser, desk: MemoryDesk, clock: Clock) -> None:
    desk.front = FrontDoor()
    page = owner.get("/door").text
    for words in ("Nobody has tried to break in", "Everybody is heard.", "Nobody was turned away.",
                  "Only telephones in the firm’s own network can connect"):  # fmt: skip
        assert words in page, words
    desk.front = replace(busy_door(clock()), bans=())
    assert "Somebody was turned away, and nobody came in" in owner.get("/door").text
    desk.front.turned_away = (TurnedAway(clock() - 5, "no such call", "udp 192.168.1.5:5060", "", 1),)
    assert "Nobody has tried to break in" in owner.get("/door").text, "an honest telephone's message came too late"


def test_a_scanner_of_a_whole_night_is_one_row(owner: Browser, desk: MemoryDesk, clock: Clock) -> None:
    knocks = tuple(
        TurnedAway(clock() - 10 * index, "banned", f"udp 203.0.113.9:{5060 + index}", "", 7) for index in range(400)
    )
    others = tuple(
        TurnedAway(clock() - 5000, "flood", f"tcp 198.51.100.{index}:1", "too many requests", 1) for index in range(80)
    )
    desk.front.turned_away = knocks + others
    page = owner.get("/door").text
    assert page.count("Came again while unheard") == 1
    assert "2800 times" in page
    assert "since 11:46" in page
    assert page.count("Too much at one time") == 49
    assert "and 31 more before that" in page


def test_somebody_is_let_in_again(owner: Browser, desk: MemoryDesk) -> None:
    owner.get("/door")
    assert owner.post("/door/let-in", source="192.168.1.57", extension="102").location == "/door"
    assert [ban.source for ban in desk.front.bans] == ["203.0.113.9"]
    asked = next(ask for ask in desk.asked if isinstance(ask, asks.LiftBan))
    assert (asked.who, asked.source, asked.extension) == ("Blerim", "192.168.1.57", "102")
    assert "192.168.1.57 is let in again." in owner.get("/door").text
    owner.post("/door/let-in", source="192.168.1.57", extension="102")
    assert "They are let in again already." in owner.get("/door").text


def test_the_public_name(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/door/outside").text)
    fields |= {"outside_name": "calls.example.com", "outside_port": "5062"}
    answer = owner.post("/door/outside", **fields)
    assert answer.location.startswith("/door/outside?since=")
    firm = desk.settings
    assert (firm.outside_name, firm.outside_port, firm.outside_tls_port) == ("calls.example.com", 5062, 0)
    assert "Changed how people outside reach the box" in owner.get("/settings/history").text
    fields = fields_of(owner.get("/door/outside").text)
    assert owner.post("/door/outside", **fields).status_code == 303
    assert desk.settings == firm


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outside_name", "http://calls.example.com"),
        ("outside_name", "calls.example.com:5060"),
        ("outside_name", "two words"),
        ("outside_port", "0"),
        ("outside_port", "65536"),
        ("outside_tls_port", "x"),
    ],
)
def test_a_public_name_that_is_none(owner: Browser, desk: MemoryDesk, field: str, value: str) -> None:
    answer = owner.post("/door/outside", **fields_of(owner.get("/door/outside").text) | {field: value})
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert desk.settings.outside_name == ""


@pytest.mark.parametrize(
    ("reached", "words"),
    [
        (Reached(Reach.GOOD, "an answer came back", "198.51.100.5", 1.0), "The box can be reached from outside"),
        (Reached(Reach.BAD, "nothing came back", "198.51.100.5", 1.0), "The box cannot be reached from outside"),
        (Reached(Reach.UNKNOWN, "not looked yet"), "Whether the box can be reached is not known yet"),
    ],
)
def test_can_we_be_reached(owner: Browser, desk: MemoryDesk, reached: Reached, words: str) -> None:
    desk.front.reached = reached
    firm = replace(desk.settings, outside_name="calls.example.com")
    desk.ask(asks.ChangeSettings(0, "Blerim", "x", desk.version, firm))
    for path in ("/door", "/door/outside"):
        page = owner.get(path).text
        assert words in page
        assert reached.words[1:] in page


def test_checking_waits_for_the_answer(owner: Browser, desk: MemoryDesk, clock: Clock) -> None:
    owner.get("/door/outside")
    onward = owner.post("/door/check").location
    assert desk.front.checks == 1
    page = owner.get(onward).text
    assert "The box is looking…" in page
    assert 'http-equiv="refresh"' in page
    desk.front.reached = Reached(Reach.GOOD, "an answer came back", "198.51.100.5", clock() + 3)
    page = owner.get(onward).text
    assert "The box can be reached from outside" in page
    assert 'http-equiv="refresh"' not in page
    desk.front.reached = Reached(Reach.UNKNOWN, "not looked yet")
    clock.pass_by(30)
    assert "The box is looking…" not in owner.get(onward).text, "nobody waits for ever"


def test_the_certificate_and_its_authority(owner: Browser) -> None:
    page = owner.get("/door/certificate").text
    for words in ("qendra.local, 192.168.1.20", "22 November 2029", BOXS_OWN.fingerprint, "made by the box itself"):
        assert words in page, words
    answer = owner.get("/qendra.crt")
    assert answer.text == PEM
    assert answer.headers["Content-Type"].startswith("application/x-x509-ca-cert")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="qendra.crt"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_telephone_fetches_the_authority_by_itself(stranger: Browser, desk: MemoryDesk) -> None:
    assert stranger.get("/qendra.crt").text == PEM
    desk.front.certificate = None
    assert stranger.get("/qendra.crt").status_code == 404
    assert stranger.get("/door/certificate").status_code == 302


def test_before_there_is_a_certificate(owner: Browser, desk: MemoryDesk) -> None:
    desk.front.certificate = None
    for path in ("/door", "/door/certificate"):
        assert "The box has no certificate yet; it makes one as it starts." in owner.get(path).text


def upload(browser: Browser, **files: bytes) -> TestResponse:
    data = {name: (io.BytesIO(content), f"{name}.pem") for name, content in files.items()}
    return browser.client.post(
        "/door/certificate", data={"csrf_token": browser.token, **data}, content_type="multipart/form-data"
    )


def test_an_own_certificate_and_back(owner: Browser, desk: MemoryDesk) -> None:
    owner.get("/door/certificate")
    assert upload(owner, certificate_file=PEM.encode(), key_file=KEY.encode()).status_code == 303
    sent = next(ask for ask in desk.asked if isinstance(ask, asks.ReplaceCertificate))
    assert (sent.certificate, sent.key) == (PEM, KEY)
    assert "PRIVATE" not in repr(sent), "a key is never in a log"
    page = owner.get("/door/certificate").text
    assert "your own" in page
    assert owner.get("/qendra.crt").status_code == 404
    assert owner.post("/door/certificate/own").status_code == 303
    assert "made by the box itself" in owner.get("/door/certificate").text


def test_a_certificate_is_pasted(owner: Browser, desk: MemoryDesk) -> None:
    owner.get("/door/certificate")
    assert owner.post("/door/certificate", certificate=PEM, key=KEY).status_code == 303
    assert desk.front.certificate is not None
    assert not desk.front.certificate.own


@pytest.mark.parametrize(
    ("certificate", "key", "field", "words"),
    [
        (b"", KEY.encode(), "certificate", "Please choose a file"),
        (PEM.encode(), b"", "key", "Please choose a file"),
        (b"\x30\x82\xff\xfe", KEY.encode(), "certificate", "This file is not in PEM form"),
        (b"hello", KEY.encode(), "certificate", "This is not in PEM form"),
        (KEY.encode(), KEY.encode(), "certificate", "This is no certificate in PEM form."),
        (PEM.encode(), PEM.encode(), "key", "This is no private key in PEM form."),
        (b"-----BEGIN " + b"A" * 70_000, KEY.encode(), "certificate", "larger than any certificate"),
    ],
)
def test_a_bad_certificate_is_told_at_its_field(
    owner: Browser, desk: MemoryDesk, certificate: bytes, key: bytes, field: str, words: str
) -> None:
    owner.get("/door/certificate")
    answer = upload(owner, certificate_file=certificate, key_file=key)
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert words in answer.text
    assert "MC4CAQ" not in answer.text, "a key is not sent back"
    assert desk.front.certificate == BOXS_OWN


def test_what_is_far_too_large_is_not_read(owner: Browser) -> None:
    owner.get("/door/certificate")
    assert upload(owner, certificate_file=b"A" * 300_000).status_code == 413


def test_operators_do_not_see_the_door(operator: Browser, desk: MemoryDesk) -> None:
    for path in ("/door", "/door/outside", "/door/certificate"):
        assert operator.get(path).status_code == 403, path
    operator.get("/me")
    for path in ("/door/let-in", "/door/check", "/door/outside", "/door/certificate", "/door/certificate/own"):
        assert operator.post(path, source="203.0.113.9").status_code == 403, path
    assert len(desk.front.bans) == 2
    assert desk.front.checks == 0


def test_while_the_desk_is_away(owner: Browser, desk: MemoryDesk) -> None:
    owner.get("/door")
    desk.go(away=True)
    assert owner.post("/door/let-in", source="203.0.113.9").status_code == 303
    assert owner.post("/door/check").status_code == 303
    assert owner.post("/door/certificate/own").status_code == 303
    answer = owner.post("/door/certificate", certificate=PEM, key=KEY)
    assert answer.status_code == 503
    desk.go(away=False)
    assert len(desk.front.bans) == 2


@pytest.mark.parametrize(
    ("source", "who"),
    [
        ("udp 203.0.113.9:5071", "203.0.113.9"), ("tls [2001:db8::7]:5060", "2001:db8::7"), ("2001:db8::7", "2001:db8::7"),
        ("203.0.113.9", "203.0.113.9"), ("", ""), ("[", ""),
    ],
)  # fmt: skip
def test_an_address_without_its_port(source: str, who: str) -> None:
    assert who_from(source) == who
