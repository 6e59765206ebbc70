from __future__ import annotations

import re
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.calls import facts
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Direction, Extension, LegId, LineId
from appliance.calls.record import CallRecord, Result, Step, fold
from tests.webui.conftest import Browser
from tests.webui.office import MemoryArchive, write_sound
from webui.calls.sound import COLUMNS, outline, picture, recording_path


def rows(html: str) -> int:
    return html.count('class="cell-time"')


def test_the_log_is_newest_first_in_days(owner: Browser, archive: MemoryArchive) -> None:
    page = owner.get("/calls").text
    assert rows(page) == 50
    assert page.index(">Today<") < page.index(">Yesterday<")
    newest = max(archive.calls, key=lambda call: call.began)
    assert page.index(f"/calls/{newest.call}") < page.index(">Yesterday<")


def test_older_calls_are_a_page_away(owner: Browser) -> None:
    older = re.search(r'href="(/calls\?[^"]*before=[^"]*)"', owner.get("/calls").text)
    assert older is not None
    rest = owner.get(older[1].replace("&amp;", "&")).text
    assert 0 < rows(rest) < 50
    assert "Newest" in rest
    assert "before=" not in rest


def test_search_by_number_direction_result_operator_and_day(owner: Browser, archive: MemoryArchive) -> None:
    wanted = next(call for call in archive.calls if call.result is Result.MISSED)
    found = owner.get(f"/calls?text={wanted.caller[-4:]}").text
    assert f"/calls/{wanted.call}" in found
    missed = owner.get("/calls?result=missed").text
    assert rows(missed) == sum(call.result is Result.MISSED for call in archive.calls)
    outgoing = owner.get("/calls?direction=out").text
    assert rows(outgoing) == sum(call.direction is Direction.OUT for call in archive.calls)
    arta = [call for call in archive.calls if "101" in {*call.operators, call.caller, call.dialled}]
    assert rows(owner.get("/calls?operator=101").text) == len(arta)


def test_a_day_is_a_day_of_the_firm(owner: Browser, archive: MemoryArchive) -> None:
    template = archive.calls[0]
    midnight = 1_795_215_600.0  # 2026-11-21 00:00 in Tirana
    archive.calls = [
        replace(template, call=CallId(name), began=midnight + offset)
        for name, offset in (("before", -1.0), ("first", 0.0), ("last", 86399.0), ("after", 86400.0))
    ]
    page = owner.get("/calls?from=2026-11-21&to=2026-11-21").text
    assert [f"/calls/{name}" in page for name in ("before", "first", "last", "after")] == [False, True, True, False]


@pytest.mark.parametrize(
    "query",
    ["from=soon", "to=9999-12-31", "direction=up", "result=open", "before=%00", "text=" + "x" * 500, "from=0001-01-01"],
)
def test_odd_searches_are_answered(owner: Browser, query: str) -> None:
    assert owner.get(f"/calls?{query}").status_code == 200


def test_a_search_cannot_steer_where_the_next_page_is(owner: Browser) -> None:
    page = owner.get("/calls?_external=1&_scheme=javascript&_anchor=x&text=355").text
    assert "/calls?text=355&amp;before=" in page


def test_nothing_found_and_nothing_there(owner: Browser, archive: MemoryArchive) -> None:
    assert "No call fits" in owner.get("/calls?text=nosuchname").text
    archive.calls = []
    assert "No calls yet" in owner.get("/calls").text


def test_an_operator_sees_their_own_calls_only(operator: Browser, archive: MemoryArchive) -> None:
    own = [call for call in archive.calls if "101" in {*call.operators, call.caller, call.dialled}]
    others = next(call for call in archive.calls if call not in own)
    assert own
    assert rows(operator.get("/calls").text) == len(own)
    assert rows(operator.get("/calls?operator=102").text) == len(own)
    assert operator.get(f"/calls/{own[0].call}").status_code == 200
    assert operator.get(f"/calls/{others.call}").status_code == 404


def test_an_operator_does_not_hear_other_peoples_calls(operator: Browser, archive: MemoryArchive) -> None:
    others = next(call for call in archive.calls if call.recording and "101" not in call.operators)
    assert operator.get(f"/calls/{others.call}/recording.wav").status_code == 404


