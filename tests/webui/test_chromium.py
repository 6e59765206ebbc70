"""The pages in a real browser: every page, wide and narrow, light and dark, in three languages, full and empty.

With QENDRA_SCREENSHOTS=FOLDER a picture of each is left there, to be looked at.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from waitress.server import create_server

from tests.webui import believable
from tests.webui.office import Clock, MemoryDesk
from webui import WebConfig, create_app

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
PAGES = (
    "/",
    "/calls",
    "/calls/past-0",
    "/tasks",
    "/tasks/t1",
    "/operators",
    "/operators/add",
    "/operators/101",
    "/logins",
    "/logins/add",
    "/queues",
    "/queues/reception",
    "/menus",
    "/menus/menu/main",
    "/menus/message/closed",
    "/hours",
    "/hours/office",
    "/lines",
    "/lines/gsm-1",
    "/lines/albtel",
    "/lines/add",
    "/lines/add/albtel",
    "/door",
    "/door/outside",
    "/door/certificate",
    "/settings",
    "/settings/history",
    "/settings/box",
    "/me",
    "/nowhere",
)
EMPTY_PAGES = (
    "/",
    "/calls",
    "/tasks",
    "/operators",
    "/queues",
    "/menus",
    "/hours",
    "/lines",
    "/lines/add/plain",
    "/door",
    "/settings/history",
)
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


@dataclass
class Site:
    """The pages on a port, over an office in memory."""

    desk: MemoryDesk
    address: str


class RealTime(Clock):
    """The clock on the wall: the browser counts by its own."""

    def __call__(self) -> float:
        return time.time()


def serve(folder: Path, *, full: bool) -> Iterator[Site]:
    clock = RealTime(time.time())
    desk, archive = believable.office(folder, clock, full=full, count=120, sound=6.0)
    desk.clock = clock
    desk.token = "first"
    config = WebConfig(clock=clock, rest=time.sleep, recordings=folder / "recordings", glance=0.2, pace=0.05)
    server = create_server(create_app(desk, archive, config), host="127.0.0.1", port=0, threads=12)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield Site(desk, f"http://127.0.0.1:{server.effective_port}")
    server.task_dispatcher.shutdown(timeout=1)
    server.close()


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """For tests that only look."""
    yield from serve(tmp_path_factory.mktemp("full"), full=True)


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from serve(tmp_path_factory.mktemp("empty"), full=False)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """For tests that change something."""
    yield from serve(tmp_path, full=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page whose every complaint is kept."""

    page: Page
    site: Site
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self._console(said.type, said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self._failed(request.url, request.failure or ""))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("response", lambda answer: self._answered(answer.status, answer.url))

    def _console(self, kind: str, words: str) -> None:
        if kind in {"error", "warning"} and not re.search(r"404 \(NOT FOUND\)|410 \(GONE\)", words):
            self.complaints.append(f"console: {words}")

    def _failed(self, url: str, why: str) -> None:
        if "ERR_ABORTED" not in why:  # ended by the browser itself: the page was left, enough of a recording was loaded
            self.complaints.append(f"{url}: {why}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 400 and not url.endswith(("/nowhere", "/welcome/wrong")) and "/welcome/wrong?" not in url:
            self.complaints.append(f"{url}: {status}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.site.address, "blob:", "data:")):
            self.complaints.append(f"asked for {url}")

    def go(self, path: str) -> Page:
        self.page.goto(self.site.address + path)
        return self.page

    def log_in(self, language: str = "en", name: str = "Blerim") -> None:
        page = self.go(f"/login?language={language}")
        page.fill("#name", name)
        page.fill("#password", believable.PASSWORD)
        page.click(".card-alone button")
        page.wait_for_url(self.site.address + "/*")

    def check(self) -> None:
        """Nothing sticks out, nothing is without a name, nobody has complained."""
        beyond = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, f"{self.page.url} is {beyond} px too wide"
        assert self.page.evaluate(NAMELESS) == [], self.page.url
        assert self.complaints == [], self.page.url


NAMELESS = r"""
() => {
  const wrong = [];
  const seen = new Set();
  const name = (node) => (node.getAttribute("aria-label") || node.textContent || "").trim();
  document.querySelectorAll("[id]").forEach((node) => {
    if (seen.has(node.id)) wrong.push("twice: #" + node.id);
    seen.add(node.id);
  });
  document.querySelectorAll("input:not([type=hidden]), select, textarea").forEach((node) => {
    if (!node.labels.length || !node.labels[0].textContent.trim()) wrong.push("no label: " + node.name);
  });
  document.querySelectorAll("button, a, summary").forEach((node) => {
    if (!name(node)) wrong.push("no name: " + node.outerHTML.slice(0, 90));
  });
  document.querySelectorAll("img").forEach((node) => { if (!node.hasAttribute("alt")) wrong.push("no alt"); });
  document.querySelectorAll("[aria-labelledby], [aria-describedby], [aria-controls]").forEach((node) => {
    for (const kind of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
      (node.getAttribute(kind) || "").split(" ").filter(Boolean).forEach((id) => {
        if (!document.getElementById(id)) wrong.push(kind + " of nothing: " + id);
      });
    }
  });
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  if (!document.title || !document.documentElement.lang) wrong.push("no title or language");
  if (!document.querySelector("main")) wrong.push("no main");
  return wrong;
}
"""

CONTRAST = r"""
() => {
  const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = rgb(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.textContent.trim() || !node.checkVisibility() || node.closest("script, noscript, option")) continue;
    const ink = light(rgb(getComputedStyle(node).color)), paper = light(ground(node));
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (contrast < 4.5) weak.push(contrast.toFixed(2) + " " + text.textContent.trim().slice(0, 40));
  }
  return weak;
}
"""


def opened(chromium: Chromium, site: Site, size: str, light: str = "light", language: str = "en") -> Watched:
    width, height = SIZES[size]
    context: BrowserContext = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if light == "dark" else "light",
        locale={"en": "en-GB"}.get(language, language),
    )
    return Watched(context.new_page(), site)


def picture(watched: Watched, name: str) -> None:
    folder = os.environ.get("QENDRA_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        watched.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def wait_for(page: Page, true: str) -> None:
    """Playwright's own waiting evaluates words as code, which the page forbids."""
    end = time.monotonic() + 5
    while not page.evaluate(true):
        assert time.monotonic() < end, true
        page.wait_for_timeout(50)


def named(path: str) -> str:
    return re.sub(r"\W+", "-", path.strip("/")) or "today"


@pytest.mark.parametrize("language", ["en", "ru", "sq"])
@pytest.mark.parametrize("size", list(SIZES))
def test_every_page(chromium: Chromium, looked_at: Site, size: str, language: str) -> None:
    light = "dark" if (size, language) in {("wide", "ru"), ("narrow", "sq")} else "light"
    watched = opened(chromium, looked_at, size, light, language)
    watched.log_in(language)
    for path in PAGES:
        watched.go(path)
        watched.check()
        picture(watched, f"{named(path)}-{language}-{size}-{light}")
    watched.page.context.close()


@pytest.mark.parametrize("language", ["en", "ru", "sq"])
def test_every_page_with_nothing_on_it(chromium: Chromium, first_day: Site, language: str) -> None:
    size = "narrow" if language == "ru" else "wide"
    watched = opened(chromium, first_day, size, language=language)
    for path in ("/login", "/welcome/first", "/welcome/wrong"):
        watched.go(f"{path}?language={language}")
        watched.check()
        picture(watched, f"{named(path)}-{language}-{size}")
    watched.log_in(language)
    for path in EMPTY_PAGES:
        watched.go(path)
        watched.check()
        picture(watched, f"empty-{named(path)}-{language}-{size}")
    watched.page.context.close()


@pytest.mark.parametrize("light", ["light", "dark"])
def test_words_stand_out_from_their_ground(chromium: Chromium, looked_at: Site, light: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    watched = opened(chromium, looked_at, "wide", light)
    watched.log_in()
    watched.page.emulate_media(reduced_motion="reduce")
    for path in ("/", "/calls", "/calls/past-0", "/tasks", "/operators/101", "/menus", "/hours", "/lines/albtel", "/door",
                 "/settings/box"):  # fmt: skip
        page = watched.go(path)
        assert page.evaluate("document.documentElement.dataset.bsTheme") == light
        assert page.evaluate(CONTRAST) == [], path
    watched.page.context.close()


def test_today_is_alive(chromium: Chromium, site: Site) -> None:
    watched = opened(chromium, site, "wide")
    watched.log_in()
    page = watched.page
    expect(page.locator(".headline-answer")).to_contain_text("2 callers are waiting")
    before = page.locator(".headline-time time").inner_text()
    expect(page.locator(".headline-time time")).not_to_have_text(before, timeout=3000)
    assert re.fullmatch(r"\d+:\d\d", before)
    site.desk.show(replace(site.desk.live, calls=(), tasks=site.desk.live.tasks[:1]))
    expect(page.locator(".headline-answer")).to_have_text("Nobody is waiting", timeout=3000)
    expect(page.locator("#ways .mark")).to_have_text("1")
    watched.check()
    page.context.close()


def test_what_is_unfolded_stays_unfolded_while_the_page_moves(chromium: Chromium, site: Site) -> None:
    watched = opened(chromium, site, "wide")
    watched.log_in()
    page = watched.page
    page.click("#more-101 summary")
    expect(page.locator("#more-101 .more-box")).to_be_visible()
    site.desk.show(replace(site.desk.live, calls=()))
    expect(page.locator(".headline-answer")).to_have_text("Nobody is waiting", timeout=3000)
    expect(page.locator("#more-101 .more-box")).to_be_visible()
    page.click("#more-101 button[value='paused lunch']")
    expect(page.locator("#operator-101 .row-more")).to_contain_text("on a break: lunch", timeout=3000)
    expect(page.locator(".toast-words")).to_have_text("Arta Hoxha is on a break.")
    expect(page.locator("#more-101 .more-box")).not_to_be_visible()
    page.click("#operator-101 > button")
    expect(page.locator("#operator-101 .row-more")).to_contain_text("ready", timeout=3000)
    watched.check()
    page.context.close()


def test_a_task_is_closed_where_it_stands(chromium: Chromium, site: Site) -> None:
    watched = opened(chromium, site, "narrow")
    watched.log_in(name="Arta")
    page = watched.go("/tasks")
    expect(page.locator("tbody tr")).to_have_count(4)
    page.locator("#task-t0 button").click()
    expect(page.locator("tbody tr")).to_have_count(3, timeout=3000)
    watched.check()
    page.context.close()


def test_the_page_says_when_the_desk_is_away(chromium: Chromium, site: Site) -> None:
    watched = opened(chromium, site, "wide")
    watched.log_in()
    page = watched.page
    expect(page.locator("#piece-banner")).not_to_contain_text("restarting")
    site.desk.go(away=True)
    expect(page.locator("#piece-banner")).to_contain_text("The switchboard is restarting", timeout=3000)
    picture(watched, "desk-away")
    site.desk.go(away=False)
    expect(page.locator("#piece-banner")).not_to_contain_text("restarting", timeout=3000)
    watched.check()
    page.context.close()


def test_search_answers_while_typing(chromium: Chromium, looked_at: Site) -> None:
    watched = opened(chromium, looked_at, "wide")
    watched.log_in()
    page = watched.go("/calls")
    everything = page.locator("#results .cell-time").count()
    page.locator("#text").press_sequentially("no such name")
    expect(page.locator("#results")).to_contain_text("No call fits")
    page.fill("#text", "")
    expect(page.locator("#results .cell-time")).to_have_count(everything)
    page.click(".filters summary")
    page.select_option("#result", "missed")
    expect(page.locator("#results .result-answered")).to_have_count(0)
    assert page.locator("#results .result-missed").count() > 0
    assert page.url.endswith("/calls?result=missed")
    watched.check()
    page.context.close()


def test_a_recording_plays_and_the_picture_follows(chromium: Chromium, looked_at: Site) -> None:
    watched = opened(chromium, looked_at, "wide")
    watched.log_in()
    page = watched.go("/calls/past-0")
    wait_for(page, "document.querySelector('audio').readyState > 0")
    picture_of_sound = page.locator("[data-wave] svg")
    box = picture_of_sound.bounding_box()
    assert box is not None
    picture_of_sound.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    seconds, length = page.evaluate(
        "[document.querySelector('audio').currentTime, document.querySelector('audio').duration]"
    )
    assert seconds == pytest.approx(length / 2, abs=0.2)
    page.evaluate("document.querySelector('audio').play()")
    wait_for(page, f"document.querySelector('audio').currentTime > {seconds + 0.2}")
    expect(page.locator(".wave-played")).not_to_have_attribute("width", "0")
    watched.check()
    page.context.close()


def test_a_menu_is_written_heard_and_saved(chromium: Chromium, site: Site) -> None:
    watched = opened(chromium, site, "wide")
    watched.log_in()
    page = watched.go("/menus/menu/main")
    page.fill("#text-en", "Good morning.")
    with page.expect_response("**/menus/listen") as heard:
        page.locator("button[name=listen][value=en]").click()
    assert heard.value.headers["content-type"].startswith("audio/wav")
    page.click("[data-add-row=key-rows]")
    rows = page.locator(".key-row")
    expect(rows).to_have_count(6)
    rows.last.locator("select").first.select_option("7")
    rows.last.locator("input").fill("Complaints")
    rows.last.locator("select").last.select_option("phone 105")
    rows.first.locator("[data-drop-row]").click()
    page.click(".form-end .btn-primary")
    page.wait_for_url("**/menus")
    menu = site.desk.settings.flow.menus[0]
    assert menu.texts["en"] == "Good morning."
    assert [(choice.key, choice.to) for choice in menu.choices] == [
        ("2", "phone 104"), ("3", "queue russian"), ("9", "say address"), ("7", "phone 105"),
    ]  # fmt: skip
    watched.check()
    page.context.close()


def test_a_provider_is_added_with_the_keyboard_alone(chromium: Chromium, site: Site) -> None:
    watched = opened(chromium, site, "wide")
    watched.log_in()
    page = watched.go("/lines")
    page.get_by_role("link", name="Add a provider").press("Enter")
    page.get_by_role("link", name="Albtel Biznes").press("Enter")
    expect(page.locator("#domain")).not_to_be_visible()
    page.locator("#user").press_sequentially("35542000200")
    page.keyboard.press("Tab")
    page.keyboard.type("s3cret word")
    page.locator(".fold summary").first.press("Enter")
    expect(page.locator("#domain")).to_have_value("sip.albtel.example")
    page.locator("#number-0").fill("042 000 201")
    page.locator("[data-add-row=number-rows]").press("Enter")
    page.keyboard.type("042 000 202")
    page.locator("#name").press("Enter")
    page.wait_for_url("**/lines")
    made = site.desk.settings.lines[-1]
    assert (made.name, [route.number for route in made.numbers]) == ("albtel-2", ["+35542000201", "+35542000202"])
    assert site.desk.front.passwords[made.name] == "s3cret word"
    watched.check()
    page.context.close()


def test_whom_an_operator_may_call_is_unfolded_as_it_is_ticked(chromium: Chromium, site: Site) -> None:
    watched = opened(chromium, site, "narrow")
    watched.log_in()
    page = watched.go("/operators/101")
    abroad = page.get_by_label("abroad")
    expect(abroad).to_be_visible()
    page.uncheck("#may_call_out")
    expect(abroad).not_to_be_visible()
    page.check("#may_call_out")
    abroad.check()
    page.click(".form-end .btn-primary")
    page.wait_for_url("**/operators")
    person = site.desk.settings.people[0]
    assert [reach.value for reach in person.reaches] == ["national", "abroad"]
    page.context.close()


def test_the_hours_are_copied_and_a_day_is_added(chromium: Chromium, site: Site) -> None:
    watched = opened(chromium, site, "narrow")
    watched.log_in()
    page = watched.go("/hours/office")
    page.fill("#begins-0-0", "07:30")
    page.click("[data-copy-monday]")
    page.locator(".special-row").last.locator("input[type=date]").fill("2026-12-31")
    page.click("[data-add-row=special-rows]")
    page.locator(".special-row").last.locator("input[type=date]").fill("2027-01-01")
    page.click(".form-end .btn-primary")
    page.wait_for_url("**/hours")
    hours = site.desk.settings.flow.hours[0]
    assert [span.begins for span in hours.week if span.ends == "13:00"] == ["07:30"] * 5
    assert [day.date for day in hours.special] == ["2026-11-28", "2026-12-24", "2026-12-31", "2027-01-01"]
    watched.check()
    page.context.close()


def test_everything_can_be_done_from_the_keyboard(chromium: Chromium, site: Site) -> None:
    watched = opened(chromium, site, "wide")
    watched.log_in()
    page = watched.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    page.locator("#more-103 summary").focus()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is seen"
    page.keyboard.press("Enter")
    expect(page.locator("#more-103 .more-box")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#more-103 .more-box")).not_to_be_visible()
    assert page.evaluate("document.activeElement.closest('details').id") == "more-103"
    page.context.close()


def test_the_menu_of_a_small_screen(chromium: Chromium, looked_at: Site) -> None:
    watched = opened(chromium, looked_at, "narrow")
    watched.log_in()
    page = watched.page
    expect(page.locator("#ways")).not_to_be_visible()
    page.click("#menu-button")
    expect(page.locator("#ways")).to_be_visible()
    picture(watched, "menu-narrow")
    page.keyboard.press("Escape")
    expect(page.locator("#ways")).not_to_be_visible()
    page.click("#menu-button")
    page.click("#ways a[href='/calls']")
    page.wait_for_url("**/calls")
    watched.check()
    page.context.close()


def test_light_and_dark_are_remembered(chromium: Chromium, looked_at: Site) -> None:
    watched = opened(chromium, looked_at, "wide")
    watched.log_in()
    page = watched.page
    page.click("#light-switch")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    watched.go("/calls")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    page.context.close()


def test_without_scripts_everything_still_works(chromium: Chromium, site: Site) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    watched = Watched(context.new_page(), site)
    watched.log_in()
    page = watched.page
    expect(page.locator(".headline-answer")).to_contain_text("2 callers are waiting")
    expect(page.locator("#ways")).to_be_visible()
    page.click("#more-101 summary")
    page.click("#more-101 button[value='paused lunch']")
    expect(page.locator("#operator-101 .row-more")).to_contain_text("on a break: lunch")
    watched.go("/calls")
    page.fill("#text", "no such name")
    page.click(".search-line button")
    expect(page.locator("#results")).to_contain_text("No call fits")
    watched.go("/operators/103")
    page.fill("#name", "Елена Орлова")
    page.click(".form-end .btn-primary")
    expect(page.locator("table")).to_contain_text("Елена Орлова")
    watched.go("/settings/history")
    page.locator(".sure summary").first.click()
    page.locator(".sure-box button").first.click()
    expect(page.locator(".notice-done")).to_contain_text("It is as it was before.")
    assert "Елена Соколова" in {person.name for person in site.desk.settings.people}
    context.close()
