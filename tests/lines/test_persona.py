"""The virtual modem is honest: it has the manners, good and bad, that real ones have."""

from __future__ import annotations

import random
import re

import pytest

from appliance.lines.virtual.inside import Gone, KeyTone, NotNow, Outcome, Said, SoundOff, SoundOn
from appliance.lines.virtual.manners import Manners
from appliance.lines.virtual.persona import Persona

NUMBER = "+355672000001"


class Bench:
    """A modem and somebody typing."""

    def __init__(self, manners: Manners | None = None, settled: bool = True) -> None:
        self.modem = Persona(manners or Manners(), random.Random(1))
        self.now = 0.0
        self.heard = ""
        self.outcomes: list[Outcome] = []
        self.take(self.modem.boot(self.now))
        if settled:
            self.wait(10)
            self.ask("ATE0")
            self.read()

    def take(self, outcomes: list[Outcome]) -> None:
        self.outcomes += outcomes
        self.heard += "".join(one.data.decode("latin-1") for one in outcomes if isinstance(one, Said))

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (at := self.modem.next_deadline()) is not None and at <= end:
            self.now = at
            self.take(self.modem.tick(at))
        self.now = end

    def type(self, text: str) -> None:
        self.take(self.modem.receive(text.encode(), self.now))

    def ask(self, command: str, wait: float = 0.5) -> str:
        self.type(command + "\r")
        self.wait(wait)
        return self.read()

    def read(self) -> str:
        heard, self.heard = self.heard, ""
        return heard

    def lines(self) -> list[str]:
        return [line for line in re.split(r"[\r\n]+", self.read()) if line]

    def ring(self, number: str = NUMBER) -> None:
        self.take(self.modem.ring(number, self.now))

    def in_call(self) -> None:
        self.ring()
        self.ask("ATA")


def test_it_echoes_until_told_not_to_and_again_after_a_reset() -> None:
    bench = Bench(settled=False)
    assert bench.ask("AT") == "\r\nRDY\r\nAT\r\r\nOK\r\n"
    assert bench.ask("ATE0") == "ATE0\r\r\nOK\r\n"
    assert bench.ask("AT") == "\r\nOK\r\n"
    bench.ask("AT+CRESET")
    assert Gone(6.0) in bench.outcomes
    bench.take(bench.modem.boot(bench.now))
    bench.read()
    assert bench.ask("AT") == "AT\r\r\nOK\r\n"


@pytest.mark.parametrize(("refuses", "second"), [(False, ""), (True, "\r\nERROR\r\n")])
def test_a_second_command_is_lost_or_refused(refuses: bool, second: str) -> None:
    bench = Bench(Manners(refuses_second=refuses))
    bench.type("AT\rAT+CSQ\r")
    assert bench.read() == second
    bench.wait(1)
    assert bench.read() == "\r\nOK\r\n"
    assert bench.modem.impatient == 1


def test_answers_take_their_time() -> None:
    bench = Bench(Manners(delay=0.3, delays={"AT+CSQ": 2.0}))
    assert bench.ask("AT", 0.29) == ""
    bench.wait(0.02)
    assert bench.read() == "\r\nOK\r\n"
    assert bench.ask("AT+CSQ", 1.9) == ""
    bench.wait(0.2)
    assert bench.read() == "\r\n+CSQ: 21,99\r\n\r\nOK\r\n"


def test_what_it_does_not_know_is_an_error() -> None:
    bench = Bench()
    assert bench.ask("AT+QPCMV=1,0") == "\r\nERROR\r\n"
    assert bench.modem.unknown == ["AT+QPCMV=1,0"]
    assert bench.ask("hello") == ""


def test_lines_never_fall_into_an_answer() -> None:
    bench = Bench()
    bench.ask("AT+CLIP=1")
    bench.ring()
    for _ in range(40):
        bench.type("AT+CREG?\r")
        bench.wait(0.37)
    for answer in re.findall(r"\+CREG: 0,1\r\n(.*?)OK", bench.read(), re.DOTALL):
        assert answer == "\r\n"


def test_the_sim_is_busy_after_a_start() -> None:
    bench = Bench(Manners(sim_busy=4.0), settled=False)
    bench.ask("ATE0")
    assert bench.ask("AT+CPIN?") == "\r\nERROR\r\n"
    bench.ask("AT+CMEE=1")
    assert bench.ask("AT+CPIN?") == "\r\n+CME ERROR: 14\r\n"
    bench.wait(3)
    assert bench.lines() == ["+CPIN: READY", "SMS DONE"]
    assert "+CPIN: READY" in bench.ask("AT+CPIN?")


