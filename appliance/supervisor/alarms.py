"""What somebody should look at: said in plain words on the page, and forgotten when it has been quiet for a while."""

from __future__ import annotations

from appliance.calls.edge import Refusal, Refused
from appliance.calls.moment import Moment

GUESSES = 5
"""Wrong passwords from one address that are more than a slip of the finger."""
REMEMBERED_SECONDS = 3600.0
MOST_ADDRESSES = 200


class Alarms:
    """Counts what the front door refuses, by address."""

    def __init__(self) -> None:
        self._guesses: dict[str, tuple[int, Moment]] = {}

    def refused(self, refused: Refused, now: Moment) -> None:
        """The front door turned somebody away."""
        if refused.refusal not in (Refusal.WRONG_PASSWORD, Refusal.UNKNOWN_USER, Refusal.BANNED):
            return
        address = refused.source.partition(" ")[2].rpartition(":")[0] or refused.source
        times, _ = self._guesses.pop(address, (0, now))
        self._guesses[address] = (times + refused.times, now)
        if len(self._guesses) > MOST_ADDRESSES:
            del self._guesses[next(iter(self._guesses))]

    def forgive(self, address: str) -> None:
        """Somebody knows who that is."""
        self._guesses.pop(address, None)

    def words(self, now: Moment) -> tuple[str, ...]:
        """What is worth looking at now."""
        for address, (_, last) in list(self._guesses.items()):
            if now.since(last) > REMEMBERED_SECONDS:
                del self._guesses[address]
        return tuple(
            f"Somebody at {address} is guessing telephone passwords ({times} times)."
            for address, (times, _) in self._guesses.items()
            if times >= GUESSES
        )