def test_one_call_is_told_step_by_step(owner: Browser, archive: MemoryArchive) -> None:
    second = next(
        call for call in archive.calls if any(step.what == "operator_missed" for step in call.steps) and call.operators
    )
    page = owner.get(f"/calls/{second.call}").text
    for words in (
        "called on the line gsm-1.",
        "The box answered.",
        "It was within opening hours. The caller heard: Menu “main”.",
        "The caller pressed 1.",
        "The caller began to wait in the queue “Recepsioni”.",
        "did not answer. The next operator’s turn.",
        "answered; the talk began.",
        "Recording began.",
    ):
        assert words in page, words
    assert "queue_joined" not in page


def test_every_kind_of_step_has_a_sentence(owner: Browser, archive: MemoryArchive) -> None:
    at, call = Moment(0.0, 1_795_262_000.0), CallId("all")
    leg, other = LegId("a"), LegId("b")
    story: list[facts.CallFact] = [
        facts.CallBegan(at, call, leg, Direction.IN, "", "", LineId("gsm-1")),
        facts.CallerNamed(at, call, "+355690001111"),
        facts.CallAnswered(at, call),
        facts.PlaceReached(at, call, "menu main", "no choice made"),
        facts.PlaceReached(at, call, "say closed", "closed"),
        facts.PlaceReached(at, call, "phone 104", "Dhimbje"),
        facts.PlaceReached(at, call, "hang up"),
        facts.KeyTaken(at, call, "2", "menu main"),
        facts.LegJoined(at, call, other, facts.Role.CALLED, Extension("104")),
        facts.LegLeft(at, call, other, Cause.BUSY, "486 Busy Here"),
        facts.QueueJoined(at, call, "reception"),
        facts.OperatorOffered(at, call, Extension("102")),
        *(
            facts.OperatorMissed(at, call, Extension("102"), why)
            for why in ("no answer", "busy", "refused", "unreachable", "fault")
        ),
        *(
            facts.QueueLeft(at, call, "reception", why)
            for why in ("hung up", "waited too long", "nobody there", "answered")
        ),
        facts.CallForbidden(at, call, Extension("104"), "+393331234567", "104 may not call abroad"),
        facts.TalkBegan(at, call, other, leg, Extension("104")),
        facts.EncryptionChanged(at, call, leg, encrypted=True),
        facts.EncryptionChanged(at, call, leg, encrypted=False),
        facts.HoldChanged(at, call, leg, held=True),
        facts.HoldChanged(at, call, leg, held=False),
        facts.RecordingBegan(at, call, "x"),
        facts.RecordingKept(at, call, 3.0, "the disk is nearly full (80 MB left), so the recording was stopped"),
        facts.CallEnded(at, call, facts.EndedBy.BOX, Cause.FAULT, "the sound engine stopped"),
    ]
    assert {type(fact) for fact in story} == set(facts.CallFact.__args__)
    archive.calls.append(fold(story))
    page = owner.get("/calls/all").text
    for words in (
        "number withheld called on the line gsm-1.",
        "The number became known: +355 69 000 1111.",
        "The caller made no choice. The caller heard: Menu “main”.",
        "The way led to Besnik Çela.",
        "Besnik Çela was called.",
        "It did not come about: busy.",
        "Ilir Dervishi was busy.",
        "Ilir Dervishi could not take it (a fault).",
        "The longest waiting time was over.",
        "The call was put on hold.",
        "the disk is nearly full (80 MB left), so the recording was stopped",
        "The box ended the call. (the sound engine stopped)",
    ):
        assert words in page, words
    assert "486" not in page
    assert "дорожк" not in page
    assert (
        "диск почти заполнен (осталось 80 МБ), поэтому запись остановлена" in owner.get("/calls/all?language=ru").text
    )


def test_encryption_and_calls_that_were_not_let_out_are_told(owner: Browser, archive: MemoryArchive) -> None:
    steps = (
        Step(0.0, "call_began", "+355690001111", "gsm-1"),
        Step(1.0, "encrypted", "104"),
        Step(2.0, "plain", "104"),
        Step(3.0, "call_forbidden", "+3906123456", "104 may not call abroad"),
    )
    archive.calls[0] = replace(archive.calls[0], direction=Direction.IN, line=LineId("gsm-1"),
                               diverted_by="+35542000100", steps=steps)  # fmt: skip
    page = owner.get(f"/calls/{archive.calls[0].call}").text
    for words in (
        "called on the line gsm-1. +355 4 200 0100 had sent the caller on to us.",
        "The call with Besnik Çela is encrypted.",
        "The call with Besnik Çela is not encrypted any more.",
        "Not allowed: 104 may not call abroad.",
    ):
        assert words in page, words


