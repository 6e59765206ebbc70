"""Prints what the installed pjsua2 is, as one JSON line: its version, how many call legs it carries, its codecs.

The number of legs is found by making calls until the library refuses one: a limit above the compiled one is cut
down silently, so there is nothing to read it from. The calls go to a socket of our own that never answers.
"""

from __future__ import annotations

import json
import os
import socket
import sys

import pjsua2 as pj

ASKED = 500
LOOPBACK = "127.0.0.1"


def endpoint() -> pj.Endpoint:
    """A library that is up, quiet, and bound to loopback."""
    ep = pj.Endpoint()
    ep.libCreate()
    config = pj.EpConfig()
    config.logConfig.level = 0
    config.logConfig.consoleLevel = 0
    config.uaConfig.maxCalls = ASKED
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    ep.libInit(config)
    ep.audDevManager().setNullDev()
    transport = pj.TransportConfig()
    transport.boundAddress = LOOPBACK
    ep.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    ep.libStart()
    return ep


def legs_until_refused(account: pj.Account, target: str) -> list[pj.Call]:
    """Calls made until the library had no room for one more."""
    calls: list[pj.Call] = []
    while len(calls) < ASKED:
        call = pj.Call(account)
        try:
            call.makeCall(target, pj.CallOpParam(True))
        except pj.Error:
            break
        calls.append(call)
    return calls


def main() -> None:
    """Try, print, and leave without the library's own farewell: it would wait for answers that never come."""
    ep = endpoint()
    config = pj.AccountConfig()
    config.idUri = f"sip:limits@{LOOPBACK}"
    config.mediaConfig.transportConfig.boundAddress = LOOPBACK
    account = pj.Account()
    account.create(config)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        calls = legs_until_refused(account, f"sip:nobody@{LOOPBACK}:{silent.getsockname()[1]}")
    facts = {
        "version": ep.libVersion().full,
        "call_legs": len(calls),
        "codecs": [codec.codecId for codec in ep.codecEnum2()],
    }
    print(json.dumps(facts))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
