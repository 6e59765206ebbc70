"""Whatever happens, in whatever order: what must hold at every moment, and what must be left when everybody has gone home."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from appliance.calls import commands, events, facts
from appliance.calls.events import LineState, OperatorWish
from appliance.calls.names import CallId, Cause, Extension, LegId
from appliance.calls.record import Result
from appliance.switchboard.call import InQueue
from tests.switchboard.office import GSM, Office, firm

NUMBERS = [f"+35567200000{n}" for n in range(6)] + [""]
CAUSES = [Cause.NORMAL, Cause.BUSY, Cause.NO_ANSWER, Cause.REFUSED, Cause.UNREACHABLE, Cause.FAULT]


class Day:
    """A wild day in the office: everybody does anything at any time, and events travel for up to two seconds."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.office = Office(firm(operators=4), latency=self.latency)
        self.deeds = (
            [self.ring] * 5
            + [self.ring_on] * 6
            + [self.key] * 8
            + [self.heard] * 4
            + [self.pick_up] * 6
            + [self.hang_up] * 6
            + [self.refuse] * 3
            + [self.dial] * 3
            + [self.wish] * 3
            + [self.hold, self.phones, self.line]
            + [self.nonsense, self.restart, self.engine]
        )

    def latency(self) -> float:
        return self.dice.choice([0.0, 0.0, 0.001, 0.05, self.dice.random() * 2])

    def live(self, deeds: int) -> None:
        for _ in range(deeds):
            self.dice.choice(self.deeds)()
            self.office.run(self.dice.choice([0.0, 0.0, 0.1, 1.0, 5.0, 20.0]))
            self.check_now()

    def one_of(self, legs: object) -> LegId | None:
        some = sorted(legs)  # type: ignore[call-overload]
        return self.dice.choice(some) if some else None

    def ring(self) -> None:
        busy = {line for line in self.office.board.line_legs() if line == GSM}
        if not busy and not any(leg.startswith("in-") for leg in self.office.sound.calling):
            self.office.ring(self.dice.choice(NUMBERS))

    def ring_on(self) -> None:
        if leg := self.one_of(leg for leg in self.office.sound.calling if leg.startswith("in-")):
            self.office.post(events.LegRangAgain(leg, self.dice.randint(2, 5)))

    def key(self) -> None:
        if leg := self.one_of(self.office.sound.up):
            self.office.post(events.KeyPressed(leg, self.dice.choice("1123*#0")))

    def heard(self) -> None:
        if leg := self.one_of(self.office.sound.playing):
            play = self.office.sound.playing[leg]
            if not play.loop:
                del self.office.sound.playing[leg]
                self.office.post(events.Played(leg, play.playing))

    def pick_up(self) -> None:
        if leg := self.one_of(self.office.sound.ringing):
            self.office.pick_up(leg)

    def hang_up(self) -> None:
        sound = self.office.sound
        if leg := self.one_of(sound.up | sound.calling):
            self.office.drop(leg)

    def refuse(self) -> None:
        if leg := self.one_of(self.office.sound.ringing):
            self.office.drop(leg, self.dice.choice(CAUSES))

    def dial(self) -> None:
        who = self.dice.choice(["101", "102", "103", "104"])
        self.office.dial(who, self.dice.choice(["101", "102", "8103", "600", "700", "555", "+355672000001", "199"]))

    def wish(self) -> None:
        who = Extension(self.dice.choice(["101", "102", "103", "104", "999"]))
        wish = self.dice.choice([OperatorWish.READY, OperatorWish.READY, OperatorWish.PAUSED, OperatorWish.LOGGED_OUT])
        self.office.post(events.OperatorAsked(who, wish, "why"))

    def hold(self) -> None:
        if leg := self.one_of(self.office.sound.up):
            self.office.post(events.LegHeld(leg, self.dice.choice([True, False])))

    def phones(self) -> None:
        who = Extension(self.dice.choice(["101", "102", "103", "104"]))
        self.office.post(events.PhonesChanged(who, self.dice.choice([(), ("a",), ("a", "b")])))

    def line(self) -> None:
        self.office.post(events.LineChanged(GSM, self.dice.choice(list(LineState)), "so it goes"))

    def nonsense(self) -> None:
        """Late, doubled and made-up events."""
        legs = [fact.leg for fact in self.office.facts if isinstance(fact, facts.LegJoined)][-5:] or [LegId("nobody")]
        leg = self.dice.choice([*legs, LegId("nobody")])
        if leg not in self.office.sound.up and leg not in self.office.sound.ringing:
            for event in (events.LegEnded(leg, Cause.NORMAL), events.LegRinging(leg), events.Played(leg, 1)):
                self.office.post(event)

    def restart(self) -> None:
        if self.dice.random() < 0.3:
            self.office.restart()

    def engine(self) -> None:
        if self.dice.random() < 0.3:
            self.office.engine_dies()
            self.office.run(self.dice.random() * 3)
            self.office.happen(events.EngineUp())
            self.office.run(self.dice.random() * 3)

    def check_now(self) -> None:
        board = self.office.board
        offered = Counter(
            call.stage.offered_to
            for call in board.calls.values()
            if isinstance(call.stage, InQueue) and call.stage.offered_to is not None
        )
        assert all(times == 1 for times in offered.values()), "an operator has at most one caller ringing"
        for extension, operator in board.center.operators.items():
            assert (operator.ringing is not None) == (extension in offered)
            assert operator.ringing is None or board.center.waiters[operator.ringing].offered_to == extension
        for waiting in board.center.waiters:
            assert isinstance(board.calls[waiting].stage, InQueue), "who waits is in a queue"
        for call in board.calls.values():
            assert isinstance(call.stage, InQueue) == (call.id in board.center.waiters)

    def go_home(self) -> None:
        """Everybody hangs up, late mail arrives, the last timers run out."""
        for _ in range(4):
            for leg in sorted(self.office.sound.up | self.office.sound.calling | self.office.sound.ringing.keys()):
                self.office.drop(leg)
            self.office.run(100.0)
        self.check_left()

    def check_left(self) -> None:
        office, board = self.office, self.office.board
        assert not board.calls
        assert not board.center.waiters
        assert not office.sound.up
        assert not office.sound.recording
        for operator in board.center.operators.values():
            free = operator.talking is operator.ringing is None and not operator.other_calls
            assert free, f"{operator.extension} is still reserved"
        began = [fact.call for fact in office.facts if isinstance(fact, facts.CallBegan)]
        ended = Counter(fact.call for fact in office.facts if isinstance(fact, facts.CallEnded))
        assert len(began) == len(set(began))
        assert ended == Counter(began), "every call that began has exactly one end"
        kept = Counter(fact.call for fact in office.facts if isinstance(fact, facts.RecordingKept))
        assert kept == Counter(fact.call for fact in office.facts if isinstance(fact, facts.RecordingBegan))
        self.check_ledger(began)

    def check_ledger(self, began: list[CallId]) -> None:
        """Every lost caller is in exactly one open task, unless somebody spoke with them later."""
        opened = [f for f in self.office.facts if isinstance(f, facts.TaskOpened | facts.TaskRepeated)]
        noted = Counter(fact.call for fact in opened)
        for call in began:
            record = self.office.record_of(call)
            lost = record.result is Result.MISSED
            assert noted[record.call] == (1 if lost else 0), (record, noted[record.call])
        numbers = Counter(task.opened.number for task in self.office.board.ledger.open.values())
        assert all(times == 1 for number, times in numbers.items() if number)


@pytest.mark.parametrize("seed", range(60))
def test_a_wild_day(seed: int) -> None:
    day = Day(seed)
    day.live(400)
    day.go_home()


def test_a_wild_day_is_wild_enough() -> None:
    """The dice reach what they are meant to reach."""
    kinds: Counter[str] = Counter()
    for seed in range(10):
        day = Day(seed)
        day.live(400)
        kinds.update(type(fact).__name__ for fact in day.office.facts)
        kinds.update(type(output).__name__ for output in day.office.done if isinstance(output, commands.Command))
        kinds.update(fact.state.name for fact in day.office.facts if isinstance(fact, facts.OperatorChanged))
    wanted = ["TalkBegan", "OperatorMissed", "QueueLeft", "HoldChanged", "RecordingKept", "TaskClosed", "EngineNoted"]
    wanted += [
        "SET_ASIDE",
        "WRAP_UP",
        "PAUSED",
        "BUSY",
        "TALKING",
        "UNREACHABLE",
        "TaskRepeated",
        "TaskTried",
        "DialLine",
    ]
    assert not [kind for kind in wanted if not kinds[kind]]
