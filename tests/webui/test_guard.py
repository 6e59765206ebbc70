from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.webui.believable import PASSWORD
from tests.webui.conftest import Browser
from tests.webui.office import MemoryArchive, MemoryDesk
from webui import WebConfig, create_app
from webui.guard import EVERYBODY, OPERATORS

EXAMPLES = {
    "call": "past-0",
    "task": "t0",
    "extension": "101",
    "name": "main",
    "version": "2",
    "token": "x",
    "filename": "logo.svg",
    "profile": "albtel",
}
NAMES = {
    "queues.queue": "reception",
    "queues.remove": "reception",
    "lines.line": "gsm-1",
    "lines.remove": "albtel",
    "hours.hours_of": "office",
    "hours.remove": "office",
    "menus.message": "closed",
    "menus.remove_message": "closed",
    "accounts.account": "Arta",
    "accounts.remove": "Arta",
}


def every_view(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, method and an address of every view there is."""
    views = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            values = {name: EXAMPLES[name] for name in rule.arguments}
            if "name" in values:
                values["name"] = NAMES.get(rule.endpoint, values["name"])
            address = app.url_map.bind("box.local").build(rule.endpoint, values)
            views += [(rule.endpoint, method, address) for method in ("GET", "POST") if method in (rule.methods or ())]
    return views


def test_a_stranger_sees_nothing_but_the_login(app: Flask, another: Callable[[], Browser]) -> None:
    for endpoint, method, address in every_view(app):
        if endpoint in EVERYBODY:
            continue
        browser = another()
        browser.get("/login")
        answer = browser.get(address) if method == "GET" else browser.post(address)
        assert answer.status_code in {302, 401}, (endpoint, method)
        if answer.status_code == 302:
            assert answer.location.startswith("/login"), endpoint


def test_an_operator_sees_what_is_an_operators(app: Flask, operator: Browser) -> None:
    for endpoint, method, address in every_view(app):
        if endpoint in EVERYBODY or endpoint in OPERATORS:
            continue
        answer = operator.get(address) if method == "GET" else operator.post(address)
        assert answer.status_code == 403, (endpoint, method)
        assert "This page is the owner’s" in answer.text


def test_the_owner_sees_every_page(app: Flask, owner: Browser) -> None:
    for endpoint, method, address in every_view(app):
        if method == "GET" and endpoint not in {"welcome.welcome", "today.stream"}:
            assert owner.get(address).status_code in {200, 302}, endpoint


def test_every_form_needs_its_token(app: Flask, owner: Browser) -> None:
    for endpoint, method, address in every_view(app):
        if method != "POST":
            continue
        for data in ({}, {"csrf_token": "made up"}):
            answer = owner.client.post(address, data=data)
            assert answer.status_code == 400, endpoint
    assert "This page is too old" in owner.client.post("/settings", data={}).text


def test_a_login_form_needs_its_token_too(stranger: Browser) -> None:
    assert stranger.client.post("/login", data={"name": "Blerim", "password": PASSWORD}).status_code == 400


def test_the_token_of_one_session_is_no_good_in_another(owner: Browser, operator: Browser) -> None:
    operator.token = owner.token
    assert operator.post("/today/operators/101", wish="ready").status_code == 400


@pytest.mark.parametrize(
    "host", ["box.local", "qendra", "192.168.1.20", "192.168.1.20:8080", "[fe80::1]:8080", "box.lan"]
)
def test_names_of_the_house_are_answered(stranger: Browser, host: str) -> None:
    assert stranger.get("/login", Host=host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "192.168.1.20.evil.example"])
def test_names_from_outside_are_not(stranger: Browser, host: str) -> None:
    answer = stranger.get("/login?language=en", Host=host)
    assert answer.status_code == 421
    assert "does not go by that name" in answer.text


def test_unless_it_is_the_public_name(desk: MemoryDesk, archive: MemoryArchive, tmp_path: Path) -> None:
    config = WebConfig(clock=lambda: 0.0, rest=lambda _: None, recordings=tmp_path, public_name="Calls.Example.com")
    client = create_app(desk, archive, config).test_client()
    assert client.get("/login", headers={"Host": "calls.example.com"}).status_code == 200


def test_every_answer_tells_the_browser_to_be_careful(owner: Browser) -> None:
    for path in ("/", "/login", "/nowhere", "/static/qendra.css"):
        answer = owner.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert owner.get("/").headers["Cache-Control"] == "no-store"
    assert "no-store" not in owner.get("/static/qendra.css").headers["Cache-Control"]


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(stranger: Browser) -> None:
    cookie = stranger.log_in("Blerim").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_stays_there(app: Flask) -> None:
    answer = app.test_client().get("https://box.local/login")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_no_page_holds_a_script_or_a_style_of_its_own(app: Flask, owner: Browser) -> None:
    for endpoint, method, address in every_view(app):
        if method == "GET" and endpoint not in {"static", "today.stream", "calls.recording"}:
            text = owner.get(address).text
            assert "<style" not in text, endpoint
            assert " style=" not in text, endpoint
            assert "<script>" not in text, endpoint
            assert "javascript:" not in text, endpoint
            assert " onclick" not in text, endpoint


def test_a_box_that_has_just_started_says_so(stranger: Browser, desk: MemoryDesk) -> None:
    desk.go(away=True)
    answer = stranger.get("/login?language=en")
    assert answer.status_code == 503
    assert "the switchboard is starting" in answer.text
    assert 'http-equiv="refresh"' in answer.text
    assert stranger.get("/static/qendra.css").status_code == 200
    desk.go(away=False)
    assert stranger.get("/login").status_code == 200


def test_while_the_desk_is_away_people_can_still_look(owner: Browser, desk: MemoryDesk) -> None:
    for path in ("/", "/calls", "/tasks", "/queues", "/operators"):
        owner.get(path)
    desk.go(away=True)
    for path in ("/", "/calls", "/tasks", "/queues", "/operators", "/menus", "/hours", "/lines", "/settings"):
        answer = owner.get(path)
        assert answer.status_code == 200, path
        assert "The switchboard is restarting" in answer.text, path


def test_errors_are_pages_in_plain_words(owner: Browser, archive: MemoryArchive) -> None:
    missing = owner.get("/nowhere")
    assert (missing.status_code, "There is no such page" in missing.text) == (404, True)
    assert owner.post("/calls").status_code == 405
    archive.calls = None  # type: ignore[assignment]
    broken = owner.get("/calls")
    assert (broken.status_code, "Something broke on our side" in broken.text) == (500, True)
    assert "Traceback" not in broken.text


def test_too_much_is_refused(owner: Browser) -> None:
    answer = owner.post("/settings", firm="x" * 400_000)
    assert answer.status_code == 413
