"""Calls on a modem, as far as their sound goes: a pty plays the modem, the engine and the telephones are real."""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import numpy as np
import pytest

from appliance.calls import commands, events
from appliance.calls.engine import OpenSound, PlayFiles, SoundNoted
from appliance.calls.names import CallId, Cause, LegId
from appliance.engine.engine import Engine
from appliance.engine.legs import ModemLeg
from appliance.engine.settings import Settings
from tests.engine.bench import Bench
from tests.engine.pcm_modem import PcmModem
from tests.engine.test_dtmf import heard, key_tone
from tests.engine.test_recordings import read
from tests.engine.test_sound import eventually, hears, sound_file
from tests.engine.tones import loudness, strength

MakeModem = Callable[..., PcmModem]


@pytest.fixture
def modem() -> Iterator[MakeModem]:
    made: list[PcmModem] = []

    def make(**habits: object) -> PcmModem:
        made.append(PcmModem(**habits))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()


def entries(box: Bench, folder: str) -> int:
    return sum(1 for _ in Path(f"/proc/{box.process.pid}/{folder}").iterdir())


def opened(box: Bench, port: PcmModem, *, keys: bool = False, rate: int | None = None) -> LegId:
    leg = box.new_leg()
    port.start()
    box.desk.tell(OpenSound(leg, port.path, rate or port.rate, keys_by_sound=keys))
    box.answered(leg)
    return leg


