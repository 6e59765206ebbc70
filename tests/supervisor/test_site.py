"""Site files as people write them, right and wrong."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.callcenter.settings import QueueSettings
from appliance.callflow.settings import HANG_UP, Choice, OpenSpan, SpecialDay
from appliance.calls.names import Encryption
from appliance.supervisor.site import FIRST, Site, SiteError, digest, emergency_numbers, load, read
from appliance.supervisor.site_reader import SiteProblem
from appliance.switchboard.settings import (
    Caps,
    LineOptions,
    NumberFormat,
    NumberRoute,
    Person,
    Price,
    Provider,
    Reach,
)
from firmware_hooks.board import LampSettings

SHORT = """
record_prefix = "8"
phones = { 101 = "first-secret", 102 = "second-secret" }
queues.office.extension = "700"
[menus.main]
extension = "600"
texts = "Press one."
choices.1 = "queue office"
"""

LONG = """
record_prefix = 8
[[people]]
extension = "101"
password = "first-secret"
[[people]]
extension = 102
password = "second-secret"
[[menus]]
name = "main"
extension = 600
texts.en = "Press one."
  [[menus.choices]]
  key = 1
  to = "queue office"
[[queues]]
name = "office"
extension = 700
operators = [101, 102]
"""


def site(text: str) -> Site:
    return read(text.encode(), "office.toml")


def told(text: str) -> list[str]:
    with pytest.raises(SiteError) as caught:
        site(text)
    return str(caught.value).splitlines()


def problems(held: bytes) -> tuple[SiteProblem, ...]:
    """What is wrong with this file; nothing when it can go live. Any other exception fails the test."""
    try:
        read(held, "office.toml")
    except SiteError as error:
        return error.problems or pytest.fail("refused without a reason")
    return ()


def test_the_first_site_is_one_that_can_go_live() -> None:
    first = load(None)
    settings = first.settings
    assert [person.extension for person in settings.people] == ["101", "102", "103"]
    assert settings.lines == (LineOptions("gsm1", enters="hours office"),)  # type: ignore[arg-type]
    assert [line.name for line in first.virtual_lines] == ["gsm1"]
    assert first.lines == ()
    assert first.passwords == {}
    assert not first.lamps.operators
    menu = settings.flow.menus[0]
    assert set(menu.texts) == {"en", "ru", "sq"}
    assert menu.choices[0].to == "queue office"
    assert settings.queues[0].operators == ("101", "102", "103")
    assert len(settings.flow.hours[0].week) == 7
    assert first.digest == digest(FIRST.read_bytes())


def test_two_ways_to_write_the_same_firm() -> None:
    short, long = site(SHORT), site(LONG)
    assert short.settings == long.settings
    assert short.passwords == long.passwords == {"101": "first-secret", "102": "second-secret"}
    assert short.digest != long.digest


def test_a_firm_with_two_telephones_needs_few_lines_and_each_further_telephone_one() -> None:
    written = [line for line in SHORT.splitlines() if line.strip()]
    assert len(written) <= 8
    more = "[phones]\n" + "".join(f'{number} = "secret-{number}"\n' for number in range(101, 109))
    assert len(site(more).settings.people) == 8


def test_what_is_left_out_is_as_the_rooms_say() -> None:
    settings = site(SHORT).settings
    office = settings.queues[0]
    assert office == QueueSettings("office", "Office", office.operators, office.extension)
    assert settings.people[0] == Person(office.operators[0], "101")
    assert settings.flow.menus[0].then == HANG_UP


def test_a_name_alone_is_a_person_whose_password_the_box_makes() -> None:
    firm = site('people = { 101 = "Ana", 102 = { name = "Besim", language = "sq", may_call_out = false } }')
    assert [person.name for person in firm.settings.people] == ["Ana", "Besim"]
    assert not firm.settings.people[1].may_call_out
    assert firm.passwords == {}


def test_people_and_phones_meet() -> None:
    firm = site('people.101 = "Ana"\nphones.101 = "first-secret"')
    assert [person.name for person in firm.settings.people] == ["Ana"]
    assert firm.passwords == {"101": "first-secret"}


def test_a_week_as_people_write_it() -> None:
    firm = site("""
        [hours.office]
        week = ["mon-tue 9:00-13:00 14:00-18:00", "Saturday,sun 10:00-24:00"]
        special = { 2026-11-28 = "closed", 2026-11-29 = { hours = "10:00-12:00", title = "Flag Day" } }
        open = "hang up"
    """)
    hours = firm.settings.flow.hours[0]
    assert hours.week == (
        OpenSpan(0, "09:00", "13:00"),
        OpenSpan(0, "14:00", "18:00"),
        OpenSpan(1, "09:00", "13:00"),
        OpenSpan(1, "14:00", "18:00"),
        OpenSpan(5, "10:00", "24:00"),
        OpenSpan(6, "10:00", "24:00"),
    )
    assert hours.special == (SpecialDay("2026-11-28"), SpecialDay("2026-11-29", (("10:00", "12:00"),), "Flag Day"))


def test_a_week_may_go_over_the_weekend() -> None:
    firm = site('hours.night.week = ["sat-mon 20:00-24:00"]')
    assert [span.day for span in firm.settings.flow.hours[0].week] == [5, 6, 0]


def test_lines_and_lamps_are_hardware() -> None:
    firm = site("""
        people = { 101 = "Ana" }
        [lines]
        gsm2 = "virtual"
        gsm1 = { at = "/dev/ttyUSB2", sound = "/dev/ttyUSB4", pin = 1234, answer_after_rings = 1 }
        [lamps]
        buzzer = 17
        operators = { 101 = 22 }
        encrypted = { 101 = 24 }
    """)
    assert [line.name for line in firm.virtual_lines] == ["gsm2"]
    (modem,) = firm.lines
    assert (modem.name, modem.kind, modem.at, modem.sound, modem.pin) == (
        "gsm1",
        "sim7600",
        "/dev/ttyUSB2",
        "/dev/ttyUSB4",
        "1234",
    )
    assert firm.lamps.for_board() == LampSettings((("101", 22),), 17, encrypted=(("101", 24),))  # type: ignore[arg-type]
    assert site('lamps = { buzzer = "BOARD11", factory = "mock" }').lamps.for_board().buzzer == "BOARD11"
    assert [line.enters for line in firm.settings.lines] == ["phone 101", "phone 101"]
    assert (firm.lamps.factory, firm.lamps.buzzer, firm.lamps.operators) == ("auto", 17, {"101": 22})


def test_the_countrys_emergency_numbers_are_known_unless_the_file_says_others() -> None:
    assert site("").settings.emergency_numbers == emergency_numbers("AL")
    assert emergency_numbers("AL")
    assert all(number.isdecimal() for number in emergency_numbers("RU"))
    assert site("emergency_numbers = []").settings.emergency_numbers == ()
    assert site('country = "QQ"\nemergency_numbers = ["9990"]').settings.emergency_numbers == ("9990",)


def test_secrets_do_not_show_in_what_may_be_logged() -> None:
    firm = site('phones = { 101 = "first-secret" }\nlines.gsm1.pin = "4711"')
    assert "first-secret" not in repr(firm)
    assert "4711" not in repr(firm)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '\n\n[[people]]\nextention = "101"\nextension = "101"',
            "office.toml line 4: people has no key 'extention'; did you mean 'extension'?",
        ),
        ('people.101.nane = "Ana"', "office.toml line 1: people has no key 'nane'; did you mean 'name'?"),
        ('fimr = "R e Re"', "office.toml line 1: the site has no key 'fimr'; did you mean 'firm'?"),
        ("zebra = 1", "office.toml line 1: the site has no key 'zebra'"),
        ("firm = 3", "office.toml line 1: the site: firm has to be text in quotation marks, not a number"),
        ('language = "eng"', "office.toml line 1: the site: language cannot be 'eng'; it is one of en, ru, sq; did you mean 'en'?"),
        ('\n\ncountry = "Albania"', "office.toml line 3: the site: country cannot be 'Albania': write two letters, like AL, or list emergency_numbers"),
        ('timezone = "Europe/Tirana"', "office.toml line 1: timezone: there is no time zone 'Europe/Tirana'; a good one is Europe/Tirane"),
        ('firm = "x\n', "office.toml line 1: Illegal character '\\n' (column 10)"),
        ('[a]\n\nfirm = "x',"office.toml line 3: Unterminated string"),
        ("firm =\n", "office.toml line 1: Invalid value (column 7)"),
        ("[people]\n101 = 5", "office.toml line 2: people 101: has to be a table or text, not a number"),
        ("people = 5", "office.toml line 1: the site: people has to be a table for each, not a number"),
        ('[[queues]]\ntitle = "x"', "office.toml line 1: queues: each needs name = …"),
        (
            'people.101 = "Ana"\n[queues.office]\noperators = ["101", "105"]',
            "office.toml line 3: queues office operators: nobody has the extension 105",
        ),
        ("queues.office.ring_seconds = true", "office.toml line 1: queues: ring_seconds has to be a number of seconds, not true or false"),
        (
            'menus.main.texts = "x"\nmenus.main.choices = { 1 = "queue off" }',
            "office.toml line 2: menus main choices 1 to: there is no place 'queue off'",
        ),
        (
            'menus.main.texts.xx = "x"\nmenus.main.choices.1 = "hang up"',
            "office.toml line 1: menus: texts has no key 'xx'",
        ),
        (
            '[[menus]]\nname = "a"\ntexts = "x"\n[[menus.choices]]\nkey = 1\n[[menus.choices]]\nkey = 12',
            "office.toml line 7: menus a choices 12 key: '12' is not a key: 0 to 9, * and # are",
        ),
        (
            '[people]\n101 = "Ana"\n\n[queues.office]\nextension = "101"',
            "office.toml line 5: queues office extension: 101 is already the extension of Ana",
        ),
        (
            "[[people]]\nextension = 101\n[[people]]\nextension = 101",
            "office.toml line 4: people 101 extension: 101 is already the extension of 101",
        ),
        (
            "[hours.office]\nweek = [\n  'mon-fri 09:00-18:00',\n  'weekend 09:00-18:00',\n]",
            "office.toml line 4: 'weekend 09:00-18:00' is not a piece of a week; write it like 'mon-fri 09:00-18:00'",
        ),
        ("hours.office.special.2026-11-28 = 'open'", "office.toml line 1: special: hours 'open' makes no sense; write 'closed', or hours like '10:00-14:00'"),
        ("lines.gsm1.kind = 'sim7601'", "office.toml line 1: lines: kind cannot be 'sim7601'; it is one of sim7600, virtual, sip; did you mean 'sim7600'?"),
        ("lines.gsm1.answer_after_rings = 0", "office.toml line 1: lines: answer_after_rings has to be a whole number from 1 to 20"),
        ("lines.gsm1.enters = 'menu main'", "office.toml line 1: lines gsm1 enters: there is no place 'menu main'"),
        ("lines.'../x' = 'virtual'", "office.toml line 1: lines: name has to be a short word of letters, digits, - or _"),
        ("lamps.buzzer = 28", "office.toml line 1: lamps: buzzer has to be a whole number from 0 to 27"),
        ("lamps.operators.105 = 22", "office.toml line 1: operators has no key '105'"),
        ('people.101 = "Ana"\nlamps = { buzzer = 22, operators.101 = 22 }', "office.toml line 2: lamps: operators and the buzzer need a pin each; two have the same"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, words: str) -> None:
    assert told(text) == [words]


@pytest.mark.parametrize("password", ["Ana", "geheim wort", "пароль-пароль"])
def test_a_password_that_is_no_good_is_refused_and_not_repeated(password: str) -> None:
    (words,) = told(f'\n[phones]\n101 = "{password}"')
    assert words.startswith("office.toml line 3: phones: password needs at least 8 plain letters")
    assert password not in words


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file() -> None:
    lines = told('people = { 101 = { nmae = "x" } }\nqueues.a.wrapup_seconds = 1\nlines.gsm1.rings = 2\nfoo = 1')
    assert [line.split(":")[0] for line in lines] == [f"office.toml line {number}" for number in (1, 2, 3, 4)]


def test_a_place_that_leads_in_a_circle_is_refused() -> None:
    (words, *_) = told(
        'announcements.a = { texts = "x", then = "say b" }\nannouncements.b = { texts = "y", then = "say a" }'
    )
    assert (
        words
        == "office.toml line 1: announcements a: a caller who does nothing would be led in a circle and never leave"
    )


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"^office\.toml: cannot be read \(No such file or directory\)$"):
        load(tmp_path / "office.toml")
    (tmp_path / "x").mkdir()
    with pytest.raises(SiteError, match=r"^x: cannot be read \(Is a directory\)$"):
        load(tmp_path / "x")
    (tmp_path / "big.toml").write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(SiteError, match="is it a site file"):
        load(tmp_path / "big.toml")


def test_a_file_of_another_alphabet_is_told_so() -> None:
    with pytest.raises(SiteError, match=r"^office\.toml line 2: is not UTF-8 text"):
        read(b'firm = "x"\nlanguage = "\xf1"', "office.toml")


def test_a_byte_order_mark_and_dos_line_ends_are_fine() -> None:
    assert read(b'\xef\xbb\xbffirm = "R"\r\n[people]\r\n101 = "Ana"\r\n', "office.toml").settings.firm == "R"


def test_a_choice_keeps_its_title() -> None:
    menu = load(None).settings.flow.menus[0]
    assert menu.choices[1] == Choice("2", "say times", "Opening hours")


def test_a_spoilt_file_is_refused_in_words_and_never_breaks_the_reader() -> None:
    """Cut, double or swap pieces of a good file: each result is a site or a SiteError with lines that exist."""
    good = FIRST.read_text(encoding="utf-8")
    dice = random.Random(5)
    pieces = re.split(r"([=\[\]{}\",.\n])", good)
    for _ in range(600):
        spoilt = list(pieces)
        for _ in range(dice.randint(1, 3)):
            first, second = dice.randrange(len(spoilt)), dice.randrange(len(spoilt))
            match dice.randrange(3):
                case 0:
                    del spoilt[first]
                case 1:
                    spoilt.insert(second, spoilt[first])
                case 2:
                    spoilt[first], spoilt[second] = spoilt[second], spoilt[first]
        text = "".join(spoilt)
        assert all(0 <= problem.line <= text.count("\n") + 2 for problem in problems(text.encode()))


@given(st.binary(max_size=60))
def test_any_bytes_at_all(held: bytes) -> None:
    assert all(problem.words for problem in problems(held))


PROVIDER = """
people.101 = { name = "Ana", encryption = "optional", reaches = ["national", "abroad"], never = ["+881"] }
queues.office.extension = "700"
currency = "ALL"
outside = { name = "office.example.com", tls_port = 15061 }
[lines.trunk]
kind = "sip"
profile = "eight-ten"
domain = "sip.example.com"
user = 10042
password = "not to be repeated"
main_number = "+74950000000"
enters = "queue office"
numbers = { "+74950000001" = "phone 101" }
calls_at_once = 4
addresses = ["192.0.2.0/24"]
caps = { cost_per_day = 20, calls_per_hour = 10 }
prices = { "+7" = 0.05, others = 1 }
"""


def test_a_provider_is_a_line() -> None:
    firm = site(PROVIDER)
    (trunk,) = firm.settings.lines
    assert trunk.provider == Provider(
        profile="eight-ten",
        domain="sip.example.com",
        user="10042",
        addresses=("192.0.2.0/24",),
        numbers_as=NumberFormat.EIGHT_TEN,
        main_number="+74950000000",
    )
    assert (trunk.calls_at_once, trunk.numbers) == (4, (NumberRoute("+74950000001", "phone 101"),))
    assert trunk.caps == Caps(calls_per_hour=10, cost_per_day=20.0, prices=(Price("+7", 0.05), Price("", 1.0)))
    assert (firm.lines, firm.virtual_lines) == ((), ())
    assert firm.line_passwords == {"trunk": "not to be repeated"}
    assert "not to be repeated" not in repr(firm)
    (ana,) = firm.settings.people
    assert (ana.reaches, ana.never, ana.encryption) == ((Reach.NATIONAL, Reach.ABROAD), ("+881",), Encryption.OPTIONAL)
    outside = (firm.settings.outside_name, firm.settings.outside_port, firm.settings.outside_tls_port)
    assert (outside, firm.settings.currency) == (("office.example.com", 0, 15061), "ALL")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ('domain = "sip example"', "lines: domain 'sip example' is no host name or address, like sip.example.com or 192.0.2.1:5062"),
        ('transport = "sctp"', "lines: transport cannot be 'sctp'; it is one of udp, tcp, tls"),
        ('numbers_as = "e.164"', "lines: numbers_as cannot be 'e.164'; it is one of e164, digits, zeros, national, 8~10; did you mean 'e164'?"),
        ('profile = "sipgat"', "lines: profile cannot be 'sipgat'; it is one of registering, by-address, eight-ten, sipgate, sipnet, telnyx, zadarma; did you mean 'sipgate'?"),
        ('caller_from = ["X-Caller"]', "lines: caller_from has to be a list of some of P-Asserted-Identity, Remote-Party-ID, From, the best first"),
        ('addresses = ["not one"]', "'not one' is no address, network or host name, like 192.0.2.1 or 192.0.2.0/24"),
        ("login = [1]", "lines: login has to be text in quotation marks, not a list"),
        ("calls_at_once = 0", "lines: calls_at_once has to be a whole number from 1 to 200"),
        ('encryption = "maybe"', "lines: encryption cannot be 'maybe'; it is one of off, optional, required"),
        ("caps.cost_per_day = -1", "caps: cost_per_day has to be a number, 0 or more"),
        ("caps.calls = 1", "caps has no key 'calls'"),
        ('prices."355" = 1', "prices: 355 is no beginning of a number in international form, like +355, and not 'others'"),
        ('at = "usb"', "lines has no key 'at'"),
        ('password = "two\\nlines"', "lines: password cannot be used: up to 200 signs that can be typed"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_provider_is_said_with_its_line(wrong: str, words: str) -> None:
    key = wrong.split("=", maxsplit=1)[0].strip()
    base = {"kind": '"sip"', "domain": '"sip.example.com"', "user": '"firm"', "enters": '"hang up"'}
    base.pop(key, None)
    text = "[lines.trunk]\n" + "".join(f"{name} = {value}\n" for name, value in base.items())
    assert told(text + wrong) == [f"office.toml line {len(base) + 2}: {words}"]


def test_a_provider_needs_a_domain_and_a_user_unless_it_knows_us_by_our_address() -> None:
    missing = told('[lines.trunk]\nkind = "sip"\nenters = "hang up"')
    assert [words.partition(" is missing")[0] for words in missing] == [
        "office.toml line 1: lines: domain",
        "office.toml line 1: lines: user",
    ]
    by_address = site('[lines.trunk]\nkind = "sip"\nprofile = "by-address"\ndomain = "192.0.2.1"\nenters = "hang up"')
    (trunk,) = by_address.settings.lines
    assert trunk.provider is not None
    assert not trunk.provider.registers


def test_the_first_site_with_its_provider_taken_out_of_the_comment_goes_live() -> None:
    held = FIRST.read_text(encoding="utf-8")
    before, _, after = held.partition("# [lines.trunk]")
    text = before + "[lines.trunk]" + after.replace("\n# ", "\n")
    assert [line.name for line in site(text).settings.lines] == ["gsm1", "trunk"]
