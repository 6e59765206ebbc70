from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, render_template

from appliance.calls.events import OperatorWish
from appliance.switchboard import asks
from appliance.switchboard.views import Live
from tests.webui.conftest import Browser
from tests.webui.office import Clock, MemoryDesk
from webui.heard_words import TEMPLATES
from webui.today import office, way_out


def events(chunks: Any, wanted: int) -> list[dict[str, Any]]:
    """The first so many events of a stream, as a browser would take them apart."""
    found: list[dict[str, Any]] = []
    for chunk in chunks:
        for block in chunk.decode().strip().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if "event" in lines:
                found.append({"event": lines["event"], **json.loads(lines["data"])})
        if len(found) >= wanted:
            return found
    return found


def test_the_page_answers_first_whether_anybody_waits(owner: Browser, desk: MemoryDesk) -> None:
    page = owner.get("/").text
    assert "2 callers are waiting" in page
    assert page.index("2 callers are waiting") < page.index("Operators</h2>")
    desk.show(replace(desk.live, calls=()))
    assert "Nobody is waiting" in owner.get("/").text


def test_everything_that_goes_on_is_there(owner: Browser) -> None:
    page = owner.get("/").text
    for words in (
        "+355 69 000 4411",
        "talks with Arta Hoxha",
        "waiting; rings at Ilir Dervishi",
        "number withheld",
        "on a break: lunch",
        "registered at Vodafone AL, signal 67 %",
        "called 3 times, we tried 1 time",
        "recorded",
    ):
        assert words in page, words


def test_an_empty_office_says_what_to_do_next(owner: Browser, desk: MemoryDesk) -> None:
    desk.show(Live(at=desk.clock(), firm="Qendra"))
    page = owner.get("/").text
    for words in ("No calls at the moment", "Add the first operator", "No line to the outside", "No caller was lost"):
        assert words in page, words


def test_trouble_is_said(owner: Browser, desk: MemoryDesk) -> None:
    words = "Somebody at 192.0.2.7 is guessing telephone passwords (9 times)."
    desk.show(replace(desk.live, sound_up=False, trouble=(words, "something quite new")))
    page = owner.get("/").text
    assert words in page
    assert "something quite new" in page
    assert "The sound part of the box has stopped" in page
    assert "кто-то" in owner.get("/?language=ru").text.lower()


@pytest.mark.parametrize(
    ("alarm", "way"),
    [
        ("Somebody at 192.0.2.7 is guessing telephone passwords (9 times).", "/door"),
        (
            "The line albtel takes no more calls out for now: albtel has made its 60 calls of this hour.",
            "/lines/albtel",
        ),
        (
            "A telephone at 192.0.2.9 has a wrong password for extension 102: type it in anew there, or make a new one.",
            "/operators/102",
        ),
    ],
)
def test_an_alarm_leads_to_the_page_that_helps(
    owner: Browser, operator: Browser, desk: MemoryDesk, alarm: str, way: str
) -> None:
    desk.show(replace(desk.live, trouble=(alarm,)))
    assert f'{alarm} <a href="{way}">' in owner.get("/").text.replace("&#39;", "'")
    assert f'href="{way}"' not in operator.get("/").text, "it is not the operators' to mend"


def test_every_alarm_with_a_way_out_is_one_the_page_knows() -> None:
    assert set(way_out._PAGES) <= set(TEMPLATES)


def test_a_lock_stands_at_encrypted_calls_with_words(owner: Browser) -> None:
    page = owner.get("/").text
    assert page.count('<span class="locked">') == 2
    assert "</svg> encrypted</span>" in page
    assert "</svg> encrypted in part</span>" in page


def test_a_provider_shows_its_load(owner: Browser, desk: MemoryDesk) -> None:
    lines = tuple(replace(one, capped="albtel has made its 60 calls of this hour") for one in desk.live.lines[2:])
    desk.show(replace(desk.live, lines=lines))
    page = owner.get("/").text
    assert "3 of 10 calls" in page
    assert "No calls out just now: albtel has made its 60 calls of this hour" in page


def test_an_operator_sees_who_waits_and_their_own_calls(operator: Browser) -> None:
    page = operator.get("/").text
    assert "2 callers are waiting" in page
    assert "+355 69 000 1938" in page
    assert "talks with Arta Hoxha" in page
    assert "+355 69 000 2260" not in page
    assert "/today/operators/101" in page
    assert "/today/operators/102" not in page


def test_an_operator_sets_their_own_state_only(operator: Browser, desk: MemoryDesk) -> None:
    assert operator.post("/today/operators/101", wish="paused lunch").status_code == 303
    assert operator.post("/today/operators/102", wish="ready").status_code == 403
    asked = [ask for ask in desk.asked if isinstance(ask, asks.AskOperator)]
    assert [(ask.who, ask.extension, ask.wish, ask.reason) for ask in asked] == [
        ("Arta", "101", OperatorWish.PAUSED, "lunch")
    ]
    assert "on a break: lunch" in operator.get("/").text


@pytest.mark.parametrize("wish", ["", "dancing", "paused dancing", "paused"])
def test_odd_wishes_are_refused_or_plain(owner: Browser, wish: str) -> None:
    expected = 303 if wish == "paused" else 400
    assert owner.post("/today/operators/101", wish=wish).status_code == expected


def test_what_the_desk_refuses_is_said(owner: Browser) -> None:
    answer = owner.quietly("/today/operators/999", wish="ready")
    assert answer.status_code == 409
    assert answer.get_json() == {"words": "Nobody has the extension 999."}
    assert owner.quietly("/today/operators/101", wish="ready").get_json() == {"words": "Arta Hoxha is ready."}


