from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app


def status(app: Flask, host: str) -> int:
    environ = create_environ("/login")
    environ["HTTP_HOST"] = host
    _, answer, _ = run_wsgi_app(app, environ)
    return int(answer.split()[0])


@pytest.mark.parametrize(
    "host",
    ["", "192.168.1.5", "192.168.1.5:8080", "qendra.local:8080", "qendra", "[fe80::1]:8080", "localhost", "my_box"],
)
def test_a_name_of_the_box_is_answered(app: Flask, host: str) -> None:
    assert status(app, host) == 200


@pytest.mark.parametrize(
    "host",
    ["x..", ".", "a" * 64, "127.0.0.1:1@evil.example", "a b", "a/b", "[::1", "a:b", "ä.local", "a\tb", "x:999999"],
)
def test_what_is_no_name_at_all_costs_no_page_and_no_line_in_the_log(
    app: Flask, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert status(app, host) == 400
    assert not caplog.records


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8080", "qendra.local.evil.example"])
def test_a_name_of_the_wide_internet_is_not_ours(app: Flask, host: str) -> None:
    assert status(app, host) == 421
