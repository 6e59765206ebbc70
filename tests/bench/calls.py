"""`./qendra bench calls [--quick]`: thirty recorded calls at once, how long a caller waits, how many calls a second.

A real box (edge, engine, desk, page) runs on loopback with 64 telephones in software. The last line printed is one JSON
object; progress and whatever failed go to standard error.

calls               calls that are up at once, recorded, sound both ways through the box
failed              of those: not put up, ended too early, a voice not heard all the time by the other side, or not in
                    the recording; and of the single calls after them: not answered
cpu_pct             the box with these calls up, in percent of one core, all its processes
pss_mb              its memory at that moment, all processes, in MB (10^6); of pages it shares with other programs its part
invite_180_p95_ms   from dialling to the ringing tone, 95th percentile of single calls that are made one by one then;
invite_200_p95_ms   to the answer; the telephone called rings and answers at once
cps                 highest rate of calls set up and ended, in calls a second, at which none fails
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.tools import firm
from tests.bench.tools.box import Box, NoBox, running
from tests.bench.tools.phones import Attempt, Pair, keep_ticking, pairs_of
from tests.bench.tools.scales import Stopwatch, pss_mb
from tests.bench.tools.voices import RATE, is_voice_of, keep_talking, recorded

CALLS = 30
TELEPHONES = 64
SETTLE = 1.5
"""Seconds from the last answer to the first look: the recorders' first blocks are on disk, the ears are tuned."""
EDGES = 1.0
"""Seconds at both ends of a recording that may lack a voice: one side answers before the other, and leaves after it."""
JOINED_WITHIN = 30.0
"""Seconds the box may take to have all recordings whole, at its lowest priority."""
PROMPT = 1.0
"""Seconds in which each call has to be answered for its rate to count as sustained."""
BREATH = 0.002
"""Seconds until a look whether a telephone is free by now."""
MOST_A_SECOND = 320
QUIET_WITHIN = 40.0
"""Seconds after which every telephone has given up (32 s, RFC 3261 timer B)."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How thorough to be."""

    hold: float
    """Seconds the thirty calls are weighed."""
    singles: int
    """Calls whose delay is measured."""
    rate_seconds: float
    """Seconds each rate has to be sustained."""
    halvings: int
    """Steps between the last rate that was sustained and the first that was not."""


FULL = Effort(hold=15.0, singles=120, rate_seconds=8.0, halvings=3)
QUICK = Effort(hold=3.0, singles=30, rate_seconds=2.0, halvings=1)


@dataclass(frozen=True, slots=True)
class Together:
    """What the calls at once have shown."""

    failed: int
    cpu_pct: float
    pss_mb: float


def main(arguments: list[str]) -> int:
    """Measure and print; 1 when there was nothing to measure."""
    parser = argparse.ArgumentParser(prog="./qendra bench calls", description="Load a box with calls and measure it.")
    parser.add_argument("--quick", action="store_true", help="half a minute instead of two")
    effort = QUICK if parser.parse_args(arguments).quick else FULL
    passwords = firm.telephones(201, TELEPHONES)
    try:
        with running(firm.site(passwords, list(passwords)[-2:])) as box:
            figures = asyncio.run(_measure(box, passwords, effort))
    except NoBox as error:
        say(str(error))
        return 1
    print(json.dumps(figures))
    return 0


def say(words: str) -> None:
    """Tell the person who waits."""
    print(words, file=sys.stderr, flush=True)


