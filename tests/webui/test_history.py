"""The history holds what changed, and offers to take back what can be taken back."""

from __future__ import annotations

from dataclasses import replace

from appliance.switchboard import asks
from tests.webui.conftest import Browser
from tests.webui.fields import fields_of
from tests.webui.office import Clock, MemoryDesk


def test_a_save_that_changes_nothing_is_not_in_the_history(owner: Browser, desk: MemoryDesk) -> None:
    before = desk.version
    assert owner.post("/settings", **fields_of(owner.get("/settings").text)).status_code == 303
    assert desk.version == before


def test_the_first_settings_cannot_be_taken_back(owner: Browser) -> None:
    page = owner.get("/settings/history").text
    assert "/settings/history/2/undo" in page
    assert "/settings/history/1/undo" not in page


def test_the_installers_file_is_a_sentence_not_a_checksum(owner: Browser, desk: MemoryDesk, clock: Clock) -> None:
    what = "Site file 0123456789ab"
    desk.ask(asks.ChangeSettings(0, "site file", what, desk.version, replace(desk.settings, firm="New")))
    clock.pass_by(2)
    page = owner.get("/settings/history").text
    assert "The installer’s site file was put in force" in page
    assert "0123456789ab" not in page
