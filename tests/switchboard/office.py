"""An office in software: the engine, the lines and the telephones as the switchboard knows them, on a clock the test moves.

It keeps the contract of `appliance.calls`: every Dial is answered by LegEnded in the end, every Hangup by one LegEnded, every
Record by one RecordingEnded, every Play that is not looped by Played. What it does beyond that (who answers, who hangs up, how
late an event arrives) is up to the test or its dice.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from appliance.callcenter.settings import QueueSettings
from appliance.callflow.settings import Announcement, Choice, FlowSettings, Hours, Menu, OpenSpan
from appliance.calls import commands, events, facts
from appliance.calls.commands import Command
from appliance.calls.events import Event, LineState
from appliance.calls.facts import Fact
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Extension, LegId, LineId
from appliance.calls.record import CallRecord, fold
from appliance.switchboard.settings import LineOptions, Person, Provider, Reach, Settings
from appliance.switchboard.switchboard import Switchboard
from appliance.switchboard.table import Output

GSM = LineId("gsm1")
VOIP = LineId("voip")
ZONE = ZoneInfo("Europe/Tirane")
NOON = 1_795_000_000.0  # Wednesday 2026-11-18, 11:06:40 UTC: 12:06 in Tirana
ALWAYS = tuple(OpenSpan(day, "00:00", "24:00") for day in range(7))


def canonical(number: str) -> str:
    """As the desk writes numbers, for a firm in Albania."""
    if number.startswith("00"):
        return f"+{number[2:]}"
    return f"+355{number[1:]}" if number.startswith("0") else number


def kind(number: str) -> Reach | None:
    """What sort of number it is, seen from Albania."""
    written = canonical(number)
    if not written.startswith("+"):
        return None
    if written.startswith(("+355900", "+979")):
        return Reach.PREMIUM
    return Reach.NATIONAL if written.startswith("+355") else Reach.ABROAD


def provider(name: LineId = VOIP, /, **changes: object) -> LineOptions:
    """A line that is a provider with room for two calls; answered at once."""
    line = LineOptions(name, "hours office", 1, calls_at_once=2, provider=Provider(domain="sip.example.net"))
    return replace(line, **changes)  # type: ignore[arg-type]


def firm(operators: int = 3, **changes: object) -> Settings:
    """A small firm: people from 101, one queue, one menu, one GSM line."""
    people = tuple(Person(Extension(str(101 + n)), f"Operator {n + 1}") for n in range(operators))
    queue = QueueSettings("office", "Office", tuple(p.extension for p in people), Extension("700"))
    menu = Menu(
        "main",
        {"en": "Press 1 for the office, 2 for Ana."},
        (Choice("1", "queue office", "Office"), Choice("2", "phone 101", "Ana"), Choice("3", "say closed", "Hours")),
        Extension("600"),
        then="queue office",
    )
    flow = FlowSettings(
        menus=(menu,),
        announcements=(Announcement("closed", {"en": "We are closed."}),),
        hours=(Hours("office", ALWAYS, "menu main", "say closed"),),
    )
    settings = Settings(
        people=people,
        queues=(queue,),
        flow=flow,
        lines=(LineOptions(GSM, "hours office"),),
        record_prefix="8",
        emergency_numbers=("199",),  # nobody's: a number made up for the test
    )
    return Settings(**{**{name: getattr(settings, name) for name in settings.__slots__}, **changes})


@dataclass
class Sound:
    """What the engine and the lines have."""

    up: set[LegId] = field(default_factory=set)
    ringing: dict[LegId, Command] = field(default_factory=dict)
    """Legs that we dialled and nobody has answered."""
    calling: set[LegId] = field(default_factory=set)
    """Legs that called us and were not answered."""
    bridged: dict[LegId, LegId] = field(default_factory=dict)
    playing: dict[LegId, commands.Play] = field(default_factory=dict)
    recording: dict[CallId, commands.Record] = field(default_factory=dict)


class Office:
    """The switchboard with everything around it. `latency()` is how long each event travels, in seconds."""

    def __init__(self, settings: Settings | None = None, latency: Callable[[], float] = lambda: 0.0) -> None:
        self.now = Moment(1000.0, NOON)
        self._names = 0
        self.settings = settings or firm()
        self.sound = Sound()
        self.done: list[Output] = []
        self.facts: list[Fact] = []
        self.lamps: dict[Extension, str] = {}
        self.watched: dict[Extension, commands.ShowWatched] = {}
        self.messages: dict[Extension, commands.ShowMessages] = {}
        self.encrypted: dict[Extension, bool] = {}
        self.buzzer = False
        self.silent: set[LineId] = set()
        """Lines over which nothing is heard of what we dial."""
        self._latency = latency
        self._mail: list[tuple[float, int, Event]] = []
        self._letters = 0
        self._dialled_out: set[LegId] = set()
        self._latest: dict[LegId, float] = {}
        self.board = self.new_board()
        self.take(self.board.restore([], self.now))
        self.post(events.EngineUp())
        for line in self.settings.lines:
            self.post(events.LineChanged(line.name, LineState.UP, "registered"))
        for person in self.settings.people:
            self.post(events.PhonesChanged(person.extension, (f"phone-{person.extension}",)))
        self.run(2.0)

    def new_board(self) -> Switchboard:
        """A switchboard that knows nothing yet."""
        return Switchboard(self.settings, ZONE, self.name, canonical, kind, self.now)

    def name(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}-{self._names}"

    # ---- time and events

    def post(self, event: Event) -> None:
        """The event arrives after its latency, but never before an earlier one about the same leg."""
        self._letters += 1
        leg = getattr(event, "leg", LegId(""))
        at = max(self.now.mono + self._latency(), self._latest.get(leg, 0.0) if leg else 0.0)
        self._latest[leg] = at
        heapq.heappush(self._mail, (at, self._letters, event))

    def run(self, seconds: float = 0.0) -> None:
        """Let time pass: deliver what arrives, wake the switchboard when it wants to be woken."""
        until = self.now.mono + seconds
        while True:
            deadline = self.board.next_deadline()
            mail = self._mail[0][0] if self._mail else float("inf")
            at = min(mail, deadline if deadline is not None else float("inf"))
            if at > until:
                break
            self.now = self.now.after(max(0.0, at - self.now.mono))
            if mail <= at:
                self.take(self.board.handle(heapq.heappop(self._mail)[2], self.now))
            else:
                self.take(self.board.tick(self.now))
        self.now = self.now.after(until - self.now.mono)

    def happen(self, event: Event) -> None:
        """The event, and everything that follows from it at once."""
        self.post(event)
        self.run()

    def take(self, outputs: list[Output]) -> None:
        """Do what the switchboard asks."""
        self.done += outputs
        for output in outputs:
            if isinstance(output, Fact):
                self.facts.append(output)
            else:
                self._obey(output)

    def _obey(self, command: Command) -> None:
        sound = self.sound
        match command:
            case commands.Answer(leg=leg) if leg in sound.calling:
                sound.calling.discard(leg)
                sound.up.add(leg)
                self.post(events.LegAnswered(leg))
            case commands.DialPhone(leg=leg) | commands.DialLine(leg=leg):
                if isinstance(command, commands.DialLine) and self.is_modem(command.line):
                    self._dialled_out.add(leg)
                sound.ringing[leg] = command
                if getattr(command, "line", "") not in self.silent:
                    self.post(events.LegRinging(leg))
            case commands.Hangup(leg=leg, cause=cause):
                self.drop(leg, cause)
            case commands.Play(leg=leg) if leg in sound.up:
                sound.playing[leg] = command
            case commands.StopPlaying(leg=leg):
                sound.playing.pop(leg, None)
            case commands.Bridge(one=one, other=other) if {one, other} <= sound.up:
                assert not {one, other} & sound.bridged.keys(), "a caller is with at most one operator"
                sound.bridged[one], sound.bridged[other] = other, one
                sound.playing.pop(one, None)
                sound.playing.pop(other, None)
            case commands.Record(call=call):
                sound.recording[call] = command
            case commands.StopRecording(call=call) if sound.recording.pop(call, None):
                self.post(events.RecordingEnded(call, 1.0))
            case commands.ShowLamp(extension=extension, pattern=pattern):
                self.lamps[extension] = pattern
            case commands.ShowWatched(extension=extension):
                assert self.watched.get(extension) != command, "only what is new is said"
                self.watched[extension] = command
            case commands.ShowMessages(extension=extension):
                assert self.messages.get(extension) != command, "only what is new is said"
                self.messages[extension] = command
            case commands.ShowEncrypted(extension=extension, on=on):
                assert self.encrypted.get(extension, False) != on, "only what is new is said"
                self.encrypted[extension] = on
            case commands.Buzz(on=on):
                self.buzzer = on
            case _:
                pass

    # ---- what people do

    def ring(self, caller: str = "+355672000001", line: LineId = GSM, dialled: str = "", **more: str) -> LegId:
        """Somebody outside calls."""
        leg = LegId(self.name("in" if self.is_modem(line) else "v"))
        self.sound.calling.add(leg)
        self.post(events.LineRang(leg, line, caller, dialled, **more))
        return leg

    def ring_twice(self, caller: str = "+355672000001") -> LegId:
        """Somebody outside calls and waits for the second ring: the box has answered."""
        leg = self.ring(caller)
        self.run(4.0)
        self.happen(events.LegRangAgain(leg, 2))
        return leg

    def dial(self, extension: str, number: str) -> LegId:
        """One of our telephones calls."""
        leg = LegId(self.name("p"))
        self.sound.calling.add(leg)
        self.post(events.PhoneRang(leg, Extension(extension), number))
        self.run()
        return leg

    def key(self, leg: LegId, key: str) -> None:
        self.happen(events.KeyPressed(leg, key))

    def heard(self, leg: LegId) -> None:
        """What the party was being played has come to its end."""
        play = self.sound.playing.pop(leg)
        self.happen(events.Played(leg, play.playing))

    def phone_of(self, extension: str) -> LegId:
        """The leg that rings at this extension; exactly one."""
        (leg,) = self.ringing_at(extension)
        return leg

    def ringing_at(self, extension: str) -> list[LegId]:
        return [
            leg
            for leg, command in self.sound.ringing.items()
            if isinstance(command, commands.DialPhone) and command.extension == extension
        ]

    def pick_up(self, leg: LegId) -> None:
        """Somebody answers a telephone or number that we dialled."""
        del self.sound.ringing[leg]
        self.sound.up.add(leg)
        self.post(events.LegAnswered(leg))
        self.run()

    def drop(self, leg: LegId, cause: Cause = Cause.NORMAL) -> None:
        """The leg ends, whoever wanted it; a second time it is gone already."""
        sound = self.sound
        if leg not in sound.up and leg not in sound.calling and leg not in sound.ringing:
            return
        sound.up.discard(leg)
        sound.calling.discard(leg)
        sound.ringing.pop(leg, None)
        sound.playing.pop(leg, None)
        if other := sound.bridged.pop(leg, None):
            sound.bridged.pop(other, None)
        self.post(events.LegEnded(leg, cause))

    def hang_up(self, leg: LegId, cause: Cause = Cause.NORMAL) -> None:
        """A person puts the phone down, and the box does what follows."""
        self.drop(leg, cause)
        self.run()

    def engine_dies(self) -> None:
        """Every telephone's leg is gone, and nobody says a word about it; the modems know nothing of it."""
        gone, self.sound = self.sound, Sound()
        self.sound.up = {leg for leg in gone.up if self.on_line(leg)}
        self.sound.calling = {leg for leg in gone.calling if self.on_line(leg)}
        self.sound.ringing = {leg: command for leg, command in gone.ringing.items() if self.on_line(leg)}
        self.happen(events.EngineDown())

    def restart(self, *, lines_first: bool = False, new_journal: bool = False) -> None:
        """The desk dies and comes back: what it knew is in its facts, what is true is in the engine and on the lines.

        Everything on its way to the desk is lost, but for a line that rings: that rings on. A new journal has in it what is
        open, and nothing else.
        """
        journal = self.board.carried(self.now) if new_journal else list(self.facts)
        self._mail = [
            letter
            for letter in self._mail
            if isinstance(letter[2], events.LineRang) and letter[2].leg in self.sound.calling
        ]
        self.board = self.new_board()
        for shown in (self.watched, self.messages, self.encrypted):
            shown.clear()
        self.take(self.board.restore(journal, self.now))
        for person in self.settings.people:
            self.post(events.PhonesChanged(person.extension, (f"phone-{person.extension}",)))
        for line in self.settings.lines:
            self.post(events.LineChanged(line.name, LineState.UP, "registered"))
        legs = self.sound.up | self.sound.calling | self.sound.ringing.keys()
        stock = tuple(events.LegInStock(leg, leg in self.sound.up) for leg in sorted(legs))
        told: list[Event] = [
            events.EngineUp(stock, tuple(self.sound.recording)),
            *(
                events.LegEnded(leg, Cause.NORMAL, "the line finds no such call")
                for leg, _ in self.board.line_legs().values()
                if leg not in legs
            ),
        ]
        for event in reversed(told) if lines_first else told:
            self.post(event)
        self.run()

    def is_modem(self, line: LineId) -> bool:
        return any(one.name == line and one.provider is None for one in self.settings.lines)

    def dialled(self, line: LineId) -> list[LegId]:
        """The legs we have dialled over this line and that nobody has answered."""
        some = self.sound.ringing.items()
        return [leg for leg, command in some if isinstance(command, commands.DialLine) and command.line == line]

    def on_line(self, leg: LegId) -> bool:
        """Whether the leg lives in a modem."""
        return leg.startswith("in-") or leg in self._dialled_out

    # ---- what is on record

    def record(self, number: int = -1) -> CallRecord:
        """The record of a call, by its place among all calls; the last one when not told."""
        began = [fact for fact in self.facts if isinstance(fact, facts.CallBegan)][number]
        return self.record_of(began.call)

    def record_of(self, call: CallId) -> CallRecord:
        tasks = facts.TaskOpened | facts.TaskRepeated | facts.TaskTried | facts.TaskClosed
        return fold(
            fact  # type: ignore[misc]
            for fact in self.facts
            if getattr(fact, "call", None) == call and not isinstance(fact, tasks)
        )

    def story(self, number: int = -1) -> list[str]:
        """The steps of a call as short words."""
        return [" ".join(filter(None, (step.what, step.who, step.detail))) for step in self.record(number).steps]