def test_three_wrong_pins_block_the_sim_over_every_restart() -> None:
    bench = Bench(Manners(pin="1234"))
    bench.ask("AT+CMEE=1")
    assert bench.ask("AT+SPIC").startswith("\r\n+SPIC: 3,")
    assert [bench.ask('AT+CPIN="0000"') for _ in range(3)] == ["\r\n+CME ERROR: 16\r\n"] * 3
    assert "SIM PUK" in bench.ask("AT+CPIN?")
    bench.take(bench.modem.boot(bench.now))
    bench.wait(5)
    bench.read()
    assert "SIM PUK" in bench.ask("AT+CPIN?")


def test_registration_is_asked_for_in_one_form_and_told_in_another() -> None:
    bench = Bench()
    bench.ask("AT+CREG=2")
    assert bench.ask("AT+CREG?") == '\r\n+CREG: 2,1,"00C3","00A1B2C3",7\r\n\r\nOK\r\n'
    bench.take(bench.modem.misbehave("network", bench.now))
    assert bench.read() == "\r\n+CREG: 2\r\n"
    bench.take(bench.modem.misbehave("none", bench.now))
    assert bench.read() == '\r\n+CREG: 1,"00C3","00A1B2C3",7\r\n'


def test_volte_only() -> None:
    bench = Bench(Manners(volte_only=True))
    assert "+CREG: 0,3" in bench.ask("AT+CREG?")
    assert "+CEREG: 0,1" in bench.ask("AT+CEREG?")


def test_a_call_in_rings_and_shows_its_number_a_moment_later() -> None:
    bench = Bench()
    bench.ask("AT+CLIP=1")
    bench.ask("AT+CLCC=1")
    bench.ring()
    assert bench.lines() == ["RING", f'+CLCC: 1,1,4,0,0,"{NUMBER}",145']
    bench.wait(0.2)
    assert bench.lines() == [f'+CLIP: "{NUMBER}",145,"",,"",0']
    bench.wait(2.9)
    assert bench.lines() == ["RING"]
    bench.wait(0.2)
    bench.read()
    bench.type("ATA\r")
    bench.wait(0.8)
    assert bench.lines() == ["VOICE CALL: BEGIN", f'+CLCC: 1,1,0,0,0,"{NUMBER}",145', "OK"]
    bench.wait(3)
    bench.take(bench.modem.hang_up(bench.now))
    assert bench.lines() == [f'+CLCC: 1,1,6,0,0,"{NUMBER}",145', "VOICE CALL: END: 000004", "NO CARRIER"]


def test_begin_may_come_after_the_ok_and_no_carrier_not_at_all() -> None:
    bench = Bench(Manners(begin_before_ok=False, no_carrier=False))
    bench.ring()
    bench.read()
    bench.type("ATA\r")
    bench.wait(1)
    assert bench.lines() == ["OK", "VOICE CALL: BEGIN"]
    bench.take(bench.modem.hang_up(bench.now))
    assert bench.lines() == ["VOICE CALL: END: 000001"]


def test_a_missed_call() -> None:
    bench = Bench()
    bench.ring()
    bench.read()
    bench.take(bench.modem.hang_up(bench.now))
    assert bench.lines() == [f"MISSED_CALL: 12:00AM {NUMBER}", "NO CARRIER"]


def test_ok_to_a_dial_means_accepted() -> None:
    bench = Bench()
    bench.ask("AT+CLCC=1")
    bench.type("ATD0672000009;\r")
    bench.wait(10)
    assert bench.lines() == [
        "OK",
        '+CLCC: 1,0,2,0,0,"0672000009",129',
        '+CLCC: 1,0,3,0,0,"0672000009",129',
        "VOICE CALL: BEGIN",
        '+CLCC: 1,0,0,0,0,"0672000009",129',
    ]


def test_a_dial_without_its_semicolon_is_a_data_call() -> None:
    assert Bench().ask("ATD0672000009") == "\r\nNO CARRIER\r\n"


def test_error_to_a_hang_up_without_a_call_and_ath_leaves_it_up() -> None:
    bench = Bench()
    assert bench.ask("AT+CHUP") == "\r\nERROR\r\n"
    bench.in_call()
    bench.read()
    assert bench.ask("ATH") == "\r\nOK\r\n"
    assert bench.modem.network.active
    assert "OK" in bench.ask("AT+CHUP")
    assert not bench.modem.network.active


