from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.callflow.settings import Choice
from appliance.calls.names import Encryption
from appliance.switchboard import asks
from appliance.switchboard.settings import Reach
from tests.webui.believable import PASSWORD
from tests.webui.conftest import Browser
from tests.webui.fields import fields_of
from tests.webui.office import MemoryArchive, MemoryDesk
from webui.logins import password_fits


def changes(desk: MemoryDesk) -> list[asks.ChangeSettings]:
    return [ask for ask in desk.asked if isinstance(ask, asks.ChangeSettings)]


def test_everybody_is_in_the_list(owner: Browser) -> None:
    page = owner.get("/operators").text
    for words in ("Arta Hoxha", "on a break", "1 connected", "none connected", "Recepsioni, На русском", ">Arta</td>"):
        assert words in page, words


def test_adding_shows_the_telephones_password_once(owner: Browser, desk: MemoryDesk) -> None:
    form = owner.get("/operators/add")
    assert fields_of(form.text)["extension"] == "108"
    answer = owner.post("/operators/add", **fields_of(form.text, name="Mira Kola", queues=["reception", "russian"]))
    assert answer.status_code == 200
    assert "vjollca-47-mal-det" in answer.text
    assert "192.168.1.20" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    person = next(person for person in desk.settings.people if person.extension == "108")
    assert (person.name, person.may_call_out) == ("Mira Kola", True)
    assert all("108" in queue.operators for queue in desk.settings.queues)
    assert "vjollca" not in owner.get("/operators/108").text
    assert changes(desk)[-1].what == "Added Mira Kola (108)"
    assert "vjollca" not in owner.get("/settings/history").text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", " ", "Please fill this in."),
        ("name", "x" * 61, "At most 60 characters"),
        ("extension", "101", "This number is taken."),
        ("extension", "700", "This number is taken."),
        ("extension", "1", "2 to 6 digits"),
        ("extension", "1234567", "2 to 6 digits"),
        ("extension", "١٠٨", "2 to 6 digits"),
        ("extension", "", "Please fill this in."),
        ("language", "de", "Please choose one of the list."),
    ],
)
def test_a_bad_operator_is_told_at_the_field(
    owner: Browser, desk: MemoryDesk, field: str, value: str, words: str
) -> None:
    before = desk.settings
    fields = fields_of(owner.get("/operators/add").text, name="Mira") | {field: value}
    answer = owner.post("/operators/add", **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'id="{field}-fault"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert desk.settings == before
    assert not any(isinstance(ask, asks.NewPhonePassword) for ask in desk.asked)


def test_the_answer_of_the_desk_stands_at_its_field_in_the_readers_language(owner: Browser) -> None:
    fields = fields_of(owner.get("/menus/menu/main?language=ru").text, extension="700")
    answer = owner.post("/menus/menu/main", **fields)
    assert 'id="extension-fault"' in answer.text
    assert "внутренний номер 700 уже занят: очередь reception" in answer.text


def test_changing_somebody(owner: Browser, desk: MemoryDesk) -> None:
    form = owner.get("/operators/103")
    fields = fields_of(form.text)
    assert fields["queues"] == ["reception", "russian"]
    fields |= {"name": "Елена Орлова", "queues": ["russian"], "language": "ru"}
    fields.pop("may_call_out")
    assert owner.post("/operators/103", **fields).location == "/operators"
    person = next(person for person in desk.settings.people if person.extension == "103")
    assert (person.name, person.language, person.may_call_out) == ("Елена Орлова", "ru", False)
    assert [("103" in queue.operators) for queue in desk.settings.queues] == [False, True]
    assert "Елена Орлова" in owner.get("/operators").text


def test_saving_what_is_there_changes_nothing(owner: Browser, desk: MemoryDesk) -> None:
    before = desk.settings
    owner.post("/operators/103", **fields_of(owner.get("/operators/103").text))
    assert desk.settings == before


def test_somebody_else_was_faster(owner: Browser, desk: MemoryDesk) -> None:
    form = owner.get("/operators/103")
    fields = fields_of(form.text, name="Mine")
    people = tuple(
        replace(person, name="Theirs") if person.extension == "103" else person for person in desk.settings.people
    )
    desk.ask(asks.ChangeSettings(0, "Arta", "x", desk.version, replace(desk.settings, people=people)))
    answer = owner.post("/operators/103", **fields)
    assert answer.status_code == 422
    assert "Somebody else has changed this while you were looking at it." in answer.text
    assert 'value="Mine"' in answer.text
    assert "Theirs" in {person.name for person in desk.settings.people}
    assert owner.post("/operators/103", **fields_of(answer.text)).status_code == 303
    assert "Mine" in {person.name for person in desk.settings.people}


def test_somebody_else_changed_something_else(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/operators/103").text, name="Mine")
    desk.ask(asks.ChangeSettings(0, "Arta", "x", desk.version, replace(desk.settings, firm="Other")))
    assert owner.post("/operators/103", **fields).status_code == 303
    assert desk.settings.firm == "Other"
    assert "Mine" in {person.name for person in desk.settings.people}


def test_a_change_between_reading_and_writing_is_not_lost(
    owner: Browser, desk: MemoryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desk refuses by version; the page applies its change to what is there now."""
    fields = fields_of(owner.get("/operators/103").text, name="Mine")
    real, raced = desk._change, list[asks.ChangeSettings]()

    def race(message: asks.ChangeSettings) -> asks.No | None:
        if not raced:
            raced.append(message)
            desk._put("Arta", "x", replace(desk.settings, firm="Other"))
        return real(message)

    monkeypatch.setattr(desk, "_change", race)
    assert owner.post("/operators/103", **fields).status_code == 303
    assert (desk.settings.firm, "Mine" in {person.name for person in desk.settings.people}) == ("Other", True)


def test_while_the_desk_is_away_nothing_is_lost(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/operators/103").text, name="Mine")
    desk.go(away=True)
    answer = owner.post("/operators/103", **fields)
    assert answer.status_code == 422
    assert "nothing is saved yet" in answer.text
    assert 'value="Mine"' in answer.text


def test_who_connects_from_outside_is_told_the_public_name(owner: Browser, desk: MemoryDesk) -> None:
    page = owner.post("/operators/101/password").text
    for words in ("<code>5060</code>", "<code>5061</code>", 'href="/qendra.crt"'):
        assert words in page, words
    assert "From outside" not in page
    firm = replace(desk.settings, outside_name="calls.example.com", outside_tls_port=15061)
    desk.ask(asks.ChangeSettings(0, "Blerim", "x", desk.version, firm))
    desk.clock.pass_by(2)  # type: ignore[attr-defined]
    page = owner.post("/operators/101/password").text
    for words in ("<code>calls.example.com</code>", "port 5060", "encrypted 15061"):
        assert words in page, words


def test_whom_somebody_may_call(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/operators/103").text)
    assert fields["reaches"] == "national"
    fields |= {"reaches": ["abroad", "premium"], "also": "0039 06; +44", "never": "+881", "encryption": "required"}
    assert owner.post("/operators/103", **fields).status_code == 303
    person = next(person for person in desk.settings.people if person.extension == "103")
    assert person.reaches == (Reach.ABROAD, Reach.PREMIUM)
    assert (person.also, person.never, person.encryption) == (("+3906", "+44"), ("+881",), Encryption.REQUIRED)
    fields = fields_of(owner.get("/operators/103").text)
    assert (fields["also"], fields["never"]) == ("+3906, +44", "+881")
    for field, value in (("also", "39"), ("never", "abc"), ("encryption", "x"), ("also", "+1," * 51 + "+2")):
        answer = owner.post("/operators/103", **fields | {field: value})
        assert answer.status_code == 422, value
        assert f'id="{field}-fault"' in answer.text


def test_a_new_telephone_password(owner: Browser, desk: MemoryDesk) -> None:
    owner.get("/operators/101")
    answer = owner.post("/operators/101/password")
    assert "vjollca-47-mal-det" in answer.text
    assert [ask.extension for ask in desk.asked if isinstance(ask, asks.NewPhonePassword)] == ["101"]
    assert owner.post("/operators/999/password").status_code == 404


def test_removing_takes_them_out_of_queues_and_ends_their_login(owner: Browser, desk: MemoryDesk) -> None:
    assert owner.post("/operators/101/remove").location == "/operators"
    assert "101" not in {person.extension for person in desk.settings.people}
    assert not any("101" in queue.operators for queue in desk.settings.queues)
    assert set(desk.accounts) == {"blerim"}
    assert "Past calls stay in the log." in owner.get("/operators").text


def test_whoever_a_key_leads_to_stays(owner: Browser, desk: MemoryDesk) -> None:
    assert owner.post("/operators/104/remove").location == "/operators/104"
    assert "Not removed: key 2 of the menu “main” leads to this telephone." in owner.get("/operators/104").text
    assert "104" in {person.extension for person in desk.settings.people}


def test_names_are_only_words(owner: Browser, desk: MemoryDesk) -> None:
    evil = "<img src=x onerror=alert(1)>"
    owner.post("/operators/103", **fields_of(owner.get("/operators/103").text, name=evil))
    assert evil in {person.name for person in desk.settings.people}
    for page in (
        "/operators",
        "/operators/103",
        "/queues",
        "/queues/reception",
        "/calls",
        "/settings/history",
        "/menus",
    ):
        assert evil not in owner.get(page).text, page


def test_there_is_nobody_of_that_number(owner: Browser) -> None:
    assert owner.get("/operators/999").status_code == 404
    assert owner.post("/operators/999/remove").status_code == 404


def test_an_empty_firm_is_told_what_to_do(owner: Browser, desk: MemoryDesk, archive: MemoryArchive) -> None:
    flow = desk.settings.flow
    menus = tuple(replace(menu, choices=(Choice("1", "say closed"),), then="hang up") for menu in flow.menus)
    empty = replace(desk.settings, people=(), flow=replace(flow, menus=menus), lines=())
    empty = replace(empty, queues=tuple(replace(queue, operators=()) for queue in empty.queues))
    desk.ask(asks.ChangeSettings(0, "x", "x", desk.version, empty))
    desk.clock.pass_by(5)  # type: ignore[attr-defined]
    assert "Nobody answers yet" in owner.get("/operators").text
    assert fields_of(owner.get("/operators/add").text)["extension"] == "101"
    assert "Nobody answers this queue" in owner.get("/queues").text
    del archive


def test_a_login_for_an_operator(owner: Browser, desk: MemoryDesk) -> None:
    form = owner.get("/logins/add?extension=103")
    fields = fields_of(form.text)
    assert (fields["name"], fields["extension"], fields["role"]) == ("Елена", "103", "operator")
    assert owner.post("/logins/add", **(fields | {"password": "një fjalë e gjatë"})).location == "/logins"
    made = desk.accounts["елена"]
    assert (made.role, made.extension) == ("operator", "103")
    assert password_fits(made, "një fjalë e gjatë")
    assert "Елена" in owner.get("/logins").text
    assert "Елена" in owner.get("/operators/103").text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "arta", "There is a login with this name already."),
        ("name", "", "Please fill this in."),
        ("password", "short", "At least 10 characters"),
        ("role", "king", "Please choose one of the list."),
        ("extension", "", "An operator needs a telephone"),
        ("extension", "999", "Please choose one of the list."),
    ],
)
def test_a_bad_login_is_told_at_the_field(owner: Browser, desk: MemoryDesk, field: str, value: str, words: str) -> None:
    fields = fields_of(owner.get("/logins/add?extension=103").text, password="një fjalë e gjatë") | {field: value}
    answer = owner.post("/logins/add", **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert set(desk.accounts) == {"blerim", "arta"}


def test_a_login_keeps_its_password_unless_given_a_new_one(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/logins/Arta").text, extension="102")
    assert owner.post("/logins/Arta", **fields).status_code == 303
    assert desk.accounts["arta"].extension == "102"
    assert password_fits(desk.accounts["arta"], PASSWORD)
    fields = fields_of(owner.get("/logins/Arta").text, password="krejt tjeter fjale")
    owner.post("/logins/Arta", **fields)
    assert password_fits(desk.accounts["arta"], "krejt tjeter fjale")


def test_the_last_owner_stays(owner: Browser, desk: MemoryDesk) -> None:
    owner.get("/logins")
    assert owner.post("/logins/Blerim/remove").location == "/logins/Blerim"
    assert "The last owner stays" in owner.get("/logins/Blerim").text
    assert owner.post("/logins/Arta/remove").location == "/logins"
    assert set(desk.accounts) == {"blerim"}
    assert owner.get("/logins/Arta").status_code == 404
