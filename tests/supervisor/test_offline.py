"""Nobody but the edge, which does not wait for the answer, asks where a name leads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).parents[2]
ASKS = {"getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo", "getfqdn", "urlopen"}
"""All of them wait for the DNS, for seconds when the internet is gone."""
FETCHES = HOUSE / "appliance" / "setup"
"""Runs before the box does, and fetches what it needs."""


def askers() -> Iterator[str]:
    for folder in ("appliance", "webui", "firmware_hooks"):
        for path in sorted((HOUSE / folder).rglob("*.py")):
            if FETCHES in path.parents:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Attribute | ast.Name):
                    continue
                name = node.attr if isinstance(node, ast.Attribute) else node.id
                if name in ASKS:
                    yield f"{path.relative_to(HOUSE)}:{node.lineno}: {name}"


def test_nobody_waits_for_the_dns() -> None:
    assert list(askers()) == []
