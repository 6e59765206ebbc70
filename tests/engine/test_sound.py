"""What people hear: judged by the spectrum of what arrives at their telephones."""

from __future__ import annotations

import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.calls import commands, events
from appliance.calls.engine import PlayFiles
from appliance.calls.names import LegId
from tests.engine.bench import Bench
from tests.engine.peer import Phone, Sound
from tests.engine.tones import from_ulaw, loudness, strength, tone


def sound_file(folder: Path, hertz: float, seconds: float, rate: int = 8000) -> str:
    path = folder / f"tone-{hertz}-{seconds}-{rate}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(tone(hertz, seconds, rate=rate).tobytes())
    return str(path)


def hears(phone: Phone, hertz: float, *, within: float = 3.0) -> None:
    eventually(lambda: strength(phone.sound.heard(0.3), hertz) > 0.9, within, f"{hertz} Hz")


def hears_nothing(phone: Phone, *, within: float = 3.0) -> None:
    eventually(lambda: len(phone.sound.got) > 20 and loudness(phone.sound.heard(0.3)) < 20, within, "silence")


def eventually(true: Callable[[], bool], within: float, what: str) -> None:
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def test_a_telephone_is_sent_sound_even_when_there_is_nothing_to_hear(box: Bench) -> None:
    phone, _ = box.call_in_answered()
    time.sleep(1.0)
    assert len(phone.sound.got) >= 45
    assert loudness(phone.sound.heard()) < 20


def test_files_are_played_in_order_at_both_rates_and_the_end_is_told(box: Bench, tmp_path: Path) -> None:
    phone, leg = box.call_in_answered()
    files = (
        sound_file(tmp_path, 500, 0.6),
        sound_file(tmp_path, 1100, 0.6, rate=16000),
        sound_file(tmp_path, 700, 0.6),
    )
    box.desk.tell(PlayFiles(leg, 7, files))
    assert box.desk.hears(events.Played) == events.Played(leg, 7)
    time.sleep(0.1)
    heard = from_ulaw(b"".join(packet for _, _, packet in phone.sound.got))
    loud = np.flatnonzero(np.abs(heard) > 1000)
    heard = heard[loud[0] : loud[-1]]
    assert 1.75 < len(heard) / 8000 < 2.0  # three of 0.6 s, and a tick or two between
    for third, hertz in enumerate((500, 1100, 700)):
        begin = int(third * len(heard) / 3) + 800
        assert strength(heard[begin : begin + 3200], hertz) > 0.95


@pytest.mark.parametrize("count", [1, 2])
def test_a_loop_goes_on_until_it_is_stopped(box: Bench, tmp_path: Path, count: int) -> None:
    phone, leg = box.call_in_answered()
    files = tuple(sound_file(tmp_path, 600, 0.3 + 0.02 * number) for number in range(count))
    box.desk.tell(PlayFiles(leg, 1, files, loop=True))
    time.sleep(2.0)
    hears(phone, 600)
    box.desk.tell(commands.StopPlaying(leg))
    hears_nothing(phone)
    assert not box.desk.count(events.Played)


def test_a_new_play_takes_the_place_of_the_old(box: Bench, tmp_path: Path) -> None:
    phone, leg = box.call_in_answered()
    box.desk.tell(PlayFiles(leg, 1, (sound_file(tmp_path, 500, 10),)))
    hears(phone, 500)
    box.desk.tell(PlayFiles(leg, 2, (sound_file(tmp_path, 900, 0.5),)))
    hears(phone, 900)
    box.desk.hears(events.Played, lambda event: event.playing == 2)
    assert not box.desk.count(events.Played, lambda event: event.playing == 1)


@pytest.mark.parametrize("loop", [False, True])
def test_missing_and_broken_files_are_skipped(box: Bench, tmp_path: Path, loop: bool) -> None:
    _, leg = box.call_in_answered()
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFFxxxxWAVE, but no more than that is true of it, however long it goes on")
    began = time.monotonic()
    box.desk.tell(PlayFiles(leg, 3, (str(tmp_path / "none.wav"), str(broken)), loop=loop))
    if loop:
        box.desk.silent_about(events.Played, lambda _: True)
    else:
        box.desk.hears(events.Played, lambda event: event.playing == 3)
        assert time.monotonic() - began < 1
    assert "cannot play" in box.said
    box.desk.tell(PlayFiles(leg, 4, (str(broken), sound_file(tmp_path, 500, 0.2), str(broken))))
    box.desk.hears(events.Played, lambda event: event.playing == 4)


def test_nothing_to_play_is_played_at_once(box: Bench) -> None:
    _, leg = box.call_in_answered()
    box.desk.tell(PlayFiles(leg, 5, ()))
    box.desk.hears(events.Played, lambda event: event.playing == 5)