async def _measure(box: Box, passwords: dict[str, str], effort: Effort) -> dict[str, float | None]:
    async with _signed_on(box, passwords) as pairs:
        say(f"{CALLS} recorded calls at once, for {effort.hold:.0f} s")
        together = await _together(box, pairs[:CALLS], effort.hold)
        say(f"{effort.singles} calls one by one")
        singles = await _singles(pairs, effort.singles)
        good = [attempt for attempt in singles if attempt.answered]
        say("more and more calls a second")
        rate = await _highest_rate(pairs, effort)
    return {
        "calls": CALLS,
        "failed": together.failed + len(singles) - len(good),
        "cpu_pct": round(together.cpu_pct, 1),
        "pss_mb": round(together.pss_mb, 1),
        "invite_180_p95_ms": _p95_ms([attempt.rang - attempt.dialled for attempt in good if attempt.rang]),
        "invite_200_p95_ms": _p95_ms([attempt.answered - attempt.dialled for attempt in good]),
        "cps": rate,
    }


@contextlib.asynccontextmanager
async def _signed_on(box: Box, passwords: dict[str, str]) -> AsyncIterator[list[Pair]]:
    """All telephones, registered, with a clock and a voice each."""
    pairs = pairs_of(passwords, box.sip)
    phones = [phone for pair in pairs for phone in (pair.caller, pair.called)]
    helpers = [
        asyncio.create_task(keep_ticking(phones)),
        asyncio.create_task(keep_talking([phone.voice for phone in phones])),
    ]
    try:
        for phone in phones:
            phone.register()
        for phone in phones:
            if not await phone.signs_on(10.0):
                raise NoBox(f"The box did not let telephone {phone.extension} register.")
        await asyncio.sleep(1.0)
        yield pairs
    finally:
        for helper in helpers:
            helper.cancel()
        for phone in phones:
            phone.close()


# ---- calls at once


async def _together(box: Box, pairs: list[Pair], hold: float) -> Together:
    before = set(box.recordings.rglob("*.wav"))
    connecting = []
    for pair in pairs:
        connecting.append(asyncio.create_task(pair.connect(firm.RECORDED)))
        await asyncio.sleep(0.1)
    attempts = await asyncio.gather(*connecting)
    await asyncio.sleep(SETTLE)
    cpu, memory = await _weighed(box, pairs, hold)
    stayed_up = [bool(attempt.answered) and not attempt.over for attempt in attempts]
    await asyncio.gather(*(pair.part() for pair in pairs))
    recordings = await _joined(box, before, sum(stayed_up))
    recorded_pairs = await asyncio.to_thread(lambda: {_pair_in(file, pairs) for file in recordings})
    wrong = {
        pair: words
        for pair, attempt, stayed in zip(pairs, attempts, stayed_up, strict=True)
        if (words := _went_wrong(pair, attempt, hold, stayed=stayed, recorded=pair in recorded_pairs))
    }
    for pair, words in wrong.items():
        say(f"{pair.caller.extension} to {pair.called.extension}: {words}")
    return Together(len(wrong), cpu, memory)


async def _weighed(box: Box, pairs: list[Pair], hold: float) -> tuple[float, float]:
    """CPU and memory of the box while all ears listen."""
    voices = [phone.voice for pair in pairs for phone in (pair.caller, pair.called)]
    for voice in voices:
        voice.listens = True
    watch = Stopwatch(box.pid)
    await asyncio.sleep(hold)
    cpu = watch.percent()
    for voice in voices:
        voice.listens = False
    return cpu, pss_mb(box.pid)


def _went_wrong(pair: Pair, attempt: Attempt, hold: float, *, stayed: bool, recorded: bool) -> str:
    """What was wrong with a call, "" for nothing."""
    if not attempt.answered:
        return f"not put up ({attempt.status or 'no answer'})"
    if not stayed:
        return "ended by itself"
    caller, called = pair.caller.voice, pair.called.voice
    for hears, speaks, who in ((caller, called, "caller"), (called, caller, "called")):
        if not is_voice_of(hears.heard(), speaks.hertz, hold - 0.5):
            return f"the {who} did not hear the other all the time"
    return "" if recorded else "its recording lacks a voice, or is not there"


