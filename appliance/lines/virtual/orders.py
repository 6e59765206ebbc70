"""What may be asked of a virtual modem, by the control socket and by the keyboard: one request, one answer, as JSON.

{"do": "ring", "number": "+355672000001"}   {"ok": true}
{"do": "key", "key": "1"}                   {"ok": false, "why": "no call is up"}
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from appliance.lines.virtual import sounds
from appliance.lines.virtual.inside import Fault, NotNow
from appliance.lines.virtual.modem import State, VirtualModem
from appliance.lines.virtual.network import FarManner

Request = dict[str, Any]
Answer = dict[str, Any]

LONGEST_WAIT = 300.0
WORDS: dict[str, Callable[[State], bool]] = {
    "plugged": lambda state: state.plugged,
    "registered": lambda state: state.registered,
    "ringing": lambda state: state.call == "ringing",
    "dialled": lambda state: state.outgoing and state.call in {"dialling", "alerting", "active"},
    "alerting": lambda state: state.call == "alerting",
    "answered": lambda state: state.call == "active",
    "sound": lambda state: state.sound,
    "over": lambda state: state.call == "none",
}
"""What can be waited for."""


async def obey(modem: VirtualModem, request: Request) -> Answer:
    """Carry out one request. Whatever it holds, it is answered, and nothing raises."""
    try:
        return {"ok": True, **await _obey(modem, request)}
    except (NotNow, sounds.NotSound) as refusal:
        return {"ok": False, "why": str(refusal)}
    except (KeyError, TypeError, ValueError) as error:
        return {"ok": False, "why": f"that is no request: {error!r}"}
    except OSError as error:
        return {"ok": False, "why": str(error)}


async def _obey(modem: VirtualModem, request: Request) -> Answer:
    match request["do"]:
        case "ring":
            number = str(request.get("number", ""))
            modem.ring("" if number == "withheld" else number)
        case "answer":
            modem.answer()
        case "hangup":
            modem.hang_up()
        case "busy":
            modem.hang_up("BUSY")
        case "far":
            _set_manner(modem, request)
        case "key":
            modem.press(str(request["key"]).upper())
        case "say":
            return {"seconds": modem.say(await asyncio.to_thread(sounds.read_wav, Path(request["wav"])))}
        case "tone":
            hz = request["hz"] if isinstance(request["hz"], list) else [request["hz"]]
            seconds = float(request.get("seconds", 1.0))
            return {"seconds": modem.say(await asyncio.to_thread(sounds.tone, [float(one) for one in hz], seconds))}
        case "count":
            return {"seconds": modem.say(await asyncio.to_thread(sounds.counting, float(request.get("seconds", 1.0))))}
        case "hush":
            modem.hush()
        case "hear":
            return await _hear(modem, request)
        case "record":
            modem.record(Path(request["wav"]) if request.get("wav") else None)
        case "state":
            return asdict(modem.state)
        case "story":
            return {"story": list(modem.story)}
        case "wait":
            return await _wait(modem, request)
        case "fault":
            _fault(modem, request)
        case "signal":
            modem.signal(int(request["strength"]))
        case "unplug":
            modem.unplug(float(request["seconds"]) if "seconds" in request else None)
        case "plug":
            modem.plug()
        case other:
            raise NotNow(f"there is no order {other!r}")
    return {}


async def _hear(modem: VirtualModem, request: Request) -> Answer:
    """What the far end heard last: how loud, at which frequencies, and as a file when one is named."""
    samples = modem.heard(float(request.get("seconds", 1.0)))
    wanted = [float(hz) for hz in request.get("hz", [])]
    if request.get("wav"):
        await asyncio.to_thread(sounds.write_wav, Path(request["wav"]), samples)
    loudness = await asyncio.to_thread(sounds.loudness_db, samples)
    levels = {f"{hz:g}": round(await asyncio.to_thread(sounds.level_db, samples, hz), 1) for hz in wanted}
    return {"seconds": len(samples) / sounds.RATE, "loudness": round(loudness, 1), "levels": levels}


async def _wait(modem: VirtualModem, request: Request) -> Answer:
    true = WORDS.get(request["for"])
    if true is None:
        raise NotNow(f"one can wait for {', '.join(WORDS)}")
    seconds = min(float(request.get("seconds", 30.0)), LONGEST_WAIT)
    if not await modem.wait_for(true, seconds):
        raise NotNow(f"not {request['for']} within {seconds:g} s; it is now: {modem.state.call}")
    return asdict(modem.state)


def _set_manner(modem: VirtualModem, request: Request) -> None:
    far = request["is"]
    if far not in get_args(FarManner):
        raise NotNow(f"the far end can be: {', '.join(get_args(FarManner))}")
    after = request.get("after", 2.0)
    modem.behave(far, None if after is None else float(after))


def _fault(modem: VirtualModem, request: Request) -> None:
    match request["is"]:
        case "mute" | "dead" | "blank" | "noise" as kind:
            _sound_fault(modem, kind)
        case kind if kind in get_args(Fault):
            if kind == "none":
                modem.mute(on=False)
                modem.deaden(on=False)
                modem.blank(on=False)
            modem.misbehave(kind)
        case _:
            raise NotNow(f"faults are: {', '.join(get_args(Fault))}, mute, dead, blank, noise")


def _sound_fault(modem: VirtualModem, kind: str) -> None:
    match kind:
        case "mute":
            modem.mute(on=True)
        case "dead":
            modem.deaden(on=True)
        case "blank":
            modem.blank(on=True)
        case _:
            modem.noise()
