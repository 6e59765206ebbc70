from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.switchboard import asks
from tests.webui.believable import PASSWORD
from tests.webui.conftest import Browser
from tests.webui.fields import fields_of
from tests.webui.office import Clock, MemoryDesk
from webui.logins import hash_password, password_fits

LINK = "/welcome/only-once"
WANTED = {"name": "Blerim Hoxha", "password": "mal i larte me bore", "language": "sq"}


@pytest.fixture
def first_day(desk: MemoryDesk) -> MemoryDesk:
    desk.accounts.clear()
    desk.token = "only-once"
    return desk


def test_the_link_makes_the_owner_and_lets_them_in(stranger: Browser, first_day: MemoryDesk) -> None:
    assert stranger.get(LINK).status_code == 200
    made = stranger.post(LINK, **WANTED)
    assert made.status_code == 303
    assert made.location == "/operators"
    owner = first_day.accounts["blerim hoxha"]
    assert owner.role == "owner"
    assert owner.password.startswith("$argon2id$")
    assert password_fits(owner, WANTED["password"])
    page = stranger.get("/operators")
    assert page.status_code == 200
    assert '<html lang="sq">' in page.text


def test_the_link_works_once(stranger: Browser, another: Callable[[], Browser], first_day: MemoryDesk) -> None:
    late = another()
    late.get(LINK)
    stranger.get(LINK)
    stranger.post(LINK, **WANTED)
    assert late.post(LINK, **(WANTED | {"name": "Somebody else"})).status_code == 410
    assert late.get(LINK).status_code == 410
    assert set(first_day.accounts) == {"blerim hoxha"}


@pytest.mark.usefixtures("first_day")
def test_a_wrong_link_says_so_and_cannot_be_guessed_for_long(stranger: Browser) -> None:
    assert "used" in stranger.get("/welcome/nonsense").text
    answers = [stranger.get(f"/welcome/{guess}").status_code for guess in range(30)]
    assert answers[-1] == 429
    assert stranger.get(LINK).status_code == 429


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Please fill this in."),
        ("name", "<b>x</b>", "Letters, digits"),
        ("name", "x" * 41, "At most 40 characters"),
        ("password", "short", "At least 10 characters"),
        ("password", "aaaaaaaaaaaaaa", "too easy to guess"),
        ("password", "Blerim Hoxha", "too easy to guess"),
        ("password", "x1y" * 100, "At most 200 characters"),
        ("language", "xx", "Please choose one of the list."),
    ],
)
def test_a_bad_first_login_is_told_at_its_field(
    stranger: Browser, first_day: MemoryDesk, field: str, value: str, words: str
) -> None:
    stranger.get(LINK + "?language=en")
    answer = stranger.post(LINK, **(WANTED | {field: value}))
    assert answer.status_code == 422
    assert words in answer.text
    assert not first_day.accounts
    assert first_day.token


def test_login_and_logout(stranger: Browser) -> None:
    away = stranger.get("/calls?text=1")
    assert away.location == "/login?next=/calls?text%3D1"
    stranger.get(away.location)
    back = stranger.post(away.location, name="blerim", password=PASSWORD)
    assert back.location == "/calls?text=1"
    assert stranger.get("/calls").status_code == 200
    assert stranger.get("/login").location == "/"
    assert stranger.post("/logout").location == "/login"
    assert stranger.get("/calls").status_code == 302


def copied(browser: Browser, another: Callable[[], Browser]) -> Browser:
    """Somebody who has got hold of the cookie."""
    thief = another()
    cookie = browser.client.get_cookie("qendra")
    assert cookie is not None
    thief.client.set_cookie("qendra", cookie.value)
    assert thief.get("/calls").status_code == 200
    return thief


def test_whoever_has_copied_the_cookie_is_logged_out_too(
    owner: Browser, another: Callable[[], Browser], desk: MemoryDesk
) -> None:
    other = another()
    other.log_in("Blerim")
    thief = copied(owner, another)
    owner.post("/logout")
    assert thief.get("/calls").status_code == 302
    assert other.get("/calls").status_code == 200, "the owner's other browser stays"
    assert len(desk.accounts["blerim"].ended) == 1


def test_who_logs_in_anew_leaves_no_session_behind(owner: Browser, another: Callable[[], Browser]) -> None:
    thief = copied(owner, another)
    owner.log_in("Arta")
    assert owner.get("/me").status_code == 200
    assert thief.get("/calls").status_code == 302


