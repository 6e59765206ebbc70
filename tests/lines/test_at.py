"""The AT engine on bytes alone."""

from __future__ import annotations

import random

import pytest

from appliance.lines.at import AtEngine, AtEvent, Command, Replied, Reply, Unsolicited

LIST = Command("AT+CLCC", 2.0, prefix="+CLCC")


def results(events: list[AtEvent]) -> list[str]:
    return [event.reply.result for event in events if isinstance(event, Replied)]


def unasked(events: list[AtEvent]) -> list[str]:
    return [event.line for event in events if isinstance(event, Unsolicited)]


def test_one_command_at_a_time() -> None:
    at = AtEngine()
    first, second = at.ask(Command("AT"), 0.0), at.ask(Command("AT+CSQ", prefix="+CSQ"), 0.0)
    assert at.to_write() == b"AT\r"
    assert at.receive(b"\r\nOK\r\n", 0.1) == [Replied(first, Reply(Command("AT"), "OK"))]
    assert at.to_write() == b"AT+CSQ\r"
    events = at.receive(b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n", 0.2)
    assert events == [Replied(second, Reply(Command("AT+CSQ", prefix="+CSQ"), "OK", ("+CSQ: 21,99",)))]


def test_unsolicited_lines_come_before_between_and_after_an_answer() -> None:
    at = AtEngine()
    at.ask(LIST, 0.0)
    said = (
        b'\r\nRING\r\n\r\n+CLCC: 1,1,4,0,0,"",128\r\n\r\n+CREG: 1,"00C3","1A2B"\r\n\r\nOK\r\n\r\nVOICE CALL: BEGIN\r\n'
    )
    events = at.receive(said, 0.1)
    assert unasked(events) == ["RING", '+CREG: 1,"00C3","1A2B"', "VOICE CALL: BEGIN"]
    assert [type(event) for event in events] == [Unsolicited, Unsolicited, Replied, Unsolicited]
    [reply] = [event.reply for event in events if isinstance(event, Replied)]
    assert reply.lines == ('+CLCC: 1,1,4,0,0,"",128',)


@pytest.mark.parametrize("seed", range(50))
def test_however_the_bytes_are_cut_the_events_are_the_same(seed: int) -> None:
    said = (
        b'AT+CLCC\r\r\nRING\r\n\r\n+CLCC: 1,1,4,0,0,"+355",145\r\n\r\nOK\r\n\r\n+CLIP: "+355",145\r\n\r\nNO CARRIER\r\n'
    )
    whole, cut = AtEngine(), AtEngine()
    whole.ask(LIST, 0.0)
    cut.ask(LIST, 0.0)
    dice, pieces, rest = random.Random(seed), [], said
    while rest:
        size = dice.randint(1, 1 + seed % 12)
        pieces.append(rest[:size])
        rest = rest[size:]
    assert [event for piece in pieces for event in cut.receive(piece, 0.1)] == whole.receive(said, 0.1)


def test_echo_is_tolerated_for_ever_and_is_no_answer() -> None:
    at = AtEngine()
    at.ask(Command("AT+CGMI", plain=True), 0.0)
    events = at.receive(b"AT+CGMI\r\r\nATEL WIRELESS\r\n\r\nOK\r\nAT+LATE\r\r\n", 0.1)
    [reply] = [event.reply for event in events if isinstance(event, Replied)]
    assert reply.lines == ("ATEL WIRELESS",)
    assert unasked(events) == []


def test_two_lines_glued_into_one() -> None:
    at = AtEngine()
    at.ask(Command("AT+CNUM"), 0.0)
    events = at.receive(b'\r\nERROR+CNUM: ,"+355",145\r\n', 0.1)
    assert results(events) == ["ERROR"]
    assert unasked(events) == ['+CNUM: ,"+355",145']


def test_the_prompt_has_no_line_end() -> None:
    at = AtEngine()
    at.ask(Command("AT+CMGS=3", 40.0, prefix="+CMGS", payload=b"C0FFEE"), 0.0)
    at.to_write()
    assert at.receive(b"\r\n", 0.1) == []
    assert at.receive(b"> ", 0.2) == []
    assert at.to_write() == b"C0FFEE\x1a"
    assert results(at.receive(b" C0FFEE\x1a\r\n+CMGS: 7\r\n\r\nOK\r\n", 3.0)) == ["OK"]


def test_a_prompt_nobody_expects_is_left_with_escape() -> None:
    at = AtEngine()
    at.ask(Command("AT"), 0.0)
    at.to_write()
    at.receive(b"\r\n> ", 0.1)
    assert at.to_write() == b"\x1b"
    assert results(at.receive(b"\r\nOK\r\n", 0.2)) == ["OK"]


def test_silence_ends_a_command_and_a_late_answer_is_not_taken_for_the_next() -> None:
    at = AtEngine()
    at.ask(Command("AT+CHUP", 5.0), 0.0)
    at.ask(LIST, 0.0)
    at.to_write()
    assert at.next_deadline() == 5.0
    assert results(at.tick(5.0)) == [""]
    assert at.to_write() == b"", "the next waits for the late answer"
    assert at.receive(b"\r\nOK\r\n", 5.5) == []
    assert at.to_write() == b"AT+CLCC\r"


def test_a_line_the_modem_says_unasked_too_is_told_at_once_whoever_asked() -> None:
    at = AtEngine()
    ticket = at.ask(Command("AT+CLCC", prefix="+CLCC", live=True), 0.0)
    assert unasked(at.receive(b"\r\n+CLCC: 1,1,6,0,0\r\n", 0.1)) == ["+CLCC: 1,1,6,0,0"]
    [event] = at.receive(b"\r\nOK\r\n", 0.2)
    assert isinstance(event, Replied)
    assert (event.ticket, event.reply.lines) == (ticket, ("+CLCC: 1,1,6,0,0",))


def test_a_late_answer_that_never_comes_is_not_waited_for_long() -> None:
    at = AtEngine()
    at.ask(Command("AT+CHUP", 5.0), 0.0)
    at.ask(LIST, 0.0)
    at.to_write()
    at.tick(5.0)
    assert at.next_deadline() == 5.0 + AtEngine.LATE
    at.tick(5.0 + AtEngine.LATE)
    assert at.to_write() == b"AT+CLCC\r"


def test_a_query_answered_without_its_line_has_got_the_ok_of_an_earlier_one() -> None:
    at = AtEngine()
    at.ask(Command("AT+CPIN?", prefix="+CPIN"), 0.0)
    assert at.receive(b"\r\nOK\r\n", 0.1) == []
    assert results(at.receive(b"\r\n+CPIN: READY\r\n\r\nOK\r\n", 0.2)) == ["OK"]


def test_no_carrier_answers_a_dial_and_only_a_dial() -> None:
    at = AtEngine()
    at.ask(LIST, 0.0)
    events = at.receive(b"\r\nNO CARRIER\r\n\r\nOK\r\n", 0.1)
    assert unasked(events) == ["NO CARRIER"]
    at.ask(Command("ATD0672000001;", dials=True), 0.2)
    assert results(at.receive(b"\r\nNO CARRIER\r\n", 0.3)) == ["NO CARRIER"]


def test_after_no_carrier_the_next_command_waits_for_a_second_word() -> None:
    at = AtEngine()
    at.ask(Command("ATA", dials=True), 0.0)
    at.to_write()
    at.receive(b"\r\nNO CARRIER\r\n", 0.1)  # the caller left: said of the call; the answer to ATA follows
    at.ask(LIST, 0.1)
    assert at.to_write() == b""
    assert at.receive(b"\r\nERROR\r\n", 0.2) == []
    assert at.to_write() == b"AT+CLCC\r"


def test_noise_is_thrown_away_and_counted() -> None:
    at = AtEngine()
    at.ask(Command("AT"), 0.0)
    assert results(at.receive(b"\xff\x00\xfeRI\x07NG\r\n\0\0\r\nOK\r\n", 0.1)) == ["OK"]
    assert at.garbage == 1


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    at = AtEngine()
    for _ in range(100):
        assert at.receive(b"x" * 1000, 0.0) == []
    assert len(at._buffer) <= AtEngine.LONGEST_LINE
    assert at.garbage > 0
    at.receive(b"\r\n", 0.0)
    assert unasked(at.receive(b"+CLCC: " + b"9" * 9000 + b"\r\n", 0.1)) == []


def test_names_in_other_alphabets_are_kept() -> None:
    at = AtEngine()
    at.ask(Command("AT+COPS?", prefix="+COPS"), 0.0)
    [event] = at.receive('\r\n+COPS: 0,0,"МТС",7\r\n\r\nOK\r\n'.encode(), 0.1)
    assert isinstance(event, Replied)
    assert event.reply.lines == ('+COPS: 0,0,"МТС",7',)


def test_abandoned_commands_end_unanswered_and_their_answers_are_nobodys() -> None:
    at = AtEngine()
    first, second = at.ask(Command("AT"), 0.0), at.ask(LIST, 0.0)
    at.receive(b"\r\n+CL", 0.1)
    assert [(event.ticket, event.reply.silent) for event in at.abandon() if isinstance(event, Replied)] == [
        (first, True),
        (second, True),
    ]
    assert at.next_deadline() is None
    assert at.receive(b"CC: 1\r\n\r\nOK\r\n", 0.2) == [Unsolicited("CC: 1")]


def test_a_command_not_yet_written_can_be_taken_back() -> None:
    at = AtEngine()
    first, second = at.ask(Command("AT"), 0.0), at.ask(Command("ATD1;"), 0.0)
    assert at.withdraw(second) is True
    assert at.withdraw(first) is False
    at.receive(b"\r\nOK\r\n", 0.1)
    assert at.to_write() == b"AT\r"


def test_a_pin_is_never_shown() -> None:
    assert Command('AT+CPIN="1234"', secret=True).shown == "AT+CPIN=…"


@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_arrives_raises(seed: int) -> None:
    dice, at = random.Random(seed), AtEngine()
    words = [b"OK", b"ERROR", b"+CME ERROR: ", b"+CLCC: ", b"\r\n", b"> ", b"\x1b", b"RING", b'"', b",", b"\xff", b"AT"]
    for n in range(2000):
        if dice.random() < 0.2:
            at.ask(dice.choice([LIST, Command("ATA", dials=True), Command("AT+CGMI", plain=True)]), float(n))
        at.receive(dice.choice(words) if dice.random() < 0.8 else dice.randbytes(5), float(n))
        at.tick(float(n))
        at.to_write()
