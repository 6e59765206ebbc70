from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.bench import Bench, bench


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Bench]:
    """A running engine with its edge and a desk."""
    with bench(tmp_path) as place:
        yield place
