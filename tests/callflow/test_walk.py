"""Ways through the flow that the stories of the switchboard do not take."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from appliance.callflow.settings import Announcement, Choice, FlowSettings, Menu
from appliance.callflow.walk import MOST_PLACES, Chose, Hush, Over, Reached, Speak, ToPhone, ToQueue, Walk
from appliance.calls.moment import Moment
from appliance.calls.names import Extension
from appliance.calls.prompt import Phrase, Say

NOW = Moment(100.0, 1_795_000_000.0)
TIRANA = ZoneInfo("Europe/Tirane")
MAIN = Menu(
    "main",
    {"en": "Press 1.", "sq": "Shtypni 1."},
    (Choice("1", "queue office", "Office"), Choice("2", "phone 101"), Choice("3", "menu more"), Choice("4", "say bye")),
    tries=2,
)
MORE = Menu("more", {"sq": "Më shumë."}, (Choice("0", "menu main"),))
FLOW = FlowSettings(
    menus=(MAIN, MORE),
    announcements=(
        Announcement("bye", {"en": "Bye."}),
        Announcement("round", {"en": ""}, then="say about"),
        Announcement("about", {"en": ""}, then="say round"),
    ),
)


def walk(language: str = "en") -> Walk:
    return Walk(FLOW, language, "en", TIRANA)


def test_a_key_before_the_words_have_ended() -> None:
    way = walk()
    way.start("menu main", NOW)
    assert way.key("1", NOW) == [
        Hush(),
        Chose("1", "menu main"),
        Reached("queue office", "Office"),
        ToQueue("office"),
    ]
    assert way.key("1", NOW) == [], "after the walk is over keys mean nothing"


def test_a_key_that_rings_a_person() -> None:
    way = walk()
    way.start("menu main", NOW)
    assert way.key("2", NOW)[-1] == ToPhone(Extension("101"))


def test_languages_fall_back_to_what_there_is() -> None:
    assert walk("sq").start("menu main", NOW)[-1] == Speak((Say("Shtypni 1.", "sq"),))
    assert walk("ru").start("menu main", NOW)[-1] == Speak((Say("Press 1.", "en"),))
    assert walk("ru").start("menu more", NOW)[-1] == Speak((Say("Më shumë.", "sq"),))


def test_two_tries_without_a_key_then_on() -> None:
    way = walk()
    way.start("menu main", NOW)
    assert way.next_deadline() is None, "while the words last nobody is in a hurry"
    way.spoken(NOW)
    assert way.next_deadline() == NOW.mono + MAIN.seconds
    assert way.tick(NOW) == []
    assert way.tick(NOW.after(6.0)) == [Speak((Phrase("no_key", "en"), Say("Press 1.", "en")))]
    way.spoken(NOW.after(9.0))
    assert way.tick(NOW.after(15.0)) == [Reached("hang up", "no choice made"), Over()]


def test_an_announcement_ends_the_call() -> None:
    way = walk()
    way.start("menu main", NOW)
    assert way.key("4", NOW)[-1] == Speak((Say("Bye.", "en"),))
    assert way.spoken(NOW) == [Reached("hang up", ""), Over()]


def test_a_menu_may_be_walked_in_circles_as_long_as_keys_are_pressed() -> None:
    way = walk()
    way.start("menu main", NOW)
    for _ in range(MOST_PLACES):
        assert isinstance(way.key("3", NOW)[-1], Speak)
        assert isinstance(way.key("0", NOW)[-1], Speak)


def test_a_circle_without_keys_is_cut() -> None:
    way = walk()
    steps = way.start("say round", NOW)
    for _ in range(MOST_PLACES + 1):
        if steps == [Reached("hang up", "the flow runs in a circle"), Over()]:
            return
        steps = way.spoken(NOW)
    raise AssertionError("it went round and round")


def test_a_place_that_is_gone_hangs_up() -> None:
    assert walk().start("menu nowhere", NOW) == [Reached("menu nowhere", ""), Over()]
