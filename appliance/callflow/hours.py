"""Is the firm open? Local time, weekly hours, and dates with hours of their own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from appliance.callflow.settings import Hours

Span = tuple[str, str]


def local(utc: float, zone: tzinfo) -> datetime:
    """The wall clock of the firm at a UTC second."""
    return datetime.fromtimestamp(utc, UTC).astimezone(zone)


def spans_of(hours: Hours, day: date) -> tuple[Span, ...]:
    """When the firm is open on this date; a special day replaces the weekday's hours."""
    for special in hours.special:
        if special.date == day.isoformat():
            return special.spans
    return tuple((span.begins, span.ends) for span in hours.week if span.day == day.weekday())


def is_open(hours: Hours, utc: float, zone: tzinfo) -> bool:
    """Whether the firm is open at this UTC second. A span includes its first minute and not its last."""
    now = local(utc, zone)
    minute = now.hour * 60 + now.minute
    return any(minutes(begins) <= minute < minutes(ends) for begins, ends in spans_of(hours, now.date()))


def opens_next(hours: Hours, utc: float, zone: tzinfo) -> datetime | None:
    """The next local time at which the firm opens, within two weeks; None when it does not."""
    now = local(utc, zone)
    for ahead in range(15):
        day = now.date() + timedelta(days=ahead)
        for begins, _ in sorted(spans_of(hours, day)):
            opening = datetime.combine(day, time(*divmod(minutes(begins), 60)), zone)
            if opening > now:
                return opening
    return None


def minutes(clock: str) -> int:
    """Minutes since midnight of `HH:MM`; `24:00` is the end of the day.

    Raises:
        ValueError: not a time of day.
    """
    hour, _, minute = clock.partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and len(minute) == 2 and int(minute) < 60):
        raise ValueError(f"{clock!r} is not a time of day like 09:30")
    value = int(hour) * 60 + int(minute)
    if value > 24 * 60:
        raise ValueError(f"{clock!r} is later than 24:00")
    return value
