"""What the edge keeps on disk: its secret, who may register, who is registered, who is unheard. Files only their owner may read.

Every file is written anew beside the old one and put in its place, so it is whole whenever the power goes. One that
cannot be read is set aside and said; telephones then register again by themselves.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast, get_args

from appliance.calls.edge import Account, Accounts, Outside
from appliance.calls.moment import Moment
from appliance.calls.names import Extension
from appliance.edge.bans import Standing
from appliance.edge.binding import STALE, Binding
from appliance.edge.flows import Flow, LookUp, Naptr, Record, Srv, Transport, packed

log = logging.getLogger("qendra.edge")

_SECRET = 32


def secret(folder: Path) -> bytes:
    """The key of all our marks, made on the first start."""
    path = folder / "secret"
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        kept = b""
    if len(kept) != _SECRET:
        if kept:
            log.warning("%s is damaged; calls set up before now cannot be hung up from the telephone", path)
        kept = secrets.token_bytes(_SECRET)
        write(path, kept)
    return kept


def accounts_bytes(accounts: Accounts) -> bytes:
    """Accounts as they are kept."""
    people = [[each.extension, each.md5, each.sha256] for each in accounts.accounts]
    return json.dumps({"realm": accounts.realm, "accounts": people}).encode()


def accounts(folder: Path) -> Accounts | None:
    """Who might register when the desk was last heard; None if it never was."""
    said = read(folder / "accounts.json")
    if said is None:
        return None
    try:
        people = tuple(Account(Extension(str(who)), str(md5), str(sha)) for who, md5, sha in said["accounts"])
        return Accounts(str(said["realm"]), people)
    except (KeyError, TypeError, ValueError):
        set_aside(folder / "accounts.json")
        return None


def bindings_bytes(bindings: Iterable[Binding], now: Moment) -> bytes:
    """Registrations as they are kept, with the moment that their ends count from."""
    rows = [
        {
            "device": each.device,
            "extension": text(each.extension),
            "contact": text(each.contact),
            "flow": each.flow,
            "target": each.target,
            "call_id": text(each.call_id),
            "number": each.number,
            "age": now.mono - each.updated,
            "left": each.expires - now.mono,
            "instance": text(each.instance),
            "agent": each.agent,
        }
        for each in bindings
    ]
    return json.dumps({"mono": now.mono, "utc": now.utc, "bindings": rows}).encode()


def bindings(folder: Path, now: Moment) -> list[Binding]:
    """The registrations that have not lapsed meanwhile."""
    said = read(folder / "bindings.json")
    if said is None:
        return []
    try:
        away = now.since(Moment(float(said["mono"]), float(said["utc"])))
        kept = [_binding(row, away, now) for row in said["bindings"]]
    except (KeyError, TypeError, ValueError, AttributeError):
        set_aside(folder / "bindings.json")
        return []
    return [each for each in kept if each.expires > now.mono]


def bans_bytes(bans: Iterable[Standing], now: Moment) -> bytes:
    """Bans as they are kept, with the moment that their ends count from."""
    rows = [[each.host, each.name, each.until - now.mono, each.why] for each in bans]
    return json.dumps({"mono": now.mono, "utc": now.utc, "bans": rows}).encode()


def bans(folder: Path, now: Moment) -> list[Standing]:
    """The bans that are not over yet."""
    said = read(folder / "bans.json")
    if said is None:
        return []
    try:
        away = now.since(Moment(float(said["mono"]), float(said["utc"])))
        kept = [
            Standing(str(host), str(name), now.mono - away + float(left), str(why))
            for host, name, left, why in said["bans"]
        ]
    except (KeyError, TypeError, ValueError):
        set_aside(folder / "bans.json")
        return []
    return [each for each in kept if each.until > now.mono]


def outside_bytes(outside: Outside) -> bytes:
    """How we are called from outside, as it is kept."""
    return json.dumps({"name": outside.name, "sip_port": outside.sip_port, "tls_port": outside.tls_port}).encode()


def outside(folder: Path) -> Outside:
    """How we were called from outside when the desk was last heard."""
    said = read(folder / "outside.json")
    if said is None:
        return Outside()
    try:
        return Outside(str(said["name"]), int(said["sip_port"]), int(said["tls_port"]))
    except (KeyError, TypeError, ValueError):
        set_aside(folder / "outside.json")
        return Outside()


def names_bytes(known: Iterable[tuple[LookUp, tuple[Record, ...]]]) -> bytes:
    """What the DNS has said, as it is kept for times when it says nothing."""
    return json.dumps({"names": [[asked.name, asked.kind, records] for asked, records in known]}).encode()


def names(folder: Path) -> list[tuple[LookUp, tuple[Record, ...]]]:
    """What the DNS said in an earlier life."""
    said = read(folder / "names.json")
    if said is None:
        return []
    try:
        return [
            (LookUp(str(name), kind), tuple(_record(kind, each) for each in records))
            for name, kind, records in said["names"]
        ]  # fmt: skip
    except (KeyError, TypeError, ValueError):
        set_aside(folder / "names.json")
        return []


def write(path: Path, data: bytes) -> None:
    """Put `data` in the place of the file, whole.

    Raises:
        OSError: the disk is full or read-only; the old file stands.
    """
    new = path.with_name(path.name + ".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.fchmod(handle, 0o600)
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    new.replace(path)


def _binding(row: dict[str, Any], away: float, now: Moment) -> Binding:
    int(row["device"], 16)
    return Binding(
        device=row["device"],
        extension=raw(row["extension"]),
        contact=raw(row["contact"]),
        flow=flow(*row["flow"]),
        target=flow(*row["target"]),
        call_id=raw(row["call_id"]),
        number=int(row["number"]),
        updated=now.mono - away - float(row["age"]),
        # It may have stayed since, as many as did in the seconds before we ended.
        expires=now.mono - away + float(row["left"]) + STALE,
        instance=raw(row["instance"]),
        agent=str(row["agent"]),
    )


def _record(kind: str, value: Any) -> Record:
    match kind:
        case "SRV":
            priority, weight, port, target = value
            return Srv(int(priority), int(weight), int(port), str(target))
        case "NAPTR":
            order, preference, flags, service, replacement = value
            return Naptr(int(order), int(preference), str(flags), str(service), str(replacement))
        case "A" | "AAAA":
            return str(value)
        case _:
            raise ValueError(f"not a kind: {kind}")


def flow(transport: str, host: str, port: int) -> Flow:
    """A flow as it was kept.

    Raises:
        ValueError: it is none.
    """
    if transport not in get_args(Transport) or not packed(host) or not 0 < int(port) < 65536:
        raise ValueError(f"not a flow: {transport} {host} {port}")
    return Flow(cast("Transport", transport), host, int(port))


def text(value: bytes) -> str:
    """Bytes as they are kept."""
    return value.decode("latin-1")


def raw(value: str) -> bytes:
    """Bytes that were kept."""
    return value.encode("latin-1")


def read(path: Path) -> dict[str, Any] | None:
    """What stands in the file; None when there is none, or when it is damaged, which then is set aside."""
    try:
        said = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        set_aside(path)
        return None
    return said


def set_aside(path: Path) -> None:
    """Make way for a new file, and keep the damaged one to be looked at."""
    log.warning("%s cannot be read; it is kept as %s.damaged", path, path.name)
    path.replace(path.with_name(path.name + ".damaged"))
