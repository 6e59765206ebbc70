"""Somebody at the page: Debian's Chromium, driven by playwright, and pictures of what they saw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, TimeoutError, sync_playwright  # noqa: A004  playwright's own

from tests.journeys.processes import TooLate

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SHOTS = Path(__file__).parent / ".shots"
"""Pictures for people to look at; git does not keep them."""
WIDE, NARROW = (1280, 800), (390, 844)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for some stories."""
    assert CHROMIUM.exists(), "chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Reader:
    """One person with a browser of their own: their cookies are nobody else's."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address
        self._context: BrowserContext = browser.new_context(
            viewport={"width": WIDE[0], "height": WIDE[1]}, locale="en-GB", timezone_id="Europe/Tirane"
        )
        self._context.set_default_timeout(10_000)
        self.page: Page = self._context.new_page()
        self.trouble: list[str] = []
        """What a developer would see in red: faults of scripts, and anything asked from outside the box."""
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))

    def _asked(self, request: Request) -> None:
        host = urlparse(request.url)
        if host.scheme not in {"data", "blob"} and f"{host.scheme}://{host.netloc}" != self.address:
            self.trouble.append(f"asked for {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.trouble.append(message.text)

    # ---- what a person does

    def goes_to(self, path: str) -> None:
        self.page.goto(self.address + path)

    def fills(self, label: str, words: str) -> None:
        self.page.get_by_label(label, exact=True).first.fill(words)

    def presses(self, words: str) -> None:
        """The button, or the link that looks like one, with these words."""
        button = self.page.get_by_role("button", name=words, exact=True)
        if not button.count():
            button = self.page.get_by_role("link", name=words, exact=True)
        button.first.click()

    def sees(self, words: str, seconds: float = 15.0) -> None:
        """Wait until these words are there to be seen."""
        try:
            self.page.get_by_text(words).filter(visible=True).first.wait_for(state="visible", timeout=seconds * 1000)
        except TimeoutError as late:
            SHOTS.mkdir(exist_ok=True)
            self.page.screenshot(path=SHOTS / "failed.png", full_page=True)
            raise TooLate(f"no {words!r} on {self.page.url}:\n{self.page.inner_text('body')}") from late

    def logs_in(self, name: str, password: str) -> None:
        """By keyboard alone."""
        self.goes_to("/login")
        self.page.keyboard.type(name)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_load_state()

    def runs(self, script: str) -> Any:
        """What a piece of JavaScript says."""
        return self.page.evaluate(script)

    # ---- pictures

    def shot(self, name: str) -> None:
        """The page as it is, wide and narrow. Neither may be wider than its screen."""
        SHOTS.mkdir(exist_ok=True)
        for (width, height), kind in ((WIDE, "wide"), (NARROW, "narrow")):
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.screenshot(path=SHOTS / f"{name}-{kind}.jpg", full_page=True, type="jpeg", quality=80)
            spill = self.runs("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert spill <= 0, f"{name} is {spill} pixels wider than a {kind} screen"
        self.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})

    def close(self) -> None:
        self._context.close()
