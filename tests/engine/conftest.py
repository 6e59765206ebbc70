from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.bench import Bench, bench


@pytest.fixture(scope="module")
def long_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One engine for all tests of a module: what one test leaves behind, another would trip over."""
    with bench(tmp_path_factory.mktemp("box")) as place:
        yield place


@pytest.fixture
def box(long_running: Bench) -> Iterator[Bench]:
    """A running engine with its edge and a desk, and no calls."""
    long_running.begin()
    yield long_running
    long_running.clear()
