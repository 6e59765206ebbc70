"""Subscriptions as they stand in a file, so that telephones need not notice a restart of the edge."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from appliance.calls.moment import Moment
from appliance.edge import keep
from appliance.edge.notifier.notifier import KEEP_WITHIN
from appliance.edge.notifier.packages import Package
from appliance.edge.notifier.subscription import Subscription
from appliance.edge.notifier.wish import SHORTEST

FILE = "subscriptions.json"


def subscriptions_bytes(subscriptions: Iterable[Subscription], now: Moment) -> bytes:
    """Subscriptions as they are kept, with the moment that their ends count from."""
    rows = [
        {
            "package": each.package,
            "event": keep.text(each.event),
            "watcher": keep.text(each.watcher),
            "watched": keep.text(each.watched),
            "call_id": keep.text(each.call_id),
            "ours": keep.text(each.ours),
            "theirs": keep.text(each.theirs),
            "local": keep.text(each.local),
            "remote": keep.text(each.remote),
            "contact": keep.text(each.contact),
            "routes": [keep.text(route) for route in each.routes],
            "flow": each.flow,
            "device": each.device,
            "number": each.number,
            "sent": each.sent,
            "left": each.expires - now.mono,
        }
        for each in subscriptions
    ]
    return json.dumps({"mono": now.mono, "utc": now.utc, "subscriptions": rows}).encode()


def subscriptions(folder: Path, now: Moment) -> list[Subscription]:
    """Those that may still stand. A last refresh need not be in the file: who lately ended in it is asked once more."""
    said = keep.read(folder / FILE)
    if said is None:
        return []
    try:
        away = now.since(Moment(float(said["mono"]), float(said["utc"])))
        kept = [_subscription(row, away, now) for row in said["subscriptions"]]
    except (KeyError, TypeError, ValueError, AttributeError):
        keep.set_aside(folder / FILE)
        return []
    for each in kept:
        if -KEEP_WITHIN - SHORTEST < each.expires - now.mono < SHORTEST:
            each.expires = now.mono + SHORTEST
    return [each for each in kept if each.expires > now.mono]


def _subscription(row: dict[str, Any], away: float, now: Moment) -> Subscription:
    if row["device"]:
        int(row["device"], 16)
    return Subscription(
        package=Package(row["package"]),
        event=keep.raw(row["event"]),
        watcher=keep.raw(row["watcher"]),
        watched=keep.raw(row["watched"]),
        call_id=keep.raw(row["call_id"]),
        ours=keep.raw(row["ours"]),
        theirs=keep.raw(row["theirs"]),
        local=keep.raw(row["local"]),
        remote=keep.raw(row["remote"]),
        contact=keep.raw(row["contact"]),
        routes=tuple(keep.raw(route) for route in row["routes"]),
        flow=keep.flow(*row["flow"]),
        device=row["device"],
        number=int(row["number"]),
        sent=int(row["sent"]),
        expires=now.mono - away + float(row["left"]),
    )
