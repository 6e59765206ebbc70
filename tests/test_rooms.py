"""Who may import whom. The table is the house's plan: change it first, the code after."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).parent.parent

# room: the rooms it may know besides itself
MAY_KNOW = {
    "appliance.calls": set(),
    "appliance.callcenter": {"appliance.calls"},
    "appliance.callflow": {"appliance.calls"},
    "appliance.switchboard": {"appliance.calls", "appliance.callcenter", "appliance.callflow"},
    "appliance.wire": {"appliance.calls", "appliance.switchboard"},
    "appliance.edge": {"appliance.calls", "appliance.wire"},
    "appliance.engine": {"appliance.calls", "appliance.wire"},
    "appliance.lines": {"appliance.calls", "appliance.wire"},
    "appliance.prompts": {"appliance.calls"},
    "firmware_hooks": {"appliance.calls"},
    "appliance.store": {"appliance.calls", "appliance.callcenter", "appliance.callflow", "appliance.switchboard"},
    "webui": {
        "appliance.calls",
        "appliance.callcenter",
        "appliance.callflow",
        "appliance.switchboard",
        "appliance.prompts",
    },
    "appliance.setup": set(),
    "appliance.supervisor": {
        "appliance.calls",
        "appliance.callcenter",
        "appliance.callflow",
        "appliance.switchboard",
        "appliance.wire",
        "appliance.edge",
        "appliance.engine",
        "appliance.lines",
        "appliance.prompts",
        "appliance.store",
        "appliance.setup",
        "firmware_hooks",
        "webui",
    },
}

# library: the rooms it lives in
HOMES = {
    "pjsua2": {"appliance.engine"},
    "serial": {"appliance.lines"},
    "tinydb": {"appliance.store"},
    "flask": {"webui"},
    "gpiozero": {"firmware_hooks"},
    "cryptography": {"appliance.edge"},
    "websockets": {"appliance.edge"},
    "msgspec": {"appliance.wire", "appliance.store"},
    "dns": {"appliance.edge"},
}

HEART = ("appliance.calls", "appliance.callcenter", "appliance.callflow", "appliance.switchboard")
HEART_MAY_USE = {
    "__future__",
    "abc",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "heapq",
    "math",
    "random",
    "string",
    "typing",
    "zoneinfo",
}
"""The heart touches nothing: no files, sockets, threads or clocks."""


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def room_of(module: str) -> str | None:
    return next((room for room in MAY_KNOW if module == room or module.startswith(room + ".")), None)


def files() -> Iterator[tuple[str, Path]]:
    for folder in ("appliance", "webui", "firmware_hooks"):
        for path in sorted((HOUSE / folder).rglob("*.py")):
            module = ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")
            if room := room_of(module):
                yield room, path


def wrongs() -> Iterator[str]:
    for room, path in files():
        for line, name in imports(path):
            place = f"{path.relative_to(HOUSE)}:{line}"
            known = room_of(name)
            if known and known != room and known not in MAY_KNOW[room]:
                yield f"{place}: {room} may not know {known}"
            library = name.split(".")[0]
            if library in HOMES and room not in HOMES[library]:
                yield f"{place}: {library} lives in {', '.join(sorted(HOMES[library]))}"
            if room in HEART and library != "appliance" and library not in HEART_MAY_USE:
                yield f"{place}: the heart does without {library}"


def test_every_room_knows_only_whom_it_may_know() -> None:
    assert sorted(set(wrongs())) == []


def test_every_file_has_a_room() -> None:
    homeless = [
        path.relative_to(HOUSE)
        for path in (HOUSE / "appliance").rglob("*.py")
        if path.parent != HOUSE / "appliance" and not room_of(".".join(path.relative_to(HOUSE).with_suffix("").parts))
    ]
    assert homeless == []


def test_every_library_really_works_in_its_home() -> None:
    used = {(name.split(".")[0], room) for room, path in files() for _, name in imports(path)}
    for library, homes in HOMES.items():
        assert any((library, home) in used for home in homes), f"nothing uses {library}"


def test_every_room_says_what_comes_in_what_goes_out_and_what_it_touches() -> None:
    for room in MAY_KNOW:
        path = HOUSE / Path(*room.split(".")) / "__init__.py"
        words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        for word in ("In:", "Out:", "Touches:"):
            assert word in words, f"{path.relative_to(HOUSE)} does not say what it {word.lower()}"
