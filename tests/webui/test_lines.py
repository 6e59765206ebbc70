from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls.names import Encryption
from appliance.switchboard import asks
from appliance.switchboard.settings import Caps, LineOptions, NumberFormat, NumberRoute, Price
from tests.webui.conftest import Browser
from tests.webui.fields import fields_of
from tests.webui.office import MemoryDesk
from webui.numbers import beginning, number


def line(desk: MemoryDesk, name: str) -> LineOptions:
    return next(line for line in desk.settings.lines if line.name == name)


def test_modems_and_providers_stand_in_one_list(owner: Browser) -> None:
    page = owner.get("/lines").text
    for words in ("Registered at Vodafone AL, signal 67 %", "The modem is silent; trying again in 15 s",
                  "Registered, 3 of 10 calls", "sip.albtel.example", "+355 4 200 0101", "17 of at most 60",
                  "812.25 of at most 2,500.00 ALL"):  # fmt: skip
        assert words in page, words


def test_the_list_is_alive_for_the_owner_alone(owner: Browser, operator: Browser, desk: MemoryDesk) -> None:
    assert 'data-live="/today/stream?page=lines"' in owner.get("/lines").text
    down = tuple(replace(one, state="down", words="the provider refuses our password") for one in desk.live.lines)
    desk.show(replace(desk.live, lines=down))
    assert "refuses our password" in owner.get("/today/look?page=lines").json["pieces"]["plates"]  # type: ignore[index]
    assert operator.get("/today/look?page=lines").status_code == 403
    assert operator.get("/today/stream?page=lines").status_code == 403


def test_a_line_that_is_capped_says_why(owner: Browser, desk: MemoryDesk) -> None:
    lines = tuple(
        replace(one, capped="albtel has made its 60 calls of this hour") if one.name == "albtel" else one
        for one in desk.live.lines
    )
    desk.show(replace(desk.live, lines=lines))
    for page in ("/lines", "/lines/albtel"):
        assert "No calls out just now: albtel has made its 60 calls of this hour" in owner.get(page).text


@pytest.mark.parametrize("name", ["gsm-1", "albtel"])
def test_saving_what_is_there_changes_nothing(owner: Browser, desk: MemoryDesk, name: str) -> None:
    before = desk.settings
    fields = fields_of(owner.get(f"/lines/{name}").text)
    assert owner.post(f"/lines/{name}", **fields).status_code == 303
    assert desk.settings == before
    assert not any(isinstance(ask, asks.SaveProviderPassword) for ask in desk.asked)


def test_a_provider_with_a_profile_needs_a_user_and_a_password(owner: Browser, desk: MemoryDesk) -> None:
    page = owner.get("/lines/add").text
    assert "Albtel Biznes" in page
    assert "Ask them for “SIP trunk”." in page
    form = owner.get("/lines/add/albtel")
    fields = fields_of(form.text)
    assert fields["name"] == "albtel-2", "the first is taken"
    fields |= {"name": "second line", "user": "35542000200", "password": "s3cret word", "main_number": "042 000 200"}
    assert owner.post("/lines/add/albtel", **fields).location == "/lines"
    made = line(desk, "second line")
    assert made.provider is not None
    assert (made.provider.profile, made.provider.domain, made.provider.user) == (
        "albtel", "sip.albtel.example", "35542000200",
    )  # fmt: skip
    assert (made.provider.main_number, made.calls_at_once, made.enters) == ("+35542000200", 2, "hours office")
    assert desk.front.passwords["second line"] == "s3cret word"  # type: ignore[index]
    for path in ("/lines", "/lines/second line", "/settings/history"):
        assert "s3cret" not in owner.get(path).text
    assert "Kept, and never shown." in owner.get("/lines/second line").text


def test_a_provider_by_address_needs_no_password(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/lines/add/by-address").text)
    answer = owner.post("/lines/add/by-address", **fields)
    assert answer.status_code == 422
    assert 'id="domain-fault"' in answer.text
    fields |= {"domain": "192.0.2.10", "addresses": "192.0.2.10, 198.51.100.0/24", "calls_at_once": "30"}
    assert owner.post("/lines/add/by-address", **fields).status_code == 303
    made = line(desk, "by-address")
    assert made.provider is not None
    assert made.provider.addresses == ("192.0.2.10", "198.51.100.0/24")
    assert (made.provider.registers, made.provider.numbers_as, made.calls_at_once) == (False, NumberFormat.DIGITS, 30)


def test_a_provider_by_hand(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/lines/add/by-hand").text)
    fields |= {
        "domain": "sip.example.com:5070",
        "user": "box",
        "password": "x",
        "transport": "tls",
        "encryption": "required",
    }
    assert owner.post("/lines/add/by-hand", **fields).status_code == 303
    made = line(desk, "provider").provider
    assert made is not None
    assert (made.transport, made.encryption) == ("tls", Encryption.REQUIRED)
    assert owner.get("/lines/add/nobody").status_code == 404
    for taken in ("add", "ALBTEL", "no/slash"):
        assert 'id="name-fault"' in owner.post("/lines/add/by-hand", **fields | {"name": taken}).text, taken


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("domain", "", "Please fill this in."),
        ("domain", "sip.example.com/x", "A name like sip.example.com"),
        ("proxy", "-.-", "A name like sip.example.com"),
        ("user", "", "Please fill this in."),
        ("user", "a@b", "Only what stands before the @"),
        ("addresses", "192.0.2.0/99", "Addresses like"),
        ("main_number", "abc", "This is not a telephone number."),
        ("calls_at_once", "0", "Please give a number from 1 to 120."),
        ("numbers_as", "x", "Please choose one of the list."),
        ("expires", "1", "Please give a number from 30"),
        ("calls_per_hour", "0", "Please give a number from 1"),
        ("calls_per_hour", "-1", "Please give a number from 1"),
        ("cost_per_day", "12 ALL", "Please give an amount like 12.50"),
        ("longest_minutes", "1441", "Please give a number from 1 to 1440."),
        ("begins-0", "39", "It begins with + and the code of a country"),
        ("begins-1", "+355", "This beginning is there twice."),
        ("costs-0", "", "What does a minute cost?"),
        ("costs-0", "x", "Please give an amount like 12.50"),
        ("number-1", "042000101", "This number is there twice."),
        ("number-1", "hello", "This is not a telephone number."),
        ("to-0", "queue gone", "Please choose one of the list."),
    ],
)
def test_a_slip_is_told_at_the_field(owner: Browser, desk: MemoryDesk, field: str, value: str, words: str) -> None:
    before = desk.settings
    answer = owner.post("/lines/albtel", **fields_of(owner.get("/lines/albtel").text) | {field: value})
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert words in answer.text
    assert desk.settings == before