def test_a_step_of_a_newer_box_is_still_shown(owner: Browser, archive: MemoryArchive) -> None:
    odd = replace(archive.calls[0], steps=(Step(0.0, "whispered_to", "<b>", "<i>x</i>"),))
    archive.calls[0] = odd
    page = owner.get(f"/calls/{odd.call}").text
    assert "whispered to: &lt;i&gt;x&lt;/i&gt;" in page


def recorded(archive: MemoryArchive, tmp_path: Path) -> CallRecord:
    call = next(call for call in archive.calls if call.recording)
    write_sound(tmp_path / "recordings" / f"{call.recording}.wav", 2.0)
    return call


def test_a_recording_can_be_heard_in_parts(owner: Browser, archive: MemoryArchive, tmp_path: Path) -> None:
    call = recorded(archive, tmp_path)
    address = f"/calls/{call.call}/recording.wav"
    whole = owner.get(address)
    assert whole.status_code == 200
    assert whole.mimetype == "audio/wav"
    assert whole.data[:4] == b"RIFF"
    part = owner.get(address, Range="bytes=100-199")
    assert part.status_code == 206
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole.data)}"
    assert part.data == whole.data[100:200]
    end = owner.get(address, Range="bytes=-50")
    assert end.data == whole.data[-50:]
    assert owner.get(address, Range=f"bytes={len(whole.data)}-").status_code == 416
    assert "private" in whole.headers["Cache-Control"]
    assert "attachment" in owner.get(f"{address}?save=1").headers["Content-Disposition"]


def test_the_page_draws_both_sides(owner: Browser, archive: MemoryArchive, tmp_path: Path) -> None:
    page = owner.get(f"/calls/{recorded(archive, tmp_path).call}").text
    assert page.count("<path class=") == 2
    assert "<audio controls" in page


def test_a_call_without_its_recording_says_why(owner: Browser, archive: MemoryArchive) -> None:
    gone = replace(archive.calls[0], call=CallId("gone"), recording="2020/01/gone")
    never = replace(archive.calls[0], call=CallId("never"), recording="")
    archive.calls += [gone, never]
    assert "not kept any more" in owner.get("/calls/gone").text
    assert "was not recorded" in owner.get("/calls/never").text
    assert owner.get("/calls/gone/recording.wav").status_code == 404


@pytest.mark.parametrize(
    "name",
    ["../secret", "/etc/passwd", "a/../../secret", "..", "", "a\0b", "a\\..\\b", "link/secret", "2026/../../secret"],
)
def test_a_recordings_name_cannot_lead_out_of_its_folder(
    owner: Browser, archive: MemoryArchive, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir(exist_ok=True)
    write_sound(tmp_path / "secret.wav", 0.1)
    (folder / "link").symlink_to(tmp_path)
    assert recording_path(folder, name) is None
    archive.calls.append(replace(archive.calls[0], call=CallId("evil"), recording=name))
    assert owner.get("/calls/evil/recording.wav").status_code == 404


def test_the_picture_shows_who_is_loud(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((2, 2, 8000, 0, "NONE", ""))
        loud, quiet = (16384).to_bytes(2, "little", signed=True), bytes(2)
        sound.writeframes((loud + quiet) * 8000 + (quiet + loud) * 8000)
    drawn = picture(path)
    assert drawn is not None
    assert drawn.seconds == 2.0
    assert len(drawn.caller) == len(drawn.operator) == COLUMNS
    assert drawn.caller[10] == pytest.approx(0.5)
    assert drawn.caller[-10] == 0.0
    assert drawn.operator[10] == 0.0
    assert drawn.operator[-10] == pytest.approx(0.5)
    assert outline((0.0, 1.0), 38, up=True) == "M1.5 -0.5V-38.0"


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVE", b"x" * 5000])
def test_a_broken_recording_is_no_trouble(
    owner: Browser, archive: MemoryArchive, tmp_path: Path, content: bytes
) -> None:
    call = recorded(archive, tmp_path)
    path = tmp_path / "recordings" / f"{call.recording}.wav"
    path.write_bytes(content)
    assert picture(path) is None
    page = owner.get(f"/calls/{call.call}")
    assert page.status_code == 200
    assert "<path class=" not in page.text


def test_a_long_recording_is_drawn_as_fast_as_a_short_one(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((2, 2, 8000, 0, "NONE", ""))
        for _ in range(60):
            sound.writeframes(bytes(4 * 8000 * 60))
    drawn = picture(path)
    assert drawn is not None
    assert drawn.seconds == 3600.0
