"""The history holds what changed, and offers to take back what can be taken back."""

from __future__ import annotations

from tests.webui.conftest import Browser
from tests.webui.fields import fields_of
from tests.webui.office import MemoryDesk


def test_a_save_that_changes_nothing_is_not_in_the_history(owner: Browser, desk: MemoryDesk) -> None:
    before = desk.version
    assert owner.post("/settings", **fields_of(owner.get("/settings").text)).status_code == 303
    assert desk.version == before


def test_the_first_settings_cannot_be_taken_back(owner: Browser) -> None:
    page = owner.get("/settings/history").text
    assert "/settings/history/2/undo" in page
    assert "/settings/history/1/undo" not in page