def modem_hears(port: PcmModem, hertz: float, share: float = 0.9) -> None:
    eventually(lambda: strength(port.heard(0.3), hertz, port.rate) > share, 3, f"{hertz} Hz at the modem")


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("burst", [1, 2, 5])
def test_caller_and_operator_hear_each_other(box: Bench, modem: MakeModem, rate: int, burst: int) -> None:
    port = modem(rate=rate, burst=burst)
    leg = opened(box, port)
    phone, operator = box.call_out_answered()
    port.talk(440)
    phone.sound.talk(1000)
    box.desk.tell(commands.Bridge(leg, operator))
    time.sleep(1.0)
    hears(phone, 440)
    modem_hears(port, 1000)
    box.desk.tell(commands.Hangup(leg))
    assert box.ended(leg) == events.LegEnded(leg, Cause.NORMAL)
    noted = box.desk.hears(SoundNoted)
    assert noted.words == ""
    assert noted.received >= rate * 2 * 0.9
    assert noted.sent == noted.received - noted.received % (rate // 25)
    assert box.desk.count(SoundNoted) == 1
    assert noted.lost == 0


def test_it_is_answered_with_the_first_sample_and_not_before(box: Bench, modem: MakeModem) -> None:
    port = modem()
    leg = box.new_leg()
    box.desk.tell(OpenSound(leg, port.path))
    box.desk.silent_about(events.LegAnswered, lambda _: True)
    port.start()
    box.answered(leg)


def test_the_port_is_ours_alone_raw_and_free_again_afterwards(box: Bench, modem: MakeModem) -> None:
    port = modem()
    leg = opened(box, port)
    other = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    second = box.new_leg()
    box.desk.tell(OpenSound(second, port.path))
    assert box.ended(second) == events.LegEnded(
        second, Cause.FAULT, "the modem's sound port is in use by another program"
    )
    box.desk.tell(commands.Hangup(leg))
    box.ended(leg)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_a_port_that_is_not_there_or_no_port(box: Bench, tmp_path: Path) -> None:
    plain = tmp_path / "file"
    plain.write_bytes(b"")
    for device, words in (
        (str(tmp_path / "none"), "cannot be opened: No such file"),
        (str(plain), "is no serial port"),
    ):
        leg = box.new_leg()
        box.desk.tell(OpenSound(leg, device))
        ended = box.ended(leg)
        assert ended.cause is Cause.FAULT
        assert words in ended.detail
    leg = box.new_leg()
    box.desk.tell(OpenSound(leg, "/dev/null", rate=44100))
    assert box.ended(leg).cause is Cause.FAULT


def test_sound_left_over_from_the_last_call_is_not_heard(box: Bench, modem: MakeModem) -> None:
    port = modem()
    port.stale(4000)
    leg = box.new_leg()
    box.desk.tell(OpenSound(leg, port.path))
    box.desk.silent_about(events.LegAnswered, lambda _: True)
    port.talk(0, 0)
    port.start()
    phone, operator = box.call_out_answered()
    box.desk.tell(commands.Bridge(leg, operator))
    time.sleep(1)
    assert loudness(phone.sound.heard(0.8)) < 20


def test_odd_sized_pieces_do_not_turn_into_noise(box: Bench, modem: MakeModem) -> None:
    dice = random.Random(1)

    def chop(data: bytes) -> list[bytes]:
        cut = dice.randrange(1, len(data))
        return [data[:cut], data[cut:]]

    port = modem(chop=chop)
    leg = opened(box, port)
    phone, operator = box.call_out_answered()
    port.talk(440)
    box.desk.tell(commands.Bridge(leg, operator))
    hears(phone, 440)


def test_a_modem_that_is_unplugged(box: Bench, modem: MakeModem) -> None:
    port = modem()
    leg = opened(box, port)
    phone, operator = box.call_out_answered()
    box.desk.tell(commands.Bridge(leg, operator), commands.Record(CallId("c"), leg, operator, "c"))
    time.sleep(0.5)
    port.unplug()
    assert box.ended(leg) == events.LegEnded(leg, Cause.FAULT, "modem's sound port is gone")
    assert box.desk.hears(SoundNoted).words == "modem's sound port is gone"
    assert box.desk.hears(events.RecordingEnded).fault == ""
    phone.sound.press("1")
    box.desk.hears(events.KeyPressed, lambda event: event.leg == operator)


def test_a_modem_that_goes_silent_is_noted_once_and_when_it_comes_back_the_sound_does(
    box: Bench, modem: MakeModem
) -> None:
    port = modem()
    leg = opened(box, port)
    phone, operator = box.call_out_answered()
    port.talk(440)
    box.desk.tell(commands.Bridge(leg, operator))
    hears(phone, 440)
    port.silent = True
    assert box.desk.hears(SoundNoted).words == "no sound from the modem for 2 s"
    time.sleep(0.5)
    assert box.desk.count(SoundNoted) == 1
    port.silent = False
    hears(phone, 440)
    box.desk.tell(commands.Hangup(leg))
    box.ended(leg)
    assert box.desk.count(SoundNoted, lambda noted: noted.words == "no sound from the modem for 2 s") == 2


def test_a_modem_at_another_rate_than_we_think_is_named(box: Bench, modem: MakeModem) -> None:
    port = modem(rate=16000)
    leg = opened(box, port, rate=8000)
    noted = box.desk.hears(SoundNoted, seconds=8)
    assert noted.leg == leg
    assert "samples a second instead of 8000" in noted.words


def test_a_modem_that_takes_nothing_never_holds_anything_up(box: Bench, modem: MakeModem) -> None:
    port = modem()
    leg = opened(box, port)
    phone, operator = box.call_out_answered()
    port.talk(440)
    phone.sound.talk(1000)
    box.desk.tell(commands.Bridge(leg, operator))
    modem_hears(port, 1000)
    port.deaf = True
    time.sleep(2.5)
    hears(phone, 440)
    box.desk.tell(commands.Hangup(leg))
    box.ended(leg)
    box.desk.hears(SoundNoted, lambda noted: noted.lost > 20)  # on a busy machine not the first


def test_a_voice_that_reaches_the_modem_raises_no_alarm(box: Bench, modem: MakeModem) -> None:
    port = modem()
    leg = opened(box, port)
    phone, operator = box.call_out_answered()
    phone.sound.talk(1000)
    box.desk.tell(commands.Bridge(leg, operator))
    modem_hears(port, 1000)
    time.sleep(6)
    assert not box.desk.count(SoundNoted)


def test_a_voice_that_does_not_reach_the_modem_is_noted_once(tmp_path: Path) -> None:
    """No real part can be brought to do this; but modems' firmware, and our own mistakes, have been seen to."""
    said: list[object] = []
    library = SimpleNamespace(silence=None, wake=lambda: None, happenings=deque())
    engine = Engine(cast("Any", library), Settings(tmp_path, tmp_path), lambda: 0.0, said.append)
    sound = Mock(spoken_at=100.0, received=320, sent=320, slips=0, lost=0)
    operator = SimpleNamespace(leg="op", end=SimpleNamespace(loudness=lambda: 70), partners=("m",))
    leg = ModemLeg(LegId("m"), cast("Any", sound), cast("Any", None), answered=True, partners=(LegId("op"),))
    engine._legs.by_name[LegId("op")] = cast("Any", operator)
    engine._legs.add(leg)
    for now in (101.0, 104.0, 106.0, 107.0):
        engine._modems.listen(now)
    assert said == [SoundNoted(LegId("m"), "the other side speaks, but the modem is sent silence", 320, 320, 0, 0)]


def test_prompts_are_heard_at_the_modem(box: Bench, modem: MakeModem, tmp_path: Path) -> None:
    port = modem()
    leg = opened(box, port)
    box.desk.tell(PlayFiles(leg, 1, (sound_file(tmp_path, 500, 0.6), sound_file(tmp_path, 900, 0.6, rate=16000))))
    modem_hears(port, 500)
    modem_hears(port, 900)
    box.desk.hears(events.Played)


def test_keys_in_the_sound(box: Bench, modem: MakeModem) -> None:
    port = modem()
    leg = opened(box, port, keys=True)
    pieces = [piece for key in "1590*#" for piece in (np.zeros(800), key_tone(key, 80))]
    port.say(np.concatenate(pieces).astype(np.int16))
    box.desk.hears(events.KeyPressed, lambda event: event == events.KeyPressed(leg, "#"))
    assert [event.key for event in box.desk.events if isinstance(event, events.KeyPressed)] == list("1590*#")


def test_keys_in_the_sound_are_not_looked_for_unless_wished(box: Bench, modem: MakeModem) -> None:
    port = modem()
    opened(box, port)
    port.say(key_tone("5", 200).astype(np.int16))
    box.desk.silent_about(events.KeyPressed, lambda _: True, 0.6)


def test_we_press_keys_toward_the_modem_and_do_not_hear_our_own_echo(box: Bench, modem: MakeModem) -> None:
    port = modem()
    leg = opened(box, port, keys=True)
    port.forget()
    box.desk.tell(commands.SendKeys(leg, "59"))
    time.sleep(1.0)
    sent = port.heard(5).astype(float)
    assert heard(sent) == "59"
    port.say(np.concatenate([np.zeros(1600), key_tone("7", 100)]).astype(np.int16))
    box.desk.hears(events.KeyPressed, lambda event: event == events.KeyPressed(leg, "7"))
    box.desk.tell(commands.SendKeys(leg, "3"))
    time.sleep(0.05)
    port.say(key_tone("3", 100).astype(np.int16))
    box.desk.silent_about(events.KeyPressed, lambda event: event.key == "3", 0.5)


def test_a_fast_modem_clock_costs_slips_not_sound(box: Bench, modem: MakeModem) -> None:
    """2 % fast, so that a minute's drift shows in seconds."""
    port = modem(ppm=20_000)
    leg = opened(box, port)
    phone, operator = box.call_out_answered()
    port.talk(440)
    phone.sound.talk(1000)
    box.desk.tell(commands.Bridge(leg, operator))
    time.sleep(6)
    hears(phone, 440)
    modem_hears(port, 1000, share=0.6)
    box.desk.tell(commands.Hangup(leg))
    box.ended(leg)
    assert 6 <= box.desk.hears(SoundNoted).slips <= 40


def test_keys_of_the_last_call_are_not_pressed_in_the_next(box: Bench, modem: MakeModem) -> None:
    port = modem()
    leg = opened(box, port)
    box.desk.tell(commands.SendKeys(leg, "1234567890" * 3), commands.SendKeys(leg, "1234567890"), commands.Hangup(leg))
    box.ended(leg)
    port.forget()
    opened(box, port)
    time.sleep(0.5)
    assert loudness(port.heard(5)) < 20
    assert "10 keys were not pressed" in box.said


def test_recording_a_call_on_the_modem(box: Bench, modem: MakeModem) -> None:
    port = modem()
    leg = opened(box, port)
    phone, operator = box.call_out_answered()
    port.talk(440)
    phone.sound.talk(1000)
    box.desk.tell(commands.Bridge(leg, operator), commands.Record(CallId("c"), leg, operator, "c"))
    time.sleep(2)
    box.desk.tell(commands.Hangup(operator))
    ended = box.desk.hears(events.RecordingEnded)
    assert abs(ended.seconds - 2) < 0.1
    sound = read(box.recordings / "c.wav")
    assert strength(sound[4000:, 0], 440) > 0.95
    assert strength(sound[4000:, 1], 1000) > 0.95


def test_many_calls_on_one_port_leave_nothing_behind(box: Bench, modem: MakeModem) -> None:
    port = modem()
    legs = [opened(box, port)]
    box.desk.tell(commands.Hangup(legs[0]))
    box.ended(legs[0])
    before = entries(box, "fd")
    for _ in range(60):
        leg = box.new_leg()
        box.desk.tell(OpenSound(leg, port.path, keys_by_sound=True))
        box.answered(leg)
        box.desk.tell(commands.SendKeys(leg, "1"), commands.Hangup(leg), commands.Hangup(leg))
        box.ended(leg)
    assert entries(box, "fd") == before
    assert entries(box, "task") < 12
