"""The certificate telephones are shown on TLS: the box's own, renewed by itself, or one the owner has put in its place.

All is kept in the edge's folder, in files only their owner may read, each written whole. The edge looks at them anew for
every connection, so a change is in use at once and no connection is dropped for it. The desk may call `describe`,
`replace` and `go_back` from its own process.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from appliance.edge import keep
from appliance.edge.tls import server_context

log = logging.getLogger("qendra.edge")

DAY = 86_400.0
RENEW = 60 * DAY
"""Seconds before its end at which the box's certificate is made anew."""
AUTHORITY = "authority.pem"
_BOX = "server.pem"
_OWNERS = "own.pem"
_MARK = "Qendra: "
"""Begins the first line of our files; OpenSSL skips what stands before the first certificate."""


class Unfit(ValueError):
    """This certificate cannot be used; says why, in a sentence for the owner."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What telephones are shown now."""

    own: bool
    """Made by the box's own small authority; else the owner has put it in."""
    names: tuple[str, ...]
    """Host names and addresses it is good for."""
    since: float
    until: float
    """UTC seconds."""
    fingerprint: str
    """SHA-256 of the authority (or of the owner's certificate), as colon-separated hex."""
    authority: str = ""
    """PEM: what a telephone has to be given. Empty when the certificate is the owner's."""


def describe(folder: Path) -> Certificate | None:
    """The certificate in use; None before the edge has made one."""
    owners = _described(folder / _OWNERS, own=False)
    return owners or _described(folder / _BOX, own=True)


def replace(folder: Path, certificate: str, key: str, now: float) -> None:
    """Use the owner's own certificate from now on.

    Args:
        folder: of the edge's state.
        certificate: PEM, with those of the intermediate authorities, in any order.
        key: PEM, without a passphrase.
        now: UTC seconds.

    Raises:
        Unfit: it cannot be used; the one before stays.
        OSError: the disk is full or read-only.
    """
    from appliance.edge import authority  # noqa: PLC0415 - 18 MB that nobody needs on most days

    pem, about = authority.weighed(certificate, key, now)
    path = folder / _OWNERS
    tried = folder / f"{_OWNERS}.tried"
    keep.write(tried, _file(about, pem))
    try:
        server_context(tried)
    except ssl.SSLError as error:
        raise Unfit(f"This certificate cannot be used: {error.reason or error}.") from error
    else:
        tried.replace(path)
    finally:
        tried.unlink(missing_ok=True)


def go_back(folder: Path) -> None:
    """Use the box's certificate again."""
    (folder / _OWNERS).unlink(missing_ok=True)


def ensure(folder: Path, names: Iterable[str], now: float) -> bool:
    """Make the box's certificate if there is none, or none for these names, or it is about to run out.

    Answers whether one was made. Takes a second or two on a small machine, so it is no work for the event loop.

    Raises:
        OSError: the disk is full or read-only.
    """
    wanted = tuple(sorted({each.lower() for each in names if each}))
    known = _described(folder / _BOX, own=True)
    fits = known is not None and known.names == wanted and known.since <= now < known.until - RENEW
    if fits and _loaded(folder / _BOX) is not None:
        return False
    from appliance.edge import authority  # noqa: PLC0415 - see above

    pem, about = authority.issued(folder / AUTHORITY, wanted, now)
    keep.write(folder / _BOX, _file(about, pem))
    return True


class Shown:
    """How to speak TLS with who comes: always with the certificate that stands in the folder now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: list[tuple[int, int]] = []
        self._context: ssl.SSLContext | None = None

    def __call__(self) -> ssl.SSLContext:
        """For the next connection.

        Raises:
            OSError: there is no certificate that can be used.
        """
        paths = [self._folder / _OWNERS, self._folder / _BOX]
        seen = [_state(path) for path in paths]
        if seen != self._seen or self._context is None:
            self._seen = seen
            self._context = next((found for path in paths if (found := _loaded(path)) is not None), None)
        if self._context is None:
            raise FileNotFoundError(f"no certificate in {self._folder}")
        return self._context


def _state(path: Path) -> tuple[int, int]:
    """Another one whenever the file is another one."""
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_ino


def _loaded(path: Path) -> ssl.SSLContext | None:
    """None when there is no such file, or (which is said) none that can be used."""
    try:
        return server_context(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.error("%s cannot be used: %s", path, error)
        return None


def _file(about: dict[str, object], pem: bytes) -> bytes:
    return f"{_MARK}{json.dumps(about)}\n".encode() + pem


def _described(path: Path, *, own: bool) -> Certificate | None:
    try:
        first, _, _ = path.read_text(encoding="ascii").partition("\n")
        about = json.loads(first.removeprefix(_MARK))
        authority = path.with_name(AUTHORITY).read_text(encoding="ascii") if own else ""
        public = authority[authority.index("-----BEGIN CERTIFICATE") :] if own else ""
        names = tuple(str(each) for each in about["names"])
        return Certificate(own, names, float(about["since"]), float(about["until"]), str(about["fingerprint"]), public)
    except (OSError, ValueError, KeyError, TypeError):
        return None