def test_sound_is_refused_outside_calls_and_lies_for_a_moment() -> None:
    bench = Bench(Manners(pcm_settles=1.0))
    assert bench.ask("AT+CPCMREG=1") == "\r\nERROR\r\n"
    bench.in_call()
    bench.read()
    assert bench.ask("AT+CPCMREG=1") == "\r\nOK\r\n"
    assert "+CPCMREG: 0" in bench.ask("AT+CPCMREG?")
    assert "+CPCMREG: 1" in bench.ask("AT+CPCMREG?")
    assert SoundOn(wide=False, degraded=False) in bench.outcomes
    bench.ask("AT+CHUP")
    assert bench.outcomes[-1] != SoundOn(wide=False, degraded=False)
    assert SoundOff() in bench.outcomes
    assert bench.ask("AT+CPCMREG=0") == "\r\nERROR\r\n"


def test_from_the_second_call_on_the_sound_is_bad_until_the_modem_is_reset() -> None:
    bench = Bench(Manners(second_call_degraded=True))
    tries: list[str] = []
    for _ in range(2):
        bench.in_call()
        tries += [bench.ask("AT+CPCMREG=1")[2:-2], bench.ask("AT+CPCMREG=1")[2:-2]]
        bench.ask("AT+CHUP")
    assert [one.splitlines()[-1] for one in tries] == ["OK", "OK", "ERROR", "OK"]
    degraded = [one.degraded for one in bench.outcomes if isinstance(one, SoundOn)]
    assert degraded == [False, True]
    bench.ask("AT+CRESET")
    bench.take(bench.modem.boot(bench.now))
    bench.wait(10)
    bench.in_call()
    bench.read()
    assert "OK" in bench.ask("AT+CPCMREG=1")


def test_sixteen_kilohertz() -> None:
    bench = Bench()
    bench.ask("AT+CPCMFRM=1")
    bench.in_call()
    bench.ask("AT+CPCMREG=1")
    assert SoundOn(wide=True, degraded=False) in bench.outcomes


@pytest.mark.parametrize(
    ("keys", "ddet", "reported", "sounded"),
    [("both", "OK", True, True), ("report", "OK", True, False), ("sound", "ERROR", False, True)],
)
def test_keys_are_reported_and_heard(keys: str, ddet: str, reported: bool, sounded: bool) -> None:
    bench = Bench(Manners(keys=keys))
    assert ddet in bench.ask("AT+DDET=1")
    bench.in_call()
    bench.read()
    bench.take(bench.modem.press("7", bench.now))
    assert ("+RXDTMF: 7" in bench.read()) is reported
    assert (KeyTone("7") in bench.outcomes) is sounded


def test_no_key_is_reported_unless_asked_for() -> None:
    bench = Bench()
    bench.in_call()
    bench.read()
    bench.take(bench.modem.press("7", bench.now))
    assert bench.read() == ""


def test_what_the_far_end_cannot_do_now() -> None:
    bench = Bench(settled=False)
    with pytest.raises(NotNow, match="not on the network"):
        bench.ring()
    bench.wait(10)
    with pytest.raises(NotNow, match="no call"):
        bench.modem.hang_up(bench.now)
    with pytest.raises(NotNow, match="no call is up"):
        bench.modem.press("1", bench.now)
    with pytest.raises(NotNow, match="nothing rings"):
        bench.modem.answer(bench.now)
    bench.ring()
    with pytest.raises(NotNow, match="busy"):
        bench.ring()


def test_faults() -> None:
    bench = Bench()
    bench.take(bench.modem.misbehave("error", bench.now))
    assert bench.ask("AT") == "\r\nERROR\r\n"
    bench.take(bench.modem.misbehave("silent", bench.now))
    assert bench.ask("AT") == ""
    bench.ask("AT+CRESET")
    assert Gone(6.0) in bench.outcomes, "silent, but it heeds"
    bench.take(bench.modem.boot(bench.now))
    bench.wait(10)
    bench.take(bench.modem.misbehave("hang", bench.now))
    bench.outcomes.clear()
    bench.ask("AT+CRESET")
    assert bench.outcomes == []


def test_after_escape_the_next_command_is_still_one() -> None:
    bench = Bench()
    assert bench.ask("\x1bAT") == "\r\nOK\r\n"
