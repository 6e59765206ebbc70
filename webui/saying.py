"""How times, numbers, people and places are said to the reader. Every function is a filter of the templates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal
from flask_babel import get_locale

from appliance.calls.facts import EndedBy, OperatorState
from appliance.calls.names import Cause, Direction, Extension
from appliance.calls.record import Result
from appliance.switchboard.settings import Settings
from webui.house import house
from webui.language import N_, _, many

MINUTE, HOUR, DAY = 60, 3600, 86400


def settings() -> Settings:
    """The firm as last known."""
    return house().firm.seen().settings


def zone() -> ZoneInfo:
    """The firm's time zone; UTC when it has none that exists."""
    return _zone(settings().timezone)


def local(utc: float) -> datetime:
    """The firm's wall clock at a UTC second."""
    return datetime.fromtimestamp(utc, UTC).astimezone(zone())


def now() -> float:
    """UTC seconds."""
    return house().config.clock()


def clock_time(utc: float) -> str:
    """`14:05`."""
    return f"{local(utc):%H:%M}"


def exact_time(utc: float) -> str:
    """`14:05:09`."""
    return f"{local(utc):%H:%M:%S}"


def when(utc: float) -> str:
    """`14:05` for today, `yesterday 14:05`, `Tue 17 Nov, 14:05`, with the year when it is not this one."""
    then, today = local(utc), local(now()).date()
    if then.date() == today:
        return clock_time(utc)
    if then.date() == today - timedelta(days=1):
        return _("yesterday %(time)s", time=clock_time(utc))
    return f"{day_of(then.date(), today)}, {clock_time(utc)}"


def day_heading(utc: float) -> str:
    """`Today`, `Yesterday`, `Tuesday, 17 November`."""
    then, today = local(utc).date(), local(now()).date()
    if then == today:
        return _("Today")
    if then == today - timedelta(days=1):
        return _("Yesterday")
    words = "EEEE, d MMMM" if then.year == today.year else "EEEE, d MMMM y"
    return upper_first(_date(then, words))


def day_of(day: date, today: date) -> str:
    """`Tue 17 Nov`, with the year when it is not this one."""
    return _date(day, "EEE d MMM" if day.year == today.year else "d MMM y")


def long_date(day: date) -> str:
    """`Saturday, 28 November 2026`."""
    return upper_first(_date(day, "EEEE, d MMMM y"))


def day(utc: float) -> str:
    """`28 November 2026`."""
    return _date(local(utc).date(), "d MMMM y")


def weekday(day: int) -> str:
    """The name of a day; 0 is Monday."""
    return upper_first(_date(date(2024, 1, 1 + day), "EEEE"))


