"""Thirty conversations at once, all recorded: everybody hears the right person, and nobody else."""

from __future__ import annotations

import asyncio
import random
import time
from array import array
from pathlib import Path

import numpy as np

from appliance.calls.record import Result
from appliance.edge.virtual.desk_phone import DeskPhone
from appliance.edge.virtual.telephone import Over, Rings, Talks
from tests.journeys.box import Ports, is_whole
from tests.journeys.hearing import Samples, from_bytes, is_tone, share, tone
from tests.journeys.house import House, password, site
from tests.journeys.processes import wait_for

PAIRS = 30
TALK_SECONDS = 6.0


def voice(number: int) -> float:
    """Of the telephone of this number: each its own, 40 Hz apart."""
    return 333.0 + 43.0 * number


def heard(phone: DeskPhone, seconds: float) -> Samples:
    return from_bytes(phone.ear.heard(seconds).tobytes())


async def converse(box: tuple[str, int], extensions: list[str]) -> list[str]:
    """The first half calls the second; what went wrong, in words."""
    dice = random.Random(7)
    phones = [DeskPhone(extension, password(extension), box, dice) for extension in extensions]
    half = len(phones) // 2
    wrong: list[str] = []
    try:
        signed = await asyncio.gather(*(phone.register() for phone in phones))
        wrong += [f"not registered: {one}" for one in signed if not one.registered]
        for number, phone in enumerate(phones):
            samples = (tone(voice(number), 2.0, 0.3) * 32767).astype(np.int16)
            phone.say(array("h", samples.tobytes()), loop=True)
        for caller, called in zip(phones[:half], phones[half:], strict=True):
            wrong += await connect(caller, called)
        await asyncio.sleep(TALK_SECONDS)
        for number, phone in enumerate(phones):
            other = voice((number + half) % len(phones))
            sound = heard(phone, 2.0)
            if not is_tone(sound, other):
                wrong.append(f"{phone.extension} hears {share(sound, other):.2f} of {other} Hz")
        over = [asyncio.ensure_future(phone.wait(Over)) for phone in phones[half:]]
        await asyncio.sleep(0)
        for caller in phones[:half]:
            caller.hang_up()
        await asyncio.gather(*over)
    finally:
        for phone in phones:
            phone.close()
    return wrong


async def connect(caller: DeskPhone, called: DeskPhone) -> list[str]:
    """One calls the other with the prefix for recorded calls."""
    rings = asyncio.ensure_future(called.wait(Rings))
    talks = [asyncio.ensure_future(one.wait(Talks)) for one in (caller, called)]
    await asyncio.sleep(0)
    caller.dial(f"8{called.extension}")
    try:
        await rings
        called.answer()
        await asyncio.gather(*talks)
    except TimeoutError:
        for waiting in (rings, *talks):
            waiting.cancel()
        return [f"{caller.extension} did not reach {called.extension}"]
    return []


def test_thirty_conversations_at_once(house: House) -> None:
    extensions = [str(201 + number) for number in range(2 * PAIRS)]
    box = house.box(site(" ".join(extensions), operators=extensions[0], lines=""), ports=Ports.free(rtp=400)).start()
    began = time.monotonic()
    wrong = house.loop.do(converse(box.telephones, extensions), 90.0)
    assert wrong == []
    wait_for("all records", lambda: sum(map(is_whole, box.records())) == PAIRS, 30.0)
    print(f"{PAIRS} calls, {time.monotonic() - began:.1f} s")
    for record in box.records():
        assert (record.result, record.recording_fault) == (Result.ANSWERED, ""), record
        left, right = box.recording(record)
        caller, called = voice(int(record.caller) - 201), voice(int(record.operators[0]) - 201)
        assert is_tone(left[-16000:-4000], caller), record
        assert is_tone(right[-16000:-4000], called), record
    assert {Path(record.recording).name for record in box.records()} == {record.call for record in box.records()}
    box.stop()
