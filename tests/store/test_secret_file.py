from __future__ import annotations

import logging
from pathlib import Path

import pytest

from appliance.calls.edge import Account
from appliance.calls.names import Extension, LineId
from appliance.store.secret_file import SecretFile
from appliance.store.trouble import StoreTrouble

PHONE = Account(Extension("101"), "5f4dcc3b5aa765d61d8327deb882cf99", "ab" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "secrets.json"


def test_secrets_are_the_same_after_a_restart(path: Path) -> None:
    first = SecretFile(path, "taksi.al")
    first.save_phone(PHONE)
    first.save_link("ab" * 32)
    again = SecretFile(path, "another realm")
    assert (again.realm, again.session_key, again.link) == ("taksi.al", first.session_key, "ab" * 32)
    assert again.phones() == {Extension("101"): PHONE}
    assert len(bytes.fromhex(again.session_key)) == 32
    assert SecretFile(path.with_name("other")).session_key != first.session_key


def test_phones_are_changed_and_taken_away(path: Path) -> None:
    secrets = SecretFile(path)
    secrets.save_phones([PHONE, Account(Extension("102"), "11" * 16)])
    secrets.save_phone(Account(Extension("101"), "22" * 16))
    assert secrets.phones()[Extension("101")].md5 == "22" * 16
    secrets.remove_phone(Extension("101"))
    secrets.remove_phone(Extension("999"))
    assert list(SecretFile(path).phones()) == ["102"]


def test_the_link_is_used_up(path: Path) -> None:
    secrets = SecretFile(path)
    assert secrets.link == ""
    secrets.save_link("cd" * 32)
    secrets.use_up_link()
    assert SecretFile(path).link == ""


def test_the_file_is_for_its_owner_alone_from_its_first_byte(path: Path) -> None:
    secrets = SecretFile(path)
    secrets.save_phone(PHONE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_others_may_read_is_closed_to_them_and_that_is_said(path: Path, mode: int) -> None:
    SecretFile(path)
    path.chmod(mode)
    secrets = SecretFile(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert secrets.repaired == ("secrets.json could be read by other users of this machine; that has been ended",)
    assert SecretFile(path).repaired == ()


def test_a_damaged_file_is_said_and_left(path: Path) -> None:
    SecretFile(path)
    path.write_bytes(b'{"realm": "que')
    with pytest.raises(StoreTrouble, match="is damaged"):
        SecretFile(path)
    assert path.read_bytes() == b'{"realm": "que'


def test_a_link_to_another_file_is_not_followed(path: Path, tmp_path: Path) -> None:
    SecretFile(path)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreTrouble, match="cannot be opened"):
        SecretFile(path)


def test_when_the_disk_refuses_the_old_secrets_stand(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = SecretFile(path)
    secrets.save_phone(PHONE)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreTrouble, match="the disk is full"):
        secrets.remove_phone(Extension("101"))
    monkeypatch.undo()
    assert secrets.phones() == SecretFile(path).phones() == {Extension("101"): PHONE}
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]


def test_nothing_of_it_is_ever_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = SecretFile(path)
    secrets.save_phone(PHONE)
    path.chmod(0o644)
    again = SecretFile(path)
    said = caplog.text + repr(again) + repr(vars(again)["_secrets"]) + repr(again.repaired)
    assert all(secret not in said for secret in (PHONE.md5, PHONE.sha256, again.session_key))


def test_passwords_of_providers_are_kept_replaced_and_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    one, other = LineId("one"), LineId("other")
    SecretFile(path).save_lines({one: "first", other: "second"})
    SecretFile(path).save_lines({one: "changed", other: ""})
    assert SecretFile(path).lines() == {one: "changed"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert "changed" not in repr(vars(SecretFile(path)))