def test_two_people_hear_each_other_until_parted(box: Bench) -> None:
    one, first = box.call_in_answered()
    two, second = box.call_out_answered()
    one.sound.talk(440)
    two.sound.talk(1000)
    box.desk.tell(commands.Bridge(first, second))
    hears(one, 1000)
    hears(two, 440)
    box.desk.tell(commands.Unbridge(first, second))
    hears_nothing(one)
    hears_nothing(two)
    box.desk.tell(commands.Bridge(second, first), commands.Bridge(first, second))
    hears(one, 1000)
    hears(two, 440)


def test_bridging_ends_what_was_being_played(box: Bench, tmp_path: Path) -> None:
    one, first = box.call_in_answered()
    two, second = box.call_out_answered()
    box.desk.tell(PlayFiles(first, 1, (sound_file(tmp_path, 700, 30),), loop=True))
    hears(one, 700)
    two.sound.talk(1000)
    box.desk.tell(commands.Bridge(first, second))
    hears(one, 1000)
    assert not box.desk.count(events.Played)


def test_three_people_hear_one_another(box: Bench) -> None:
    phones, legs = zip(*(box.call_in_answered(extension=f"10{number}") for number in range(3)), strict=True)
    tones = (440, 700, 1000)
    for phone, hertz in zip(phones, tones, strict=True):
        phone.sound.talk(hertz, 4000)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        box.desk.tell(commands.Bridge(legs[one], legs[other]))
    time.sleep(1.0)
    for number, phone in enumerate(phones):
        heard = phone.sound.heard()
        for other, hertz in enumerate(tones):
            share = strength(heard, hertz)
            assert share < 0.01 if other == number else share > 0.4, (number, hertz)


def test_the_sound_comes_back_after_a_hold(box: Bench) -> None:
    one, first = box.call_in_answered()
    two, second = box.call_out_answered()
    one.sound.talk(440)
    two.sound.talk(1000)
    box.desk.tell(commands.Bridge(first, second))
    hears(one, 1000)
    for direction in ("inactive", "sendonly"):
        one.hold(direction)
        box.desk.hears(events.LegHeld, lambda event: event.held)
        time.sleep(0.2)
        before = len(one.sound.got)
        time.sleep(0.4)
        assert len(one.sound.got) - before <= 2, "a telephone on hold is sent nothing"
        one.hold("sendrecv")
        hears(one, 1000)
        hears(two, 440)


def test_moving_a_telephones_sound_to_another_port(box: Bench) -> None:
    """A re-INVITE with a new address: what a telephone does when it changes from handset to headset network."""
    one, first = box.call_in_answered()
    two, second = box.call_out_answered()
    box.desk.tell(commands.Bridge(first, second))
    two.sound.talk(1000)
    hears(one, 1000)
    old, one.sound = one.sound, Sound(box.edge.studio)
    one.sound.to = old.to
    old.quiet = True
    assert one.hold("sendrecv").status == 200
    one.sound.talk(440)
    hears(one, 1000)
    hears(two, 440)


def test_g722_and_g711_telephones_understand_each_other(box: Bench) -> None:
    """A G.722 offer is taken; what it hears of a narrow-band telephone is real sound, not silence."""
    one = box.edge.phone()
    plain = one.sdp
    one.sdp = lambda direction="sendrecv": (  # type: ignore[method-assign]
        plain(direction).replace("RTP/AVP 0 101", "RTP/AVP 9 101").replace("rtpmap:0 PCMU", "rtpmap:9 G722")
    )
    one.dial("101", "600")
    leg = box.desk.hears(events.PhoneRang).leg
    box.desk.tell(commands.Answer(leg))
    assert "RTP/AVP 9 " in one.status(200).body
    box.desk.hears(events.LegAnswered)
    one.bye()
    box.ended(leg)


def test_playing_to_a_call_before_it_is_answered_begins_with_the_answer(box: Bench, tmp_path: Path) -> None:
    phone, leg = box.call_in()
    box.desk.tell(PlayFiles(leg, 1, (sound_file(tmp_path, 500, 0.8),)))
    time.sleep(0.5)
    assert not box.desk.count(events.Played)
    box.desk.tell(commands.Answer(leg))
    hears(phone, 500)
    box.desk.hears(events.Played)


def test_a_party_that_leaves_while_being_played_to_is_forgotten(box: Bench, tmp_path: Path) -> None:
    file = sound_file(tmp_path, 500, 0.05)
    for round_number in range(20):
        phone, leg = box.call_in_answered()
        box.desk.tell(PlayFiles(leg, round_number, (file,) * 50))
        time.sleep(0.02 * (round_number % 4))
        if round_number % 2:
            phone.bye()
        else:
            box.desk.tell(commands.Hangup(LegId(leg)))
        box.ended(leg)
    assert box.alive
