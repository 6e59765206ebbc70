"""The owner at the page, in a real browser, while real calls go through the box."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser

from appliance.calls.record import Result
from tests.journeys import sipp
from tests.journeys.box import Box
from tests.journeys.fake_provider import PASSWORD as SECRET
from tests.journeys.fake_provider import USER
from tests.journeys.far_end import FarEnd
from tests.journeys.house import CALLER_HZ, House, site
from tests.journeys.live import Watcher
from tests.journeys.processes import wait_for
from tests.journeys.reader import Reader, chromium
from tests.journeys.test_main_story import words_of

CALLER = "+355690000001"
PASSWORD = "four unrelated words"
MISTYPED = "four-unrelated-letters"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def box(house: House) -> Box:
    return house.box(site("101", wrap_up_seconds=0.5)).start()


@pytest.fixture
def owner(box: Box, browser: Browser) -> Iterator[Reader]:
    """The owner, who has just made their login with the link from the terminal."""
    reader = Reader(browser, box.page)
    reader.page.goto(box.owner_link)
    reader.sees("Welcome to your call center")
    reader.shot("01-welcome")
    reader.fills("Your name", "Mira")
    reader.fills("Password", "mira")
    reader.presses("Make the owner’s login")
    reader.fills("Password", PASSWORD)
    reader.presses("Make the owner’s login")
    reader.sees("Everybody with a telephone.")
    reader.presses("Today")
    reader.sees("Nobody is waiting")
    yield reader
    reader.close()


def test_the_owner_runs_the_firm(house: House, box: Box, owner: Reader) -> None:
    """Add an operator, change the menu, watch a call, listen to it, close the office: each acts on the next call."""
    outside = house.outside(box)
    office = house.watch(box)
    office.line("gsm1", "up")
    owner.shot("02-today-empty")

    # A new operator, and a telephone with the password that is shown once.
    owner.presses("Operators")
    owner.presses("Add an operator")
    owner.fills("Name", "Besim Hoxha")
    owner.fills("Extension", "102")
    owner.page.get_by_label("Office").check()
    owner.shot("03-add-operator")
    owner.presses("Add and show the telephone’s password")
    password = owner.page.locator("#phone-password").inner_text()
    owner.shot("04-telephone-password")
    assert password not in box.logs()
    besim = house.phone(box, "102", secret=password)
    owner.presses("Today")
    owner.sees("1 operator is ready")

    # Other words, another key.
    owner.goes_to("/menus/menu/main")
    owner.fills("English", "Hello from the owner. To reach a person, press 5.")
    owner.page.locator("select[name^=key-]").first.select_option("5")
    owner.shot("05-menu")
    owner.presses("Save")

    # The next call hears it, and the page shows the call as it goes, without being loaded again.
    owner.goes_to("/")
    owner.runs("window.stillHere = true")
    outside.ring(CALLER)
    owner.sees("ringing")
    outside.is_answered()
    owner.sees("listens:")
    heard = wait_for(
        "the new greeting",
        lambda: words_of(office, outside, "Hello from the owner. To reach a person, press 5.", "en"),
        20.0,
    )
    assert heard
    owner.shot("06-today-in-menu")
    outside.press("1")  # no key any more
    outside.press("5")
    besim.rings()
    owner.sees("waiting; rings at Besim Hoxha")
    owner.shot("07-today-waiting")
    besim.answer()
    owner.sees("talks with Besim Hoxha")
    outside.sing(CALLER_HZ)
    besim.hears(CALLER_HZ)
    besim.listen(2.0)
    owner.shot("08-today-talking")
    outside.hang_up()
    besim.is_over()
    owner.sees("No calls at the moment")
    assert owner.runs("window.stillHere")
    record = box.record(lambda call: call.caller == CALLER)

    listens_to_the_call(owner, record.recorded)
    closes_the_office(owner, outside, box, office)
    assert owner.trouble == []
    box.stop()


def listens_to_the_call(owner: Reader, seconds: float) -> None:
    """Found by a part of the number; its recording plays in the page."""
    owner.presses("Calls")
    owner.sees("Besim Hoxha")
    owner.shot("09-calls")
    owner.page.get_by_role("searchbox").fill("700 000")
    owner.presses("Search")
    owner.sees("No call fits")
    owner.page.get_by_role("searchbox").fill("69 000 0001")
    owner.presses("Search")
    owner.page.locator("table.log a").first.click()
    owner.sees("Step by step")
    owner.shot("10-call")
    owner.runs("document.querySelector('audio').play()")
    wait_for("it plays", lambda: owner.runs("document.querySelector('audio').currentTime > 0.5"))
    assert owner.runs("document.querySelector('audio').duration") == pytest.approx(seconds, abs=0.1)


def closes_the_office(owner: Reader, outside: FarEnd, box: Box, office: Watcher) -> None:
    """Today becomes a special day, on which the office is closed: the next caller is told so. Then it is undone."""
    owner.presses("Opening hours")
    owner.sees("Open day and night")
    owner.shot("11-hours")
    owner.presses("Change")
    owner.presses("One more day")
    owner.page.locator("input[name^=date-]").last.fill(f"{datetime.now(ZoneInfo('Europe/Tirane')):%Y-%m-%d}")
    owner.page.locator("input[name^=title-]").last.fill("Moving house")
    owner.shot("12-hours-edit")
    owner.presses("Save")
    owner.sees("Closed now")
    owner.sees("00:00–24:00")  # the week is as it was

    outside.ring("+355690000002")
    outside.is_answered()
    wait_for("the closed message", lambda: words_of(office, outside, "We are closed now. Goodbye.", "en"), 20.0)
    outside.is_over(15.0)
    assert box.record(lambda call: call.caller == "+355690000002").result is Result.INFORMED

    owner.goes_to("/settings/history")
    owner.shot("13-history")
    owner.page.locator("summary", has_text="Undo").first.click()
    owner.presses("Yes, go back")
    owner.presses("Opening hours")
    owner.sees("Open day and night")


def test_a_lost_caller_is_called_back(house: House, box: Box, owner: Reader, browser: Browser) -> None:
    """The owner gives an operator a login; the operator sees whom to call back, and nothing of the firm's settings."""
    outside = house.outside(box)
    office = house.watch(box)
    office.line("gsm1", "up")
    owner.presses("Operators")
    owner.presses("give one")
    owner.shot("14-give-login")
    owner.fills("Name to log in with", "ana")
    owner.fills("Password", "a password of ana")
    owner.presses("Add the login")
    ana = Reader(browser, box.page)
    ana.logs_in("ana", "not this one")
    ana.sees("Name and password do not fit together")
    ana.shot("15-login")
    ana.logs_in("ana", "a password of ana")
    ana.sees("Nobody is waiting")
    assert not ana.page.get_by_role("link", name="Settings").count()
    ana.goes_to("/settings")
    ana.shot("16-not-for-you")

    ana.goes_to("/")
    outside.ring(CALLER)
    outside.is_answered()
    outside.hears_something()
    outside.press("1")
    ana.sees("1 caller is waiting")
    outside.hang_up()
    ana.sees("1 caller to call back")
    ana.page.get_by_role("link", name="1 caller to call back").click()
    ana.shot("17-call-back")
    ana.presses("Open")
    ana.shot("18-call-back-task")
    ana.fills("What came of it", "Spoke on the mobile")
    ana.presses("It is done")
    ana.sees("Nobody has to be called back")
    assert box.open_tasks() == []
    ana.close()
    assert owner.trouble == []
    box.stop()


