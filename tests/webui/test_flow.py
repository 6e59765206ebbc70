"""Queues, menus, messages, opening hours, lines: what the owner changes for the next call."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.callflow.settings import Choice, OpenSpan, SpecialDay
from appliance.switchboard import asks
from tests.webui.conftest import Browser
from tests.webui.fields import fields_of
from tests.webui.office import Clock, MemoryDesk

UNTOUCHED = (
    "/queues/reception",
    "/queues/russian",
    "/menus/menu/main",
    "/menus/message/closed",
    "/hours/office",
    "/lines/gsm-1",
    "/lines/fixed",
    "/settings",
)


@pytest.mark.parametrize("page", UNTOUCHED)
def test_saving_what_is_there_changes_nothing(owner: Browser, desk: MemoryDesk, page: str) -> None:
    before = desk.settings
    answer = owner.post(page, **fields_of(owner.get(page).text))
    assert answer.status_code == 303
    assert desk.settings == before


@pytest.mark.parametrize("page", UNTOUCHED)
def test_saving_over_somebody_elses_change_asks_once(owner: Browser, page: str) -> None:
    fields = fields_of(owner.get(page).text, seen="0123456789abcdef")
    answer = owner.post(page, **fields)
    assert answer.status_code == 422
    assert "Somebody else has changed this" in answer.text
    assert owner.post(page, **fields_of(answer.text)).status_code == 303


def test_a_queue_changes_for_the_next_call(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(
        owner.get("/queues/reception").text,
        title="Front desk",
        operators=["102", "107"],
        ring_seconds="25",
        wrap_up_seconds="0",
        set_aside_seconds="60",
        longest_wait_seconds="180",
        when_too_long="say closed",
        extension="701",
    )
    fields.pop("record")
    assert owner.post("/queues/reception", **fields).location == "/queues"
    queue = desk.settings.queues[0]
    assert (queue.title, queue.operators, queue.extension) == ("Front desk", ("102", "107"), "701")
    assert (queue.ring_seconds, queue.wrap_up_seconds, queue.set_aside_seconds) == (25.0, 0.0, 60.0)
    assert (queue.longest_wait_seconds, queue.when_too_long, queue.record) == (180.0, "say closed", False)
    assert "3 minutes, then: Message “closed”" in owner.get("/queues").text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "Please fill this in."),
        ("ring_seconds", "soon", "Please choose one of the list."),
        ("ring_seconds", "-5", "Please choose one of the list."),
        ("ring_seconds", "0", "has to be more than 0 seconds"),
        ("when_too_long", "queue reception", "Please choose one of the list."),
        ("when_too_long", "menu nowhere", "Please choose one of the list."),
        ("extension", "101", "101 is already the extension of Arta Hoxha"),
        ("extension", "x", "2 to 6 digits"),
    ],
)
def test_a_bad_queue_is_told_at_its_field(owner: Browser, desk: MemoryDesk, field: str, value: str, words: str) -> None:
    before = desk.settings
    answer = owner.post("/queues/reception", **fields_of(owner.get("/queues/reception").text) | {field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert f'id="{field}-fault"' in answer.text
    assert desk.settings == before


def test_a_length_nobody_offered_stays_to_choose(owner: Browser, desk: MemoryDesk) -> None:
    queue = replace(desk.settings.queues[0], ring_seconds=17.5)
    changed = replace(desk.settings, queues=(queue, desk.settings.queues[1]))
    desk.ask(asks.ChangeSettings(0, "x", "x", desk.version, changed))
    desk.clock.pass_by(5)  # type: ignore[attr-defined]
    fields = fields_of(owner.get("/queues/reception").text)
    assert fields["ring_seconds"] == "17.5"
    assert owner.post("/queues/reception", **fields).status_code == 303
    assert desk.settings.queues[0].ring_seconds == 17.5


def test_making_and_removing_a_queue(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/queues/add").text, title="Zyra e dytë!", operators=["105"])
    assert owner.post("/queues/add", **fields).location == "/queues"
    queue = desk.settings.queues[-1]
    assert (queue.name, queue.title) == ("zyra-e-dytë", "Zyra e dytë!")
    owner.post("/queues/add", **fields)
    assert desk.settings.queues[-1].name == "zyra-e-dytë-2"
    assert owner.post(f"/queues/{queue.name}/remove").location == "/queues"
    assert queue not in desk.settings.queues
    assert owner.post("/queues/reception/remove").location == "/queues/reception"
    assert "Not removed" in owner.get("/queues/reception").text
    assert owner.get("/queues/none").status_code == 404


def test_a_menu_changes_texts_and_keys(owner: Browser, desk: MemoryDesk) -> None:
    form = owner.get("/menus/menu/main")
    fields = fields_of(
        form.text,
        **{"text-en": "Hello.\r\nPress  1.", "text-ru": "", "key-1": "*", "to-0": "phone 101", "title-0": "Orders"},
    )
    fields |= {
        "key-2": "",
        "title-2": "",
        "key-9": "0",
        "to-9": "hang up",
        "title-9": "",
        "seconds": "10",
        "tries": "2",
    }
    assert owner.post("/menus/menu/main", **fields).location == "/menus"
    menu = desk.settings.flow.menus[0]
    assert menu.texts["en"] == "Hello.\nPress 1."
    assert set(menu.texts) == {"sq", "en"}
    assert menu.choices == (
        Choice("1", "phone 101", "Orders"),
        Choice("*", "phone 104", "Dhimbje të forta"),
        Choice("9", "say address", "Adresa"),
        Choice("0", "hang up", ""),
    )
    assert (menu.seconds, menu.tries) == (10.0, 2)
    assert "Changed: Menu “main”" in owner.get("/settings/history").text


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"key-1": "1"}, "key-1", "The key 1 is there twice."),
        ({"key-1": "", "title-1": "Something"}, "key-1", "Which key?"),
        ({"key-1": "12"}, "key-1", "Which key?"),
        ({"to-1": "menu nowhere"}, "to-1", "Please choose one of the list."),
        ({"title-1": "x" * 41}, "title-1", "At most 40 characters"),
        ({"text-sq": "", "text-en": "", "text-ru": " "}, "text-sq", "Callers would hear silence."),
        ({"text-sq": "x" * 1501}, "text-sq", "At most 1500 characters"),
        ({f"{part}-{row}": "" for part in ("key", "title") for row in range(5)}, "choices", "at least one key"),
        ({"tries": "0"}, "tries", "Please give a number from 1 to 9."),
        ({"seconds": "999"}, "seconds", "Please choose one of the list."),
        ({"extension": "101"}, "extension", "101 is already the extension of Arta Hoxha"),
    ],
)
def test_a_bad_menu_is_told_at_its_field(
    owner: Browser, desk: MemoryDesk, changes: dict[str, str], field: str, words: str
) -> None:
    before = desk.settings
    answer = owner.post("/menus/menu/main", **fields_of(owner.get("/menus/menu/main").text) | changes)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'id="{field}-fault"' in answer.text
    assert desk.settings == before


def test_a_way_in_a_circle_is_refused(owner: Browser, desk: MemoryDesk) -> None:
    before = desk.settings
    fields = fields_of(owner.get("/menus/message/closed").text, then="hours office")
    answer = owner.post("/menus/message/closed", **fields)
    assert answer.status_code == 422
    assert "led in a circle and never leave" in answer.text
    assert desk.settings == before


def test_making_and_removing_a_menu_and_a_message(owner: Browser, desk: MemoryDesk) -> None:
    owner.post(
        "/menus/message/add",
        **fields_of(owner.get("/menus/message/add").text, name="oferta", **{"text-sq": "Zbritje!"}),
    )
    assert desk.settings.flow.announcements[-1].texts == {"sq": "Zbritje!"}
    fields = fields_of(owner.get("/menus/menu/add").text, name="vera", **{"text-sq": "Shtypni 1."})
    fields |= {"key-0": "1", "to-0": "say oferta", "title-0": "Oferta"}
    assert owner.post("/menus/menu/add", **fields).location == "/menus"
    tree = owner.get("/menus").text
    assert "Menu “vera”" in tree
    assert "“Zbritje!”" in tree
    again = owner.post("/menus/menu/add", **fields)
    assert again.status_code == 422
    assert "There is one with this name already." in again.text
    owner.post("/menus/message/oferta/remove")
    assert "Not removed: key 1 of the menu “vera” leads here." in owner.get("/menus/message/oferta").text
    assert owner.post("/menus/menu/vera/remove").location == "/menus"
    assert owner.post("/menus/message/oferta/remove").location == "/menus"
    assert len(desk.settings.flow.menus) == 1


def test_the_way_of_a_call_is_drawn_once_per_place(owner: Browser) -> None:
    tree = owner.get("/menus").text
    assert tree.index("Line gsm-1") < tree.index("Opening hours “office”") < tree.index("Menu “main”")
    assert tree.count("Mirë se vini në Klinikën") == 1
    assert "(see above)" in tree


def test_listening_before_saving(owner: Browser, desk: MemoryDesk) -> None:
    before = desk.settings
    answer = owner.post("/menus/listen", listen="sq", **{"text-sq": "Mirë  se vini", "text-en": "Welcome"})
    assert answer.status_code == 200
    assert answer.mimetype == "audio/wav"
    assert answer.data[:4] == b"RIFF"
    said = next(ask for ask in desk.asked if isinstance(ask, asks.Speak))
    assert (said.text, said.language) == ("Mirë se vini", "sq")
    assert desk.settings == before


@pytest.mark.parametrize(("listen", "text"), [("sq", ""), ("xx", "Hello"), ("", "Hello")])
def test_there_is_nothing_to_hear(owner: Browser, listen: str, text: str) -> None:
    answer = owner.post("/menus/listen", listen=listen, **{f"text-{listen}": text})
    assert (answer.status_code, answer.mimetype) == (422, "text/plain")


def test_only_speech_is_ever_read(
    owner: Browser, desk: MemoryDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").write_text("secret")
    for path in (tmp_path / "secrets", tmp_path / "gone.wav", tmp_path):
        with monkeypatch.context() as patch:
            patch.setattr(desk, "speak", lambda _ask, path=path: asks.Spoken(0, str(path)))
            answer = owner.post("/menus/listen", listen="sq", **{"text-sq": "x"})
        assert answer.status_code == 503
        assert b"secret" not in answer.data


def test_the_week_and_special_days(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/hours/office").text)
    assert (fields["begins-5-0"], fields["ends-5-0"]) == ("09:00", "24:00")
    fields |= {"begins-6-0": "10", "ends-6-0": "1400", "begins-0-0": "", "ends-0-0": ""}
    fields |= {"begins-1-0": "14:00", "ends-1-0": "18:00", "begins-1-1": "09:00", "ends-1-1": "13:00"}
    fields |= {"date-7": "2026-12-31", "title-7": "Viti i Ri", "begins-s7-0": "09:00", "ends-s7-0": "12:00"}
    fields |= {"date-0": "", "title-0": "", "closed": "menu main"}
    assert owner.post("/hours/office", **fields).location == "/hours"
    hours = desk.settings.flow.hours[0]
    by_day = [[(span.begins, span.ends) for span in hours.week if span.day == day] for day in range(7)]
    assert by_day[0] == [("14:00", "18:00")]
    assert by_day[1] == [("09:00", "13:00"), ("14:00", "18:00")]
    assert by_day[5] == [("09:00", "24:00")]
    assert by_day[6] == [("10:00", "14:00")]
    assert hours.special == (
        SpecialDay("2026-12-24", (("09:00", "13:00"),), "Krishtlindjet"),
        SpecialDay("2026-12-31", (("09:00", "12:00"),), "Viti i Ri"),
    )
    assert hours.closed == "menu main"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"begins-0-0": "18:00", "ends-0-0": "09:00"}, "day-0", "It ends before it begins."),
        ({"begins-0-0": "09:00", "ends-0-0": "15:00"}, "day-0", "These times overlap."),
        ({"ends-0-0": ""}, "day-0", "Both a beginning and an end"),
        ({"begins-0-0": "soon"}, "day-0", "A time looks like 09:30."),
        ({"date-5": "tomorrow", "title-5": "x"}, "date-5", "Which day?"),
        ({"date-5": "2026-11-28"}, "date-5", "This day is there twice."),
        ({"date-5": "2026-12-01", "begins-s5-0": "10:00"}, "date-5", "Both a beginning and an end"),
        ({"open": "queue nowhere"}, "open", "Please choose one of the list."),
        ({"open": "hours office"}, "open", "Please choose one of the list."),
    ],
)
def test_bad_hours_are_told_at_their_field(
    owner: Browser, desk: MemoryDesk, changes: dict[str, str], field: str, words: str
) -> None:
    before = desk.settings
    answer = owner.post("/hours/office", **fields_of(owner.get("/hours/office").text) | changes)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'id="{field}-fault"' in answer.text
    assert desk.settings == before


@pytest.mark.parametrize(
    ("local", "words"),
    [
        ("2026-11-20T10:00", "Open now, until 13:00"),
        ("2026-11-20T13:30", "Closed now, opens at 14:00"),
        ("2026-11-20T19:00", "Closed now, opens tomorrow at 09:00"),
        ("2026-11-21T23:00", "Open now, until 24:00"),
        ("2026-11-22T12:00", "Closed now, opens tomorrow at 09:00"),
        ("2026-11-28T12:00", "Closed now, opens Mon 30 Nov at 09:00"),
    ],
)
def test_the_page_says_whether_it_is_open(owner: Browser, clock: Clock, local: str, words: str) -> None:
    clock.now = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Tirane")).timestamp()
    owner.log_in("Blerim")
    assert words in owner.get("/hours?language=en").text


def test_open_day_and_night_and_never(owner: Browser, desk: MemoryDesk) -> None:
    hours = desk.settings.flow.hours[0]
    for week, words in (
        (tuple(OpenSpan(day, "00:00", "24:00") for day in range(7)), "Open day and night"),
        ((), "Closed now, and for two weeks at least"),
    ):
        flow = replace(desk.settings.flow, hours=(replace(hours, week=week, special=()),))
        desk.ask(asks.ChangeSettings(0, "x", "x", desk.version, replace(desk.settings, flow=flow)))
        desk.clock.pass_by(5)  # type: ignore[attr-defined]
        assert words in owner.get("/hours").text


def test_making_and_removing_hours(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/hours/add").text, name="dyqani", open="queue reception", closed="say closed")
    assert owner.post("/hours/add", **fields).location == "/hours"
    assert [hours.name for hours in desk.settings.flow.hours] == ["office", "dyqani"]
    assert len(desk.settings.flow.hours[1].week) == 5
    assert owner.post("/hours/dyqani/remove").location == "/hours"
    assert owner.post("/hours/office/remove").location == "/hours/office"
    assert len(desk.settings.flow.hours) == 1


def test_a_line_changes(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(owner.get("/lines/gsm-1").text, enters="queue reception", answer_after_rings="4", language="ru")
    fields.pop("record_calls_out")
    assert owner.post("/lines/gsm-1", **fields).location == "/lines"
    line = desk.settings.lines[0]
    assert (line.enters, line.answer_after_rings, line.language, line.record_calls_out) == (
        "queue reception",
        4,
        "ru",
        False,
    )
    page = owner.get("/lines").text
    assert "after 4 rings" in page
    assert "The modem is silent; trying again in 15 s" in page


@pytest.mark.parametrize(
    ("field", "value"),
    [("enters", "menu x"), ("answer_after_rings", "0"), ("answer_after_rings", "x"), ("language", "de")],
)
def test_a_bad_line_is_told_at_its_field(owner: Browser, desk: MemoryDesk, field: str, value: str) -> None:
    before = desk.settings
    answer = owner.post("/lines/gsm-1", **fields_of(owner.get("/lines/gsm-1").text) | {field: value})
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert desk.settings == before


def test_the_firm_changes(owner: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(
        owner.get("/settings").text,
        firm="  Blerimi  Dental ",
        country="MK",
        timezone="Europe/Skopje",
        emergency_numbers="9991, 9992;9993",
        record_prefix="",
    )
    assert owner.post("/settings", **fields).location == "/settings"
    settings = desk.settings
    assert (settings.firm, settings.country, settings.timezone) == ("Blerimi Dental", "MK", "Europe/Skopje")
    assert settings.emergency_numbers == ("9991", "9992", "9993")
    assert settings.record_prefix == ""
    assert "Blerimi Dental" in owner.get("/").text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("firm", ""),
        ("country", "XX"),
        ("timezone", "Mars/Base"),
        ("record_prefix", "a"),
        ("emergency_numbers", "call me"),
        ("language", "de"),
    ],
)
def test_a_bad_firm_is_told_at_its_field(owner: Browser, desk: MemoryDesk, field: str, value: str) -> None:
    before = desk.settings
    answer = owner.post("/settings", **fields_of(owner.get("/settings").text) | {field: value})
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert desk.settings == before


def test_an_emergency_number_cannot_be_an_extension(owner: Browser) -> None:
    answer = owner.post("/settings", **fields_of(owner.get("/settings").text, emergency_numbers="101"))
    assert answer.status_code == 422
    assert "101 is an emergency number and cannot be an extension" in answer.text


def test_history_and_undo(owner: Browser, desk: MemoryDesk) -> None:
    before = desk.settings
    owner.post("/settings", **fields_of(owner.get("/settings").text, firm="Other"))
    page = owner.get("/settings/history").text
    assert "Changed the firm’s name, language or country" in page
    assert "Added Drita Shkodra (107)" in page
    assert owner.post(f"/settings/history/{desk.version}/undo").location == "/settings/history"
    assert desk.settings == before
    after = owner.get("/settings/history").text
    assert "It is as it was before." in after
    assert "Undo: back to how it was before change" in after
    owner.post("/settings/history/999/undo")
    assert "That change is too old to be taken back." in owner.get("/settings/history").text


def test_the_page_about_the_box(owner: Browser, desk: MemoryDesk) -> None:
    page = owner.get("/settings/box").text
    for words in ("The switchboard works", "Sound works", "6 of 7 operators", "Qendra 9.9.9", "the modem is silent"):
        assert words in page, words
    desk.show(replace(desk.live, sound_up=False, trouble=("The disk is full.",)))
    page = owner.get("/settings/box?language=ru").text
    assert "Диск заполнен." in page
