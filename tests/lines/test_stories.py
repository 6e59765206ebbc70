"""Thousands of random stories between the line and the virtual modem, over a wire that splits, merges and delays.

Whatever happens, what the switchboard may rely on holds: each leg is born once and ends once, nothing is said of it
after that, sound that was wanted is over before its leg is, and in the end the line is up and both sides are idle.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from appliance.calls.events import CallerKnown, KeyPressed, LegEnded, LegRangAgain, LegRinging, LineChanged, LineRang
from appliance.calls.names import Cause, LegId
from appliance.lines.effects import Posted, SoundOver, SoundWanted
from appliance.lines.virtual.inside import Fault, Noted, NotNow
from appliance.lines.virtual.manners import Manners
from appliance.lines.virtual.network import FarManner
from tests.lines.world import World

STORIES = 40
"""A test."""
NUMBERS = ("+355672000001", "0672000002", "")


def random_manners(dice: random.Random, *, calm: bool) -> Manners:
    return Manners(
        delay=dice.choice([0.0, 0.01, 0.2]),
        begin_before_ok=dice.random() < 0.5,
        no_carrier=dice.random() < 0.5,
        refuses_second=dice.random() < 0.5,
        sim_busy=dice.choice([0.0, 2.0, 8.0]),
        reboot=dice.choice([3.0, 15.0]),
        volte_only=dice.random() < 0.2,
        ring_every=dice.choice([3.0, 5.0, 6.0]),
        clip_after=dice.choice([0.1, 0.5, 2.0]),
        answer_after=dice.choice([0.5, 4.0, None]),
        gives_up=dice.choice([10.0, 40.0]),
        keys=dice.choice(["report", "both"]),
        pcm_settles=dice.choice([0.0, 0.2, 1.5]),
        second_call_degraded=not calm and dice.random() < 0.2,
    )


class Story:
    """One world, and a pair of hands for each side of the line."""

    def __init__(self, seed: int, *, calm: bool = False) -> None:
        self.dice = random.Random(seed)
        self.manners = random_manners(self.dice, calm=calm)
        self.world = World(seed, self.manners, worst_delay=self.dice.choice([0.0, 0.02, 0.25]))
        self.rings = 0
        self.keys = 0
        self.dialled = 0

    def play(self, acts: Sequence[Callable[[], None]], count: int) -> None:
        for _ in range(count):
            self.world.run(self.dice.choice([0.01, 0.1, 0.5, 2.0, 7.0]))
            with contextlib.suppress(NotNow):
                self.dice.choice(acts)()

    def settle(self) -> None:
        """Everybody puts the phone down; given time, everything must come to rest."""
        world = self.world
        world.run(1.0)
        if not world.plugged and world.back_at is None:
            world.plug()
        world.modem_does(world.modem.misbehave("none", world.now))
        if world.modem.network.call is not None:
            world.far_hangs_up()
        for leg in self.legs():
            world.hang_up(leg)
        world.run(900.0)

    # ---- the far end

    def ring(self) -> None:
        self.world.ring(self.dice.choice(NUMBERS))
        self.rings += 1

    def far_answers(self) -> None:
        self.world.far_answers()

    def far_hangs_up(self) -> None:
        self.world.far_hangs_up(self.dice.choice(["NO CARRIER", "NO CARRIER", "BUSY"]))

    def far_manner(self) -> None:
        manners: list[FarManner] = ["answers", "answers", "silent", "busy", "refuses", "unreachable"]
        self.world.modem.network.far = self.dice.choice(manners)

    def press(self) -> None:
        self.world.presses(self.dice.choice("0123456789*#"))
        self.keys += 1

    # ---- the box

    def legs(self) -> list[LegId]:
        born = [one.leg for one in self.world.posted if isinstance(one, LineRang)]
        return [*born, *(LegId(f"out-{n}") for n in range(self.dialled))]

    def answer(self) -> None:
        if legs := self.legs():
            self.world.answer(legs[-1])

    def hang_up(self) -> None:
        if legs := self.legs():
            self.world.hang_up(self.dice.choice(legs[-2:]))

    def dial(self) -> None:
        self.world.dial(f"out-{self.dialled}", "+355672000009")
        self.dialled += 1

    def send_keys(self) -> None:
        if legs := self.legs():
            self.world.line_does(self.world.line.send_keys(legs[-1], "12#", self.world.now))

    def sound_trouble(self) -> None:
        if legs := self.legs():
            self.world.line_does(self.world.line.sound_trouble(legs[-1], self.world.now))

    # ---- the world

    def fault(self) -> None:
        faults: list[Fault] = ["error", "silent", "hang", "network", "none", "none"]
        self.world.modem_does(self.world.modem.misbehave(self.dice.choice(faults), self.world.now))

    def noise(self) -> None:
        self.world.modem_does(self.world.modem.noise(self.world.now))

    def pull(self) -> None:
        if self.world.plugged:
            self.world.pull(self.dice.choice([0.5, 5.0, 30.0]))

    def lose_bytes(self) -> None:
        self.world.to_line.parcels.clear()
        self.world.to_modem.parcels.clear()

    def check(self) -> None:
        """What the switchboard relies on."""
        born = Counter(leg for one in self.world.posted if isinstance(one, LineRang) for leg in [one.leg])
        dialled = [LegId(f"out-{n}") for n in range(self.dialled)]
        for leg in [*born, *dialled]:
            check_life(leg, self.world.posted, dialled=leg in dialled)
        assert set(born.values()) <= {1}
        assert self.world.line.settings.name == "gsm1"
        assert self.world.up, self.world.health
        assert self.world.modem.network.call is None
        assert self.world.line.idle


def check_life(leg: LegId, posted: list[Posted], *, dialled: bool) -> None:
    life = [one for one in posted if not isinstance(one, LineChanged) and one.leg == leg]
    kinds = [type(one) for one in life]
    assert kinds.count(LegEnded) == 1, life
    assert kinds[-1] is LegEnded, life
    assert kinds.count(LegRinging) <= 1
    assert kinds.count(SoundWanted) == kinds.count(SoundOver) <= 1, life
    assert kinds.count(CallerKnown) <= 1
    if dialled:
        assert not {LineRang, LegRangAgain} & set(kinds)
    else:
        assert kinds[0] is LineRang, life
        rings = [one.rings for one in life if isinstance(one, LegRangAgain)]
        assert rings == list(range(2, 2 + len(rings))), life
    if KeyPressed in kinds:
        assert not dialled or LegRinging in kinds or SoundWanted in kinds or LegEnded in kinds


@pytest.mark.parametrize("block", range(20))
def test_calm_stories_lose_no_call_and_no_key(block: int) -> None:
    for seed in range(block * STORIES, (block + 1) * STORIES):
        story = Story(seed, calm=True)
        story.world.until_up()
        acts = [story.ring, story.far_answers, story.far_hangs_up, story.far_manner, story.press]
        box = [story.answer, story.answer, story.dial, story.send_keys]
        hasty = seed % 2 == 1
        story.play([*acts, *box, story.hang_up] if hasty else [*acts, *box], 40)
        story.settle()
        story.check()
        assert story.world.modem.impatient == 0, "two commands at once"
        assert story.world.modem.unknown == []
        rang = [one for one in story.world.posted if isinstance(one, LineRang)]
        assert len(rang) == story.rings, f"seed {seed}: {story.rings} rang, {len(rang)} reported"
        pressed = [one for one in story.world.posted if isinstance(one, KeyPressed)]
        assert len(pressed) <= story.keys, f"seed {seed}"
        assert hasty or len(pressed) == story.keys, f"seed {seed}"  # a key may cross our own hang-up
        assert not [one for one in story.world.ended() if one.cause is Cause.FAULT], f"seed {seed}"


@pytest.mark.parametrize("block", range(20))
def test_rough_stories_end_every_leg_and_come_to_rest(block: int) -> None:
    for seed in range(10_000 + block * STORIES, 10_000 + (block + 1) * STORIES):
        story = Story(seed)
        acts = [story.ring, story.far_answers, story.far_hangs_up, story.press, story.answer, story.hang_up, story.dial]
        trouble = [story.fault, story.noise, story.pull, story.lose_bytes, story.sound_trouble, story.send_keys]
        story.play([*acts, *acts, *trouble], 40)
        story.settle()
        story.check()


def test_a_story_is_the_same_when_told_again() -> None:
    def told() -> tuple[list[Posted], list[str]]:
        story = Story(77)
        story.play([story.ring, story.answer, story.far_hangs_up, story.dial, story.fault, story.pull], 30)
        notes = [one.words for one in story.world.outcomes if isinstance(one, Noted)]
        return story.world.posted, notes

    assert told() == told()