def test_the_owner_adds_a_provider_and_keeps_the_door(house: House, box: Box, owner: Reader) -> None:
    """A provider takes the new line within seconds, and the page says so by itself. A telephone with a mistyped password
    is slowed, seen at the front door, and let in again.
    """
    provider = house.provider("provider")
    owner.presses("Lines")
    owner.presses("Add a provider")
    owner.presses("Another provider")
    owner.fills("The provider’s address", "example.com")
    owner.fills("User name", USER)
    owner.fills("Password", SECRET)
    owner.page.locator("summary", has_text="For the installer").click()
    owner.fills("Messages go to", f"127.0.0.1:{provider.port}")
    owner.fills("Calls may come from these addresses", "127.0.0.1")
    owner.fills("Name of the line", "voip")
    owner.presses("Add the line")
    owner.runs("window.stillHere = true")
    owner.sees(f"Registered with 127.0.0.1:{provider.port}")
    assert owner.runs("window.stillHere")
    owner.shot("19-provider")

    sipp.play(sipp.call_with_a_password("101", MISTYPED, 403), house.folder / "typo", box.telephones, "102", times=10)
    owner.presses("Settings")
    owner.presses("Front door")
    owner.sees("1 address is shut out just now")
    owner.sees("as Person 101")
    owner.shot("20-door")
    owner.page.get_by_role("button", name="Let 127.0.0.1 in again").click()
    owner.sees("127.0.0.1 is let in again.")
    owner.sees("Everybody is heard.")
    house.phone(box, "101")
    assert not {SECRET, MISTYPED} & set(box.logs().split())
    assert owner.trouble == []
    box.stop()


PAGES = (
    "/",
    "/calls",
    "/tasks",
    "/operators",
    "/operators/add",
    "/operators/101",
    "/queues",
    "/queues/office",
    "/queues/add",
    "/menus",
    "/menus/menu/main",
    "/menus/menu/add",
    "/menus/message/closed",
    "/hours",
    "/hours/office",
    "/lines",
    "/lines/gsm1",
    "/door",
    "/door/certificate",
    "/settings",
    "/settings/history",
    "/settings/box",
    "/logins",
    "/logins/add",
    "/me",
)


def test_every_page_in_every_language(house: House, box: Box, owner: Reader) -> None:
    """Each page fits its screen, wide and narrow, and speaks the reader's language."""
    house.phone(box, "101")
    house.outside(box)
    words: dict[str, set[str]] = {}
    for code, language in (("en", "English"), ("ru", "Русский"), ("sq", "Shqip")):
        owner.goes_to("/me")
        owner.page.locator("select[name=language]").select_option(label=language)
        owner.page.locator("main form button.btn-primary").first.click()
        for path in PAGES:
            owner.goes_to(path)
            assert owner.runs("document.documentElement.lang") == code
            words.setdefault(path, set()).add(owner.page.inner_text("main"))
            owner.shot(f"{code}{path.replace('/', '-')}")
    assert [path for path, seen in words.items() if len(seen) < 3] == []
    assert owner.trouble == []