def test_what_the_desk_refuses_is_told_at_its_field_and_unfolded(owner: Browser) -> None:
    fields = fields_of(owner.get("/lines/albtel").text, encryption="required", transport="udp")
    answer = owner.post("/lines/albtel", **fields)
    assert answer.status_code == 422
    assert 'id="encryption-fault"' in answer.text
    assert "is only possible over tls" in answer.text
    assert answer.text.index('<details class="fold" open>') < answer.text.index('id="encryption"')


def test_numbers_caps_and_prices(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/lines/albtel").text)
    fields |= {
        "number-7": "+355 42 000 199",
        "to-7": "say closed",
        "number-0": "",
        "calls_per_hour": "",
        "minutes_per_day": "600",
        "cost_per_day": "1 200,50",
        "begins-9": "00 44 20",
        "costs-9": "30,5",
        "costs_else": "",
    }
    assert owner.post("/lines/albtel", **fields).status_code == 303
    changed = line(desk, "albtel")
    assert changed.numbers == (NumberRoute("+35542000102", "phone 103"), NumberRoute("+35542000199", "say closed"))
    assert changed.caps == Caps(
        calls_per_hour=0,
        minutes_per_day=600,
        cost_per_day=1200.5,
        longest_minutes=180,
        prices=(Price("+355", 4.5), Price("+39", 22.0), Price("+4420", 30.5)),
    )


def test_a_cost_without_a_price_can_never_be_reached(owner: Browser) -> None:
    fields = fields_of(owner.get("/lines/gsm-1").text, cost_per_day="100")
    answer = owner.post("/lines/gsm-1", **fields)
    assert "the box has to know the prices" in answer.text


def test_a_place_a_number_leads_to_stays(owner: Browser, desk: MemoryDesk) -> None:
    owner.post("/operators/103/remove")
    assert "Not removed: the number +355 4 200 0102 leads to this telephone." in owner.get("/operators/103").text
    assert any(person.extension == "103" for person in desk.settings.people)


def test_the_password_is_replaced_not_shown(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/lines/albtel").text, password="another")
    assert owner.post("/lines/albtel", **fields).status_code == 303
    assert desk.front.passwords == {"albtel": "another"}
    fields = fields_of(owner.get("/lines/albtel").text, password="bad\x00one")
    assert 'id="password-fault"' in owner.post("/lines/albtel", **fields).text


def test_a_provider_is_removed_and_brought_back(owner: Browser, desk: MemoryDesk) -> None:
    before = desk.settings
    assert owner.post("/lines/albtel/remove").location == "/lines"
    assert "albtel" not in {one.name for one in desk.settings.lines}
    assert "The line albtel is removed." in owner.get("/lines").text
    assert "Removed the line albtel" in owner.get("/settings/history").text
    owner.post(f"/settings/history/{desk.version}/undo")
    assert desk.settings == before
    assert desk.front.passwords["albtel"] == "kept"  # type: ignore[index]
    assert owner.post("/lines/gsm-1/remove").status_code == 404, "a modem is the installer's affair"


def test_operators_do_not_come_here(operator: Browser, desk: MemoryDesk) -> None:
    for path in ("/lines", "/lines/albtel", "/lines/add", "/lines/add/albtel"):
        assert operator.get(path).status_code == 403
    operator.get("/me")
    assert operator.post("/lines/albtel/remove").status_code == 403
    assert operator.post("/lines/add/albtel", name="x").status_code == 403
    assert any(one.name == "albtel" for one in desk.settings.lines)


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("+39", "+39"), ("0039 06", "+3906"), ("+39 (06)", "+3906"), ("39", None), ("+0", None), ("", None),
        ("+1234567890123456", None), ("+٣٩", None), ("+39x", None),
    ],
)  # fmt: skip
def test_beginnings(words: str, known: str | None) -> None:
    assert beginning(words) == known


def test_numbers_as_the_country_writes_them() -> None:
    assert number("042 000 100", "AL") == "+35542000100"
    assert number("8 (495) 123-45-67", "RU") == "+74951234567"
    assert number("+44 20 7946 0000", "AL") == "+442079460000"
    assert number("1", "AL") is None
    assert number("hello", "AL") is None
