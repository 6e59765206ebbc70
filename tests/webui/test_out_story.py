"""How a call to the outside is told: it is the other side that answers, and the other half of the sound is theirs."""

from __future__ import annotations

from pathlib import Path

from appliance.calls import facts
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Direction, Extension, LegId, LineId
from appliance.calls.record import CallRecord, fold
from tests.webui.conftest import Browser
from tests.webui.office import MemoryArchive, write_sound

OUTSIDE = "+355690001111"


def call_out() -> CallRecord:
    at, call = Moment(0.0, 1_795_262_000.0), CallId("out")
    ours, theirs = LegId("a"), LegId("b")
    return fold(
        [
            facts.CallBegan(at, call, ours, Direction.OUT, "101", OUTSIDE),
            facts.LegJoined(at, call, theirs, facts.Role.CALLED, number=OUTSIDE, line=LineId("gsm-1")),
            facts.TalkBegan(at, call, ours, theirs, Extension("101")),
            facts.RecordingBegan(at, call, "out"),
            facts.CallEnded(at, call, facts.EndedBy.CALLED, Cause.NORMAL),
        ]
    )


def test_who_was_called_is_who_answered(owner: Browser, archive: MemoryArchive, tmp_path: Path) -> None:
    archive.calls.append(call_out())
    write_sound(tmp_path / "recordings" / "out.wav", 1.0)
    page = owner.get("/calls/out").text
    assert "+355 69 000 1111 answered; the talk began." in page
    assert "The other side hung up." in page
    assert "<dd>other side</dd>" in page
    below = page.rpartition('<p class="wave-name">')[2]
    assert below.startswith("+355 69 000 1111</p>")
