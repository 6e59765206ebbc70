"""An office in memory, and a browser that knows its way."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webui import believable, catalogs
from tests.webui.office import Clock, MemoryArchive, MemoryDesk
from webui import WebConfig, create_app


@pytest.fixture(scope="session", autouse=True)
def _catalogs() -> None:
    catalogs.compile_all()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> tuple[MemoryDesk, MemoryArchive]:
    return believable.office(tmp_path, clock, count=60, sound=2.0)


@pytest.fixture
def desk(house: tuple[MemoryDesk, MemoryArchive]) -> MemoryDesk:
    return house[0]


@pytest.fixture
def archive(house: tuple[MemoryDesk, MemoryArchive]) -> MemoryArchive:
    return house[1]


@pytest.fixture
def app(desk: MemoryDesk, archive: MemoryArchive, clock: Clock, tmp_path: Path) -> Flask:
    config = WebConfig(
        clock=clock,
        rest=clock.pass_by,
        recordings=tmp_path / "recordings",
        glance=0.05,
        most_streams=2,
        version="9.9.9",
    )
    return create_app(desk, archive, config)


@dataclass
class Browser:
    """A client that keeps its CSRF token, as a person's browser does with every form."""

    client: FlaskClient
    token: str = ""

    def get(self, path: str, **headers: str) -> TestResponse:
        return self._seen(self.client.get(path, headers=headers, buffered=True))

    def post(self, path: str, **fields: str | list[str]) -> TestResponse:
        """Send a form with its token."""
        return self._seen(self.client.post(path, data={"csrf_token": self.token, **fields}))

    def quietly(self, path: str, **fields: str) -> TestResponse:
        """Send a form as the page's own script does."""
        data = {"csrf_token": self.token, **fields}
        return self.client.post(path, data=data, headers={"X-Qendra": "quiet"})

    def log_in(self, name: str, password: str = believable.PASSWORD) -> TestResponse:
        self.get("/login")
        answer = self.post("/login", name=name, password=password)
        if answer.status_code == 303:
            self.get("/me")
        return answer

    def _seen(self, answer: TestResponse) -> TestResponse:
        if answer.mimetype == "text/html" and (found := re.search(r'name="csrf_token" value="([^"]+)"', answer.text)):
            self.token = found[1]
        return answer


@pytest.fixture
def stranger(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def owner(app: Flask) -> Browser:
    browser = Browser(app.test_client())
    browser.log_in("Blerim")
    browser.get("/?language=en")
    return browser


@pytest.fixture
def operator(app: Flask) -> Browser:
    browser = Browser(app.test_client())
    browser.log_in("Arta")
    browser.get("/?language=en")
    return browser


@pytest.fixture
def another(app: Flask) -> Callable[[], Browser]:
    """A further browser."""
    return lambda: Browser(app.test_client())
