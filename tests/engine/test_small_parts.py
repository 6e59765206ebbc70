"""Wiring, inbox, sound watch, the cutter and the writer: no I/O, or a pty's worth of it."""

from __future__ import annotations

import argparse
import random
import threading
import time
from typing import Any, cast

import pytest

from appliance.engine.__main__ import port_range, settings_from
from appliance.engine.inbox import Inbox
from appliance.engine.pcm import FrameCutter, FrameWriter
from appliance.engine.pj.sound import Player
from appliance.engine.sound_watch import SoundWatch
from appliance.engine.wiring import Wiring


class Switchboard:
    def __init__(self) -> None:
        self.live: set[tuple[str, str]] = set()
        self.wiring: Wiring[str] = Wiring(
            lambda one, other: self.live.add((one, other)), lambda one, other: self.live.discard((one, other))
        )


def test_wishes_outlive_the_place_on_the_bridge() -> None:
    board = Switchboard()
    board.wiring.want("a", "b")
    board.wiring.want("b", "a")
    board.wiring.want("music", "b")
    board.live.clear()
    board.wiring.renew("b")
    assert board.live == {("a", "b"), ("b", "a"), ("music", "b")}


def test_who_is_forgotten_takes_part_in_nothing() -> None:
    board = Switchboard()
    for pair in (("a", "b"), ("b", "a"), ("c", "a")):
        board.wiring.want(*pair)
    board.wiring.forget("a")
    board.wiring.unwant("x", "y")
    assert not board.live
    assert len(board.wiring) == 0


def test_the_bell_is_rung_once_for_many_and_again_for_more() -> None:
    rings: list[int] = []
    inbox: Inbox[int] = Inbox(lambda: rings.append(1))
    for number in range(5):
        inbox.put(number)
    done: list[int] = []
    inbox.empty(done.append)
    assert (done, len(rings)) == ([0, 1, 2, 3, 4], 1)
    inbox.put(5)
    assert len(rings) == 2


def test_a_question_is_answered_on_the_other_thread() -> None:
    bell = threading.Event()
    inbox: Inbox[int] = Inbox(bell.set)

    def answer() -> None:
        bell.wait(5)
        inbox.empty(lambda _: None)

    threading.Thread(target=answer, daemon=True).start()
    assert inbox.ask(lambda: 42, 5) == 42
    with pytest.raises(TimeoutError):
        inbox.ask(lambda: 42, 0.01)


def test_two_seconds_without_a_byte_are_said_once_until_it_comes_back() -> None:
    watch = SoundWatch(8000, 0.0)
    assert watch.tick(1.9) == []
    assert watch.tick(2.0) == ["no sound from the modem for 2 s"]
    assert watch.tick(3.0) == []
    watch.received(320, 3.1, blank=False)
    assert watch.tick(5.2) == ["no sound from the modem for 2 s"]


@pytest.mark.parametrize(
    ("samples", "burst", "words"),
    [
        (8000, 1, []),
        (8200, 1, []),
        (8000, 5, []),
        (16000, 1, ["the modem sends 16000 samples a second instead of 8000"]),
        (7600, 5, ["the modem sends 7600 samples a second instead of 8000"]),
    ],
)
def test_a_wrong_rate_is_measured_whatever_the_size_of_deliveries(samples: int, burst: int, words: list[str]) -> None:
    watch = SoundWatch(8000, 0.0)
    said = []
    step = 160 * burst
    for number in range(int(12 * samples / step)):
        said += watch.received(2 * step, number * step / samples, blank=False)
    assert said == words


def test_nothing_but_zeros() -> None:
    watch = SoundWatch(8000, 0.0)
    said = [words for step in range(600) for words in watch.received(320, step * 0.02, blank=True)]
    assert said == ["the modem has sent nothing but zeros for 10 s"]
    assert watch.received(320, 12.0, blank=False) == []


def test_samples_torn_between_reads_are_whole_again() -> None:
    dice = random.Random(3)
    data = dice.randbytes(32000)
    cutter, frames, at = FrameCutter(320), [], 0
    while at < len(data):
        step = dice.randrange(1, 1700)
        frames += cutter.cut(data[at : at + step])
        at += step
    assert b"".join(frames) == data
    assert {len(frame) for frame in frames} == {320}


class TightPort:
    """A port that takes only so much."""

    def __init__(self, room: list[int], waiting: int = 0) -> None:
        self.room = room
        self.waiting = waiting
        self.got = b""

    def write(self, data: bytes) -> int:
        taken = min(self.room.pop(0) if self.room else len(data), len(data))
        self.got += data[:taken]
        return taken

    def queued(self) -> int:
        return self.waiting


def test_a_torn_frame_is_finished_and_one_without_room_is_lost() -> None:
    port = TightPort([320, 101, 50, 400])
    writer = FrameWriter(cast("Any", port), 2560)
    for letter in (b"a", b"b", b"c", b"d"):
        writer.write(letter * 320)
    assert port.got == b"a" * 320 + b"b" * 320 + b"d" * 320
    assert (writer.sent, writer.lost) == (960, 1)


def test_a_modem_that_lags_gets_no_more_to_lag_with() -> None:
    port = TightPort([], waiting=5000)
    writer = FrameWriter(cast("Any", port), 2560)
    writer.write(bytes(320))
    assert (port.got, writer.lost) == (b"", 1)


def test_nothing_here_waits() -> None:
    began = time.monotonic()
    writer = FrameWriter(cast("Any", TightPort([0] * 1000)), 2560)
    for _ in range(500):
        writer.write(bytes(320))
    assert writer.lost == 500
    assert time.monotonic() - began < 1


def test_the_command_line() -> None:
    settings = settings_from(["--run", "/r", "--recordings", "rec", "--rtp-ports", "10001-10009", "--disk-floor", "5"])
    assert (settings.first_rtp, settings.last_rtp, settings.disk_floor) == (10002, 10009, 5_000_000)
    assert settings.recordings.is_absolute()


@pytest.mark.parametrize("text", ["", "x-y", "10000", "10-20", "20000-10000", "65534-70000", "1-2-3"])
def test_port_ranges_that_are_none(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        port_range(text)


class Grave:
    """What a player asks the library."""

    def __init__(self) -> None:
        self.listeners = [1]

    def getPortInfo(self) -> Grave:  # noqa: N802
        return self


def looks_until_gone(*, told: bool) -> int:
    player, grave = Player.__new__(Player), Grave()
    player._raw, player._told, player._unheard = grave, told, 0
    assert not any(player.may_go() for _ in range(1000)), "somebody hears it"
    grave.listeners = []
    for look in range(1, 1000):
        if player.may_go():
            assert player.media() is None
            return look
        assert player.media() is grave
    raise AssertionError("never")


def test_a_player_is_kept_until_its_last_event_is_over() -> None:
    assert looks_until_gone(told=True) == 5
    assert looks_until_gone(told=False) == 100
