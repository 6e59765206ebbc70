"""What somebody should look at: who guesses, who has mistyped, who may not call there, which line is down."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from appliance.calls import facts
from appliance.calls.edge import Ban, Reach, Reached, Refusal
from appliance.calls.facts import Fact
from appliance.calls.moment import Moment
from appliance.calls.names import CallId, Extension, LineId
from appliance.supervisor.alarms import MOST_ADDRESSES, MOST_TOLD, Alarms, cap_alarms, line_alarms, reach_alarm
from appliance.switchboard.views import LiveLine
from webui.heard import understood

ZONE = ZoneInfo("Europe/Tirane")
NOON = Moment(1000.0, 1_795_000_000.0)  # 2026-11-18, 12:06 in Tirana
ANA = Extension("101")


def refused(refusal: Refusal, detail: str, times: int = 1, *, source: str = "udp 203.0.113.9:5071") -> Fact:
    return facts.PhoneRefused(NOON, refusal.value, source, detail, times)


def told(*some: Fact, bans: tuple[Ban, ...] = (), now: Moment = NOON) -> tuple[str, ...]:
    alarms = Alarms()
    for fact in some:
        alarms.take(fact)
    alarms.bans_are(bans)
    return understandable(alarms.words(now, ZONE))


def understandable(words: Iterable[str]) -> tuple[str, ...]:
    """The page can say each of them in the reader's language."""
    words = tuple(words)
    assert [one for one in words if not understood(one)[0]] == []
    return words


def test_a_slip_of_the_finger_is_not_worth_a_word() -> None:
    assert told(refused(Refusal.WRONG_PASSWORD, "extension 101", 4)) == ()


def test_a_mistyped_password_is_told_as_that_with_what_to_do() -> None:
    tries = refused(Refusal.WRONG_PASSWORD, "extension 101", 10)
    mistyped = refused(Refusal.MISTYPED, "too many wrong passwords for extension 101")
    still = refused(Refusal.BANNED, "extension 101", 60)
    assert told(tries, mistyped, still) == (
        "A telephone at 203.0.113.9 has a wrong password for extension 101: type it in anew there, or make a new one.",
    )


def test_what_the_front_door_calls_mistyped_is_told_at_once() -> None:
    first = refused(Refusal.WRONG_PASSWORD, "extension 101")
    mistyped = refused(Refusal.MISTYPED, "too many wrong passwords for extension 101")
    assert len(told(first, mistyped)) == 1


def test_a_telephone_of_somebody_who_is_not_here() -> None:
    assert told(refused(Refusal.UNKNOWN_USER, "extension 999", 10)) == (
        "A telephone at 203.0.113.9 wants to sign on as 999, which nobody here has.",
    )


def test_several_extensions_from_one_address_are_guesses_however_slow() -> None:
    tries = [refused(Refusal.WRONG_PASSWORD, f"extension {extension}") for extension in (101, 102, 103)]
    guessing = ("Somebody at 203.0.113.9 is guessing telephone passwords (3 times).",)
    assert told(*tries) == guessing
    assert told(*tries[:2]) == ()
    assert told(refused(Refusal.UNKNOWN_USER, "and more of the kind", 3)) == guessing
    elsewhere = refused(Refusal.WRONG_PASSWORD, "extension 103", source="tcp [2001:db8::9]:1024")
    assert told(*tries[:2], elsewhere) == ()


def test_who_was_silenced_is_told_with_how_long() -> None:
    tries = [refused(Refusal.WRONG_PASSWORD, f"extension {extension}", 5) for extension in (101, 102, 103)]
    soon = Ban("203.0.113.9", "", NOON.utc + 3600, "wrong passwords for several extensions")
    late = Ban("203.0.113.9", "", NOON.utc + 86400, "wrong passwords for several extensions")
    words = "Somebody at 203.0.113.9 was guessing telephone passwords and is not heard until"
    assert told(*tries, bans=(soon,)) == (f"{words} 13:06.",)
    assert told(bans=(late,)) == (f"{words} 2026-11-19 12:06.",)
    assert told(bans=(Ban("192.0.2.7", "101", NOON.utc, "10 wrong passwords for extension 101"),)) == ()


def test_the_word_is_over_when_the_telephone_is_in_or_somebody_has_seen_to_it_or_after_an_hour() -> None:
    alarms = Alarms()
    tries = refused(Refusal.WRONG_PASSWORD, "extension 101", 10, source="tls [2001:db8::9]:4711")
    alarms.take(tries)
    alarms.registered(ANA, ["udp 192.0.2.7:5060"])
    alarms.registered(Extension("102"), ["tls [2001:db8::9]:4712"])
    assert len(alarms.words(NOON, ZONE)) == 1
    alarms.registered(ANA, ["tls [2001:db8::9]:4712"])
    assert alarms.words(NOON, ZONE) == ()
    alarms.take(tries)
    alarms.forgive("2001:db8::9")
    assert alarms.words(NOON, ZONE) == ()
    assert told(tries, now=NOON.after(3599))
    assert not told(tries, now=NOON.after(3601))


def test_calls_that_are_refused_again_and_again_are_told_once() -> None:
    call = facts.CallForbidden(NOON, CallId("c-1"), ANA, "+8816000000", "101 may not call numbers that cost extra")
    assert told(call, call) == ()
    assert told(call, call, call) == (
        "Extension 101 was not let out 3 times within an hour, last to +8816000000: 101 may not call numbers that cost extra.",
    )
    assert told(call, call, call, now=NOON.after(3601)) == ()


def test_a_swarm_of_addresses_fills_neither_memory_nor_page() -> None:
    alarms = Alarms()
    for number in range(5 * MOST_ADDRESSES):
        source = f"udp 198.51.{number // 256}.{number % 256}:5060"
        for name in range(100):
            alarms.take(refused(Refusal.UNKNOWN_USER, f"extension {name}", source=source))
    *some, others = understandable(alarms.words(NOON, ZONE))
    assert len(some) == MOST_TOLD
    assert others == f"{MOST_ADDRESSES - MOST_TOLD} more addresses are guessing telephone passwords."


def line(state: str, minutes: float, capped: str = "") -> LiveLine:
    since = NOON.utc - 60 * minutes
    return LiveLine(LineId("trunk"), state, "no answer from 192.0.2.1", None, busy=False, since=since, capped=capped)


def test_a_provider_that_stays_away_is_told_with_since_when() -> None:
    assert understandable(line_alarms([line("down", 0.5), line("up", 50), line("starting", 50)], NOON, ZONE)) == ()
    assert understandable(line_alarms([line("down", 50)], NOON, ZONE)) == (
        "The line trunk has been down since 11:16: no answer from 192.0.2.1.",
    )


def test_a_line_that_may_spend_no_more() -> None:
    assert understandable(cap_alarms([line("up", 1)])) == ()
    assert understandable(cap_alarms([line("up", 1, "trunk has made its 20 calls of this hour")])) == (
        "The line trunk takes no more calls out for now: trunk has made its 20 calls of this hour.",
    )


def test_nobody_comes_in_from_outside_though_they_should() -> None:
    assert understandable(reach_alarm(Reached(Reach.GOOD, "seen from outside"))) == ()
    assert understandable(reach_alarm(Reached(Reach.BAD, "office.example.com leads nowhere."))) == (
        "Telephones outside the firm do not reach the box: office.example.com leads nowhere.",
    )
