from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.callflow.settings import Choice, FlowSettings, Hours, Menu, OpenSpan, SpecialDay
from appliance.calls.names import Extension
from appliance.store import settings as room
from appliance.store.settings import ChangedMeanwhile, SettingsShelf
from appliance.store.storage import AppendStorage
from appliance.store.trouble import StoreTrouble
from appliance.switchboard.settings import Person, Settings

FIRM = Settings(
    firm="Taksi Ёлка",
    people=(Person(Extension("101"), "Arta"),),
    flow=FlowSettings(
        menus=(Menu("main", {"en": "Press 1", "ru": "Нажмите 1"}, (Choice("1", "queue office", "Office"),)),),
        hours=(Hours("office", (OpenSpan(0, "08:00", "24:00"),), "menu main", "hang up", (SpecialDay("2026-11-28"),)),),
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.tdb"


def test_settings_come_back_whole(path: Path) -> None:
    with SettingsShelf(path, Settings) as shelf:
        assert shelf.current() is None
        assert shelf.version == 0
        assert shelf.save(FIRM, who="installer", what="site file", at=5.0, based_on=0) == 1
    with SettingsShelf(path, Settings) as shelf:
        current = shelf.current()
        assert current
        assert current.settings == FIRM
        assert (current.version, current.at, current.who, current.what) == (1, 5.0, "installer", "site file")


def test_history_and_undo(path: Path) -> None:
    with SettingsShelf(path, Settings) as shelf:
        for version, firm in enumerate("ABC"):
            shelf.save(replace(FIRM, firm=firm), who="Arta", what=firm, at=float(version), based_on=version)
        assert [change.what for change in shelf.history()] == ["C", "B", "A"]
        assert [change.version for change in shelf.history(2)] == [3, 2]
        assert shelf.undo(3, who="Besa", what="undo C", at=9.0) == 4
        assert shelf.before(4) == replace(FIRM, firm="C")
        current = shelf.current()
        assert current
        assert current.settings.firm == "B"
        assert shelf.undo(4, who="Besa", what="undo the undo", at=10.0) == 5
        assert [change.settings.firm for change in shelf.history()] == ["C", "B", "C", "B", "A"]
        with pytest.raises(StoreTrouble, match="not kept"):
            shelf.undo(1, who="Besa", what="undo A", at=11.0)
        with pytest.raises(StoreTrouble, match="not kept"):
            shelf.undo(77, who="Besa", what="undo what never was", at=11.0)


def test_who_did_not_see_the_latest_change_is_told(path: Path) -> None:
    with SettingsShelf(path, Settings) as shelf:
        shelf.save(FIRM, who="Arta", what="A", at=1.0, based_on=0)
        with pytest.raises(ChangedMeanwhile) as told:
            shelf.save(replace(FIRM, firm="B"), who="Besa", what="B", at=1.0, based_on=0)
        assert told.value.version == 1
        current = shelf.current()
        assert current
        assert current.settings == FIRM


def test_the_oldest_versions_fall_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "KEPT", 5)
    with SettingsShelf(path, Settings) as shelf:
        for version in range(12):
            shelf.save(FIRM, who="Arta", what=str(version), at=1.0, based_on=version)
        assert [change.version for change in shelf.history()] == [12, 11, 10, 9, 8]


def test_old_settings_get_the_defaults_of_new_fields_and_newer_ones_are_said_plainly(path: Path) -> None:
    with SettingsShelf(path, Settings) as shelf:
        shelf.save(FIRM, who="Arta", what="A", at=1.0, based_on=0)
        table = shelf.db.table("settings")
        table.update(lambda document: document["settings"].pop("country"), doc_ids=[1])
        current = shelf.current()
        assert current
        assert current.settings == FIRM
        table.update(lambda document: document["settings"].update(people="everybody"), doc_ids=[1])
        with pytest.raises(StoreTrouble, match="not understood by this version"):
            shelf.current()
        assert shelf.history() == []


def test_a_change_cut_short_by_the_power_leaves_the_old_settings(path: Path) -> None:
    with SettingsShelf(path, Settings) as shelf:
        shelf.save(FIRM, who="Arta", what="A", at=1.0, based_on=0)
        size = path.stat().st_size
        shelf.save(replace(FIRM, firm="B"), who="Arta", what="B", at=2.0, based_on=1)
    with path.open("r+b") as file:
        file.truncate((size + path.stat().st_size) // 2)
    with SettingsShelf(path, Settings) as shelf:
        current = shelf.current()
        assert current
        assert (current.version, current.settings) == (1, FIRM)
        assert isinstance(shelf.storage, AppendStorage)
        assert shelf.repaired
