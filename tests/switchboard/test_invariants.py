"""Whatever happens, in whatever order: what must hold at every moment, and what must be left when everybody has gone home."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from appliance.calls import commands, events, facts
from appliance.calls.events import LineState, OperatorWish
from appliance.calls.names import CallId, Cause, Direction, Encryption, Extension, LegId, LineId
from appliance.calls.record import Result
from appliance.switchboard.call import InQueue
from appliance.switchboard.settings import Caps, LineOptions, NumberRoute, Person, Price, Reach, Settings
from appliance.switchboard.tolls import destination, forbidden, price
from tests.switchboard.office import GSM, VOIP, ZONE, Office, canonical, firm, kind, provider

SPARE = LineId("spare")
HELP = "199"
DIALLED = ["101", "102", "8103", "600", "700", "555", HELP, "+355672000001", "0672000001", "+393331234567", "0900123"]
NUMBERS = [f"+35567200000{n}" for n in range(6)] + [""]
CAUSES = [Cause.NORMAL, Cause.BUSY, Cause.NO_ANSWER, Cause.REFUSED, Cause.UNREACHABLE, Cause.FAULT]


def wild_firm() -> Settings:
    """Four people who may call different things, a modem, and two providers that may not spend much."""
    people = (
        Person(Extension("101"), "Ana", reaches=tuple(Reach)),
        Person(Extension("102"), "Besim", also=("+39",), encryption=Encryption.REQUIRED),
        Person(Extension("103"), "Dea", never=("+35567",)),
        Person(Extension("104"), "Edi", may_call_out=False),
    )
    prices = (Price("", 1.0), Price("+355", 0.25))
    lines = (
        provider(caps=Caps(8, 12, 4.0, 3, prices), numbers=(NumberRoute("+35542000001", "queue office"),)),
        LineOptions(GSM, "hours office"),
        provider(SPARE, answer_after_rings=2, calls_at_once=1, caps=Caps(4, 0, 0.0, 0)),
    )
    return firm(operators=4, people=people, lines=lines)


class Day:
    """A wild day in the office: everybody does anything at any time, and events travel for up to two seconds."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.firm = wild_firm()
        self.office = Office(self.firm, latency=self.latency)
        self.away = 0
        """How often the desk was away while minutes began."""
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
            + [self.call_out] * 3
            + [self.hold, self.phones, self.line]
            + [self.encrypt] * 3
            + [self.nonsense, self.restart, self.engine, self.owner]
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
        line = self.dice.choice([GSM, VOIP, VOIP, SPARE, LineId("gone")])
        caller, dialled = self.dice.choice(NUMBERS), self.dice.choice(["", "042000001", "+35542000009"])
        if line != GSM:
            self.office.ring(caller, line, dialled)
        elif not self.office.board.lines.calls(GSM) and not any(
            leg.startswith("in-") for leg in self.office.sound.calling
        ):
            self.office.ring(caller)

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
        self.office.dial(who, self.dice.choice(DIALLED))

    def call_out(self) -> None:
        """Often answered: only calls that are answered cost something."""
        self.office.silent = {line for line in (VOIP, GSM, SPARE) if self.dice.random() < 0.3}
        self.office.dial(self.dice.choice(["101", "102"]), self.dice.choice(["0672000001", "+393331234567", HELP]))
        legs = [leg for line in (VOIP, SPARE, GSM) for leg in self.office.dialled(line)]
        if legs and self.dice.random() < 0.7:
            self.office.pick_up(self.dice.choice(legs))
            self.office.run(self.dice.choice([0.0, 0.0, 70.0]))

    def encrypt(self) -> None:
        if leg := self.one_of(self.office.sound.up | self.office.sound.ringing.keys()):
            self.office.post(events.LegEncrypted(leg, self.dice.choice([True, True, False])))

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
        line = self.dice.choice([GSM, VOIP, SPARE])
        self.office.post(events.LineChanged(line, self.dice.choice(list(LineState)), "so it goes"))

    def nonsense(self) -> None:
        """Late, doubled and made-up events."""
        legs = [fact.leg for fact in self.office.facts if isinstance(fact, facts.LegJoined)][-5:] or [LegId("nobody")]
        leg = self.dice.choice([*legs, LegId("nobody")])
        if leg not in self.office.sound.up and leg not in self.office.sound.ringing:
            for event in (events.LegEnded(leg, Cause.NORMAL), events.LegRinging(leg), events.Played(leg, 1)):
                self.office.post(event)

    def restart(self) -> None:
        if self.dice.random() < 0.3:
            self.away += 1
            self.office.restart(new_journal=self.dice.choice([True, False]))

    def engine(self) -> None:
        if self.dice.random() < 0.3:
            self.office.engine_dies()
            self.office.run(self.dice.random() * 3)
            self.office.happen(events.EngineUp())
            self.office.run(self.dice.random() * 3)

    def owner(self) -> None:
        """Takes a line, a person or a queue's number away in the middle of the day, and brings it back."""
        firm, queue = self.firm, self.firm.queues[0]
        settings = self.dice.choice(
            [
                firm,
                firm,
                replace(firm, lines=firm.lines[:2]),
                replace(firm, lines=firm.lines[1:]),
                replace(firm, people=firm.people[:3], queues=(replace(queue, operators=queue.operators[:3]),)),
                replace(firm, queues=(replace(queue, extension=Extension("701")),)),
            ]
        )
        self.office.settings = settings
        self.office.take(self.office.board.configure(settings, ZONE, self.office.now))

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

        self.check_lines()
        self.check_lamps()

    def check_lines(self) -> None:
        """Every leg is on its line, and no line carries more than it has room for; but for an emergency."""
        board = self.office.board
        on: dict[LineId, set[LegId]] = {}
        helps: Counter[LineId] = Counter()
        for call in board.calls.values():
            if call.line is not None and not call.caller_gone and board.lines.carries(call.caller):
                on.setdefault(call.line.name, set()).add(call.caller)
            for leg, party in call.parties.items():
                if party.line:
                    on.setdefault(party.line, set()).add(leg)
                    helps[party.line] += party.number == HELP
        for line in self.office.settings.lines:
            assert board.lines.calls(line.name) == len(on.get(line.name, ()))
            if line.provider is not None:
                assert board.lines.calls(line.name) - helps[line.name] <= line.calls_at_once

    def check_lamps(self) -> None:
        """What was said when it changed is what is true."""
        for lamp in self.office.board.watched():
            told = self.office.watched if isinstance(lamp, commands.ShowWatched) else self.office.messages
            assert told[lamp.extension] == lamp
        for person in self.office.settings.people:
            operator = self.office.board.center.operators[person.extension]
            on = operator.other_calls | ({operator.talking} if operator.talking else set())
            talks = [call for name in on if (call := self.office.board.calls.get(name)) and call.talking]
            whole = bool(talks) and all(call.encryption == "whole" for call in talks)
            assert self.office.encrypted.get(person.extension, False) == whole

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
        self.check_tolls()
        for line in office.settings.lines:
            assert not board.lines.calls(line.name)

    def check_tolls(self) -> None:
        """Nobody called where they may not, nothing went past a cap, and whoever was refused is on record."""
        refused = {fact.call for fact in self.office.facts if isinstance(fact, facts.CallForbidden)}
        people = {person.extension: person for person in self.firm.people}
        dialled: dict[LineId, list[float]] = {}
        minutes: Counter[LineId] = Counter()
        spent: dict[LineId, float] = {}
        for began in (fact for fact in self.office.facts if isinstance(fact, facts.CallBegan)):
            if began.direction is not Direction.OUT or began.dialled == HELP:
                continue
            record, joined = self.office.record_of(began.call), self.joined(began.call)
            why = forbidden(people[Extension(began.caller)], destination(began.dialled, canonical, kind))
            assert not (why and joined), "nobody calls where they may not"
            assert not why or began.call in refused, "and whoever tried is on record"
            if not joined and not why:
                assert began.call in refused or record.cause in (Cause.UNREACHABLE, Cause.FAULT), record
            for fact in joined:
                dialled.setdefault(fact.line, []).append(fact.at.mono)
            if record.talked:
                begun = math.ceil(record.talked / 60.0 - 1e-9)
                minutes[record.line] += begun
                caps = next(line.caps for line in self.firm.lines if line.name == record.line)
                assert begun <= (caps.longest_minutes or begun) + self.away
                spent[record.line] = spent.get(record.line, 0.0) + begun * price(caps, canonical(began.dialled))
        for line in self.firm.lines:
            for at in dialled.get(line.name, []):
                within = [one for one in dialled[line.name] if at - 3600.0 < one <= at]
                assert not line.caps.calls_per_hour or len(within) <= line.caps.calls_per_hour
            if line.caps.minutes_per_day:
                assert minutes[line.name] <= line.caps.minutes_per_day + 2 * self.away
            if line.caps.cost_per_day:
                assert spent.get(line.name, 0.0) <= line.caps.cost_per_day + 2 * self.away + 1e-9

    def joined(self, call: CallId) -> list[facts.LegJoined]:
        some = (fact for fact in self.office.facts if isinstance(fact, facts.LegJoined) and fact.call == call)
        return [fact for fact in some if fact.line]

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
        forbidden_facts = [fact for fact in day.office.facts if isinstance(fact, facts.CallForbidden)]
        kinds.update(" ".join(fact.why.split()[1:3]) for fact in forbidden_facts)
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
        "CallForbidden",
        "EncryptionChanged",
        "ShowEncrypted",
        "ShowWatched",
        "ShowMessages",
        "may not",
        "has made",
        "has spent",
        "carries no",
    ]
    assert not [kind for kind in wanted if not kinds[kind]]