async def _joined(box: Box, before: set[Path], wanted: int) -> set[Path]:
    """The recordings made since `before`, both sides in one file; as many as are there in time."""
    until = time.monotonic() + JOINED_WITHIN
    while True:
        found = {
            file for file in set(box.recordings.rglob("*.wav")) - before if not file.stem.endswith((".left", ".right"))
        }
        if len(found) >= wanted or time.monotonic() > until:
            return found
        await asyncio.sleep(0.2)


def _pair_in(file: Path, pairs: list[Pair]) -> Pair | None:
    """Whose call this is a recording of: the caller's voice left, the other's right, from beginning to end."""
    sides = [side[int(EDGES * RATE) : -int(EDGES * RATE)] for side in recorded(file)]
    for pair in pairs:
        if all(
            is_voice_of(side, phone.voice.hertz, 1.0)
            for side, phone in zip(sides, (pair.caller, pair.called), strict=True)
        ):
            return pair
    return None


# ---- one call after the other


async def _singles(pairs: list[Pair], count: int) -> list[Attempt]:
    attempts = []
    for number in range(count):
        pair = pairs[number % len(pairs)]
        attempts.append(await pair.connect())
        await asyncio.sleep(0.05)
        await pair.part()
    return attempts


def _p95_ms(seconds: list[float]) -> float | None:
    """Nearest-rank 95th percentile, in ms; nothing of nothing."""
    ranked = sorted(seconds)
    return round(1000 * ranked[-(-95 * len(ranked) // 100) - 1], 2) if ranked else None


# ---- as many as possible


async def _highest_rate(pairs: list[Pair], effort: Effort) -> int:
    """Doubled until it is too much, then halved in between."""
    good, bad = 0, MOST_A_SECOND * 2
    rate = 10
    for _ in range(6 + effort.halvings):
        if await _sustained(pairs, rate, effort.rate_seconds):
            good = rate
        else:
            bad = rate
        if good >= MOST_A_SECOND or bad - good <= 1:
            break
        rate = min(2 * rate, MOST_A_SECOND) if bad > MOST_A_SECOND else (good + bad) // 2
    return good


async def _sustained(pairs: list[Pair], rate: int, seconds: float) -> bool:
    """Whether so many calls a second are all answered promptly and ended well. A moment's delay may be made up for."""
    loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    calls: list[asyncio.Task[str]] = []
    trouble = ""
    while len(calls) < int(rate * seconds) and not trouble:
        at = began + len(calls) / rate
        await asyncio.sleep(max(0.0, at - loop.time()))
        if loop.time() - at > PROMPT:
            trouble = "the calls could not be begun in time"
        elif pair := next((pair for pair in pairs[len(calls) % len(pairs) :] + pairs if pair.free), None):
            calls.append(asyncio.create_task(_short_call(pair)))
            trouble = next((call.result() for call in calls[-rate:] if call.done() and call.result()), "")
        else:
            await asyncio.sleep(BREATH)
    trouble = next(filter(None, await asyncio.gather(*calls)), trouble)
    say(f"  {rate} a second: {trouble or 'all well'}")
    if trouble:
        await _quiet(pairs)
    return not trouble


async def _short_call(pair: Pair) -> str:
    """What went wrong, "" for nothing."""
    attempt = await pair.connect(patience=PROMPT)
    trouble = ""
    if attempt.over:
        trouble = f"a call was refused ({attempt.status})"
    elif not attempt.answered:
        trouble = f"a call was not answered within {PROMPT:.0f} s"
    if not await pair.part(PROMPT):
        trouble = trouble or f"a call did not end within {PROMPT:.0f} s"
    return trouble


async def _quiet(pairs: list[Pair]) -> None:
    """Let the box get over what was too much."""
    phones = [phone for pair in pairs for phone in (pair.caller, pair.called)]
    await asyncio.gather(*(phone.falls_quiet(QUIET_WITHIN) for phone in phones))
    await asyncio.sleep(1.0)


if __name__ == "__main__":
    os.umask(0o077)
    raise SystemExit(main(sys.argv[1:]))
