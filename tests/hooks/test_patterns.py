"""What a lamp says."""

from __future__ import annotations

import pytest

from firmware_hooks.patterns import PATTERNS, Pattern, level_at


def drawn(pattern: Pattern, seconds: float) -> str:
    """The pattern as one sees it, a sign each 50 ms: `#` bright, `.` dark."""
    return "".join("#" if level_at(pattern, 50 * tick)[0] >= 0.5 else "." for tick in range(round(seconds * 20)))


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("off", "." * 48),
        ("busy", "#" * 48),
        ("ringing", "####....####....####....####....####....####...."),
        ("wrap_up", "..........####################....................###"[:48]),
        ("paused", "##......................................##......"),
        ("fault", "###...###...............###...###..............."),
        ("buzzing", "#####...................................#####..."),
    ],
)
def test_patterns_look_as_drawn(name: str, seen: str) -> None:
    assert drawn(PATTERNS[name], 2.4) == seen


def test_a_pulse_swells_and_fades_without_jumps() -> None:
    levels = [step.level for step in PATTERNS["wrap_up"]]
    around = zip(levels, levels[1:] + levels[:1], strict=True)
    assert max(abs(one - next_one) for one, next_one in around) < 0.17
    assert max(levels) > 0.97
    assert min(levels) < 0.03


@pytest.mark.parametrize("pattern", PATTERNS.values())
def test_the_next_change_is_foretold(pattern: Pattern) -> None:
    """Whoever looks again when told to sees every step, and looks no more often than there are steps."""
    elapsed, seen = 0, []
    for _ in range(3 * len(pattern)):
        level, lasts = level_at(pattern, elapsed)
        seen.append(level)
        if lasts is None:
            assert seen == [step.level for step in pattern]
            return
        elapsed += lasts
    assert seen == 3 * [step.level for step in pattern]


def test_a_late_look_is_right_too() -> None:
    assert level_at(PATTERNS["ringing"], 86_400_100) == (1, 100)
    assert level_at(PATTERNS["ringing"], 86_400_300) == (0, 100)
