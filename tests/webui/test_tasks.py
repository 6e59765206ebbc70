from __future__ import annotations

from dataclasses import replace

from appliance.switchboard import asks
from tests.webui.conftest import Browser
from tests.webui.office import MemoryArchive, MemoryDesk


def closed(desk: MemoryDesk) -> list[tuple[str, str, str]]:
    return [(ask.who, ask.task, ask.note) for ask in desk.asked if isinstance(ask, asks.CloseTask)]


def test_open_tasks_are_there_oldest_first(operator: Browser) -> None:
    page = operator.get("/tasks").text
    assert page.index("+355 69 000 5541") < page.index("+355 69 000 9120") < page.index("+355 69 000 3307")
    assert "Dealt with lately" in page
    assert "Елена Соколова called them back" in page
    assert "closed by Blerim: numër i fshehur" in page


def test_nothing_to_do_says_so(owner: Browser, desk: MemoryDesk, archive: MemoryArchive) -> None:
    for task in desk.live.tasks:
        assert owner.post(f"/tasks/{task.task}/close").status_code == 303
    archive.done = []
    page = owner.get("/tasks").text
    assert "Nobody has to be called back" in page
    assert "Dealt with lately" not in page


def test_one_task_shows_the_number_and_its_calls(owner: Browser, archive: MemoryArchive, desk: MemoryDesk) -> None:
    task = desk.live.tasks[0]
    page = owner.get(f"/tasks/{task.task}").text
    assert f'href="tel:{task.number}"' in page
    assert "Nothing is known of this number yet." in page
    archive.calls[0] = replace(archive.calls[0], caller=task.number)
    assert f"/calls/{archive.calls[0].call}" in owner.get(f"/tasks/{task.task}").text


def test_an_operator_is_not_led_to_calls_they_may_not_see(
    operator: Browser, archive: MemoryArchive, desk: MemoryDesk
) -> None:
    task = desk.live.tasks[0]
    other = next(call for call in archive.calls if "101" not in {*call.operators, call.caller, call.dialled})
    archive.calls = [replace(other, caller=task.number)]
    page = operator.get(f"/tasks/{task.task}").text
    assert f"/calls/{other.call}" not in page


def test_a_withheld_number_can_only_be_closed(owner: Browser, desk: MemoryDesk) -> None:
    task = next(task for task in desk.live.tasks if not task.number)
    page = owner.get(f"/tasks/{task.task}").text
    assert "withheld their number" in page
    assert "tel:" not in page


def test_closing_with_a_note(operator: Browser, desk: MemoryDesk) -> None:
    answer = operator.post("/tasks/t0/close", note="  wants \n an <b>appointment</b> ")
    assert answer.location == "/tasks"
    assert closed(desk) == [("Arta", "t0", "wants\nan <b>appointment</b>")]
    assert "Done: +355 69 000 3307" in operator.get("/tasks").text


def test_closing_twice_is_said(owner: Browser) -> None:
    owner.post("/tasks/t0/close")
    owner.get("/tasks")
    owner.post("/tasks/t0/close")
    assert "This caller has been dealt with already." in owner.get("/tasks").text
    assert owner.get("/tasks/t0").status_code == 404


def test_a_note_has_an_end(owner: Browser, desk: MemoryDesk) -> None:
    owner.post("/tasks/t0/close", note="x" * 501)
    assert closed(desk) == []
    assert "At most 500 characters" in owner.get("/tasks").text
