"""What a journey is given. When it fails, everything the box and the telephones wrote down is shown with it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.box import Box
from tests.journeys.house import House
from tests.journeys.wire import Wire

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Remember how the test went, for those who clean up after it."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed


@pytest.fixture(scope="session", autouse=True)
def wire() -> Iterator[None]:
    """After the last journey: no message that any of the boxes sent was malformed."""
    with tempfile.TemporaryDirectory(prefix="qw-") as folder:
        Box.wire = Wire(Path(folder))
        try:
            yield
        finally:
            Box.wire.close()
        if Box.wire.ports:
            assert Box.wire.malformed() == []


@pytest.fixture
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """An empty house: boxes, telephones and callers that the test makes are ended after it."""
    folder = Path(tempfile.mkdtemp(prefix="qj-"))  # short: sockets live in it
    made = House(folder)
    try:
        yield made
    finally:
        made.close()
        if request.node.stash.get(FAILED, False):
            print(made.logs())
        shutil.rmtree(folder, ignore_errors=True)