def test_a_button_while_the_desk_is_away(owner: Browser, desk: MemoryDesk) -> None:
    owner.get("/")
    desk.go(away=True)
    answer = owner.quietly("/today/operators/101", wish="ready")
    assert answer.status_code == 409
    assert "restarting" in answer.get_json()["words"]


def test_a_button_leads_back_inside_only(owner: Browser) -> None:
    assert owner.post("/today/operators/101", wish="ready", back="//evil.example").location == "/"
    assert owner.post("/today/operators/101", wish="ready", back="/operators").location == "/operators"


def test_the_stream_tells_only_what_has_changed(owner: Browser, desk: MemoryDesk, clock: Clock) -> None:
    stream = owner.client.get("/today/stream")
    assert stream.mimetype == "text/event-stream"
    assert stream.headers["Cache-Control"] == "no-store"
    chunks = iter(stream.response)
    (first,) = events(chunks, 1)
    assert set(first["pieces"]) >= {"headline", "calls", "operators", "queues", "lines", "callbacks"}
    assert first["here"] is True
    assert first["now"] == pytest.approx(clock.now)
    desk.show(replace(desk.live, calls=desk.live.calls[:1]))
    (second,) = events(chunks, 1)
    assert set(second["pieces"]) == {"headline", "calls"}
    assert "Nobody is waiting" in second["pieces"]["headline"]
    stream.close()


def test_a_change_wakes_the_stream(owner: Browser, desk: MemoryDesk) -> None:
    stream = owner.client.get("/today/stream")
    chunks = iter(stream.response)
    events(chunks, 1)
    timer = threading.Timer(0.1, desk.show, [replace(desk.live, calls=())])
    timer.start()
    (news,) = events(chunks, 1)
    assert "Nobody is waiting" in news["pieces"]["headline"]
    timer.join()
    stream.close()


def test_a_quiet_stream_gives_signs_of_life(owner: Browser, clock: Clock) -> None:
    stream = owner.client.get("/today/stream")
    chunks = iter(stream.response)
    assert next(chunks) == b"retry: 3000\n\n"
    events(chunks, 1)
    before = clock.now
    assert next(chunks) == b": here\n\n"
    assert clock.now - before >= 15.0
    stream.close()


def test_the_stream_says_when_the_desk_goes_and_comes(owner: Browser, desk: MemoryDesk) -> None:
    owner.get("/")
    stream = owner.client.get("/today/stream")
    chunks = iter(stream.response)
    events(chunks, 1)
    desk.go(away=True)
    (gone,) = events(chunks, 1)
    assert gone["here"] is False
    assert "The switchboard is restarting" in gone["pieces"]["banner"]
    desk.go(away=False)
    (back,) = events(chunks, 1)
    assert "restarting" not in back["pieces"]["banner"]
    stream.close()


def test_the_stream_ends_with_the_login(operator: Browser, desk: MemoryDesk, clock: Clock) -> None:
    stream = operator.client.get("/today/stream")
    chunks = iter(stream.response)
    events(chunks, 1)
    del desk.accounts["arta"]
    clock.pass_by(60)
    assert events(chunks, 1) == [{"event": "over"}]
    with pytest.raises(StopIteration):
        next(chunks)
    stream.close()


def test_a_stream_does_not_live_for_ever(owner: Browser, clock: Clock) -> None:
    stream = owner.client.get("/today/stream")
    clock.pass_by(700)
    rest = list(stream.response)
    assert len(rest) <= 3
    stream.close()


def test_streams_are_counted_and_given_back(owner: Browser) -> None:
    open_ones = [owner.client.get("/today/stream") for _ in range(2)]
    assert [stream.status_code for stream in open_ones] == [200, 200]
    assert owner.client.get("/today/stream", buffered=True).status_code == 503
    look = owner.get("/today/look").get_json()
    assert "2 callers are waiting" in look["pieces"]["headline"]
    open_ones.pop().close()
    freed = owner.client.get("/today/stream")
    assert freed.status_code == 200
    for stream in (freed, *open_ones):  # the last opened first: one thread has one stack of contexts
        stream.close()


def test_a_browser_that_has_left_is_noticed(app: Flask, owner: Browser) -> None:
    stream = owner.client.get("/today/stream", environ_overrides={"waitress.client_disconnected": lambda: True})
    assert list(stream.response) == [b"retry: 3000\n\n"]
    stream.close()
    assert app.extensions["qendra"].streams.acquire(blocking=False)


def test_there_is_no_stream_for_any_odd_page(owner: Browser) -> None:
    assert owner.get("/today/stream?page=secrets").status_code == 404
    assert owner.get("/today/look?page=secrets").status_code == 404


def test_pieces_are_made_once_for_all_who_see_the_same(
    owner: Browser, operator: Browser, desk: MemoryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(name: str, **values: object) -> str:
        made.append(name)
        return render_template(name, **values)

    monkeypatch.setattr(office, "render_template", make)
    desk.show(desk.live)
    owner.get("/today/look")
    first = len(made)
    assert first
    owner.get("/today/look")
    assert len(made) == first
    operator.get("/today/look")
    assert len(made) == 2 * first
    desk.show(desk.live)
    owner.get("/today/look")
    assert len(made) == 3 * first


def test_names_from_outside_cannot_bring_html(owner: Browser, desk: MemoryDesk) -> None:
    evil = "<script>alert(1)</script>"
    call = replace(desk.live.calls[0], caller=evil, caller_name=evil, line=evil)  # type: ignore[arg-type]
    person = replace(desk.live.operators[0], name=evil, reason=evil)
    desk.show(replace(desk.live, calls=(call,), operators=(person,), firm=evil, trouble=(evil,)))
    for page in ("/", "/today/look", "/login"):
        text = owner.get(page).text
        assert evil not in text
    assert "&lt;script&gt;" in owner.get("/").text