def test_logging_out_holds_while_the_desk_is_away(
    owner: Browser, another: Callable[[], Browser], desk: MemoryDesk, clock: Clock
) -> None:
    thief = copied(owner, another)
    desk.go(away=True)
    assert owner.post("/logout").location == "/login"
    assert thief.get("/calls").status_code != 200
    desk.go(away=False)
    assert thief.get("/calls").status_code == 302
    assert len(desk.accounts["blerim"].ended) == 1, "the desk has been told since"
    clock.pass_by(60)
    assert thief.get("/calls").status_code == 302


def test_login_does_not_lead_elsewhere(stranger: Browser) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        stranger.get("/login")
        answer = stranger.post(f"/login?next={elsewhere}", name="Blerim", password=PASSWORD)
        assert answer.location == "/", elsewhere
        stranger.get("/me")
        stranger.post("/logout")


@pytest.mark.parametrize(("name", "password"), [("Blerim", "wrong"), ("Nobody", PASSWORD), ("", ""), ("Blerim", "")])
def test_a_wrong_login_tells_nobody_which_half_was_wrong(stranger: Browser, name: str, password: str) -> None:
    stranger.get("/login?language=en")
    answer = stranger.post("/login", name=name, password=password)
    assert answer.status_code == 401
    assert "Name and password do not fit together." in answer.text


def test_guessing_is_slowed_down_by_name_and_address(stranger: Browser, clock: Clock) -> None:
    stranger.get("/login?language=en")
    for _ in range(5):
        assert stranger.post("/login", name="Blerim", password="wrong").status_code == 401
    refused = stranger.post("/login", name="BLERIM", password=PASSWORD)
    assert refused.status_code == 429
    assert "Too many wrong tries. Please wait 3 minutes." in refused.text
    assert stranger.post("/login", name="Arta", password=PASSWORD).status_code == 303
    clock.pass_by(121)
    stranger.get("/me")
    stranger.post("/logout")
    stranger.get("/login")
    assert stranger.post("/login", name="Blerim", password=PASSWORD).status_code == 303


def test_a_new_password_ends_other_sessions(
    owner: Browser, another: Callable[[], Browser], clock: Clock, desk: MemoryDesk
) -> None:
    other = another()
    other.log_in("Blerim")
    page = owner.get("/me")
    fields = fields_of(page.text, old=PASSWORD, password="nje fjale e re fare")
    assert owner.post("/me", **fields).location == "/me"
    assert owner.get("/me").status_code == 200
    clock.pass_by(60)
    assert other.get("/").status_code == 302
    assert other.log_in("Blerim").status_code == 401
    assert other.log_in("Blerim", "nje fjale e re fare").status_code == 303
    assert desk.accounts["blerim"].role == "owner"


def test_a_new_password_needs_the_old_one(operator: Browser, desk: MemoryDesk) -> None:
    fields = fields_of(operator.get("/me").text, old="wrong", password="nje fjale e re fare")
    answer = operator.post("/me", **fields)
    assert answer.status_code == 422
    assert "This is not your password of today." in answer.text
    assert not any(isinstance(ask, asks.SaveAccount) for ask in desk.asked)


def test_ones_own_language_holds_in_every_browser(owner: Browser, another: Callable[[], Browser]) -> None:
    owner.post("/me", **fields_of(owner.get("/me").text, language="ru"))
    assert '<html lang="ru">' in owner.get("/").text
    other = another()
    other.log_in("Blerim")
    assert '<html lang="ru">' in other.get("/").text


def test_the_browsers_language_is_followed_before_anybody_is_known(stranger: Browser) -> None:
    assert '<html lang="sq">' in stranger.get("/login", **{"Accept-Language": "sq-AL,sq;q=0.9,en;q=0.5"}).text
    assert '<html lang="en">' in stranger.get("/login", **{"Accept-Language": "de"}).text
    assert '<html lang="ru">' in stranger.get("/login?language=ru").text
    assert '<html lang="ru">' in stranger.get("/login", **{"Accept-Language": "sq"}).text


def test_a_removed_login_ends(operator: Browser, desk: MemoryDesk, clock: Clock) -> None:
    del desk.accounts["arta"]
    clock.pass_by(60)
    assert operator.get("/").location.startswith("/login")


def test_passwords_are_hashed_slowly_and_salted() -> None:
    one, other = hash_password("mal i larte"), hash_password("mal i larte")
    assert one != other
    assert "m=19456,t=2,p=1" in one