def lasted(seconds: float | None) -> str:
    """`0:42`, `12:05`, `1:02:10`; nothing for nothing known."""
    if seconds is None:
        return ""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, HOUR)
    minutes, left = divmod(rest, MINUTE)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def in_words(seconds: float) -> str:
    """`45 seconds`, `5 minutes`: lengths that people choose."""
    if 0 < seconds < 1:
        return _("less than a second")
    whole = round(seconds)
    if whole >= MINUTE and whole % MINUTE == 0:
        return many("%(num)s minute", "%(num)s minutes", whole // MINUTE)
    if whole > 10 * MINUTE:
        return many("%(num)s minute", "%(num)s minutes", round(whole / MINUTE))
    return many("%(num)s second", "%(num)s seconds", whole)


def money(amount: float, currency: str = "") -> str:
    """`12.50`, `1 234,50 ALL`: as the reader writes figures."""
    figures = str(format_decimal(amount, "#,##0.00", locale=get_locale() or "en_GB"))
    return f"{figures} {currency}".strip()


def ago(utc: float) -> str:
    """`just now`, `5 minutes ago`, or when it was."""
    passed = now() - utc
    if passed < MINUTE:
        return _("just now")
    if passed < HOUR:
        return many("%(num)s minute ago", "%(num)s minutes ago", int(passed // MINUTE))
    return when(utc)


def telephone(number: str) -> str:
    """A number in groups that can be read aloud: `+355 69 123 4567`. Words for one that was withheld."""
    if not number:
        return _("number withheld")
    if len(number) <= 6:
        return number
    return _grouped(number, settings().country)


def person(extension: str) -> str:
    """`Arta Hoxha`, or the extension when nobody has it (any more)."""
    found = next((one for one in settings().people if one.extension == extension), None)
    return found.name or extension if found is not None else extension


def somebody(number: str) -> str:
    """A colleague by name, anybody else by number."""
    found = next((one for one in settings().people if one.extension == number), None)
    return found.name or number if found is not None else telephone(number)


def queue_title(name: str) -> str:
    """A queue as its owner calls it."""
    found = next((queue for queue in settings().queues if queue.name == name), None)
    return found.title or name if found is not None else name


def place(words: str) -> str:
    """A place of the call flow as people say it: `queue office` is `Queue “Office”`."""
    kind, _space, name = words.partition(" ")
    match kind:
        case "menu":
            return _("Menu “%(name)s”", name=name)
        case "say":
            return _("Message “%(name)s”", name=name)
        case "hours":
            return _("Opening hours “%(name)s”", name=name)
        case "queue":
            return _("Queue “%(name)s”", name=queue_title(name))
        case "phone":
            return _("%(name)s’s telephone", name=person(Extension(name)))
        case "hang" if name == "up":
            return _("End of the call")
        case _:
            return words


STATES = {
    OperatorState.LOGGED_OUT: N_("not at work"),
    OperatorState.UNREACHABLE: N_("telephone not connected"),
    OperatorState.READY: N_("ready"),
    OperatorState.RINGING: N_("telephone rings"),
    OperatorState.TALKING: N_("talking"),
    OperatorState.BUSY: N_("on another call"),
    OperatorState.WRAP_UP: N_("finishing notes"),
    OperatorState.PAUSED: N_("on a break"),
    OperatorState.SET_ASIDE: N_("did not answer"),
}

STAGES = {
    "ringing": N_("ringing"),
    "in menu": N_("listens to the menu"),
    "waiting": N_("waiting"),
    "offered": N_("waiting, a telephone rings"),
    "talking": N_("talking"),
    "on hold": N_("on hold"),
    "dialling": N_("dialling"),
    "returning": N_("is being taken up again"),
}

RESULTS = {
    Result.OPEN: N_("going on"),
    Result.ANSWERED: N_("answered"),
    Result.MISSED: N_("missed"),
    Result.INFORMED: N_("informed"),
    Result.NOT_REACHED: N_("nobody reached"),
}

DIRECTIONS = {Direction.IN: N_("incoming"), Direction.OUT: N_("outgoing"), Direction.INTERNAL: N_("inside")}

CAUSES = {
    Cause.NORMAL: N_("hung up"),
    Cause.BUSY: N_("busy"),
    Cause.NO_ANSWER: N_("no answer"),
    Cause.REFUSED: N_("refused"),
    Cause.UNKNOWN_NUMBER: N_("no such number"),
    Cause.UNREACHABLE: N_("cannot be reached"),
    Cause.CANCELLED: N_("the caller gave up"),
    Cause.FAULT: N_("a fault"),
}

ENDED_BY = {
    EndedBy.CALLER: N_("the caller"),
    EndedBy.CALLED: N_("our side"),
    EndedBy.BOX: N_("the box"),
}

ENCRYPTED = {"whole": N_("yes, the whole way"), "part": N_("only in part")}

LINE_STATES = {"starting": N_("starting"), "up": N_("works"), "down": N_("does not work")}

ROLES = {"owner": N_("owner"), "operator": N_("operator")}


def upper_first(words: str) -> str:
    """`monday` is `Monday`; the other letters stay."""
    return words[:1].upper() + words[1:]


def word(value: str, table: str) -> str:
    """The reader's word for one of a fixed few: `{{ operator.state|word("state") }}`."""
    known = WORDS[table].get(value)
    return _(known) if known is not None else value


WORDS: dict[str, dict[str, str]] = {
    "state": {state.value: words for state, words in STATES.items()},
    "stage": STAGES,
    "result": {result.value: words for result, words in RESULTS.items()},
    "direction": {direction.value: words for direction, words in DIRECTIONS.items()},
    "cause": {cause.value: words for cause, words in CAUSES.items()},
    "ended_by": {by.value: words for by, words in ENDED_BY.items()},
    "encrypted": ENCRYPTED,
    "line": LINE_STATES,
    "role": ROLES,
}


def _date(day: date, pattern: str) -> str:
    return str(format_date(day, pattern, locale=get_locale() or "en_GB"))


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def _grouped(number: str, country: str) -> str:
    import phonenumbers  # noqa: PLC0415 -- loaded with the first number shown

    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    kind = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(parsed, kind))
