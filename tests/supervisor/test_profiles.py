"""Providers' data files: those that are there, and those somebody writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.supervisor.profiles import ProfileFault, profile, profile_names, profiles
from appliance.supervisor.site_reader import LANGUAGES
from appliance.switchboard.settings import NumberFormat, Provider


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_is_whole_and_speaks_every_language(name: str) -> None:
    one = profile(name)
    assert set(one.notes) == set(LANGUAGES)
    assert one.provider.profile == name
    assert one.provider.user == one.provider.main_number == ""
    for language in LANGUAGES:
        told = one.told_in(language)
        assert told.title
        assert told.note.endswith(".")


def test_the_general_ones_come_first_and_the_example_says_what_is_usual() -> None:
    assert profile_names()[:2] == ("registering", "by-address")
    assert profile("registering").provider == Provider(profile="registering")


def write(folder: Path, text: str) -> Path:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_new_provider_is_a_new_file(tmp_path: Path) -> None:
    folder = write(tmp_path, 'title = "Mine"\n[provider]\ndomain = "sip.example.com"\nnumbers_as = "zeros"\n')
    (mine,) = profiles(folder)
    assert mine.told_in("sq").title == "Mine"
    assert mine.provider == Provider(profile="mine", domain="sip.example.com", numbers_as=NumberFormat.ZEROS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[provider]\ndomian = "x"', "mine.toml line 2: provider has no key 'domian'; did you mean 'domain'?"),
        ('[provider]\npassword = "x"', "mine.toml line 2: provider has no key 'password'"),
        ("nonsense", "mine.toml: "),
    ],
)
def test_a_file_with_a_mistake_is_left_out_and_says_where(tmp_path: Path, text: str, words: str) -> None:
    folder = write(tmp_path, text)
    with pytest.raises(ProfileFault) as caught:
        profile("mine", folder)
    assert str(caught.value).startswith(words)
    assert profiles(folder) == ()
