"""A telephone in a browser: JsSIP in Debian's Chromium, over a WebSocket. Its sound is another story; here it signals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.journeys.box import HOUSE, Box
from tests.journeys.house import password
from tests.journeys.processes import TooLate, wait_for

MODULES = HOUSE / ".qendra" / "npm" / "node_modules"
_REQUIRE = re.compile(r"""require\(['"]([^'"]+)['"]\)""")

TELEPHONE = """([address, extension, password]) => {
  const JsSIP = modules.load(modules.first);
  window.events = [];
  const tell = (kind, more) => window.events.push([kind, String(more || "")]);
  const phone = window.phone = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(address)],
    uri: `sip:${extension}@127.0.0.1`, password, register_expires: 120,
  });
  phone.on("connected", () => tell("connected"));
  phone.on("registered", () => tell("registered"));
  phone.on("registrationFailed", (e) => tell("refused", e.cause));
  phone.on("disconnected", () => tell("disconnected"));
  phone.on("newRTCSession", ({ session, originator }) => {
    window.session = session;
    if (originator === "remote") tell("rings", session.remote_identity.uri.user);
    session.on("progress", () => tell("progress"));
    session.on("failed", (e) => tell("failed", `${e.originator} ${e.cause}`));
  });
  phone.start();
}"""


class BrowserPhone:
    """One page that is a telephone."""

    def __init__(self, browser: Browser, box: Box, extension: str, *, encrypted: bool = False) -> None:
        # Chromium lets only pages of the local network reach into it: here the box's own, whose policy names no telephone.
        self._context = browser.new_context(ignore_https_errors=True, bypass_csp=True)
        self.page: Page = self._context.new_page()
        self.page.goto(box.page)
        self.page.evaluate(_bundle(MODULES / "jssip"))
        host, port = box.encrypted_telephones if encrypted else box.telephones
        address = f"{'wss' if encrypted else 'ws'}://{host}:{port}"
        self.page.evaluate(TELEPHONE, [address, extension, password(extension)])

    def expect(self, kind: str, more: str = "") -> None:
        """Wait until this has happened, and forget what happened until then."""
        seen: list[list[str]] = []

        def happened() -> bool:
            events = self.page.evaluate("window.events")
            wanted = [kind, more]
            seen[:] = events
            if wanted not in events:
                return False
            self.page.evaluate("(count) => window.events.splice(0, count)", events.index(wanted) + 1)
            return True

        try:
            wait_for(f"the browser says {kind} {more}", happened, every=0.05)
        except TooLate as late:
            raise TooLate(f"{late}; it said {seen}") from late

    def refuse(self) -> None:
        """Do not take the call that rings."""
        self.page.evaluate("() => window.session.terminate({ status_code: 486 })")

    def dial(self, number: str) -> None:
        self.page.evaluate(
            "(number) => { window.phone.call(number, { mediaConstraints: { audio: false, video: false },"
            " rtcOfferConstraints: { offerToReceiveAudio: true } }); }",
            number,
        )

    def leave(self) -> None:
        """Sign off and close the page."""
        self.page.evaluate("() => window.phone.stop()")
        self.expect("disconnected")
        self.close()

    def close(self) -> None:
        """Close the page, saying nothing to anybody."""
        self._context.close()


def _bundle(package: Path) -> str:
    """All of an npm package and what it needs as one script: its modules by their paths, loaded when first asked for."""
    first = _main(package)
    found: dict[Path, str] = {}
    todo = [first]
    while todo:
        path = todo.pop()
        if path not in found:
            found[path] = _as_module(path)
            todo += [needed for _, needed in _needs(path)]
    names = "".join(f"{json.dumps(str(path))}: {code},\n" for path, code in found.items())
    return (
        "window.modules = { loaded: {}, load(name) { if (!(name in this.loaded)) { const module = { exports: {} };"
        " this.loaded[name] = module; this.known[name](module, module.exports, (other) => this.load(other)); }"
        f" return this.loaded[name].exports; }}, first: {json.dumps(str(first))}, known: {{\n{names}}} }}; 0"
    )


def _as_module(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return f"(module) => {{ module.exports = {text}; }}"
    for written, needed in _needs(path):
        text = text.replace(f"require('{written}')", f"require({json.dumps(str(needed))})")
        text = text.replace(f'require("{written}")', f"require({json.dumps(str(needed))})")
    return f"(module, exports, require) => {{ {text}\n}}"


def _needs(path: Path) -> Iterator[tuple[str, Path]]:
    if path.suffix == ".json":
        return
    for written in dict.fromkeys(_REQUIRE.findall(path.read_text(encoding="utf-8"))):
        base = path.parent / written if written.startswith(".") else MODULES / written
        yield written, _main(base.resolve())


def _main(base: Path) -> Path:
    """The file that is meant by a folder or a name without its ending."""
    if base.is_file():
        return base
    if (base / "package.json").is_file():
        about = json.loads((base / "package.json").read_text(encoding="utf-8"))
        browser = about.get("browser")
        return _main((base / (browser if isinstance(browser, str) else about.get("main", "index.js"))).resolve())
    with_ending = base.with_name(base.name + ".js")
    return with_ending if with_ending.is_file() else base / "index.js"
