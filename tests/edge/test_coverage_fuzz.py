"""The coverage-guided fuzzer for a bounded time, and everything it has ever found again, in every run.

`python -m tests.edge.fuzz 1200 /tmp/finds` goes on for longer; whatever it finds belongs into `corpus`.
"""

from __future__ import annotations

import importlib.util
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.edge.inward import Inward
from tests.edge.fuzzing import NEXT, PHONE, STRANGER, WAYS, Story, Wrong, good_stories

HERE = Path(__file__).parent
SECONDS = 20
ENOUGH = 100
"""Stories that the slowest machine gets through in that time."""


@pytest.mark.parametrize("path", sorted((HERE / "corpus").iterdir()), ids=lambda path: path.name)
def test_what_was_found_once_is_mended(path: Path) -> None:
    Story().tell(path.read_bytes())


@pytest.mark.parametrize("name", good_stories())
def test_good_stories_are_good(name: str) -> None:
    Story().tell(good_stories()[name])


def test_the_corpus_stays_small() -> None:
    assert sum(path.stat().st_size for path in (HERE / "corpus").iterdir()) < 200_000


def test_good_stories_get_behind_the_door() -> None:
    """Else the fuzzer would only ever try the lock."""
    story = Story()
    story.tell(good_stories()["call"])
    assert story.house.proxy._paths
    story.tell(good_stories()["watch"].split(NEXT)[0])
    assert len(story.house.proxy.notifier) == 1


def test_the_story_sees_what_must_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the checks of the door each of these would pass, and be seen."""
    call = good_stories()["call"].split(NEXT)[0]
    assert call[0] == WAYS.index(PHONE)
    first, second, third = Story(), Story(), Story()
    with monkeypatch.context() as patch:
        patch.setattr(Inward, "_authenticated", lambda self, asked, source, now: self._call(asked, b"101", source, now))
        with pytest.raises(Wrong, match="without a proof"):
            first.tell(call.replace(b"@PROOF@\r\n", b""))
    with monkeypatch.context() as patch:
        patch.setattr("appliance.edge.message.OURS", b"nothing-starts-so")
        with pytest.raises(Wrong, match="in our name"):
            second.tell(call.replace(b"Max-Forwards", b"X-Qendra-From: 102\r\nMax-Forwards"))
    with monkeypatch.context() as patch:
        patch.setattr(Inward, "request", lambda *_: 1 / 0)
        with pytest.raises(Wrong, match="fault of ours"):
            third.tell(bytes([WAYS.index(STRANGER)]) + call[1:])


def test_the_fuzzer_finds_nothing(tmp_path: Path) -> None:
    """About twenty seconds. Where there is no wheel of it there is no such test; where there should be one, it must run."""
    if importlib.util.find_spec("atheris") is None:
        if platform.machine() == "x86_64" and sys.platform == "linux":
            pytest.fail("atheris is not installed; pyproject.toml names it for this machine")
        pytest.skip("no wheel of atheris for this machine")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.edge.fuzz", str(SECONDS), str(tmp_path / "finds")],
        cwd=HERE.parent.parent, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    said = ended.stderr[-4000:]
    assert ended.returncode == 0, said
    tried = [line for line in said.splitlines() if line.startswith("stat::number_of_executed_units")]
    assert int(tried[0].split()[-1]) > ENOUGH, said
