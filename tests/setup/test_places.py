"""Where things go, for root, for a person, for a service's user without a home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.setup.places import cache_folder, home


def test_the_cache_follows_the_persons_wish(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder(Path("/instead")) == tmp_path / "qendra"


@pytest.mark.parametrize(
    ("user", "folder", "cache"),
    [
        (0, None, "/var/cache/qendra"),
        (1000, "", "{home}/.cache/qendra"),
        (1000, "gone", "/instead"),
    ],
)
def test_the_cache_of_each_kind_of_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: int, folder: str | None, cache: str
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    if folder is not None:
        monkeypatch.setenv("HOME", str(tmp_path / folder))
    assert cache_folder(Path("/instead")) == Path(cache.format(home=tmp_path))


def test_home_is_known_in_an_empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    assert home().is_absolute()
