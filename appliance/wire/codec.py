"""One message, one line of JSON: `["LegRang",1234.5,{"leg":"…"}]`; a person can read a seam with socat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

LIMIT = 1 << 20
"""Bytes in the longest line a peer may send; a longer one ends the connection."""


class BadMessage(ValueError):
    """The peer sent something this seam does not have; says what."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first line of either side: a peer of another version is refused in words, not by strange behaviour."""

    seam: str
    version: int


@dataclass(frozen=True)
class Seam:
    """The words two processes may say to each other. `version` grows when a word changes its meaning."""

    name: str
    version: int
    words: tuple[type[Any], ...]

    def __post_init__(self) -> None:
        words: tuple[type[Any], ...] = (Hello, *self.words)
        table = {word.__name__: msgspec.json.Decoder(word) for word in words}
        if len(table) != len(self.words) + 1:
            raise ValueError(f"seam {self.name}: two words of one name")
        object.__setattr__(self, "_decoders", table)

    @property
    def hello(self) -> Hello:
        """What each side says first."""
        return Hello(self.name, self.version)

    def encode(self, message: object, at: float) -> bytes:
        """The line for `message`, which happened at the monotonic second `at`."""
        return _encoder.encode((type(message).__name__, at, message)) + b"\n"

    def decode(self, line: bytes) -> tuple[Any, float]:
        """Message and second of one line.

        Raises:
            BadMessage: not JSON, not a word of this seam, or a field missing or of the wrong type.
        """
        decoders: dict[str, msgspec.json.Decoder[Any]] = self._decoders  # type: ignore[attr-defined]
        try:
            name, at, body = _envelope.decode(line)
            decoder = decoders.get(name)
            if decoder is None:
                raise BadMessage(f"seam {self.name} has no word {name!r}")
            return decoder.decode(body), at
        except msgspec.DecodeError as error:
            raise BadMessage(f"seam {self.name}: {error}") from error

    def greet(self, message: object) -> None:
        """Check the peer's first message.

        Raises:
            BadMessage: it is not the Hello of this seam in this version.
        """
        if message != self.hello:
            raise BadMessage(f"seam {self.name} version {self.version}, but the peer said {message!r}")


_encoder = msgspec.json.Encoder()
_envelope = msgspec.json.Decoder(tuple[str, float, msgspec.Raw])
