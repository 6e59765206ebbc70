"""A dental clinic in Tirana on a Saturday morning: people, calls, lost callers. Every number is made up."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from appliance.callcenter.settings import QueueSettings
from appliance.callflow.settings import Announcement, Choice, FlowSettings, Hours, Menu, OpenSpan, SpecialDay
from appliance.calls import facts
from appliance.calls.edge import Ban, Refusal
from appliance.calls.facts import EndedBy, OperatorState, Role
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Cause, Direction, Extension, LegId, LineId, TaskId
from appliance.calls.record import CallRecord, fold
from appliance.switchboard import asks
from appliance.switchboard.asks import AccountIs, TurnedAway
from appliance.switchboard.settings import Caps, LineOptions, NumberRoute, Person, Price, Provider, Settings
from appliance.switchboard.views import Live, LiveCall, LiveLine, LiveOperator, LiveQueue, LiveTask
from tests.webui.front import FrontDoor
from tests.webui.office import Clock, MemoryArchive, MemoryDesk, write_sound
from webui import DoneTask
from webui.logins import hash_password

PEOPLE = (
    ("101", "Arta Hoxha"),
    ("102", "Ilir Dervishi"),
    ("103", "Елена Соколова"),
    ("104", "Besnik Çela"),
    ("105", "Vjollca Përmeti"),
    ("106", "Сергей Константинопольский"),
)
SPARE = ("107", "Drita Shkodra")

SETTINGS = Settings(
    firm="Klinika Dentare Blerimi",
    language="sq",
    country="AL",
    timezone="Europe/Tirane",
    people=tuple(Person(Extension(number), name) for number, name in (*PEOPLE, SPARE)),
    queues=(
        QueueSettings(
            name="reception",
            title="Recepsioni",
            operators=tuple(Extension(number) for number, _ in PEOPLE[:4]),
            extension=Extension("700"),
        ),
        QueueSettings(
            name="russian",
            title="На русском",
            operators=(Extension("103"), Extension("106")),
            wrap_up_seconds=20.0,
            when_too_long="queue reception",
        ),
    ),
    flow=FlowSettings(
        menus=(
            Menu(
                name="main",
                texts={
                    "sq": "Mirë se vini në Klinikën Dentare Blerimi. Për një takim, shtypni 1. Për dhimbje të forta, shtypni 2. Për rusisht, shtypni 3.",
                    "ru": "Здравствуйте! Это стоматология «Блерими». Чтобы записаться на приём, нажмите 1. При острой боли — 2. Для русского языка — 3.",
                    "en": "Welcome to the Blerimi Dental Clinic. For an appointment, press 1. If you are in pain, press 2. For Russian, press 3.",
                },
                choices=(
                    Choice("1", "queue reception", "Takime"),
                    Choice("2", "phone 104", "Dhimbje të forta"),
                    Choice("3", "queue russian", "Rusisht"),
                    Choice("9", "say address", "Adresa"),
                ),
                extension=Extension("600"),
                then="queue reception",
            ),
        ),
        announcements=(
            Announcement(
                name="closed",
                texts={
                    "sq": "Klinika është e mbyllur. Hapemi nga e hëna deri të premten, nga ora nëntë deri në gjashtë. Ju lutemi lini numrin tuaj ose telefononi përsëri.",
                    "en": "The clinic is closed. We are open from Monday to Friday, from nine to six.",
                },
            ),
            Announcement(
                name="address",
                texts={"sq": "Na gjeni te Rruga e Kavajës, përballë parkut, kati i dytë."},
                then="menu main",
            ),
        ),
        hours=(
            Hours(
                name="office",
                week=(
                    *(OpenSpan(day, *span) for day in range(5) for span in (("09:00", "13:00"), ("14:00", "18:00"))),
                    OpenSpan(5, "09:00", "24:00"),
                ),
                open="menu main",
                closed="say closed",
                special=(
                    SpecialDay("2026-11-28", (), "Dita e Pavarësisë"),
                    SpecialDay("2026-12-24", (("09:00", "13:00"),), "Krishtlindjet"),
                ),
            ),
        ),
    ),
    lines=(
        LineOptions(name=LineId("gsm-1"), enters="hours office"),
        LineOptions(name=LineId("fixed"), enters="hours office", language="ru"),
        LineOptions(
            name=LineId("albtel"),
            enters="hours office",
            answer_after_rings=1,
            calls_at_once=10,
            numbers=(
                NumberRoute("+35542000101", "queue russian"),
                NumberRoute("+35542000102", "phone 103"),
            ),
            caps=Caps(
                calls_per_hour=60,
                cost_per_day=2500.0,
                prices=(Price("+355", 4.5), Price("+39", 22.0), Price("", 80.0)),
            ),
            provider=Provider(
                profile="albtel",
                domain="sip.albtel.example",
                transport="tcp",
                user="35542000100",
                main_number="+35542000100",
            ),
        ),
    ),
    currency="ALL",
    record_prefix="8",
)

STATES = (
    (OperatorState.TALKING, 184, ""),
    (OperatorState.RINGING, 4, ""),
    (OperatorState.READY, 611, ""),
    (OperatorState.PAUSED, 1265, "lunch"),
    (OperatorState.SET_ASIDE, 48, ""),
    (OperatorState.WRAP_UP, 6, ""),
    (OperatorState.LOGGED_OUT, 51000, ""),
)


def number(random_: random.Random) -> str:
    """A mobile number nobody has."""
    return f"+35569000{random_.randrange(10_000):04}"


def live(now: float, settings: Settings = SETTINGS) -> Live:
    """A busy minute."""
    calls = (
        _call("c1", now, "talking", 184, "+355690004411", ("101",), recording=True, encrypted="whole"),
        _call("c2", now, "offered", 42, "+355690007702", ("102",)),
        _call("c3", now, "waiting", 17, "+355690001938", ()),
        _call("c4", now, "in menu", 8, "", (), place="menu main"),
        LiveCall(
            CallId("c5"),
            Direction.OUT,
            "105",
            "",
            "+355690002260",
            LineId("fixed"),
            now - 71,
            "talking",
            now - 64,
            "",
            (Extension("105"),),
            recording=True,
            encrypted="part",
        ),
    )
    return Live(
        at=now,
        firm=settings.firm,
        calls=calls,
        operators=tuple(_operator(now, person, *state) for person, state in zip(settings.people, STATES, strict=True)),
        queues=(
            LiveQueue("reception", "Recepsioni", 2, now - 42, 1),
            LiveQueue("russian", "На русском", 0, None, 1),
        ),
        lines=(
            LiveLine(LineId("gsm-1"), "up", "registered at Vodafone AL, signal 67 %", 67, busy=True, since=now - 90000),
            LiveLine(
                LineId("fixed"), "down", "the modem is silent; trying again in 15 s", None, busy=False, since=now - 300
            ),
            LiveLine(
                LineId("albtel"),
                "up",
                "registered",
                None,
                busy=True,
                since=now - 7000,
                calls=3,
                room=10,
                calls_this_hour=17,
                spent_today=812.25,
            ),
        ),
        tasks=tuple(
            LiveTask(TaskId(f"t{index}"), CallId(f"past-{index}"), caller, "reception", now - ago, waited, lost, tries)
            for index, (caller, ago, waited, lost, tries) in enumerate(
                (
                    ("+355690003307", 740, 96, 1, 0),
                    ("+355690009120", 5210, 41, 3, 1),
                    ("", 9400, 12, 1, 0),
                    ("+355690005541", 86000, 203, 1, 2),
                )
            )
        ),
    )


def quiet(now: float, settings: Settings) -> Live:
    """Nothing to see."""
    return Live(at=now, firm=settings.firm)


def _call(
    name: str,
    now: float,
    stage: str,
    since: float,
    caller: str,
    operators: tuple[str, ...],
    *,
    place: str = "queue reception",
    recording: bool = False,
    encrypted: str = "",
) -> LiveCall:
    return LiveCall(
        CallId(name),
        Direction.IN,
        caller,
        "",
        "",
        LineId("gsm-1"),
        now - since - 20,
        stage,
        now - since,
        place,
        tuple(Extension(each) for each in operators),
        recording,
        encrypted,
    )


def _operator(now: float, person: Person, state: OperatorState, since: float, reason: str) -> LiveOperator:
    out = state is OperatorState.LOGGED_OUT
    return LiveOperator(
        person.extension,
        person.name,
        state,
        now - since,
        reason,
        0 if out else 1,
        ("reception",),
        0 if out else 7,
        "off",
    )


def past_calls(now: float, count: int, seed: int = 7) -> list[CallRecord]:
    """As many calls back in time, each folded from its facts."""
    return list(_past_calls(now, count, seed))


@cache
def _past_calls(now: float, count: int, seed: int) -> tuple[CallRecord, ...]:
    dice = random.Random(seed)
    calls, at = [], now - 900.0
    for index in range(count):
        calls.append(_past_call(dice, index, at))
        at -= dice.uniform(120, 4000)
    return tuple(calls)


def _past_call(dice: random.Random, index: int, began: float) -> CallRecord:
    name = CallId(f"past-{index}")
    kind = dice.choices(
        ("answered", "second", "missed", "informed", "out", "not reached", "inside"), (8, 3, 3, 2, 4, 1, 1)
    )[0]
    match kind:
        case "answered" | "second":
            return fold(_answered(dice, name, began, index, second=kind == "second"))
        case "missed":
            return fold(_missed(dice, name, began))
        case "informed":
            return fold(_informed(dice, name, began))
        case "inside":
            return fold(_out(dice, name, began, Direction.INTERNAL, "103", answered=True))
        case _:
            return fold(_out(dice, name, began, Direction.OUT, number(dice), answered=kind == "out"))


def _come_in(dice: random.Random, call: CallId, began: float, place: str, words: str) -> list[facts.CallFact]:
    at = Moment(began, began)
    return [
        facts.CallBegan(at, call, LegId(f"{call}-a"), Direction.IN, number(dice), "", LineId("gsm-1"), "", "sq"),
        facts.CallAnswered(at.after(5.0), call),
        facts.PlaceReached(at.after(5.0), call, "hours office"),
        facts.PlaceReached(at.after(5.0), call, place, words),
    ]


def _answered(dice: random.Random, call: CallId, began: float, index: int, *, second: bool) -> list[facts.CallFact]:
    at = Moment(began, began).after(dice.uniform(11, 25))
    first, other = (Extension(each) for each in dice.sample([number for number, _ in PEOPLE[:4]], 2))
    told: list[facts.CallFact] = [
        *_come_in(dice, call, began, "menu main", "open"),
        facts.KeyTaken(at, call, "1", "menu main"),
        facts.PlaceReached(at, call, "queue reception", "Takime"),
        facts.QueueJoined(at, call, "reception"),
        facts.OperatorOffered(at.after(1), call, first),
    ]
    answer = at.after(dice.uniform(4, 12))
    if second:
        told += [
            facts.OperatorMissed(at.after(16), call, first, "no answer"),
            facts.OperatorOffered(at.after(16), call, other),
        ]
        answer, first = at.after(22), other
    end = answer.after(dice.uniform(25, 420))
    return [
        *told,
        facts.QueueLeft(answer, call, "reception", "answered"),
        *_encrypted(answer, call, index),
        facts.TalkBegan(answer, call, LegId(f"{call}-b"), LegId(f"{call}-a"), first, "reception"),
        facts.RecordingBegan(answer, call, f"2026/11/{call}"),
        facts.CallEnded(end, call, dice.choice((EndedBy.CALLER, EndedBy.CALLED)), Cause.NORMAL),
        facts.RecordingKept(end, call, end.since(answer), "the disk was full" if index % 40 == 39 else ""),
    ]


def _encrypted(at: Moment, call: CallId, index: int) -> list[facts.CallFact]:
    """Now and then one party calls encrypted, now and then both."""
    legs = [LegId(f"{call}-{side}") for side in ("", "b", "ab")[index % 3]]
    return [facts.EncryptionChanged(at, call, leg, encrypted=True) for leg in legs]


def _missed(dice: random.Random, call: CallId, began: float) -> list[facts.CallFact]:
    at = Moment(began, began).after(14)
    left = at.after(dice.uniform(15, 240))
    return [
        *_come_in(dice, call, began, "menu main", "open"),
        facts.KeyTaken(at, call, "1", "menu main"),
        facts.QueueJoined(at, call, "reception"),
        facts.OperatorOffered(at.after(1), call, Extension("104")),
        facts.OperatorMissed(at.after(15), call, Extension("104"), "no answer"),
        facts.QueueLeft(left, call, "reception", "hung up"),
        facts.CallEnded(left, call, EndedBy.CALLER, Cause.CANCELLED),
    ]


def _informed(dice: random.Random, call: CallId, began: float) -> list[facts.CallFact]:
    end = Moment(began, began).after(24)
    return [*_come_in(dice, call, began, "say closed", "closed"), facts.CallEnded(end, call, EndedBy.BOX, Cause.NORMAL)]


def _out(
    dice: random.Random, call: CallId, began: float, direction: Direction, to: str, *, answered: bool
) -> list[facts.CallFact]:
    at = Moment(began, began)
    caller = Extension(dice.choice(PEOPLE)[0])
    leg = LegId(f"{call}-b")
    line = LineId("gsm-1") if direction is Direction.OUT else LineId("")
    inside = Extension(to) if direction is Direction.INTERNAL else Extension("")
    told: list[facts.CallFact] = [
        facts.CallBegan(at, call, LegId(f"{call}-a"), direction, caller, to),
        facts.LegJoined(at.after(1), call, leg, Role.CALLED, inside, line, "" if inside else to),
    ]
    if not answered:
        end = at.after(26)
        return [
            *told,
            facts.LegLeft(end, call, leg, Cause.BUSY, "486 Busy Here"),
            facts.CallEnded(end, call, EndedBy.BOX, Cause.BUSY),
        ]
    answer = at.after(dice.uniform(5, 20))
    end = answer.after(dice.uniform(30, 300))
    talker = inside or caller
    return [
        *told,
        facts.TalkBegan(answer, call, LegId(f"{call}-a"), leg, talker),
        facts.CallEnded(end, call, EndedBy.CALLER, Cause.NORMAL),
    ]


PASSWORD = "gjeth i kuq nen shi"


@cache
def _hashed() -> str:
    return hash_password(PASSWORD)


def accounts() -> dict[str, AccountIs]:
    """An owner and an operator; both have the same password."""
    hashed = _hashed()
    return {
        "blerim": AccountIs(0, "Blerim", "owner", hashed, Extension(""), ""),
        "arta": AccountIs(0, "Arta", "operator", hashed, Extension("101"), ""),
    }


def office(
    folder: Path, clock: Clock, *, full: bool = True, count: int = 180, sound: float = 40.0
) -> tuple[MemoryDesk, MemoryArchive]:
    """The clinic full of life, or a box on its first day."""
    if full:
        settings, picture = SETTINGS, live(clock.now)
        calls = past_calls(clock.now, count)
    else:
        settings = Settings(firm="Qendra")
        picture, calls = quiet(clock.now, settings), []
    desk = MemoryDesk(clock, settings, picture, folder / "sounds", accounts=accounts())
    if full:
        desk.front = busy_door(clock.now)
    for call in calls[:6]:
        if call.recording:
            write_sound(folder / "recordings" / f"{call.recording}.wav", min(call.talked, sound))
    if full:
        _past_changes(desk, clock)
    done = [
        DoneTask("+355690007310", clock.now - 9000, clock.now - 4000, "we called", "103", "", CallId("")),
        DoneTask("+355690002218", clock.now - 20000, clock.now - 16000, "they called", "101", "", CallId("")),
        DoneTask("", clock.now - 90000, clock.now - 80000, "by hand", "Blerim", "numër i fshehur", CallId("")),
    ]
    return desk, MemoryArchive(calls, done if full else [])


def busy_door(now: float) -> FrontDoor:
    """A night on which somebody tried."""
    scanner = "203.0.113.9"
    away = (
        (95, Refusal.WRONG_PASSWORD, "tcp 192.168.1.57:41022", "extension 102", 4),
        (1500, Refusal.BANNED, f"udp {scanner}:5071", "", 212),
        (1700, Refusal.UNKNOWN_USER, f"udp {scanner}:5071", "extension 1000", 10),
        (7300, Refusal.STRANGER, "udp [2001:db8::7]:5060", "INVITE without a proof", 1),
        (90_000, Refusal.GARBLED, "tls 198.51.100.77:50112", "an address that is not one of SIP", 3),
    )
    return FrontDoor(
        bans=(
            Ban(scanner, "", now + 2100, "several extensions were tried with wrong passwords from there"),
            Ban("192.168.1.57", "102", now + 500, "10 wrong passwords for extension 102"),
        ),
        turned_away=tuple(TurnedAway(now - ago, why.value, who, words, n) for ago, why, who, words, n in away),
        passwords={LineId("albtel"): "kept"},
    )


def _past_changes(desk: MemoryDesk, clock: Clock) -> None:
    now = clock.now
    firm = desk.settings
    for ago, who, what in (
        (90_000, "Blerim", "Added Drita Shkodra (107)"),
        (8_000, "Blerim", "Changed: menu main"),
        (900, "Arta", "Changed the opening hours office"),
    ):
        clock.now = now - ago
        desk.ask(asks.ChangeSettings(0, who, what, desk.version, firm))
    clock.now = now
    desk.asked.clear()
